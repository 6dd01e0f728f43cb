//! The console: waits for keys, signals and looks, and does what the screen asks for.
//!
//! `tui` decides, this room acts. One thread, which never waits for anything but all of those at once: looking is the
//! business of [`crate::source::live`], probes and listings are [`chores`], the terminal is [`screen`]. Nothing here can
//! keep the console from quitting.

mod chores;
mod clipboard;
mod input;
mod paper;
mod screen;
mod watch;

use std::process::ExitCode;
use std::sync::Arc;

use crate::cli::Global;
use crate::cmd::{check, config, out, surroundings};
use crate::model::asked::Asked;
use crate::model::snapshot::Snapshot;
use crate::model::units::Micros;
use crate::report;
use crate::sys::bell::Bell;
use crate::sys::term::{Signals, Tty};
use crate::tui::{App, Settings};

use screen::Screen;
use watch::{End, Watch};

/// Runs the console, or prints what `check` prints where there is no terminal for it.
pub fn run(global: &Global) -> anyhow::Result<ExitCode> {
    if global.json || !Tty::is_there() || surroundings::is_dumb() {
        return check::run_without_console(global);
    }
    let (catalog, gaps) = config::load(global)?;
    // Before any thread is made, so that all of them leave the signals to the one that waits for them.
    let (Ok(signals), Ok(bell)) = (Signals::block(), Bell::hang()) else {
        return check::run_without_console(global);
    };
    let Ok(screen) = Screen::open() else { return check::run_without_console(global) };
    let settings = Settings {
        colors: surroundings::depth(global),
        background: surroundings::background(),
        ascii: surroundings::tui_glyphs(global),
        read_only: global.read_only || catalog.read_only,
        utc_offset_s: surroundings::utc_offset_s(),
        catalog: Arc::clone(&catalog),
    };
    let mut watch = Watch::new(App::new(settings), screen, signals, Arc::new(bell));
    let end = watch.keep((catalog, Asked::default()));
    let look = watch.leave();
    match end {
        End::Quit => Ok(ExitCode::SUCCESS),
        End::QuitWithReport => {
            let Some(look) = look else { return check::run_without_console(global) };
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
