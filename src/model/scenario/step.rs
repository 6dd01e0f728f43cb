//! One thing that is done to build an incident, in the order in which it is written.

use serde::{Deserialize, Serialize};

use super::amount::{Size, Span};
use super::cast::Cast;

/// One step. Paths are absolute and lie in the lab's own file systems; the last component may be a glob where several
/// things are meant (`remove`, `own`, `mode`, `age`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Step {
    /// Makes a directory and what is missing above it (root, 0755).
    Dir {
        /// Where.
        path: String,
        /// Permission bits, `0o1777`; 0755 where nothing is said. The umask does not count.
        #[serde(default)]
        mode: Option<u32>,
        /// Its owner.
        #[serde(default)]
        uid: u32,
        /// Its group.
        #[serde(default)]
        gid: u32,
        /// Its atime and mtime lie so far back; its ctime and btime cannot.
        #[serde(default)]
        dated: Option<Span>,
    },
    /// Makes a regular file.
    File {
        /// Where.
        path: String,
        /// Permission bits; 0644 where nothing is said.
        #[serde(default)]
        mode: Option<u32>,
        /// Its owner.
        #[serde(default)]
        uid: u32,
        /// Its group.
        #[serde(default)]
        gid: u32,
        /// Its text.
        #[serde(default)]
        text: String,
        /// Its size, sparse behind the text.
        #[serde(default)]
        size: Option<Size>,
        /// So many bytes are really written.
        #[serde(default)]
        filled: Option<Size>,
        /// Its atime and mtime lie so far back.
        #[serde(default)]
        dated: Option<Span>,
    },
    /// Makes many of a kind: `{}` in the path counts from 1.
    Many {
        /// Where, with `{}`.
        path: String,
        /// How many.
        count: u32,
        /// Directories or files.
        kind: Many,
        /// Their owner.
        #[serde(default)]
        uid: u32,
        /// Permission bits.
        #[serde(default)]
        mode: Option<u32>,
    },
    /// Makes a symbolic link.
    Link {
        /// Where.
        path: String,
        /// What it says, as it is.
        to: String,
    },
    /// Makes a named pipe.
    Fifo {
        /// Where.
        path: String,
    },
    /// Mounts a file system in memory; the mount point of this and the next three is made where it is missing.
    Tmpfs {
        /// Where.
        at: String,
        /// Its size.
        #[serde(default)]
        size: Option<Size>,
        /// How many inodes.
        #[serde(default)]
        inodes: Option<u32>,
        /// Permission bits of its root; 1777 where nothing is said.
        #[serde(default)]
        mode: Option<u32>,
        /// Flags of the mount.
        #[serde(default)]
        flags: Vec<MountFlag>,
    },
    /// Mounts another place of the tree.
    Bind {
        /// Which.
        source: String,
        /// Where.
        at: String,
        /// Flags of the mount.
        #[serde(default)]
        flags: Vec<MountFlag>,
    },
    /// Mounts layers.
    Overlay {
        /// Where.
        at: String,
        /// The lower layer.
        lower: String,
        /// The upper layer.
        upper: String,
        /// Its work directory.
        work: String,
    },
    /// Makes an ext4 in a file and mounts it.
    Image {
        /// Where.
        at: String,
        /// Its size.
        size: Size,
        /// Options of mkfs.ext4(8): `-m`, `0`, `-N`, `32`, `-O`, `^dir_nlink`.
        #[serde(default)]
        mkfs: Vec<String>,
        /// Options of the mount: `errors=remount-ro`.
        #[serde(default)]
        options: Vec<String>,
        /// Permission bits of its root; 1777 where nothing is said.
        #[serde(default)]
        mode: Option<u32>,
        /// Flags of the mount.
        #[serde(default)]
        flags: Vec<MountFlag>,
    },
    /// Changes the flags of a mount; those that are not named are taken off.
    Remount {
        /// Where.
        at: String,
        /// The new flags.
        flags: Vec<MountFlag>,
        /// The file system itself too, not only this mount of it.
        #[serde(default)]
        superblock: bool,
    },
    /// Unmounts what is on top there; `lazy` even while it is in use.
    Unmount {
        /// Where.
        at: String,
        /// MNT_DETACH.
        #[serde(default)]
        lazy: bool,
    },
    /// Removes a file or a tree, as `rm -rf` would; it stays on one file system.
    Remove {
        /// What; globs in any component.
        path: String,
    },
    /// Renames.
    Rename {
        /// From.
        path: String,
        /// To.
        to: String,
    },
    /// Changes permission bits.
    Mode {
        /// Of what.
        path: String,
        /// To these.
        mode: u32,
    },
    /// Changes owner and group.
    Own {
        /// Of what.
        path: String,
        /// The owner.
        uid: u32,
        /// The group.
        gid: u32,
    },
    /// Gives one user a POSIX ACL entry (`setfacl -m u:UID:PERMISSIONS`).
    Acl {
        /// Of what.
        path: String,
        /// Whose entry.
        uid: u32,
        /// `rwx`, `r-x`, `---`.
        permissions: String,
    },
    /// Sets inode attributes (`chattr`).
    Attributes {
        /// Of what.
        path: String,
        /// `chattr +i`.
        #[serde(default)]
        immutable: bool,
        /// `chattr +a`.
        #[serde(default)]
        append_only: bool,
    },
    /// Writes until nothing more fits.
    Fill {
        /// In which directory.
        path: String,
        /// As this user; root may use the reserved blocks.
        #[serde(default)]
        uid: u32,
    },
    /// Makes empty files until no inode is left.
    FillInodes {
        /// In which directory.
        path: String,
    },
    /// Makes entries of an image old: all four stamps of whatever matches, and of what lies below it.
    Age {
        /// The mount point of the image.
        image: String,
        /// Globs of names directly in it.
        entries: Vec<String>,
        /// How old they become.
        by: Span,
    },
    /// Freezes a file system (`fsfreeze -f`); it is thawed when the lab ends.
    Freeze {
        /// Where it is mounted.
        at: String,
    },
    /// Makes ext4 believe that it found an error.
    FsError {
        /// Where it is mounted.
        at: String,
    },
    /// Starts a process of the cast, and waits until it has done what it begins with.
    Start(Box<Cast>),
    /// Ends a process of the cast.
    Stop {
        /// Its name.
        name: String,
        /// SIGKILL instead of SIGTERM.
        #[serde(default)]
        kill: bool,
    },
    /// Lets the incident go on after that time; in a test, at once.
    Wait {
        /// How long.
        time: Span,
    },
}

/// Kinds of many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Many {
    /// Directories, each with a file in it.
    Dirs,
    /// Empty directories.
    EmptyDirs,
    /// Empty files.
    Files,
}

/// Flags of a mount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MountFlag {
    /// Read-only.
    Ro,
    /// Nothing on it can be executed.
    Noexec,
    /// Set-user-id bits have no effect.
    Nosuid,
    /// Device files have no effect.
    Nodev,
}
