//! A bell between threads: rung by a worker, heard by whoever waits with poll(2). Source: eventfd(2).

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::event::{EventfdFlags, eventfd};

/// The bell; ringing twice before somebody hears it is once.
#[derive(Debug)]
pub struct Bell {
    fd: OwnedFd,
}

impl Bell {
    /// Hangs one up.
    pub fn hang() -> io::Result<Self> {
        Ok(Self { fd: eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)? })
    }

    /// Wakes whoever waits for it. A counter at its limit means that it already rings.
    pub fn ring(&self) {
        rustix::io::write(&self.fd, &1_u64.to_ne_bytes()).ok();
    }

    /// Makes it silent again.
    pub fn hush(&self) {
        rustix::io::read(&self.fd, &mut [0; 8]).ok();
    }
}

impl AsFd for Bell {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    use super::*;

    fn rings(bell: &Bell) -> bool {
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        poll(&mut [PollFd::new(bell, PollFlags::IN)], Some(&now)).unwrap() > 0
    }

    #[test]
    fn rings_until_it_is_hushed() {
        let bell = Bell::hang().unwrap();
        assert!(!rings(&bell));
        bell.ring();
        bell.ring();
        assert!(rings(&bell));
        bell.hush();
        assert!(!rings(&bell));
    }
}
