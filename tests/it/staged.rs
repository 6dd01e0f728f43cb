//! A machine made of data, for the tests of the screen: looks that no real machine has to be broken for.

#![expect(clippy::unwrap_used, reason = "test support: a panic is its failure")]

use std::collections::BTreeMap;
use std::sync::Arc;

use tmpmedic::model::errno::Errno;
use tmpmedic::model::finding::{Diagnosis, Status};
use tmpmedic::model::mount::{Mount, MountNamespace};
use tmpmedic::model::process::{Credentials, MountNs, Pid, Process, Variable};
use tmpmedic::model::reading::{Gap, GapWhy, Reading};
use tmpmedic::model::snapshot::Snapshot;
use tmpmedic::model::temp_dir::{FamilyTally, Tally, TempDir};
use tmpmedic::model::units::{Bytes, Entries, Micros};
use tmpmedic::model::vantage::{Ability, Can, Component, HowKnown, Identity, Kind, Space, Vantage};
use tmpmedic::tui::msg::Look;

use crate::specimen;
pub use crate::specimen::{HOST_NS, NOW, ago, mount, process, runner_role, whole};

/// A look under construction.
#[derive(Clone, Debug)]
pub struct Staged {
    /// What is seen.
    pub now: Snapshot,
    /// What it means.
    pub diagnosis: Diagnosis,
}

impl Staged {
    /// An empty machine at which root looks.
    pub fn new() -> Self {
        let mut now = specimen::empty();
        now.eyes.credentials = user(0, "root");
        Self { now, diagnosis: Diagnosis { status: Status::Ok, ..Diagnosis::default() } }
    }

    /// The finished look.
    pub fn look(mut self) -> Arc<Look> {
        let table = self.now.processes.value_mut();
        if let Some(table) = table {
            let whole = table.by_pid.values().filter(|p| p.variables.is_ok()).count();
            table.read_whole = Entries(whole as u64);
        }
        Arc::new(Look { snapshot: self.now, diagnosis: self.diagnosis })
    }

    /// Adds a process, to its namespace too.
    pub fn process(mut self, process: Process) -> Self {
        let ns = process.mount_ns.clone().unwrap_or(HOST_NS);
        let namespaces = self.now.namespaces.value_mut().unwrap();
        if let Some(namespace) = namespaces.iter_mut().find(|n| n.id == ns) {
            namespace.pids.push(process.pid);
        }
        self.now.processes.value_mut().unwrap().insert(process);
        self
    }

    /// Adds a mount namespace.
    pub fn namespace(mut self, id: MountNs, witness: Pid, mounts: Vec<Mount>) -> Self {
        let ours = id == HOST_NS;
        let namespace =
            MountNamespace { id, witness, pids: vec![], ours, mounts: whole(mounts), overlays: vec![] };
        self.now.namespaces.value_mut().unwrap().push(namespace);
        self
    }

    /// Adds a vantage.
    pub fn vantage(mut self, vantage: Vantage) -> Self {
        self.now.vantages.value_mut().unwrap().push(vantage);
        self
    }

    /// Adds a temp dir with its families.
    pub fn temp_dir(mut self, dir: TempDir) -> Self {
        self.now.temp_dirs.value_mut().unwrap().push(dir);
        self
    }
}

/// Nothing was seen.
pub fn blind<T>(what: &str, why: GapWhy) -> Reading<T> {
    Reading::Blind { gap: Gap::new(what, why) }
}

/// A user with the capabilities of root or none.
pub fn user(uid: u32, name: &str) -> Credentials {
    Credentials { user: Some(name.to_owned()), ..specimen::user(uid) }
}

/// Adds variables to a process.
pub fn with(mut process: Process, variables: &[(&str, &str)]) -> Process {
    let all =
        variables.iter().map(|(name, value)| Variable { name: (*name).to_owned(), value: (*value).into() });
    process.variables = Ok(all.collect());
    process
}

/// A vantage that was predicted to work: directories of root, the last 1777, room enough.
pub fn vantage(path: &str, ns: MountNs, who: Credentials, pids: &[Pid], names: &[&str]) -> Vantage {
    Vantage {
        names: names.iter().map(|n| (*n).to_owned()).collect(),
        identity: Ok(identity(131_073)),
        space: Ok(space(42)),
        ..specimen::vantage(path.into(), ns, who, pids.to_vec())
    }
}

/// It works, and a probe proved it.
pub fn proved(mut vantage: Vantage, micros: u64) -> Vantage {
    vantage.can_create =
        Ability { can: Can::Yes, errno: None, step: None, how: HowKnown::Probed, took: Some(Micros(micros)) };
    vantage
}

/// It fails with that errno at that step.
pub fn fails(mut vantage: Vantage, errno: Errno, step: &str, how: HowKnown) -> Vantage {
    vantage.is_build = true;
    vantage.can_create = Ability { how, ..Ability::predicted(Can::No, Some(errno), Some(step)) };
    vantage
}

/// A directory on 254:1.
pub fn identity(inode: u64) -> Identity {
    specimen::identity(inode, Some(27))
}

/// 387 G of which so many per cent are used, with 5 % of the inodes.
pub fn space(per_cent: u64) -> Space {
    let total = 387_u64 << 30;
    let free = total / 100 * (100 - per_cent);
    Space {
        total: Bytes(total),
        free: Bytes(free),
        available: Bytes(free),
        inodes: Entries(25_800_000),
        inodes_free: Entries(24_520_000),
        ..specimen::space()
    }
}

/// A reached directory of root.
pub fn component(path: &str, mode: u32) -> Component {
    specimen::component(path.into(), specimen::facts(Kind::Directory, mode))
}

/// A temp dir of the host.
pub fn temp_dir(path: &str, inode: u64, first_vantage: u32, families: Vec<(&str, FamilyTally)>) -> TempDir {
    let sum = |of: fn(&Tally) -> u64| families.iter().map(|(_, f)| of(&f.tally)).sum::<u64>();
    TempDir {
        identity: identity(inode),
        total: Tally {
            entries: Entries(sum(|t| t.entries.0)),
            old: Entries(sum(|t| t.old.0)),
            ..Tally::default()
        },
        families: families.into_iter().map(|(id, family)| (id.to_owned(), family)).collect(),
        links: 3,
        ..specimen::temp_dir(path, inode, &[first_vantage])
    }
}

/// A family: entries, old ones, bytes, newest and oldest in seconds, ages, owners, held.
pub fn family(entries: u64, old: u64, bytes: u64, times: (i64, i64), ages: [u64; 5]) -> FamilyTally {
    let tally = Tally {
        entries: Entries(entries),
        directories: Entries(entries),
        old: Entries(old),
        old_directories: Entries(old),
        ages,
        bytes: Bytes(bytes),
        newest: Some(ago(times.0)),
        oldest: Some(ago(times.1)),
        ..Tally::default()
    };
    FamilyTally { tally, owners: BTreeMap::from([(1000, entries)]), held: Some(0), removable: true }
}
