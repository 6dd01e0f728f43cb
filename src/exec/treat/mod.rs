//! Carrying out a [`Treatment`]: each deed looks again at what it is about to change, and says so before and after.
//!
//! A plan names objects: a process with its start time, a directory with its inode and rights, a mount with its line. Between
//! the plan and the deed anybody may have put something else there, so each deed takes hold of its object first and compares
//! then: a pidfd before `/proc/PID` is read, a handle before its owner is looked at, and what it changes afterwards is what
//! it has hold of, never a name. What does not fit is left as it is, and the steps behind it are not begun.

pub mod answers;
pub mod back;
mod gift;
mod ledger;
mod private_tmp;
pub mod rebind;
mod record;
mod rights;
pub mod settle;
mod since;
mod still;
mod stop;
mod table;
#[cfg(test)]
mod tests;
mod tree;
mod units;
mod way;

use std::time::Duration;

use crate::exec::journal::{Journal, JournalError};
use crate::exec::seal::{self, Stale};
use crate::model::journal::{Change, Done, WorkId};
use crate::model::treatment::{Deed, GOOD_FOR_NANOS, SCHEMA, Treatment};
use crate::model::units::WallNanos;

use gift::Gift;
use ledger::Ledger;
pub use ledger::Refused;
use private_tmp::Fresh;
use stop::Force;
use tree::Given;

/// Puts the digest in.
pub fn seal(mut plan: Treatment) -> Treatment {
    plan.digest = digest(&plan);
    plan
}

/// Over what will be done to what: whoever plans the same deeds from the same facts, in whatever second and with whatever
/// rights, has the same digest. Whom it is done for is not in it: who else is concerned depends on who looks.
fn digest(plan: &Treatment) -> String {
    let Treatment { schema, boot_id, action, finding, reversible, lasts, ends, steps, .. } = plan;
    seal::hash(&(schema, boot_id, action, finding, reversible, lasts, ends, steps))
}

/// Whether it may be carried out now. Each deed looks once more when its turn comes; this is so that nothing is begun of
/// what is known to fail.
///
/// # Errors
/// See [`Stale`].
pub fn check(plan: &Treatment, boot_id: &str, now: WallNanos) -> Result<(), Stale> {
    if plan.schema != SCHEMA {
        return Err(Stale::Schema(plan.schema.clone()));
    }
    let found = digest(plan);
    if found != plan.digest {
        return Err(Stale::Altered { said: plan.digest.clone(), found });
    }
    if plan.boot_id != boot_id {
        return Err(Stale::Boot(plan.boot_id.clone()));
    }
    // How long it is good at most is for us to say, not for whoever hands it in.
    let is_old = now >= plan.expires || now.0.saturating_sub(plan.made.0) >= GOOD_FOR_NANOS;
    if is_old || now < plan.made {
        return Err(Stale::Expired);
    }
    still::check(plan).map_err(Stale::Changed)
}

/// Fills in what only a look at the machine tells: what a file that will be written holds now.
pub fn look(mut plan: Treatment) -> Treatment {
    for step in &mut plan.steps {
        if let Deed::WriteDropIn { unit, file, before, .. } = &mut step.deed {
            // What cannot be read now is refused when it is to be written.
            *before = units::drop_in(unit, file).unwrap_or_default();
        }
    }
    plan
}

/// What became of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Came {
    /// Of the step as a whole.
    pub done: Done,
    /// How it went, in a few words.
    pub note: Option<String>,
    /// Single objects that were left alone, and why.
    pub told: Vec<String>,
}

impl Came {
    /// Whether all of it is done.
    pub fn is_done(&self) -> bool {
        matches!(self.done, Done::Done { .. })
    }
}

/// The journal could not be written any more; nothing is begun that is not written down.
#[derive(Debug, thiserror::Error)]
#[error("the journal cannot be written any more")]
pub struct Unwritten {
    /// The steps before, and the one that was done without that being written down.
    pub steps: Vec<Came>,
    /// Why.
    #[source]
    pub source: JournalError,
}

/// Carries the steps out, in order, up to the first that is not done. `tell` hears of each.
///
/// # Errors
/// [`Unwritten`], with what was done all the same.
pub fn treat(
    plan: &Treatment,
    into: (&mut Journal, WorkId),
    own: u32,
    tell: &mut dyn FnMut(usize, &Came),
) -> Result<Vec<Came>, Unwritten> {
    treat_while(plan, into, own, &|| true, tell)
}

