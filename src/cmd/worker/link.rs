//! The two pipes between a worker and its console. Writing never waits, but for what must arrive.

use std::os::fd::{AsFd, BorrowedFd};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::io::Errno;

use crate::cmd::clean::StopSignal;
use crate::cmd::orders::Said;
use crate::model::work::Pace;

/// More than any request: a treatment of a look at 100,000 processes.
const LONGEST: usize = 64 << 20;

/// Both ends, ours.
#[derive(Debug)]
pub struct Link {
    heard: Vec<u8>,
    /// What of a line the console did not take yet.
    unsent: Vec<u8>,
    /// Nobody reads any more.
    is_cut: bool,
}

impl Link {
    /// On standard input and output.
    pub fn open() -> Self {
        let out = rustix::stdio::stdout();
        // Where that is refused, a full pipe holds us up: better than nothing said at all.
        fcntl_getfl(out).and_then(|flags| fcntl_setfl(out, flags | OFlags::NONBLOCK)).ok();
        Self { heard: Vec::new(), unsent: Vec::new(), is_cut: false }
    }

    /// The next line; nothing where the console has gone, or a signal asks for an end.
    pub fn hear(&mut self, stop: &StopSignal) -> Option<Vec<u8>> {
        loop {
            if let Some(end) = self.heard.iter().position(|byte| *byte == b'\n') {
                let mut line: Vec<u8> = self.heard.drain(..=end).collect();
                line.pop();
                return Some(line);
            }
            if self.heard.len() > LONGEST || !wait(stop, (rustix::stdio::stdin(), PollFlags::IN)) {
                return None;
            }
            let mut piece = [0; 16 << 10];
            match rustix::io::retry_on_intr(|| rustix::io::read(rustix::stdio::stdin(), &mut piece)) {
                Ok(0) => return None,
                Ok(count) => self.heard.extend_from_slice(piece.get(..count).unwrap_or_default()),
                Err(Errno::AGAIN) => {}
                Err(_) => return None,
            }
        }
    }

    /// Whether more was said than was heard.
    pub fn has_more(&self) -> bool {
        !self.heard.is_empty()
    }

    /// Says how far it is, if the console takes it now. Whether anybody listens at all.
    pub fn pace(&mut self, pace: &Pace) -> bool {
        self.flush();
        if self.unsent.is_empty() && !self.is_cut {
            self.push(&Said::Pace(pace.clone()));
            self.flush();
        }
        !self.is_cut
    }

    /// Says what must arrive: waits for as long as there is somebody who may read it.
    pub fn deliver(&mut self, said: &Said, stop: &StopSignal) {
        self.push(said);
        self.flush();
        while !self.unsent.is_empty() && !self.is_cut {
            if !wait(stop, (rustix::stdio::stdout(), PollFlags::OUT)) {
                return;
            }
            self.flush();
        }
    }

    fn push(&mut self, said: &Said) {
        // Plain data of ours always has a text.
        if serde_json::to_writer(&mut self.unsent, said).is_ok() {
            self.unsent.push(b'\n');
        }
    }

    fn flush(&mut self) {
        while !self.unsent.is_empty() && !self.is_cut {
            match rustix::io::write(rustix::stdio::stdout(), &self.unsent) {
                Ok(count) => drop(self.unsent.drain(..count.min(self.unsent.len()))),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return,
                Err(_) => self.is_cut = true,
            }
        }
    }
}

/// Waits for a pipe; says no where a signal came first that asks for an end. Heard once, it does not come again, so work that
/// was stopped by one still delivers its result.
fn wait(stop: &StopSignal, (pipe, what): (BorrowedFd<'_>, PollFlags)) -> bool {
    loop {
        let mut fds = vec![PollFd::from_borrowed_fd(pipe, what)];
        fds.extend(stop.signals().map(|signals| PollFd::from_borrowed_fd(signals.as_fd(), PollFlags::IN)));
        match poll(&mut fds, None) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(_) => return false,
        }
        if fds.first().is_some_and(|fd| !fd.revents().is_empty()) {
            return true;
        }
        if stop.was_signalled() {
            return false;
        }
    }
}
