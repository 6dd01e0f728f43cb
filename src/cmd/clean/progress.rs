//! How far it is, for whoever follows; and whether somebody asks us to stop.
//!
//! Signals and pipes are read between two steps, never handled in the middle of one: what was begun is written down.

use std::cell::Cell;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::cli::Global;
use crate::cmd::{Refusal, out};
use crate::model::units::{Bytes, Entries, Micros, Seconds};
use crate::model::work::{Fate, Pace};
use crate::sys::clock::Stopwatch;
use crate::sys::crew;
use crate::sys::term::{Event, Signals};

/// How often a line is written anew.
const EACH: Duration = Duration::from_millis(200);
/// How often a screen hears: a person sees no more than so many steps a second.
const EACH_PACE: Duration = Duration::from_millis(100);

/// Nobody notices that a wish was heard so much later.
const OFTEN: Duration = Duration::from_millis(5);

/// Signals that ask for an end: SIGINT, SIGTERM, SIGHUP, SIGQUIT; and the pipe of whoever started us.
pub struct Stop {
    signals: Option<Signals>,
    signalled: Cell<bool>,
    /// Whether standard input is the pipe of a console: anything in it, and its end, asks for an end.
    has_master: bool,
    asked: Cell<bool>,
    /// Since the last look at signals and pipes.
    since: Cell<Option<Stopwatch>>,
}

impl Stop {
    /// From now on they wait until they are asked for; nobody else hears them.
    pub fn listen() -> Self {
        Self {
            signals: Signals::block().ok(),
            signalled: Cell::new(false),
            has_master: false,
            asked: Cell::new(false),
            since: Cell::new(None),
        }
    }

    /// Signals do what they always do: for work that changes nothing.
    pub fn as_usual() -> Self {
        Self {
            signals: None,
            signalled: Cell::new(false),
            has_master: false,
            asked: Cell::new(false),
            since: Cell::new(None),
        }
    }

    /// From now on whatever comes on standard input asks for an end, as its end does.
    pub fn obey_input(&mut self) {
        self.has_master = true;
    }

    /// Whoever listens has gone: there is nobody to work on for.
    pub fn ask(&self) {
        self.asked.set(true);
    }

    /// What to wait for beside other things.
    pub fn signals(&self) -> Option<&Signals> {
        self.signals.as_ref()
    }

    /// Whether a signal asks for an end that was not heard of before.
    pub fn was_signalled(&self) -> bool {
        let before = self.signalled.get();
        self.hear_signals();
        !before && self.signalled.get()
    }

    fn hear_signals(&self) {
        while let Some(event) = self.signals.as_ref().and_then(Signals::next) {
            match event {
                Event::End(_) => {
                    self.asked.set(true);
                    self.signalled.set(true);
                }
                Event::Stop => {
                    Signals::stop_here().ok();
                }
                Event::Continued | Event::Resized => {}
            }
        }
    }

    /// Whether somebody wants us to stop; cheap enough to ask before every entry.
    pub fn is_asked(&self) -> bool {
        if self.since.get().is_some_and(|since| !since.left_of(OFTEN).is_zero()) {
            return self.asked.get();
        }
        self.since.set(Some(Stopwatch::start()));
        self.hear_signals();
        if self.has_master && !self.asked.get() && is_ready(rustix::stdio::stdin()) {
            self.asked.set(true);
        }
        self.asked.get()
    }

    /// Has something found out that changes nothing, however long it takes, unless somebody wants us to stop.
    ///
    /// # Errors
    /// Somebody does.
    pub fn unless_asked<T: Send + 'static>(
        &self,
        name: &str,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> anyhow::Result<T> {
        crew::while_wanted(name, work, &|| !self.is_asked()).ok_or_else(Refusal::stopped)
    }
}

fn is_ready(fd: std::os::fd::BorrowedFd<'_>) -> bool {
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    poll(&mut [PollFd::from_borrowed_fd(fd, PollFlags::IN)], Some(&now)).is_ok_and(|ready| ready > 0)
}

/// Who follows a piece of work.
enum Follower<'a> {
    /// Nobody.
    Nobody,
    /// A person, by a line on standard error.
    Line,
    /// A screen; it says whether anybody still listens.
    Screen(&'a mut dyn FnMut(&Pace) -> bool),
}

/// Tells how far it is, as often as its follower can see.
pub struct Progress<'a> {
    stop: &'a Stop,
    follower: Follower<'a>,
    pace: Pace,
    watch: Stopwatch,
    last: Option<Duration>,
}

impl<'a> Progress<'a> {
    /// For a command.
    pub fn new(stop: &'a Stop, global: &Global) -> Self {
        let is_shown = !global.quiet && rustix::termios::isatty(rustix::stdio::stderr());
        Self::of(stop, if is_shown { Follower::Line } else { Follower::Nobody })
    }

