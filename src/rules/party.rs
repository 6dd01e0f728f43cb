//! Who is concerned: the processes that one finding speaks of, and what to call them.
//!
//! Runners, build processes and processes that the caller asked about get a finding for each unit or container. All
//! others that share a trouble share one finding, so that a fault of the whole host does not fill the screen. Called by
//! the rules that start from a directory, a mount or a value rather than from a group of [`scope`].

use std::collections::BTreeSet;

use crate::model::finding::{Evidence, Severity, Subject, SubjectKind};
use crate::model::process::{Container, Pid, Process};
use crate::model::raw_path::{RawPath, RawText};
use crate::model::snapshot::Snapshot;
use crate::rules::{builds, evidence, origin, scope};

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
    servers: Servers,
    weighty: bool,
    ours: bool,
}

/// Whether all processes of a party are servers that the next client starts again: compiler caches, build daemons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Servers {
    /// They are not.
    No,
    /// They are all that their service runs: it may be theirs, or one that has ended but for them.
    Alone,
    /// Their service runs something else, which fares otherwise; or they have none. They were started by a job, and may have
    /// outlived that service's restart (KillMode=process), so it is them that must end, not the service.
    Beside,
}

impl<'a> Party<'a> {
    /// Splits processes into parties; one without a known process where none of them is known.
    pub fn all_of(now: &'a Snapshot, pids: &BTreeSet<Pid>) -> Vec<Self> {
        // Our own process shares its view with others mostly, and is gone when somebody pastes a command.
        let others: Vec<Pid> = pids.iter().copied().filter(|pid| *pid != now.eyes.pid).collect();
        if others.is_empty() && !pids.is_empty() {
            return vec![Self::ours(now)];
        }
        let pids = others;
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
        Self {
            label,
            unit: None,
            container: None,
            pids,
            lead: None,
            servers: Servers::No,
            weighty: true,
            ours: false,
        }
    }

    fn ours(now: &'a Snapshot) -> Self {
        let (own, label) = (now.eyes.pid, "your shell".to_owned());
        let weighty = now.asked.pids.contains(&own);
        let lead = now.process(own);
        let servers = Servers::No;
        Self { label, unit: None, container: None, pids: vec![own], lead, servers, weighty, ours: true }
    }

    fn of(now: &'a Snapshot, unit: Option<String>, pids: Vec<Pid>) -> Self {
        let lead = scope::witness(now, &pids).and_then(|pid| now.process(pid));
        let known = pids.iter().filter_map(|pid| now.process(*pid));
        let weighty = known.into_iter().any(|p| p.is_build() || now.asked.pids.contains(&p.pid));
        let label = lead.map(scope::label_of).unwrap_or_default();
        let container = lead.and_then(|p| p.container.as_ref());
        let servers = container.map_or_else(|| servers(now, unit.as_deref(), &pids), |_| Servers::No);
        let party = Self { label, unit, container, pids, lead, servers, weighty, ours: false };
        if servers == Servers::Beside { party.apart() } else { party }
    }

    /// Not the whole unit is meant.
    fn apart(self) -> Self {
        let Some((unit, lead)) = self.unit.as_ref().zip(self.lead) else { return self };
        let label = format!("{} (pid {}) of {unit}", lead.comm.shown(), lead.pid);
        Self { label, unit: None, ..self }
    }

    /// Whether they are servers that the next client starts again.
    pub fn servers(&self) -> Servers {
        self.servers
    }

    /// The process to look at by hand; `None` where it is our own or none is known, and the view is that of the shell.
    pub fn pid(&self) -> Option<Pid> {
        let first = self.lead.map(|p| p.pid).or_else(|| self.pids.first().copied());
        first.filter(|_| !self.ours)
    }

    /// A variable as the process to look at holds it, and where it came in.
    pub fn variable(&self, now: &Snapshot, name: &str, value: &RawText, means: &str) -> Vec<Evidence> {
        let Some(pid) = self.pid() else { return vec![own_variable(name, value, means)] };
        let own = evidence::variable(pid, name, value, means);
        std::iter::once(own).chain(origin::of(now, pid, name)).collect()
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

fn own_variable(name: &str, value: &RawText, means: &str) -> Evidence {
    let mut line = format!("{name}=").into_bytes();
    line.extend_from_slice(value.as_bytes());
    Evidence {
        source: "the environment of tmpmedic".to_owned(),
        observed: RawText::new(line),
        means: means.to_owned(),
        by_hand: format!("env | grep '^{name}='"),
    }
}

fn servers(now: &Snapshot, unit: Option<&str>, pids: &[Pid]) -> Servers {
    let mut known = pids.iter().filter_map(|pid| now.process(*pid)).peekable();
    if known.peek().is_none() || !known.all(builds::is_on_demand) {
        return Servers::No;
    }
    let is_other = |p: &&Process| p.unit.as_deref() == unit && p.state != 'Z' && !pids.contains(&p.pid);
    if unit.is_none() || now.all_processes().filter(is_other).any(|p| !builds::is_on_demand(p)) {
        Servers::Beside
    } else {
        Servers::Alone
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
    fn names_our_own_process_only_where_nobody_else_shares_its_view() {
        let mut stage = Stage::healthy().put(process(900, 100, "tmpmedic", 0));
        stage.now.eyes.pid = 900;
        let shared = Party::all_of(&stage.now, &BTreeSet::from([100, 900]));
        assert_eq!((shared[0].pids.as_slice(), shared[0].pid()), (&[100][..], Some(100)));
        let alone = Party::all_of(&stage.now, &BTreeSet::from([900]));
        assert_eq!((alone[0].label.as_str(), alone[0].pid()), ("your shell", None));
        let evidence = alone[0].variable(&stage.now, "TMPDIR", &"/nope".into(), "");
        assert_eq!(evidence[0].by_hand, "env | grep '^TMPDIR='");
    }

    #[test]
    fn speaks_of_a_directory_where_no_process_is_known() {
        let stage = Stage::healthy();
        let parties = Party::all_of(&stage.now, &BTreeSet::new());
        assert_eq!(parties[0].subject(&"/srv/t".into()).kind, SubjectKind::Directory);
    }
}
