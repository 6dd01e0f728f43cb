//! A machine made of data, for the tests of the screen: looks that no real machine has to be broken for.

#![expect(clippy::unwrap_used, reason = "test support: a panic is its failure")]

use std::collections::BTreeMap;
use std::sync::Arc;

use tmpmedic::model::asked::Asked;
use tmpmedic::model::errno::Errno;
use tmpmedic::model::finding::{Diagnosis, Status};
use tmpmedic::model::holder::Holders;
use tmpmedic::model::host::{Eyes, Host};
use tmpmedic::model::mount::{Device, Mount, MountNamespace};
use tmpmedic::model::process::{
    Credentials, Limits, MountNs, Pid, Place, Process, ProcessTable, Role, RoleKind, Variable,
};
use tmpmedic::model::raw_path::{RawPath, RawText};
use tmpmedic::model::reading::{Gap, GapWhy, Reading};
use tmpmedic::model::snapshot::{SCHEMA, Snapshot};
use tmpmedic::model::temp_dir::{FamilyTally, Tally, TempDir};
use tmpmedic::model::units::{BootNanos, Bytes, Entries, Micros, WallNanos};
use tmpmedic::model::vantage::{
    Ability, Can, Component, Facts, HowKnown, Identity, Kind, Reason, Space, Vantage,
};
use tmpmedic::tui::msg::Look;

/// The wall clock of the stage: 2026-01-22T20:41:07Z.
pub const NOW: WallNanos = WallNanos(1_769_114_467_000_000_000);
/// The mount namespace of the host.
pub const HOST_NS: MountNs = MountNs::Inode(4_026_531_841);

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
        Self { now: empty(), diagnosis: Diagnosis { status: Status::Ok, ..Diagnosis::default() } }
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

/// Everything was seen.
pub fn whole<T>(value: T) -> Reading<T> {
    Reading::Whole { value, took: Micros(100) }
}

/// Nothing was seen.
pub fn blind<T>(what: &str, why: GapWhy) -> Reading<T> {
    Reading::Blind { gap: Gap::new(what, why) }
}

/// A user with the capabilities of root or none.
pub fn user(uid: u32, name: &str) -> Credentials {
    let capabilities = if uid == 0 { u64::MAX >> 23 } else { 0 };
    Credentials { uid, gid: uid, groups: vec![uid], capabilities, user: Some(name.to_owned()) }
}

/// A process of the host's namespace with a readable, empty environment; it started at `pid` seconds after boot.
pub fn process(pid: Pid, parent: Pid, comm: &str, who: Credentials) -> Process {
    Process {
        pid,
        parent,
        started: BootNanos(u64::from(pid) * 1_000_000_000),
        session: i64::from(pid),
        state: 'S',
        kernel: false,
        comm: comm.into(),
        arguments: Ok(vec![RawPath::from("/usr/bin").join(comm.as_bytes())]),
        credentials: Ok(who),
        umask: Ok(0o022),
        limits: Ok(Limits { open_files: Some(1024), file_size: None, processes: None }),
        open_files: Ok(Entries(10)),
        unit: None,
        container: None,
        cgroup: Ok("0::/".into()),
        mount_ns: Ok(HOST_NS),
        pid_ns: Ok(4_026_531_836),
        root: Ok(Place { path: "/".into(), deleted: false }),
        cwd: Ok(Place { path: "/".into(), deleted: false }),
        exe: Ok(Place { path: RawPath::from("/usr/bin").join(comm.as_bytes()), deleted: false }),
        variables: Ok(vec![]),
        role: None,
        wait_channel: None,
        filtered: Ok(false),
    }
}

/// Adds variables to a process.
pub fn with(mut process: Process, variables: &[(&str, &str)]) -> Process {
    let all =
        variables.iter().map(|(name, value)| Variable { name: (*name).to_owned(), value: (*value).into() });
    process.variables = Ok(all.collect());
    process
}

/// The part of a runner.
pub fn runner_role() -> Role {
    Role { id: "forgejo-runner".into(), kind: RoleKind::Runner, title: "Forgejo runner".into() }
}

/// A mount as a line of mountinfo gives it.
pub fn mount(id: u64, parent: u64, root: &str, point: &str, made_of: (&str, &str)) -> Mount {
    let (fs_type, source) = made_of;
    let deleted = root.ends_with("//deleted");
    let line = format!("{id} {parent} 254:1 {root} {point} rw,relatime shared:1 - {fs_type} {source} rw");
    Mount {
        id,
        parent,
        device: Device { major: 254, minor: 1 },
        root: root.trim_end_matches("//deleted").into(),
        root_deleted: deleted,
        point: point.into(),
        options: "rw,relatime".into(),
        propagation: "shared:1".into(),
        fs_type: fs_type.into(),
        source: source.into(),
        super_options: "rw".into(),
        line: RawText::from(line.as_str()),
        order: u32::try_from(id).unwrap(),
    }
}