    /// For a screen, which says of each whether anybody still listens.
    pub fn for_screen(stop: &'a Stop, screen: &'a mut dyn FnMut(&Pace) -> bool) -> Self {
        Self::of(stop, Follower::Screen(screen))
    }

    fn of(stop: &'a Stop, follower: Follower<'a>) -> Self {
        Self { stop, follower, pace: Pace::default(), watch: Stopwatch::start(), last: None }
    }

    /// A piece of work begins, of so many steps where that is known.
    pub fn begin(&mut self, title: &str, of: Option<u64>) {
        title.clone_into(&mut self.pace.phase);
        (self.pace.of, self.pace.done, self.pace.bytes) = (of, 0, Bytes(0));
        self.watch = Stopwatch::start();
        self.last = None;
        self.show_screen();
    }

    /// So much is done; says whether to go on.
    pub fn tell(&mut self, done: u64, bytes: Bytes) -> bool {
        (self.pace.done, self.pace.bytes) = (done, bytes);
        let elapsed = self.watch.elapsed();
        let each = if matches!(self.follower, Follower::Screen(_)) { EACH_PACE } else { EACH };
        let is_due = self.last.map_or(elapsed >= each, |last| elapsed.saturating_sub(last) >= each);
        if is_due {
            self.last = Some(elapsed);
            match self.follower {
                Follower::Nobody => {}
                Follower::Line => {
                    out::say_unended(&format!("\r\x1b[K{}", self.line(done, bytes, elapsed)));
                }
                Follower::Screen(_) => self.show_screen(),
            }
        }
        self.goes_on()
    }

    /// A numbered step begins, or came to that.
    pub fn step(&mut self, at: usize, fate: Option<Fate>) {
        self.pace.steps.resize(at.saturating_add(1).max(self.pace.steps.len()), None);
        if let Some(step) = self.pace.steps.get_mut(at) {
            *step = fate;
        }
        self.show_screen();
    }

    /// It is over; the line goes.
    pub fn end(&mut self) {
        if matches!(self.follower, Follower::Line) && self.last.is_some() {
            out::say_unended("\r\x1b[K");
        }
        self.last = None;
    }

    /// Whether nobody asked for an end.
    pub fn goes_on(&self) -> bool {
        !self.stop.is_asked()
    }

    /// Whoever is to be asked for that.
    pub fn stop(&self) -> &'a Stop {
        self.stop
    }

    fn show_screen(&mut self) {
        let Follower::Screen(show) = &mut self.follower else { return };
        self.pace.took = Micros(self.watch.micros());
        if !show(&self.pace) {
            self.stop.ask();
        }
    }

    fn line(&self, done: u64, bytes: Bytes, elapsed: Duration) -> String {
        let millis = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX).max(1);
        let rate = done.saturating_mul(1000) / millis;
        let mut line = format!("{} {}", self.pace.phase, Entries(done));
        if let Some(of) = self.pace.of {
            line.push_str(&format!(" of {}", Entries(of)));
        }
        if bytes.0 > 0 {
            line.push_str(&format!(", {bytes}"));
        }
        line.push_str(&format!(", {}/s", Entries(rate)));
        let left = self.pace.of.map(|of| of.saturating_sub(done));
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
        let mut progress = Progress::of(&stop, Follower::Nobody);
        progress.begin("/tmp:", Some(1491));
        let line = progress.line(491, Bytes(1536), Duration::from_secs(2));
        assert_eq!(line, "/tmp: 491 of 1,491, 1.50 K, 245/s, 4 s left");
        assert_eq!(progress.line(0, Bytes(0), Duration::ZERO), "/tmp: 0 of 1,491, 0/s");
    }

    #[test]
    fn a_screen_hears_each_step_at_once_and_many_small_ones_seldom() {
        let stop = Stop::as_usual();
        let mut heard = Vec::new();
        let mut screen = |pace: &Pace| {
            heard.push(pace.clone());
            true
        };
        let mut progress = Progress::for_screen(&stop, &mut screen);
        progress.begin("putting aside", Some(100_000));
        let watch = Stopwatch::start();
        for done in 0..100_000 {
            assert!(progress.tell(done, Bytes(done)));
        }
        let most = usize::try_from(watch.elapsed().as_millis() / EACH_PACE.as_millis()).unwrap() + 2;
        progress.step(1, Some(Fate::Done));
        assert!(heard.len() <= most + 1, "{} of at most {most}", heard.len());
        assert_eq!(heard.last().unwrap().steps, [None, Some(Fate::Done)]);
    }

    #[test]
    fn nobody_works_on_for_a_screen_that_went_away() {
        let stop = Stop::as_usual();
        let mut screen = |_: &Pace| false;
        let mut progress = Progress::for_screen(&stop, &mut screen);
        progress.begin("putting aside", None);
        assert!(!progress.tell(1, Bytes(0)));
    }
}
