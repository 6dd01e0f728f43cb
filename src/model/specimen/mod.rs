//! A healthy machine in pieces, for the tests of every room: a test says only what is different about its own.
//!
//! All of it was seen, nothing is old, and everything works: processes of the host's namespace, one ext4 on 254:1, directories
//! of root. Rooms that build more of it have a shelf on top: `rules::stage`, `collect::specimen`, `report::sample`. The
//! integration tests have this same file as a module of theirs (`tests/it/main.rs`), because it is no part of the library.

mod work;

use std::collections::BTreeMap;

use crate::model::asked::Asked;
use crate::model::holder::Holders;
use crate::model::host::{Eyes, Host};
use crate::model::mount::{Device, Mount};
use crate::model::process::{
    Credentials, Limits, MountNs, Pid, Place, Process, ProcessTable, Role, RoleKind,
};
use crate::model::raw_path::{RawPath, RawText};
use crate::model::reading::Reading;
use crate::model::snapshot::{SCHEMA, Snapshot};
use crate::model::temp_dir::{Tally, TempDir};
use crate::model::units::{BootNanos, Bytes, Entries, Micros, WallNanos};
use crate::model::vantage::{Ability, Can, Component, Facts, Identity, Kind, Reason, Space, Vantage};
pub use work::{begin, treatment};

/// When it is looked at: 2026-01-22T20:41:07Z.
pub const NOW: WallNanos = WallNanos(1_769_114_467_000_000_000);
/// The mount namespace of the host.
pub const HOST_NS: MountNs = MountNs::Inode(4_026_531_841);

const BOOT: BootNanos = BootNanos(9 * 86_400_000_000_000);
const DISK: Device = Device { major: 254, minor: 1 };
const TMP_INODE: u64 = 131_073;

/// Everything was seen.
pub fn whole<T>(value: T) -> Reading<T> {
    Reading::Whole { value, took: Micros(100) }
}

/// So many seconds before [`NOW`].
pub fn ago(seconds: i64) -> WallNanos {
    WallNanos(NOW.0 - seconds * 1_000_000_000)
}

/// A user without a name, with the capabilities of root or none.
pub fn user(uid: u32) -> Credentials {
    let capabilities = if uid == 0 { u64::MAX >> 23 } else { 0 };
    Credentials { uid, gid: uid, groups: vec![uid], capabilities, user: None }
}

/// A process with a readable, empty environment, at home in `/`; it started `pid` seconds after the boot.
pub fn process(pid: Pid, parent: Pid, comm: &str, who: Credentials) -> Process {
    let program = RawPath::from("/usr/bin").join(comm.as_bytes());
    let place = |path| Place { path, deleted: false };
    Process {
        pid,
        parent,
        started: BootNanos(u64::from(pid) * 1_000_000_000),
        session: i64::from(pid),
        state: 'S',
        kernel: false,
        comm: comm.into(),
        arguments: Ok(vec![program.clone()]),
        credentials: Ok(who),
        umask: Ok(0o022),
        limits: Ok(Limits { open_files: Some(1024), file_size: None, processes: None }),
        open_files: Ok(Entries(10)),
        unit: None,
        container: None,
        cgroup: Ok("0::/".into()),
        mount_ns: Ok(HOST_NS),
        pid_ns: Ok(4_026_531_836),
        root: Ok(place("/".into())),
        cwd: Ok(place("/".into())),
        exe: Ok(place(program)),
        variables: Ok(vec![]),
        role: None,
        wait_channel: None,
        stack: Vec::new(),
        filtered: Ok(false),
    }
}

/// The role of a runner.
pub fn runner_role() -> Role {
    Role { id: "forgejo-runner".into(), kind: RoleKind::Runner, title: "Forgejo runner".into() }
}

/// A mount as a line of mountinfo gives it, made of a file system and its source; a higher number was mounted later.
pub fn mount(id: u64, parent: u64, root: &str, point: &str, made_of: (&str, &str)) -> Mount {
    let (fs_type, source) = made_of;
    let line = format!("{id} {parent} 254:1 {root} {point} rw,relatime shared:1 - {fs_type} {source} rw");
    Mount {
        id,
        parent,
        device: DISK,
        root: root.trim_end_matches("//deleted").into(),
        root_deleted: root.ends_with("//deleted"),
        point: point.into(),
        options: "rw,relatime".into(),
        propagation: "shared:1".into(),
        fs_type: fs_type.into(),
        source: source.into(),
        super_options: "rw".into(),
        line: RawText::from(line.as_str()),
        order: u32::try_from(id).unwrap_or(u32::MAX),
    }
}

