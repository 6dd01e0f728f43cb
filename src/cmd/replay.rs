//! `replay`: the console on a capture. Nothing of this machine is looked at, and nothing of it can be touched.

use std::process::ExitCode;

use crate::cli::{CheckArgs, Global, ReplayArgs};
use crate::cmd::{Refusal, captured, check, console, surroundings};
use crate::source::replay::Replay;
use crate::store::Capture;
use crate::sys::term::Tty;

/// Runs the command; without a terminal it prints what `check --from` prints.
pub fn run(args: &ReplayArgs, global: &Global) -> anyhow::Result<ExitCode> {
    let report = || {
        let from = Some(args.file.clone());
        check::run(&CheckArgs { from, ..CheckArgs::default() }, global)
    };
    let is_piped = args.file.as_os_str() == "-";
    // A capture that comes through a pipe leaves the keys to the terminal that the screen is on.
    let has_terminal = if is_piped { Tty::is_for_output() } else { Tty::is_there() };
    if !has_terminal || !console::is_wanted(global) {
        return report();
    }
    let capture = captured::open(&args.file)?;
    if is_piped && Tty::take_input().is_err() {
        return Err(Refusal::usage(
            "no terminal to read keys from; write the capture to a file and name that",
        ));
    }
    match console::replay(replay(capture), global) {
        Ok(Some(code)) => Ok(code),
        Ok(None) if is_piped => {
            Err(Refusal::usage("the terminal cannot be had; write the capture to a file and name that"))
        }
        Ok(None) => report(),
        Err(why) => Err(captured::refuse_inside(&args.file, why)),
    }
}

/// Local time is what this machine calls it, on the day of the capture.
fn replay(capture: Capture) -> Replay {
    let offset = surroundings::utc_offset_s_at(capture.taken(0));
    Replay::new(capture, offset)
}
