//! What a clean-up came to: how many went, every refusal by name, and how it was before and after.
//!
//! Here is what was done; each form in which it is told has a file of its own.

mod figures;
mod json;
mod markdown;
mod text;

use super::document::Totals;
use super::page::fate;
use super::proof::Asking;
use crate::exec::sweep::Swept;
use crate::exit::Exit;
use crate::model::journal::{Figures, WorkId};
use crate::model::plan::{Plan, Planned, Verdict};
use crate::model::raw_path::RawPath;

pub use figures::{Row, figures, rows_between, table};
pub use json::refusal;

/// How many refusals of one kind are named where not all are.
const SAMPLES: usize = 20;

/// Everything that was done.
#[derive(Default)]
pub struct Outcome {
    /// One for each directory.
    pub works: Vec<Work>,
    /// The probes of before and after.
    pub asked: Vec<Asking>,
    /// Where the journal lies.
    pub home: Option<RawPath>,
    /// What was settled of an interrupted run.
    pub notes: Vec<String>,
    /// Whether somebody stopped it.
    pub stopped: bool,
}

/// What was done in one directory.
pub struct Work {
    /// Which directory.
    pub root: RawPath,
    /// Its number in the journal; none where there was nothing to do.
    pub id: Option<WorkId>,
    /// The plan's digest.
    pub digest: String,
    /// How many entries were to go.
    pub wanted: u64,
    /// How many were to stay.
    pub staying: u64,
    /// Those of them that somebody has to do with, and who.
    pub held: Vec<(RawPath, String)>,
    /// What becomes of what goes, in words.
    pub fate: &'static str,
    /// What became of them.
    pub swept: Swept,
    /// The quarantine.
    pub quarantine: Option<RawPath>,
    /// How it was.
    pub before: Figures,
    /// How it is.
    pub after: Figures,
    /// Why nothing was done there.
    pub refused: Option<String>,
}

impl Work {
    /// Before anything is done.
    pub fn nothing(plan: &Plan, before: Figures) -> Self {
        let totals = Totals::of(std::slice::from_ref(plan));
        let staying = plan.entries.iter().filter(|entry| entry.verdict == Verdict::Keep);
        let held = |entry: &Planned| (entry.candidate.name.clone(), entry.reason.clone());
        Self {
            root: plan.root.clone(),
            id: None,
            digest: plan.digest.clone(),
            wanted: totals.remove,
            staying: totals.keep,
            held: staying.filter(|entry| names_somebody(&entry.reason)).map(held).collect(),
            fate: fate(&plan.wishes),
            swept: Swept::default(),
            quarantine: None,
            after: before.clone(),
            before,
            refused: None,
        }
    }

    /// How many entries went.
    pub fn done(&self) -> u64 {
        u64::try_from(self.swept.taken.len() + self.swept.removed.len()).unwrap_or(u64::MAX)
    }
}

impl Outcome {
    /// The exit code.
    pub fn exit(&self) -> u8 {
        let (done, wanted): (u64, u64) =
            self.works.iter().fold((0, 0), |sum, work| (sum.0 + work.done(), sum.1 + work.wanted));
        match () {
            () if done >= wanted && !self.stopped => 0,
            () if done == 0 => Exit::Failed.code(),
            () => 1,
        }
    }
}

/// Whether a reason tells of a process.
fn names_somebody(reason: &str) -> bool {
    reason.contains(" pid ")
}
