//! This machine, again and again: looks in a thread of its own, or in slices where no thread can be made.
//!
//! What comes of a look is decided by the judge that the caller brings; only the latest result is kept, so that a screen
//! that is late misses some and piles up none. The thread is never waited for: whoever quits leaves it to the kernel.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use crate::catalog::Catalog;
use crate::collect::{Budget, Depth, Eyes};
use crate::model::asked::Asked;
use crate::model::errno::Errno;
use crate::model::reading::{Gap, GapWhy, Strain};
use crate::model::snapshot::Snapshot;
use crate::source::nothing::nothing;
use crate::source::pace;
use crate::sys::clock::Stopwatch;
use crate::sys::crew;

/// How long one look may take while somebody watches.
const DEADLINE: Duration = Duration::from_secs(3);
/// How long one look may count, so that millions of entries come in pieces and the rest stays fresh.
const COUNTING: Duration = Duration::from_millis(400);
/// The same without a thread, when the keys wait for it.
const COUNTING_INLINE: Duration = Duration::from_millis(40);

/// What becomes of a snapshot. It may see an earlier one again: `None` asks for the last once more.
pub type Judge<T> = Box<dyn FnMut(Option<Snapshot>) -> Option<T> + Send>;

/// Whether looks go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// They do.
    Running,
    /// They wait.
    Frozen,
}

/// Looks at this machine for as long as it lives.
pub struct Live<T> {
    shared: Arc<Shared<T>>,
    inline: Option<Looker<T>>,
}

struct Shared<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
}

struct State<T> {
    latest: Option<T>,
    flow: Flow,
    rescan: bool,
    judge_again: bool,
    quit: bool,
}

impl<T: Send + 'static> Live<T> {
    /// Starts to look. `wake` is called whenever there is something to take.
    pub fn start(
        (catalog, asked): (Arc<Catalog>, Asked),
        judge: Judge<T>,
        wake: impl Fn() + Send + 'static,
    ) -> Self {
        let state =
            State { latest: None, flow: Flow::Running, rescan: false, judge_again: false, quit: false };
        let shared = Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new() });
        // The thread and the fallback need the same looker, and a refused thread drops what it was given.
        let slot = Arc::new(Mutex::new(Some(Looker::new(catalog, asked, judge))));
        let work = {
            let (shared, slot) = (Arc::clone(&shared), Arc::clone(&slot));
            move || {
                let looker = slot.lock().unwrap_or_else(PoisonError::into_inner).take();
                if let Some(looker) = looker {
                    run(looker, &shared, &wake);
                }
            }
        };
        let inline = crew::spawn("look", work).err().and_then(|refused| {
            let mut looker = slot.lock().unwrap_or_else(PoisonError::into_inner).take()?;
            looker.strain = Some(Strain { asked: "a thread".to_owned(), errno: Errno::from(refused) });
            Some(looker)
        });
        Self { shared, inline }
    }

    /// What came since the last time.
    pub fn take(&self) -> Option<T> {
        self.shared.lock().latest.take()
    }

    /// Looks now.
    pub fn rescan(&self) {
        self.change(|state| state.rescan = true);
    }

    /// Judges the last snapshot once more, because the judge knows more now.
    pub fn judge_again(&self) {
        self.change(|state| state.judge_again = true);
    }

    /// Stops or resumes looking.
    pub fn set_flow(&self, flow: Flow) {
        self.change(|state| state.flow = flow);
    }

    /// Without a thread: how long until [`Live::slice`] has something to do.
    pub fn next_slice(&self) -> Option<Duration> {
        let looker = self.inline.as_ref()?;
        let state = self.shared.lock();
        Some(if state.rescan || state.judge_again { Duration::ZERO } else { looker.left() })
    }

    /// Without a thread: does what is due. Nothing otherwise.
    pub fn slice(&mut self) {
        let Some(looker) = &mut self.inline else { return };
        let due = {
            let mut state = self.shared.lock();
            due(&mut state, looker.left())
        };
        if let Some(result) = due.and_then(|task| looker.perform(task, COUNTING_INLINE)) {
            self.shared.lock().latest = Some(result);
        }
    }

    fn change(&self, how: impl FnOnce(&mut State<T>)) {
        how(&mut self.shared.lock());
        self.shared.changed.notify_all();
    }
}

impl<T> Drop for Live<T> {
    fn drop(&mut self) {
        self.shared.lock().quit = true;
        self.shared.changed.notify_all();
    }
}

impl<T> Shared<T> {
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        // A panic while holding it cannot leave it half changed: it only holds flags and a result.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is to be done next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Task {
    Look,
    JudgeAgain,
}

