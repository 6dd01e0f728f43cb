//! Namespaces of our own: made, mapped, joined, and asked for their owner. Only for single-threaded processes.
//!
//! How one becomes like a process that exists is `namespace`. Called by `lab` and `exec`.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use nix::libc;
use nix::sched::CloneFlags;
use rustix::fs::{CWD, Mode, OFlags};

/// NS_GET_USERNS. Source: ioctl_ns(2).
const OWNER: libc::Ioctl = 0xb701;

/// Kinds of namespaces, as they are called below `/proc/PID/ns`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Users and capabilities.
    User,
    /// Mounts.
    Mount,
    /// Processes; takes effect for children.
    Pid,
    /// Host name.
    Uts,
    /// System V and POSIX message queues, shared memory.
    Ipc,
    /// Network, and sockets by name.
    Net,
    /// The view of the cgroup tree.
    Cgroup,
}

impl Kind {
    /// Its name below `/proc/PID/ns`.
    pub fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Mount => "mnt",
            Self::Pid => "pid",
            Self::Uts => "uts",
            Self::Ipc => "ipc",
            Self::Net => "net",
            Self::Cgroup => "cgroup",
        }
    }

    fn flag(self) -> CloneFlags {
        match self {
            Self::User => CloneFlags::CLONE_NEWUSER,
            Self::Mount => CloneFlags::CLONE_NEWNS,
            Self::Pid => CloneFlags::CLONE_NEWPID,
            Self::Uts => CloneFlags::CLONE_NEWUTS,
            Self::Ipc => CloneFlags::CLONE_NEWIPC,
            Self::Net => CloneFlags::CLONE_NEWNET,
            Self::Cgroup => CloneFlags::CLONE_NEWCGROUP,
        }
    }
}

/// Leaves the namespaces of these kinds for new ones.
///
/// # Errors
/// What unshare(2) answers: EPERM, ENOSPC at the limits of `user.max_*_namespaces`, EINVAL with more than one thread.
pub fn leave(kinds: &[Kind]) -> io::Result<()> {
    let flags = kinds.iter().fold(CloneFlags::empty(), |all, kind| all | kind.flag());
    Ok(nix::sched::unshare(flags)?)
}

/// Takes hold of a namespace of a process.
///
/// # Errors
/// What open(2) answers: EACCES without the right to trace that process.
pub fn open(pid: u32, kind: Kind) -> io::Result<OwnedFd> {
    let path = format!("/proc/{pid}/ns/{}", kind.name());
    Ok(rustix::fs::openat(CWD, path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?)
}

/// Takes hold of our own.
///
/// # Errors
/// What open(2) answers.
pub fn open_own(kind: Kind) -> io::Result<OwnedFd> {
    let path = format!("/proc/self/ns/{}", kind.name());
    Ok(rustix::fs::openat(CWD, path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?)
}

/// Joins a namespace.
///
/// # Errors
/// What setns(2) answers.
pub fn join(namespace: impl AsFd, kind: Kind) -> io::Result<()> {
    Ok(nix::sched::setns(namespace, kind.flag())?)
}

/// The user namespace that owns another namespace.
///
/// # Errors
/// EPERM where it is none of ours or below. Source: ioctl_ns(2), Linux 4.9.
pub fn owner(namespace: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    #[expect(unsafe_code, reason = "neither rustix nor nix has the ioctls of namespaces")]
    // SAFETY: the call takes no argument; what it answers is an open descriptor that nobody else knows.
    let fd = unsafe {
        let fd = libc::ioctl(namespace.as_raw_fd(), OWNER);
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        OwnedFd::from_raw_fd(fd)
    };
    rustix::io::fcntl_setfd(&fd, rustix::io::FdFlags::CLOEXEC)?;
    Ok(fd)
}

/// Writes the maps of a user namespace, one `INSIDE OUTSIDE COUNT` a line; `pid` as our procfs counts, `self` for our own.
///
/// # Errors
/// What write(2) answers: EPERM where the maps claim more than the writer may give.
pub fn write_maps(pid: &str, users: &str, groups: &str, may_set_groups: SetGroups) -> io::Result<()> {
    if may_set_groups == SetGroups::Deny {
        std::fs::write(format!("/proc/{pid}/setgroups"), "deny")?;
    }
    std::fs::write(format!("/proc/{pid}/uid_map"), users)?;
    std::fs::write(format!("/proc/{pid}/gid_map"), groups)
}

/// Whether setgroups(2) is allowed in a user namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetGroups {
    /// It is, as the writer of the map is privileged.
    Allow,
    /// It must not be: without privileges no group may be got rid of. Source: user_namespaces(7).
    Deny,
}

/// Gives this UTS namespace its name.
///
/// # Errors
/// What sethostname(2) answers.
pub fn set_host_name(name: &str) -> io::Result<()> {
    Ok(rustix::system::sethostname(name.as_bytes())?)
}
