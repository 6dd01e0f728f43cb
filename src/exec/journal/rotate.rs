//! A journal that has grown long begins anew: what can no longer be undone, freed or settled stays behind in an archive.
//!
//! The archive is the old journal, whole, under a name of its own; the new one begins with a record that continues the last
//! of the old one, and holds the works that still matter. It is written beside and takes the name in one step: whoever is
//! killed on the way leaves either the old journal or the new one, and never none.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd};

use super::codec;
use super::{Journal, JournalError, NAME, os, ours, read};
use crate::exec::chronicle::work_of;
use crate::model::errno::Errno;
use crate::model::journal::{Done, Record, WorkId};
use crate::sys::getdents::{Listing, PIECE};
use crate::sys::{dirfd, hands, stat};

/// So long a journal is read at every start; a longer one begins anew.
const LONG: u64 = 8 << 20;
/// Archives that are kept, the newest.
const ARCHIVES: usize = 8;
/// What they may hold together.
const ROOM: u64 = 64 << 20;
/// The new journal until it is whole.
const NEW: &[u8] = b"journal-new";

/// Whether a journal of that length is worth beginning anew.
pub fn is_long(bytes: u64) -> bool {
    bytes > LONG
}

/// Begins anew with the works that matter; says whether it did. Where hardly anything could stay behind it does not.
///
/// `step` is asked before each change, and ends it there by an error, as a kill would.
///
/// # Errors
/// Where the new one cannot be written: the old one is gone on with.
pub fn rotate(
    journal: &mut Journal,
    dir: BorrowedFd<'_>,
    (records, matters): (&mut Vec<Record>, &BTreeSet<WorkId>),
    step: &mut dyn FnMut() -> io::Result<()>,
) -> Result<bool, JournalError> {
    let length = stat::of(journal.file.as_fd()).map_err(os("cannot look at the journal"))?.size;
    let kept = kept(records, matters);
    // Counted first: a journal that all matters is not written out at every start to learn that.
    if kept.iter().map(|record| steps(record)).sum::<usize>() > records.iter().map(steps).sum::<usize>() / 2 {
        return Ok(false);
    }
    let kept: Vec<Record> = kept.into_iter().cloned().collect();
    let (mut bytes, mut tip) = (Vec::new(), journal.tip);
    for record in &kept {
        let (more, after) = codec::encode(record, tip)?;
        bytes.extend(more);
        tip = after;
    }
    let is_worth_it = u64::try_from(bytes.len()).is_ok_and(|new| new <= length / 2);
    if kept.is_empty() || !is_worth_it {
        return Ok(false);
    }
    let names = dirfd::reopen_listing(dir).map_err(os("cannot list the directory of the journal"))?;
    let file = take_its_place(dir, names.as_fd(), journal, &bytes, step);
    let file = file.map_err(os("the journal cannot begin anew"))?;
    (journal.first, journal.file, journal.tip) = (journal.tip.sequence, file, tip);
    *records = kept;
    // From here on the old one is not written to any more; what is written must be found under the name.
    let synced = step().and_then(|()| hands::sync_names(names.as_fd()));
    journal.is_broken = synced.is_err();
    synced.map_err(os("cannot write the name of the journal"))?;
    // An archive too many is the next one's.
    step().and_then(|()| prune(dir)).ok();
    Ok(true)
}

/// The records of those works. Of some others at least that they were: of the last of all, for numbers are never used again;
/// of the last in each quarantine, by which that is found again; and of those whose removal was interrupted, with the
/// outcomes that say so, for what they moved up may wait there for a purge.
fn kept<'r>(records: &'r [Record], matters: &BTreeSet<WorkId>) -> Vec<&'r Record> {
    let mut named: BTreeSet<WorkId> = records.iter().map(work_of).max().into_iter().collect();
    let mut last_in = BTreeMap::new();
    for record in records {
        if let Record::Begin(begin) = record
            && let (Some((place, _)), Some((name, _))) = (&begin.place, &begin.quarantine)
        {
            last_in.insert((place, name), begin.work);
        }
        named.extend(leaves_rests(record).then(|| work_of(record)));
    }
    named.extend(last_in.into_values());
    let is_kept = |record: &&Record| {
        let work = work_of(record);
        let is_frame = matches!(record, Record::Begin(_) | Record::End { .. }) || leaves_rests(record);
        matters.contains(&work) || is_frame && named.contains(&work)
    };
    records.iter().filter(is_kept).collect()
}

/// How much of a journal a record takes, roughly: what will be done is told of each step, what became of it in runs.
fn steps(record: &Record) -> usize {
    match record {
        Record::Intent { steps, .. } => steps.len(),
        Record::Begin(_) | Record::Outcome { .. } | Record::End { .. } => 1,
    }
}

