//! Probes and listings in the background: each in a thread that may be late without anybody noticing.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::catalog::Catalog;
use crate::cmd::capture;
use crate::collect::entries::{self, Stamp};
use crate::collect::ranking::Order;
use crate::model::snapshot::Snapshot;
use crate::probe::{self, ProbeRequest};
use crate::source::listings::Listings;
use crate::sys::bell::Bell;
use crate::sys::clock::Stopwatch;
use crate::sys::crew;
use crate::tui::msg::{ListWish, Listing, Look, Msg, ProbeWish};

/// How long one probe may take.
const PATIENCE: Duration = Duration::from_secs(3);
/// How long one listing may take, the sizes of trees included.
const LISTING: Duration = Duration::from_secs(2);
/// What grows below a directory does not move its stamp, so an open listing is made again after so many times what it
/// cost: two per cent of a core.
const REST: u32 = 50;
/// And no sooner than this.
const REST_LEAST: Duration = Duration::from_secs(5);
/// Probes that nobody asked for come in batches of this size, so that the first results are there soon.
const BATCH: usize = 4;
/// Threads at once; more chores wait for their turn.
const THREADS: usize = 3;

/// A piece of work and what comes of it.
type Chore = Box<dyn FnOnce(&Outcome) + Send>;

/// What is being done, and what came of what was.
pub struct Chores {
    outcome: Outcome,
    waiting: VecDeque<Chore>,
    catalog: Arc<Catalog>,
}

/// Where results go.
#[derive(Clone)]
struct Outcome {
    done: Arc<Mutex<Done>>,
    bell: Arc<Bell>,
}

#[derive(Default)]
struct Done {
    messages: Vec<Msg>,
    running: usize,
    /// The last listing; while it is being checked, nobody checks it a second time.
    listed: Option<Listed>,
    checking: bool,
}

/// What is remembered of a listing.
#[derive(Clone)]
struct Listed {
    wish: ListWish,
    stamp: Option<Stamp>,
    when: Stopwatch,
    cost: Duration,
}

impl Listed {
    /// Whether it still shows what is there.
    fn holds(&self, wish: &ListWish) -> bool {
        let rested = self.when.elapsed() >= self.cost.saturating_mul(REST).max(REST_LEAST);
        self.wish == *wish && !rested && entries::stamp(&wish.reached) == self.stamp
    }
}

impl Outcome {
    fn say(&self, msg: Msg) {
        self.change(|done| done.messages.push(msg));
        self.bell.ring();
    }

