//! Whether a plan is still about what it was made for: each deed's first look, without the deed.

use super::ledger::Refused;
use super::{rebind, record, rights, tree, units, way};
use crate::model::errno::Errno;
use crate::model::treatment::{Deed, Treatment};
use crate::sys::procfile::Proc;

/// What has changed, where something has.
pub fn check(plan: &Treatment) -> Result<(), String> {
    for step in &plan.steps {
        let still = still(&step.deed, plan);
        // What is not permitted, or not known, is for the deed itself to say.
        if let Err(Refused::Kept(why) | Refused::Failed(Some(Errno::ENOENT | Errno::ENOTDIR), why)) = still {
            return Err(why);
        }
    }
    Ok(())
}

fn still(deed: &Deed, plan: &Treatment) -> Result<(), Refused> {
    match deed {
        Deed::Rebind { whom, line, .. } => rebind::is_still(*whom, line),
        Deed::Stop { whom, .. } => way::hold(*whom).map(drop),
        Deed::MakeDir { at, .. } => rights::is_missing(at),
        Deed::SetRights { at, inode, from, .. } => rights::find(at, *inode, *from).map(drop),
        Deed::GiveTree { at, inode, .. } => tree::find(at, *inode).map(drop),
        Deed::RemoveRecord { at } => record::is_still(at),
        Deed::WriteDropIn { unit, file, before, .. } => units::is_still((unit, file), before.as_ref()),
        Deed::RestartUnit { unit } => lives(unit, plan),
        Deed::MakePrivateTmp { .. } | Deed::ReloadManager => Ok(()),
    }
}

/// A restart ends what the plan says it ends: a service that somebody restarted since has other jobs.
fn lives(unit: &str, plan: &Treatment) -> Result<(), Refused> {
    let proc = Proc::open(std::path::Path::new("/proc")).map_err(Refused::at("cannot open /proc"))?;
    let lives = |pid| proc.pid(pid).is_ok();
    if plan.ends.is_empty() || plan.ends.iter().any(|ends| lives(ends.pid)) {
        Ok(())
    } else {
        Err(Refused::Kept(format!(
            "{unit} was restarted or stopped meanwhile: none of its processes is left"
        )))
    }
}
