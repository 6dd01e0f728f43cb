//! A journal is read without taking part: by whoever only looks, also while another instance writes.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use super::error::{JournalError, os};
use super::{LARGEST, NAME, codec, ours, rotate};
use crate::sys::{dirfd, stat};

/// Reads the journal of a directory without taking part.
///
/// # Errors
/// See [`JournalError`]; a journal that does not exist is empty.
pub fn records(dir: BorrowedFd<'_>, own: u32) -> Result<codec::Content, JournalError> {
    ours(dir, own)?;
    let file = match dirfd::open_regular(dir, NAME.as_bytes()) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return codec::decode(io::empty()).map_err(os("cannot read the journal"));
        }
        other => other.map_err(os("cannot open the journal"))?,
    };
    read(&file)
}

/// The same with the works that archives remember and the journal does not any more.
///
/// # Errors
/// As [`records`]; an archive that cannot be read is passed over.
pub fn history(dir: BorrowedFd<'_>, own: u32) -> Result<codec::Content, JournalError> {
    let mut content = records(dir, own)?;
    content.records = rotate::with_archives(dir, own, content.records);
    Ok(content)
}

/// What a file holds; one that is longer than any of ours is not read.
pub(super) fn read(file: &File) -> Result<codec::Content, JournalError> {
    let length = stat::of(file.as_fd()).map_err(os("cannot look at the journal"))?.size;
    if length > LARGEST {
        return Err(JournalError::TooLarge(length));
    }
    codec::decode(file).map_err(os("cannot read the journal"))
}
