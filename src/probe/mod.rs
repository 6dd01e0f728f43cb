//! Floor 2: making a temp dir for real, as a given process would.
//!
//! access(2), `test -w`, O_TMPFILE, `mktemp -d` and df each say "fine" in some broken case, so the only proof is to make
//! a directory, write to it, run from it and remove it. [`requests()`] chooses the vantages worth that, [`run()`] asks a
//! helper process for each, [`inside`] is what happens in that helper. What a probe makes carries our mark
//! (see `mark`); whatever happens it is removed, at the latest by the next probe at the same place (see `leftovers`).
//! Called by `cmd`.

mod accounts;
mod answer;
pub mod command;
pub mod inside;
mod leftovers;
mod mark;
mod program;
mod requests;
mod run;
mod steps;

use serde::{Deserialize, Serialize};

use crate::model::process::{Credentials, MountNs, Pid};
use crate::model::raw_path::RawPath;
use crate::model::units::BootNanos;

pub use accounts::{Account, account_of, groups_of};
pub use answer::{Described, Ended};
pub use requests::{left_out, requests};
pub use run::{command_request, describe, probe_one, run, run_while};

/// One vantage to be probed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbeRequest {
    /// The directory, as the process names it; a relative one is relative to its working directory.
    pub path: RawPath,
    /// For a relative one: the working directory that the vantage was seen from, for the result.
    pub based_on: Option<RawPath>,
    /// The process to imitate.
    pub pid: Pid,
    /// When it started, so that another process with its number is never imitated.
    pub started: Option<BootNanos>,
    /// Other ids than its own.
    pub ids: Option<AskedIds>,
    /// The vantage's mount namespace, for the result.
    pub mount_ns: MountNs,
    /// The vantage's root, for the result.
    pub root: RawPath,
    /// The vantage's credentials, for the result.
    pub credentials: Credentials,
}

/// Ids to take instead of those of the process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskedIds {
    /// User.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Supplementary groups, ascending.
    pub groups: Vec<u32>,
}

/// What a helper is to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Errand {
    /// The process to imitate.
    pid: Pid,
    /// When it started.
    started: Option<BootNanos>,
    /// Other ids than its own.
    ids: Option<AskedIds>,
    /// What to do there.
    work: Work,
}

/// Kinds of errands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Work {
    /// Tell who the process is and what its temp variables say.
    Describe,
    /// Take the steps in that directory, then look for leftovers there.
    Probe {
        /// The directory.
        dir: RawPath,
        /// Whether to look for leftovers of earlier probes.
        leftovers: Leftovers,
    },
    /// Remove what a probe that was killed has left in that directory.
    CleanUp {
        /// The directory.
        dir: RawPath,
    },
    /// Become a command; the helper of kind `exec`.
    Become {
        /// The command and its arguments.
        command: Vec<RawPath>,
        /// The value of TMPDIR where it is not to be the process' own.
        tmpdir: Option<RawPath>,
    },
}

impl Work {
    /// Whether it starts at the working directory of the process.
    fn is_relative(&self) -> bool {
        match self {
            Self::Describe => false,
            Self::Probe { dir, .. } | Self::CleanUp { dir } => !dir.is_absolute(),
            Self::Become { .. } => true,
        }
    }
}

/// Whether to look for leftovers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Leftovers {
    /// The first probe at this place since tmpmedic started.
    Remove,
    /// It was done already.
    LeaveAlone,
}
