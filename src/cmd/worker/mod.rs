//! The hands of the console: this binary, re-executed in a session of its own, for one piece of work.
//!
//! The console asks; the worker plans, says what would be done, and waits. Only then, told to, it does exactly that. It calls
//! the same functions as the command line. The plan never leaves it, so what was shown under a digest is what is done.
//!
//! Nothing that happens to the console ends a step in the middle: a terminal that hangs up sends its signals to another
//! session, and a console that was killed, or that says `stop`, is heard between two steps, where the journal gets its end.
//! Nor can a console that does not read hold the work up: what it does not take is dropped, but for the result, which waits
//! for it when nothing else is held any more.
//!
//! On standard input: a [`Request`] as JSON on one line, then `apply` or `stop`; its end is a `stop`. On standard output:
//! one [`Said`] as JSON on each line.

mod aside;
mod jobs;
mod link;

use std::process::ExitCode;

use serde::{Deserialize, Serialize};

use crate::cmd::clean::StopSignal;
use crate::cmd::fix::Sealed;
use crate::model::journal::WorkId;
use crate::model::plan::Wishes;
use crate::model::raw_path::RawPath;
use crate::model::work::{Ending, Outcome, Pace, Prospect, Wish};
use crate::sys::child;
use link::Link;

/// The kind of the helper.
pub const KIND: &str = "worker";
/// Told to do what was planned.
pub const APPLY: &[u8] = b"apply\n";
/// Told to stop at the next step boundary.
pub const STOP: &[u8] = b"stop\n";

/// What a console wants.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Request {
    /// As somebody wished for it.
    pub wish: Wish,
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
        /// `Fix: /tmp of forgejo-runner@1.service is a deleted directory`.
        title: String,
        /// The plan.
        sealed: Sealed,
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
    }
}

/// Does the job of a worker.
pub fn serve() -> ExitCode {
    // Whoever leads a session already, as one that was started by hand may, has what it wants.
    child::begin_session().ok();
    child::close_inherited();
    child::take_name();
    child::take_all_descriptors();
    // Before any thread is made: none of them may be ended by a signal in the middle of a step.
    let mut stop = StopSignal::listen();
    let mut link = Link::open();
    let request = link.hear(&stop).and_then(|line| serde_json::from_slice::<Request>(&line).ok());
    let Some(request) = request else { return ExitCode::FAILURE };
    stop.obey_input();
    let planned = jobs::plan(request, &stop, &mut |pace| link.pace(pace));
    let planned = match planned {
        Ok(planned) => planned,
        Err(why) => {
            link.deliver(&Said::Planned(Err(why)), &stop);
            return ExitCode::SUCCESS;
        }
    };
    link.deliver(&Said::Planned(Ok(Box::new(planned.prospect.clone()))), &stop);
    if link.hear(&stop).as_deref() != APPLY.strip_suffix(b"\n") {
        return ExitCode::SUCCESS;
    }
    if link.has_more() {
        stop.ask();
    }
    let outcome = planned.apply(&stop, &mut |pace| link.pace(pace));
    link.deliver(&Said::Worked(Box::new(outcome)), &stop);
    ExitCode::SUCCESS
}
