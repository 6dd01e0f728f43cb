//! Into the quarantine, and back for whoever took hold of an entry in that moment.

use std::os::fd::BorrowedFd;

use super::{Course, Flow};
use crate::exec::flatten::Shape;
use crate::exec::journal::JournalError;
use crate::exec::quarantine::Taken;
use crate::exec::{examine, object, refused};
use crate::model::errno::Errno;
use crate::model::journal::{Act, Came, Change, Done, Record, WorkId};
use crate::model::plan::{Candidate, ObjectId, Tried};
use crate::model::raw_path::RawPath;
use crate::model::surroundings::{About, ClaimKind, Surroundings, Within};
use crate::model::units::{Bytes, Entries, WallNanos};
use crate::model::vantage::Kind;
use crate::sys::crew;

/// Beside the name, with both identities.
const ROOM_EACH: u64 = 700;
/// A byte that must be escaped, in our text and in that of JSON.
const ESCAPED: u64 = 6;
/// The end of the work, and what else is written of it.
const ROOM: u64 = 64 << 10;

/// One entry that lies in the quarantine.
pub struct Claimed {
    pub name: RawPath,
    pub slot: RawPath,
    pub object: ObjectId,
    pub bytes: Bytes,
    /// As it was when every guard let it go.
    seen: Seen,
    step: u64,
}

/// What changes where somebody has to do with an entry.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Seen {
    uid: u32,
    mode: u32,
    entries: Entries,
    newest: WallNanos,
    within: Within,
}

impl Seen {
    fn of(entry: &Candidate) -> Self {
        let (entries, newest) = (entry.tree.entries, entry.tree.newest);
        Self { uid: entry.uid, mode: entry.mode, entries, newest, within: Within::of(&entry.tree) }
    }

    /// Whether it is as it was then; younger stamps than then are signs of life, whatever the age that was asked for.
    fn is_as(self, then: Self) -> bool {
        self.newest <= then.newest && Self { newest: then.newest, ..self } == then
    }
}

impl Claimed {
    /// What its removal need not ask.
    pub fn shape(&self) -> Shape {
        match (self.object.kind, self.seen.entries.0) {
            (Kind::Directory, 0..=1) => Shape::Directory,
            (Kind::Directory, _) => Shape::Full,
            _ => Shape::Any,
        }
    }
}

impl Course<'_, '_> {
    /// Says what will be taken, takes it, and says what became of it.
    pub fn claim(&mut self, ready: &[Candidate]) -> Result<Vec<Claimed>, JournalError> {
        let (work, first) = (self.sweep.work, self.next);
        let slots: Vec<RawPath> = (first..).take(ready.len()).map(|n| slot(work, n)).collect();
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
        // Before anything is taken: that the disk fills up meanwhile is then no trouble.
        self.sweep.journal.reserve(ready.iter().map(room_of).fold(ROOM, u64::saturating_add))?;
        self.sweep.journal.add(&Record::Intent { work, steps: acts })?;
        let (mut claimed, mut outcome) = (Vec::with_capacity(ready.len()), Vec::with_capacity(ready.len()));
        for ((entry, slot), step) in ready.iter().zip(slots).zip(first..) {
            self.next = step + 1;
            let done = if self.is_stopped() {
                Done::Kept { why: "stopped before it".to_owned() }
            } else {
                self.take(entry, slot, step, &mut claimed)
            };
            outcome.push(Came { step, done });
        }
        self.sweep.journal.add(&Record::Outcome { work, steps: outcome })?;
        self.note_strays()?;
        Ok(claimed)
    }

    /// What lies in the quarantine without having been planned is known to an undo and a purge all the same.
    fn note_strays(&mut self) -> Result<(), JournalError> {
        let (work, first) = (self.sweep.work, self.next);
        let known = std::mem::take(&mut self.strays).into_iter().filter_map(|(name, slot)| {
            let object = object::at(self.sweep.quarantine.dir(), slot.as_bytes()).ok()?;
            Some(Change::Quarantine { name, object, slot, bytes: None })
        });
        let acts: Vec<Act> = (first..).zip(known).map(|(step, change)| Act { step, change }).collect();
        let Some(last) = acts.last() else { return Ok(()) };
        self.next = last.step + 1;
        let done = Done::Done { changed: None };
        let outcome = acts.iter().map(|act| Came { step: act.step, done: done.clone() }).collect();
        self.sweep.journal.add(&Record::Intent { work, steps: acts })?;
        self.sweep.journal.add(&Record::Outcome { work, steps: outcome })
    }

