//! What is about to be done about a finding: numbered steps, each with the command that does the same by hand.
//!
//! Immutable once it is sealed by its digest, and bound to this boot: what was shown is what is done. [`Aim`] is what a rule
//! names when it offers an action, [`Treatment`] what becomes of it, [`Deed`] what the hands do.

use serde::{Deserialize, Serialize};

use super::finding::Risk;
use super::mount::Device;
use super::process::Pid;
use super::raw_path::{RawPath, RawText};
use super::units::{BootNanos, WallNanos};

/// The version of a treatment's form.
pub const SCHEMA: &str = "tmpmedic.treatment/1";

/// A plan is stale after ten minutes: what it saw is of then.
pub const GOOD_FOR_NANOS: i64 = 600 * 1_000_000_000;

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

/// Whether it is a unit name that may stand on a command line and in a path: systemd's own charset, which has no `/`, and
/// no dash in front. Source: systemd.unit(5).
pub fn is_unit_name(name: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b":_.\\@-".contains(&byte);
    let known = [".service", ".socket", ".timer", ".slice", ".scope", ".mount", ".target"];
    let (stem, _) = name.rsplit_once('.').unwrap_or_default();
    name.len() <= 255
        && name.bytes().all(legal)
        && !name.starts_with(['-', '.'])
        && !stem.is_empty()
        && known.iter().any(|suffix| name.ends_with(suffix))
}

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

/// A plan for one finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Treatment {
    /// [`SCHEMA`].
    pub schema: String,
    /// SHA-256 over everything else, in hexadecimal.
    pub digest: String,
    /// In which boot it was made; in another one it means nothing.
    pub boot_id: String,
    /// When it was made.
    pub made: WallNanos,
    /// From when on it is stale.
    pub expires: WallNanos,
    /// Id of the action.
    pub action: String,
    /// Id of the finding.
    pub finding: String,
    /// What the finding is about.
    pub subject: String,
    /// One line.
    pub title: String,
    /// What it risks.
    pub risk: Risk,
    /// Whether it can be taken back.
    pub reversible: bool,
    /// How long it lasts, where that is not for good.
    pub lasts: Option<String>,
    /// Which processes it ends.
    pub ends: Vec<Ends>,
    /// What would not help, and what to watch for.
    pub notes: Vec<String>,
    /// In order.
    pub steps: Vec<Step>,
    /// The temp dirs that must work afterwards; a probe tells.
    pub proofs: Vec<Proof>,
}

/// A process that will end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ends {
    /// Its id.
    pub pid: Pid,
    /// Its program.
    pub program: String,
}

/// A step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// In one line.
    pub does: String,
    /// The command that does the same; never empty.
    pub by_hand: String,
    /// What the hands do.
    pub deed: Deed,
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

/// Where a temp dir must work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// As this process.
    pub whom: Whom,
    /// In this directory.
    pub path: RawPath,
    /// Of which unit, where its processes will be other ones by then.
    pub unit: Option<String>,
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_name_can_be_neither_an_option_nor_a_path() {
        for good in ["forgejo-runner@1.service", "a.service", r"dev-disk-by\x2duuid.mount", "x:y_z.timer"] {
            assert!(is_unit_name(good), "{good}");
        }
        let long = format!("{}.service", "a".repeat(255));
        let bad = [
            "",
            "runner",
            "-H.service",
            "../x.service",
            "a/b.service",
            "a b.service",
            "a\n.service",
            ".service",
        ];
        for bad in bad.into_iter().chain(["a\x1b.service", "ä.service", "a.sh", &long]) {
            assert!(!is_unit_name(bad), "{bad:?}");
        }
    }
}
