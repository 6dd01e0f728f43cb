//! The guard: a tiny process that gives the terminal back when the one that took it was killed.
//!
//! This program, re-executed. It holds the terminal and reads a pipe whose other end only the console has. A line says
//! what to restore, or that nothing is left to restore; the end of the pipe says that the console is gone. It lives in a
//! session of its own, so that neither the keys of the terminal nor a signal to the job reach it, and it ends at once with
//! the console, so that no connection is kept open.

use std::io::{self, BufRead, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::process::{Command, Stdio};

use nix::sys::signal::SigSet;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::termios::{QueueSelector, tcflush};

use super::modes::Modes;
use super::tty::Tty;

/// The name of the job among the helpers.
pub const KIND: &str = "term-guard";
/// What gives the screen back: end a control string that was cut, paste marks off, cursor on, colours off, main screen.
pub(super) const LEAVE: &[u8] = b"\x1b\\\x1b[?2004l\x1b[?25h\x1b[m\x1b[?1049l";
/// How long a terminal that does not take bytes is waited for.
const PATIENCE: Timespec = Timespec { tv_sec: 0, tv_nsec: 300_000_000 };

/// Our end of the guard.
#[derive(Debug)]
pub struct Guard {
    pipe: OwnedFd,
}

impl Guard {
    /// Starts the guard of a terminal.
    ///
    /// # Errors
    /// Where no process can be made; the console then does without.
    pub fn start(tty: impl AsFd) -> io::Result<Self> {
        let (read, write) = pipe_with(PipeFlags::CLOEXEC)?;
        let tty = tty.as_fd().try_clone_to_owned()?;
        #[expect(
            clippy::disallowed_methods,
            reason = "the guard outlives every deadline, which a helper may not"
        )]
        let mut command = Command::new("/proc/self/exe");
        command.args(["__helper", KIND]).env_clear().current_dir("/");
        // A descriptor that takes no writes, because /dev/null may be what is broken.
        let nowhere = read.try_clone()?;
        command.stdin(Stdio::from(read)).stdout(Stdio::from(tty)).stderr(Stdio::from(nowhere));
        // Never waited for: it ends after us, and while we live it stays.
        let _child = command.spawn()?;
        Ok(Self { pipe: write })
    }

    /// Tells it what to restore if we vanish.
    pub(super) fn arm(&self, modes: Modes) {
        self.say(&format!("{}\n", modes.to_line()));
    }

    /// Tells it that nothing is left to restore.
    pub(super) fn disarm(&self) {
        self.say("-\n");
    }

    /// A guard that was killed cannot be told anything, and nothing can be done about it.
    fn say(&self, line: &str) {
        rustix::io::write(&self.pipe, line.as_bytes()).ok();
    }
}

/// A guard around a child that takes the terminal in another PID namespace: a guard of its own would be killed with it.
///
/// Dropped, it restores nothing.
#[derive(Debug)]
pub struct Lent(Guard);

impl Lent {
    /// Has the terminal given back as it is now when we vanish; nothing where there is no terminal or no guard.
    pub fn start() -> Option<Self> {
        let tty = Tty::open().ok()?;
        let modes = Modes::of(&tty).ok()?;
        let guard = Guard::start(&tty).ok()?;
        guard.arm(modes);
        Some(Self(guard))
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        self.0.disarm();
    }
}

/// The guard's life: standard input is the pipe, standard output the terminal.
///
/// # Errors
/// Where the terminal could not be given back; nobody is left to tell.
pub fn serve() -> io::Result<()> {
    crate::sys::child::take_name();
    // Neither matters alone: without a session of its own the blocked signals keep it alive, and the other way round.
    rustix::process::setsid().ok();
    SigSet::all().thread_block().ok();
    let mut armed = None;
    for line in io::stdin().lock().lines() {
        // A pipe that fails is a pipe that ended.
        let Ok(line) = line else { break };
        armed = Modes::from_line(&line);
    }
    match armed {
        Some(modes) => give_back(rustix::stdio::stdout(), modes),
        None => Ok(()),
    }
}

fn give_back(tty: BorrowedFd<'_>, modes: Modes) -> io::Result<()> {
    let mut ready = [PollFd::from_borrowed_fd(tty, PollFlags::OUT)];
    if poll(&mut ready, Some(&PATIENCE)).unwrap_or(0) == 0 {
        // Nobody reads; what waits is the torn rest of a frame.
        tcflush(tty, QueueSelector::OFlush)?;
    }
    rustix::io::write(tty, LEAVE)?;
    // The shell may have set modes of its own meanwhile; only ours are taken back.
    if Modes::of(tty)?.is_raw() {
        modes.apply(tty)?;
    }
    io::stdout().flush()
}
