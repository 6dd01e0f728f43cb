//! What differs between two looks: the before → after table, as data.
//!
//! [`Change::between`] reckons it from two snapshots and what the rules say of each; how it is shown is up to others. Two
//! looks at one machine, at two machines, or before and after a repair are all the same to it.

mod answers;
mod between;
mod dirs;

use super::errno::Errno;
use super::finding::{Severity, Status};
use super::process::Pid;
use super::raw_path::RawPath;
use super::units::{Bytes, Entries, WallNanos};
use super::vantage::{Can, HowKnown};

/// Everything that differs, and the figures of what does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The earlier look.
    pub before: Side,
    /// The later one.
    pub after: Side,
    /// Findings, new ones first, each group worst first.
    pub findings: Vec<FindingChange>,
    /// Who can create now and could not before, or the other way round.
    pub answers: Vec<AnswerChange>,
    /// Temp dirs, in the order of the later look, then those that are gone.
    pub dirs: Vec<DirChange>,
    /// Runners that came or went.
    pub runners: Vec<RunnerChange>,
}

/// One of the two looks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Side {
    /// The machine, where it is known.
    pub host: Option<String>,
    /// Its boot, where it is known.
    pub boot_id: Option<String>,
    /// When.
    pub taken: WallNanos,
    /// The verdict.
    pub status: Status,
    /// In one line.
    pub headline: String,
}

/// The same thing before and after; `None` where it was not there or is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pair<T> {
    /// In the earlier look.
    pub before: Option<T>,
    /// In the later one.
    pub after: Option<T>,
}

impl<T> Pair<T> {
    /// Both sides.
    pub fn new(before: Option<T>, after: Option<T>) -> Self {
        Self { before, after }
    }
}

impl Pair<u64> {
    /// After minus before, where both are known.
    pub fn delta(&self) -> Option<i128> {
        Some(i128::from(self.after?) - i128::from(self.before?))
    }

    /// Whether the two differ, or one of them is not known.
    pub fn differs(&self) -> bool {
        self.before != self.after
    }
}

/// What became of something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    /// It was not there before.
    New,
    /// It is there no more.
    Gone,
    /// It was and is.
    Stayed,
}

impl Fate {
    /// What became of something by where it is.
    pub fn of<T>(pair: &Pair<T>) -> Self {
        match (&pair.before, &pair.after) {
            (None, Some(_)) => Self::New,
            (Some(_), None) => Self::Gone,
            _ => Self::Stayed,
        }
    }

    /// One word.
    pub fn word(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Gone => "gone",
            Self::Stayed => "stayed",
        }
    }
}

/// What became of a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FindingChange {
    /// The id of the cause.
    pub id: String,
    /// In one line, as the later of the looks that have it says it.
    pub title: String,
    /// What it is about.
    pub subject: String,
    /// What became of it.
    pub fate: Fate,
    /// How bad.
    pub severity: Pair<Severity>,
}

/// An answer to "can temp dirs be created there?" that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnswerChange {
    /// The directory, as its processes name it.
    pub path: RawPath,
    /// Whose.
    pub who: String,
    /// What was and is answered.
    pub answer: Pair<Answer>,
}

/// An answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Yes, no, or not known.
    pub can: Can,
    /// The errno of the first call that fails.
    pub errno: Option<Errno>,
    /// Where the answer comes from.
    pub how: HowKnown,
}

/// What became of a temp dir.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirChange {
    /// As the first of its vantages names it.
    pub path: RawPath,
    /// In whose view: `host`, or a unit or container.
    pub place: String,
    /// What became of it.
    pub fate: Fate,
    /// Whether another directory stands under the same name now.
    pub replaced: bool,
    /// What is counted of it.
    pub figures: Vec<Figure>,
    /// Its families, those that changed most first.
    pub families: Vec<FamilyChange>,
}

impl DirChange {
    /// Whether anything of it differs.
    pub fn differs(&self) -> bool {
        self.fate != Fate::Stayed
            || self.replaced
            || self.figures.iter().any(|figure| figure.pair.differs())
            || self.families.iter().any(FamilyChange::differs)
    }

