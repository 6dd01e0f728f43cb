//! What there is instead of a lab that cannot be built here: the capture that was recorded of it.

use std::process::ExitCode;

use crate::catalog::scenarios;
use crate::cli::{Global, LabArgs};
use crate::cmd::console::{self, Ground};
use crate::cmd::{Refusal, lesson, out, surroundings};
use crate::exit::Exit;
use crate::model::scenario::Scenario;
use crate::source::replay::Replay;
use crate::store::{Capture, Limits};
use crate::sys::term::Tty;

/// Opens it, and says why it is no lab.
///
/// # Errors
/// Where there is none, where a command was to run in it, or where there is no terminal to show it on.
pub fn open(
    scenario: &Scenario,
    objection: &str,
    (args, global): (&LabArgs, &Global),
) -> anyhow::Result<ExitCode> {
    let refuse = |rest: &str| -> anyhow::Error {
        // By the name that it was asked for: most ids tell the cause.
        let name = args.id.as_deref().unwrap_or("the first lesson");
        let message = format!("`{name}` cannot be built here: {objection}{rest}");
        Refusal { exit: Exit::Permission, message }.into()
    };
    if !args.command.is_empty() || args.shell || args.keep {
        return Err(refuse("; its recorded capture can be looked at, but nothing runs in it"));
    }
    let bytes = scenarios::recorded(&scenario.id).ok_or_else(|| refuse(""))?;
    if !Tty::is_there() || surroundings::is_dumb() {
        return Err(refuse("; on a terminal its recorded capture is shown instead"));
    }
    let capture = Capture::read(bytes, &Limits::default())?;
    let offset = surroundings::utc_offset_s_at(capture.taken(0));
    let replay = Replay::new(capture, offset);
    out::say(&format!("tmpmedic: cannot be built here: {objection}; this is a recorded capture of it"));
    if args.learn {
        return lesson::run(scenario.clone(), Ground::Recorded(Box::new(replay)), global);
    }
    console::replay(replay, global)?.ok_or_else(|| Refusal::internal("the terminal cannot be had"))
}
