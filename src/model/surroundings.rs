//! What else on the machine decides about the entries of one temp dir: who holds them, in whatever namespace.
//!
//! Facts, by the name of the entry; whether one of them keeps an entry is judged elsewhere. What could not be looked at is
//! a gap, and a gap speaks for every entry.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::plan::{Tree, Wishes};
use super::process::Pid;
use super::raw_path::RawPath;
use super::reading::{Gap, GapWhy};
use super::units::WallNanos;

/// About which entries of a directory somebody asks.
#[derive(Clone, Copy, Debug)]
pub enum About<'a> {
    /// All of them.
    All,
    /// Those of these names; what speaks for others may be missing.
    These(&'a [&'a RawPath]),
    /// The same of what lies in a quarantine: only who has hold of it, for its name there says nothing, nor does anybody
    /// mean it by that name.
    Taken(&'a [&'a RawPath]),
}

/// Everything that speaks for the entries of one directory, seen at one moment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Surroundings {
    /// When.
    pub taken: WallNanos,
    /// When this boot began: nothing that lives now is older.
    pub booted: WallNanos,
    /// Whether the directory lies in memory: then nothing in it is older than this boot either.
    #[serde(default)]
    pub in_memory: bool,
    /// By the name of the entry.
    pub claims: BTreeMap<RawPath, Vec<Claim>>,
    /// What could not be looked at; each hides claims that there may be, and nobody can take that upon himself.
    pub gaps: Vec<Gap>,
    /// What could not be looked at of processes.
    #[serde(default)]
    pub unread: Vec<Gap>,
    /// Which processes that are, as far as they can be told.
    #[serde(default)]
    pub strangers: Vec<Stranger>,
    /// Tables of bound sockets that could not be read: they hide who holds a socket, and nothing else.
    #[serde(default)]
    pub sockets: Vec<Gap>,
}

impl Surroundings {
    /// What hides holders of an entry, the worst first. Whoever assumes that it is not held assumes so of the processes that
    /// could not be read, and of nothing else.
    pub fn hidden(&self, within: Within, wishes: &Wishes) -> Option<&Gap> {
        self.hidden_for_all(within).or_else(|| self.unread.first().filter(|_| !wishes.assume_unheld))
    }

    /// What nobody can take upon himself.
    pub fn hidden_for_all(&self, within: Within) -> Option<&Gap> {
        self.gaps.first().or_else(|| self.sockets.first().filter(|_| within == Within::Sockets))
    }
}

/// What lies in an entry, as far as it matters who could have hold of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Within {
    /// A socket, whose owner no descriptor tells.
    Sockets,
    /// None.
    NoSockets,
}

impl Within {
    /// Of a tree.
    pub fn of(tree: &Tree) -> Self {
        if tree.has_sockets { Self::Sockets } else { Self::NoSockets }
    }
}

/// A process that does not show what it holds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Stranger {
    /// Its user, where at least that can be told.
    pub uid: Option<u32>,
    /// Which.
    pub pid: Pid,
    /// Its program, for people.
    pub program: String,
    /// Why it shows nothing.
    pub why: GapWhy,
}

/// Something that speaks for an entry.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Claim {
    /// What.
    pub kind: ClaimKind,
    /// Whose, where a process stands behind it.
    pub pid: Option<Pid>,
    /// Its program, for people.
    pub program: Option<String>,
    /// Its unit or container, for people.
    pub party: Option<String>,
    /// The path or line that shows it, verbatim.
    pub shown: RawPath,
}

/// Kinds of claims.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClaimKind {
    /// Working directory.
    Cwd,
    /// Root directory.
    Root,
    /// Program.
    Exe,
    /// Open descriptor.
    Fd,
    /// Mapped into memory.
    Map,
    /// BSD, POSIX or lease lock in /proc/locks.
    Lock,
    /// A bound unix socket, by device and inode.
    Socket,
    /// Source of a bind mount, a private /tmp for instance.
    BindSource,
    /// Upper, work or lower directory of an overlay.
    OverlayLayer,
    /// A mount point in some namespace.
    MountPoint,
    /// Backing file of a loop device.
    LoopFile,
    /// Swap file.
    Swap,
    /// A temp variable of a live process names it.
    Variable,
    /// The command line of a live process names it.
    CommandLine,
    /// Its name holds the pid of a live process that is older than the entry.
    NamedPid,
    /// A line of tmpfiles.d (`x`, `X`) excludes it.
    Tmpfiles,
}
