//! Small pieces of a machine for the tests of this room, whose namespaces are 1, 2, …: a mount, a process, a directory.

use std::sync::Arc;

use crate::model::mount::{Mount, MountNamespace};
use crate::model::process::{MountNs, Pid, Place, Process, ProcessTable, Variable};
use crate::model::raw_path::RawPath;
use crate::model::specimen;
use crate::model::temp_dir::TempDir;
use crate::model::units::Entries;
use crate::model::vantage::{Component, Facts, Kind, Vantage};

pub(crate) use crate::model::specimen::space;

const INODE: u64 = 131_073;

/// A directory of root on 254:1.
pub(crate) fn facts(mode: u32) -> Facts {
    specimen::facts(Kind::Directory, mode)
}

/// One reached component.
pub(crate) fn component(path: &str, mode: u32) -> Component {
    specimen::component(path.into(), facts(mode))
}

/// A mount of 254:1 with `root` at `point`.
pub(crate) fn mount(id: u64, root: &str, point: &[u8], fs_type: &str) -> Mount {
    Mount { point: RawPath::from(point), ..specimen::mount(id, 1, root, "/", (fs_type, "/dev/vda1")) }
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
        mounts: specimen::whole(all),
    }
}

/// A process of namespace 1 with an empty environment, at home in `/`.
pub(crate) fn process(pid: Pid, uid: u32) -> Process {
    let who = specimen::user(uid);
    Process { mount_ns: Ok(MountNs::Inode(1)), ..specimen::process(pid, 1, &format!("p{pid}"), who) }
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
    let seen = specimen::vantage(path.into(), MountNs::Inode(namespace), specimen::user(0), pids.to_vec());
    Vantage { identity: Ok(specimen::identity(INODE, Some(1))), mount_id: Some(1), ..seen }
}

/// A temp dir with nothing in it.
pub(crate) fn temp_dir(path: &str, vantages: &[u32]) -> TempDir {
    let dir = specimen::temp_dir(path, INODE, vantages);
    TempDir { identity: specimen::identity(INODE, Some(1)), ..dir }
}
