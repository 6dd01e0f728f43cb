//! For good, and said so before: two threads empty what lies in the quarantine, each its own entries.
//!
//! No entry is given to both, every directory has one parent, and each thread moves directories up under numbers that the
//! other never uses, so neither meets the other. What somebody with an old handle carries from one entry into another goes
//! with that one, or is gone already, which is the same.

use std::sync::{Mutex, PoisonError};

use super::life::Claimed;
use super::{Course, leftover};
use crate::exec::flatten::{Flattener, Removed};
use crate::exec::journal::JournalError;
use crate::exec::quarantine::Quarantine;
use crate::model::journal::{Act, Came, Change, Done, Record};
use crate::sys::crew;

/// From here on the second thread counts the directories that it moves up.
const FAR: u64 = 1 << 40;

/// Both threads' means, kept from batch to batch: what one left lying keeps its number.
pub struct Removers<'q> {
    here: Flattener<'q>,
    there: Mutex<Flattener<'q>>,
}

impl<'q> Removers<'q> {
    pub fn new(quarantine: &'q Quarantine, job: &'q str) -> Self {
        let there = Flattener::numbered_from(quarantine, job, FAR);
        Self { here: Flattener::new(quarantine, job), there: Mutex::new(there) }
    }

    /// Removes them; says of each what became of it, in order. The thread hears only `is_stopped`; what takes long is asked
    /// here, by `goes_on`.
    fn remove(
        &mut self,
        sure: &[Claimed],
        is_stopped: &(dyn Fn() -> bool + Sync),
        goes_on: &dyn Fn() -> bool,
    ) -> Vec<Removed> {
        let (here, there) = (&mut self.here, &self.there);
        let there = |entry: &Claimed| {
            // A poisoned lock is as good: nobody but this thread ever takes it.
            let mut flattener = there.lock().unwrap_or_else(PoisonError::into_inner);
            flattener.remove(entry.slot.as_bytes(), entry.shape(), &|| !is_stopped())
        };
        let here = |entry: &Claimed| here.remove(entry.slot.as_bytes(), entry.shape(), goes_on);
        let ask = || {
            goes_on();
        };
        crew::share("remove", sure, &there, here, &ask)
    }
}

impl Course<'_, '_> {
    /// Removes what is in the quarantine for sure.
    pub fn remove(&mut self, sure: Vec<Claimed>) -> Result<(), JournalError> {
        let (work, first) = (self.sweep.work, self.steps.take(sure.len()));
        let acts = sure.iter().zip(first..).map(|(entry, step)| Act {
            step,
            change: Change::Purge { slot: entry.slot.clone(), object: entry.object },
        });
        let acts: Vec<Act> = acts.collect();
        if acts.is_empty() {
            return Ok(());
        }
        self.sweep.journal.add(&Record::Intent { work, steps: acts })?;
        let (is_stopped, asked) = self.questions();
        let all = self.removers.remove(&sure, &is_stopped, &asked);
        let mut outcome = Vec::with_capacity(sure.len());
        for ((entry, gone), step) in sure.into_iter().zip(all).zip(first..) {
            let done = self.gone(entry, &gone);
            outcome.push(Came { step, done });
        }
        self.sweep.journal.add(&Record::Outcome { work, steps: outcome })
    }

    fn gone(&mut self, entry: Claimed, gone: &Removed) -> Done {
        self.swept.objects.0 = self.swept.objects.0.saturating_add(gone.objects);
        if gone.stopped {
            let slot = entry.slot.shown();
            let done = if gone.rests {
                gone.unfinished("stopped")
            } else {
                gone.unfinished(&format!("stopped: what is left of it lies in the quarantine as {slot}"))
            };
            self.swept.kept.push((entry.name, done.why().to_owned()));
            return done;
        }
        if let Some(left) = gone.left.first() {
            let done = gone.unfinished(&leftover(left));
            self.swept.failed.push((entry.name, done.why().to_owned()));
            return done;
        }
        self.swept.bytes.0 = self.swept.bytes.0.saturating_add(entry.bytes.0);
        self.swept.removed.push(entry.name);
        Done::Done { changed: None }
    }
}
