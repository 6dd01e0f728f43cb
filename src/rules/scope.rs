//! Whom a cause concerns: groups of processes, their names, and how grave it is for them.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::finding::{Severity, Subject, SubjectKind};
use crate::model::mount::{Mount, MountNamespace};
use crate::model::process::{Pid, Process};
use crate::model::raw_path::RawPath;
use crate::model::snapshot::Snapshot;
use crate::model::vantage::Vantage;

/// Processes of one unit or container (or of none) that share a mount.
#[derive(Clone, Debug)]
pub struct Group<'a> {
    /// The mount namespace.
    pub namespace: &'a MountNamespace,
    /// The mount concerned.
    pub mount: &'a Mount,
    /// Their unit, where all have the same.
    pub unit: Option<String>,
    /// Their container label, where they are in one.
    pub container: Option<String>,
    /// What to call them.
    pub label: String,
    /// Ascending; never empty.
    pub pids: Vec<Pid>,
}

impl Group<'_> {
    /// The subject of a finding about this group at that path.
    pub fn subject(&self, path: RawPath) -> Subject {
        let (kind, name) = match (&self.container, &self.unit) {
            (Some(container), _) => (SubjectKind::Container, container.clone()),
            (None, Some(unit)) => (SubjectKind::Unit, unit.clone()),
            (None, None) => (SubjectKind::Process, self.label.clone()),
        };
        Subject { kind, name, pids: self.pids.clone(), path: Some(path) }
    }
}

/// Every mount of every namespace.
pub fn mounts(now: &Snapshot) -> impl Iterator<Item = &Mount> {
    now.namespaces.items().iter().flat_map(|ns| ns.mounts.items())
}

/// The processes that live with a mount for which `wanted` holds, grouped by namespace, unit or container, and mount.
///
/// A mount hidden by a later one on the same point concerns nobody.
pub fn groups_on_mount(now: &Snapshot, wanted: impl Fn(&Mount) -> bool) -> Vec<Group<'_>> {
    let mut groups = Vec::new();
    for namespace in now.namespaces.items() {
        let visible = |m: &&Mount| namespace.stacked_on(&m.point).last().is_some_and(|top| top.id == m.id);
        for mount in namespace.mounts.items().iter().filter(|m| wanted(m)).filter(visible) {
            groups.extend(group_pids(now, &namespace.pids).into_iter().map(
                |(label, unit, container, pids)| Group { namespace, mount, unit, container, label, pids },
            ));
        }
    }
    groups
}

type Named = (String, Option<String>, Option<String>, Vec<Pid>);

/// Splits processes by container, else by unit, else leaves them in one group named after the first.
pub fn group_pids(now: &Snapshot, pids: &[Pid]) -> Vec<Named> {
    let mut by_name: BTreeMap<(Option<String>, Option<String>), Vec<&Process>> = BTreeMap::new();
    for process in pids.iter().filter_map(|pid| now.process(*pid)) {
        let container = process.container.as_ref().map(crate::model::process::Container::label);
        let unit = if container.is_some() { None } else { process.unit.clone() };
        by_name.entry((container, unit)).or_default().push(process);
    }
    let groups = by_name.into_iter().map(|((container, unit), members)| {
        let label = members.first().map(|p| label_of(p)).unwrap_or_default();
        (label, unit, container, members.iter().map(|p| p.pid).collect())
    });
    groups.collect()
}

/// Unit, container, or command with its pid.
pub fn label_of(process: &Process) -> String {
    if process.unit.is_some() || process.container.is_some() {
        process.label()
    } else {
        format!("{} (pid {})", process.comm.shown(), process.pid)
    }
}

/// Critical where a runner or build process uses `path` as its temp dir, or where the caller asked about one of these
/// processes; a warning otherwise.
pub fn severity(now: &Snapshot, pids: &[Pid], path: &RawPath) -> Severity {
    let asked = pids.iter().any(|pid| now.asked.pids.contains(pid));
    let pids: BTreeSet<Pid> = pids.iter().copied().collect();
    let used = vantages_below(now, path).any(|v| v.is_build && uses(now, v, &pids));
    let asked_dir = now.asked.dirs.iter().any(|dir| dir.is_below(path));
    if asked || used || asked_dir { Severity::Critical } else { Severity::Warning }
}

fn uses(now: &Snapshot, vantage: &Vantage, pids: &BTreeSet<Pid>) -> bool {
    vantage.pids.iter().any(|pid| pids.contains(pid) && now.process(*pid).is_some_and(Process::is_build))
}

/// The vantages whose directory is `path` or lies below it.
pub fn vantages_below<'a>(now: &'a Snapshot, path: &'a RawPath) -> impl Iterator<Item = &'a Vantage> {
    now.vantages.items().iter().filter(move |v| v.path.is_below(path))
}

/// One process of the group that the reader can use in a by-hand command: a runner or build process first.
pub fn witness(now: &Snapshot, pids: &[Pid]) -> Option<Pid> {
    let known = pids.iter().filter_map(|pid| now.process(*pid));
    known
        .max_by_key(|p| (p.is_build(), std::cmp::Reverse(p.pid)))
        .map(|p| p.pid)
        .or_else(|| pids.first().copied())
}
