//! What reaches the screen, and what it asks for. `cmd` sends the first and performs the second.

use std::time::Duration;

use crossterm::event::KeyEvent;

use crate::model::finding::Diagnosis;
use crate::model::probe::ProbeResult;
use crate::model::process::{Credentials, MountNs, Pid};
use crate::model::raw_path::RawPath;
use crate::model::reading::Reading;
use crate::model::replay::{Position, Wind};
use crate::model::snapshot::Snapshot;
use crate::model::temp_dir::Entry;
use crate::model::units::{Entries, WallNanos};
use crate::model::vantage::Vantage;
use crate::model::work::{Outcome, Pace, Prospect, Wish, Worked};

/// One look and what the rules make of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Look {
    /// What was seen.
    pub snapshot: Snapshot,
    /// What it means.
    pub diagnosis: Diagnosis,
}

/// One look of a recording.
#[derive(Clone, Debug)]
pub struct Scene {
    /// The look.
    pub look: std::sync::Arc<Look>,
    /// Some of what was seen in the minutes before, the oldest first.
    pub past: Vec<std::sync::Arc<Snapshot>>,
}

/// How keys came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Company {
    /// Each by itself, as fingers press them.
    #[default]
    Alone,
    /// Several at once, as a terminal that does not mark pastes sends them.
    Others,
}

/// Everything that can happen to the screen.
#[derive(Clone, Debug)]
pub enum Msg {
    /// A key was pressed.
    Key(KeyEvent),
    /// Text was pasted; it goes into an open text field or nowhere.
    Paste(String),
    /// How the keys came that come next, until it is said again.
    Typing(Company),
    /// The terminal has this size now.
    Resize {
        /// Columns.
        width: u16,
        /// Rows.
        height: u16,
    },
    /// The wall clock; moves nothing but the clock.
    Tick(WallNanos),
    /// The monotonic clock, since any fixed moment; told before keys, and when [`App::wake_in`](super::App::wake_in) says.
    Wake(Duration),
    /// All that is known is on screen since now, by that clock.
    Drawn(Duration),
    /// The first look is still under way.
    Reading(Progress),
    /// A look is done.
    Look(std::sync::Arc<Look>),
    /// A replay shows another look.
    Scene(Box<Scene>),
    /// Where a replay stands now.
    Wound(Position),
    /// A probe was begun without being asked for here.
    Probing(ProbeWish),
    /// A probe is done.
    Probed(ProbeResult),
    /// A probe could not be made.
    NotProbed {
        /// Which.
        wish: ProbeWish,
        /// Why not.
        why: String,
    },
    /// A directory was listed.
    Listed(Listing),
    /// A line to show until the next key.
    Note(String),
    /// What would be done, as it was wished for; or why nothing can be said.
    Planned {
        /// What was wished for.
        wish: Wish,
        /// The sheet, or why there is none.
        prospect: Result<Box<Prospect>, String>,
    },
    /// How far the work under that digest is.
    Working {
        /// Which plan.
        digest: String,
        /// How far.
        pace: Box<Pace>,
    },
    /// The work under that digest is over.
    Worked {
        /// Which plan.
        digest: String,
        /// What came of it.
        outcome: Box<Outcome>,
    },
    /// What was done to this machine, the newest first; or why that cannot be read.
    Journal(Reading<Vec<Worked>>),
}

/// How far the first look is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What is being read: "processes".
    pub what: String,
    /// How many of them are done.
    pub seen: Entries,
    /// Of how many, where that is known.
    pub of: Option<Entries>,
}

/// What the screen cannot do itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Leave.
    Quit,
    /// Leave, then print the report.
    QuitWithReport,
    /// Give the terminal back and stop (SIGTSTP).
    Suspend,
    /// Look again now.
    Rescan,
    /// Make and remove a temp dir for real.
    Probe(ProbeWish),
    /// List a directory.
    List(ListWish),
    /// List it again if it changed since.
    Follow(ListWish),
    /// Put text into the terminal's clipboard (OSC 52).
    Copy(String),
    /// Write the look on screen into a capture.
    Capture,
    /// Stop (`true`) or resume looking.
    Freeze(bool),
    /// Move in the recording.
    Wind(Wind),
    /// Say what would be done; nothing is changed.
    Plan(Wish),
    /// Throw away what was typed before the question was on screen, and what the terminal answered.
    FlushInput,
    /// Do what was shown under that digest.
    Apply {
        /// Which plan.
        digest: String,
    },
    /// Stop the work under way at its next step boundary.
    StopWork,
    /// Read what was done to this machine.
    ReadJournal,
}

/// The vantage to probe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeWish {
    /// The directory, as the process names it.
    pub path: RawPath,
    /// For a relative path: the cwd that it is relative to.
    pub based_on: Option<RawPath>,
    /// The process to imitate.
    pub pid: Option<Pid>,
    /// Its mount namespace.
    pub mount_ns: MountNs,
    /// Its root.
    pub root: RawPath,
    /// Its credentials.
    pub credentials: Credentials,
}

impl ProbeWish {
    /// The probe of a vantage, as `pid`.
    pub fn of(vantage: &Vantage, pid: Option<Pid>) -> Self {
        Self {
            path: vantage.path.clone(),
            based_on: vantage.based_on.clone(),
            pid,
            mount_ns: vantage.mount_ns,
            root: vantage.root.clone(),
            credentials: vantage.credentials.clone(),
        }
    }

    /// Whether it means that vantage.
    pub fn is_of(&self, vantage: &Vantage) -> bool {
        (&self.path, &self.based_on, self.mount_ns, &self.root, &self.credentials)
            == (&vantage.path, &vantage.based_on, vantage.mount_ns, &vantage.root, &vantage.credentials)
    }

    /// Whether that result answers it.
    pub fn is_answered_by(&self, result: &ProbeResult) -> bool {
        (&self.path, &self.based_on, self.mount_ns, &self.root, &self.credentials)
            == (&result.path, &result.based_on, result.mount_ns, &result.root, &result.credentials)
    }
}

/// The directory to list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListWish {
    /// Where our own process reaches it.
    pub reached: RawPath,
    /// As the processes that see it name it.
    pub named: RawPath,
    /// Only the entries of this family; `""` is those in none.
    pub family: Option<String>,
    /// At most so many.
    pub limit: usize,
}

/// A listed directory.
#[derive(Clone, Debug, PartialEq)]
pub struct Listing {
    /// What was asked for.
    pub wish: ListWish,
    /// What is there.
    pub entries: Reading<Vec<Entry>>,
}