    fn take(&mut self, entry: &Candidate, slot: RawPath, step: u64, claimed: &mut Vec<Claimed>) -> Done {
        let (name, sweep) = (entry.name.clone(), &self.sweep);
        let place = std::os::fd::AsFd::as_fd(&sweep.place);
        let wanted = (&entry.object, entry.uid);
        let done = match sweep.quarantine.take(place, name.as_bytes(), wanted, slot.as_bytes()) {
            Taken::Ours => {
                let bytes = entry.tree.bytes;
                self.progress.bytes.0 = self.progress.bytes.0.saturating_add(bytes.0);
                claimed.push(Claimed {
                    name,
                    slot,
                    object: entry.object,
                    bytes,
                    seen: Seen::of(entry),
                    step,
                });
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

    /// Who has to do with what was just taken.
    pub fn who_holds(&mut self, claimed: &[Claimed]) -> Option<Surroundings> {
        let slots: Vec<&RawPath> = claimed.iter().map(|entry| &entry.slot).collect();
        let sweep = &mut self.sweep;
        let look = || {
            let about = About::Taken(&slots);
            sweep.eyes.surroundings(sweep.quarantine.dir(), &sweep.quarantine_path, about)
        };
        (!slots.is_empty()).then(look)
    }

    /// Now nobody can take hold of it by name any more; whoever did so before keeps it.
    pub fn give_back_what_is_held(
        &mut self,
        claimed: Vec<Claimed>,
        around: Option<&Surroundings>,
    ) -> Result<Vec<Claimed>, JournalError> {
        let Some(around) = around else { return Ok(claimed) };
        let signs = self.signs_of_life(&claimed, around);
        let (mut sure, mut outcome) = (Vec::with_capacity(claimed.len()), Vec::new());
        for (entry, sign) in claimed.into_iter().zip(signs) {
            let Some(who) = self.holder(around, &entry).or(sign) else {
                sure.push(entry);
                continue;
            };
            let (slot, place) = (entry.slot.as_bytes(), std::os::fd::AsFd::as_fd(&self.sweep.place));
            match self.sweep.quarantine.give_back(slot, place, entry.name.as_bytes()) {
                Ok(()) => {
                    let done = self.keep(entry.name, &format!("{who}: it has its place back"));
                    outcome.push(Came { step: entry.step, done });
                }
                // Its step stays done: it is aside, and an undo or a purge finds it.
                Err(error) => {
                    let slot = entry.slot.shown();
                    let why =
                        format!("{who}, and cannot go back ({error}): it lies in the quarantine as {slot}");
                    self.swept.kept.push((entry.name, why));
                }
            }
        }
        if !outcome.is_empty() {
            self.sweep.journal.add(&Record::Outcome { work: self.sweep.work, steps: outcome })?;
        }
        Ok(sure)
    }

    /// A variable or a command line names a path, which is gone for whoever opens it anew, and the name in the quarantine
    /// is ours, whatever numbers are in it; all else has hold of the object. Unknown means held, here too.
    fn holder(&self, around: &Surroundings, entry: &Claimed) -> Option<String> {
        let names = |kind| {
            use ClaimKind::{CommandLine, NamedPid, Tmpfiles, Variable};
            matches!(kind, Variable | CommandLine | NamedPid | Tmpfiles)
        };
        let claims = around.claims.get(&entry.slot);
        if let Some(claim) = claims.and_then(|all| all.iter().find(|claim| !names(claim.kind))) {
            let pid = claim.pid.map(|pid| format!("pid {pid} ")).unwrap_or_default();
            return Some(format!("{pid}took hold of it while it was taken"));
        }
        let gap = around.hidden(entry.seen.within, &self.plan.wishes)?;
        let why = gap.why.shown();
        Some(format!("not known whether somebody took hold of it while it was taken ({}: {why})", gap.what))
    }
}

/// What is looked at once more in the quarantine, where nobody can reach it by name any more.
#[derive(Clone, Copy)]
enum Again {
    /// Whether somebody has a lock on it.
    Lock,
    /// All of it.
    Whole,
}

impl Course<'_, '_> {
    /// What came into an entry, or locked it, between the look at it and its taking. What goes for good is looked at whole.
    /// Who has a lock has a descriptor, so where all of those were just seen nobody has taken one since.
    fn signs_of_life(&self, claimed: &[Claimed], around: &Surroundings) -> Vec<Option<String>> {
        let again = match (self.plan.wishes.delete, around.unread.is_empty()) {
            (true, _) => Again::Whole,
            (false, false) => Again::Lock,
            (false, true) => return vec![None; claimed.len()],
        };
        let quarantine = self.sweep.quarantine.dir();
        let (is_stopped, asked) = self.questions();
        let there = |entry: &Claimed| entry.sign_of_life(quarantine, again, &|| !is_stopped());
        let here = |entry: &Claimed| entry.sign_of_life(quarantine, again, &asked);
        let ask = || {
            asked();
        };
        crew::share("recheck", claimed, &there, here, &ask)
    }
}

impl Claimed {
    fn sign_of_life(
        &self,
        quarantine: BorrowedFd<'_>,
        again: Again,
        goes_on: &dyn Fn() -> bool,
    ) -> Option<String> {
        let slot = self.slot.as_bytes();
        let unknown =
            |why: &dyn std::fmt::Display| format!("not known whether it changed while it was taken ({why})");
        let locked = match again {
            Again::Lock => examine::lock_on(quarantine, slot, &self.object),
            Again::Whole => {
                let now = match examine::examine_taken(quarantine, slot, &self.object, goes_on) {
                    Ok(now) => now,
                    Err(error) => return Some(unknown(&error)),
                };
                if let Some(why) = &now.tree.unseen {
                    return Some(unknown(why));
                }
                if now.tree.crosses_mount || now.object != self.object || !Seen::of(&now).is_as(self.seen) {
                    return Some("it changed while it was taken".to_owned());
                }
                now.locked
            }
        };
        match locked {
            Tried::Free | Tried::NotLockable => None,
            Tried::Taken => Some("somebody took a lock on it while it was taken".to_owned()),
            Tried::Unknown(why) => Some(format!("not known whether somebody has a lock on it ({why})")),
        }
    }
}

/// What the journal takes of one entry: that it is taken, that it goes for good, and what became of both.
fn room_of(entry: &Candidate) -> u64 {
    let name = u64::try_from(entry.name.as_bytes().len()).unwrap_or(u64::MAX);
    name.saturating_mul(ESCAPED).saturating_add(ROOM_EACH)
}

/// The name of an entry in the quarantine.
fn slot(work: WorkId, step: u64) -> RawPath {
    RawPath::from(format!("{}-{step}", work.0).as_str())
}
