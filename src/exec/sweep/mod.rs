//! A clean-up: takes what a plan names into the quarantine, and asks every guard again before and after.
//!
//! In batches: what will be taken is written down and synced, then taken, then what became of it is written down. Whoever
//! held an entry that went into the quarantine in the moment before gets it back. Between two entries it can be stopped.
//! While one batch is taken and removed, another thread makes the next one ready.

mod life;
mod pace;
mod ready;
mod recheck;
mod remove;
mod take;
#[cfg(test)]
mod tests;

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};

use super::flatten::Left;
use super::journal::{Journal, JournalError};
use super::quarantine::Quarantine;
use crate::model::errno::Errno;
use crate::model::journal::{Done, WorkId};
use crate::model::plan::{Candidate, Plan, Planned, Verdict};
use crate::model::raw_path::RawPath;
use crate::model::surroundings::{About, Surroundings};
use crate::model::units::{Bytes, Entries, WallNanos};
use crate::sys::clock::Stopwatch;
use crate::sys::crew;
use pace::Pace;
use ready::{Desk, Ready, Steps};
use recheck::Around;
use remove::Removers;

/// What a clean-up needs to know of the rest of the machine.
pub trait Eyes {
    /// Who has to do with what lies directly in a directory, looked at now.
    fn surroundings(&mut self, dir: BorrowedFd<'_>, path: &RawPath, about: About<'_>) -> Surroundings;
    /// The same for as long as somebody wants it; nothing where he does not any more.
    fn surroundings_while(
        &mut self,
        dir: BorrowedFd<'_>,
        path: &RawPath,
        about: About<'_>,
        goes_on: &dyn Fn() -> bool,
    ) -> Option<Surroundings>;
}

/// What a clean-up thinks of an entry; another thread asks.
pub trait Judge: Sync {
    /// What becomes of it, by the same guards that made the plan.
    fn judge(&self, candidate: Candidate, surroundings: &Surroundings, now: WallNanos) -> Planned;
}

/// How far it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Entries that are dealt with.
    pub done: u64,
    /// Of how many.
    pub of: u64,
    /// Room that the taken ones hold.
    pub bytes: Bytes,
}

/// Whether to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// Yes.
    On,
    /// Not after this step.
    Stop,
}

/// What became of a plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Entries that are in the quarantine, with their names there.
    pub taken: Vec<(RawPath, RawPath)>,
    /// Entries that are gone for good.
    pub removed: Vec<RawPath>,
    /// Entries of the plan that stayed, and why.
    pub kept: Vec<(RawPath, String)>,
    /// Entries that the kernel refused, and how.
    pub failed: Vec<(RawPath, String)>,
    /// Room that the taken and removed ones held.
    pub bytes: Bytes,
    /// Objects that were removed for good.
    pub objects: Entries,
    /// Whether it was stopped before its end.
    pub stopped: bool,
}

/// Where and under which number a clean-up works.
pub struct Sweep<'a> {
    /// The temp dir, as the plan knows it.
    pub place: OwnedFd,
    /// Its quarantine.
    pub quarantine: &'a Quarantine,
    /// The path of the quarantine, for those who look who holds what lies in it.
    pub quarantine_path: RawPath,
    /// Its journal.
    pub journal: &'a mut Journal,
    /// Its number.
    pub work: WorkId,
    /// Its eyes.
    pub eyes: &'a mut dyn Eyes,
    /// Its judgement.
    pub judge: &'a dyn Judge,
    /// Whether to go on, asked before each change of a removal for good, which may take long for a single entry.
    pub goes_on: &'a dyn Fn() -> bool,
}

/// A clean-up on its way.
struct Course<'c, 's> {
    sweep: Sweep<'s>,
    plan: &'c Plan,
    step: &'c mut dyn FnMut(Progress) -> Flow,
    removers: Removers<'c>,
    /// Whether somebody wanted it to end, for all threads.
    stop: &'c AtomicBool,
    steps: &'c Steps,
    /// What was taken and not planned, and could not go back: names, here and in the quarantine.
    strays: Vec<(RawPath, RawPath)>,
    swept: Swept,
    progress: Progress,
}