/// A vantage that was predicted to work: directories of root, the last 1777, room enough.
pub fn vantage(path: &str, ns: MountNs, who: Credentials, pids: &[Pid], names: &[&str]) -> Vantage {
    let mut walked = vec![component("/", 0o755)];
    let mut so_far = RawPath::from("/");
    for name in path.split('/').filter(|n| !n.is_empty()) {
        so_far = so_far.join(name.as_bytes());
        walked.push(component(&so_far.shown(), 0o755));
    }
    walked.last_mut().unwrap().facts.as_mut().unwrap().mode = 0o1777;
    Vantage {
        path: path.into(),
        reasons: vec![Reason::Default],
        mount_ns: ns,
        root: "/".into(),
        based_on: None,
        credentials: who,
        pids: pids.to_vec(),
        names: names.iter().map(|n| (*n).to_owned()).collect(),
        is_build: false,
        walked,
        identity: Ok(identity(131_073)),
        mount_id: Some(25),
        space: Ok(space(42)),
        can_create: Ability::predicted(Can::Yes, None, None),
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
    Identity { device: Device { major: 254, minor: 1 }, inode, mount_id: Some(27) }
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
        read_only: false,
        no_exec: false,
    }
}

/// A reached directory of root.
pub fn component(path: &str, mode: u32) -> Component {
    let facts = Facts {
        kind: Kind::Directory,
        mode,
        uid: 0,
        gid: 0,
        links: 2,
        size: Bytes(4096),
        device: Device { major: 254, minor: 1 },
        special: None,
        inode: 131_073,
        born: None,
        modified: ago(60),
        changed: ago(60),
        immutable: false,
        append_only: false,
        acl: None,
        default_acl: None,
    };
    Component {
        path: path.into(),
        facts: Some(facts),
        link: None,
        mount_point: false,
        search: Some(true),
        error: None,
    }
}

/// So many seconds before [`NOW`].
pub fn ago(seconds: i64) -> WallNanos {
    WallNanos(NOW.0 - seconds * 1_000_000_000)
}

/// A temp dir of the host.
pub fn temp_dir(path: &str, inode: u64, first_vantage: u32, families: Vec<(&str, FamilyTally)>) -> TempDir {
    let sum = |of: fn(&Tally) -> u64| families.iter().map(|(_, f)| of(&f.tally)).sum::<u64>();
    TempDir {
        path: path.into(),
        reached: path.into(),
        identity: identity(inode),
        vantages: vec![first_vantage],
        total: Tally {
            entries: Entries(sum(|t| t.entries.0)),
            old: Entries(sum(|t| t.old.0)),
            ..Tally::default()
        },
        families: families.into_iter().map(|(id, family)| (id.to_owned(), family)).collect(),
        own_size: Bytes(4096),
        links: 3,
        modified: ago(5),
        gaps: vec![],
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

fn empty() -> Snapshot {
    let boot = BootNanos(9 * 86_400_000_000_000);
    Snapshot {
        schema: SCHEMA.to_owned(),
        taken: NOW,
        boot,
        eyes: Eyes {
            credentials: user(0, "root"),
            mount_ns: Ok(HOST_NS),
            pid: 901,
            processes: Entries(0),
            readable: Entries(0),
            hidepid: None,
            taken: NOW,
            boot,
        },
        asked: Asked::default(),
        host: whole(Host {
            name: "ci-3".into(),
            kernel: "6.1.0".into(),
            boot_id: Ok("01234567-89ab-cdef-0123-456789abcdef".into()),
            load_centi: [50, 40, 30],
            cpus: 8,
            memory_total: Bytes(32 << 30),
            memory_available: Bytes(20 << 30),
            open_files: Ok((Entries(4000), Entries(1_000_000))),
            io_pressure: Ok(0),
            dev_null: Err(GapWhy::NotAsked),
            fstab: Ok(vec![]),
            has_systemd: true,
            fs_errors: vec![],
            task_limits: vec![],
        }),
        processes: whole(ProcessTable { by_pid: BTreeMap::new(), read_whole: Entries(0) }),
        namespaces: whole(vec![]),
        vantages: whole(vec![]),
        temp_dirs: whole(vec![]),
        holders: whole(Holders::default()),
        caches: whole(vec![]),
        probes: vec![],
        log: vec![],
        strains: vec![],
        listings: vec![],
    }
}
