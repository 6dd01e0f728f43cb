//! What will be done and what became of it, in a file that only we can write.
//!
//! The directory is private (0700, ours) and holds the lock by which two instances exclude each other: a lock in a place
//! that others can open could be held by anybody for ever. [`codec`] is the form of the bytes.

pub mod codec;
mod error;
mod halves;
mod history;
mod names;
mod open;
mod reading;
mod rotate;
mod spans;
pub mod tally;

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{FallocateFlags, MemfdFlags, Mode, OFlags};
use rustix::io::Errno;

use super::shelter;
use crate::model::journal::{Record, WorkId};
use crate::model::mode::GROUP_OTHERS;
use crate::sys::{hands, stat};
use codec::{EncodeError, Extent, Tip, Written};
pub use error::JournalError;
use error::os;
use halves::halves;
pub use history::History;
pub use names::Names;
use reading::read;
pub use reading::{Content, records};
pub use spans::Spans;
use tally::Tally;

const NAME: &str = "journal";
const LOCK: &str = "lock";
/// Millions of entries: a longer one is not read, and never cut.
const LARGEST: u64 = 1 << 30;
/// So much of that is left to those who free room by what they write down: a purge, an undo.
const SPARE: u64 = 64 << 20;

/// A journal that is open for writing; nobody else has it.
#[derive(Debug)]
pub struct Journal {
    file: File,
    tip: Tip,
    /// Number of its first record.
    first: u64,
    /// How far it may grow.
    limit: u64,
    /// A record that could be neither written nor taken back: nothing behind it would be read.
    is_broken: bool,
    /// What all of it says of quarantines.
    tally: Tally,
    /// Goes with the journal, and lets the next one in.
    _lock: OwnedFd,
}

/// What a journal held when it was opened.
#[derive(Debug)]
pub struct Opened {
    /// To go on writing.
    pub journal: Journal,
    /// What is in it, as far as whoever acts must know it.
    pub records: Vec<Record>,
    /// Bytes of a torn tail, which are cut off.
    pub torn: usize,
    /// The name of a copy of it in the same directory, where more than a torn tail was cut off.
    pub copy: Option<String>,
}

/// A journal that was read by whoever has it alone now; nothing of it is changed yet.
#[derive(Debug)]
pub struct Found {
    file: File,
    lock: OwnedFd,
    content: Content,
}

impl Found {
    /// Waits for nobody, reads all of it, and changes nothing: a journal that is missing is there then, and empty.
    ///
    /// # Errors
    /// [`JournalError::Busy`] at once where another instance has it; see the others.
    pub fn look(dir: BorrowedFd<'_>, own: u32) -> Result<Self, JournalError> {
        ours(dir, own)?;
        let lock = open_private(dir, LOCK).map_err(os("cannot open the lock"))?;
        ours(lock.as_fd(), own)?;
        hands::lock(&lock).map_err(|error| match error.kind() {
            io::ErrorKind::WouldBlock => JournalError::Busy,
            _ => os("cannot take the lock")(error),
        })?;
        let file = open_private(dir, NAME).map_err(os("cannot open the journal"))?;
        ours(file.as_fd(), own)?;
        let file = File::from(file);
        let content = read(Some(&file))?;
        if content.extent.is_newer {
            return Err(JournalError::Newer);
        }
        Ok(Self { file, lock, content })
    }

    /// What is in it, as far as whoever acts must know it.
    pub fn records(&self) -> &[Record] {
        &self.content.records
    }

    /// What all of it says of quarantines.
    pub fn tally(&self) -> &Tally {
        &self.content.tally
    }

    /// Whether it has grown so long that it should begin anew.
    pub fn is_long(&self) -> bool {
        u64::try_from(self.content.extent.end).is_ok_and(rotate::is_long)
    }

    /// Cuts a torn tail off and tidies up behind whoever was killed: from here on it is written to.
    ///
    /// # Errors
    /// See [`JournalError`].
    pub fn take_up(self, dir: BorrowedFd<'_>) -> Result<Opened, JournalError> {
        let Self { mut file, lock, content } = self;
        let Extent { end, tip, first, torn, .. } = content.extent;
        let mut copy = None;
        let length = u64::try_from(end).unwrap_or(u64::MAX);
        if torn > 0 {
            copy = keep_what_is_whole(dir, &mut file, end)?;
            file.set_len(length).map_err(os("cannot cut the torn tail off"))?;
        }
        file.seek(SeekFrom::Start(length)).map_err(os("cannot go to the end of the journal"))?;
        if (end, torn) == (0, 0) {
            // Records that are on the disk are of no use while their file has no name there.
            let names = crate::sys::dirfd::reopen_listing(dir).and_then(|dir| hands::sync_names(dir.as_fd()));
            names.map_err(os("cannot write the name of the journal"))?;
        }
        rotate::tidy(dir, &file);
        let limit = LARGEST - SPARE;
        let journal =
            Journal { file, tip, first, limit, is_broken: false, tally: content.tally, _lock: lock };
        Ok(Opened { journal, records: content.records, torn, copy })
    }
}

impl Journal {
    /// Opens the journal of a directory that is ours alone, for `own`, the uid that we act as.
    ///
    /// # Errors
    /// Those of [`Found::look`] and [`Found::take_up`].
    pub fn open(dir: BorrowedFd<'_>, own: u32) -> Result<Opened, JournalError> {
        Found::look(dir, own)?.take_up(dir)
    }

