//! Signals as something to read: blocked in every thread and delivered through one descriptor.
//!
//! No handler ever runs, so none can interrupt anything. Threads made later inherit the mask; programs started by
//! [`std::process::Command`] get an empty one. Source: signalfd(2).

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use nix::sys::signal::{SigSet, Signal, raise};
use nix::sys::signalfd::{SfdFlags, SignalFd};

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// End now, for the signal of that number.
    End(i32),
    /// Stop and give the terminal to the shell.
    Stop,
    /// We were stopped and go on; the screen is no longer ours.
    Continued,
    /// The window has another size.
    Resized,
}

/// The signals of a console.
#[derive(Debug)]
pub struct Signals {
    fd: SignalFd,
}

impl Signals {
    /// Blocks them and opens their descriptor. Call it before any thread is made.
    pub fn block() -> io::Result<Self> {
        let ends = [Signal::SIGTERM, Signal::SIGHUP, Signal::SIGINT, Signal::SIGQUIT];
        let others = [Signal::SIGTSTP, Signal::SIGCONT, Signal::SIGWINCH];
        let mask: SigSet = ends.into_iter().chain(others).collect();
        mask.thread_block()?;
        let fd = SignalFd::with_flags(&mask, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)?;
        Ok(Self { fd })
    }

    /// The next signal, if one came.
    pub fn next(&self) -> Option<Event> {
        let number = self.fd.read_signal().ok().flatten()?.ssi_signo.cast_signed();
        Some(match Signal::try_from(number).ok()? {
            Signal::SIGTSTP => Event::Stop,
            Signal::SIGCONT => Event::Continued,
            Signal::SIGWINCH => Event::Resized,
            _ => Event::End(number),
        })
    }

    /// Stops this process as the shell expects, and returns when it goes on.
    ///
    /// In a process group without a shell to wake it the kernel ignores the stop, and this returns at once.
    pub fn stop_here() -> io::Result<()> {
        let mut only = SigSet::empty();
        only.add(Signal::SIGTSTP);
        raise(Signal::SIGTSTP)?;
        // The stop happens here, when the pending signal is let through.
        only.thread_unblock()?;
        only.thread_block()?;
        Ok(())
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}
