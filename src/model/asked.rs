//! What the caller asked to look at.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::process::Pid;
use super::raw_path::RawPath;

/// The focus of a look; empty means the whole machine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// These processes (`--pid`, and those of `--unit` and `--user`, resolved).
    pub pids: BTreeSet<Pid>,
    /// Units that were named.
    pub units: Vec<String>,
    /// Users that were named.
    pub users: Vec<String>,
    /// Directories that were named.
    pub dirs: Vec<RawPath>,
}

impl Asked {
    /// Whether only some processes are of interest.
    pub fn is_focused(&self) -> bool {
        !self.pids.is_empty() || !self.units.is_empty() || !self.users.is_empty()
    }
}
