//! What is about to be changed, told before it is done.

use serde::{Deserialize, Serialize};

use super::mount::Device;
use super::raw_path::RawPath;
use super::units::{Bytes, Entries, Seconds, WallNanos};
use super::vantage::Kind;

/// The version of a plan's form.
pub const SCHEMA: &str = "tmpmedic.plan/1";

/// Which object: no two that ever lived on one mount share all of it. An inode number is used again after a removal; its
/// birth then is another one, where the file system tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ObjectId {
    /// Through which mount it was seen.
    pub mount_id: u64,
    /// Device.
    pub device: Device,
    /// Inode.
    pub inode: u64,
    /// What kind of object.
    pub kind: Kind,
    /// When it was made, where the file system tells.
    pub born: Option<WallNanos>,
}

/// A clean-up of one temp dir: immutable, and bound to this boot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// [`SCHEMA`].
    pub schema: String,
    /// By which it is agreed to: SHA-256, in hexadecimal, over the boot, the directory, the wishes, and exactly which objects
    /// go. Whoever plans the same removals has the same one, whenever and with whatever rights; why others stay, and since
    /// when, is no part of it.
    pub digest: String,
    /// By which it is known as what was made: SHA-256, in hexadecimal, over everything else.
    pub seal: String,
    /// In which boot it was made; in another one it means nothing.
    pub boot_id: String,
    /// When it was made.
    pub made: WallNanos,
    /// From when on it is stale.
    pub expires: WallNanos,
    /// The temp dir, as our own process reaches it.
    pub root: RawPath,
    /// Which directory that is.
    pub place: ObjectId,
    /// By which wishes.
    pub wishes: Wishes,
    /// Everything that lies directly in it, by name.
    pub entries: Vec<Planned>,
}

/// What is in no known family, among the families of [`Wishes`].
pub const OTHER: &str = "other";

/// By which word a family is wished for; its id is empty where there is none.
pub fn wished_family(id: &str) -> &str {
    if id.is_empty() { OTHER } else { id }
}

/// What the user wants removed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wishes {
    /// Only what is at least so old.
    pub older_than: Seconds,
    /// And, where the table of families says longer of its family, only what is so old: nobody named a time.
    #[serde(default)]
    pub by_family: bool,
    /// Only these families; all where none is named.
    pub families: Vec<String>,
    /// Never names that match one of these globs.
    pub keep: Vec<String>,
    /// Only of this owner, chosen explicitly.
    pub owner: Option<u32>,
    /// Only these names, chosen one by one.
    pub names: Vec<RawPath>,
    /// For good, instead of into the quarantine.
    pub delete: bool,
    /// What could not be looked at counts as not held.
    pub assume_unheld: bool,
}

/// One entry of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Planned {
    /// What was seen of it.
    pub candidate: Candidate,
    /// What will be done with it.
    pub verdict: Verdict,
    /// Why, in one line that names pid and unit where there is one.
    pub reason: String,
}

/// What will be done with an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It goes.
    Remove,
    /// It stays.
    Keep,
}

/// An entry of a temp dir, with everything below it, as far as it decides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// Its name.
    pub name: RawPath,
    /// Which object.
    pub object: ObjectId,
    /// Its owner.
    pub uid: u32,
    /// Its permission bits.
    pub mode: u32,
    /// The family that its name tells, `""` where none.
    pub family: String,
    /// Its tree.
    pub tree: Tree,
    /// Whether somebody has a BSD lock on it; not seen where it could not be tried.
    pub locked: Tried,
}

/// What lies in an entry, itself included.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tree {
    /// How many objects.
    pub entries: Entries,
    /// Blocks that they hold.
    pub bytes: Bytes,
    /// The newest of all stamps (atime, mtime, ctime, btime) of all of them.
    pub newest: WallNanos,
    /// Where that newest stamp is, below the entry.
    pub newest_at: RawPath,
    /// Whether a mount begins somewhere in it, in our own namespace.
    pub crosses_mount: bool,
    /// Whether a socket lies in it: whoever has that bound is told by no descriptor.
    pub has_sockets: bool,
    /// Why not all of it was seen.
    pub unseen: Option<String>,
}

/// The answer of a lock that was tried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tried {
    /// Nobody has it.
    Free,
    /// Somebody has it.
    Taken,
    /// It is no directory or regular file: nobody can lock it there.
    NotLockable,
    /// It could not be tried.
    Unknown(String),
}
