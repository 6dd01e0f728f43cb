//! `lab`: lists the scenarios, and opens a lab in which one of them is built.

mod choose;
mod list;

use std::process::ExitCode;

use crate::cli::{Global, LabArgs};
use crate::cmd::{Refusal, console};
use crate::exit::Exit;
use crate::lab::{self, Machine, Request, Then};
use crate::model::raw_path::RawPath;

/// Variables that a lab takes over: how the terminal speaks, and which language and time zone the user has.
const TAKEN_OVER: &[&str] =
    &["TERM", "COLORTERM", "COLORFGBG", "NO_COLOR", "LANG", "LC_ALL", "LC_CTYPE", "LC_MESSAGES", "TZ"];

/// Runs the command.
pub fn run(args: &LabArgs, global: &Global) -> anyhow::Result<ExitCode> {
    if args.inside {
        return console::run(global);
    }
    let shelf = choose::Shelf::load(&args.scenario)?;
    let machine = Machine::look();
    let Some(wanted) = &args.id else { return list::print(&shelf, &machine, global) };
    let scenario = shelf.find(wanted)?;
    if let Some(objection) = machine.objection(scenario) {
        return Err(unbuildable(&scenario.id, &objection));
    }
    let request = Request {
        scenario: scenario.clone(),
        chapter: args.chapter,
        users: machine.users,
        then: then(args, global),
        environment: environment(),
        keep: args.keep,
        systemd: args.systemd,
    };
    Ok(ExitCode::from(lab::open(&request)?))
}

/// What there is instead of a lab that cannot be built: the recorded capture of the scenario, as soon as one is embedded.
fn unbuildable(id: &str, objection: &str) -> anyhow::Error {
    Refusal { exit: Exit::Permission, message: format!("`{id}` cannot be built here: {objection}") }.into()
}

/// What runs in the lab.
fn then(args: &LabArgs, global: &Global) -> Then {
    if !args.command.is_empty() {
        use std::os::unix::ffi::OsStrExt;
        return Then::Command { words: args.command.iter().map(|w| RawPath::new(w.as_bytes())).collect() };
    }
    if args.shell {
        return Then::Command { words: vec!["/bin/sh".into()] };
    }
    let mut arguments = vec!["lab".to_owned(), "--inside".to_owned()];
    if args.learn {
        arguments.push("--learn".to_owned());
    }
    arguments.extend(global_arguments(global));
    Then::Console { arguments }
}

/// The options that mean the same everywhere, for the console in the lab.
fn global_arguments(global: &Global) -> Vec<String> {
    use crate::cli::ColorChoice;
    let color = match global.color {
        ColorChoice::Auto => "auto",
        ColorChoice::Always => "always",
        ColorChoice::Never => "never",
    };
    let mut all = vec![format!("--color={color}"), format!("--config={}", global.config.display())];
    for (is_set, option) in [
        (global.json, "--json"),
        (global.ascii, "--ascii"),
        (global.read_only, "--read-only"),
        (global.verbose, "--verbose"),
        (global.quiet, "--quiet"),
    ] {
        if is_set {
            all.push(option.to_owned());
        }
    }
    all
}

fn environment() -> Vec<RawPath> {
    use std::os::unix::ffi::OsStrExt;
    let taken = std::env::vars_os().filter(|(name, _)| TAKEN_OVER.iter().any(|other| name == other));
    taken.map(|(name, value)| RawPath::new([name.as_bytes(), b"=", value.as_bytes()].concat())).collect()
}
