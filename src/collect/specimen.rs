//! Small pieces of a machine for the tests of this room: a mount, a process, a directory.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::mount::{Device, Mount, MountNamespace};
use crate::model::process::{Credentials, MountNs, Pid, Place, Process, ProcessTable, Variable};
use crate::model::raw_path::RawPath;
use crate::model::reading::Reading;
use crate::model::temp_dir::{Tally, TempDir};
use crate::model::units::{BootNanos, Bytes, Entries, Micros, WallNanos};
use crate::model::vantage::{Ability, Can, Component, Facts, Identity, Kind, Reason, Space, Vantage};

/// A directory of root on 254:1.
pub(crate) fn facts(mode: u32) -> Facts {
    Facts {
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
        modified: WallNanos(0),
        changed: WallNanos(0),
        immutable: false,
        append_only: false,
        acl: None,
        default_acl: None,
    }
}

/// One reached component.
pub(crate) fn component(path: &str, mode: u32) -> Component {
    Component {
        path: path.into(),
        facts: Some(facts(mode)),
        link: None,
        mount_point: false,
        search: Some(true),
        error: None,
    }
}

/// 100 G with 58 G free, inodes plenty.
pub(crate) fn space() -> Space {
    Space {
        total: Bytes(100 << 30),
        free: Bytes(60 << 30),
        available: Bytes(58 << 30),
        inodes: Entries(6_000_000),
        inodes_free: Entries(5_700_000),
        read_only: false,
        no_exec: false,
    }
}

/// A mount of 254:1 with `root` at `point`.
pub(crate) fn mount(id: u64, root: &str, point: &[u8], fs_type: &str) -> Mount {
    Mount {
        id,
        parent: 1,
        device: Device { major: 254, minor: 1 },
        root: root.into(),
        root_deleted: false,
        point: RawPath::from(point),
        options: "rw,relatime".into(),
        propagation: String::new(),
        fs_type: fs_type.into(),
        source: "/dev/vda1".into(),
        super_options: "rw".into(),
        line: RawPath::default(),
        order: u32::try_from(id).unwrap(),
    }
}

/// A namespace with those mounts on top of one at `/`.
pub(crate) fn namespace(number: u64, pids: &[Pid], mounts: Vec<Mount>) -> MountNamespace {
    let mut all = vec![mount(1, "/", b"/", "ext4")];
    all.extend(mounts);
    MountNamespace {
        id: MountNs::Inode(number),
        witness: pids.first().copied().unwrap_or(1),
        pids: pids.to_vec(),
        ours: number == 1,
        overlays: vec![],
        mounts: Reading::Whole { value: all, took: Micros(0) },
    }
}

/// A process of namespace 1 with an empty environment, at home in `/`.
pub(crate) fn process(pid: Pid, uid: u32) -> Process {
    let capabilities = if uid == 0 { u64::MAX >> 23 } else { 0 };
    Process {
        pid,
        parent: 1,
        started: BootNanos(1),
        session: 1,
        state: 'S',
        kernel: false,
        comm: format!("p{pid}").as_str().into(),
        arguments: Ok(vec![]),
        credentials: Ok(Credentials { uid, gid: uid, groups: vec![], capabilities, user: None }),
        umask: Ok(0o022),
        limits: Err(crate::model::reading::GapWhy::NotAsked),
        open_files: Ok(Entries(3)),
        unit: None,
        container: None,
        cgroup: Ok("0::/".into()),
        mount_ns: Ok(MountNs::Inode(1)),
        pid_ns: Ok(1),
        root: Ok(place("/")),
        cwd: Ok(place("/")),
        exe: Ok(place("/usr/bin/true")),
        variables: Ok(vec![]),
        role: None,
        wait_channel: None,
        stack: Vec::new(),
        filtered: Ok(false),
    }
}

/// A place that exists.
pub(crate) fn place(path: &str) -> Place {
    Place { path: path.into(), deleted: false }
}

/// One more variable for a process.
pub(crate) fn with_variable(mut process: Process, name: &str, value: impl Into<RawPath>) -> Process {
    process.variables.as_mut().unwrap().push(Variable { name: name.to_owned(), value: value.into() });
    process
}

/// A table of those processes.
pub(crate) fn table(processes: Vec<Process>) -> ProcessTable {
    let read_whole = Entries(processes.len().try_into().unwrap());
    ProcessTable { by_pid: processes.into_iter().map(|p| (p.pid, Arc::new(p))).collect(), read_whole }
}

/// A vantage of root that works, on mount 1 of that namespace.
pub(crate) fn vantage(path: &str, namespace: u64, pids: &[Pid]) -> Vantage {
    Vantage {
        path: path.into(),
        reasons: vec![Reason::Default],
        mount_ns: MountNs::Inode(namespace),
        root: "/".into(),
        based_on: None,
        credentials: Credentials::default(),
        pids: pids.to_vec(),
        names: vec![],
        is_build: false,
        walked: vec![component("/", 0o755), component(path, 0o1777)],
        identity: Ok(identity()),
        mount_id: Some(1),
        space: Ok(space()),
        can_create: Ability::predicted(Can::Yes, None, None),
    }
}

fn identity() -> Identity {
    Identity { device: Device { major: 254, minor: 1 }, inode: 131_073, mount_id: Some(1) }
}

/// A temp dir with nothing in it.
pub(crate) fn temp_dir(path: &str, vantages: &[u32]) -> TempDir {
    TempDir {
        path: path.into(),
        reached: path.into(),
        identity: identity(),
        vantages: vantages.to_vec(),
        total: Tally::default(),
        families: BTreeMap::new(),
        own_size: Bytes(4096),
        links: 2,
        modified: WallNanos(0),
        gaps: vec![],
    }
}
