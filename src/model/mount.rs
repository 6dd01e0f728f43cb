//! Mount namespaces and what is mounted in them. Source: proc_pid_mountinfo(5).

use serde::{Deserialize, Serialize};

use super::process::{MountNs, Pid};
use super::raw_path::{RawPath, RawText};
use super::reading::Reading;

/// One mount namespace.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MountNamespace {
    /// Which one.
    pub id: MountNs,
    /// The process whose `mountinfo` was read for it.
    pub witness: Pid,
    /// Every process in it that was seen.
    pub pids: Vec<Pid>,
    /// Whether tmpmedic itself is in it.
    pub ours: bool,
    /// Its mounts in the order of the file; a later one hides an earlier one on the same point.
    pub mounts: Reading<Vec<Mount>>,
}

impl MountNamespace {
    /// The mount that serves `path`: the last line whose mount point is the longest prefix.
    pub fn serving(&self, path: &RawPath) -> Option<&Mount> {
        let below = |m: &&Mount| path.is_below(&m.point);
        self.mounts.items().iter().filter(below).max_by_key(|m| (m.point.as_bytes().len(), m.order))
    }

    /// All mounts exactly on `path`, the lowest first.
    pub fn stacked_on(&self, path: &RawPath) -> Vec<&Mount> {
        self.mounts.items().iter().filter(|m| m.point == *path).collect()
    }
}

/// One line of a mount table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mount {
    /// Field 1.
    pub id: u64,
    /// Field 2: the mount it sits on.
    pub parent: u64,
    /// Field 3: device, `major:minor`.
    pub device: Device,
    /// Field 4 without the kernel's `//deleted` mark: which directory of the file system is mounted.
    pub root: RawPath,
    /// Whether field 4 ended in `//deleted`; a real name cannot hold `//`, so this is proof.
    pub root_deleted: bool,
    /// Field 5: where, in this namespace.
    pub point: RawPath,
    /// Field 6: options of this mount.
    pub options: String,
    /// The optional fields: `shared:1`, `master:2` …
    pub propagation: String,
    /// File system type.
    pub fs_type: String,
    /// Source, as the mounter named it.
    pub source: RawPath,
    /// Options of the file system itself.
    pub super_options: RawText,
    /// The whole line, verbatim.
    pub line: RawText,
    /// Its position in the file.
    pub order: u32,
}

impl Mount {
    /// Whether the mount's own options hold that word.
    pub fn has_option(&self, word: &str) -> bool {
        self.options.split(',').any(|o| o == word)
    }

    /// Whether the file system's options hold that word.
    pub fn has_super_option(&self, word: &str) -> bool {
        self.super_options.as_bytes().split(|b| *b == b',').any(|o| o == word.as_bytes())
    }

    /// The value of `name=` in the file system's options.
    pub fn super_option(&self, name: &str) -> Option<RawText> {
        let options = self.super_options.as_bytes().split(|b| *b == b',');
        let mut values = options.filter_map(|o| o.strip_prefix(name.as_bytes())?.strip_prefix(b"="));
        values.next().map(RawText::from)
    }

    /// Whether it is read-only, by the mount or by the file system.
    pub fn is_read_only(&self) -> bool {
        self.has_option("ro") || self.has_super_option("ro")
    }

    /// Whether a call on it may never return: remote, user-space and automounted file systems.
    pub fn is_doubtful(&self) -> bool {
        let kind = self.fs_type.as_str();
        let remote = [
            "nfs",
            "nfs4",
            "cifs",
            "smb3",
            "smbfs",
            "ncpfs",
            "9p",
            "afs",
            "ceph",
            "coda",
            "autofs",
            "lustre",
            "gpfs",
            "beegfs",
            "glusterfs",
            "ocfs2",
            "gfs2",
            "orangefs",
            "virtiofs",
            "vboxsf",
            "prl_fs",
            "davfs",
        ];
        kind.starts_with("fuse") && kind != "fusectl" || remote.contains(&kind)
    }
}

/// A device number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Device {
    /// Major part.
    pub major: u32,
    /// Minor part.
    pub minor: u32,
}

impl std::fmt::Display for Device {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.major, self.minor)
    }
}
