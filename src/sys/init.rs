//! The first process of a PID namespace: signals as something to read, and the stop of the whole job.
//!
//! The kernel gives it no signal that it does not expect, so all that matter are blocked and read. Called by `lab`.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal as Number, kill_current_process_group, kill_process};

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// A child ended or stopped.
    Child,
    /// Somebody sent us that signal.
    Signal(i32),
    /// The other descriptor can be read.
    Readable,
    /// Nothing in the time given.
    Nothing,
}

/// The signals of this process, blocked.
#[derive(Debug)]
pub struct Inbox {
    fd: SignalFd,
}

impl Inbox {
    /// Blocks the signals that end a program, and those of children.
    ///
    /// # Errors
    /// What signalfd(2) and pthread_sigmask(3) answer.
    pub fn open() -> io::Result<Self> {
        let all = [Signal::SIGCHLD, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGINT, Signal::SIGQUIT];
        let mask: SigSet = all.into_iter().collect();
        mask.thread_block()?;
        Ok(Self { fd: SignalFd::with_flags(&mask, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)? })
    }

    /// Waits for the next one, or until `other` can be read.
    pub fn next(&self, patience: Option<Duration>, other: Option<BorrowedFd<'_>>) -> News {
        let timeout = patience.map(|time| Timespec {
            tv_sec: i64::try_from(time.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: i64::from(time.subsec_nanos()),
        });
        // Interrupted, there is nothing to read, and the caller waits again.
        let own = self.fd.as_fd();
        let mut fds = vec![PollFd::from_borrowed_fd(own, PollFlags::IN)];
        fds.extend(other.map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)));
        poll(&mut fds, timeout.as_ref()).ok();
        if fds.get(1).is_some_and(|fd| !fd.revents().is_empty()) {
            return News::Readable;
        }
        match self.fd.read_signal() {
            Ok(Some(found)) if found.ssi_signo == Signal::SIGCHLD as u32 => News::Child,
            Ok(Some(found)) => News::Signal(found.ssi_signo.cast_signed()),
            Ok(None) | Err(_) => News::Nothing,
        }
    }
}

/// Sends a signal to a child that has not been waited for, whose number therefore is still its own.
///
/// # Errors
/// What kill(2) answers.
pub fn signal_child(child: u32, number: i32) -> io::Result<()> {
    let (Some(pid), Some(signal)) = (Pid::from_raw(child.cast_signed()), Number::from_named_raw(number))
    else {
        return Err(rustix::io::Errno::INVAL.into());
    };
    Ok(kill_process(pid, signal)?)
}

/// Stops every process of our process group, those outside our PID namespace included, so that the shell gets its
/// terminal back. The first process of a namespace itself cannot be stopped from inside.
///
/// # Errors
/// What kill(2) answers.
pub fn stop_our_job() -> io::Result<()> {
    Ok(kill_current_process_group(Number::STOP)?)
}

/// Makes our process group the one in the foreground of the terminal again, where there is a terminal: a shell that ended in
/// another PID namespace cannot name us.
pub fn take_terminal() {
    let ttou: SigSet = [Signal::SIGTTOU].into_iter().collect();
    if ttou.thread_block().is_ok() {
        // Without a terminal there is nothing to take; the number 0 of a group whose first process lies outside our PID
        // namespace, which not every library takes for an answer, names none.
        nix::unistd::tcsetpgrp(rustix::stdio::stdin(), nix::unistd::getpgrp()).ok();
        ttou.thread_unblock().ok();
    }
}

/// Sleeps until a signal ends this process, and buries children meanwhile.
pub fn sleep_for_ever() -> ! {
    let children: SigSet = [Signal::SIGCHLD].into_iter().collect();
    let blocked = children.thread_block().is_ok();
    loop {
        if !blocked || children.wait().is_err() {
            nix::unistd::pause();
        }
        while let Ok(Some(_)) = super::spawn::wait(None, super::spawn::Patience::None) {}
    }
}
