//! Recorded failures and other state that build tools keep between builds.

use serde::{Deserialize, Serialize};

use super::process::Pid;
use super::raw_path::{RawPath, RawText};
use super::units::WallNanos;

/// A `.rustc_info.json` of a cargo target directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RustcInfo {
    /// Where it lies, in the namespace of `pid`.
    pub path: RawPath,
    /// Where our own process reaches it.
    pub reached: RawPath,
    /// A process that uses that target dir, if one does.
    pub pid: Option<Pid>,
    /// Its mtime.
    pub modified: WallNanos,
    /// The failed probes that cargo will replay.
    pub failures: Vec<RecordedFailure>,
}

/// One failed probe that cargo recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordedFailure {
    /// Its status line, as cargo words it.
    pub status: String,
    /// What it printed to stderr.
    pub stderr: RawText,
}
