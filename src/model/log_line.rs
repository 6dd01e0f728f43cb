//! Failing lines of a build log.

use serde::{Deserialize, Serialize};

use super::errno::Errno;
use super::raw_path::RawPath;

/// One failing line that a known tool printed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// Line number in the log, from 1.
    pub line: u64,
    /// Which tool, lower case: rustc, cargo, go, gcc, node, python, java, sccache, mktemp, bash, docker, other.
    pub tool: String,
    /// The error it names.
    pub errno: Option<Errno>,
    /// The path it names.
    pub path: Option<RawPath>,
    /// Whether it is an old failure printed again: the same random suffix stood in an earlier line of another run.
    pub replayed: bool,
    /// What it means, in one line.
    pub means: String,
    /// Ids of causes that the wording fits, the likeliest first.
    pub points_to: Vec<String>,
    /// Ids of causes that the wording excludes.
    pub excludes: Vec<String>,
    /// The line without terminal escapes, at most its first 4 KiB; of a progress bar that overwrites itself, that turn.
    pub text: RawPath,
}
