//! Processes by descriptor, so that a pid that was given to another process meanwhile is never signalled.
//!
//! Open first, then read `/proc/PID` and compare with what was seen before, then signal. Source: pidfd_open(2).

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

/// A hold on one process, whatever becomes of its number.
#[derive(Debug)]
pub struct Pidfd {
    fd: OwnedFd,
}

impl Pidfd {
    /// Takes hold of the process that has this number now.
    ///
    /// # Errors
    /// ESRCH where there is none, ENOSYS before Linux 5.3, EINVAL for a number that no process can have.
    pub fn open(pid: u32) -> io::Result<Self> {
        let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
        let pid = pid.ok_or_else(|| io::Error::from(rustix::io::Errno::INVAL))?;
        Ok(Self { fd: pidfd_open(pid, PidfdFlags::empty())? })
    }

    /// Sends it a signal.
    ///
    /// # Errors
    /// ESRCH where it has ended, EPERM where we may not.
    pub fn signal(&self, signal: Signal) -> io::Result<()> {
        Ok(pidfd_send_signal(&self.fd, signal)?)
    }

    /// Waits until it has ended, at most `patience`; true where it has. It need not be a child of ours.
    ///
    /// # Errors
    /// EINTR where a signal came first.
    pub fn has_ended_within(&self, patience: Duration) -> io::Result<bool> {
        let mut fds = [PollFd::from_borrowed_fd(self.fd.as_fd(), PollFlags::IN)];
        let patience = Timespec {
            tv_sec: i64::try_from(patience.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: i64::from(patience.subsec_nanos()),
        };
        Ok(poll(&mut fds, Some(&patience))? > 0)
    }
}

/// For poll(2): readable when it has ended.
impl AsFd for Pidfd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sees_that_a_process_lives() {
        match Pidfd::open(std::process::id()) {
            Ok(own) => assert!(!own.has_ended_within(Duration::ZERO).unwrap(), "this test runs"),
            Err(error) => println!("skipped: pidfd_open: {error}"),
        }
    }

    #[test]
    fn refuses_numbers_that_no_process_can_have() {
        assert!(Pidfd::open(0).is_err());
        assert!(Pidfd::open(u32::MAX).is_err());
    }
}
