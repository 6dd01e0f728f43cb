//! A journal that has grown long begins anew: what can no longer be undone, freed or settled stays behind in an archive.
//!
//! The archive is the old journal, whole, under a name of its own; the new one begins with a record that continues the last
//! of the old one, and holds the works that still matter. It is written beside and takes the name in one step: whoever is
//! killed on the way leaves either the old journal or the new one, and never none.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::os::fd::{AsFd, BorrowedFd};

use super::codec::{self, Tip};
use super::reading::go_through;
use super::tally::{Tally, Weight, leaves_rests};
use super::{Journal, JournalError, NAME, os};
use crate::exec::chronicle::work_of;
use crate::model::journal::{Record, WorkId};
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

/// Begins anew with the works that matter; says whether it did. Where hardly anything could stay behind it does not, nor where
/// `goes_on` wants no more of it: that is asked until the old one loses its name.
///
/// `step` is asked before each change, and ends it there by an error, as a kill would.
///
/// # Errors
/// Where the new one cannot be written: the old one is gone on with.
pub fn rotate(
    journal: &mut Journal,
    dir: BorrowedFd<'_>,
    (records, matters): (&mut Vec<Record>, &BTreeSet<WorkId>),
    goes_on: &dyn Fn() -> bool,
    step: &mut dyn FnMut() -> io::Result<()>,
) -> Result<bool, JournalError> {
    let length = stat::of(journal.file.as_fd()).map_err(os("cannot look at the journal"))?.size;
    let framed = named(records, &journal.tally);
    let is_kept = |record: &Record| {
        let work = work_of(record);
        let is_frame = matches!(record, Record::Begin(_) | Record::End { .. }) || leaves_rests(record);
        matters.contains(&work) || is_frame && framed.contains(&work)
    };
    // Counted first: a journal that all matters is not written out at every start to learn that.
    let (kept, all) = weights(&journal.tally, matters, &framed);
    if kept == 0 || kept > all / 2 || !goes_on() {
        return Ok(false);
    }
    let failed = "the journal cannot begin anew";
    step().map_err(os(failed))?;
    let mut new = New::make(dir, (journal.tip, length / 2)).map_err(os(failed))?;
    step().map_err(os(failed))?;
    let wants = |work| matters.contains(&work) || framed.contains(&work);
    // What is of no use takes no room from those who write next.
    let in_vain = |why: JournalError| {
        hands::unlink(dir, NEW).ok();
        why
    };
    let extent = go_through(Some(&journal.file), &wants, &mut |record, _| {
        if new.is_worth_it() && is_kept(&record) && goes_on() {
            new.add(&record);
        }
    });
    if extent.map_err(in_vain)?.tip != journal.tip {
        return Err(in_vain(os("the journal changed while it was read")(io::ErrorKind::InvalidData.into())));
    }
    if !new.is_worth_it() || !goes_on() {
        hands::unlink(dir, NEW).ok();
        return new.failed.map_or(Ok(false), Err);
    }
    let (file, tip, tally) = new.whole().map_err(in_vain)?;
    let names = dirfd::reopen_listing(dir).map_err(os("cannot list the directory of the journal"))?;
    take_its_place(dir, names.as_fd(), journal, step).map_err(os(failed))?;
    (journal.first, journal.file, journal.tip) = (journal.tip.sequence, file, tip);
    journal.tally = tally;
    records.retain(is_kept);
    // From here on the old one is not written to any more; what is written must be found under the name.
    let synced = step().and_then(|()| hands::sync_names(names.as_fd()));
    journal.is_broken = synced.is_err();
    synced.map_err(os("cannot write the name of the journal"))?;
    // An archive too many is the next one's.
    step().and_then(|()| prune(dir)).ok();
    Ok(true)
}

/// The works of which at least that they were is kept: the last of all, for numbers are never used again; the last in each
/// quarantine, by which that is found again; and those whose removal was interrupted, with the outcomes that say so, for what
/// they moved up may wait there for a purge.
fn named(records: &[Record], tally: &Tally) -> BTreeSet<WorkId> {
    let mut named: BTreeSet<WorkId> = tally.works().map(|(work, _)| work).max().into_iter().collect();
    let mut last_in = BTreeMap::new();
    for record in records {
        if let Record::Begin(begin) = record
            && let (Some((place, _)), Some((name, _))) = (&begin.place, &begin.quarantine)
        {
            last_in.insert((place, name), begin.work);
        }
    }
    named.extend(last_in.into_values());
    named.extend(tally.works().filter(|(_, counted)| counted.weight.rests > 0).map(|(work, _)| work));
    named
}

/// How much would be kept, and how much there is.
fn weights(tally: &Tally, matters: &BTreeSet<WorkId>, named: &BTreeSet<WorkId>) -> (usize, usize) {
    let (mut kept, mut all) = (0, 0);
    for (work, counted) in tally.works() {
        let Weight { acts, frames, outcomes, rests } = counted.weight;
        all += acts + frames + outcomes;
        kept += match (matters.contains(&work), named.contains(&work)) {
            (true, _) => acts + frames + outcomes,
            (false, true) => frames + rests,
            (false, false) => 0,
        };
    }
    (kept, all)
}

/// The new journal while it is written.
struct New {
    out: BufWriter<File>,
    tip: Tip,
    tally: Tally,
    bytes: u64,
    /// Longer than that it is not worth it.
    most: u64,
    failed: Option<JournalError>,
}

impl New {
    fn make(dir: BorrowedFd<'_>, (tip, most): (Tip, u64)) -> io::Result<Self> {
        let out = BufWriter::new(hands::create_new(dir, NEW, 0o600)?);
        Ok(Self { out, tip, tally: Tally::default(), bytes: 0, most, failed: None })
    }

    fn is_worth_it(&self) -> bool {
        self.bytes <= self.most && self.failed.is_none()
    }

    fn add(&mut self, record: &Record) {
        let added = codec::encode(record, self.tip).map_err(JournalError::from).and_then(|(bytes, tip)| {
            self.out.write_all(&bytes).map_err(os("the journal cannot begin anew"))?;
            self.bytes = self.bytes.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
            self.tip = tip;
            self.tally.note(record);
            Ok(())
        });
        self.failed = added.err();
    }

    /// The file, on the disk with all that was added.
    fn whole(self) -> Result<(File, Tip, Tally), JournalError> {
        let written = self.out.into_inner().map_err(io::IntoInnerError::into_error);
        let file = written.and_then(|file| file.sync_all().map(|()| file));
        Ok((file.map_err(os("the journal cannot begin anew"))?, self.tip, self.tally))
    }
}

/// The new journal under the name of the old one, which has another by then.
fn take_its_place(
    dir: BorrowedFd<'_>,
    names: BorrowedFd<'_>,
    old: &Journal,
    step: &mut dyn FnMut() -> io::Result<()>,
) -> io::Result<()> {
    step()?;
    let last = old.tip.sequence.saturating_sub(1);
    hands::give_second_name(dir, NAME.as_bytes(), format!("{NAME}-{}-{last}", old.first).as_bytes())?;
    step()?;
    hands::sync_names(names)?;
    step()?;
    hands::move_plainly(dir, NEW, dir, NAME.as_bytes())
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
pub(super) struct Archive {
    last: u64,
    first: u64,
    inode: u64,
    size: u64,
}

impl Archive {
    pub(super) fn name(&self) -> String {
        format!("{NAME}-{}-{}", self.first, self.last)
    }
}

/// All archives, oldest first.
pub(super) fn archives(dir: BorrowedFd<'_>) -> io::Result<Vec<Archive>> {
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
