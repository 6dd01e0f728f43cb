//! Cohorts: vantages that stand or fall together, so that one full file system is one finding and not one a process.
//!
//! Called by the rules about file systems and directories. Says whom a cause concerns and how their place is reached by
//! hand; whether something is wrong is the business of the rules.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::finding::{Evidence, Severity, Subject, SubjectKind};
use crate::model::mount::Mount;
use crate::model::process::{MountNs, Pid, Process};
use crate::model::raw_path::RawPath;
use crate::model::snapshot::Snapshot;
use crate::model::vantage::{Identity, Reason, Vantage};
use crate::rules::{evidence, place, scope};

/// Vantages that one thing concerns: a file system or a directory.
#[derive(Clone, Debug)]
pub struct Cohort<'a> {
    /// The look they belong to.
    pub now: &'a Snapshot,
    /// The most telling of them: a build's own temp dir before a place that tools only fall back to.
    pub lead: &'a Vantage,
    /// All of them, the lead included.
    pub vantages: Vec<&'a Vantage>,
}

impl<'a> Cohort<'a> {
    /// The cohort of these vantages; `None` where there are none.
    pub fn of(now: &'a Snapshot, vantages: Vec<&'a Vantage>) -> Option<Self> {
        let lead = vantages.iter().copied().max_by_key(|v| weight(now, v))?;
        Some(Self { now, lead, vantages })
    }

    /// The same with only those vantages for which `keep` holds.
    pub fn only(&self, keep: impl Fn(&Vantage) -> bool) -> Option<Self> {
        Self::of(self.now, self.vantages.iter().copied().filter(|v| keep(v)).collect())
    }

    /// Every process concerned, ascending; we only where nobody else is, or somebody asks about us.
    pub fn pids(&self) -> Vec<Pid> {
        let mut all: BTreeSet<Pid> = self.vantages.iter().flat_map(|v| v.pids.iter().copied()).collect();
        let own = self.now.eyes.pid;
        if all.len() > 1 && !self.now.asked.pids.contains(&own) {
            all.remove(&own);
        }
        all.into_iter().collect()
    }

    /// The directory of the lead, as its processes name it.
    pub fn path(&self) -> RawPath {
        place::path(self.lead)
    }

    /// The gravest that it is for one of them.
    pub fn severity(&self) -> Severity {
        let each = self.vantages.iter().map(|v| scope::severity(self.now, &v.pids, &v.path));
        each.max().unwrap_or(Severity::Warning)
    }

    /// Whether any of them is the temp dir of a runner or build process, or was asked about.
    pub fn is_vital(&self) -> bool {
        self.severity() == Severity::Critical
    }

    /// `forgejo-runner@1.service and 3 more`: the runners and builds where there are any, else everybody.
    pub fn who(&self) -> String {
        who(self.now, &self.pids())
    }

    /// The subject of a finding about them.
    pub fn subject(&self) -> Subject {
        subject(self.now, &self.pids(), Some(self.path()))
    }

    /// The mount that serves the lead.
    pub fn mount(&self) -> Option<&'a Mount> {
        place::mount(self.now, self.lead)
    }

    /// The line of that mount.
    pub fn mount_line(&self, means: &str) -> Option<Evidence> {
        self.mount().map(|mount| evidence::mount_line_of(self.pid(), mount, means))
    }

    /// A process to name in a by-hand command: one of theirs, else the witness of their namespace, else pid 1.
    pub fn pid(&self) -> Pid {
        let witness = || self.now.namespace(self.lead.mount_ns).map(|ns| ns.witness);
        scope::witness(self.now, &self.lead.pids).or_else(witness).unwrap_or(1)
    }

    /// The lead's directory as a shell of ours reaches it.
    pub fn reach(&self) -> RawPath {
        place::reach(self.now, self.lead, &place::end(self.lead))
    }

    /// The first probe of one of them that failed.
    pub fn probe(&self) -> Option<Evidence> {
        self.vantages.iter().find_map(|v| evidence::probe_of(self.now, v))
    }
}

/// Cohorts of the vantages for which `wanted` holds, by the file system that stores what they create.
///
/// Containers on overlayfs count to the file system of their upper directory. One whose size differs although the device
/// is the same is a project quota and stands alone.
pub fn by_file_system(now: &Snapshot, wanted: impl Fn(&Vantage) -> bool) -> Vec<Cohort<'_>> {
    gather(now, wanted, |v| {
        let device =
            place::backing(now, v).map(|m| m.device).or_else(|| v.identity.as_ref().ok().map(|i| i.device));
        (device, v.space.as_ref().ok().map(|s| s.total))
    })
}

/// Cohorts of the vantages for which `wanted` holds, by directory.
pub fn by_directory(now: &Snapshot, wanted: impl Fn(&Vantage) -> bool) -> Vec<Cohort<'_>> {
    gather(now, wanted, directory_key)
}

