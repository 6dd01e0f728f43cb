//! What was done to this machine, as the journal keeps it.

mod form;
mod runs;

use serde::{Deserialize, Serialize};

use super::errno::Errno;
use super::plan::ObjectId;
use super::raw_path::RawPath;
use super::treatment::Rights;
use super::units::{Bytes, Entries, WallNanos};

/// Number of a piece of work, from 1, never used again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct WorkId(pub u64);

/// One record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "record", rename_all = "kebab-case")]
#[expect(
    clippy::large_enum_variant,
    reason = "a journal holds one beginning for many steps, and all of them are read once"
)]
pub enum Record {
    /// A piece of work begins.
    Begin(Begin),
    /// This will be done now.
    Intent {
        /// Of which work.
        work: WorkId,
        /// What, in order.
        steps: Vec<Act>,
    },
    /// This became of it.
    Outcome {
        /// Of which work.
        work: WorkId,
        /// Of each step.
        #[serde(with = "runs")]
        steps: Vec<Came>,
    },
    /// A piece of work is over.
    End {
        /// Which.
        work: WorkId,
        /// When.
        time: WallNanos,
        /// How it was before.
        before: Vec<Figures>,
        /// How it is now.
        after: Vec<Figures>,
    },
}

/// The beginning of a piece of work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Begin {
    /// Its number.
    pub work: WorkId,
    /// When.
    pub time: WallNanos,
    /// Id of the action: `clean`, `repair-mode`, `undo`.
    pub action: String,
    /// One line.
    pub title: String,
    /// The finding that it is for.
    pub finding: Option<String>,
    /// Digest of the plan.
    pub digest: String,
    /// In which boot.
    pub boot_id: String,
    /// Who did it: the uid, and the login behind it where the kernel knows it (loginuid).
    pub uid: u32,
    /// See `uid`.
    pub login_uid: Option<u32>,
    /// The work that this one takes back.
    pub undoes: Option<WorkId>,
    /// The directory in which it works, and which one that is.
    pub place: Option<(RawPath, ObjectId)>,
    /// The name of the quarantine in it, and which directory that is.
    pub quarantine: Option<(RawPath, ObjectId)>,
}

/// One change of the machine, with what its inverse needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Act {
    /// Its number within the work, from 0.
    pub step: u64,
    /// What is changed.
    pub change: Change,
}

/// Kinds of changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "change", rename_all = "kebab-case")]
pub enum Change {
    /// An entry of the place goes into the quarantine under a name there.
    Quarantine {
        /// Its name in the place.
        name: RawPath,
        /// Which object.
        object: ObjectId,
        /// Its name in the quarantine.
        slot: RawPath,
        /// Blocks that it holds, with everything below, where known.
        bytes: Option<Bytes>,
    },
    /// It goes back.
    GiveBack {
        /// Its name in the quarantine.
        slot: RawPath,
        /// Which object.
        object: ObjectId,
        /// Its name in the place.
        name: RawPath,
    },
    /// What lies in the quarantine is removed for good.
    Purge {
        /// Its name in the quarantine.
        slot: RawPath,
        /// Which object.
        object: ObjectId,
    },
    /// Permission bits.
    Mode {
        /// Of what.
        path: RawPath,
        /// Which object.
        object: ObjectId,
        /// They were so.
        from: u32,
        /// They become so.
        to: u32,
    },
    /// Owner and group.
    Owner {
        /// Of what.
        path: RawPath,
        /// Which object.
        object: ObjectId,
        /// They were so.
        from: (u32, u32),
        /// They become so.
        to: (u32, u32),
    },
    /// A directory is made.
    MakeDir {
        /// Where.
        path: RawPath,
        /// With these bits, owner and group.
        mode: u32,
        /// See `mode`.
        uid: u32,
        /// See `mode`.
        gid: u32,
    },
    /// A file is written anew.
    Write {
        /// Which.
        path: RawPath,
        /// What stood there.
        from: Option<RawPath>,
        /// What stands there now.
        to: RawPath,
    },
    /// That directory was made by the step before: which one it is, by which an undo knows it.
    Made {
        /// Where.
        path: RawPath,
        /// Which object.
        object: ObjectId,
    },
    /// A small file is removed, and kept here.
    Unlink {
        /// Which.
        path: RawPath,
        /// Which object.
        object: ObjectId,
        /// The directory that it lay in: an undo makes it anew in no other.
        parent: Option<ObjectId>,
        /// Its mode, owner and group.
        rights: Rights,
        /// What stood in it.
        content: RawPath,
    },
    /// Something that cannot be taken back: a restart, a signal, a mount in a namespace.
    Call {
        /// As one would write it by hand.
        line: String,
    },
}

/// What became of a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Came {
    /// Its number within the work.
    pub step: u64,
    /// That.
    pub done: Done,
}

/// What became of a change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum Done {
    /// It is done. What the object looks like since, by which an undo sees whether somebody else changed it.
    Done {
        /// Its ctime.
        changed: Option<WallNanos>,
    },
    /// It was left as it was.
    Kept {
        /// Why.
        why: String,
    },
    /// The kernel refused.
    Failed {
        /// With what.
        errno: Option<Errno>,
        /// In words.
        why: String,
    },
}

impl Done {
    /// Why it is not done; nothing where it is.
    pub fn why(&self) -> &str {
        match self {
            Self::Done { .. } => "",
            Self::Kept { why } | Self::Failed { why, .. } => why,
        }
    }
}

/// What a temp dir holds; nothing where that could not be looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figures {
    /// Which.
    pub path: RawPath,
    /// Entries directly in it.
    pub entries: Option<Entries>,
    /// Directories among them that are older than a day.
    pub old_directories: Option<Entries>,
    /// Anything else that is older than a day.
    pub old_files: Option<Entries>,
    /// Room taken on its file system.
    pub used: Option<Bytes>,
    /// Inodes taken on its file system.
    pub inodes: Option<u64>,
    /// Whether a temp dir can be made there, by the probes: "yes", or the errno.
    pub probe: Option<String>,
}
