//! The console: waits for keys, signals and looks, and does what the screen asks for.
//!
//! `tui` decides, this room acts. One thread, which never waits for anything but all of those at once: looks come from a
//! [`feed`], probes and listings are [`chores`], what changes the machine is done by a worker process that [`hands`] holds the
//! reins of, the terminal is [`screen`]. Nothing here can keep the console from quitting.

mod chores;
mod clipboard;
mod feed;
mod hands;
mod here;
mod input;
mod paper;
mod recorded;
mod screen;
mod watch;

use std::process::ExitCode;
use std::sync::Arc;

use crate::catalog::Catalog;
use crate::cli::Global;
use crate::cmd::{Refusal, check, config, out, surroundings};
use crate::model::asked::Asked;
use crate::model::reading::Gap;
use crate::model::snapshot::Snapshot;
use crate::model::units::Micros;
use crate::report;
use crate::source::replay::Replay;
use crate::sys::bell::Bell;
use crate::sys::term::{Signals, Tty};
use crate::tui::lesson::Lesson;
use crate::tui::lesson::outcome::Outcome;
use crate::tui::{self, App, Settings};

use feed::Feed;
use hands::Hands;
use here::Here;
use recorded::Recorded;
use screen::Screen;
use watch::{End, Watch};

/// Runs the console, or prints what `check` prints where there is no terminal for it.
pub fn run(global: &Global) -> anyhow::Result<ExitCode> {
    if !Tty::is_there() || !is_wanted(global) {
        return check::run_without_console(global);
    }
    let (catalog, gaps) = config::load(global)?;
    let app = App::new(settings(global, &catalog));
    let here = |bell: &Arc<Bell>| -> Box<dyn Feed> {
        Box::new(Here::start(catalog, Asked::default(), Hands::new(global, Arc::clone(bell)), bell))
    };
    match keep(app, here) {
        Some((end, app)) => close(end, &app, global, gaps),
        None => check::run_without_console(global),
    }
}

/// Runs the console on a capture; `None` where the terminal cannot be had.
///
/// # Errors
/// Where its first look is damaged, which is said before the terminal is touched.
pub fn replay(replay: Replay, global: &Global) -> anyhow::Result<Option<ExitCode>> {
    let (catalog, gaps) = config::load(global)?;
    let (app, recorded) = rewound(replay, global, &catalog)?;
    let kept = keep(app, |_bell| -> Box<dyn Feed> { Box::new(recorded) });
    kept.map(|(end, app)| close(end, &app, global, gaps)).transpose()
}

/// A screen on the first look of a capture.
fn rewound(replay: Replay, global: &Global, catalog: &Arc<Catalog>) -> anyhow::Result<(App, Recorded)> {
    let utc_offset_s = replay.utc_offset_s();
    let mut app = App::new(Settings { read_only: true, utc_offset_s, ..settings(global, catalog) });
    let mut recorded = Recorded::new(replay, Arc::clone(catalog));
    for msg in recorded.first()? {
        tui::update(&mut app, msg);
    }
    Ok((app, recorded))
}

/// What a lesson is about.
pub enum Ground {
    /// This machine as it is, and whom of it a diagnosis is asked about.
    Here(Asked),
    /// A capture of another one.
    Recorded(Box<Replay>),
}

/// Runs a lesson, and gives what came of it; printing that is up to the caller.
///
/// With `--json` standard output is for the caller's document, so it may be a file: the terminal on standard input does.
///
/// # Errors
/// Where there is no terminal, or it failed; a lesson has no other form.
pub fn teach(global: &Global, ground: Ground, lesson: Lesson) -> anyhow::Result<(ExitCode, Outcome)> {
    let has_terminal = if global.json { Tty::can_be_typed_on() } else { Tty::is_there() };
    if !has_terminal || surroundings::is_dumb() {
        return Err(Refusal::usage("a lesson needs a terminal to be read and typed on"));
    }
    let (catalog, gaps) = config::load(global)?;
    let kept = match ground {
        Ground::Here(asked) => {
            let app = App::new(settings(global, &catalog)).with_lesson(lesson);
            keep(app, |bell| -> Box<dyn Feed> {
                Box::new(Here::start(catalog, asked, Hands::new(global, Arc::clone(bell)), bell))
            })
        }
        Ground::Recorded(replay) => {
            let (app, recorded) = rewound(*replay, global, &catalog)?;
            keep(app.with_lesson(lesson), |_bell| -> Box<dyn Feed> { Box::new(recorded) })
        }
    };
    let Some((end, app)) = kept else {
        return Err(Refusal::internal("the terminal could not be taken for a lesson"));
    };
    let outcome = app.lesson.as_ref().map(|lesson| lesson.outcome(app.now));
    let outcome = outcome.ok_or_else(|| Refusal::internal("the lesson got lost"))?;
    // One document is the whole of standard output.
    let end = if global.json && matches!(end, End::QuitWithReport) { End::Quit } else { end };
    Ok((close(end, &app, global, gaps)?, outcome))
}

/// Whether nobody asked for anything else, and the terminal is one that can be drawn on.
pub fn is_wanted(global: &Global) -> bool {
    !global.json && !surroundings::is_dumb()
}

fn settings(global: &Global, catalog: &Arc<Catalog>) -> Settings {
    Settings {
        colors: surroundings::depth(global),
        background: surroundings::background(),
        ascii: surroundings::tui_glyphs(global),
        read_only: global.read_only || catalog.read_only,
        utc_offset_s: surroundings::utc_offset_s(),
        catalog: Arc::clone(catalog),
    }
}

/// Holds the terminal until the end; gives what the screen knew last with it. `None` where the terminal cannot be had.
fn keep(app: App, begin: impl FnOnce(&Arc<Bell>) -> Box<dyn Feed>) -> Option<(End, App)> {
    // Before any thread is made, so that all of them leave the signals to the one that waits for them.
    let (signals, bell) = (Signals::block().ok()?, Bell::hang().ok()?);
    let screen = Screen::open().ok()?;
    Some(Watch::new(app, screen, signals, Arc::new(bell)).keep(begin))
}

/// Prints the report where that was asked for; the exit code says how it ended.
fn close(end: End, app: &App, global: &Global, gaps: Vec<Gap>) -> anyhow::Result<ExitCode> {
    match end {
        End::Quit => Ok(ExitCode::SUCCESS),
        End::QuitWithReport => {
            let Some(look) = &app.look else { return check::run_without_console(global) };
            let options = check::options(global, gaps, took(&look.snapshot));
            out::write(&report::text::render(&look.snapshot, &look.diagnosis, &options))?;
            Ok(ExitCode::SUCCESS)
        }
        // As a shell reports a program that this signal ended.
        End::Signal(number) => Ok(ExitCode::from(u8::try_from(128 + number).unwrap_or(255))),
        End::Failed(why) => Err(anyhow::Error::from(why).context("the terminal failed")),
    }
}

/// How long the sections of a look took together.
fn took(now: &Snapshot) -> Micros {
    let sections = [
        now.host.took(),
        now.processes.took(),
        now.namespaces.took(),
        now.vantages.took(),
        now.temp_dirs.took(),
        now.holders.took(),
        now.caches.took(),
    ];
    Micros(sections.iter().map(|section| section.0).sum())
}
