//! What the hands do about it: one deed a step.

use serde::{Deserialize, Serialize};

use super::{Inode, Rights, Way, Whom};
use crate::model::raw_path::{RawPath, RawText};

/// What the hands do. Each looks again, at the moment of acting, whether its object is the one that was planned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "deed", rename_all = "kebab-case")]
pub enum Deed {
    /// Makes a private temp dir as systemd does: `parent/NAME/tmp`, the outer one root's alone.
    MakePrivateTmp {
        /// `/tmp` or `/var/tmp`.
        parent: RawPath,
        /// The name that the dead one had; another ending where it is taken.
        name: RawPath,
        /// Of the inner directory.
        rights: Rights,
    },
    /// Puts the directory that the step before made in the place of a dead mount.
    Rebind {
        /// In whose namespace.
        whom: Whom,
        /// Where.
        point: RawPath,
        /// The mount.
        mount_id: u64,
        /// Its line in the mount table, verbatim.
        line: RawText,
    },
    /// `systemctl restart`.
    RestartUnit {
        /// Which.
        unit: String,
    },
    /// `systemctl daemon-reload`.
    ReloadManager,
    /// Makes a directory, with those above it that are missing.
    MakeDir {
        /// Where.
        at: Way,
        /// With these rights.
        rights: Rights,
    },
    /// Changes mode and owner of one object.
    SetRights {
        /// Where.
        at: Way,
        /// Which object.
        inode: Inode,
        /// They are so.
        from: Rights,
        /// They become so.
        to: Rights,
    },
    /// Gives a tree to another user.
    GiveTree {
        /// Where.
        at: Way,
        /// Which directory.
        inode: Inode,
        /// Whose objects.
        old_uid: u32,
        /// To whom.
        uid: u32,
        /// To which group.
        gid: u32,
    },
    /// Removes a file in which cargo recorded a failure.
    RemoveRecord {
        /// Which.
        at: Way,
    },
    /// Ends a process: SIGTERM, then SIGKILL where that does not help.
    Stop {
        /// Which.
        whom: Whom,
        /// Its user.
        uid: u32,
        /// Its program, where it could be seen.
        exe: Option<RawPath>,
        /// How long it gets to end by itself, in milliseconds.
        patience_ms: u64,
        /// Whether it may be killed then.
        kill: bool,
    },
    /// Writes a drop-in of a unit.
    WriteDropIn {
        /// The unit.
        unit: String,
        /// The name of the file.
        file: String,
        /// What stands there, where there is one: filled in by a look before the plan is sealed.
        before: Option<RawText>,
        /// What will stand there.
        after: RawText,
    },
}
