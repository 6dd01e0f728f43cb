//! Which process holds what in a temp dir, and how.

use serde::{Deserialize, Serialize};

use super::mount::Device;
use super::process::Pid;
use super::raw_path::RawPath;
use super::units::Bytes;

/// One hold of one process on one object in a temp dir.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Holding {
    /// Who holds.
    pub pid: Pid,
    /// How.
    pub how: How,
    /// What, in the namespace of the holder, without the kernel's ` (deleted)` mark.
    pub path: RawPath,
    /// Device and inode, where they could be learnt.
    pub object: Option<(Device, u64)>,
    /// Whether it has no name any more.
    pub deleted: bool,
    /// Blocks that stay taken until the hold ends; only for deleted files.
    pub pins: Option<Bytes>,
    /// The path of the temp dir it lies in, as the holder names it.
    pub temp_dir: RawPath,
}

/// Ways of holding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// Working directory.
    Cwd,
    /// Root directory.
    Root,
    /// Program.
    Exe,
    /// Descriptor of that number.
    Fd(u32),
    /// Mapped into memory.
    Map,
    /// Locked (flock, POSIX or lease).
    Lock,
    /// A unix socket bound there.
    Socket,
    /// It is the source of a mount in some namespace.
    MountSource,
}

impl How {
    /// One word.
    pub fn word(self) -> String {
        match self {
            Self::Cwd => "cwd".into(),
            Self::Root => "root".into(),
            Self::Exe => "exe".into(),
            Self::Fd(n) => format!("fd {n}"),
            Self::Map => "mmap".into(),
            Self::Lock => "lock".into(),
            Self::Socket => "socket".into(),
            Self::MountSource => "mount".into(),
        }
    }
}

/// Deleted files that a process keeps open, on one file system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pinned {
    /// Who keeps them.
    pub pid: Pid,
    /// On which file system.
    pub device: Device,
    /// How many.
    pub files: u64,
    /// How much room they take.
    pub bytes: Bytes,
    /// The biggest of them, by the kernel's text.
    pub biggest: RawPath,
    /// Its descriptor.
    pub fd: u32,
}

/// What the holders look gave.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holders {
    /// Holds inside temp dirs.
    pub holdings: Vec<Holding>,
    /// Deleted files kept open on the file systems of the temp dirs, wherever they lay.
    pub pinned: Vec<Pinned>,
}
