//! This machine, again and again: looks in a thread of its own, or in slices where no thread can be made.
//!
//! What comes of a look is decided by the judge that the caller brings; only the latest result is kept, so that a screen
//! that is late misses some and piles up none. The thread is never waited for: whoever quits leaves it to the kernel.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::catalog::Catalog;
use crate::model::asked::Asked;
use crate::model::errno::Errno;
use crate::model::reading::Strain;
use crate::source::looker::{Judge, Looker, Task, Watched};
use crate::sys::clock::Stopwatch;
use crate::sys::crew;

/// How long one look may count, so that millions of entries come in pieces and the rest stays fresh.
const COUNTING: Duration = Duration::from_millis(400);
/// The same without a thread, when the keys wait for it.
const COUNTING_INLINE: Duration = Duration::from_millis(40);
/// After a key, how long somebody is taken to be watching.
const ATTENTION: Duration = Duration::from_secs(10);

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
    /// When a key was pressed last. The start counts as none: the first looks come fast as it is, because they bring news.
    attended: Option<Stopwatch>,
}

impl<T> State<T> {
    fn new() -> Self {
        Self {
            latest: None,
            flow: Flow::Running,
            rescan: false,
            judge_again: false,
            quit: false,
            attended: None,
        }
    }

    fn watched(&self) -> Watched {
        match self.attended {
            Some(attended) if !attended.left_of(ATTENTION).is_zero() => Watched::Yes,
            _ => Watched::No,
        }
    }
}

impl<T: Send + 'static> Live<T> {
    /// Starts to look. `wake` is called whenever there is something to take.
    pub fn start(
        (catalog, asked): (Arc<Catalog>, Asked),
        judge: Judge<T>,
        wake: impl Fn() + Send + 'static,
    ) -> Self {
        let shared = Arc::new(Shared { state: Mutex::new(State::new()), changed: Condvar::new() });
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

    /// Somebody watches: looks come sooner for a while.
    pub fn attend(&self) {
        self.change(|state| state.attended = Some(Stopwatch::start()));
    }

    /// Stops or resumes looking.
    pub fn set_flow(&self, flow: Flow) {
        self.change(|state| state.flow = flow);
    }

    /// Without a thread: how long until [`Live::slice`] has something to do.
    pub fn next_slice(&self) -> Option<Duration> {
        let looker = self.inline.as_ref()?;
        let state = self.shared.lock();
        Some(if state.rescan || state.judge_again { Duration::ZERO } else { looker.left(state.watched()) })
    }

    /// Without a thread: does what is due. Nothing otherwise.
    pub fn slice(&mut self) {
        let Some(looker) = &mut self.inline else { return };
        let due = {
            let mut state = self.shared.lock();
            let left = looker.left(state.watched());
            due(&mut state, left)
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

fn due<T>(state: &mut State<T>, left: Duration) -> Option<Task> {
    if std::mem::take(&mut state.judge_again) {
        return Some(Task::JudgeAgain);
    }
    if std::mem::take(&mut state.rescan) {
        return Some(Task::Rescan);
    }
    let is_time = left.is_zero() && state.flow == Flow::Running;
    is_time.then(|| Task::Look(state.watched()))
}

fn run<T>(mut looker: Looker<T>, shared: &Shared<T>, wake: &impl Fn()) {
    loop {
        let task = {
            let mut state = shared.lock();
            loop {
                if state.quit {
                    return;
                }
                let left = looker.left(state.watched());
                if let Some(task) = due(&mut state, left) {
                    break task;
                }
                state = wait(shared, state, left);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_when_it_is_time_and_not_before() {
        let mut state = State::<()>::new();
        assert_eq!(due(&mut state, Duration::ZERO), Some(Task::Look(Watched::No)));
        assert_eq!(due(&mut state, Duration::from_millis(1)), None);
        state.attended = Some(Stopwatch::start());
        assert_eq!(due(&mut state, Duration::ZERO), Some(Task::Look(Watched::Yes)));
    }

    #[test]
    fn stays_still_while_frozen_but_for_what_is_asked() {
        let mut state = State::<()> { flow: Flow::Frozen, ..State::new() };
        assert_eq!(due(&mut state, Duration::ZERO), None);
        state.rescan = true;
        assert_eq!(due(&mut state, Duration::ZERO), Some(Task::Rescan));
        assert_eq!(due(&mut state, Duration::ZERO), None, "a rescan is one look");
        state.judge_again = true;
        assert_eq!(due(&mut state, Duration::ZERO), Some(Task::JudgeAgain));
    }
}
