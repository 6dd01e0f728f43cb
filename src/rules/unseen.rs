//! What was not seen: when it forbids to rule a cause out, and when it is enough to say so.
//!
//! One policy for all: no cause is ruled out while a runner, a build or a process that was asked about hides what would show
//! it ([`vantages_that_matter`], [`environments`], [`of_builds`]). Any other process that may not be read is left out, and
//! [`verdict`] and [`verdict_on_values`] say so.

use crate::model::finding::Finding;
use std::collections::BTreeMap;

use crate::model::process::{Pid, Process};
use crate::model::reading::{Gap, GapWhy};
use crate::model::snapshot::Snapshot;
use crate::model::units::count;
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

/// A verdict over what variables name, which `gaps` beside the environments may keep from being ruled out.
pub fn verdict_on_values(
    now: &Snapshot,
    found: Vec<Finding>,
    gaps: Vec<Gap>,
    because: impl FnOnce() -> String,
) -> Verdict {
    Verdict::of(found, [gaps, environments(now)].concat(), || {
        let lives = |p: &&Process| !p.kernel && !matches!(p.state, 'Z' | 'X');
        let whys = now.all_processes().filter(lives).filter_map(|p| p.variables.as_ref().err());
        let left_out = of_processes("environment", whys);
        let because = because();
        match left_out.first() {
            None => because,
            Some(first) => format!("{because}; not seen: {}", first.what),
        }
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

/// What kept the environments of runners, build processes and asked ones from being read; of those that ended meanwhile
/// nothing is missing.
pub fn environments(now: &Snapshot) -> Vec<Gap> {
    if now.processes.value().is_none() {
        return now.processes.gaps().to_vec();
    }
    of_processes("environment", builds::of(now).iter().filter_map(|p| p.variables.as_ref().err()))
}

/// One gap for each reason why something of processes was not read.
pub fn of_processes<'a>(what: &str, whys: impl Iterator<Item = &'a GapWhy>) -> Vec<Gap> {
    let mut counts: BTreeMap<&GapWhy, usize> = BTreeMap::new();
    for why in whys.filter(|why| **why != GapWhy::Vanished) {
        *counts.entry(why).or_default() += 1;
    }
    let gap = |(why, n): (&GapWhy, usize)| {
        Gap::new(format!("{what} of {}", count(n, ("process", "processes"))), why.clone())
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
        n => format!("{what} of {} (first {pid})", count(n, ("process", "processes"))),
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
    fn an_unread_environment_blinds_where_it_builds_or_was_asked_about() {
        let stage = Stage::healthy().runner(70, "ci.service").without_environment(100);
        let said = |stage: &Stage| verdict_on_values(&stage.now, vec![], vec![], || "all is well".to_owned());
        assert_eq!(
            said(&stage),
            Verdict::RuledOut("all is well; not seen: environment of 1 process".to_owned())
        );
        let gap = Gap::new("environment of 1 process", GapWhy::Denied);
        assert_eq!(said(&stage.clone().asked(100)), Verdict::Blind(vec![gap.clone()]));
        assert_eq!(said(&stage.clone().without_environment(70)), Verdict::Blind(vec![gap]));
        let dead = stage.change(100, |p| p.variables = Err(GapWhy::Vanished));
        assert_eq!(
            said(&dead),
            Verdict::RuledOut("all is well".to_owned()),
            "of the dead nothing is missing"
        );
    }

    #[test]
    fn every_rule_on_temp_variables_leaves_strangers_out_and_waits_for_builds() {
        let names = |p: &&&dyn crate::rules::Rule| {
            p.card().id.starts_with("tmpdir-") || p.card().id == "duplicate-env-entry"
        };
        let stage = Stage::healthy().runner(70, "ci.service");
        let (stranger, build) = (stage.clone().without_environment(100), stage.without_environment(70));
        for rule in crate::rules::RULES.iter().filter(names) {
            let id = rule.card().id;
            assert!(
                matches!(stranger.check(*rule), Verdict::RuledOut(_)),
                "{id}: {:?}",
                stranger.check(*rule)
            );
            assert!(matches!(build.check(*rule), Verdict::Blind(_)), "{id}: {:?}", build.check(*rule));
        }
    }
}