impl Sweep<'_> {
    /// Carries the plan out. `step` is told after each entry, and says whether to go on.
    ///
    /// # Errors
    /// Where the journal cannot be written: nothing is done that is not written down.
    pub fn run(self, plan: &Plan, step: &mut dyn FnMut(Progress) -> Flow) -> Result<Swept, JournalError> {
        let wanted: Vec<&Planned> = plan.entries.iter().filter(|e| e.verdict == Verdict::Remove).collect();
        let of = u64::try_from(wanted.len()).unwrap_or(u64::MAX);
        let no_handle = |source| JournalError::Os { what: "no descriptor left", source };
        let place = self.place.try_clone().map_err(no_handle)?;
        let (ended, goes_on, job) = (AtomicBool::new(false), self.goes_on, self.work.0.to_string());
        let ask = || {
            if !goes_on() {
                ended.store(true, Ordering::Relaxed);
            }
        };
        let removers = Removers::new(self.quarantine, &job);
        let steps = Steps::default();
        let place = place.as_fd();
        let desk = Desk { place, judge: self.judge, work: self.work, steps: &steps, stop: &ended };
        let (swept, progress) = (Swept::default(), Progress { of, ..Progress::default() });
        let mut course = Course {
            sweep: self,
            plan,
            step,
            removers,
            stop: &ended,
            steps: &steps,
            strays: Vec::new(),
            swept,
            progress,
        };
        let (mut around, mut sizes) = (Around::default(), Pace::default());
        let (mut batch, mut rest) = wanted.split_at(sizes.size().min(wanted.len()));
        let (mut found, ()) = crew::both("recheck", &|| desk.find(batch, None), || (), &ask);
        while !batch.is_empty() && !ended.load(Ordering::Relaxed) {
            around.renew(&mut course, (batch, rest));
            if course.is_stopped() {
                break;
            }
            let ready = desk.finish(found?, &around)?;
            let (next, after) = rest.split_at(sizes.size().min(rest.len()));
            let seen = around.of_next(next.len());
            let deal = || course.deal_with(ready, &mut sizes);
            let (ahead, dealt) = crew::both("recheck", &|| desk.find(next, seen), deal, &ask);
            dealt?;
            (found, batch, rest) = (ahead, next, after);
        }
        let mut swept = course.swept;
        swept.stopped = ended.into_inner();
        Ok(swept)
    }
}

impl<'c, 's> Course<'c, 's> {
    /// Takes what is ready, and removes it where that is the plan.
    fn deal_with(&mut self, ready: Ready, pace: &mut Pace) -> Result<(), JournalError> {
        let mut spent = Stopwatch::start();
        let claimed = self.claim(ready)?;
        let claiming = spent.elapsed();
        spent = Stopwatch::start();
        let around = self.who_holds(&claimed);
        let looking = spent.elapsed();
        spent = Stopwatch::start();
        let sure = self.give_back_what_is_held(claimed, around.as_ref())?;
        if self.plan.wishes.delete {
            self.remove(sure)?;
        } else {
            for entry in sure {
                self.swept.bytes.0 = self.swept.bytes.0.saturating_add(entry.bytes.0);
                self.swept.taken.push((entry.name, entry.slot));
            }
        }
        pace.took(claiming + spent.elapsed(), looking);
        Ok(())
    }

    /// Whether it is over, for any thread; and whether to go on, which only this one may ask.
    fn questions(&self) -> (impl Fn() -> bool + Sync + use<'c>, impl Fn() -> bool + use<'c, 's>) {
        let (stop, goes_on) = (self.stop, self.sweep.goes_on);
        let asked = move || {
            if !goes_on() {
                stop.store(true, Ordering::Relaxed);
            }
            !stop.load(Ordering::Relaxed)
        };
        (move || stop.load(Ordering::Relaxed), asked)
    }

    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    fn keep(&mut self, name: RawPath, why: &str) -> Done {
        self.swept.kept.push((name, why.to_owned()));
        Done::Kept { why: why.to_owned() }
    }
}

/// Why something could not be removed, in words.
pub fn leftover(left: &Left) -> String {
    let what = RawPath::new(&left.name[..]);
    if left.locked {
        return format!("{} in the quarantine is immutable or append-only (lsattr)", what.shown());
    }
    let why = left.errno.map_or_else(|| "no reason known".to_owned(), |code| Errno(code).to_string());
    format!("{} in the quarantine: {why}", what.shown())
}
