//! The loop of the console.

mod signals;
mod typing;
mod wait;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::clipboard;
use super::feed::Feed;
use super::input::Input;
use super::screen::Screen;
use crate::model::units::WallNanos;
use crate::sys::bell::Bell;
use crate::sys::clock::{self, Stopwatch};
use crate::sys::term::Signals;
use crate::tui::msg::{Effect, Msg};
use crate::tui::{self, App};

/// After a lone Escape, how long the rest of a sequence may take over a slow link.
const ESCAPE_PATIENCE: Duration = Duration::from_millis(50);
/// The signal of a terminal that went away.
const SIGHUP: i32 = 1;

/// How the console ended.
#[derive(Debug)]
pub enum End {
    /// As asked.
    Quit,
    /// As asked, with the report to follow.
    QuitWithReport,
    /// By a signal, or by the loss of the terminal, which is the same as SIGHUP.
    Signal(i32),
    /// The terminal failed.
    Failed(io::Error),
}

/// Everything that the loop holds.
pub struct Watch {
    app: App,
    screen: Screen,
    signals: Signals,
    bell: Arc<Bell>,
    input: Input,
    typed: Stopwatch,
    feed: Option<Box<dyn Feed>>,
    dirty: bool,
    ticked: i64,
    /// Whether what was typed until now was thrown away.
    flushed: bool,
    /// Since when this console runs: the clock by which a question becomes one that may be answered.
    running: Stopwatch,
}

impl Watch {
    /// A console that has the terminal and has not looked yet.
    pub fn new(app: App, screen: Screen, signals: Signals, bell: Arc<Bell>) -> Self {
        Self {
            app,
            screen,
            signals,
            bell,
            input: Input::default(),
            typed: Stopwatch::start(),
            feed: None,
            dirty: true,
            ticked: 0,
            flushed: false,
            running: Stopwatch::start(),
        }
    }

    /// Runs until the end, with looks of the feed that is begun after the first frame. Gives the terminal back, and what
    /// the screen knew last with it.
    pub fn keep(mut self, begin: impl FnOnce(&Arc<Bell>) -> Box<dyn Feed>) -> (End, App) {
        let end = self.run(begin);
        // A terminal that is gone needs nothing back.
        self.screen.leave().ok();
        (end, self.app)
    }

    fn run(&mut self, begin: impl FnOnce(&Arc<Bell>) -> Box<dyn Feed>) -> End {
        if let Err(why) = self.begin() {
            return ended(why);
        }
        self.feed = Some(begin(&self.bell));
        loop {
            match self.turn() {
                Ok(None) => {}
                Ok(Some(end)) => return end,
                Err(why) => return ended(why),
            }
        }
    }

    /// The first frame comes before the first look.
    fn begin(&mut self) -> io::Result<()> {
        let size = self.screen.size();
        self.tell(Msg::Resize { width: size.width, height: size.height });
        self.tick();
        self.draw()?;
        if !self.screen.is_guarded() {
            let note = "no guard process could be made: after kill -9 type `reset` to get the terminal back";
            self.tell(Msg::Note(note.to_owned()));
        }
        Ok(())
    }

    /// Waits for something to happen, and deals with it.
    fn turn(&mut self) -> io::Result<Option<End>> {
        if self.dirty && !self.screen.is_stalled() {
            self.draw()?;
        }
        let woken = self.wait()?;
        if woken.sending {
            self.screen.send()?;
        }
        if let Some(end) = self.hear_signals()? {
            return Ok(Some(end));
        }
        if woken.typing {
            if let Some(end) = self.read_keys()? {
                return Ok(Some(end));
            }
        } else if self.input.is_waiting() && self.typed.elapsed() >= ESCAPE_PATIENCE {
            let typed = self.input.give_up_waiting();
            if let Some(end) = self.type_all(typed)? {
                return Ok(Some(end));
            }
        }
        let end = self.collect()?;
        self.tick();
        self.wake();
        Ok(end)
    }

    fn perform(&mut self, effect: Effect) -> io::Result<Option<End>> {
        match effect {
            Effect::Quit => return Ok(Some(End::Quit)),
            Effect::QuitWithReport => return Ok(Some(End::QuitWithReport)),
            Effect::Suspend => return self.suspend(),
            Effect::Copy(text) => self.screen.send_raw(&clipboard::set(&text))?,
            Effect::FlushInput => self.flush_input()?,
            other => {
                let app = &self.app;
                let known = self.feed.as_mut().map(|feed| feed.perform(other, app));
                for msg in known.into_iter().flatten() {
                    for effect in self.tell(msg) {
                        if let Some(end) = self.perform(effect)? {
                            return Ok(Some(end));
                        }
                    }
                }
            }
        }
        Ok(None)
    }

    /// Takes what the feed brought.
    fn collect(&mut self) -> io::Result<Option<End>> {
        self.bell.hush();
        let app = &self.app;
        let came = self.feed.as_mut().map(|feed| feed.take(app));
        for msg in came.into_iter().flatten() {
            for effect in self.tell(msg) {
                if let Some(end) = self.perform(effect)? {
                    return Ok(Some(end));
                }
            }
        }
        Ok(None)
    }

    fn tick(&mut self) {
        let second = clock::wall_nanos().div_euclid(1_000_000_000);
        if second != self.ticked {
            self.ticked = second;
            self.tell(Msg::Tick(WallNanos(clock::wall_nanos())));
        }
    }

    /// Tells the monotonic clock; the screen looks different only where a question may be answered from now on.
    fn wake(&mut self) {
        let before = self.app.can_confirm();
        tui::update(&mut self.app, Msg::Wake(self.running.elapsed()));
        self.dirty |= self.app.can_confirm() != before;
    }

    fn tell(&mut self, msg: Msg) -> Vec<Effect> {
        self.dirty = true;
        tui::update(&mut self.app, msg)
    }

    fn draw(&mut self) -> io::Result<()> {
        let app = &self.app;
        self.screen.draw(|frame| tui::draw(app, frame))?;
        self.dirty = false;
        // What still waits for a slow terminal is not on screen yet.
        if !self.screen.is_stalled() {
            tui::update(&mut self.app, Msg::Drawn(self.running.elapsed()));
        }
        Ok(())
    }
}

/// A terminal that went away is a hang-up, whoever noticed first.
fn ended(why: io::Error) -> End {
    match rustix::io::Errno::from_io_error(&why) {
        Some(rustix::io::Errno::IO | rustix::io::Errno::NXIO) => End::Signal(SIGHUP),
        _ => End::Failed(why),
    }
}
