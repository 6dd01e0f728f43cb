//! Whom the caller means: units and users become pids. Called by `collect::Eyes` once the process table is settled.

use crate::collect::parse::passwd::Users;
use crate::model::asked::Asked;
use crate::model::process::{Process, ProcessTable};
use crate::model::reading::{Gap, GapWhy};

/// What was asked for, with the pids of its units and users, and a gap for each name that nobody here answers to.
///
/// A user is a name of our own passwd file or of the process' own, or a number. A unit may be named without `.service`.
pub fn resolve(asked: &Asked, processes: &ProcessTable, users: Option<&Users>) -> (Asked, Vec<Gap>) {
    let mut resolved = asked.clone();
    let mut gaps = Vec::new();
    for pid in &asked.pids {
        if processes.get(*pid).is_none() {
            gaps.push(Gap::new(format!("process {pid}"), GapWhy::Absent));
        }
    }
    let mut take = |what: String, is_meant: &dyn Fn(&Process) -> bool| {
        let found: Vec<_> = processes.by_pid.values().filter(|p| is_meant(p)).map(|p| p.pid).collect();
        if found.is_empty() {
            gaps.push(Gap::new(what, GapWhy::Absent));
        }
        resolved.pids.extend(found);
    };
    for unit in &asked.units {
        take(format!("processes of unit {unit}"), &|process| is_of_unit(process, unit));
    }
    for user in &asked.users {
        let uid = users.map_or_else(|| user.parse().ok(), |users| users.uid_of(user));
        take(format!("processes of user {user}"), &|process| is_of_user(process, user, uid));
    }
    (resolved, gaps)
}

fn is_of_unit(process: &Process, unit: &str) -> bool {
    process.unit.as_ref().is_some_and(|own| own == unit || own.strip_suffix(".service") == Some(unit))
}

/// Kernel threads belong to nobody.
fn is_of_user(process: &Process, user: &str, uid: Option<u32>) -> bool {
    process.credentials.as_ref().is_ok_and(|c| uid == Some(c.uid) || c.user.as_deref() == Some(user))
}
