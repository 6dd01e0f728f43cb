//! A clean-up: takes what a plan names into the quarantine, and asks every guard again before and after.
//!
//! In batches: what will be taken is written down and synced, then taken, then what became of it is written down. Whoever
//! held an entry that went into the quarantine in the moment before gets it back. Between two entries it can be stopped.

use std::io;
use std::ops::RangeInclusive;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use super::examine::{self, Budget};
use super::flatten::{Flattener, Left};
use super::journal::{Journal, JournalError};
use super::quarantine::{Quarantine, Taken};
use crate::model::errno::Errno;
use crate::model::journal::{Act, Came, Change, Done, Record, WorkId};
use crate::model::plan::{Candidate, Plan, Planned, Verdict};
use crate::model::raw_path::RawPath;
use crate::model::surroundings::{ClaimKind, Surroundings};
use crate::model::units::{Bytes, Entries, WallNanos};
use crate::sys::clock::{self, Stopwatch};

/// How many entries share one sync of the journal, and one look at who holds what: a look costs as much as the machine
/// has processes and the directory entries, so many entries go in larger batches. A record holds the largest with ease.
const BATCH: RangeInclusive<usize> = 64..=768;
/// Into about so many batches a large plan is cut.
const BATCHES: usize = 64;
/// How old what is known of other processes may be when an entry is taken.
const FRESH: Duration = Duration::from_secs(2);

/// What a clean-up needs to know of the rest of the machine.
pub trait Eyes {
    /// Who has to do with what lies directly in a directory, looked at now.
    fn surroundings(&mut self, dir: BorrowedFd<'_>, path: &RawPath) -> Surroundings;
    /// What becomes of an entry, by the same guards that made the plan.
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
    /// Whether to go on, asked before each change of a removal for good, which may take long for a single entry.
    pub goes_on: &'a dyn Fn() -> bool,
}

/// One entry that lies in the quarantine and has not been looked at there.
struct Claimed {
    name: RawPath,
    slot: RawPath,
    step: u64,
    bytes: Bytes,
}

impl Sweep<'_> {
    /// Carries the plan out. `step` is told after each entry, and says whether to go on.
    ///
    /// # Errors
    /// Where the journal cannot be written: nothing is done that is not written down.
    pub fn run(mut self, plan: &Plan, step: &mut dyn FnMut(Progress) -> Flow) -> Result<Swept, JournalError> {
        let wanted: Vec<&Planned> = plan.entries.iter().filter(|e| e.verdict == Verdict::Remove).collect();
        let mut swept = Swept::default();
        let mut progress =
            Progress { of: u64::try_from(wanted.len()).unwrap_or(u64::MAX), ..Progress::default() };
        let mut around = self.eyes.surroundings(self.place.as_fd(), &plan.root);
        let mut looked = Stopwatch::start();
        let mut next_step = 0;
        let size = (wanted.len() / BATCHES).clamp(*BATCH.start(), *BATCH.end());
        for batch in wanted.chunks(size) {
            if looked.left_of(FRESH).is_zero() {
                around = self.eyes.surroundings(self.place.as_fd(), &plan.root);
                looked = Stopwatch::start();
            }
            let ready = self.still_good(batch, &around, &mut swept);
            let claimed = self.claim(&ready, &mut next_step, &mut swept, &mut progress, step)?;
            let sure = self.give_back_what_is_held(claimed, &mut swept)?;
            if plan.wishes.delete {
                self.remove(sure, &mut next_step, &mut swept)?;
            } else {
                for entry in sure {
                    swept.bytes.0 = swept.bytes.0.saturating_add(entry.bytes.0);
                    swept.taken.push((entry.name, entry.slot));
                }
            }
            if swept.stopped {
                break;
            }
        }
        Ok(swept)
    }

