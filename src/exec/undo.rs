//! Taking back.
//!
//! By identity, and what came of it is written down. Nobody's later work is overwritten: a name that was taken again
//! keeps its new owner, and the old entry stays in the quarantine.

use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::BorrowedFd;

use super::journal::{Journal, JournalError};
use super::object;
use super::quarantine::Quarantine;
use crate::model::errno::Errno;
use crate::model::journal::{Act, Begin, Came, Change, Done, Record, WorkId};
use crate::model::plan::ObjectId;
use crate::model::raw_path::RawPath;
use crate::model::units::Bytes;

/// What is known of one step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What was to be changed.
    pub change: Change,
    /// What became of it; `None` where nobody wrote that down.
    pub done: Option<Done>,
}

/// The steps of a piece of work, by number.
pub fn steps_of(records: &[Record], wanted: WorkId) -> BTreeMap<u64, Step> {
    let mut steps = BTreeMap::new();
    for record in records {
        match record {
            Record::Intent { work, steps: acts } if *work == wanted => {
                for act in acts {
                    steps.insert(act.step, Step { change: act.change.clone(), done: None });
                }
            }
            Record::Outcome { work, steps: outcome } if *work == wanted => {
                for Came { step, done } in outcome {
                    if let Some(step) = steps.get_mut(step) {
                        step.done = Some(done.clone());
                    }
                }
            }
            _ => {}
        }
    }
    steps
}

/// Something that lies in a quarantine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Aside {
    /// Its name there.
    pub slot: RawPath,
    /// Which object.
    pub object: ObjectId,
    /// Its name in the place.
    pub name: RawPath,
    /// Blocks that it holds, where known.
    pub bytes: Option<Bytes>,
}

/// What lies in quarantines, by the work that put it there, unless it was taken back or purged since. One pass over the
/// journal, however long that is.
pub fn all_aside<'r>(records: impl IntoIterator<Item = &'r Record>) -> BTreeMap<WorkId, Vec<Aside>> {
    let mut steps: BTreeMap<(WorkId, u64), (&Change, bool)> = BTreeMap::new();
    for record in records {
        match record {
            Record::Intent { work, steps: acts } => {
                steps.extend(acts.iter().map(|act| ((*work, act.step), (&act.change, false))));
            }
            Record::Outcome { work, steps: outcome } => {
                for came in outcome {
                    if let Some((change, is_done)) = steps.get_mut(&(*work, came.step)) {
                        *is_done = matches!(came.done, Done::Done { .. }) || has_no_slot(change, &came.done);
                    }
                }
            }
            Record::Begin(_) | Record::End { .. } => {}
        }
    }
    let done =
        || steps.iter().filter(|(_, (_, is_done))| *is_done).map(|(key, (change, _))| (key.0, *change));
    let gone: BTreeSet<&RawPath> = done()
        .filter_map(|(_, change)| match change {
            Change::GiveBack { slot, .. } | Change::Purge { slot, .. } => Some(slot),
            _ => None,
        })
        .collect();
    let mut aside: BTreeMap<WorkId, Vec<Aside>> = BTreeMap::new();
    for (work, change) in done() {
        if let Change::Quarantine { name, object, slot, bytes } = change
            && !gone.contains(slot)
        {
            let (slot, name) = (slot.clone(), name.clone());
            aside.entry(work).or_default().push(Aside { slot, object: *object, name, bytes: *bytes });
        }
    }
    aside
}

/// An interrupted removal of which only moved up directories are left: nothing of it could be given back.
fn has_no_slot(change: &Change, done: &Done) -> bool {
    matches!(change, Change::Purge { .. }) && has_no_name(done)
}

/// Whether what was to be changed had no name any more.
pub fn has_no_name(done: &Done) -> bool {
    let no_name = Some(Errno(rustix::io::Errno::NOENT.raw_os_error()));
    matches!(done, Done::Failed { errno, .. } if *errno == no_name)
}

/// What lies in the quarantine because of one piece of work.
pub fn still_taken(records: &[Record], wanted: WorkId) -> Vec<(RawPath, ObjectId, RawPath)> {
    let aside = all_aside(records).remove(&wanted).unwrap_or_default();
    aside.into_iter().map(|aside| (aside.slot, aside.object, aside.name)).collect()
}

/// Whether a place or a quarantine is still the directory that a journal names. After a boot, or from another mount
/// namespace, the same directory is reached through a mount of another number, and its device may have another one.
pub fn is_same(then: &ObjectId, now: &ObjectId, boot: Boot) -> bool {
    let same = (then.inode, then.kind, then.born) == (now.inode, now.kind, now.born);
    same && (boot == Boot::Another || then.device == now.device)
}

/// In which boot something was written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Boot {
    /// In this one.
    This,
    /// In one before.
    Another,
}

impl Boot {
    /// By the ids of both.
    pub fn of(then: &str, now: &str) -> Self {
        if then == now { Self::This } else { Self::Another }
    }
}