/// The same, for as long as it goes on: what is asked before each step, and within a long one wherever it can be left.
///
/// # Errors
/// As [`treat`].
pub fn treat_while(
    plan: &Treatment,
    (journal, work): (&mut Journal, WorkId),
    own: u32,
    goes_on: &dyn Fn() -> bool,
    tell: &mut dyn FnMut(usize, &Came),
) -> Result<Vec<Came>, Unwritten> {
    let mut hand = Hand { ledger: Ledger::new(journal, work), own, goes_on, fresh: None };
    let mut all = Vec::new();
    for (at, step) in plan.steps.iter().enumerate() {
        if !goes_on() {
            break;
        }
        let before = hand.ledger.changes();
        let came = match hand.perform(&step.deed, &step.by_hand) {
            Ok(came) => came,
            Err(source) => {
                if hand.ledger.changes() > before {
                    let came = unwritten(&step.deed, &source);
                    tell(at, &came);
                    all.push(came);
                }
                return Err(Unwritten { steps: all, source });
            }
        };
        tell(at, &came);
        let stop = !came.is_done();
        all.push(came);
        if stop {
            break;
        }
    }
    Ok(all)
}

struct Hand<'a> {
    ledger: Ledger<'a>,
    own: u32,
    goes_on: &'a dyn Fn() -> bool,
    /// What an earlier step has made for a later one.
    fresh: Option<Fresh>,
}

impl Hand<'_> {
    fn perform(&mut self, deed: &Deed, by_hand: &str) -> Result<Came, JournalError> {
        let (own, ledger) = (self.own, &mut self.ledger);
        let done = match deed {
            Deed::MakeDir { at, rights } => rights::make_dir(ledger, at, *rights, own)?,
            Deed::SetRights { at, inode, from, to } => rights::set(ledger, at, *inode, (*from, *to))?,
            Deed::RemoveRecord { at } => record::remove(ledger, at)?,
            Deed::WriteDropIn { unit, file, before, after } => {
                units::write(ledger, (unit, file), before.as_ref(), after, own)?
            }
            Deed::GiveTree { at, inode, old_uid, uid, gid } => {
                let gift = Gift { old_uid: *old_uid, uid: *uid, gid: *gid };
                return Ok(given(tree::give(ledger, at, *inode, gift, self.goes_on)?));
            }
            Deed::MakePrivateTmp { .. }
            | Deed::Rebind { .. }
            | Deed::RestartUnit { .. }
            | Deed::ReloadManager
            | Deed::Stop { .. } => return self.call(deed, by_hand),
        };
        Ok(Came { done: done.map_or_else(Done::from, |()| DONE), note: None, told: Vec::new() })
    }

    /// What cannot be taken back is written down as the command that would do it.
    fn call(&mut self, deed: &Deed, by_hand: &str) -> Result<Came, JournalError> {
        let (own, fresh) = (self.own, &mut self.fresh);
        let mut told = String::new();
        let changed = self.ledger.change(Change::Call { line: by_hand.to_owned() }, || {
            match deed {
                Deed::MakePrivateTmp { parent, name, rights } => {
                    let made = private_tmp::make(parent, name, *rights, own)?;
                    told = made.told(name);
                    *fresh = Some(made);
                }
                Deed::Rebind { whom, point, mount_id, line } => {
                    let missing = || Refused::Kept("there is no fresh directory".to_owned());
                    let fresh = fresh.take().ok_or_else(missing)?;
                    let done = rebind::rebind(*whom, (point, *mount_id, line), &fresh);
                    if let Err(Refused::Kept(_)) = &done {
                        fresh.unmake();
                    }
                    done?;
                }
                Deed::RestartUnit { unit } => told = units::restart(unit)?,
                Deed::ReloadManager => units::reload()?,
                Deed::Stop { whom, uid, exe, patience_ms, kill } => {
                    let patience = Duration::from_millis(*patience_ms);
                    let force = if *kill { Force::AtLast } else { Force::Never };
                    told = stop::stop(*whom, (*uid, exe.as_ref()), patience, force)?;
                }
                _ => {}
            }
            Ok(None)
        })?;
        let done = changed.map_or_else(Done::from, |_changed| DONE);
        let note = (!told.is_empty()).then_some(told);
        Ok(Came { done, note, told: Vec::new() })
    }
}

/// A step that was done, at least in part, when the journal failed.
fn unwritten(deed: &Deed, why: &JournalError) -> Came {
    let told = format!("done, but not written down: {why}");
    match deed {
        Deed::GiveTree { .. } | Deed::MakeDir { .. } => Came {
            done: Done::Failed { errno: None, why: format!("at least a part is {told}") },
            note: None,
            told: Vec::new(),
        },
        _ => Came { done: DONE, note: None, told: vec![told] },
    }
}

const DONE: Done = Done::Done { changed: None };

fn given(given: Result<Given, Refused>) -> Came {
    match given {
        Ok(given) => {
            let note = format!("{} objects given", given.objects);
            let done = if given.stopped {
                Done::Kept { why: format!("stopped between two objects; {note}") }
            } else {
                DONE
            };
            Came { done, note: Some(note), told: given.left }
        }
        Err(refused) => Came { done: refused.into(), note: None, told: Vec::new() },
    }
}
