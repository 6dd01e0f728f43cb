//! Processes as procfs shows them.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::raw_path::{RawPath, RawText};
use super::reading::Seen;
use super::unit_name::is_unit_name;
use super::units::{BootNanos, Entries};

/// A process id as this machine's `/proc` numbers it.
pub type Pid = u32;

/// One process (thread group).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Process {
    /// Its id in the PID namespace of the `/proc` that was read.
    pub pid: Pid,
    /// Its parent; 0 for the first process and for kernel threads.
    pub parent: Pid,
    /// When it started, since boot; with `pid` it names the process for good. Source: stat(5) field 22.
    pub started: BootNanos,
    /// Session id, by which orphans of one job find each other. Source: stat field 6.
    pub session: i64,
    /// One letter: R, S, D, Z, T … Source: stat field 3.
    pub state: char,
    /// Whether it is a kernel thread (PF_KTHREAD), which has no files of its own.
    pub kernel: bool,
    /// Its name, cut by the kernel at 15 bytes.
    pub comm: RawText,
    /// Its arguments; empty for kernel threads and zombies.
    pub arguments: Seen<Vec<RawText>>,
    /// Who it is. Source: status.
    pub credentials: Seen<Credentials>,
    /// File mode creation mask. Source: status, `Umask`.
    pub umask: Seen<u32>,
    /// Limits of runners, builds and asked ones; for others they are not read. Source: limits.
    pub limits: Seen<Limits>,
    /// How many descriptors it has open, of the same processes.
    pub open_files: Seen<Entries>,
    /// The systemd unit that its cgroup names, user units included.
    pub unit: Option<String>,
    /// The container that its cgroup names.
    pub container: Option<Container>,
    /// Its cgroup paths, `controllers:path` a line, verbatim.
    pub cgroup: Seen<RawText>,
    /// Its mount namespace, by inode where that is readable.
    pub mount_ns: Seen<MountNs>,
    /// Its PID namespace inode.
    pub pid_ns: Seen<u64>,
    /// Its root directory as seen from ours: `/` for most.
    pub root: Seen<Place>,
    /// Its working directory.
    pub cwd: Seen<Place>,
    /// Its program.
    pub exe: Seen<Place>,
    /// The allowlisted variables of the environment that it got at exec, in order, duplicates kept.
    pub variables: Seen<Vec<Variable>>,
    /// What part it plays on a CI machine.
    pub role: Option<Role>,
    /// The kernel function it sleeps in, read only in state D.
    pub wait_channel: Option<String>,
    /// The functions of its kernel stack, innermost first, read only in state D, and only by root.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stack: Vec<String>,
    /// Seccomp filters in force (status `Seccomp` 2).
    pub filtered: Seen<bool>,
}

impl Process {
    /// What to call it on screen: unit, container or command.
    pub fn label(&self) -> String {
        if let Some(container) = &self.container {
            return container.label();
        }
        self.unit.clone().unwrap_or_else(|| self.comm.shown())
    }

    /// The system service that it belongs to. A container's process belongs to its engine, and units of user managers and
    /// scopes cannot be restarted by `systemctl restart`.
    ///
    /// Not always its `unit`, which is the innermost one: below a service that may (`Delegate=yes`: rootless engines, test
    /// runners) a job gives cgroups any name, that of another service as well. The outermost one was named by systemd.
    pub fn service(&self) -> Option<&str> {
        let unit = self.unit.as_deref().filter(|_| self.container.is_none())?;
        let cgroup = self.cgroup.as_ref().ok();
        if cgroup.is_some_and(|c| c.as_bytes().windows(11).any(|w| w == b"/user.slice")) {
            return None;
        }
        let outermost = cgroup.and_then(|table| outermost_unit(table.as_bytes()));
        Some(outermost.unwrap_or(unit)).filter(|unit| unit.ends_with(".service"))
    }

    /// Whether it is a runner, a build tool, a cache server or a build daemon.
    pub fn is_build(&self) -> bool {
        self.role.as_ref().is_some_and(|role| role.kind != RoleKind::Other)
    }

    /// The value that libc's `getenv` gives: the first entry of that name. `Err` where the environment is not readable.
    pub fn variable(&self, name: &str) -> Seen<Option<&RawText>> {
        match &self.variables {
            Ok(all) => Ok(all.iter().find(|v| v.name == name).map(|v| &v.value)),
            Err(why) => Err(why.clone()),
        }
    }
}

/// The first component of a cgroup path that names a unit; systemd's own hierarchy counts first, then the unified one.
fn outermost_unit(table: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(table).ok()?;
    let entries = || text.lines().filter_map(|line| line.split_once(':')?.1.split_once(':'));
    let of = |wanted: &str| entries().find(|(controllers, _)| *controllers == wanted);
    let units = [of("name=systemd"), of("")].into_iter().chain(entries().map(Some)).flatten();
    units.map(|(_, path)| path).find_map(|path| {
        let parts = path.split('/').map(|part| part.strip_prefix('_').unwrap_or(part));
        let holds =
            |part: &str| part != "init.scope" && part.strip_suffix(".slice").is_none() && is_unit_name(part);
        parts.into_iter().find(|part| holds(part))
    })
}

