//! How many helper processes there may be, those included that did not come back in time.
//!
//! A process in state D cannot be killed and may not be waited for: it is left to itself and looked at again whenever
//! another helper is to be started.

use std::io;
use std::process::Child;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How many there may be at once.
const PLACES: usize = 4;
/// Between two looks whether a place has become free.
const SHORT: Duration = Duration::from_micros(100);

/// Helpers that did not end in time, each with its place.
static STRAYS: Mutex<Vec<(Child, Place)>> = Mutex::new(Vec::new());
/// How many places are taken.
static TAKEN: AtomicUsize = AtomicUsize::new(0);

/// Whether a helper could be started now without waiting for a place.
pub fn has_room() -> bool {
    reap_strays();
    TAKEN.load(Ordering::Acquire) < PLACES
}

/// The right to have one helper process; free again when dropped.
#[derive(Debug)]
pub(super) struct Place(());

impl Place {
    /// Takes a place, at the latest when nothing is left to wait.
    ///
    /// # Errors
    /// `TimedOut` where none became free, at once where every one is held by a helper that is stuck.
    pub(super) fn wait_for(left: impl Fn() -> Duration) -> io::Result<Self> {
        loop {
            let strays = reap_strays();
            let next = |taken| (taken < PLACES).then_some(taken + 1);
            if TAKEN.fetch_update(Ordering::AcqRel, Ordering::Acquire, next).is_ok() {
                return Ok(Self(()));
            }
            if strays >= PLACES || left().is_zero() {
                let why = format!("{strays} earlier helper processes are still stuck in the kernel");
                return Err(io::Error::new(io::ErrorKind::TimedOut, why));
            }
            std::thread::sleep(SHORT);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        TAKEN.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Leaves a helper to itself; its place is free when it has ended.
pub(super) fn add_stray(stray: (Child, Place)) {
    STRAYS.lock().unwrap_or_else(PoisonError::into_inner).push(stray);
}

/// Forgets the strays that have ended meanwhile; says how many are left.
fn reap_strays() -> usize {
    let mut strays = STRAYS.lock().unwrap_or_else(PoisonError::into_inner);
    strays.retain_mut(|(child, _)| matches!(child.try_wait(), Ok(None)));
    strays.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_out_no_more_places_than_there_are() {
        let none = || Duration::ZERO;
        let places: Vec<Place> = (0..PLACES).map(|_| Place::wait_for(none).unwrap()).collect();
        assert!(!has_room());
        let error = Place::wait_for(none).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut, "{error}");
        drop(places);
        assert!(has_room(), "a place that is given back is free");
    }
}
