//! `lab`: lists the scenarios, and opens a lab in which one of them is built.

mod choose;
mod inside;
mod list;
mod recorded;

use std::process::ExitCode;

use crate::cli::{Global, LabArgs};
use crate::cmd::{Refusal, out};
use crate::exit::Exit;
use crate::lab::{self, LabError, Machine, Request, Then};
use crate::model::raw_path::RawPath;
use crate::model::scenario::{Need, Scenario};

/// Variables that a lab takes over: how the terminal speaks, and which language and time zone the user has.
const TAKEN_OVER: &[&str] =
    &["TERM", "COLORTERM", "COLORFGBG", "NO_COLOR", "LANG", "LC_ALL", "LC_CTYPE", "LC_MESSAGES", "TZ"];

/// Bash copes with a process group that lies outside of its PID namespace; other shells fail to give the terminal back to
/// it when they end, and do without job control.
const SHELL: &str = "if command -v bash >/dev/null; then exec bash --norc; else exec sh +m -i; fi";

/// Runs the command.
pub fn run(args: &LabArgs, global: &Global) -> anyhow::Result<ExitCode> {
    if args.inside {
        return inside::run(args, global);
    }
    let say = |text: &str| out::say(&format!("tmpmedic: {text}"));
    if let Some(pid) = args.join {
        let joined = lab::join(pid, &then(args, global), environment());
        return joined.map(ExitCode::from).map_err(|error| match error {
            LabError::NoLab | LabError::Which(_) => Refusal::usage(error.to_string()),
            other => other.into(),
        });
    }
    let shelf = choose::Shelf::load(&args.scenario)?;
    let machine = Machine::look();
    if args.course {
        return list::print_course(&shelf, &machine, global);
    }
    let scenario = match &args.id {
        Some(wanted) => shelf.find(wanted)?,
        None if args.learn => {
            shelf.first_lesson(&machine).ok_or_else(|| Refusal::internal("the course has no lesson"))?
        }
        None if args.keep || args.shell || args.chapter.is_some() || !args.command.is_empty() => {
            return Err(Refusal::usage("which scenario? `tmpmedic lab` lists them"));
        }
        None => return list::print(&shelf, &machine, global),
    };
    let chapters = scenario.chapters.len();
    if let Some(chapter) = args.chapter.filter(|chapter| !(1..=chapters).contains(chapter)) {
        let has =
            if chapters == 1 { "one chapter".to_owned() } else { format!("the chapters 1 to {chapters}") };
        return Err(Refusal::usage(format!("there is no chapter {chapter}: this scenario has {has}")));
    }
    if args.systemd {
        check_systemd(scenario, &machine)?;
    }
    if let Some(objection) = machine.objection(scenario) {
        return recorded::open(scenario, &objection, (args, global));
    }
    let request = Request {
        scenario: scenario.clone(),
        chapter: args.chapter,
        users: machine.users,
        then: then(args, global),
        environment: environment(),
        keep: args.keep,
        systemd: args.systemd || lab::needs(scenario).contains(&Need::Systemd),
    };
    Ok(ExitCode::from(lab::open(&request, &say)?))
}

/// Whether systemd can start the services of this scenario on this machine. A capture would be no answer to who asks for it.
fn check_systemd(scenario: &Scenario, machine: &Machine) -> anyhow::Result<()> {
    let refuse = |exit: Exit, why: &str| -> anyhow::Error {
        let message = format!("`{}` cannot be built with systemd: {why}", scenario.id);
        Refusal { exit, message }.into()
    };
    if let Some(why) = lab::objection_to_services(scenario) {
        return Err(refuse(Exit::Usage, &why));
    }
    let objection = machine.objection_to_systemd().or_else(|| machine.objection(scenario));
    objection.map_or(Ok(()), |why| Err(refuse(Exit::Permission, &why)))
}

/// What runs in the lab.
fn then(args: &LabArgs, global: &Global) -> Then {
    if !args.command.is_empty() {
        use std::os::unix::ffi::OsStrExt;
        return Then::Command { words: args.command.iter().map(|w| RawPath::new(w.as_bytes())).collect() };
    }
    if args.shell {
        return Then::Command { words: ["/bin/sh", "-c", SHELL].map(RawPath::from).to_vec() };
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
