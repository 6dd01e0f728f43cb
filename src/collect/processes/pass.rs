//! One pass over a list of processes, by as many threads as the machine grants, none included.
//!
//! Threads take small batches from a common list. The caller works too, so that a machine at its task limit is read all
//! the same; whoever has not come back by the deadline is not waited for.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::collect::budget::Until;
use crate::collect::processes::reader::{Kept, Reader};
use crate::model::errno::Errno;
use crate::model::process::Pid;
use crate::model::reading::{GapWhy, Strain};
use crate::sys::crew;

/// Processes taken from the list at once.
const BATCH: usize = 16;
/// For fewer processes that must be read whole, starting a thread costs more than it saves.
const WORTH_A_THREAD: usize = 96;
/// Threads beyond this only get into each other's way in procfs.
const CREW_MAX: usize = 3;

/// What a pass gave.
#[derive(Debug, Default)]
pub struct Pass {
    /// The processes, in no order.
    pub kept: Vec<Kept>,
    /// How many could not be read at all, by reason; those that had ended are not counted.
    pub unseen: BTreeMap<GapWhy, u64>,
    /// How many were not reached before the deadline.
    pub unreached: u64,
    /// What the machine refused to us.
    pub strains: Vec<Strain>,
}

/// One process to read, with what is remembered of it.
#[derive(Debug)]
pub struct Job {
    /// Which.
    pub pid: Pid,
    /// What is remembered.
    pub kept: Option<Kept>,
}

/// Reads all jobs, or as many as there is time for.
pub fn run(reader: &Arc<Reader>, jobs: Vec<Job>, until: Until<'_>) -> Pass {
    let mut strains = Vec::new();
    let wanted = crew_size(jobs.iter().filter(|job| job.kept.is_none()).count());
    let board = Arc::new(Board::new(jobs));
    for _ in 0..wanted {
        let (board, reader) = (Arc::clone(&board), Arc::clone(reader));
        let time = until.time();
        let work = move || board.work(&reader, &|| time.is_over(), Share::Hired);
        if let Err(error) = crew::spawn("processes", work) {
            strains.push(Strain { asked: "a thread".to_owned(), errno: Errno::from(error) });
            break;
        }
    }
    loop {
        board.work(reader, &|| until.is_over(), Share::Caller);
        let all_are_back = board.waits_for_all(until);
        // What a hired thread left behind, for want of descriptors, is taken up here.
        if !all_are_back || until.is_over() || board.state().jobs.is_empty() {
            break;
        }
    }
    let mut pass = board.close();
    pass.strains.append(&mut strains);
    pass
}

fn crew_size(unknown: usize) -> usize {
    if unknown < WORTH_A_THREAD {
        return 0;
    }
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    cpus.saturating_sub(1).min(CREW_MAX)
}

/// Who works: a hired thread that runs out of descriptors leaves the rest to the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Share {
    Caller,
    Hired,
}

#[derive(Debug)]
struct Board {
    state: Mutex<State>,
    came_back: Condvar,
}

#[derive(Debug)]
struct State {
    jobs: Vec<Job>,
    /// Processes in batches that are out.
    out: usize,
    pass: Pass,
}

impl Board {
    fn new(jobs: Vec<Job>) -> Self {
        let state = State { jobs, out: 0, pass: Pass::default() };
        Self { state: Mutex::new(state), came_back: Condvar::new() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self, reader: &Reader, is_over: &dyn Fn() -> bool, share: Share) {
        let mut buffer = Vec::new();
        while !is_over() {
            let Some(batch) = self.take() else { return };
            let size = batch.len();
            let mut pass = Pass::default();
            let mut left = Vec::new();
            for Job { pid, kept } in batch {
                if !left.is_empty() {
                    left.push(Job { pid, kept });
                    continue;
                }
                match reader.read(pid, kept, &mut buffer) {
                    Ok(kept) => pass.kept.push(kept),
                    Err(GapWhy::Vanished) => {}
                    Err(GapWhy::NoDescriptor) if share == Share::Hired => left.push(Job { pid, kept: None }),
                    Err(why) => *pass.unseen.entry(why).or_default() += 1,
                }
            }
            let is_at_limit = !left.is_empty();
            self.give_back(size, pass, left);
            if is_at_limit {
                return;
            }
        }
    }

    fn take(&self) -> Option<Vec<Job>> {
        let mut state = self.state();
        let rest = state.jobs.len().saturating_sub(BATCH);
        let batch = state.jobs.split_off(rest);
        state.out += batch.len();
        (!batch.is_empty()).then_some(batch)
    }

    fn give_back(&self, size: usize, mut pass: Pass, mut left: Vec<Job>) {
        let mut state = self.state();
        state.out = state.out.saturating_sub(size);
        state.jobs.append(&mut left);
        state.pass.kept.append(&mut pass.kept);
        for (why, count) in pass.unseen {
            *state.pass.unseen.entry(why).or_default() += count;
        }
        self.came_back.notify_all();
    }

    /// Waits until no batch is out; false where the deadline came first.
    fn waits_for_all(&self, until: Until<'_>) -> bool {
        let mut state = self.state();
        while state.out > 0 {
            let patience = until.patience();
            if patience.is_zero() {
                return false;
            }
            state = match self.came_back.wait_timeout(state, patience) {
                Ok((state, _)) => state,
                Err(poisoned) => poisoned.into_inner().0,
            };
        }
        true
    }

    fn close(&self) -> Pass {
        let mut state = self.state();
        let mut pass = std::mem::take(&mut state.pass);
        let unreached = state.jobs.len() + state.out;
        pass.unreached = u64::try_from(unreached).unwrap_or(u64::MAX);
        state.jobs.clear();
        if pass.unseen.contains_key(&GapWhy::NoDescriptor) {
            pass.strains.push(Strain { asked: "a file descriptor".to_owned(), errno: Errno::EMFILE });
        }
        pass
    }
}
