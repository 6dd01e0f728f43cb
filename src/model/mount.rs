//! Mount namespaces and what is mounted in them. Source: proc_pid_mountinfo(5).

use serde::{Deserialize, Serialize};

use super::process::{MountNs, Pid};
use super::raw_path::{RawPath, RawText};
use super::reading::{Reading, Seen};

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
    /// Whether the layers that its overlay mounts write to are still there; empty where nobody looked.
    #[serde(default)]
    pub overlays: Vec<OverlayState>,
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

    /// The path that is the value of `name=` in the file system's options.
    ///
    /// The kernel writes `,`, `=`, blanks and `\` of such a path as `\NNN`, and keeps the `\` by which whoever mounted it
    /// escaped a `,` or `:`. Source: the kernel's include/linux/seq_file.h, `seq_show_option`; mount(8) on overlay.
    pub fn super_path(&self, name: &str) -> Option<RawPath> {
        let text = self.super_option(name)?;
        let mut rest = text.as_bytes();
        let mut path = Vec::with_capacity(rest.len());
        while let Some((first, tail)) = rest.split_first() {
            let digits =
                tail.get(..3).filter(|d| *first == b'\\' && d.iter().all(|b| (b'0'..=b'7').contains(b)));
            let value = digits.and_then(|d| u8::from_str_radix(std::str::from_utf8(d).ok()?, 8).ok());
            path.push(value.unwrap_or(*first));
            rest = if value.is_some() { tail.get(3..).unwrap_or_default() } else { tail };
        }
        let next = path.iter().skip(1).map(Some).chain(std::iter::once(None));
        let escapes = |byte: u8, next: Option<&u8>| byte == b'\\' && matches!(next, Some(b',' | b':'));
        let kept = path.iter().zip(next).filter(|(byte, next)| !escapes(**byte, *next));
        Some(RawPath::new(kept.map(|(byte, _)| *byte).collect::<Vec<u8>>()))
    }

    /// Whether it is read-only, by the mount or by the file system.
    pub fn is_read_only(&self) -> bool {
        self.has_option("ro") || self.has_super_option("ro")
    }

    /// Whether a call on it may never return: remote, user-space and automounted file systems.
    pub fn is_doubtful(&self) -> bool {
        Self::is_doubtful_type(self.fs_type.as_str())
    }

    /// The same by the type alone.
    pub fn is_doubtful_type(kind: &str) -> bool {
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

/// Whether the directories that an overlay writes to still exist where it was mounted from.
///
/// A writable overlay makes entries in `workdir=` and moves them to `upperdir=`; without either, every creation in it
/// fails although its mount table line and link counts stay the same. Source: kernel Documentation/filesystems/overlayfs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OverlayState {
    /// Field 1 of the overlay's line in this namespace.
    pub mount_id: u64,
    /// Whether `upperdir=` exists; not seen where the namespace that mounted it is not known.
    pub upper: Seen<bool>,
    /// Whether the directory `work` in `workdir=` exists.
    pub work: Seen<bool>,
    /// The process through whose root it was looked at.
    pub seen_by: Option<Pid>,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_escaped_paths_among_the_options() {
        let mount = Mount {
            id: 1,
            parent: 0,
            device: Device::default(),
            root: "/".into(),
            root_deleted: false,
            point: "/".into(),
            options: "rw".into(),
            propagation: String::new(),
            fs_type: "overlay".into(),
            source: "overlay".into(),
            super_options: r"rw,upperdir=/srv/a\054b\040c\134,workdir=/w\9,lowerdir=/l\134\054m".into(),
            line: RawText::default(),
            order: 0,
        };
        assert_eq!(mount.super_path("upperdir"), Some(r"/srv/a,b c\".into()));
        assert_eq!(mount.super_path("workdir"), Some(r"/w\9".into()));
        assert_eq!(mount.super_path("lowerdir"), Some("/l,m".into()), "escaped by the mounter as well");
        assert_eq!(mount.super_path("none"), None);
    }
}
