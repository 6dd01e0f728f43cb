//! What a deed is done to: which process, by which way, which inode, with which rights.

use serde::{Deserialize, Serialize};

use crate::model::mount::Device;
use crate::model::process::Pid;
use crate::model::raw_path::RawPath;
use crate::model::units::BootNanos;

/// Mode, owner and group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Rights {
    /// Permission bits.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
}

impl Rights {
    /// Those of a temp dir that all users share.
    pub const SHARED: Self = Self { mode: 0o1777, uid: 0, gid: 0 };

    /// `root 1777` or `1000:1000 0700`.
    pub fn shown(self) -> String {
        let Self { mode, uid, gid } = self;
        if (uid, gid) == (0, 0) { format!("root {mode:04o}") } else { format!("{uid}:{gid} {mode:04o}") }
    }
}

/// An object as a look saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inode {
    /// Device.
    pub device: Device,
    /// Inode.
    pub inode: u64,
}

/// A process, for good: its number with the time at which it started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Whom {
    /// Its id.
    pub pid: Pid,
    /// When it started.
    pub started: BootNanos,
}

/// A path as somebody reaches it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Way {
    /// Through whose root; our own where nobody is named.
    pub by: Option<Whom>,
    /// The path there, absolute, without links.
    pub path: RawPath,
}

impl Way {
    /// The path as a shell of ours reaches it.
    pub fn reached(&self) -> RawPath {
        match self.by {
            Some(whom) => {
                let path = self.path.as_bytes();
                RawPath::new([format!("/proc/{}/root", whom.pid).as_bytes(), path].concat())
            }
            None => self.path.clone(),
        }
    }
}
