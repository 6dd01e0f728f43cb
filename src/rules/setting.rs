//! A value of a temp variable that some party got, for the rules that judge the value itself.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::finding::{Evidence, Severity};
use crate::model::process::{Pid, Process};
use crate::model::raw_path::{RawPath, RawText};
use crate::model::snapshot::Snapshot;
use crate::model::vantage::{Can, Vantage};
use crate::rules::party::Party;
use crate::rules::way::{self, Stop};
use crate::rules::{evidence, place};

/// One value of one variable, and the processes of one party that have it.
#[derive(Clone, Debug)]
pub struct Setting<'a> {
    /// The variable.
    pub name: &'static str,
    /// Its value.
    pub value: RawText,
    /// Who got it.
    pub party: Party<'a>,
}

/// The settings that `pick` picks from each process whose environment is readable.
pub fn settings<'a>(
    now: &'a Snapshot,
    pick: impl Fn(&'a Process) -> Vec<(&'static str, &'a RawText)>,
) -> Vec<Setting<'a>> {
    let mut by_value: BTreeMap<(&'static str, &RawText), BTreeSet<Pid>> = BTreeMap::new();
    for process in now.all_processes().filter(|p| !p.kernel) {
        for (name, value) in pick(process) {
            by_value.entry((name, value)).or_default().insert(process.pid);
        }
    }
    let parties = |((name, value), pids): ((&'static str, &RawText), BTreeSet<Pid>)| {
        let all = Party::all_of(now, &pids);
        all.into_iter().map(move |party| Setting { name, value: value.clone(), party }).collect::<Vec<_>>()
    };
    by_value.into_iter().flat_map(parties).collect()
}

/// How many processes showed their environment.
pub fn readable(now: &Snapshot) -> usize {
    now.all_processes().filter(|p| !p.kernel && p.variables.is_ok()).count()
}

/// The vantage of a process at the path that a value names.
pub fn vantage_of<'a>(now: &'a Snapshot, pid: Pid, path: &RawPath) -> Option<&'a Vantage> {
    now.vantages.items().iter().find(|v| v.pids.contains(&pid) && place::is_same(&v.path, path))
}

/// Whether that path serves that process as a temp dir: `None` where nobody knows.
pub fn works(now: &Snapshot, pid: Pid, path: &RawPath) -> Option<bool> {
    let vantage = vantage_of(now, pid, path)?;
    let can = if runs_nothing(vantage) { Can::Yes } else { vantage.can_create.can };
    match (can, way::stop_of(vantage)) {
        (Can::No, _)
        | (_, Some(Stop::Missing(_) | Stop::Dangling { .. } | Stop::Loop(_) | Stop::NotDirectory(_))) => {
            Some(false)
        }
        (Can::Yes, None) => Some(true),
        (Can::Unknown, None) => None,
    }
}

/// Files can be made there; that they cannot be run is the business of `noexec-tmp`.
fn runs_nothing(vantage: &Vantage) -> bool {
    vantage.can_create.can == Can::No && vantage.can_create.step.as_deref() == Some("execute")
}

impl Setting<'_> {
    /// The process whose view counts.
    pub fn pid(&self) -> Pid {
        self.party.lead.map(|p| p.pid).unwrap_or_default()
    }

    /// The directory that the value means for that process: a relative one lies in its working directory.
    pub fn meant(&self, now: &Snapshot, pid: Pid) -> RawPath {
        let cwd = now.process(pid).and_then(|p| p.cwd.as_ref().ok()).filter(|_| !self.value.is_absolute());
        cwd.map_or_else(|| self.value.clone(), |place| place.path.join(self.value.as_bytes()))
    }

    /// Whether the value serves the processes as a temp dir.
    pub fn works(&self, now: &Snapshot) -> Option<bool> {
        works(now, self.pid(), &self.value)
    }

    /// As [`Spot::severity`](crate::rules::spot::Spot::severity).
    pub fn severity(&self) -> Severity {
        if matches!(self.name, "TMP" | "TEMP") { Severity::Warning } else { self.party.severity() }
    }

    /// The variable as its process holds it, and where it came in.
    pub fn sources(&self, now: &Snapshot, means: &str) -> Vec<Evidence> {
        self.party.variable(now, self.name, &self.value, means)
    }

    /// The probe of the directory that the value names, where one was made and failed.
    pub fn probe(&self, now: &Snapshot) -> Option<Evidence> {
        evidence::probe_of(now, vantage_of(now, self.pid(), &self.value)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::errno::Errno;
    use crate::rules::stage::Stage;

    #[test]
    fn knows_whether_a_value_works_only_where_a_vantage_tells() {
        let stage = Stage::healthy().variable(100, "TMPDIR", "/nope");
        assert_eq!(works(&stage.now, 100, &"/nope/".into()), Some(true));
        let stage = stage.fails(100, "/nope", Errno::ENOENT, "mkdir");
        assert_eq!(works(&stage.now, 100, &"/nope".into()), Some(false));
        assert_eq!(works(&stage.now, 100, &"/elsewhere".into()), None);
    }

    #[test]
    fn serves_where_files_can_be_made_and_not_run() {
        let stage =
            Stage::healthy().variable(100, "TMPDIR", "/srv/t").fails(100, "/srv/t", Errno::EACCES, "execute");
        assert_eq!(
            works(&stage.now, 100, &"/srv/t".into()),
            Some(true),
            "that is the business of noexec-tmp"
        );
    }
}