/// An object of a journal as it is named today: by mount and device of the place that holds it. What lies in one directory
/// is on one mount, but not on one device: an overlay shows files under that of their layer, btrfs under that of their
/// subvolume.
pub fn today(object: ObjectId, then: &ObjectId, now: &ObjectId) -> ObjectId {
    if object.mount_id != then.mount_id {
        return object;
    }
    let device = if object.device == then.device { now.device } else { object.device };
    ObjectId { mount_id: now.mount_id, device, ..object }
}

/// The same in everything that a journal says of a work in a place, which is that object now.
pub fn records_today(records: &mut [Record], begin: &Begin, now: &ObjectId) {
    let Some((_, then)) = &begin.place else { return };
    for record in records {
        let Record::Intent { steps, .. } = record else { continue };
        for Act { change, .. } in steps {
            if let Change::Quarantine { object, .. }
            | Change::GiveBack { object, .. }
            | Change::Purge { object, .. } = change
            {
                *object = today(*object, then, now);
            }
        }
    }
}

/// What lies in the quarantine because of one piece of work, whose place is that object now.
pub fn aside_today(records: &[Record], begin: &Begin, now: &ObjectId) -> Vec<Aside> {
    let mut aside = all_aside(records).remove(&begin.work).unwrap_or_default();
    if let Some((_, then)) = &begin.place {
        for one in &mut aside {
            one.object = today(one.object, then, now);
        }
    }
    aside
}

/// What came of taking back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Undone {
    /// Entries that have their place back.
    pub back: Vec<RawPath>,
    /// Entries that have not, and why.
    pub left: Vec<(RawPath, String)>,
    /// Whether it was stopped before its end.
    pub stopped: bool,
}

/// Gives back what a piece of work took, under the number of a new one.
///
/// # Errors
/// Where the journal cannot be written: nothing is done that is not written down.
pub fn give_back(
    journal: &mut Journal,
    taken: &[(RawPath, ObjectId, RawPath)],
    work: WorkId,
    ends: (BorrowedFd<'_>, &Quarantine),
) -> Result<Undone, JournalError> {
    give_back_while(journal, taken, work, ends, &mut |_done| true)
}

/// The same, for as long as it goes on: `step` hears after each how many are dealt with, and says that.
///
/// # Errors
/// As [`give_back`].
pub fn give_back_while(
    journal: &mut Journal,
    taken: &[(RawPath, ObjectId, RawPath)],
    work: WorkId,
    (place, quarantine): (BorrowedFd<'_>, &Quarantine),
    step: &mut dyn FnMut(u64) -> bool,
) -> Result<Undone, JournalError> {
    /// So many share two syncs of the journal.
    const BATCH: usize = 1_024;
    /// What the journal takes of them, with the longest names.
    const ROOM: u64 = 2 << 20;
    let mut undone = Undone::default();
    for (batch, first) in taken.chunks(BATCH).zip((0_u64..).step_by(BATCH)) {
        if undone.stopped {
            break;
        }
        let steps = batch.iter().zip(first..).map(|((slot, object, name), step)| Act {
            step,
            change: Change::GiveBack { slot: slot.clone(), object: *object, name: name.clone() },
        });
        journal.reserve(ROOM)?;
        journal.add(&Record::Intent { work, steps: steps.collect() })?;
        let mut outcome = Vec::new();
        for ((slot, object, name), number) in batch.iter().zip(first..) {
            undone.stopped |= !step(number);
            let done = if undone.stopped {
                Done::Kept { why: "stopped before it".to_owned() }
            } else {
                one_back(place, quarantine, (slot, object, name))
            };
            match &done {
                Done::Done { .. } => undone.back.push(name.clone()),
                Done::Kept { why } | Done::Failed { why, .. } => {
                    undone.left.push((name.clone(), why.clone()));
                }
            }
            outcome.push(Came { step: number, done });
        }
        journal.add(&Record::Outcome { work, steps: outcome })?;
    }
    Ok(undone)
}

fn one_back(
    place: BorrowedFd<'_>,
    quarantine: &Quarantine,
    (slot, object, name): (&RawPath, &ObjectId, &RawPath),
) -> Done {
    match object::at(quarantine.dir(), slot.as_bytes()) {
        Ok(found) if found == *object => {}
        Ok(_) => return Done::Kept { why: format!("{} in the quarantine is another object", slot.shown()) },
        // It went back, and we were killed before that was written down.
        Err(_) if object::at(place, name.as_bytes()).is_ok_and(|found| found == *object) => {
            return Done::Done { changed: None };
        }
        Err(error) => {
            return Done::Failed {
                errno: error.raw_os_error().map(Errno),
                why: format!("{} is not in the quarantine: {error}", slot.shown()),
            };
        }
    }
    match quarantine.give_back(slot.as_bytes(), place, name.as_bytes()) {
        Ok(()) => Done::Done { changed: None },
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Done::Kept {
            why: format!("its name was taken again; it stays in the quarantine as {}", slot.shown()),
        },
        Err(error) => Done::Failed { errno: error.raw_os_error().map(Errno), why: error.to_string() },
    }
}