    /// Looks at each once more: what is no longer what the plan saw, or what a guard keeps now, stays.
    fn still_good(&self, batch: &[&Planned], around: &Surroundings, swept: &mut Swept) -> Vec<Candidate> {
        let mut ready = Vec::with_capacity(batch.len());
        for planned in batch {
            if !(self.goes_on)() {
                swept.stopped = true;
                return Vec::new();
            }
            let name = &planned.candidate.name;
            let now = match examine::examine(self.place.as_fd(), name.as_bytes(), Budget::default()) {
                Ok(now) => Candidate { family: planned.candidate.family.clone(), ..now },
                Err(error) => {
                    swept.kept.push((name.clone(), changed(&error)));
                    continue;
                }
            };
            if now.object != planned.candidate.object {
                swept
                    .kept
                    .push((name.clone(), "another object has its name since the plan was made".to_owned()));
                continue;
            }
            let judged = self.eyes.judge(now, around, WallNanos(clock::wall_nanos()));
            match judged.verdict {
                Verdict::Remove => ready.push(judged.candidate),
                Verdict::Keep => swept.kept.push((name.clone(), judged.reason)),
            }
        }
        ready
    }

    fn claim(
        &mut self,
        ready: &[Candidate],
        next_step: &mut u64,
        swept: &mut Swept,
        progress: &mut Progress,
        step: &mut dyn FnMut(Progress) -> Flow,
    ) -> Result<Vec<Claimed>, JournalError> {
        let first = *next_step;
        let slots: Vec<RawPath> = (first..).take(ready.len()).map(|n| slot(self.work, n)).collect();
        let acts = ready.iter().zip(&slots).zip(first..).map(|((entry, slot), step)| Act {
            step,
            change: Change::Quarantine {
                name: entry.name.clone(),
                object: entry.object,
                slot: slot.clone(),
                bytes: Some(entry.tree.bytes),
            },
        });
        let acts: Vec<Act> = acts.collect();
        if acts.is_empty() {
            return Ok(Vec::new());
        }
        self.journal.add(&Record::Intent { work: self.work, steps: acts })?;
        let (mut claimed, mut outcome) = (Vec::new(), Vec::new());
        for ((entry, slot), number) in ready.iter().zip(slots).zip(first..) {
            *next_step = number + 1;
            if swept.stopped {
                outcome.push(Came { step: number, done: Done::Kept { why: "stopped before it".to_owned() } });
                continue;
            }
            let name = entry.name.clone();
            let wanted = (&entry.object, entry.uid);
            let taken = self.quarantine.take(self.place.as_fd(), name.as_bytes(), wanted, slot.as_bytes());
            let done = match taken {
                Taken::Ours => {
                    progress.bytes.0 = progress.bytes.0.saturating_add(entry.tree.bytes.0);
                    claimed.push(Claimed { name, slot, step: number, bytes: entry.tree.bytes });
                    Done::Done { changed: None }
                }
                Taken::Gone => keep(swept, name, "it is gone already"),
                Taken::PutBack => keep(swept, name, "another object had its name, and has it back"),
                Taken::Swapped => {
                    let why = format!(
                        "another object had its name, and has it back; what its owner put there meanwhile lies in the quarantine as {}",
                        slot.shown()
                    );
                    keep(swept, name, &why)
                }
                Taken::Displaced => {
                    let why = format!(
                        "another object had its name, which was taken again before it could go back: it lies in the quarantine as {}",
                        slot.shown()
                    );
                    keep(swept, name, &why)
                }
                Taken::Refused(error) => {
                    swept.failed.push((name, error.to_string()));
                    Done::Failed { errno: error.raw_os_error().map(Errno), why: error.to_string() }
                }
            };
            outcome.push(Came { step: number, done });
            progress.done += 1;
            swept.stopped |= step(*progress) == Flow::Stop;
        }
        self.journal.add(&Record::Outcome { work: self.work, steps: outcome })?;
        Ok(claimed)
    }

