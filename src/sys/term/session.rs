//! The terminal while the console has it: raw mode, alternate screen, and the way back.

use std::io;
use std::os::fd::AsFd;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::guard::{Guard, LEAVE};
use super::modes::Modes;
use super::tty::Tty;

/// Alternate screen, cleared; no cursor; pastes marked as such.
const ENTER: &[u8] = b"\x1b[?1049h\x1b[?25l\x1b[?2004h\x1b[2J\x1b[H";
/// How long the way back waits for a terminal that takes no bytes.
const PATIENCE: Timespec = Timespec { tv_sec: 0, tv_nsec: 200_000_000 };

/// A terminal that is ours for a while; dropping it gives it back.
#[derive(Debug)]
pub struct Session {
    tty: Tty,
    before: Modes,
    guard: Option<Guard>,
    inside: bool,
}

impl Session {
    /// Opens the terminal, remembers its modes, and starts its guard.
    ///
    /// # Errors
    /// Where there is no terminal. Without a guard it goes on; [`Session::is_guarded`] tells.
    pub fn open() -> io::Result<Self> {
        let tty = Tty::open()?;
        let before = Modes::of(&tty)?;
        let guard = Guard::start(&tty).ok();
        Ok(Self { tty, before, guard, inside: false })
    }

    /// Whether the guard could be started.
    pub fn is_guarded(&self) -> bool {
        self.guard.is_some()
    }

    /// The terminal.
    pub fn tty(&self) -> &Tty {
        &self.tty
    }

    /// Takes the terminal; also after a stop, when the shell may have changed its modes.
    pub fn enter(&mut self) -> io::Result<()> {
        if !self.inside {
            let now = Modes::of(&self.tty)?;
            // After a stop the terminal may already be raw, by a `kill -STOP` that gave no chance to leave.
            if !now.is_raw() {
                self.before = now;
            }
        }
        if let Some(guard) = &self.guard {
            guard.arm(self.before);
        }
        self.inside = true;
        Modes::make_raw(&self.tty)?;
        self.write_soon(ENTER)
    }

    /// Gives the terminal back. Twice is harmless.
    ///
    /// # Errors
    /// EIO where the terminal went away.
    pub fn leave(&mut self) -> io::Result<()> {
        if !self.inside {
            return Ok(());
        }
        self.inside = false;
        let screen = self.write_soon(LEAVE);
        let modes = self.before.apply(&self.tty);
        if let Some(guard) = &self.guard {
            guard.disarm();
        }
        screen.and(modes)
    }

    /// Writes a few bytes now, or drops what nobody reads to make room for them.
    fn write_soon(&self, bytes: &[u8]) -> io::Result<()> {
        let mut rest = bytes;
        for _ in 0..4 {
            match self.tty.write(rest) {
                Ok(n) => rest = rest.get(n..).unwrap_or_default(),
                Err(why) if why.kind() == io::ErrorKind::WouldBlock => {}
                Err(why) => return Err(why),
            }
            if rest.is_empty() {
                return Ok(());
            }
            let mut ready = [PollFd::from_borrowed_fd(self.tty.as_fd(), PollFlags::OUT)];
            if poll(&mut ready, Some(&PATIENCE)).unwrap_or(0) == 0 {
                self.tty.drop_output()?;
            }
        }
        Err(io::ErrorKind::WouldBlock.into())
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // Whoever drops it without `leave` is unwinding or quitting: there is nobody to report to.
        self.leave().ok();
    }
}
