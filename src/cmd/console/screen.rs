//! The screen: draws frames when the terminal took the one before, and never waits for it.

use std::io;
use std::rc::Rc;

use ratatui::backend::Backend;
use ratatui::layout::Size;
use ratatui::{Frame, Terminal};

use super::paper::{Ink, Paper};
use crate::sys::term::{Outbox, Session, Tty};

/// What a terminal is taken for that does not tell its size.
const USUAL: Size = Size { width: 80, height: 24 };

/// A terminal with ratatui's two buffers and the bytes under way.
#[derive(Debug)]
pub struct Screen {
    session: Session,
    ratatui: Terminal<Paper>,
    ink: Ink,
    outbox: Outbox,
}

impl Screen {
    /// Takes the terminal.
    pub fn open() -> io::Result<Self> {
        let mut session = Session::open()?;
        let size = size_of(session.tty());
        let ink = Ink::default();
        let ratatui = Terminal::new(Paper::new(Rc::clone(&ink), size))?;
        session.enter()?;
        Ok(Self { session, ratatui, ink, outbox: Outbox::default() })
    }

    /// The terminal, to wait for and to read.
    pub fn tty(&self) -> &Tty {
        self.session.tty()
    }

    /// Whether somebody gives the terminal back if we are killed.
    pub fn is_guarded(&self) -> bool {
        self.session.is_guarded()
    }

    /// Whether bytes wait for a terminal that takes no more.
    pub fn is_stalled(&self) -> bool {
        !self.outbox.is_empty()
    }

    /// Its size.
    pub fn size(&self) -> Size {
        self.ratatui.backend().size().unwrap_or(USUAL)
    }

    /// Draws what changed. While a frame is under way nothing is drawn: the next one shows what came of it.
    ///
    /// # Errors
    /// EIO where the terminal went away.
    pub fn draw(&mut self, render: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        if self.is_stalled() {
            return Ok(());
        }
        self.ratatui.draw(render)?;
        self.send()
    }

    /// Sends bytes that are no part of a frame, such as a clipboard's.
    pub fn send_raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.ink.borrow_mut().extend_from_slice(bytes);
        self.send()
    }

    /// Goes on sending.
    pub fn send(&mut self) -> io::Result<()> {
        self.outbox.push(&self.ink.take());
        self.outbox.flush(self.session.tty())
    }

    /// Looks at the size again and redraws everything with the next frame.
    pub fn refresh(&mut self) -> io::Result<()> {
        let size = size_of(self.session.tty());
        self.ratatui.backend_mut().resize(size);
        self.ratatui.clear()
    }

    /// Gives the terminal back.
    pub fn leave(&mut self) -> io::Result<()> {
        // A torn frame is of no use on the main screen.
        if self.is_stalled() {
            self.outbox = Outbox::default();
            self.session.tty().drop_output()?;
        }
        self.session.leave()
    }

    /// Takes it again after a stop.
    pub fn enter(&mut self) -> io::Result<()> {
        self.outbox = Outbox::default();
        self.ink.take();
        self.session.enter()?;
        self.refresh()
    }
}

fn size_of(tty: &Tty) -> Size {
    tty.size().map_or(USUAL, |(width, height)| Size { width, height })
}
