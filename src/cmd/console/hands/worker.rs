//! One worker: its process, and the pipe that is its rein.

use std::io::{self, BufRead, BufReader, Write};
use std::process::ChildStdin;
use std::sync::{Arc, Mutex};

use super::inbox::{Heard, Inbox, lock};
use crate::cmd::orders::{self, Request};
use crate::cmd::surroundings::variable;
use crate::model::work::Wish;
use crate::sys::helper;

/// Where a journal lives for whoever is not root.
const VARIABLES: [&str; 2] = ["HOME", "XDG_STATE_HOME"];

/// A worker, as the console knows it.
pub(super) struct Worker {
    pub(super) number: u64,
    /// Nothing where it reads the journal.
    pub(super) wish: Option<Wish>,
    pub(super) reins: Arc<Mutex<Reins>>,
    pub(super) state: State,
}

/// How far it is; behind a plan its digest.
pub(super) enum State {
    Reading,
    Planning,
    Planned(String),
    Working(String),
}

/// The pipe to a worker, once there is one.
#[derive(Default)]
pub(super) struct Reins {
    pub(super) to: Option<ChildStdin>,
    pub(super) is_let_go: bool,
}

impl Worker {
    pub(super) fn let_go(&self) {
        let mut reins = lock(&self.reins);
        reins.is_let_go = true;
        reins.to = None;
    }

    pub(super) fn is_working(&self) -> bool {
        matches!(self.state, State::Working(_))
    }

    pub(super) fn is_idle(&self) -> bool {
        matches!(self.state, State::Planning | State::Planned(_))
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.let_go();
    }
}

/// Says that a worker has ended, once it is dropped.
pub(super) struct Ending<'a> {
    pub(super) inbox: &'a Inbox,
    pub(super) number: u64,
}

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.inbox.put(self.number, Heard::Ended);
    }
}

/// Starts the worker, sends it the request, and hears it out.
pub(super) fn attend(request: &Request, reins: &Mutex<Reins>, inbox: &Inbox, number: u64) -> io::Result<()> {
    let mut text = serde_json::to_vec(request)?;
    text.push(b'\n');
    if lock(reins).is_let_go {
        return Ok(());
    }
    let own = rustix::process::geteuid();
    // As root no variable is asked: whoever called sudo wrote them.
    let variables = VARIABLES.iter().filter(|_| !own.is_root());
    let variables = variables.filter_map(|name| Some((*name, variable(name)?)));
    let (mut child, mut to, from) = helper::start_apart(orders::KIND, variables)?;
    let sent = to.write_all(&text);
    {
        let mut reins = lock(reins);
        if !reins.is_let_go {
            reins.to = Some(to);
        }
    }
    let mut from = BufReader::new(from);
    let mut line = Vec::new();
    while sent.is_ok() && from.read_until(b'\n', &mut line).is_ok_and(|count| count > 0) {
        if let Ok(said) = serde_json::from_slice(&line) {
            inbox.put(number, Heard::Said(said));
        }
        line.clear();
    }
    // It has closed its output, so it is about to end; unless it is waited for it stays as a zombie.
    child.wait().ok();
    sent
}
