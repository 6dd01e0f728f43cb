//! What stands on a stage: processes, mounts, vantages and directories where nothing is wrong.

use super::{HOST_NS, NOW};
use crate::model::mount::{Device, Mount};
use crate::model::process::{Credentials, Limits, MountNs, Pid, Place, Process, Role, RoleKind};
use crate::model::raw_path::{RawPath, RawText};
use crate::model::units::{BootNanos, Bytes, Entries, WallNanos};
use crate::model::vantage::{Ability, Can, Component, Facts, Identity, Kind, Reason, Space, Vantage};

/// A role of kind runner.
pub fn role() -> Role {
    Role { id: "forgejo-runner".into(), kind: RoleKind::Runner, title: "Forgejo runner".into() }
}

/// A process of the host's namespace with an empty, readable environment.
pub fn process(pid: Pid, parent: Pid, comm: &str, uid: u32) -> Process {
    let capabilities = if uid == 0 { u64::MAX >> 23 } else { 0 };
    Process {
        pid,
        parent,
        started: BootNanos(u64::from(pid) * 1_000_000_000),
        session: i64::from(pid),
        state: 'S',
        kernel: false,
        comm: comm.into(),
        arguments: Ok(vec![comm.into()]),
        credentials: Ok(Credentials { uid, gid: uid, groups: vec![uid], capabilities, user: None }),
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
        stack: Vec::new(),
        filtered: Ok(false),
    }
}

/// A mount as a line of mountinfo would give it: rw,relatime on 254:1.
pub fn mount(id: u64, parent: u64, root: &str, point: &str, fs_type: &str, source: &str) -> Mount {
    Mount {
        id,
        parent,
        device: Device { major: 254, minor: 1 },
        root: root.into(),
        root_deleted: false,
        point: point.into(),
        options: "rw,relatime".into(),
        propagation: "shared:1".into(),
        fs_type: fs_type.into(),
        source: source.into(),
        super_options: "rw".into(),
        line: RawText::from(
            format!("{id} {parent} 254:1 {root} {point} rw,relatime shared:1 - {fs_type} {source} rw")
                .as_str(),
        ),
        order: 0,
    }
}

/// A vantage that works: every component a root-owned directory, the last 1777, plenty of room.
pub fn vantage(path: RawPath, mount_ns: MountNs, credentials: Credentials, pids: Vec<Pid>) -> Vantage {
    let mut walked = vec![component("/".into(), facts(Kind::Directory, 0o755))];
    let mut so_far = RawPath::from("/");
    for name in path.as_bytes().split(|b| *b == b'/').filter(|n| !n.is_empty()) {
        so_far = so_far.join(name);
        walked.push(component(so_far.clone(), facts(Kind::Directory, 0o755)));
    }
    if let Some(last) = walked.last_mut().and_then(|c| c.facts.as_mut()) {
        last.mode = 0o1777;
    }
    Vantage {
        path,
        reasons: vec![Reason::Default],
        mount_ns,
        root: "/".into(),
        based_on: None,
        credentials,
        pids,
        names: vec![],
        is_build: false,
        walked,
        identity: Ok(Identity {
            device: Device { major: 254, minor: 1 },
            inode: 131_073,
            mount_id: Some(25),
        }),
        mount_id: Some(25),
        space: Ok(space()),
        can_create: Ability::predicted(Can::Yes, None, None),
    }
}

/// 100 G with 58 % free, inodes plenty.
pub fn space() -> Space {
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

/// One reached component.
pub fn component(path: RawPath, facts: Facts) -> Component {
    Component { path, facts: Some(facts), link: None, mount_point: false, search: Some(true), error: None }
}

/// Facts of a root-owned object of long ago.
pub fn facts(kind: Kind, mode: u32) -> Facts {
    Facts {
        kind,
        mode,
        uid: 0,
        gid: 0,
        links: 2,
        size: Bytes(4096),
        device: Device { major: 254, minor: 1 },
        special: None,
        inode: 131_073,
        born: Some(WallNanos(NOW.0 - 30 * 86_400_000_000_000)),
        modified: WallNanos(NOW.0 - 60_000_000_000),
        changed: WallNanos(NOW.0 - 60_000_000_000),
        immutable: false,
        append_only: false,
        acl: None,
        default_acl: None,
    }
}
