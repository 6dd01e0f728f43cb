//! What was not seen: when it forbids to rule a cause out, and when it is enough to say so.
//!
//! A cause that can strike any process is not ruled out while some process hides: [`vantages`], [`environments`]. One of a file
//! system or a directory, which others see as well, is ruled out for whom was seen, and [`verdict`] names whom it leaves
//! out: [`vantages_that_matter`]. One of runners and builds alone needs only those: [`processes`], [`of_builds`].

use crate::model::finding::Finding;
use std::collections::BTreeMap;

use crate::model::process::{Pid, Process};
use crate::model::reading::{Gap, GapWhy};
use crate::model::snapshot::Snapshot;
use crate::rules::{Verdict, builds};

/// A verdict over vantages: as [`Verdict::of`], and what is ruled out says whom it leaves out.
pub fn verdict(
    now: &Snapshot,
    found: Vec<Finding>,
    gaps: Vec<Gap>,
    because: impl FnOnce() -> String,
) -> Verdict {
    Verdict::of(found, gaps, || {
        let left_out: Vec<&str> = now.vantages.gaps().iter().map(|gap| gap.what.as_str()).take(2).collect();
        let because = because();
        if left_out.is_empty() { because } else { format!("{because}; not seen: {}", left_out.join(", ")) }
    })
}

/// What keeps a cause from being ruled out. A process whose environment may not be read keeps it only where it builds or was
/// asked about: elsewhere it is enough to say that it is left out.
pub fn vantages_that_matter(now: &Snapshot) -> Vec<Gap> {
    let unread = |p: &&Process| p.variables.is_err() || p.credentials.is_err() || p.mount_ns.is_err();
    let hides_a_build = builds::of(now).iter().any(unread);
    let is_blind = now.vantages.value().is_none();
    let matters = |gap: &&Gap| is_blind || hides_a_build || gap.why != GapWhy::Denied;
    now.vantages.gaps().iter().filter(matters).cloned().collect()
}

/// What kept the mount tables from being read: tables that are blind or in part, or the whole section.
pub fn mounts(now: &Snapshot) -> Vec<Gap> {
    let tables = now.namespaces.items().iter().flat_map(|ns| ns.mounts.gaps());
    now.namespaces.gaps().iter().chain(tables).cloned().collect()
}

/// What kept the vantages from being known.
pub fn vantages(now: &Snapshot) -> Vec<Gap> {
    now.vantages.gaps().to_vec()
}

/// What kept the environments of processes from being read; processes that ended meanwhile do not count.
pub fn environments(now: &Snapshot) -> Vec<Gap> {
    let Some(table) = now.processes.value() else { return now.processes.gaps().to_vec() };
    let living = table.by_pid.values().filter(|p| !p.kernel && p.state != 'Z' && p.state != 'X');
    of_processes("environment", living.filter_map(|p| p.variables.as_ref().err()))
}

/// The same for a cause that only runners, build processes and asked ones can have.
pub fn environments_of_builds(now: &Snapshot) -> Vec<Gap> {
    if now.processes.value().is_none() {
        return now.processes.gaps().to_vec();
    }
    of_processes("environment", builds::of(now).iter().filter_map(|p| p.variables.as_ref().err()))
}

/// One gap for each reason why something of processes was not read.
pub fn of_processes<'a>(what: &str, whys: impl Iterator<Item = &'a GapWhy>) -> Vec<Gap> {
    let mut counts: BTreeMap<&GapWhy, u64> = BTreeMap::new();
    for why in whys.filter(|why| **why != GapWhy::Vanished) {
        *counts.entry(why).or_default() += 1;
    }
    let gap = |(why, count): (&GapWhy, u64)| match count {
        1 => Gap::new(format!("{what} of 1 process"), why.clone()),
        _ => Gap::new(format!("{what} of {count} processes"), why.clone()),
    };
    counts.into_iter().map(gap).collect()
}

/// What kept the process list from being whole. Environments that may not be read, or belong to a process in state D, do not
/// hide limits, so those gaps are left out unless nothing at all was seen.
pub fn processes(now: &Snapshot) -> Vec<Gap> {
    let blind = now.processes.value().is_none();
    let hides = |gap: &&Gap| !matches!(gap.why, GapWhy::Denied | GapWhy::Hung { .. } | GapWhy::Vanished);
    now.processes.gaps().iter().filter(|gap| blind || hides(gap)).cloned().collect()
}

/// One gap for all the processes whose field could not be read, by the reason of the first.
pub fn of_builds(what: &str, missing: &[(Pid, GapWhy)]) -> Option<Gap> {
    // A process that ended while we looked has no limits any more.
    let mut counted = missing.iter().filter(|(_, why)| *why != GapWhy::Vanished).peekable();
    let (pid, why) = counted.peek().copied()?.clone();
    let text = match counted.count() {
        1 => format!("{what} of process {pid}"),
        n => format!("{what} of {n} processes (first {pid})"),
    };
    Some(Gap::new(text, why))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::reading::Reading;
    use crate::model::units::Micros;
    use crate::rules::stage::Stage;

    #[test]
    fn a_stranger_that_may_not_be_read_is_left_out_and_a_build_makes_blind() {
        let part = |mut stage: Stage| {
            let value = stage.now.vantages.items().to_vec();
            let gaps = vec![Gap::new("temp dir of 1 process", GapWhy::Denied)];
            stage.now.vantages = Reading::Part { value, took: Micros(1), gaps };
            stage
        };
        let stage = part(Stage::healthy().runner(70, "ci.service").without_environment(100));
        let said = verdict(&stage.now, vec![], vantages_that_matter(&stage.now), || "all is well".to_owned());
        assert_eq!(said, Verdict::RuledOut("all is well; not seen: temp dir of 1 process".to_owned()));
        let stage = part(Stage::healthy().runner(70, "ci.service").without_environment(70));
        assert_eq!(vantages_that_matter(&stage.now).len(), 1, "whatever it uses may be the fault");
    }

    #[test]
    fn counts_environments_that_were_denied_and_not_those_of_the_dead() {
        let stage =
            Stage::healthy().without_environment(100).change(1, |p| p.variables = Err(GapWhy::Vanished));
        let gaps = environments(&stage.now);
        assert_eq!(gaps.len(), 1);
        assert_eq!(gaps[0].what, "environment of 1 process");
    }
}
