//! A lesson: the console on this machine, with its verdict hidden until the learner names the cause.
//!
//! `lab ID --learn` calls [`run`] in the process inside its lab, once the incident is built: with the scenario that [`find`]
//! gave, and with the processes of [`Scenario::asked`](crate::model::scenario::Scenario::asked) as focus. It takes the
//! terminal, gives it back, prints the outcome and returns the exit code; nothing else is to be done. No command line inside
//! the lab may carry the id of the scenario: the tabs show command lines, and most ids name the cause.

use std::process::ExitCode;

use crate::catalog::scenarios;
use crate::cli::Global;
use crate::cmd::{Refusal, console, out};
use crate::model::asked::Asked;
use crate::model::raw_path::shown_bytes;
use crate::model::scenario::Scenario;
use crate::report::safe_json;
use crate::tui::lesson::Lesson;

/// Teaches a scenario that is already built around this process, and prints what came of it.
///
/// With `--json` that is one document ([`SCHEMA`](crate::tui::lesson::outcome::SCHEMA)) on standard output, which may be a
/// file; else one line.
///
/// # Errors
/// Where there is no terminal.
pub fn run(scenario: Scenario, asked: Asked, global: &Global) -> anyhow::Result<ExitCode> {
    let (code, outcome) = console::teach(global, asked, Lesson::new(scenario))?;
    let text = if global.json {
        safe_json::to_line(&outcome)
            .map_err(|why| Refusal::internal(format!("cannot make the document: {why}")))?
    } else {
        format!("{}\n", outcome.line())
    };
    let written = out::write(&text);
    // Whoever was ended by a signal may have lost the terminal with it; the code of the signal says more.
    if code == ExitCode::SUCCESS {
        written?;
    }
    Ok(code)
}

/// The scenario of that id, or of that number in the course, which unlike an id tells nothing.
///
/// # Errors
/// Where there is none.
pub fn find(name: &str) -> anyhow::Result<Scenario> {
    let number: Option<u8> = name.parse().ok();
    let of_course =
        scenarios::course().into_iter().find(|lesson| number.is_some() && lesson.course == number);
    of_course.or_else(|| scenarios::find(name)).ok_or_else(|| {
        let shown = shown_bytes(name.as_bytes());
        Refusal::usage(format!("no scenario is called `{shown}`; `tmpmedic lab --course` lists the lessons"))
    })
}
