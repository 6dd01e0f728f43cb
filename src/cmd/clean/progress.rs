//! How far it is, on a terminal; and whether somebody asks us to stop.
//!
//! Signals are read between two steps, never handled in the middle of one: what was begun is written down.

use std::cell::Cell;
use std::time::Duration;

use crate::cli::Global;
use crate::cmd::out;
use crate::model::units::{Bytes, Entries, Seconds};
use crate::sys::clock::Stopwatch;
use crate::sys::term::{Event, Signals};

/// How often a line is written anew.
const EACH: Duration = Duration::from_millis(200);

/// Signals that ask for an end: SIGINT, SIGTERM, SIGHUP, SIGQUIT.
pub struct Stop {
    signals: Option<Signals>,
    asked: Cell<bool>,
}

impl Stop {
    /// From now on they wait until they are asked for; nobody else hears them.
    pub fn listen() -> Self {
        Self { signals: Signals::block().ok(), asked: Cell::new(false) }
    }

    /// Signals do what they always do: for work that changes nothing.
    pub fn as_usual() -> Self {
        Self { signals: None, asked: Cell::new(false) }
    }

    /// Whether somebody wants us to stop.
    pub fn is_asked(&self) -> bool {
        while let Some(event) = self.signals.as_ref().and_then(Signals::next) {
            match event {
                Event::End(_) => self.asked.set(true),
                Event::Stop => {
                    Signals::stop_here().ok();
                }
                Event::Continued | Event::Resized => {}
            }
        }
        self.asked.get()
    }
}

/// A line on standard error that tells how far it is, where that is a terminal.
pub struct Progress<'a> {
    stop: &'a Stop,
    is_shown: bool,
    title: String,
    of: Option<u64>,
    watch: Stopwatch,
    last: Option<Duration>,
}

impl<'a> Progress<'a> {
    /// For this command.
    pub fn new(stop: &'a Stop, global: &Global) -> Self {
        let is_shown = !global.quiet && rustix::termios::isatty(rustix::stdio::stderr());
        Self { stop, is_shown, title: String::new(), of: None, watch: Stopwatch::start(), last: None }
    }

    /// A piece of work begins, of so many steps where that is known.
    pub fn begin(&mut self, title: &str, of: Option<u64>) {
        title.clone_into(&mut self.title);
        self.of = of;
        self.watch = Stopwatch::start();
        self.last = None;
    }

    /// So much is done; says whether to go on.
    pub fn tell(&mut self, done: u64, bytes: Bytes) -> bool {
        let elapsed = self.watch.elapsed();
        let is_due = self.last.map_or(elapsed >= EACH, |last| elapsed.saturating_sub(last) >= EACH);
        if self.is_shown && is_due {
            self.last = Some(elapsed);
            out::say_unended(&format!("\r\x1b[K{}", self.line(done, bytes, elapsed)));
        }
        !self.stop.is_asked()
    }

    /// It is over; the line goes.
    pub fn end(&mut self) {
        if self.is_shown && self.last.is_some() {
            out::say_unended("\r\x1b[K");
        }
        self.last = None;
    }

    fn line(&self, done: u64, bytes: Bytes, elapsed: Duration) -> String {
        let millis = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX).max(1);
        let rate = done.saturating_mul(1000) / millis;
        let mut line = format!("{} {}", self.title, Entries(done));
        if let Some(of) = self.of {
            line.push_str(&format!(" of {}", Entries(of)));
        }
        if bytes.0 > 0 {
            line.push_str(&format!(", {bytes}"));
        }
        line.push_str(&format!(", {}/s", Entries(rate)));
        let left = self.of.map(|of| of.saturating_sub(done));
        if let Some(seconds) = left.and_then(|left| left.checked_div(rate)) {
            line.push_str(&format!(", {} left", Seconds(seconds)));
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_count_rate_and_what_is_left() {
        let stop = Stop::as_usual();
        let progress = Progress {
            stop: &stop,
            is_shown: true,
            title: "/tmp:".to_owned(),
            of: Some(1491),
            watch: Stopwatch::start(),
            last: None,
        };
        let line = progress.line(491, Bytes(1536), Duration::from_secs(2));
        assert_eq!(line, "/tmp: 491 of 1,491, 1.50 K, 245/s, 4 s left");
        assert_eq!(progress.line(0, Bytes(0), Duration::ZERO), "/tmp: 0 of 1,491, 0/s");
    }
}