/// Whether an outcome says that what was to be removed has no name any more, though not all of it was.
fn leaves_rests(record: &Record) -> bool {
    let Record::Outcome { steps, .. } = record else { return false };
    let no_name = Some(Errno(rustix::io::Errno::NOENT.raw_os_error()));
    steps.iter().any(|came| matches!(&came.done, Done::Failed { errno, .. } if *errno == no_name))
}

/// The new journal under the name of the old one, which has another by then.
fn take_its_place(
    dir: BorrowedFd<'_>,
    names: BorrowedFd<'_>,
    old: &Journal,
    bytes: &[u8],
    step: &mut dyn FnMut() -> io::Result<()>,
) -> io::Result<File> {
    step()?;
    let mut file = hands::create_new(dir, NEW, 0o600)?;
    step()?;
    file.write_all(bytes)?;
    file.sync_all()?;
    step()?;
    let last = old.tip.sequence.saturating_sub(1);
    hands::give_second_name(dir, NAME.as_bytes(), format!("{NAME}-{}-{last}", old.first).as_bytes())?;
    step()?;
    hands::sync_names(names)?;
    step()?;
    hands::move_plainly(dir, NEW, dir, NAME.as_bytes())?;
    Ok(file)
}

/// What somebody left who was killed on the way: the new one that did not take its place, and the archive that is still
/// written to.
pub fn tidy(dir: BorrowedFd<'_>, journal: &File) {
    hands::unlink(dir, NEW).ok();
    let Ok(own) = stat::of(journal.as_fd()) else { return };
    for archive in archives(dir).unwrap_or_default() {
        if archive.inode == own.inode {
            hands::unlink(dir, archive.name().as_bytes()).ok();
        }
    }
}

/// One archive, by the numbers of its first and last record.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Archive {
    last: u64,
    first: u64,
    inode: u64,
    size: u64,
}

impl Archive {
    fn name(&self) -> String {
        format!("{NAME}-{}-{}", self.first, self.last)
    }
}

/// All archives, oldest first.
fn archives(dir: BorrowedFd<'_>) -> io::Result<Vec<Archive>> {
    let names = dirfd::reopen_listing(dir)?;
    let mut buffer = Vec::with_capacity(PIECE / 8);
    let mut listing = Listing::new(names.as_fd(), &mut buffer);
    let mut found = Vec::new();
    while let Some(entry) = listing.next() {
        let entry = entry?;
        let text = entry.name().to_str().unwrap_or_default();
        let numbers = text.strip_prefix(NAME).and_then(|rest| rest.strip_prefix('-')?.split_once('-'));
        let numbers = numbers.and_then(|(first, last)| Some((first.parse().ok()?, last.parse().ok()?)));
        if let (Some((first, last)), Ok(it)) = (numbers, stat::at(dir, entry.name()))
            && it.is_regular()
        {
            found.push(Archive { last, first, inode: it.inode, size: it.size });
        }
    }
    found.sort();
    Ok(found)
}

/// The newest archives stay, the very newest whatever it holds.
fn prune(dir: BorrowedFd<'_>) -> io::Result<()> {
    let mut room = 0_u64;
    for (at, archive) in archives(dir)?.iter().rev().enumerate() {
        room = room.saturating_add(archive.size);
        if at > 0 && (at >= ARCHIVES || room > ROOM) {
            hands::unlink(dir, archive.name().as_bytes())?;
        }
    }
    Ok(())
}

/// The records of a journal with those of works that only archives still know, oldest first. Of a work that stands in several
/// the one that says most counts, and of equals the newest.
pub fn with_archives(dir: BorrowedFd<'_>, own: u32, current: Vec<Record>) -> Vec<Record> {
    let read_one = |archive: Archive| {
        let file = dirfd::open_regular(dir, archive.name().as_bytes()).ok()?;
        ours(file.as_fd(), own).ok()?;
        Some(read(&file).ok()?.records)
    };
    let old: Vec<Vec<Record>> = archives(dir).unwrap_or_default().into_iter().filter_map(read_one).collect();
    if old.is_empty() {
        return current;
    }
    let mut known: BTreeMap<WorkId, Vec<Record>> = BTreeMap::new();
    for records in old.into_iter().chain([current]) {
        let mut works: BTreeMap<WorkId, Vec<Record>> = BTreeMap::new();
        for record in records {
            works.entry(work_of(&record)).or_default().push(record);
        }
        for (work, records) in works {
            let entry = known.entry(work).or_default();
            if records.len() >= entry.len() {
                *entry = records;
            }
        }
    }
    known.into_values().flatten().collect()
}
