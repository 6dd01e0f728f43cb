//! Who is concerned: the processes that one finding speaks of, and what to call them.
//!
//! Runners, build processes and processes that the caller asked about get a finding for each unit or container. All
//! others that share a trouble share one finding, so that a fault of the whole host does not fill the screen. Called by
//! the rules that start from a directory, a mount or a value rather than from a group of [`scope`].

use std::collections::BTreeSet;

use crate::model::finding::{Severity, Subject, SubjectKind};
use crate::model::process::{Container, Pid, Process};
use crate::model::raw_path::RawPath;
use crate::model::snapshot::Snapshot;
use crate::rules::scope;

/// The processes of one finding.
#[derive(Clone, Debug)]
pub struct Party<'a> {
    /// What to call them.
    pub label: String,
    /// Their unit, where all have the same.
    pub unit: Option<String>,
    /// Their container, where all are in one.
    pub container: Option<&'a Container>,
    /// Ascending.
    pub pids: Vec<Pid>,
    /// The one to look at by hand: a runner or build process first. `None` where no process is known.
    pub lead: Option<&'a Process>,
    weighty: bool,
}

impl<'a> Party<'a> {
    /// Splits processes into parties; one without a known process where none of them is known.
    pub fn all_of(now: &'a Snapshot, pids: &BTreeSet<Pid>) -> Vec<Self> {
        let pids: Vec<Pid> = pids.iter().copied().collect();
        let groups = scope::group_pids(now, &pids);
        if groups.is_empty() {
            return vec![Self::unknown(pids)];
        }
        let parties = groups.into_iter().map(|(_, unit, _, members)| Self::of(now, unit, members));
        let (mut weighty, others): (Vec<Self>, Vec<Self>) = parties.partition(|p| p.weighty);
        weighty.extend(merged(others));
        weighty
    }

    fn unknown(pids: Vec<Pid>) -> Self {
        let label = pids.first().map_or_else(|| "this machine".to_owned(), |pid| format!("pid {pid}"));
        Self { label, unit: None, container: None, pids, lead: None, weighty: true }
    }

    fn of(now: &'a Snapshot, unit: Option<String>, pids: Vec<Pid>) -> Self {
        let lead = scope::witness(now, &pids).and_then(|pid| now.process(pid));
        let known = pids.iter().filter_map(|pid| now.process(*pid));
        let weighty = known.into_iter().any(|p| p.is_build() || now.asked.pids.contains(&p.pid));
        let label = lead.map(scope::label_of).unwrap_or_default();
        Self { label, unit, container: lead.and_then(|p| p.container.as_ref()), pids, lead, weighty }
    }

    /// The process to look at by hand.
    pub fn pid(&self) -> Option<Pid> {
        self.lead.map(|p| p.pid).or_else(|| self.pids.first().copied())
    }

    /// Whether a runner, a build process or a process that was asked about is among them.
    pub fn is_weighty(&self) -> bool {
        self.weighty
    }

    /// How grave it is that these processes cannot use their temp dir: critical for builds and for those that were
    /// asked about. A warning for all others: `mktemp` fails there now, but no build does.
    pub fn severity(&self) -> Severity {
        if self.weighty { Severity::Critical } else { Severity::Warning }
    }

    /// The subject of a finding about these processes at that path.
    pub fn subject(&self, path: &RawPath) -> Subject {
        let (kind, name) = match (self.container, &self.unit) {
            (Some(container), _) => (SubjectKind::Container, container.label()),
            (None, Some(unit)) => (SubjectKind::Unit, unit.clone()),
            (None, None) if self.pids.is_empty() => (SubjectKind::Directory, path.shown()),
            (None, None) => (SubjectKind::Process, self.label.clone()),
        };
        Subject { kind, name, pids: self.pids.clone(), path: Some(path.clone()) }
    }
}

/// One party of several that none of them matters for builds.
fn merged(parties: Vec<Party<'_>>) -> Option<Party<'_>> {
    let more = parties.len().saturating_sub(1);
    let mut rest = parties.into_iter();
    let mut all = rest.next()?;
    if more > 0 {
        all.label = format!("{} and {more} more", all.label);
        (all.unit, all.container) = (None, None);
        all.pids.extend(rest.flat_map(|p| p.pids));
        all.pids.sort_unstable();
    }
    Some(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::stage::{Stage, process};

    fn all(stage: &Stage) -> BTreeSet<Pid> {
        stage.now.all_processes().map(|p| p.pid).collect()
    }

    #[test]
    fn gives_each_runner_its_own_and_all_others_one() {
        let mut sshd = process(300, 1, "sshd", 0);
        sshd.unit = Some("ssh.service".into());
        let stage = Stage::healthy().put(sshd).runner(41, "r@1.service").runner(42, "r@2.service");
        let parties = Party::all_of(&stage.now, &all(&stage));
        let labels: Vec<&str> = parties.iter().map(|p| p.label.as_str()).collect();
        assert_eq!(labels, ["r@1.service", "r@2.service", "systemd (pid 1) and 1 more"]);
        assert_eq!(parties[2].pids, [1, 100, 300]);
        assert_eq!(parties[2].severity(), Severity::Warning);
        assert_eq!(parties[0].severity(), Severity::Critical);
    }

    #[test]
    fn speaks_of_a_directory_where_no_process_is_known() {
        let stage = Stage::healthy();
        let parties = Party::all_of(&stage.now, &BTreeSet::new());
        assert_eq!(parties[0].subject(&"/srv/t".into()).kind, SubjectKind::Directory);
    }
}
