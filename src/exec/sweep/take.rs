//! Into the quarantine.

//! Into the quarantine, and back for whoever took hold of an entry in that moment.

use std::os::fd::AsFd;

use super::life::{Claimed, Seen};
use super::ready::{Going, Ready};
use super::{Course, Flow};
use crate::exec::journal::JournalError;
use crate::exec::quarantine::Taken;
use crate::exec::{object, refused};
use crate::model::errno::Errno;
use crate::model::journal::{Act, Came, Change, Done, Record};
use crate::model::plan::Candidate;

/// Beside the name, with both identities.
const ROOM_EACH: u64 = 700;
/// A byte that must be escaped, in our text and in that of JSON.
const ESCAPED: u64 = 6;
/// The end of the work, and what else is written of it.
const ROOM: u64 = 64 << 10;

impl Course<'_, '_> {
    /// Says what will be taken, takes it, and says what became of it.
    pub fn claim(&mut self, ready: Ready) -> Result<Vec<Claimed>, JournalError> {
        let Ready { going, kept, intent } = ready;
        self.swept.kept.extend(kept);
        let Some(intent) = intent else { return Ok(Vec::new()) };
        // Before anything is taken: that the disk fills up meanwhile is then no trouble.
        let room = going.iter().map(|going| room_of(&going.entry));
        self.sweep.journal.reserve(room.fold(ROOM, u64::saturating_add))?;
        self.sweep.journal.add_written(&intent)?;
        let (mut claimed, mut outcome) = (Vec::with_capacity(going.len()), Vec::with_capacity(going.len()));
        for going in going {
            let step = going.step;
            let done = if self.is_stopped() {
                Done::Kept { why: "stopped before it".to_owned() }
            } else {
                self.take(going, &mut claimed)
            };
            outcome.push(Came { step, done });
        }
        self.sweep.journal.add(&Record::Outcome { work: self.sweep.work, steps: outcome })?;
        self.note_strays()?;
        Ok(claimed)
    }

    /// What lies in the quarantine without having been planned is known to an undo and a purge all the same.
    fn note_strays(&mut self) -> Result<(), JournalError> {
        let work = self.sweep.work;
        let known = std::mem::take(&mut self.strays).into_iter().filter_map(|(name, slot)| {
            let object = object::at(self.sweep.quarantine.dir(), slot.as_bytes()).ok()?;
            Some(Change::Quarantine { name, object, slot, bytes: None })
        });
        let acts: Vec<Act> = known.map(|change| Act { step: self.steps.take(1), change }).collect();
        if acts.is_empty() {
            return Ok(());
        }
        let done = Done::Done { changed: None };
        let outcome = acts.iter().map(|act| Came { step: act.step, done: done.clone() }).collect();
        self.sweep.journal.add(&Record::Intent { work, steps: acts })?;
        self.sweep.journal.add(&Record::Outcome { work, steps: outcome })
    }

    fn take(&mut self, going: Going, claimed: &mut Vec<Claimed>) -> Done {
        let Going { entry, slot, step } = going;
        let (seen, sweep) = (Seen::of(&entry), &self.sweep);
        let Candidate { name, object, uid, tree, .. } = entry;
        let place = sweep.place.as_fd();
        let done = match sweep.quarantine.take(place, name.as_bytes(), (&object, uid), slot.as_bytes()) {
            Taken::Ours => {
                let bytes = tree.bytes;
                self.progress.bytes.0 = self.progress.bytes.0.saturating_add(bytes.0);
                claimed.push(Claimed { name, slot, object, bytes, seen, step });
                Done::Done { changed: None }
            }
            Taken::Gone => self.keep(name, "it is gone already"),
            Taken::PutBack => self.keep(name, "another object had its name, and has it back"),
            Taken::Swapped => {
                let why = format!(
                    "another object had its name, and has it back; what its owner put there meanwhile lies in the quarantine as {}",
                    slot.shown()
                );
                self.strays.push((name.clone(), slot));
                self.keep(name, &why)
            }
            Taken::Displaced => {
                let why = format!(
                    "another object had its name, which was taken again before it could go back: it lies in the quarantine as {}",
                    slot.shown()
                );
                self.strays.push((name.clone(), slot));
                self.keep(name, &why)
            }
            Taken::Refused(error) => {
                let why = refused::to_take(place, name.as_bytes(), &error);
                self.swept.failed.push((name, why.clone()));
                Done::Failed { errno: error.raw_os_error().map(Errno), why }
            }
        };
        self.progress.done += 1;
        if (self.step)(self.progress) == Flow::Stop {
            self.stop();
        }
        done
    }
}

/// What the journal takes of one entry: that it is taken, that it goes for good, and what became of both.
fn room_of(entry: &Candidate) -> u64 {
    let name = u64::try_from(entry.name.as_bytes().len()).unwrap_or(u64::MAX);
    name.saturating_mul(ESCAPED).saturating_add(ROOM_EACH)
}
