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
//! [`orders`](crate::cmd::orders) is what the two say to each other.

mod aside;
mod jobs;
mod link;
mod report;

use std::process::ExitCode;

use crate::cmd::clean::StopSignal;
use crate::cmd::journal;
use crate::cmd::orders::{APPLY, Job, Request, Said};
use crate::sys::child;
use link::Link;

/// What a stop while planning leaves.
const STOPPED: &str = "stopped; nothing was changed";

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
    if matches!(request.job, Job::Journal) {
        link.deliver(&Said::Journal(journal::works()), &stop);
        return ExitCode::SUCCESS;
    }
    stop.obey_input();
    if link.has_more() {
        // It came in one piece with the request.
        stop.ask();
    }
    let planned = jobs::plan(request, &stop, &mut |pace| link.pace(pace));
    let planned = match planned {
        // Heard after the last look: nobody waits for the plan any more.
        Ok(_) if stop.is_asked() => {
            link.deliver(&Said::Planned(Err(STOPPED.to_owned())), &stop);
            return ExitCode::SUCCESS;
        }
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
