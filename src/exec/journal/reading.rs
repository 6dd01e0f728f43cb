//! A journal is read without taking part: by whoever only looks, also while another instance writes.
//!
//! It is read as a stream, and only what is still open is held. What that is, only its end tells; so it is gone through once,
//! and then those records are read again that are needed.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::FileExt;

use super::codec::{self, Extent, Spot};
use super::error::{JournalError, os};
use super::open::Open;
use super::tally::Tally;
use super::{LARGEST, NAME, ours};
use crate::exec::chronicle::work_of;
use crate::model::journal::{Record, WorkId};
use crate::sys::{dirfd, stat};

/// What a journal holds.
#[derive(Debug)]
pub struct Content {
    /// The records, in order: of works that ended only with the steps that whoever acts must know.
    pub records: Vec<Record>,
    /// How far it reaches.
    pub extent: Extent,
    /// What all of it says of quarantines.
    pub tally: Tally,
}

/// Reads the journal of a directory without taking part.
///
/// # Errors
/// See [`JournalError`]; a journal that does not exist is empty.
pub fn records(dir: BorrowedFd<'_>, own: u32) -> Result<Content, JournalError> {
    read(open(dir, own)?.as_ref())
}

/// The journal of a directory; nothing where there is none.
pub(super) fn open(dir: BorrowedFd<'_>, own: u32) -> Result<Option<File>, JournalError> {
    ours(dir, own)?;
    match dirfd::open_regular(dir, NAME.as_bytes()) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        other => other.map(Some).map_err(os("cannot open the journal")),
    }
}

/// One record of a journal that is gone through.
enum Line {
    /// A beginning or an end.
    Frame(Box<Record>),
    /// Steps, to be read again where they are needed.
    Steps(WorkId, Spot),
}

/// What a file holds; one that is longer than any of ours is not read.
pub(super) fn read(file: Option<&File>) -> Result<Content, JournalError> {
    let (mut tally, mut lines) = (Tally::default(), Vec::new());
    let extent = go_through(file, &|_work| true, &mut |record, spot| {
        tally.note(&record);
        lines.push(match record {
            Record::Begin(_) | Record::End { .. } => Line::Frame(Box::new(record)),
            Record::Intent { .. } | Record::Outcome { .. } => Line::Steps(work_of(&record), spot),
        });
    })?;
    let open = Open::of(&tally);
    let mut records = Vec::new();
    for line in lines {
        match line {
            Line::Frame(record) => records.push(*record),
            Line::Steps(work, spot) if open.has(work) => {
                if let Some(file) = file {
                    records.extend(open.only(again(file, spot)?));
                }
            }
            Line::Steps(..) => {}
        }
    }
    Ok(Content { records, extent, tally })
}

/// Hears each record of a file, in order, the steps of a work where `wants` says so.
pub(super) fn go_through(
    file: Option<&File>,
    wants: &dyn Fn(WorkId) -> bool,
    each: &mut dyn FnMut(Record, Spot),
) -> Result<Extent, JournalError> {
    let Some(file) = file else {
        return codec::decode(io::empty(), wants, each).map_err(os("cannot read the journal"));
    };
    let length = stat::of(file.as_fd()).map_err(os("cannot look at the journal"))?.size;
    if length > LARGEST {
        return Err(JournalError::TooLarge(length));
    }
    codec::decode(FromStart { file, at: 0 }, wants, each).map_err(os("cannot read the journal"))
}

/// A record that was heard of before.
pub(super) fn again(file: &File, spot: Spot) -> Result<Record, JournalError> {
    let mut text = vec![0; spot.length];
    let read = file.read_exact_at(&mut text, spot.at).and_then(|()| codec::record(&text));
    read.map_err(os("cannot read the journal again"))
}

/// Reads a file without moving the place at which somebody writes.
struct FromStart<'f> {
    file: &'f File,
    at: u64,
}

impl Read for FromStart<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read_at(buffer, self.at)?;
        self.at = self.at.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
        Ok(count)
    }
}