/// Where a process' root, cwd or exe link leads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The link's text, in the namespace of the process, without the kernel's ` (deleted)` mark.
    pub path: RawPath,
    /// Whether the object is gone: the text had the mark, and a look at the link count (0) or the missing name bears it
    /// out, because a name may itself end so.
    pub deleted: bool,
}

/// User and group ids and capabilities of a process.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Credentials {
    /// File system uid, by which the kernel decides about files.
    pub uid: u32,
    /// File system gid.
    pub gid: u32,
    /// Supplementary groups, ascending.
    pub groups: Vec<u32>,
    /// Effective capabilities as a bit set.
    pub capabilities: u64,
    /// The name of `uid` in the passwd file of the process' own root.
    pub user: Option<String>,
}

impl Credentials {
    /// CAP_DAC_OVERRIDE: modes and ACLs do not bind it (immutable flags and read-only mounts still do).
    pub fn overrides_modes(&self) -> bool {
        self.capabilities & (1 << 1) != 0
    }

    /// Whether `gid` is its group or one of its supplementary groups.
    pub fn is_in_group(&self, gid: u32) -> bool {
        self.gid == gid || self.groups.contains(&gid)
    }

    /// `runner (1000)` or `uid 1000`.
    pub fn shown(&self) -> String {
        match &self.user {
            Some(name) => format!("{name} ({})", self.uid),
            None => format!("uid {}", self.uid),
        }
    }
}

/// A mount namespace: its inode, or the id of its root mount where the inode is not readable.
///
/// Mount ids are global, so two processes with the same id of `/` share a namespace and two with different ids do not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MountNs {
    /// Inode of `/proc/PID/ns/mnt`.
    Inode(u64),
    /// Field 1 of the line for `/` in `/proc/PID/mountinfo`.
    RootMount(u64),
}

impl MountNs {
    /// The number that stands for it in reports.
    pub fn number(self) -> u64 {
        match self {
            Self::Inode(n) | Self::RootMount(n) => n,
        }
    }
}

/// Limits that decide about temp files. `None` is "unlimited".
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Soft limit of descriptors.
    pub open_files: Option<u64>,
    /// Soft limit of the size of a file that it may write, bytes.
    pub file_size: Option<u64>,
    /// Soft limit of processes of its user.
    pub processes: Option<u64>,
}

/// A container, as a cgroup path names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Container {
    /// `docker`, `podman`, `containerd`, `kubernetes`, `lxc`, `nspawn` …
    pub engine: String,
    /// The full id.
    pub id: String,
    /// The name that people gave it, where the engine's own files on this machine tell it.
    pub name: Option<String>,
}

impl Container {
    /// `docker web-1 (3f2a91c04b7d)` or `docker 3f2a91c04b7d`.
    pub fn label(&self) -> String {
        let short: String = self.id.chars().take(12).collect();
        match &self.name {
            Some(name) => format!("{} {name} ({short})", self.engine),
            None => format!("{} {short}", self.engine),
        }
    }
}

/// A variable of an environment block; only names of the allowlist are ever kept.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Its value as bytes.
    pub value: RawText,
}

/// The part that a process plays, as `assets/roles.toml` knows it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Role {
    /// Id in the table: `forgejo-runner`.
    pub id: String,
    /// What kind of part.
    pub kind: RoleKind,
    /// What people call it: "Forgejo runner".
    pub title: String,
}

/// Kinds of roles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RoleKind {
    /// A CI runner or its worker.
    Runner,
    /// A compiler, linker, build system, package manager or test runner.
    BuildTool,
    /// A compiler-cache server.
    CacheServer,
    /// A build daemon that outlives builds.
    BuildDaemon,
    /// Known, but of no consequence for builds.
    Other,
}

/// All processes of one look, by pid.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ProcessTable {
    /// The processes, shared between looks where they did not change.
    pub by_pid: BTreeMap<Pid, Arc<Process>>,
    /// How many of them (kernel threads apart) showed their environment, cwd and root.
    pub read_whole: Entries,
}

impl ProcessTable {
    /// The process of that pid.
    pub fn get(&self, pid: Pid) -> Option<&Process> {
        self.by_pid.get(&pid).map(AsRef::as_ref)
    }

    /// The process of that pid, to change it; another table that shares it keeps what it had.
    pub fn get_mut(&mut self, pid: Pid) -> Option<&mut Process> {
        self.by_pid.get_mut(&pid).map(Arc::make_mut)
    }

    /// Adds a process, or puts it in the place of the one with its pid.
    pub fn insert(&mut self, process: Process) {
        self.by_pid.insert(process.pid, Arc::new(process));
    }

    /// The chain from `pid` to its oldest ancestor, `pid` first; ends at a parent that was not seen.
    pub fn ancestors(&self, pid: Pid) -> Vec<&Process> {
        let mut chain: Vec<&Process> = Vec::new();
        let mut next = pid;
        while let Some(process) = self.get(next) {
            if chain.iter().any(|seen| seen.pid == process.pid) {
                break;
            }
            chain.push(process);
            next = process.parent;
        }
        chain
    }
}

#[cfg(test)]
#[path = "process_tests.rs"]
mod tests;
