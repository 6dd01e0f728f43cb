//! The roof: the only place where floors meet, where the environment is read and where anything is printed.
//!
//! One subcommand per file. [`main`] makes the process safe, reads the command line, runs the command, and turns what
//! became of it into an exit code. Nobody imports this room.

pub mod capture;
pub mod captured;
pub mod check;
pub mod clean;
mod completions;
mod config;
mod console;
pub mod diff;
pub mod explain;
mod fix;
pub mod helper;
mod journal;
mod lab;
mod lesson;
mod mishap;
mod near;
mod orders;
pub mod out;
pub mod probe;
mod probes;
mod purge;
mod refusal;
pub mod replay;
mod surroundings;
mod undo;
mod version;
mod worker;
mod workshop;

use std::ffi::OsString;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches};

use crate::cli::{Cli, Command};
use crate::exec::journal::JournalError;
use crate::exec::treat::{answers, rebind};
use crate::exit::Exit;
use crate::model::asked::Asked;
use crate::model::raw_path::shown_bytes;
use crate::sys::term;

pub use refusal::Refusal;

/// The exit code of a program that SIGPIPE ended, as shells report it.
const BROKEN_PIPE: u8 = 141;

/// Runs the program.
pub fn main() -> ExitCode {
    if let Some(code) = crate::lab::play_where_called() {
        return code;
    }
    crate::sys::heap::share_where_space_is_limited();
    mishap::stay_quiet();
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let wants_document = check::wants_document(&arguments);
    let outcome = catch_unwind(AssertUnwindSafe(|| parse(&arguments).and_then(|cli| run(&cli))));
    let outcome = outcome.unwrap_or_else(|_| Err(Refusal::internal(mishap::told())));
    match outcome {
        Ok(code) => code,
        Err(error) => {
            let (code, message) = explain_failure(&error);
            if wants_document
                && code != Exit::Output.code()
                && code != BROKEN_PIPE
                && check::print_failure(&message).is_err()
            {
                return ExitCode::from(Exit::Output.code());
            }
            if !message.is_empty() {
                out::say(&format!("tmpmedic: {message}"));
            }
            ExitCode::from(code)
        }
    }
}

fn run(cli: &Cli) -> anyhow::Result<ExitCode> {
    match &cli.command {
        None => console::run(&cli.global),
        Some(Command::Check(args)) => check::run(args, &cli.global),
        Some(Command::Capture(args)) => capture::run(args, &cli.global),
        Some(Command::Replay(args)) => replay::run(args, &cli.global),
        Some(Command::Diff(args)) => diff::run(args, &cli.global),
        Some(Command::Clean(args)) => clean::run(args, &cli.global),
        Some(Command::Undo(args)) => undo::run(args, &cli.global),
        Some(Command::Journal) => journal::run(&cli.global),
        Some(Command::Purge(args)) => purge::run(args, &cli.global),
        Some(Command::Fix(args)) => fix::run(args, &cli.global),
        Some(Command::Explain(args)) => explain::run(args, &cli.global),
        Some(Command::Lesson { scenario }) => {
            lesson::run(lesson::find(scenario)?, console::Ground::Here(Asked::default()), &cli.global)
        }
        Some(Command::Completions { shell }) => completions::print_script(*shell),
        Some(Command::Man) => completions::print_man(),
        Some(Command::Helper { kind }) if kind == term::guard::KIND => {
            term::guard::serve().ok();
            Ok(ExitCode::SUCCESS)
        }
        Some(Command::Probe(args)) => probe::run(args, &cli.global),
        Some(Command::Lab(args)) => lab::run(args, &cli.global),
        Some(Command::Helper { kind }) if kind == rebind::HELPER => Ok(helper::act(rebind::serve)),
        Some(Command::Helper { kind }) if kind == answers::HELPER => Ok(helper::act(answers::serve)),
        Some(Command::Helper { kind }) if kind == orders::KIND => Ok(worker::serve()),
        Some(Command::Helper { kind }) => {
            let say = |text: &str| out::say(&format!("tmpmedic: {text}"));
            Ok(crate::lab::serve(kind, &say).map_or_else(|| helper::serve(kind), ExitCode::from))
        }
    }
}

/// Reads the command line; help and version are output, anything else that clap says is a refusal.
fn parse(arguments: &[OsString]) -> anyhow::Result<Cli> {
    let command = Cli::command().long_version(version::long());
    let parsed = command.try_get_matches_from(arguments).and_then(|m| Cli::from_arg_matches(&m));
    parsed.map_err(|error| {
        let text = error.render().to_string();
        if error.use_stderr() {
            let text = text.trim_end().lines().map(|line| shown_bytes(line.as_bytes()));
            let text = text.collect::<Vec<_>>().join("\n");
            return Refusal::usage(text.strip_prefix("error: ").unwrap_or(&text));
        }
        out::write(&text).map_or_else(anyhow::Error::from, |()| Done.into())
    })
}

/// Not an error: help or the version was printed, and that is all.
#[derive(Debug, thiserror::Error)]
#[error("done")]
struct Done;

/// The exit code of a failure, and what to say about it; nothing where the reader has gone.
fn explain_failure(error: &anyhow::Error) -> (u8, String) {
    if error.is::<Done>() {
        return (0, String::new());
    }
    match (error.downcast_ref::<out::Lost>(), error.downcast_ref::<Refusal>()) {
        (Some(out::Lost::Pipe), _) => (BROKEN_PIPE, String::new()),
        (Some(out::Lost::Failed(_)), _) => (Exit::Output.code(), format!("{error:#}")),
        (None, Some(refusal)) => (refusal.exit.code(), format!("{error:#}")),
        // A disk that fails is no mistake of ours.
        (None, None) if error.is::<JournalError>() => (Exit::Failed.code(), format!("{error:#}")),
        (None, None) => (Exit::Internal.code(), format!("{error:#}")),
    }
}
