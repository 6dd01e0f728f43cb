//! What a look may cost, and how much of that is left. Called by all of `collect`, and by `source`.

use std::time::Duration;

use crate::sys::clock::Stopwatch;

/// What a look may cost.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// How long it may take in all; what was not reached by then is a gap.
    pub deadline: Duration,
    /// How much of that may go into counting entries; the count goes on at the next look.
    pub counting: Duration,
    /// How much is looked at.
    pub depth: Depth,
}

/// How much is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// What a verdict needs first; holders and caches are those of the last whole look.
    Quick,
    /// Everything.
    Whole,
}

/// A stopwatch and how far it may run.
#[derive(Clone, Copy, Debug)]
pub struct Until {
    /// Started at the beginning of the look.
    pub watch: Stopwatch,
    /// How long the look may take.
    pub deadline: Duration,
}

impl Until {
    /// What is left.
    pub fn left(self) -> Duration {
        self.watch.left_of(self.deadline)
    }

    /// Whether nothing is left.
    pub fn is_over(self) -> bool {
        self.left().is_zero()
    }
}
