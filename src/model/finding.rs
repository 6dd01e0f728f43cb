//! What the rules conclude.

use serde::{Deserialize, Serialize};

use super::errno::Errno;
use super::process::Pid;
use super::raw_path::{RawPath, RawText};
use super::reading::Gap;
use super::treatment::Aim;

/// How bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Context.
    Info,
    /// It will or might fail.
    Warning,
    /// Something that lives now cannot create, write to or run from its temp dir.
    Critical,
}

/// How sure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// It fits.
    Possible,
    /// Little else fits.
    Likely,
    /// The record cannot mean anything else, or a probe failed that way.
    Proven,
}

/// What a finding is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Subject {
    /// What kind of thing.
    pub kind: SubjectKind,
    /// Its name: unit, container label, path, variable.
    pub name: String,
    /// The processes concerned, ascending.
    pub pids: Vec<Pid>,
    /// The path concerned, as those processes name it.
    pub path: Option<RawPath>,
}

/// Kinds of subjects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SubjectKind {
    /// A process.
    Process,
    /// A systemd unit.
    Unit,
    /// A container.
    Container,
    /// A directory.
    Directory,
    /// A mount.
    Mount,
    /// A variable.
    Variable,
    /// A cargo home.
    CargoHome,
    /// A cargo target directory.
    TargetDir,
    /// A task.
    Task,
}

/// One fact, with the words of its source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// Where it was read: `/proc/4514/mountinfo`.
    pub source: String,
    /// What stood there, verbatim.
    pub observed: RawText,
    /// What that means.
    pub means: String,
    /// A command that shows the same when pasted into a shell.
    pub by_hand: String,
}

/// Something that can be done about a finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Action {
    /// Stable id: `restart-unit`.
    pub id: String,
    /// One line.
    pub title: String,
    /// What it risks.
    pub risk: Risk,
    /// Whether it can be taken back.
    pub reversible: bool,
    /// The commands that do it by hand, in order.
    pub by_hand: Vec<String>,
    /// What tmpmedic itself would do it to; nothing where it only guides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aim: Option<Aim>,
}

/// What an action risks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Risk {
    /// Nothing.
    None,
    /// Running work is interrupted.
    Interrupts,
    /// Data are removed.
    RemovesData,
}

/// One cause that was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The id of the cause and of its runbook page.
    pub id: String,
    /// How bad.
    pub severity: Severity,
    /// How sure.
    pub confidence: Confidence,
    /// What it is about.
    pub subject: Subject,
    /// One line.
    pub title: String,
    /// The errno that the processes get.
    pub errno: Option<Errno>,
    /// Why we say so; never empty.
    pub evidence: Vec<Evidence>,
    /// What can be done.
    pub actions: Vec<Action>,
}

/// A cause that is excluded, with the figures that exclude it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuledOut {
    /// The id of the cause.
    pub id: String,
    /// "42 % of 387 G used, 5 % of inodes".
    pub because: String,
}

/// A cause that could be neither found nor ruled out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unseen {
    /// The id of the cause.
    pub id: String,
    /// What could not be seen, and what would let it.
    pub gaps: Vec<Gap>,
}

/// Everything the rules say about one snapshot.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnosis {
    /// Worst first.
    pub found: Vec<Finding>,
    /// In the order of the registry.
    pub ruled_out: Vec<RuledOut>,
    /// In the order of the registry.
    pub blind: Vec<Unseen>,
    /// The verdict over all.
    pub status: Status,
    /// One line for the header.
    pub headline: String,
}

/// The verdict; its number is the exit code of a report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Nothing above info.
    Ok,
    /// A warning.
    Warning,
    /// Something fails now.
    Critical,
    /// Could not find out.
    #[default]
    Unknown,
}

impl Status {
    /// Exit code after the monitoring plugin convention.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Warning => 1,
            Self::Critical => 2,
            Self::Unknown => 3,
        }
    }

    /// Lower-case word, as in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Critical => "critical",
            Self::Unknown => "unknown",
        }
    }
}
