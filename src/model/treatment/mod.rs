//! What is about to be done about a finding: numbered steps, each with the command that does the same by hand.
//!
//! Immutable once it is sealed by its digest, and bound to this boot: what was shown is what is done. [`Aim`] is what a rule
//! names when it offers an action, [`Treatment`] what becomes of it, [`Deed`] what the hands do.

mod aim;
mod deed;
mod object;

use serde::{Deserialize, Serialize};

use super::finding::Risk;
use super::process::Pid;
use super::raw_path::RawPath;
use super::units::WallNanos;

pub use aim::{Aim, Setting};
pub use deed::Deed;
pub use object::{Inode, Rights, Way, Whom};

/// The version of a treatment's form.
pub const SCHEMA: &str = "tmpmedic.treatment/1";

/// A plan is stale after ten minutes: what it saw is of then.
pub const GOOD_FOR_NANOS: i64 = 600 * 1_000_000_000;

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
