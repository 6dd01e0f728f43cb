//! The loop of the console.

use std::io;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::chores::Chores;
use super::clipboard;
use super::input::{Input, Typed};
use super::screen::Screen;
use crate::catalog::Catalog;
use crate::cmd::probes::Probes;
use crate::model::asked::Asked;
use crate::model::units::WallNanos;
use crate::source::live::{Flow, Live};
use crate::sys::bell::Bell;
use crate::sys::clock;
use crate::sys::term::{Event, Signals};
use crate::tui::msg::{Effect, Look, Msg};
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
    chores: Chores,
    probes: Probes,
    live: Option<Live<Arc<Look>>>,
    dirty: bool,
    ticked: i64,
}

impl Watch {
    /// A console that has the terminal and has not looked yet.
    pub fn new(app: App, screen: Screen, signals: Signals, bell: Arc<Bell>) -> Self {
        Self {
            app,
            screen,
            signals,
            chores: Chores::new(Arc::clone(&bell)),
            bell,
            input: Input::default(),
            probes: Probes::default(),
            live: None,
            dirty: true,
            ticked: 0,
        }
    }

    /// Runs until the end.
    pub fn keep(&mut self, (catalog, asked): (Arc<Catalog>, Asked)) -> End {
        let started = self.begin(catalog, asked);
        if let Err(why) = started {
            return ended(why);
        }
        loop {
            match self.turn() {
                Ok(None) => {}
                Ok(Some(end)) => return end,
                Err(why) => return ended(why),
            }
        }
    }

    /// Gives the terminal back, and the last look with it.
    pub fn leave(mut self) -> Option<Arc<Look>> {
        // A terminal that is gone needs nothing back.
        self.screen.leave().ok();
        self.app.look.take()
    }

    /// The first frame comes before the first look.
    fn begin(&mut self, catalog: Arc<Catalog>, asked: Asked) -> io::Result<()> {
        let size = self.screen.size();
        self.tell(Msg::Resize { width: size.width, height: size.height });
        self.tick();
        self.draw()?;
        let bell = Arc::clone(&self.bell);
        let judge = self.probes.judge(Arc::clone(&catalog));
        self.chores.set_catalog(Arc::clone(&catalog));
        self.live = Some(Live::start((catalog, asked), judge, move || bell.ring()));
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
        } else if woken.timeout && self.input.is_waiting() {
            let typed = self.input.give_up_waiting();
            if let Some(end) = self.type_all(typed)? {
                return Ok(Some(end));
            }
        }
        self.collect();
        self.tick();
        Ok(None)
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
        let count = match poll(&mut ready, Some(&timeout)) {
            Ok(count) => count,
            Err(rustix::io::Errno::INTR) => 0,
            Err(why) => return Err(why.into()),
        };
        let [tty, ..] = &ready;
        let seen = tty.revents();
        let gone = PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL;
        Ok(Woken {
            timeout: count == 0,
            typing: seen.intersects(PollFlags::IN | gone),
            sending: seen.intersects(PollFlags::OUT),
        })
    }

    /// Until the clock moves, unless an Escape waits for company or a slice of a look is due.
    fn patience(&self) -> Duration {
        let into_second = clock::wall_nanos().rem_euclid(1_000_000_000);
        let to_tick = Duration::from_nanos(u64::try_from(1_000_000_000 - into_second).unwrap_or(0));
        let escape = if self.input.is_waiting() { ESCAPE_PATIENCE } else { to_tick };
        let slice = self.live.as_ref().and_then(Live::next_slice).unwrap_or(to_tick);
        to_tick.min(escape).min(slice)
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
        let typed = self.input.feed(buffer.get(..count).unwrap_or_default());
        self.type_all(typed)
    }

    fn type_all(&mut self, typed: Vec<Typed>) -> io::Result<Option<End>> {
        if !typed.is_empty() {
            self.live.iter().for_each(Live::attend);
        }
        for one in typed {
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
            Effect::Rescan => {
                self.probes.forget();
                self.live.iter().for_each(Live::rescan);
            }
            Effect::Freeze(frozen) => {
                let flow = if frozen { Flow::Frozen } else { Flow::Running };
                self.live.iter().for_each(|live| live.set_flow(flow));
            }
            Effect::Probe(wish) => self.chores.probe(wish, self.app.snapshot()),
            Effect::Capture => self.chores.capture(self.app.look.clone()),
            Effect::List(wish) => self.chores.list(wish),
            Effect::Copy(text) => self.screen.send_raw(&clipboard::set(&text))?,
        }
        Ok(None)
    }

    /// Takes what the threads brought.
    fn collect(&mut self) {
        self.bell.hush();
        if let Some(live) = &mut self.live {
            live.slice();
        }
        if let Some(look) = self.live.as_ref().and_then(Live::take) {
            if !self.app.settings.read_only {
                let due = self.probes.due(&look.snapshot);
                self.chores.probe_all(due);
            }
            self.tell(Msg::Look(look));
        }
        for msg in self.chores.take() {
            if let Msg::Probed(result) = &msg {
                self.probes.add(result.clone());
                self.live.iter().for_each(Live::judge_again);
            }
            self.tell(msg);
        }
    }

    fn tick(&mut self) {
        let now = clock::wall_nanos();
        let second = now.div_euclid(1_000_000_000);
        if second != self.ticked {
            self.ticked = second;
            self.tell(Msg::Tick(WallNanos(now)));
        }
    }

    fn tell(&mut self, msg: Msg) -> Vec<Effect> {
        self.dirty = true;
        tui::update(&mut self.app, msg)
    }

    fn draw(&mut self) -> io::Result<()> {
        let app = &self.app;
        self.screen.draw(|frame| tui::draw(app, frame))?;
        self.dirty = false;
        Ok(())
    }
}

/// Why the wait ended.
struct Woken {
    timeout: bool,
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
