//! What an interrupted run in a quarantine did.
//!
//! Nothing is guessed: a rename is whole or not at all, so exactly one of its two ends holds the object. Both are looked at
//! by identity. Only the answer "no such name" says that nothing is there; where any other error came, the step stays open,
//! and the next run looks again.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::BorrowedFd;

use rustix::io::Errno;

use super::flatten;
use super::journal::{Journal, JournalError};
use super::object;
use super::quarantine::Quarantine;
use super::undo::steps_of;
use crate::model::errno;
use crate::model::journal::{Act, Came, Change, Done, Record, WorkId};
use crate::model::plan::ObjectId;
use crate::model::raw_path::RawPath;

/// What was found out.
#[derive(Debug, Default)]
pub struct Recovered {
    /// Of each step.
    pub done: BTreeMap<u64, Done>,
    /// What was written down.
    pub records: Vec<Record>,
    /// Why a step could not be looked at; it stays open.
    pub open: Option<String>,
}

/// Writes down what became of the steps of an interrupted run, by looking at both ends of each. Doing it twice changes
/// nothing.
///
/// # Errors
/// Where the journal cannot be written.
pub fn recover(
    journal: &mut Journal,
    records: &[Record],
    work: WorkId,
    (place, quarantine): (BorrowedFd<'_>, &Quarantine),
) -> Result<Recovered, JournalError> {
    let steps = steps_of(records, work);
    let next = steps.keys().next_back().map_or(0, |last| last + 1);
    let mut found = Recovered::default();
    let mut strays = Vec::new();
    for (number, step) in steps.into_iter().filter(|(_, step)| step.done.is_none()) {
        match look(&step.change, work, place, quarantine, &mut strays) {
            Ok(done) => {
                found.done.insert(number, done);
            }
            Err(error) => found.open = Some(format!("step {number} cannot be looked at: {error}")),
        }
    }
    if !found.done.is_empty() {
        let steps = found.done.iter().map(|(step, done)| Came { step: *step, done: done.clone() }).collect();
        found.records.push(Record::Outcome { work, steps });
    }
    if !strays.is_empty() {
        let acts: Vec<Act> = (next..).zip(strays).map(|(step, change)| Act { step, change }).collect();
        let came = acts.iter().map(|act| Came { step: act.step, done: DONE }).collect();
        found.records.push(Record::Intent { work, steps: acts });
        found.records.push(Record::Outcome { work, steps: came });
    }
    for record in &found.records {
        journal.add(record)?;
    }
    Ok(found)
}

const DONE: Done = Done::Done { changed: None };
const NEITHER: &str = "interrupted; it is neither in its place nor in the quarantine";

/// What has a name.
enum Named {
    /// The one that is looked for.
    It,
    Another(ObjectId),
    Nothing,
}

fn named(dir: BorrowedFd<'_>, name: &RawPath, wanted: &ObjectId) -> io::Result<Named> {
    match object::at(dir, name.as_bytes()) {
        Ok(id) if id == *wanted => Ok(Named::It),
        Ok(id) => Ok(Named::Another(id)),
        Err(error) if error.raw_os_error() == Some(Errno::NOENT.raw_os_error()) => Ok(Named::Nothing),
        Err(error) => Err(error),
    }
}

/// Which end of a change holds its object; `strays` are what lies in the quarantine unplanned.
fn look(
    change: &Change,
    work: WorkId,
    place: BorrowedFd<'_>,
    quarantine: &Quarantine,
    strays: &mut Vec<Change>,
) -> io::Result<Done> {
    let kept = |why: &str| Done::Kept { why: why.to_owned() };
    Ok(match change {
        Change::Quarantine { name, object, slot, .. } => match named(quarantine.dir(), slot, object)? {
            Named::It => DONE,
            // Killed between taking and comparing: what was taken is not what was planned, so it goes back.
            Named::Another(found) => match quarantine.give_back(slot.as_bytes(), place, name.as_bytes()) {
                Ok(()) => kept("another object had its name, and has it back"),
                Err(error) => {
                    let (name, slot) = (name.clone(), slot.clone());
                    let why = format!(
                        "another object had its name and cannot go back ({error}): it lies in the quarantine as {}",
                        slot.shown()
                    );
                    strays.push(Change::Quarantine { name, object: found, slot, bytes: None });
                    kept(&why)
                }
            },
            Named::Nothing => match named(place, name, object)? {
                Named::It => kept("interrupted before it was taken"),
                Named::Another(_) | Named::Nothing => kept(NEITHER),
            },
        },
        Change::GiveBack { slot, object, name } => match named(quarantine.dir(), slot, object)? {
            Named::It => kept("interrupted before it went back"),
            Named::Another(_) | Named::Nothing => match named(place, name, object)? {
                Named::It => DONE,
                Named::Another(_) | Named::Nothing => kept(NEITHER),
            },
        },
        Change::Purge { slot, object } => match named(quarantine.dir(), slot, object)? {
            Named::It => kept("interrupted before all of it was removed"),
            Named::Another(_) => kept("interrupted; another object has its name in the quarantine"),
            // Its directories may have been moved up, and wait beside it.
            Named::Nothing if flatten::rests(quarantine)?.iter().any(|(of, _)| *of == work) => Done::Failed {
                errno: Some(errno::Errno(Errno::NOENT.raw_os_error())),
                why: "interrupted; what is left of it lies in the quarantine, tmpmedic purge frees it"
                    .to_owned(),
            },
            Named::Nothing => DONE,
        },
        Change::Mode { .. }
        | Change::Owner { .. }
        | Change::MakeDir { .. }
        | Change::Made { .. }
        | Change::Write { .. }
        | Change::Unlink { .. }
        | Change::Call { .. } => kept("interrupted; whether it was done is not known"),
    })
}
