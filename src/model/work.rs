//! What the screen shows of a piece of work: what is wanted, what would be done, how far it is, what came of it.
//!
//! The plan itself stays with whoever carries it out; its digest stands for it. What was shown under a digest is what is done.

use serde::{Deserialize, Serialize};

use super::journal::WorkId;
use super::plan::Wishes;
use super::raw_path::RawPath;
use super::treatment::Ends;
use super::units::{Bytes, Micros, Seconds, WallNanos};

/// What somebody at the screen wants done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Wish {
    /// One way against a finding.
    Treat {
        /// The finding, as it is known from look to look.
        finding: String,
        /// Id of the action.
        action: String,
    },
    /// A clean-up of a temp dir.
    Clean {
        /// The directory, as our own process reaches it.
        root: RawPath,
        /// What of it.
        wishes: Wishes,
    },
    /// A piece of work taken back; the last one that can be where none is named.
    Undo(Option<WorkId>),
    /// What a piece of work put aside, removed for good.
    Purge(WorkId),
}

/// The part of a work's title that fits on a frame or in a row: what was done, without the caveat behind it.
pub fn headline(title: &str) -> &str {
    let done = title.split_once("; ").map_or(title, |(done, _)| done);
    // That of a clean-up begins with how many were meant; how many went is said before it.
    done.strip_prefix("of ").unwrap_or(done)
}

/// What would be done: the sheet before it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prospect {
    /// What was wanted.
    pub wish: Wish,
    /// Digest of the plan; empty where there is none.
    pub digest: String,
    /// From when on the plan is stale.
    pub expires: Option<WallNanos>,
    /// `Fix: /tmp of forgejo-runner@1.service is a deleted directory`.
    pub title: String,
    /// `Mount a fresh /tmp into the running service`.
    pub does: String,
    /// Short facts: `interrupts nothing`, `lasts until its restart`.
    pub facts: Vec<String>,
    /// In order.
    pub steps: Vec<Told>,
    /// For a clean-up: what would go.
    pub going: Vec<Lot>,
    /// For a clean-up: what would stay, and why.
    pub staying: Vec<Lot>,
    /// Which processes it ends.
    pub ends: Vec<Ends>,
    /// What would not help, and what to watch for.
    pub notes: Vec<String>,
    /// The word that must be typed, where it cannot be taken back.
    pub word: Option<String>,
    /// Why it cannot be done here and now.
    pub barred: Option<Barred>,
}

/// A step as it is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// In one line.
    pub does: String,
    /// The command that does the same.
    pub by_hand: String,
}

/// Some entries of a clean-up together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lot {
    /// The family that goes, or the reason why they stay.
    pub what: String,
    /// How many.
    pub entries: u64,
    /// What they hold.
    pub bytes: Bytes,
    /// The age of the oldest.
    pub oldest: Option<Seconds>,
    /// Some of them, each with its own reason.
    pub samples: Vec<(RawPath, String)>,
}

/// Why something cannot be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Barred {
    /// In one sentence.
    pub why: String,
    /// The command that does exactly this, where somebody else may.
    pub command: Option<String>,
}

/// How far a piece of work is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pace {
    /// What is being done: `looking`, `putting aside`, `proving`.
    pub phase: String,
    /// Of each step that was begun: what became of it, nothing while it is under way.
    pub steps: Vec<Option<Fate>>,
    /// So many of them are done.
    pub done: u64,
    /// Of so many, where that is known.
    pub of: Option<u64>,
    /// What that came to.
    pub bytes: Bytes,
    /// How long that took so far, without what came before it.
    pub took: Micros,
}

/// What became of a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fate {
    /// It is done.
    Done,
    /// It was left, with the reason.
    Kept(String),
    /// It failed, with the reason.
    Failed(String),
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ending {
    /// All of it is done, and proved.
    Whole,
    /// A part; each refusal is named.
    Part,
    /// Stopped between two steps.
    Stopped,
    /// Nothing was done.
    Refused,
}

/// What came of a piece of work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// How it ended.
    pub ending: Ending,
    /// `✓ forgejo-runner@1 can create temp dirs again (0.2 ms)`, without the sign.
    pub headline: String,
    /// Its number in the journal.
    pub work: Option<WorkId>,
    /// Whether that can be taken back.
    pub can_undo: bool,
    /// Of each step.
    pub steps: Vec<Fate>,
    /// Before → after.
    pub table: Vec<Changed>,
    /// Every refusal: what, and why.
    pub refusals: Vec<(String, String)>,
    /// What else is to be said.
    pub notes: Vec<String>,
    /// All of that in Markdown, for a ticket.
    #[serde(default)]
    pub report: String,
}

/// A line of before → after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changed {
    /// `entries`, `probe as pid 4514`.
    pub what: String,
    /// How it was.
    pub before: String,
    /// How it is.
    pub after: String,
    /// The difference, where it is one.
    pub change: String,
}

/// A piece of work that the journal holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Worked {
    /// Its number.
    pub work: WorkId,
    /// When it began.
    pub time: WallNanos,
    /// The name of who did it, and the login behind where that is another one.
    pub who: String,
    /// Id of the action.
    pub action: String,
    /// One line.
    pub title: String,
    /// The finding that it was for.
    pub finding: Option<String>,
    /// Digest of its plan.
    pub digest: String,
    /// Its steps with what became of each, nothing where that is not known; of very many only some.
    pub steps: Vec<(String, Option<Fate>)>,
    /// What became of all of them.
    pub came: Came,
    /// Before → after.
    pub table: Vec<Changed>,
    /// How many entries of it are still put aside.
    pub aside: u64,
    /// What they hold.
    pub aside_bytes: Bytes,
    /// Whether it can be taken back now.
    pub can_undo: bool,
    /// Which work took it back.
    pub undone_by: Option<WorkId>,
    /// What of it was removed for good since.
    pub purged: Option<Purged>,
}

/// What became of the steps of a piece of work, in figures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Came {
    /// How many there are.
    pub all: u64,
    /// Which of them are done.
    pub done: u64,
    /// Which were not begun, because somebody stopped the work before them.
    pub stopped: u64,
    /// Of which nobody knows.
    pub unknown: u64,
}

/// What a piece of work had put aside, and another one removed for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Purged {
    /// The last work that did.
    pub by: WorkId,
    /// When.
    pub time: WallNanos,
    /// How many entries, by all of them.
    pub entries: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_headline_is_what_was_done_without_the_caveat() {
        let title = "make /mnt/ci/tmp for ci (1000); whoever removed it may do so again";
        assert_eq!(headline(title), "make /mnt/ci/tmp for ci (1000)");
        assert_eq!(headline("of 1,491 entries in /tmp"), "1,491 entries in /tmp");
        assert_eq!(headline("work 1 taken back"), "work 1 taken back");
    }
}