    /// Now nobody can take hold of it by name any more; whoever did so before keeps it.
    fn give_back_what_is_held(
        &mut self,
        claimed: Vec<Claimed>,
        swept: &mut Swept,
    ) -> Result<Vec<Claimed>, JournalError> {
        if claimed.is_empty() {
            return Ok(claimed);
        }
        let around = self.eyes.surroundings(self.quarantine.dir(), &self.quarantine_path);
        let (held, sure): (Vec<_>, Vec<_>) =
            claimed.into_iter().partition(|entry| holder(&around, entry).is_some());
        let mut outcome = Vec::new();
        for entry in held {
            let who = holder(&around, &entry).unwrap_or_default();
            let back =
                self.quarantine.give_back(entry.slot.as_bytes(), self.place.as_fd(), entry.name.as_bytes());
            let why = match back {
                Ok(()) => format!("{who}: it has its place back"),
                Err(error) => format!(
                    "{who}, and cannot go back ({error}): it lies in the quarantine as {}",
                    entry.slot.shown()
                ),
            };
            outcome.push(Came { step: entry.step, done: keep(swept, entry.name, &why) });
        }
        if !outcome.is_empty() {
            self.journal.add(&Record::Outcome { work: self.work, steps: outcome })?;
        }
        Ok(sure)
    }

    /// For good, and said so before.
    fn remove(
        &mut self,
        sure: Vec<Claimed>,
        next_step: &mut u64,
        swept: &mut Swept,
    ) -> Result<(), JournalError> {
        let first = *next_step;
        let mut acts = Vec::with_capacity(sure.len());
        for (entry, step) in sure.iter().zip(first..) {
            let Ok(object) = super::object::at(self.quarantine.dir(), entry.slot.as_bytes()) else {
                continue;
            };
            acts.push(Act { step, change: Change::Purge { slot: entry.slot.clone(), object } });
        }
        if acts.is_empty() {
            return Ok(());
        }
        self.journal.add(&Record::Intent { work: self.work, steps: acts })?;
        let job = format!("{}", self.work.0);
        let mut flattener = Flattener::new(self.quarantine, &job);
        let mut outcome = Vec::new();
        for (entry, step) in sure.into_iter().zip(first..) {
            *next_step = step + 1;
            let gone = flattener.remove(entry.slot.as_bytes(), self.goes_on);
            swept.objects.0 = swept.objects.0.saturating_add(gone.objects);
            swept.stopped |= gone.stopped;
            if gone.stopped {
                let why =
                    format!("stopped: what is left of it lies in the quarantine as {}", entry.slot.shown());
                outcome.push(Came { step, done: keep(swept, entry.name, &why) });
            } else if let Some(left) = gone.left.first() {
                let why = leftover(left);
                swept.failed.push((entry.name, why.clone()));
                outcome.push(Came { step, done: Done::Failed { errno: left.errno.map(Errno), why } });
            } else {
                swept.bytes.0 = swept.bytes.0.saturating_add(entry.bytes.0);
                swept.removed.push(entry.name);
                outcome.push(Came { step, done: Done::Done { changed: None } });
            }
        }
        self.journal.add(&Record::Outcome { work: self.work, steps: outcome })
    }
}

/// The name of an entry in the quarantine.
fn slot(work: WorkId, step: u64) -> RawPath {
    RawPath::from(format!("{}-{step}", work.0).as_str())
}

fn keep(swept: &mut Swept, name: RawPath, why: &str) -> Done {
    swept.kept.push((name, why.to_owned()));
    Done::Kept { why: why.to_owned() }
}

fn changed(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "it is gone already".to_owned(),
        _ => format!("it cannot be looked at any more: {error}"),
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

/// A variable or a command line names a path, which is gone for whoever opens it anew, and the name in the quarantine is
/// ours, whatever numbers are in it; all else has hold of the object.
fn holder(around: &Surroundings, entry: &Claimed) -> Option<String> {
    let claims = around.claims.get(&entry.slot)?;
    let names = |kind| {
        use ClaimKind::{CommandLine, NamedPid, Tmpfiles, Variable};
        matches!(kind, Variable | CommandLine | NamedPid | Tmpfiles)
    };
    let claim = claims.iter().find(|claim| !names(claim.kind))?;
    let pid = claim.pid.map(|pid| format!("pid {pid} ")).unwrap_or_default();
    Some(format!("{pid}took hold of it while it was taken"))
}
