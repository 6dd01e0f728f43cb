//! Threads that may be refused.
//!
//! On a machine at its task limit `std::thread::spawn` panics; here the refusal is an error that the caller shows as a
//! strain and works around. Called by `collect`, `source` and `cmd`.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

/// Enough for iterative work; small enough that a tight RLIMIT_AS does not refuse it.
const STACK: usize = 1 << 20;
/// Between two questions while somebody else works.
const PAUSE: Duration = Duration::from_millis(20);

/// Starts a named thread.
///
/// # Errors
/// What the kernel answered: EAGAIN at a limit of tasks, ENOMEM without address space.
pub fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    Builder::new().name(name.to_owned()).stack_size(STACK).spawn(work)
}

/// Has it done in a thread, for as long as somebody wants it; nothing where he does not any more: the thread then goes on
/// unheard, so it must change nothing. Where no thread is to be had it is done here.
pub fn while_wanted<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> T + Send + 'static,
    wanted: &dyn Fn() -> bool,
) -> Option<T> {
    let (sender, receiver) = sync_channel(1);
    let work = Arc::new(Mutex::new(Some(work)));
    let take = |work: &Mutex<Option<_>>| work.lock().unwrap_or_else(PoisonError::into_inner).take();
    let theirs = Arc::clone(&work);
    let begun = spawn(name, move || {
        // Nobody listens where it is not wanted any more.
        take(&theirs).map(|work| sender.send(work()).ok());
    });
    let Ok(thread) = begun else { return take(&work).map(|work| work()) };
    while wanted() {
        match receiver.recv_timeout(PAUSE) {
            Ok(done) => return Some(done),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                return thread.join().err().and_then(|panic| std::panic::resume_unwind(panic));
            }
        }
    }
    None
}

/// Does both at once: `one` in a thread of its own, `other` here. Whoever is done here first asks `meanwhile` again and
/// again until the thread is done. Where no thread is to be had, one comes after the other.
#[expect(
    clippy::disallowed_methods,
    reason = "a thread that is refused is an answer of the builder used here"
)]
pub fn both<A: Send, B>(
    name: &str,
    one: &(impl Fn() -> A + Sync),
    other: impl FnOnce() -> B,
    meanwhile: &dyn Fn(),
) -> (A, B) {
    let (us, is_done) = (std::thread::current(), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let work = || {
            let done = one();
            is_done.store(true, Ordering::Release);
            us.unpark();
            done
        };
        let Ok(thread) = Builder::new().name(name.to_owned()).stack_size(STACK).spawn_scoped(scope, work)
        else {
            let here = other();
            return (one(), here);
        };
        let here = other();
        // One that panics is finished without having said that it is done.
        while !is_done.load(Ordering::Acquire) && !thread.is_finished() {
            meanwhile();
            std::thread::park_timeout(PAUSE);
        }
        (thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)), here)
    })
}

/// How many items of a list a thread takes at once.
const SHARE: usize = 16;

/// Does something with each item of a list, in two threads, and gives the answers in order: `one` in a thread of its own
/// and `other` here, each with the items that the other has not taken. Few are done here.
pub fn share<T: Sync, A: Send>(
    name: &str,
    items: &[T],
    one: &(impl Fn(&T) -> A + Sync),
    mut other: impl FnMut(&T) -> A,
    meanwhile: &dyn Fn(),
) -> Vec<A> {
    if items.len() <= SHARE {
        return items.iter().map(other).collect();
    }
    let next = AtomicUsize::new(0);
    let there = || taken(&next, items, one);
    let (mut all, here) = both(name, &there, || taken(&next, items, &mut other), meanwhile);
    all.extend(here);
    all.sort_unstable_by_key(|(at, _)| *at);
    all.into_iter().map(|(_, answer)| answer).collect()
}

/// What came of the items that nobody else took, with their places.
fn taken<T, A>(next: &AtomicUsize, items: &[T], mut each: impl FnMut(&T) -> A) -> Vec<(usize, A)> {
    let mut answers = Vec::with_capacity(items.len());
    loop {
        let first = next.fetch_add(SHARE, Ordering::Relaxed);
        let end = items.len().min(first.saturating_add(SHARE));
        let Some(share) = items.get(first..end) else { return answers };
        answers.extend((first..).zip(share.iter().map(&mut each)));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn runs_what_it_is_given() {
        let (sender, receiver) = mpsc::channel();
        let handle = spawn("crew-test", move || sender.send(7).unwrap()).unwrap();
        assert_eq!(receiver.recv().unwrap(), 7);
        handle.join().unwrap();
    }

    #[test]
    fn two_threads_share_a_list_and_its_answers_keep_their_order() {
        for count in [0, 1, SHARE, SHARE + 1, 1_000] {
            let items: Vec<usize> = (0..count).collect();
            let doubled = share("crew-test", &items, &|n| n * 2, |n| n * 2, &|| ());
            assert_eq!(doubled, items.iter().map(|n| n * 2).collect::<Vec<_>>());
        }
    }

    #[test]
    fn what_nobody_wants_any_more_is_not_waited_for() {
        assert_eq!(while_wanted("crew-test", || 7, &|| true), Some(7));
        let (release, held) = mpsc::channel::<()>();
        let asked = std::cell::Cell::new(0);
        let wanted = || {
            asked.set(asked.get() + 1);
            asked.get() < 3
        };
        let given = while_wanted("crew-test", move || held.recv(), &wanted);
        assert_eq!((given, asked.get()), (None, 3));
        drop(release);
    }

    #[test]
    fn whoever_waits_for_the_other_asks_meanwhile() {
        let (sender, receiver) = mpsc::channel();
        let receiver = Mutex::new(receiver);
        let one = || receiver.lock().unwrap().recv().unwrap();
        let done = both("crew-test", &one, || 1, &|| sender.send(2).unwrap());
        assert_eq!(done, (2, 1));
    }
}