    /// One of its figures.
    pub fn figure(&self, what: What) -> Pair<u64> {
        self.figures.iter().find(|figure| figure.what == what).map(|figure| figure.pair).unwrap_or_default()
    }
}

/// One figure before and after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Figure {
    /// Of what.
    pub what: What,
    /// The two.
    pub pair: Pair<u64>,
}

/// What is counted of a temp dir.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// Entries directly in it.
    Entries,
    /// Directories among them.
    Directories,
    /// Entries older than a day.
    Old,
    /// Old directories.
    OldDirectories,
    /// What the entries themselves take.
    Bytes,
    /// The directory itself, which tells a past peak.
    OwnSize,
    /// In use on its file system.
    SpaceUsed,
    /// Free on it for users other than root.
    SpaceFree,
    /// Inodes in use.
    InodesUsed,
    /// Free inodes.
    InodesFree,
    /// Processes that hold something in it.
    HoldingProcesses,
    /// What deleted files that are still open take on its file system.
    DeletedOpen,
}

impl What {
    /// What scripts call it.
    pub fn id(self) -> &'static str {
        match self {
            Self::Entries => "entries",
            Self::Directories => "directories",
            Self::Old => "old",
            Self::OldDirectories => "old_directories",
            Self::Bytes => "bytes",
            Self::OwnSize => "own_size",
            Self::SpaceUsed => "space_used",
            Self::SpaceFree => "space_free",
            Self::InodesUsed => "inodes_used",
            Self::InodesFree => "inodes_free",
            Self::HoldingProcesses => "holding_processes",
            Self::DeletedOpen => "deleted_open",
        }
    }

    /// What it is called in a table.
    pub fn label(self) -> &'static str {
        match self {
            Self::Entries => "entries",
            Self::Directories => "directories",
            Self::Old => "older than 1 d",
            Self::OldDirectories => "old directories",
            Self::Bytes => "bytes",
            Self::OwnSize => "the directory itself",
            Self::SpaceUsed => "disk used",
            Self::SpaceFree => "disk free",
            Self::InodesUsed => "inodes used",
            Self::InodesFree => "inodes free",
            Self::HoldingProcesses => "processes holding",
            Self::DeletedOpen => "deleted but open",
        }
    }

    /// Whether it counts bytes.
    pub fn is_bytes(self) -> bool {
        matches!(self, Self::Bytes | Self::OwnSize | Self::SpaceUsed | Self::SpaceFree | Self::DeletedOpen)
    }

    /// A number of it, as people read it.
    pub fn shown(self, number: u64) -> String {
        if self.is_bytes() { Bytes(number).to_string() } else { Entries(number).to_string() }
    }
}

/// What became of a family in a temp dir.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FamilyChange {
    /// Its id, `""` for what is in none.
    pub id: String,
    /// Entries.
    pub count: Pair<u64>,
    /// Those older than a day.
    pub old: Pair<u64>,
    /// What they take.
    pub bytes: Pair<u64>,
}

impl FamilyChange {
    /// Whether anything of it differs.
    pub fn differs(&self) -> bool {
        self.count.differs() || self.old.differs() || self.bytes.differs()
    }
}

/// A runner that came or went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunnerChange {
    /// Its process.
    pub pid: Pid,
    /// Unit, container or command.
    pub label: String,
    /// What it is: "Forgejo runner".
    pub role: String,
    /// Whether it came or went.
    pub fate: Fate,
}

impl Change {
    /// The worst that is new or became worse; `None` where nothing did. Context does not count.
    pub fn worsening(&self) -> Option<Severity> {
        let worse = self.findings.iter().filter(|finding| finding.severity.after > finding.severity.before);
        worse.filter_map(|finding| finding.severity.after).filter(|worse| *worse > Severity::Info).max()
    }

    /// Whether both looks are at the same boot of the same machine.
    pub fn is_same_boot(&self) -> bool {
        self.before.boot_id.is_some() && self.before.boot_id == self.after.boot_id
    }
}
