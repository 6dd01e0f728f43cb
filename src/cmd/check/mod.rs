//! `check`: one diagnosis without a terminal.
//!
//! Reads the log that was given, looks once, probes, judges, prints. Whatever goes wrong on the way, a caller that wants
//! JSON gets one document.

pub(in crate::cmd) mod asked;
mod document;
mod from;
mod log;

use std::process::ExitCode;
use std::time::Duration;

use crate::cli::{CheckArgs, Format, Global};
use crate::cmd::{Refusal, config, out, surroundings};
use crate::model::finding::{Diagnosis, Status};
use crate::model::reading::{Gap, GapWhy};
use crate::model::snapshot::Snapshot;
use crate::model::units::{Entries, Micros, count};
use crate::report::{self, Detail, Options};
use crate::rules;
use crate::source::look_once;
use crate::sys::clock::Stopwatch;
use crate::{probe, report::Glyphs};

pub use document::{print_failure, wants_document};

/// One probe takes milliseconds; one that takes longer than this is on something that does not answer.
const PROBE_PATIENCE: Duration = Duration::from_secs(2);
/// Helper processes at once: two cores' worth, and a fork bomb's victim can still afford them.
const PROBES_AT_ONCE: usize = 4;
/// What is kept back for judging and printing.
const RESERVE: Duration = Duration::from_millis(50);

/// Runs the command.
pub fn run(args: &CheckArgs, global: &Global) -> anyhow::Result<ExitCode> {
    let watch = Stopwatch::start();
    let format = format_of(args, global)?;
    let report = examine(args, global, watch)?;
    report.print(format, global, watch)
}

/// What `tmpmedic` alone does where there is no terminal.
pub fn run_without_console(global: &Global) -> anyhow::Result<ExitCode> {
    run(&CheckArgs::default(), global)
}

/// A snapshot, judged.
#[derive(Debug)]
pub struct Examined {
    /// What was seen.
    pub now: Snapshot,
    /// What it means.
    pub diagnosis: Diagnosis,
    /// What the command itself left undone.
    pub gaps: Vec<Gap>,
}

impl Examined {
    /// Prints the report; the exit code is the verdict.
    pub fn print(&self, format: Format, global: &Global, watch: Stopwatch) -> anyhow::Result<ExitCode> {
        let options = options(global, self.gaps.clone(), Micros(watch.micros()));
        out::write(&render(format, &self.now, &self.diagnosis, &options))?;
        Ok(ExitCode::from(self.diagnosis.status.exit_code()))
    }
}

fn format_of(args: &CheckArgs, global: &Global) -> anyhow::Result<Format> {
    match (args.format, global.json) {
        (None, false) => Ok(Format::Text),
        (None | Some(Format::Json), true) => Ok(Format::Json),
        (Some(format), false) => Ok(format),
        (Some(_), true) => {
            Err(Refusal::usage("`--json` and another `--format` contradict each other; leave one out"))
        }
    }
}

/// Looks, probes and judges.
pub(in crate::cmd) fn examine(
    args: &CheckArgs,
    global: &Global,
    watch: Stopwatch,
) -> anyhow::Result<Examined> {
    let (catalog, mut gaps) = config::load(global)?;
    if let Some(path) = &args.from {
        return from::examine(path, &catalog, gaps, global);
    }
    let asked = asked::build(&args.whom)?;
    let log = match &args.log {
        Some(path) => log::read(path, watch.left_of(args.deadline), &mut gaps)?,
        None => vec![],
    };
    let mut now = look_once(&catalog, &asked, watch.left_of(args.deadline.saturating_sub(RESERVE)));
    asked::verify(&args.whom, &now)?;
    now.log = log;
    if !args.no_probe {
        probe_all(&mut now, watch.left_of(args.deadline), &mut gaps);
    }
    let mut diagnosis = rules::diagnose(&now, None, &catalog.thresholds);
    nobody_left(&now, &mut diagnosis);
    recall_failures(&now, &mut diagnosis);
    Ok(Examined { now, diagnosis, gaps })
}

/// Where those that were asked for are gone, nothing is known of them.
fn nobody_left(now: &Snapshot, diagnosis: &mut Diagnosis) {
    if now.asked.is_focused() && now.asked.pids.is_empty() {
        diagnosis.status = Status::Unknown;
        "none of the processes that were asked for runs now".clone_into(&mut diagnosis.headline);
    }
}

/// Whoever gives a log has seen something fail: that nothing fails now must not read as if nothing had.
fn recall_failures(now: &Snapshot, diagnosis: &mut Diagnosis) {
    if diagnosis.status != Status::Ok || now.log.is_empty() {
        return;
    }
    let failures = count(now.log.len(), ("failure", "failures"));
    diagnosis.headline.push_str(&format!(" now; the build log names {failures}"));
}

/// Makes every probe that the snapshot asks for, and lets it know.
pub(in crate::cmd) fn probe_all(now: &mut Snapshot, left: Duration, gaps: &mut Vec<Gap>) {
    let requests = probe::requests(now);
    if requests.is_empty() {
        return;
    }
    if left < RESERVE {
        let seen = Entries(0);
        gaps.push(Gap::new(count(requests.len(), ("probe", "probes")), GapWhy::OverBudget { seen }));
        return;
    }
    gaps.extend(probe::left_out(now));
    now.take_probes(probe::run(&requests, left.min(PROBE_PATIENCE), PROBES_AT_ONCE));
}

/// The options of a report, from the command line and the surroundings.
pub fn options(global: &Global, gaps: Vec<Gap>, elapsed: Micros) -> Options {
    let detail = match (global.quiet, global.verbose) {
        (true, _) => Detail::Brief,
        (false, true) => Detail::Full,
        (false, false) => Detail::Usual,
    };
    let glyphs: Glyphs = surroundings::glyphs(global);
    Options {
        width: surroundings::report_columns(),
        colour: surroundings::colour(global),
        glyphs,
        detail,
        elapsed,
        gaps,
    }
}

fn render(format: Format, now: &Snapshot, diagnosis: &Diagnosis, options: &Options) -> String {
    match format {
        Format::Text => report::text::render(now, diagnosis, options),
        Format::Json => report::json::render(now, diagnosis, options),
        Format::Markdown => report::markdown::render(now, diagnosis, options),
        Format::Github => report::github::render(now, diagnosis, options),
        Format::Openmetrics => report::openmetrics::render(now, diagnosis, options),
    }
}
