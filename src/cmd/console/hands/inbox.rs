//! What workers said and nobody has taken yet.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::cmd::orders::Said;
use crate::model::work::Prospect;
use crate::sys::bell::Bell;

pub(super) struct Inbox {
    pub(super) heard: Mutex<Vec<(u64, Heard)>>,
    pub(super) bell: Arc<Bell>,
}

/// What a worker said, or became.
pub(super) enum Heard {
    Planned(Result<Box<Prospect>, String>),
    Said(Said),
    Ended,
}

impl Inbox {
    /// Puts something in, and rings.
    pub(super) fn put(&self, number: u64, heard: Heard) {
        lock(&self.heard).push((number, heard));
        self.bell.ring();
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is in there is put in and taken out whole.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
