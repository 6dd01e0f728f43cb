//! Whether anybody has taken hold of what was just taken; whoever has gets it back.

use std::os::fd::{AsFd, BorrowedFd};

use super::Course;
use crate::exec::examine;
use crate::exec::flatten::Shape;
use crate::exec::journal::JournalError;
use crate::model::journal::{Came, Record};
use crate::model::plan::{Candidate, ObjectId, Tried};
use crate::model::raw_path::RawPath;
use crate::model::surroundings::{About, ClaimKind, Surroundings, Within};
use crate::model::units::{Bytes, Entries, WallNanos};
use crate::model::vantage::Kind;
use crate::sys::crew;

/// One entry that lies in the quarantine.
pub struct Claimed {
    pub name: RawPath,
    pub slot: RawPath,
    pub object: ObjectId,
    pub bytes: Bytes,
    /// As it was when every guard let it go.
    pub seen: Seen,
    pub step: u64,
}

/// What changes where somebody has to do with an entry.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    uid: u32,
    mode: u32,
    entries: Entries,
    newest: WallNanos,
    within: Within,
}

impl Seen {
    pub fn of(entry: &Candidate) -> Self {
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
            let (slot, place) = (entry.slot.as_bytes(), self.sweep.place.as_fd());
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
