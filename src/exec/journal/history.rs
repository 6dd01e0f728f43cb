//! Everything that is remembered of a home, archives included, to be told work by work: what is held is where each work
//! stands, and its steps are read when they are told.

use std::collections::BTreeMap;
use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd};

use super::codec::{Extent, Spot};
use super::reading::{again, go_through};
use super::tally::Tally;
use super::{JournalError, ours, reading, rotate};
use crate::exec::chronicle::work_of;
use crate::model::journal::{Act, Came, Record, WorkId};
use crate::sys::dirfd;

/// What a home remembers.
#[derive(Debug)]
pub struct History {
    /// Beginnings and ends, and all of the works that changed something in its place.
    pub records: Vec<Record>,
    /// What all of it says of quarantines.
    pub tally: Tally,
    /// How far the journal itself reaches.
    pub extent: Extent,
    files: Vec<File>,
    shelves: BTreeMap<WorkId, Shelf>,
}

/// Where a work stands.
#[derive(Debug, Default)]
struct Shelf {
    /// In which file.
    file: usize,
    /// How many records there are of it.
    count: usize,
    /// Those that are held.
    held: Vec<Record>,
    intents: Vec<Spot>,
    outcomes: Vec<Spot>,
}

impl History {
    /// Reads a home without taking part: its journal, and the works that only archives remember any more. Of a work that
    /// stands in several the one that says most counts, and of equals the newest.
    ///
    /// # Errors
    /// As `records`; an archive that cannot be read is passed over.
    pub fn read(dir: BorrowedFd<'_>, own: u32) -> Result<Self, JournalError> {
        let current = reading::open(dir, own)?;
        let (mut all, mut history) =
            (Vec::new(), Self::empty(go_through(None, &|_work| true, &mut |_, _| {})?));
        for archive in rotate::archives(dir).unwrap_or_default() {
            let file = dirfd::open_regular(dir, archive.name().as_bytes()).ok();
            let file = file.filter(|file| ours(file.as_fd(), own).is_ok());
            all.extend(file.and_then(|file| Some((volume(Some(&file)).ok()?, file))));
        }
        for (volume, file) in all {
            history.add(volume, Some(file));
        }
        let volume = volume(current.as_ref())?;
        history.extent = volume.extent;
        history.add(volume, current);
        history.records =
            history.shelves.values_mut().flat_map(|shelf| std::mem::take(&mut shelf.held)).collect();
        Ok(history)
    }

    fn empty(extent: Extent) -> Self {
        let (records, files, shelves) = (Vec::new(), Vec::new(), BTreeMap::new());
        Self { records, tally: Tally::default(), extent, files, shelves }
    }

    fn add(&mut self, mut volume: Volume, file: Option<File>) {
        let number = self.files.len();
        self.files.extend(file);
        for (work, shelf) in volume.shelves {
            if self.shelves.get(&work).is_none_or(|known| shelf.count >= known.count) {
                self.shelves.insert(work, Shelf { file: number, ..shelf });
                self.tally.put(work, volume.tally.take(work).unwrap_or_default());
            }
        }
    }

    /// Hears what was to be done in a work, in order, a record at a time.
    ///
    /// # Errors
    /// See [`JournalError`].
    pub fn intents(&self, work: WorkId, each: &mut dyn FnMut(Vec<Act>)) -> Result<(), JournalError> {
        self.tell(work, |shelf| &shelf.intents, &mut |record| {
            if let Record::Intent { steps, .. } = record {
                each(steps);
            }
        })
    }

    /// Hears what became of it.
    ///
    /// # Errors
    /// See [`JournalError`].
    pub fn outcomes(&self, work: WorkId, each: &mut dyn FnMut(Vec<Came>)) -> Result<(), JournalError> {
        self.tell(work, |shelf| &shelf.outcomes, &mut |record| {
            if let Record::Outcome { steps, .. } = record {
                each(steps);
            }
        })
    }

    fn tell(
        &self,
        work: WorkId,
        which: impl Fn(&Shelf) -> &Vec<Spot>,
        each: &mut dyn FnMut(Record),
    ) -> Result<(), JournalError> {
        let known = self.shelves.get(&work).and_then(|known| Some((known, self.files.get(known.file)?)));
        let Some((known, file)) = known else { return Ok(()) };
        for spot in which(known) {
            each(again(file, *spot)?);
        }
        Ok(())
    }
}

/// What one file holds.
struct Volume {
    shelves: BTreeMap<WorkId, Shelf>,
    tally: Tally,
    extent: Extent,
}

fn volume(file: Option<&File>) -> Result<Volume, JournalError> {
    let (mut tally, mut shelves) = (Tally::default(), BTreeMap::<WorkId, Shelf>::new());
    let extent = go_through(file, &|_work| true, &mut |record, spot| {
        tally.note(&record);
        let work = work_of(&record);
        let shelf = shelves.entry(work).or_default();
        shelf.count += 1;
        let is_frame = match record {
            Record::Begin(_) | Record::End { .. } => true,
            Record::Intent { .. } => {
                shelf.intents.push(spot);
                false
            }
            Record::Outcome { .. } => {
                shelf.outcomes.push(spot);
                false
            }
        };
        if is_frame || tally.of(work).is_some_and(|counted| counted.has_deeds || !counted.has_begun) {
            shelf.held.push(record);
        }
    })?;
    Ok(Volume { shelves, tally, extent })
}
