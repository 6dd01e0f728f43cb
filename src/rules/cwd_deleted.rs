//! `cwd-deleted`: the working directory was removed under a runner or build process.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::errno::Errno;
use crate::model::finding::{Confidence, Finding, Risk, Severity};
use crate::model::process::{Pid, Process, RoleKind};
use crate::model::raw_path::RawPath;
use crate::model::snapshot::Snapshot;
use crate::model::thresholds::Thresholds;
use crate::model::units::count;
use crate::rules::heading::titled;
use crate::rules::party::Party;
use crate::rules::{Rule, RuleCard, Verdict, builds, evidence, offers, unseen};

/// See the module's header.
pub struct CwdDeleted;

static CARD: RuleCard = RuleCard {
    id: "cwd-deleted",
    title: "The working directory was removed under a build",
    yields_to: &["private-tmp-deleted", "bind-source-deleted"],
};

impl Rule for CwdDeleted {
    fn card(&self) -> &'static RuleCard {
        &CARD
    }

    // A daemon that never looks at its working directory runs on without it: only builds and asked processes count.
    fn check(&self, now: &Snapshot, _: Option<&Snapshot>, _: &Thresholds) -> Verdict {
        let living = || now.all_processes().filter(|p| !p.kernel && p.state != 'Z');
        let mut by_path: BTreeMap<&RawPath, BTreeSet<Pid>> = BTreeMap::new();
        for process in living().filter(|p| p.is_build() || now.asked.pids.contains(&p.pid)) {
            if let Ok(place) = &process.cwd
                && place.deleted
            {
                by_path.entry(&place.path).or_default().insert(process.pid);
            }
        }
        let parties = by_path.into_iter().flat_map(|(path, pids)| {
            Party::all_of(now, &pids).into_iter().map(move |party| (path, party)).collect::<Vec<_>>()
        });
        let found = parties.filter_map(|(path, party)| finding(now, path, &party)).collect();
        let builds = builds::of(now);
        let gaps =
            unseen::of_processes("working directory", builds.iter().filter_map(|p| p.cwd.as_ref().err()));
        let gaps = if now.processes.value().is_none() { now.processes.gaps().to_vec() } else { gaps };
        Verdict::of(found, gaps, || {
            let builds = living().filter(|p| p.is_build()).count();
            let builds = count(builds, ("runner or build process", "runners and build processes"));
            format!("working directories of {builds}, each exists")
        })
    }
}

fn finding(now: &Snapshot, path: &RawPath, party: &Party<'_>) -> Option<Finding> {
    let lead = party.lead?;
    let place = lead.cwd.as_ref().ok()?;
    let means =
        "the kernel marks this directory as removed: getcwd fails, and nothing can be created relative to it";
    let mut actions = offers::restart(party, "it starts in a directory that exists");
    if !lead.is_build() {
        actions.push(offers::guide(
            "in a shell change to a directory that exists; making the path anew does not help",
            Risk::None,
            vec!["cd /".to_owned()],
        ));
    }
    let end = offers::stop(lead);
    if !actions.contains(&end) {
        actions.push(end);
    }
    Some(Finding {
        id: CARD.id.to_owned(),
        severity: severity(now, party),
        confidence: Confidence::Proven,
        subject: party.subject(path),
        title: title(path, &party.label),
        errno: Some(Errno::ENOENT),
        evidence: vec![evidence::cwd(lead.pid, place, means)],
        actions,
    })
}

/// The kernel calls the root of a mount that was detached `/` as well.
fn title(path: &RawPath, label: &str) -> String {
    if *path == "/".into() {
        return format!("the working dir of {label} was removed, with the mount it lay on");
    }
    titled("", path, &format!(", the working dir of {label}, was removed"))
}

/// Critical where commands are started from there; servers that were started from there once mostly live on.
fn severity(now: &Snapshot, party: &Party<'_>) -> Severity {
    let starts_commands = |p: &Process| {
        let kind = p.role.as_ref().map(|role| role.kind);
        matches!(kind, Some(RoleKind::Runner | RoleKind::BuildTool)) || now.asked.pids.contains(&p.pid)
    };
    let members = party.pids.iter().filter_map(|pid| now.process(*pid));
    if members.into_iter().any(starts_commands) { Severity::Critical } else { Severity::Warning }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::process::{Place, Role};
    use crate::model::reading::GapWhy;
    use crate::rules::stage::Stage;

    fn gone(stage: Stage, pid: Pid) -> Stage {
        stage.change(pid, |p| p.cwd = Ok(Place { path: "/srv/ci/run-7".into(), deleted: true }))
    }

    fn one(stage: &Stage) -> Finding {
        let Verdict::Found(mut found) = stage.check(&CwdDeleted) else { panic!("must be found") };
        assert_eq!(found.len(), 1);
        found.remove(0)
    }

    #[test]
    fn fires_for_a_runner_in_a_directory_that_is_gone() {
        let finding = one(&gone(Stage::healthy().runner(41, "r@1.service"), 41));
        assert_eq!(finding.severity, Severity::Critical);
        assert_eq!(finding.title, "/srv/ci/run-7, the working dir of r@1.service, was removed");
        assert_eq!(finding.evidence[0].observed.shown(), "/srv/ci/run-7 (deleted)");
        assert_eq!(finding.evidence[0].by_hand, "readlink /proc/41/cwd");
    }

    #[test]
    fn a_directory_on_a_mount_that_was_detached_has_no_path() {
        let stage = Stage::healthy().runner(41, "r@1.service");
        let stage = stage.change(41, |p| p.cwd = Ok(Place { path: "/".into(), deleted: true }));
        assert_eq!(one(&stage).title, "the working dir of r@1.service was removed, with the mount it lay on");
    }

    #[test]
    fn only_warns_of_a_server_that_was_started_from_there() {
        let stage = gone(Stage::healthy().runner(41, "r@1.service"), 41).change(41, |p| {
            p.role = Some(Role {
                id: "gradle".into(),
                kind: RoleKind::BuildDaemon,
                title: "Gradle daemon".into(),
            });
        });
        assert_eq!(one(&stage).severity, Severity::Warning);
    }

    #[test]
    fn stays_clear_of_other_daemons_and_of_a_name_that_only_looks_deleted() {
        assert!(matches!(gone(Stage::healthy(), 100).check(&CwdDeleted), Verdict::RuledOut(_)));
        assert_eq!(one(&gone(Stage::healthy(), 100).asked(100)).severity, Severity::Critical);
        let named_so = Stage::healthy()
            .runner(41, "r@1.service")
            .change(41, |p| p.cwd = Ok(Place { path: "/srv/x (deleted)".into(), deleted: false }));
        assert!(matches!(named_so.check(&CwdDeleted), Verdict::RuledOut(_)));
    }

    #[test]
    fn is_blind_where_working_directories_cannot_be_read() {
        let unread =
            |pid| Stage::healthy().runner(41, "r@1.service").change(pid, |p| p.cwd = Err(GapWhy::Denied));
        assert!(matches!(unread(41).check(&CwdDeleted), Verdict::Blind(_)));
        assert!(matches!(unread(100).check(&CwdDeleted), Verdict::RuledOut(_)), "it is about builds");
    }
}