/// Cohorts by any key.
pub fn gather<'a, K: Ord>(
    now: &'a Snapshot,
    wanted: impl Fn(&Vantage) -> bool,
    key: impl Fn(&'a Vantage) -> K,
) -> Vec<Cohort<'a>> {
    let mut by_key: BTreeMap<K, Vec<&Vantage>> = BTreeMap::new();
    for vantage in now.vantages.items().iter().filter(|v| wanted(v)) {
        by_key.entry(key(vantage)).or_default().push(vantage);
    }
    by_key.into_values().filter_map(|vantages| Cohort::of(now, vantages)).collect()
}

/// `forgejo-runner@1.service and 3 more`: the runners and builds among them where there are any, else everybody.
pub fn who(now: &Snapshot, pids: &[Pid]) -> String {
    let known: Vec<&Process> = pids.iter().filter_map(|pid| now.process(*pid)).collect();
    let builds: Vec<&Process> = known.iter().copied().filter(|p| p.is_build()).collect();
    let chosen = if builds.is_empty() { known } else { builds };
    let mut labels: Vec<String> = Vec::new();
    for label in chosen.iter().map(|p| scope::label_of(p)) {
        if !labels.contains(&label) {
            labels.push(label);
        }
    }
    match labels.as_slice() {
        [] => "everybody".to_owned(),
        [one] => one.clone(),
        [one, more @ ..] => format!("{one} and {} more", more.len()),
    }
}

/// The unit, container or process where all are of one; the directory, or else the first process, where they are not.
pub fn subject(now: &Snapshot, pids: &[Pid], path: Option<RawPath>) -> Subject {
    let groups = scope::group_pids(now, pids);
    let (kind, name) = match (groups.as_slice(), &path) {
        ([(_, _, Some(container), _)], _) => (SubjectKind::Container, container.clone()),
        ([(_, Some(unit), _, _)], _) => (SubjectKind::Unit, unit.clone()),
        ([(label, _, _, members)], _) if members.len() == 1 => (SubjectKind::Process, label.clone()),
        (_, Some(path)) => (SubjectKind::Directory, path.shown()),
        (_, None) => (SubjectKind::Process, who(now, pids)),
    };
    Subject { kind, name, pids: pids.to_vec(), path }
}

type DirectoryKey = (Option<Identity>, Option<(MountNs, RawPath)>);

fn directory_key(vantage: &Vantage) -> DirectoryKey {
    match &vantage.identity {
        // The mount id is left out: one directory bound to two places has one mode, one ACL and one link count.
        Ok(identity) => (Some(Identity { mount_id: None, ..*identity }), None),
        Err(_) => (None, Some((vantage.mount_ns, place::path(vantage)))),
    }
}

fn weight(now: &Snapshot, vantage: &Vantage) -> (bool, bool, u8, usize, std::cmp::Reverse<RawPath>) {
    let rank = |reason: &Reason| match reason {
        Reason::TmpDir | Reason::Default => 4,
        Reason::Asked => 3,
        Reason::Variable(_) => 2,
        Reason::Fallback => 1,
        Reason::BindMount => 0,
    };
    let best = vantage.reasons.iter().map(rank).max().unwrap_or(0);
    let path = std::cmp::Reverse(vantage.path.clone());
    (vantage.is_build, place::is_asked(now, vantage), best, vantage.pids.len(), path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::stage::{Stage, process};

    #[test]
    fn puts_all_vantages_of_one_file_system_together_and_a_build_in_front() {
        let stage = Stage::healthy().runner(70, "ci.service");
        let cohorts = by_file_system(&stage.now, |_| true);
        assert_eq!(cohorts.len(), 1, "one disk serves all of them");
        assert_eq!(cohorts[0].lead.pids, [70], "the runner suffers most");
        assert_eq!(cohorts[0].pids(), [1, 70, 100]);
        assert_eq!(cohorts[0].who(), "ci.service");
        assert!(cohorts[0].is_vital());
    }

    #[test]
    fn counts_a_container_on_overlayfs_to_the_disk_below_it() {
        let mut stage = Stage::healthy().runner(70, "ci.service");
        let all = stage.now.namespaces.value_mut().unwrap();
        let root = &mut all.iter_mut().find(|ns| !ns.ours).unwrap().mounts.value_mut().unwrap()[0];
        root.fs_type = "overlay".into();
        root.device.major = 0;
        root.super_options = "rw,lowerdir=/l,upperdir=/var/lib/docker/u,workdir=/w".into();
        let id = root.id;
        let stage = stage.change_vantages(|v| v.pids == [70], move |v| v.mount_id = Some(id));
        assert_eq!(by_file_system(&stage.now, |_| true).len(), 1);
    }

    #[test]
    fn names_the_unit_where_all_are_of_one_and_the_directory_where_not() {
        let mut other = process(200, 1, "cc1", 1000);
        other.unit = Some("ci.service".into());
        let stage = Stage::healthy().runner(70, "ci.service").put(other);
        assert_eq!(subject(&stage.now, &[70, 200], Some("/tmp".into())).name, "ci.service");
        assert_eq!(subject(&stage.now, &[70, 100], Some("/tmp".into())).kind, SubjectKind::Directory);
    }
}