/// An object of root, a month old, changed a minute ago.
pub fn facts(kind: Kind, mode: u32) -> Facts {
    Facts {
        kind,
        mode,
        uid: 0,
        gid: 0,
        links: 2,
        size: Bytes(4096),
        device: DISK,
        special: None,
        inode: TMP_INODE,
        born: Some(ago(30 * 86_400)),
        modified: ago(60),
        changed: ago(60),
        immutable: false,
        append_only: false,
        acl: None,
        default_acl: None,
    }
}

/// One reached component.
pub fn component(path: RawPath, facts: Facts) -> Component {
    Component { path, facts: Some(facts), link: None, mount_point: false, search: Some(true), error: None }
}

/// 100 G of which 58 may be used, inodes plenty.
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

/// A directory of that file system.
pub fn identity(inode: u64, mount_id: Option<u64>) -> Identity {
    Identity { device: DISK, inode, mount_id }
}

/// A vantage that works: every component a directory of root, the last 1777, room enough.
pub fn vantage(path: RawPath, mount_ns: MountNs, credentials: Credentials, pids: Vec<Pid>) -> Vantage {
    let mut walked = vec![component("/".into(), facts(Kind::Directory, 0o755))];
    let mut so_far = RawPath::from("/");
    for name in path.as_bytes().split(|b| *b == b'/').filter(|name| !name.is_empty()) {
        so_far = so_far.join(name);
        walked.push(component(so_far.clone(), facts(Kind::Directory, 0o755)));
    }
    if let Some(last) = walked.last_mut().and_then(|component| component.facts.as_mut()) {
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
        identity: Ok(identity(TMP_INODE, Some(25))),
        mount_id: Some(25),
        space: Ok(space()),
        can_create: Ability::predicted(Can::Yes, None, None),
    }
}

/// A temp dir with nothing in it.
pub fn temp_dir(path: &str, inode: u64, vantages: &[u32]) -> TempDir {
    TempDir {
        path: path.into(),
        reached: path.into(),
        identity: identity(inode, Some(25)),
        vantages: vantages.to_vec(),
        total: Tally::default(),
        families: BTreeMap::new(),
        own_size: Bytes(4096),
        links: 2,
        modified: ago(5),
        gaps: vec![],
    }
}

/// A snapshot that root took and in which nothing was asked for.
pub fn unseen() -> Snapshot {
    let credentials = user(0);
    Snapshot {
        schema: SCHEMA.to_owned(),
        taken: NOW,
        boot: BOOT,
        eyes: Eyes {
            credentials,
            mount_ns: Ok(HOST_NS),
            pid: 901,
            processes: Entries(0),
            readable: Entries(0),
            hidepid: None,
            taken: NOW,
            boot: BOOT,
        },
        asked: Asked::default(),
        host: Reading::not_asked("the machine"),
        processes: Reading::not_asked("processes"),
        namespaces: Reading::not_asked("mount tables"),
        vantages: Reading::not_asked("temp dirs of processes"),
        temp_dirs: Reading::not_asked("temp dirs"),
        holders: Reading::not_asked("open files"),
        caches: Reading::not_asked("caches"),
        probes: vec![],
        log: vec![],
        strains: vec![],
        listings: vec![],
    }
}

/// A machine on which nothing runs and nothing lies, all of which was seen.
pub fn empty() -> Snapshot {
    Snapshot {
        host: whole(host()),
        processes: whole(ProcessTable { by_pid: BTreeMap::new(), read_whole: Entries(0) }),
        namespaces: whole(vec![]),
        vantages: whole(vec![]),
        temp_dirs: whole(vec![]),
        holders: whole(Holders::default()),
        caches: whole(vec![]),
        ..unseen()
    }
}

/// A large machine with systemd that has little to do.
pub fn host() -> Host {
    let dev_null = Facts { special: Some(Device { major: 1, minor: 3 }), ..facts(Kind::CharDevice, 0o666) };
    Host {
        name: "ci-3".into(),
        kernel: "6.1.0".into(),
        boot_id: Ok("01234567-89ab-cdef-0123-456789abcdef".into()),
        load_centi: [50, 40, 30],
        cpus: 8,
        memory_total: Bytes(32 << 30),
        memory_available: Bytes(20 << 30),
        open_files: Ok((Entries(4000), Entries(1_000_000))),
        io_pressure: Ok(0),
        dev_null: Ok(dev_null),
        fstab: Ok(vec![]),
        has_systemd: true,
        fs_errors: vec![],
        task_limits: vec![],
    }
}