    /// A journal that ends with this process: for those who go without undo because nothing can be written.
    ///
    /// # Errors
    /// Those of memfd_create(2).
    pub fn in_memory() -> Result<Self, JournalError> {
        let make = || Ok(rustix::fs::memfd_create("tmpmedic-journal", MemfdFlags::CLOEXEC)?);
        let file = make().map_err(os("cannot keep the journal in memory"))?;
        let lock = make().map_err(os("cannot keep the journal in memory"))?;
        let (file, tip) = (File::from(file), Tip::START);
        let tally = Tally::default();
        Ok(Self { file, tip, first: 0, limit: LARGEST, is_broken: false, tally, _lock: lock })
    }

    /// Lets whoever ends works by what he writes down use the room that others must leave.
    pub fn use_spare_room(&mut self) {
        self.limit = LARGEST;
    }

    /// What all of it says of quarantines.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Begins anew with the records of the works that matter, and leaves an archive behind; says whether it did. Where hardly
    /// anything could stay behind it does not, nor where `goes_on` wants no more of it.
    ///
    /// # Errors
    /// Where the new one cannot be written: the old one goes on.
    pub fn begin_anew(
        &mut self,
        dir: BorrowedFd<'_>,
        (records, matters): (&mut Vec<Record>, &BTreeSet<WorkId>),
        goes_on: &dyn Fn() -> bool,
    ) -> Result<bool, JournalError> {
        rotate::rotate(self, dir, (records, matters), goes_on, &mut || Ok(()))
    }

    /// Takes so much room on the disk for what will be written: that the disk fills up meanwhile is then no trouble.
    ///
    /// # Errors
    /// ENOSPC; a file system that cannot promise room promises nothing.
    pub fn reserve(&mut self, bytes: u64) -> Result<(), JournalError> {
        let end = self.file.stream_position().map_err(os("cannot tell the end of the journal"))?;
        let after = end.saturating_add(bytes);
        if after > self.limit {
            return Err(JournalError::TooLarge(after));
        }
        match rustix::fs::fallocate(&self.file, FallocateFlags::KEEP_SIZE, end, bytes) {
            Ok(()) | Err(Errno::OPNOTSUPP | Errno::NOSYS) => Ok(()),
            Err(error) => Err(os("no room for the journal")(error.into())),
        }
    }

    /// Adds a record and waits until it is on the disk: what is told there is done only then. Steps that are too long for
    /// one record, as names full of control characters are, become several.
    ///
    /// # Errors
    /// [`JournalError`]; the journal ends as before then.
    pub fn add(&mut self, record: &Record) -> Result<(), JournalError> {
        self.write(record, codec::encode(record, self.tip))
    }

    /// The same with a record whose text was made before.
    ///
    /// # Errors
    /// As [`Journal::add`].
    pub fn add_written(&mut self, written: &Written) -> Result<(), JournalError> {
        self.write(written.record(), written.behind(self.tip))
    }

    fn write(
        &mut self,
        record: &Record,
        encoded: Result<(Vec<u8>, Tip), EncodeError>,
    ) -> Result<(), JournalError> {
        if self.is_broken {
            return Err(JournalError::Broken);
        }
        let (bytes, tip) = match encoded {
            Err(EncodeError::TooLarge(length)) => {
                let (one, other) = halves(record).ok_or(EncodeError::TooLarge(length))?;
                self.add(&one)?;
                return self.add(&other);
            }
            encoded => encoded?,
        };
        let before = self.file.stream_position().map_err(os("cannot tell the end of the journal"))?;
        let written = self.file.write_all(&bytes).and_then(|()| self.file.sync_data());
        if let Err(error) = written {
            // A half record would hide everything behind it.
            let cut = self.file.set_len(before).and_then(|()| self.file.seek(SeekFrom::Start(before)));
            self.is_broken = cut.is_err();
            return Err(os("cannot write the journal")(error));
        }
        self.tip = tip;
        self.tally.note(record);
        Ok(())
    }
}

impl Drop for Journal {
    /// Gives back the room that was reserved and not needed.
    fn drop(&mut self) {
        if let Ok(end) = self.file.stream_position() {
            self.file.set_len(end).ok();
        }
    }
}

/// Before records are cut off that a bad disk, not a kill, has parted from the rest, the whole is kept beside.
fn keep_what_is_whole(
    dir: BorrowedFd<'_>,
    file: &mut File,
    end: usize,
) -> Result<Option<String>, JournalError> {
    let mut bytes = Vec::new();
    let whole = file.rewind().and_then(|()| file.take(LARGEST).read_to_end(&mut bytes));
    whole.map_err(os("cannot read the journal"))?;
    if !codec::has_whole_record(bytes.get(end..).unwrap_or_default()) {
        return Ok(None);
    }
    let name = format!("{NAME}-damaged-{:016x}", shelter::random());
    let kept = hands::create_new(dir, name.as_bytes(), 0o600)
        .and_then(|mut copy| copy.write_all(&bytes).and_then(|()| copy.sync_all()));
    kept.map_err(os("it is damaged, and no copy can be kept"))?;
    Ok(Some(name))
}

fn open_private(dir: BorrowedFd<'_>, name: &str) -> io::Result<OwnedFd> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    Ok(rustix::fs::openat(dir, name, flags, Mode::RUSR | Mode::WUSR)?)
}

fn ours(node: BorrowedFd<'_>, own: u32) -> Result<(), JournalError> {
    let found = stat::of(node).map_err(os("cannot look at the journal"))?;
    if found.uid == own && found.mode & GROUP_OTHERS == 0 {
        Ok(())
    } else {
        Err(JournalError::NotOurs { uid: found.uid, mode: found.mode & 0o7777 })
    }
}

#[cfg(test)]
mod held_tests;
#[cfg(test)]
mod rotate_tests;
#[cfg(test)]
mod tests;
