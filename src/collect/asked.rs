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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::collect::specimen;
    use crate::model::process::Pid;

    fn machine() -> ProcessTable {
        let mut runner = specimen::process(7, 1000);
        runner.unit = Some("forgejo-runner@1.service".into());
        let mut shell = specimen::process(8, 1001);
        shell.unit = Some("session-3.scope".into());
        let mut inside = specimen::process(9, 1002);
        inside.credentials.as_mut().unwrap().user = Some("runner".into());
        specimen::table(vec![runner, shell, inside])
    }

    fn pids(asked: &Asked) -> (Vec<Pid>, usize) {
        let users = Users::parse(b"runner:x:1000:1000::/:/bin/sh\n");
        let (resolved, gaps) = resolve(asked, &machine(), Some(&users));
        (resolved.pids.into_iter().collect(), gaps.len())
    }

    #[test]
    fn finds_units_with_and_without_their_suffix() {
        let unit = |name: &str| Asked { units: vec![name.into()], ..Asked::default() };
        assert_eq!(pids(&unit("forgejo-runner@1.service")), (vec![7], 0));
        assert_eq!(pids(&unit("forgejo-runner@1")), (vec![7], 0));
        assert_eq!(pids(&unit("session-3.scope")), (vec![8], 0));
        assert_eq!(pids(&unit("session-3")), (vec![], 1), "only services go by their bare name");
        assert_eq!(pids(&unit("forgejo-runner")), (vec![], 1));
    }

    #[test]
    fn finds_users_by_our_names_their_names_and_numbers() {
        let user = |name: &str| Asked { users: vec![name.into()], ..Asked::default() };
        assert_eq!(pids(&user("runner")), (vec![7, 9], 0), "a container may number its users otherwise");
        assert_eq!(pids(&user("1001")), (vec![8], 0));
        assert_eq!(pids(&user("nobody")), (vec![], 1));
    }

    #[test]
    fn says_which_pid_is_not_there_and_keeps_it() {
        let asked = Asked { pids: BTreeSet::from([8, 4711]), ..Asked::default() };
        assert_eq!(pids(&asked), (vec![8, 4711], 1));
        assert_eq!(pids(&Asked::default()), (vec![], 0), "nobody asked, nobody is meant");
    }
}