    fn change<R>(&self, how: impl FnOnce(&mut Done) -> R) -> R {
        // A message is pushed whole or not at all.
        how(&mut self.done.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Chores {
    /// Nothing to do yet; listings are classified by the catalog, and `bell` rings when something is done.
    pub fn new(catalog: Arc<Catalog>, bell: Arc<Bell>) -> Self {
        let outcome = Outcome { done: Arc::default(), bell };
        Self { outcome, waiting: VecDeque::new(), catalog }
    }

    /// What is done since the last time; chores that waited begin.
    pub fn take(&mut self) -> Vec<Msg> {
        self.begin();
        self.outcome.change(|done| std::mem::take(&mut done.messages))
    }

    /// Probes one vantage that the user picked.
    pub fn probe(&mut self, wish: ProbeWish, now: Option<&Snapshot>) {
        let Some(pid) = wish.pid else {
            let why = "no process of it is known any more".to_owned();
            return self.outcome.say(Msg::NotProbed { wish, why });
        };
        let request = ProbeRequest {
            path: wish.path.clone(),
            based_on: wish.based_on.clone(),
            pid,
            started: now.and_then(|now| now.process(pid)).map(|process| process.started),
            ids: None,
            mount_ns: wish.mount_ns,
            root: wish.root.clone(),
            credentials: wish.credentials,
        };
        self.add(Box::new(move |outcome| run_probes(&[request], outcome)));
    }

    /// Probes vantages that nobody has probed yet.
    pub fn probe_all(&mut self, requests: Vec<ProbeRequest>) {
        if requests.is_empty() {
            return;
        }
        self.add(Box::new(move |outcome| {
            for batch in requests.chunks(BATCH) {
                run_probes(batch, outcome);
            }
        }));
    }

    /// Lists a directory.
    pub fn list(&mut self, wish: ListWish) {
        let catalog = Arc::clone(&self.catalog);
        self.add(Box::new(move |outcome| list(wish, &catalog, outcome)));
    }

    /// Lists a directory again if it changed since.
    pub fn follow(&mut self, wish: ListWish) {
        if self.outcome.change(|done| std::mem::replace(&mut done.checking, true)) {
            return;
        }
        let catalog = Arc::clone(&self.catalog);
        self.add(Box::new(move |outcome| {
            let checking = Checking(outcome);
            let before = outcome.change(|done| done.listed.clone());
            if !before.is_some_and(|before| before.holds(&wish)) {
                list(wish, &catalog, outcome);
            }
            drop(checking);
        }));
    }

    /// Writes a look into a capture, with what lies in the temp dirs now.
    pub fn capture(&mut self, look: Option<Arc<Look>>) {
        let Some(look) = look else { return };
        let catalog = Arc::clone(&self.catalog);
        self.add(Box::new(move |outcome| {
            let mut now = look.snapshot.clone();
            Listings::new(catalog).fill(&mut now);
            let note = match capture::write_one(&now) {
                Ok(written) => written,
                Err(why) => format!("{why:#}"),
            };
            outcome.say(Msg::Note(note));
        }));
    }

    fn add(&mut self, chore: Chore) {
        self.waiting.push_back(chore);
        self.begin();
    }

    fn begin(&mut self) {
        while self.outcome.change(|done| done.running) < THREADS {
            let Some(chore) = self.waiting.pop_front() else { return };
            self.outcome.change(|done| done.running += 1);
            start(chore, &self.outcome);
        }
    }
}

/// Runs a chore in a thread of its own; where none can be made, here and now, which the deadlines keep short.
fn start(chore: Chore, outcome: &Outcome) {
    let slot = Arc::new(Mutex::new(Some(chore)));
    let work = {
        let (slot, outcome) = (Arc::clone(&slot), outcome.clone());
        move || finish(&slot, &outcome)
    };
    if crew::spawn("chore", work).is_err() {
        finish(&slot, outcome);
    }
}

fn finish(slot: &Mutex<Option<Chore>>, outcome: &Outcome) {
    let running = Running(outcome);
    let chore = slot.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(chore) = chore {
        chore(outcome);
    }
    drop(running);
}

/// Counts a thread as gone however it goes; a panic must not use up the threads there may be.
struct Running<'a>(&'a Outcome);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.change(|done| done.running = done.running.saturating_sub(1));
        self.0.bell.ring();
    }
}

/// Lets the next check begin however this one ends.
struct Checking<'a>(&'a Outcome);

impl Drop for Checking<'_> {
    fn drop(&mut self) {
        self.0.change(|done| done.checking = false);
    }
}

fn list(wish: ListWish, catalog: &Catalog, outcome: &Outcome) {
    let when = Stopwatch::start();
    // Before the look: what changes during it is seen by the next.
    let stamp = entries::stamp(&wish.reached);
    let asked = entries::Wish {
        dir: wish.reached.clone(),
        family: wish.family.clone(),
        order: Order::Size,
        limit: wish.limit,
        budget: LISTING,
    };
    let entries = entries::list(&asked, catalog);
    let listed = Listed { wish: wish.clone(), stamp, when, cost: when.elapsed() };
    outcome.change(|done| done.listed = Some(listed));
    outcome.say(Msg::Listed(Listing { wish, entries }));
}

fn run_probes(requests: &[ProbeRequest], outcome: &Outcome) {
    for result in probe::run(requests, PATIENCE, BATCH) {
        outcome.say(Msg::Probed(result));
    }
}
