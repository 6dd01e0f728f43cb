//! Carrying out a [`Treatment`]: each deed looks again at what it is about to change, and says so before and after.
//!
//! A plan names objects: a process with its start time, a directory with its inode and rights, a mount with its line. Between
//! the plan and the deed anybody may have put something else there, so each deed takes hold of its object first and compares
//! then: a pidfd before `/proc/PID` is read, a handle before its owner is looked at, and what it changes afterwards is what
//! it has hold of, never a name. What does not fit is left as it is, and the steps behind it are not begun.

mod ledger;
mod private_tmp;
pub mod rebind;
mod way;

use crate::exec::journal::{Journal, JournalError};
use crate::exec::seal::{self, Stale};
use crate::model::journal::{Change, Done, WorkId};
use crate::model::treatment::{Deed, SCHEMA, Treatment};
use crate::model::units::WallNanos;

pub use ledger::Refused;
use ledger::Ledger;
use private_tmp::Fresh;

/// Puts the digest in.
pub fn seal(mut plan: Treatment) -> Treatment {
    plan.digest = digest(&plan);
    plan
}

fn digest(plan: &Treatment) -> String {
    seal::hash(&Treatment { digest: String::new(), ..plan.clone() })
}

/// Whether it may be carried out now.
///
/// # Errors
/// See [`Stale`].
pub fn check(plan: &Treatment, boot_id: &str, now: WallNanos) -> Result<(), Stale> {
    if plan.schema != SCHEMA {
        return Err(Stale::Schema(plan.schema.clone()));
    }
    let found = digest(plan);
    if found != plan.digest {
        return Err(Stale::Digest { said: plan.digest.clone(), found });
    }
    if plan.boot_id != boot_id {
        return Err(Stale::Boot(plan.boot_id.clone()));
    }
    if now < plan.made || now >= plan.expires {
        return Err(Stale::Expired);
    }
    Ok(())
}

/// Fills in what only a look at the machine tells: what a file that will be written holds now.
pub fn look(plan: Treatment) -> Treatment {
    plan
}

/// What became of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Came {
    /// Of the step as a whole.
    pub done: Done,
    /// What else is to be told: single objects that were left alone.
    pub told: Vec<String>,
}

impl Came {
    /// Whether all of it is done.
    pub fn is_done(&self) -> bool {
        matches!(self.done, Done::Done { .. })
    }
}

/// Carries the steps out, in order, up to the first that is not done. `tell` hears of each.
///
/// # Errors
/// Where the journal cannot be written: nothing is done that is not written down.
pub fn treat(
    plan: &Treatment,
    (journal, work): (&mut Journal, WorkId),
    own: u32,
    tell: &mut dyn FnMut(usize, &Came),
) -> Result<Vec<Came>, JournalError> {
    let mut hand = Hand { ledger: Ledger::new(journal, work), own, fresh: None };
    let mut all = Vec::new();
    for (at, step) in plan.steps.iter().enumerate() {
        let came = hand.perform(&step.deed, &step.by_hand)?;
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
    /// What an earlier step has made for a later one.
    fresh: Option<Fresh>,
}

impl Hand<'_> {
    fn perform(&mut self, deed: &Deed, line: &str) -> Result<Came, JournalError> {
        let call = Change::Call { line: line.to_owned() };
        let own = self.own;
        let changed = match deed {
            Deed::MakePrivateTmp { parent, name, rights } => {
                let fresh = &mut self.fresh;
                self.ledger.change(call, || {
                    *fresh = Some(private_tmp::make(parent, name, *rights, own)?);
                    Ok(None)
                })?
            }
            Deed::Rebind { whom, point, mount_id, line } => {
                let Some(fresh) = self.fresh.take() else {
                    return Ok(kept("there is no fresh directory"));
                };
                self.ledger.change(call, || rebind::rebind(*whom, (point, *mount_id, line), &fresh).map(|()| None))?
            }
            _ => return Ok(kept("TODO")),
        };
        let done = changed.map_or_else(Done::from, |changed| Done::Done { changed });
        Ok(Came { done, told: Vec::new() })
    }
}

fn kept(why: &str) -> Came {
    Came { done: Done::Kept { why: why.to_owned() }, told: Vec::new() }
}
