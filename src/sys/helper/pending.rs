//! A helper that was asked and has not answered yet, so that several work at once.

use std::io;
use std::os::fd::AsFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, ChildStdin, ChildStdout, ExitStatus, Stdio};
use std::time::Duration;

use rustix::buffer::spare_capacity;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::io::Errno;

use super::places::{Place, add_stray};
use super::{HelperError, Wanted, nowhere, ourselves};
use crate::sys::clock::Stopwatch;
use crate::sys::standing::{self, Standing};

/// More than any request of ours is answered with; a helper that says more has gone wrong.
const MAX_ANSWER: usize = 64 << 20;
/// Between two questions whether the answer is still wanted.
const QUESTION: Duration = Duration::from_millis(20);
/// Between two looks whether a helper that closed its output has ended; it takes a fraction of that.
const SHORT: Duration = Duration::from_micros(100);

/// How far a helper is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It has not answered yet.
    Working,
    /// It has ended.
    Ended,
    /// Its deadline has passed.
    Late,
}

/// A helper that was asked, so that several work at once.
#[derive(Debug)]
pub struct Pending {
    child: Option<(Child, Place)>,
    request: Vec<u8>,
    sent: usize,
    to: Option<ChildStdin>,
    from: Option<ChildStdout>,
    answer: Vec<u8>,
    ended: Option<ExitStatus>,
    deadline: Duration,
    watch: Stopwatch,
}

impl Pending {
    /// Starts a helper of that kind and begins to send it the request.
    ///
    /// # Errors
    /// `Spawn` with EAGAIN or ENOMEM where the machine refuses a process, EMFILE without descriptors, ENOENT without
    /// `/proc`, and of the kind `TimedOut` where no place became free: four earlier helpers are still stuck.
    pub fn start(kind: &str, request: &[u8], deadline: Duration) -> Result<Self, HelperError> {
        let watch = Stopwatch::start();
        let place = Place::wait_for(|| deadline.saturating_sub(Duration::from_micros(watch.micros())))
            .map_err(HelperError::Spawn)?;
        let mut command = ourselves(kind);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(nowhere().map_err(HelperError::Spawn)?);
        // A Ctrl-C at the terminal is for us alone: a helper cleans up behind itself.
        command.env_clear().current_dir("/").process_group(0);
        let mut child = command.spawn().map_err(HelperError::Spawn)?;
        let (to, from) = (child.stdin.take(), child.stdout.take());
        let pending = Self {
            child: Some((child, place)),
            request: request.to_vec(),
            sent: 0,
            to,
            from,
            answer: Vec::new(),
            ended: None,
            deadline,
            watch,
        };
        pending.never_block().map_err(HelperError::Spawn)?;
        Ok(pending)
    }

    /// How far it is.
    pub fn state(&self) -> State {
        if self.ended.is_some() {
            State::Ended
        } else if self.left().is_zero() {
            State::Late
        } else {
            State::Working
        }
    }

    /// What it has said so far.
    pub fn partial(&self) -> &[u8] {
        &self.answer
    }

    /// Where it stands in the kernel: one that sleeps there is held, one that runs is only late.
    pub fn standing(&self) -> Option<Standing> {
        self.child.as_ref().and_then(|(child, _)| standing::of_child(child.id()))
    }

    /// Takes the answer. One that has not ended is killed and left behind.
    ///
    /// # Errors
    /// `Late` or `Died`, with what it had said.
    pub fn finish(mut self) -> Result<Vec<u8>, HelperError> {
        let partial = std::mem::take(&mut self.answer);
        match self.ended {
            Some(status) if status.success() => Ok(partial),
            Some(status) => Err(HelperError::Died { how: how_it_ended(status), partial }),
            None => Err(HelperError::Late { partial, standing: self.standing() }),
        }
    }

    /// Leaves it to itself, alive: it finds its output closed and has its own clean-up to do. Gives what it had said.
    pub fn let_go(mut self) -> Vec<u8> {
        self.child.take().into_iter().for_each(add_stray);
        std::mem::take(&mut self.answer)
    }

    fn never_block(&self) -> io::Result<()> {
        for fd in self.to.iter().map(AsFd::as_fd).chain(self.from.iter().map(AsFd::as_fd)) {
            let flags = fcntl_getfl(fd)?;
            fcntl_setfl(fd, flags | OFlags::NONBLOCK)?;
        }
        Ok(())
    }

    fn left(&self) -> Duration {
        self.deadline.saturating_sub(Duration::from_micros(self.watch.micros()))
    }

    /// Sends and takes what can be sent and taken without waiting.
    fn advance(&mut self) {
        self.send();
        self.receive();
        if self.from.is_none() && self.ended.is_none() {
            // Without its output it has nothing left to say, and ends at once unless the kernel holds it.
            self.ended = self.child.as_mut().and_then(|(child, _)| child.try_wait().ok().flatten());
        }
    }

    fn send(&mut self) {
        let Some(to) = &self.to else { return };
        let rest = self.request.get(self.sent..).unwrap_or_default();
        match rustix::io::write(to, rest) {
            Ok(count) => self.sent += count,
            Err(Errno::AGAIN | Errno::INTR) => return,
            // It reads no further; its answer will say why.
            Err(_) => self.sent = self.request.len(),
        }
        if self.sent >= self.request.len() {
            self.to = None;
        }
    }

    fn receive(&mut self) {
        while let Some(from) = &self.from {
            self.answer.reserve(16 << 10);
            match rustix::io::read(from, spare_capacity(&mut self.answer)) {
                Ok(count) if count > 0 && self.answer.len() <= MAX_ANSWER => {}
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return,
                _ => self.from = None,
            }
        }
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        let Some((mut child, place)) = self.child.take() else { return };
        if self.ended.is_none() {
            // An unreaped child keeps its number, so this cannot hit another process.
            child.kill().ok();
            add_stray((child, place));
        }
    }
}

/// Waits until one of them has ended, has said more, or is late; returns at once where one already has. Where somebody may
/// want it no more, it also returns when it is time to ask that.
pub fn wait_any(all: &mut [Pending], wanted: Option<Wanted<'_>>) {
    for pending in all.iter_mut() {
        pending.advance();
    }
    if all.iter().any(|p| p.state() != State::Working) {
        return;
    }
    let closing = all.iter().any(|p| p.from.is_none());
    let nearest = all.iter().map(Pending::left).min().unwrap_or_default();
    let patience = match wanted {
        _ if closing => SHORT.min(nearest),
        Some(_) => QUESTION.min(nearest),
        None => nearest,
    };
    wait_for_pipes(all, patience);
    for pending in all.iter_mut() {
        pending.advance();
    }
}

fn wait_for_pipes(all: &[Pending], patience: Duration) {
    let outputs = all.iter().filter_map(|p| p.from.as_ref());
    let inputs = all.iter().filter_map(|p| p.to.as_ref());
    let mut fds: Vec<PollFd<'_>> = outputs.map(|fd| PollFd::new(fd, PollFlags::IN)).collect();
    fds.extend(inputs.map(|fd| PollFd::new(fd, PollFlags::OUT)));
    let timeout = Timespec {
        tv_sec: i64::try_from(patience.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: i64::from(patience.subsec_nanos()),
    };
    // A signal or a refusal only makes the caller look earlier.
    poll(&mut fds, Some(&timeout)).ok();
}

fn how_it_ended(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("ended with code {code}"),
        (None, Some(signal)) => format!("was killed by signal {signal}"),
        (None, None) => "ended in an unknown way".to_owned(),
    }
}
