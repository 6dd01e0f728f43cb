//! What a console and its worker say to each other. Nothing here can change anything: a console reaches the hands through a
//! process only.
//!
//! On the worker's standard input: a [`Request`] as JSON on one line, then `apply` or `stop`; its end is a `stop`. On its
//! standard output: one [`Said`] as JSON on each line.

use serde::{Deserialize, Serialize};

use crate::model::finding::Finding;
use crate::model::journal::WorkId;
use crate::model::plan::Wishes;
use crate::model::raw_path::RawPath;
use crate::model::reading::Reading;
use crate::model::snapshot::Snapshot;
use crate::model::treatment::{Proof, Treatment};
use crate::model::work::{Ending, Outcome, Pace, Prospect, Wish, Worked};
use crate::probe::ProbeRequest;

/// The kind of the helper.
pub const KIND: &str = "worker";
/// Told to do what was planned.
pub const APPLY: &[u8] = b"apply\n";

/// What a console wants.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Request {
    /// As somebody wished for it; nothing where the journal is read.
    pub wish: Option<Wish>,
    /// What that is.
    pub job: Job,
    /// The site's configuration.
    pub config: RawPath,
    /// Whether `--read-only` was given.
    pub read_only: bool,
}

/// Kinds of work.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[expect(clippy::large_enum_variant, reason = "one is made for a whole process")]
pub enum Job {
    /// A treatment, planned from the look on screen.
    Treat {
        /// The finding that it is for.
        finding: Finding,
        /// The plan, not sealed.
        plan: Treatment,
        /// How it is known whether it helped.
        asked: Vec<Asked>,
    },
    /// A clean-up.
    Clean {
        /// Of that directory.
        root: RawPath,
        /// What of it.
        wishes: Wishes,
    },
    /// An earlier work taken back; the last one where none is named.
    Undo(Option<WorkId>),
    /// What an earlier work put aside, removed.
    Purge(WorkId),
    /// What was done until now, read.
    Journal,
}

/// What a worker says.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Said {
    /// What would be done, or why nothing can be said.
    Planned(Result<Box<Prospect>, String>),
    /// How far it is.
    Pace(Pace),
    /// What came of it.
    Worked(Box<Outcome>),
    /// What was done until now.
    Journal(Reading<Vec<Worked>>),
}

/// A piece of work that was not begun.
pub fn refused(why: String) -> Outcome {
    Outcome {
        ending: Ending::Refused,
        headline: why,
        work: None,
        can_undo: false,
        steps: Vec::new(),
        table: Vec::new(),
        refusals: Vec::new(),
        notes: Vec::new(),
        report: String::new(),
    }
}

/// A temp dir that must work, and how that is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// Which.
    pub proof: Proof,
    /// The probe; or why there is none.
    pub request: Result<ProbeRequest, String>,
}

/// The probes that a plan is proved by, as the processes were seen.
pub fn asked(now: &Snapshot, plan: &Treatment) -> Vec<Asked> {
    let request = |proof: &Proof| {
        let process = now.process(proof.whom.pid).ok_or("not seen")?;
        let (Ok(mount_ns), Ok(root), Ok(credentials)) =
            (&process.mount_ns, &process.root, &process.credentials)
        else {
            return Err("not readable");
        };
        Ok(ProbeRequest {
            path: proof.path.clone(),
            based_on: None,
            pid: proof.whom.pid,
            started: Some(proof.whom.started),
            ids: None,
            mount_ns: *mount_ns,
            root: root.path.clone(),
            credentials: credentials.clone(),
        })
    };
    let all = plan.proofs.iter();
    all.map(|proof| Asked { proof: proof.clone(), request: request(proof).map_err(str::to_owned) }).collect()
}
