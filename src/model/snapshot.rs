//! One look at one machine.

use serde::{Deserialize, Serialize};

use super::asked::Asked;
use super::cache::RustcInfo;
use super::holder::Holders;
use super::host::{Eyes, Host};
use super::log_line::LogLine;
use super::mount::{Mount, MountNamespace};
use super::probe::ProbeResult;
use super::process::{MountNs, Pid, Process, ProcessTable};
use super::raw_path::RawPath;
use super::reading::{Gap, Reading, Strain};
use super::temp_dir::{Listing, TempDir};
use super::units::{BootNanos, WallNanos};
use super::vantage::{Ability, Can, HowKnown, Vantage};

/// The version of the snapshot's form.
pub const SCHEMA: &str = "tmpmedic.snapshot/1";

/// One look at one machine: plain data, with its own clock.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// [`SCHEMA`].
    pub schema: String,
    /// When it was taken, by the wall.
    pub taken: WallNanos,
    /// When it was taken, since boot.
    pub boot: BootNanos,
    /// Whose eyes, and how far they reached.
    pub eyes: Eyes,
    /// What was asked for.
    pub asked: Asked,
    /// The machine.
    pub host: Reading<Host>,
    /// Processes.
    pub processes: Reading<ProcessTable>,
    /// Mount namespaces with their mounts.
    pub namespaces: Reading<Vec<MountNamespace>>,
    /// Vantages, worst first.
    pub vantages: Reading<Vec<Vantage>>,
    /// Temp dirs with their counts.
    pub temp_dirs: Reading<Vec<TempDir>>,
    /// Who holds what in them.
    pub holders: Reading<Holders>,
    /// Recorded failures of cargo.
    pub caches: Reading<Vec<RustcInfo>>,
    /// Probes made so far.
    pub probes: Vec<ProbeResult>,
    /// Failing lines of the build log that was given.
    pub log: Vec<LogLine>,
    /// What the machine refused to the tool itself.
    pub strains: Vec<Strain>,
    /// What lies directly in the temp dirs: only in captures, where nobody can list them later.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub listings: Vec<Listing>,
}

impl Snapshot {
    /// The process of that pid.
    pub fn process(&self, pid: Pid) -> Option<&Process> {
        self.processes.value().and_then(|table| table.get(pid))
    }

    /// All processes, by pid.
    pub fn all_processes(&self) -> impl Iterator<Item = &Process> {
        self.processes.value().into_iter().flat_map(|table| table.by_pid.values().map(AsRef::as_ref))
    }

    /// The namespace of that id.
    pub fn namespace(&self, id: MountNs) -> Option<&MountNamespace> {
        self.namespaces.items().iter().find(|ns| ns.id == id)
    }

    /// The namespace that tmpmedic itself is in.
    pub fn our_namespace(&self) -> Option<&MountNamespace> {
        self.namespaces.items().iter().find(|ns| ns.ours)
    }

    /// The mount that serves a vantage.
    pub fn mount_of(&self, vantage: &Vantage) -> Option<&Mount> {
        let mounts = self.namespace(vantage.mount_ns)?.mounts.items();
        mounts.iter().find(|m| Some(m.id) == vantage.mount_id)
    }

    /// What a capture keeps of the entries of a directory, by where the look reached it.
    pub fn listing(&self, reached: &RawPath) -> Option<&Listing> {
        self.listings.iter().find(|listing| listing.reached == *reached)
    }

    /// Every gap of every section, for the list of what is incomplete.
    pub fn gaps(&self) -> Vec<&Gap> {
        let sections = [
            self.host.gaps(),
            self.processes.gaps(),
            self.namespaces.gaps(),
            self.vantages.gaps(),
            self.temp_dirs.gaps(),
            self.holders.gaps(),
            self.caches.gaps(),
        ];
        let tables = self.namespaces.items().iter().flat_map(|ns| ns.mounts.gaps());
        let dirs = self.temp_dirs.items().iter().flat_map(|dir| dir.gaps.iter());
        sections.into_iter().flatten().chain(tables).chain(dirs).collect()
    }

    /// Adds probes, and lets each overrule the prediction of its vantage.
    pub fn take_probes(&mut self, probes: Vec<ProbeResult>) {
        for probe in probes {
            let vantages = self.vantages.value_mut().into_iter().flatten();
            for vantage in vantages.filter(|vantage| probe.is_of(vantage)) {
                vantage.can_create = ability_of(&probe, &vantage.can_create);
            }
            self.probes.retain(|old| !old.repeats(&probe));
            self.probes.push(probe);
        }
    }
}

/// What a probe says about its vantage. One that could not even enter says nothing, and the prediction stays.
fn ability_of(probe: &ProbeResult, predicted: &Ability) -> Ability {
    use super::probe::Step;
    let probed = |can, errno, step: Option<&str>| Ability {
        can,
        errno,
        step: step.map(str::to_owned),
        how: HowKnown::Probed,
        took: Some(probe.took()),
    };
    match probe.failure() {
        Some(failure) if failure.step == Step::Enter => predicted.clone(),
        Some(failure) => probed(Can::No, failure.errno, Some(failure.step.word())),
        None if probe.passed() => probed(Can::Yes, None, None),
        None if probe.hung => probed(Can::No, Some(super::errno::Errno::ETIMEDOUT), Some("no answer")),
        None => predicted.clone(),
    }
}