fn due<T>(state: &mut State<T>, left: Duration) -> Option<Task> {
    if std::mem::take(&mut state.judge_again) {
        return Some(Task::JudgeAgain);
    }
    let asked = std::mem::take(&mut state.rescan);
    let by_itself = left.is_zero() && state.flow == Flow::Running;
    (asked || by_itself).then_some(Task::Look)
}

fn run<T>(mut looker: Looker<T>, shared: &Shared<T>, wake: &impl Fn()) {
    loop {
        let task = {
            let mut state = shared.lock();
            loop {
                if state.quit {
                    return;
                }
                if let Some(task) = due(&mut state, looker.left()) {
                    break task;
                }
                state = wait(shared, state, looker.left());
            }
        };
        if let Some(result) = looker.perform(task, COUNTING) {
            shared.lock().latest = Some(result);
            wake();
        }
    }
}

/// Waits for a change, or until the next look is due; without end while frozen.
fn wait<'a, T>(
    shared: &Shared<T>,
    state: MutexGuard<'a, State<T>>,
    left: Duration,
) -> MutexGuard<'a, State<T>>
where
    T: 'a,
{
    if state.flow == Flow::Frozen {
        return shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
    }
    shared.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0
}

/// The eyes, the judge, and when they are next needed.
struct Looker<T> {
    eyes: Option<Eyes>,
    catalog: Arc<Catalog>,
    asked: Asked,
    judge: Judge<T>,
    strain: Option<Strain>,
    looks: u64,
    rest: Duration,
    since: Stopwatch,
}

impl<T> Looker<T> {
    fn new(catalog: Arc<Catalog>, asked: Asked, judge: Judge<T>) -> Self {
        Self {
            eyes: None,
            catalog,
            asked,
            judge,
            strain: None,
            looks: 0,
            rest: Duration::ZERO,
            since: Stopwatch::start(),
        }
    }

    fn left(&self) -> Duration {
        self.since.left_of(self.rest)
    }

    fn perform(&mut self, task: Task, counting: Duration) -> Option<T> {
        match task {
            Task::JudgeAgain => (self.judge)(None),
            Task::Look => {
                let before = cpu_time();
                let now = self.look(counting);
                let result = (self.judge)(Some(now));
                self.rest = self.next_rest(cpu_time().saturating_sub(before));
                self.since = Stopwatch::start();
                self.looks += 1;
                result
            }
        }
    }

    /// A defect in a collector costs this look, not the console.
    fn look(&mut self, counting: Duration) -> Snapshot {
        let depth = if self.looks == 0 { Depth::Quick } else { Depth::Whole };
        let budget = Budget { deadline: DEADLINE, counting, depth };
        let eyes = self.eyes.take();
        let (catalog, asked) = (Arc::clone(&self.catalog), &self.asked);
        let looked = catch_unwind(AssertUnwindSafe(|| {
            let mut eyes = eyes.unwrap_or_else(|| Eyes::open(catalog));
            let now = eyes.look(asked, budget);
            (eyes, now)
        }));
        match looked {
            Ok((eyes, mut now)) => {
                self.eyes = Some(eyes);
                now.strains.extend(self.strain.clone());
                now
            }
            Err(_panic) => {
                let line = "a defect of tmpmedic ended the look".to_owned();
                nothing(self.asked.clone(), &Gap::new("this machine", GapWhy::Malformed { line }))
            }
        }
    }

    /// The first look was quick; the whole one follows at once.
    fn next_rest(&self, cost: Duration) -> Duration {
        if self.looks == 0 { Duration::ZERO } else { pace::rest(cost, 0) }
    }
}

/// Time that this thread has worked; waiting for a disk is not work.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanos = u32::try_from(time.tv_nsec).unwrap_or(0);
    Duration::new(seconds, nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(flow: Flow) -> State<()> {
        State { latest: None, flow, rescan: false, judge_again: false, quit: false }
    }

    #[test]
    fn looks_when_it_is_time_and_not_before() {
        assert_eq!(due(&mut state(Flow::Running), Duration::ZERO), Some(Task::Look));
        assert_eq!(due(&mut state(Flow::Running), Duration::from_millis(1)), None);
    }

    #[test]
    fn stays_still_while_frozen_but_for_what_is_asked() {
        let mut state = state(Flow::Frozen);
        assert_eq!(due(&mut state, Duration::ZERO), None);
        state.rescan = true;
        assert_eq!(due(&mut state, Duration::ZERO), Some(Task::Look));
        assert_eq!(due(&mut state, Duration::ZERO), None, "a rescan is one look");
        state.judge_again = true;
        assert_eq!(due(&mut state, Duration::ZERO), Some(Task::JudgeAgain));
    }
}
