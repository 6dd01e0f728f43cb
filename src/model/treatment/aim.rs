//! What a rule names when it offers an action: what is to be done to what.

use serde::{Deserialize, Serialize};

use super::{Inode, Rights};
use crate::model::process::Pid;
use crate::model::raw_path::{RawPath, RawText};

/// What an action is to be done to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Aim {
    /// A system service.
    Unit(String),
    /// The dead mount of that id in the namespace of a process.
    DeadMount {
        /// The process.
        pid: Pid,
        /// Field 1 of its line.
        mount_id: u64,
    },
    /// A directory that is to be made.
    Directory {
        /// Through whose root it is reached; our own where nobody is named.
        by: Option<Pid>,
        /// Its path there.
        path: RawPath,
        /// With these rights.
        rights: Rights,
    },
    /// An object that is to get other rights.
    Rights {
        /// As above.
        by: Option<Pid>,
        /// Its path there.
        path: RawPath,
        /// Which object.
        inode: Inode,
        /// They are so.
        from: Rights,
        /// They become so.
        to: Rights,
    },
    /// A directory with everything below that belongs to one user and is to belong to another.
    Tree {
        /// As above.
        by: Option<Pid>,
        /// Its path there.
        path: RawPath,
        /// Which directory.
        inode: Inode,
        /// Whose objects.
        old_uid: u32,
        /// To whom.
        uid: u32,
        /// To which group.
        gid: u32,
    },
    /// A file in which cargo recorded a failure.
    Record {
        /// As above.
        by: Option<Pid>,
        /// Its path there.
        path: RawPath,
    },
    /// A process.
    Process(Pid),
    /// Settings of a system service, in a file of their own.
    DropIn {
        /// The service.
        unit: String,
        /// Name of the file, without `.conf`.
        name: String,
        /// What stands in it.
        settings: Vec<Setting>,
    },
}

/// A line of a drop-in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Setting {
    /// A variable gets a value.
    Set {
        /// The variable.
        name: String,
        /// Its value.
        value: RawText,
    },
    /// A variable is taken away.
    Unset(String),
    /// Any other setting of a service.
    Directive {
        /// `LimitNOFILE`.
        key: String,
        /// What stands behind the `=`.
        value: RawText,
    },
}
