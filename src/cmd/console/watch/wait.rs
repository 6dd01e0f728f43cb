//! What the loop waits for: keys, signals, the bell and the clock, all at once.

use std::io;
use std::os::fd::AsFd;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::{ESCAPE_PATIENCE, Watch};
use crate::sys::clock;

/// Why the wait ended.
pub(super) struct Woken {
    pub(super) typing: bool,
    pub(super) sending: bool,
}

impl Watch {
    pub(super) fn wait(&self) -> io::Result<Woken> {
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
}
