//! Everything of a process that is needed to become like it, taken hold of before anything changes.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{AtFlags, Mode, OFlags, openat, statat};
use rustix::io::Errno;

use super::enter::EnterError;
use super::status::{Limits, Status, is_kernel_thread, start_ticks};
use crate::sys::procfile::{PidDir, Proc};

/// Caps of reads from procfs: these files have a few KiB, and `status` one number per supplementary group (65,536 at most).
const SMALL: usize = 64 << 10;
const STATUS: usize = 1 << 20;

/// A process whose view is to be taken.
#[derive(Debug)]
pub struct Target {
    /// Its ids, capabilities, umask; may be changed before [`Target::enter`].
    pub status: Status,
    /// Its limits.
    pub limits: Limits,
    /// When it started, in clock ticks since boot.
    pub start_ticks: u64,
    /// Its LSM label; empty without an LSM.
    pub label: Vec<u8>,
    pub(super) own: Own,
    pub(super) root: OwnedFd,
    pub(super) cwd: io::Result<OwnedFd>,
    pub(super) mount_ns: OwnedFd,
    pub(super) user_ns: OwnedFd,
    dir: PidDir,
}

/// Device and inode of a namespace, which no other one has while it lives. Source: namespaces(7).
pub(super) type Id = (u64, u64);

/// The same of the calling process; without descriptors, of which there may be few.
#[derive(Debug)]
pub(super) struct Own {
    pub(super) status: Status,
    pub(super) mount_ns: Id,
    pub(super) user_ns: Id,
    label: Vec<u8>,
}

impl Target {
    /// Takes hold of a process: all that follows is about it, even where its number is given to another one meanwhile.
    ///
    /// # Errors
    /// ESRCH where it has ended or started at another time than `started`, EINVAL for a kernel thread, EACCES or EPERM
    /// where we may not look; the message says at what.
    pub fn open(proc: &Proc, pid: u32, started: Option<u64>) -> Result<Self, EnterError> {
        let dir = proc.pid(pid).map_err(EnterError::at("there is no such process, or it is hidden"))?;
        let stat =
            dir.read("stat", SMALL).map_err(EnterError::at("there is no such process, or it is hidden"))?;
        if is_kernel_thread(&stat) {
            return Err(EnterError::new("a kernel thread has no temp dir", Errno::INVAL));
        }
        let start_ticks =
            start_ticks(&stat).ok_or_else(|| EnterError::new("cannot understand its stat", Errno::INVAL))?;
        if started.is_some_and(|started| started.abs_diff(start_ticks) > 1) {
            return Err(EnterError::new(
                "the process has ended; its number has another one now",
                Errno::SRCH,
            ));
        }
        let status = read_status(&dir)?;
        if matches!(status.state, 'Z' | 'X') {
            return Err(EnterError::new(
                "the process has ended and waits for its parent (a zombie)",
                Errno::SRCH,
            ));
        }
        let limits = dir.read("limits", SMALL).map_err(EnterError::at("cannot read its limits"))?;
        let own = Own::open(proc)?;
        Ok(Self {
            status,
            limits: Limits::parse(&limits).unwrap_or_default(),
            start_ticks,
            label: label_of(&dir),
            own,
            root: open_dir(&dir, "root").map_err(EnterError::at("cannot open its root"))?,
            cwd: Err(io::ErrorKind::NotFound.into()),
            mount_ns: open_link(&dir, "ns/mnt").map_err(EnterError::at("cannot open its mount namespace"))?,
            user_ns: open_link(&dir, "ns/user").map_err(EnterError::at("cannot open its user namespace"))?,
            dir,
        })
    }

    /// Takes hold of its working directory as well; without this [`Target::enter`] has none to give.
    pub fn hold_cwd(&mut self) {
        self.cwd = open_dir(&self.dir, "cwd");
    }

    /// Its directory in procfs, to read more of it.
    pub fn dir(&self) -> &PidDir {
        &self.dir
    }

    /// Whether an LSM confines it otherwise than us.
    pub fn is_confined_otherwise(&self) -> bool {
        !self.label.is_empty() && self.label != self.own.label
    }
}

impl Own {
    fn open(proc: &Proc) -> Result<Self, EnterError> {
        let dir = proc.own().map_err(EnterError::at("cannot find ourselves in /proc"))?;
        Ok(Self {
            status: read_status(&dir)?,
            mount_ns: id_of(&dir, "ns/mnt").map_err(EnterError::at("cannot see our mount namespace"))?,
            user_ns: id_of(&dir, "ns/user").map_err(EnterError::at("cannot see our user namespace"))?,
            label: label_of(&dir),
        })
    }
}

fn read_status(dir: &PidDir) -> Result<Status, EnterError> {
    let text = dir.read("status", STATUS).map_err(EnterError::at("cannot read its status"))?;
    Status::parse(&text).ok_or_else(|| EnterError::new("cannot understand its status", Errno::INVAL))
}

/// EINVAL where no LSM keeps labels; whatever keeps us from reading one, none can be named.
fn label_of(dir: &PidDir) -> Vec<u8> {
    let text = dir.read("attr/current", SMALL).unwrap_or_default();
    let end = text.iter().rposition(|byte| !matches!(byte, 0 | b'\n')).map_or(0, |last| last + 1);
    text.get(..end).unwrap_or_default().to_vec()
}

/// `O_PATH`: opening by a magic link of procfs walks no path and does not block on a file system that hangs.
fn open_dir(dir: &PidDir, name: &str) -> io::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(openat(dir.as_fd(), name, flags, Mode::empty())?)
}

fn open_link(dir: &PidDir, name: &str) -> io::Result<OwnedFd> {
    Ok(openat(dir.as_fd(), name, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?)
}

/// Follows the link into nsfs, which always answers.
fn id_of(dir: &PidDir, name: &str) -> io::Result<Id> {
    let found = statat(dir.as_fd(), name, AtFlags::empty())?;
    Ok((found.st_dev, found.st_ino))
}
