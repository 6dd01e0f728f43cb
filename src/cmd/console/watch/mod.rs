//! The loop of the console.

use std::io;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::clipboard;
use super::feed::Feed;
use super::input::{Input, Typed};
use super::screen::Screen;
use crate::model::units::WallNanos;
use crate::sys::bell::Bell;
use crate::sys::clock::{self, Stopwatch};
use crate::sys::term::{Event, Signals};
use crate::tui::msg::{Effect, Msg};
use crate::tui::{self, App};

/// After a lone Escape, how long the rest of a sequence may take over a slow link.
const ESCAPE_PATIENCE: Duration = Duration::from_millis(50);
/// Pieces of input that are thrown away at once: more than a terminal holds, and an end where somebody types without one.
const FLUSHED: usize = 256;
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

    fn wait(&self) -> io::Result<Woken> {
        let out = if self.screen.is_stalled() { PollFlags::OUT } else { PollFlags::empty() };
        let tty = self.screen.tty().as_fd();
        let mut ready = [
            PollFd::from_borrowed_fd(tty, PollFlags::IN | out),
            PollFd::new(&self.signals, PollFlags::IN),
            PollFd::new(&*self.bell, PollFlags::IN),
        ];
        let patience = self.patience();
        let timeout = Timespec {
            tv_sec: i64::try_from(patience.as_secs()).unwrap_or(1),
            tv_nsec: i64::from(patience.subsec_nanos()),
        };
        match poll(&mut ready, Some(&timeout)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(why) => return Err(why.into()),
        }
        let [tty, ..] = &ready;
        let seen = tty.revents();
        let gone = PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL;
        Ok(Woken { typing: seen.intersects(PollFlags::IN | gone), sending: seen.intersects(PollFlags::OUT) })
    }

    /// Until the clock moves, unless an Escape waits for company or the feed has something to do.
    fn patience(&self) -> Duration {
        let into_second = clock::wall_nanos().rem_euclid(1_000_000_000);
        let to_tick = Duration::from_nanos(u64::try_from(1_000_000_000 - into_second).unwrap_or(0));
        let escape = if self.input.is_waiting() { self.typed.left_of(ESCAPE_PATIENCE) } else { to_tick };
        let feed = self.feed.as_ref().and_then(|feed| feed.patience()).unwrap_or(to_tick);
        let wake = self.app.wake_in().unwrap_or(to_tick);
        to_tick.min(escape).min(feed).min(wake)
    }

    /// An end goes before everything else: whoever kills a stopped job wakes it for that.
    fn hear_signals(&mut self) -> io::Result<Option<End>> {
        let mut heard = Vec::new();
        while let Some(event) = self.signals.next() {
            match event {
                Event::End(number) => return Ok(Some(End::Signal(number))),
                other => heard.push(other),
            }
        }
        if heard.contains(&Event::Stop) {
            return self.suspend();
        }
        if heard.contains(&Event::Continued) {
            self.screen.enter()?;
            self.resized();
        } else if heard.contains(&Event::Resized) {
            self.screen.refresh()?;
            self.resized();
        }
        Ok(None)
    }

    fn resized(&mut self) {
        let size = self.screen.size();
        self.tell(Msg::Resize { width: size.width, height: size.height });
        self.dirty = true;
    }

    fn suspend(&mut self) -> io::Result<Option<End>> {
        self.screen.leave()?;
        Signals::stop_here()?;
        while let Some(event) = self.signals.next() {
            if let Event::End(number) = event {
                return Ok(Some(End::Signal(number)));
            }
        }
        self.screen.enter()?;
        self.resized();
        Ok(None)
    }

    fn read_keys(&mut self) -> io::Result<Option<End>> {
        let mut buffer = [0; 4096];
        let count = match self.screen.tty().read(&mut buffer) {
            Ok(0) => return Ok(Some(End::Signal(SIGHUP))),
            Ok(count) => count,
            Err(why) if why.kind() == io::ErrorKind::WouldBlock => return Ok(None),
            Err(why) => return Err(why),
        };
        self.typed = Stopwatch::start();
        let typed = self.input.feed(buffer.get(..count).unwrap_or_default());
        self.type_all(typed)
    }

    fn type_all(&mut self, typed: Vec<Typed>) -> io::Result<Option<End>> {
        self.wake();
        if !typed.is_empty() {
            self.feed.iter().for_each(|feed| feed.attend());
        }
        self.flushed = false;
        for one in typed {
            if self.flushed {
                break;
            }
            let msg = match one {
                Typed::Key(event) => Msg::Key(event),
                Typed::Paste(text) => Msg::Paste(text),
            };
            let effects = self.tell(msg);
            for effect in effects {
                if let Some(end) = self.perform(effect)? {
                    return Ok(Some(end));
                }
            }
        }
        Ok(None)
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

    /// Throws away what was typed, pasted or answered until now. Through the parser, not by tcflush(3): half of a paste or of
    /// a sequence would be gone, and the rest of it would press keys.
    fn flush_input(&mut self) -> io::Result<()> {
        let mut buffer = [0; 4096];
        for _ in 0..FLUSHED {
            match self.screen.tty().read(&mut buffer) {
                // The next wait hears of a terminal that went away.
                Ok(0) => break,
                Ok(count) => drop(self.input.feed(buffer.get(..count).unwrap_or_default())),
                Err(why) if why.kind() == io::ErrorKind::WouldBlock => break,
                Err(why) => return Err(why),
            }
        }
        self.flushed = true;
        Ok(())
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

/// Why the wait ended.
struct Woken {
    typing: bool,
    sending: bool,
}

/// A terminal that went away is a hang-up, whoever noticed first.
fn ended(why: io::Error) -> End {
    match rustix::io::Errno::from_io_error(&why) {
        Some(rustix::io::Errno::IO | rustix::io::Errno::NXIO) => End::Signal(SIGHUP),
        _ => End::Failed(why),
    }
}
