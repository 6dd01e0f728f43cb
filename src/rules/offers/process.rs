//! What is offered about one process.

use crate::model::finding::{Action, Risk};
use crate::model::process::Process;
use crate::model::treatment::Aim;
use crate::rules::builds;

/// Ends a process. One that clients start again when they need it (a compiler cache, a build daemon) loses nothing but the
/// work that it does now.
pub fn stop(process: &Process) -> Action {
    let on_demand = builds::is_on_demand(process);
    let (pid, name) = (process.pid, process.comm.shown());
    let (id, title) = if on_demand {
        (
            "restart-daemon",
            format!("stop {name} (pid {pid}); the next build starts it again, what it does now fails once"),
        )
    } else {
        ("stop-process", format!("end {name} (pid {pid}); what it does now is lost"))
    };
    Action {
        id: id.to_owned(),
        title,
        risk: Risk::Interrupts,
        reversible: false,
        by_hand: vec![format!("kill {pid}   # {name}")],
        aim: Some(Aim::Process(pid)),
    }
}
