//! What a look may cost, and how much of that is left. Called by all of `collect`, and by `source`.

use std::time::Duration;

use crate::sys::clock::Stopwatch;

/// Between two questions whether somebody wants an end.
const QUESTION: Duration = Duration::from_millis(20);

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

/// The time that a look has.
#[derive(Clone, Copy, Debug)]
pub struct Time {
    watch: Stopwatch,
    deadline: Duration,
}

impl Time {
    /// Whether nothing is left.
    pub fn is_over(self) -> bool {
        self.watch.left_of(self.deadline).is_zero()
    }
}

/// How far a look may run: until its time is over, or somebody wants it to end.
#[derive(Clone, Copy)]
pub struct Until<'a> {
    time: Time,
    /// Says no from then on when it has said no once.
    goes_on: Option<&'a dyn Fn() -> bool>,
}

impl Until<'static> {
    /// From now on so long.
    pub fn within(deadline: Duration) -> Self {
        Self { time: Time { watch: Stopwatch::start(), deadline }, goes_on: None }
    }
}

impl<'a> Until<'a> {
    /// The same, and no longer than that says yes; once it has said no it says no.
    pub fn and_while(self, goes_on: &'a dyn Fn() -> bool) -> Self {
        Self { goes_on: Some(goes_on), ..self }
    }

    /// Its time alone, for a thread that cannot ask: whoever started it tells it.
    pub fn time(self) -> Time {
        self.time
    }

    /// What is left.
    pub fn left(self) -> Duration {
        if self.is_stopped() { Duration::ZERO } else { self.time.watch.left_of(self.time.deadline) }
    }

    /// Whether nothing is left.
    pub fn is_over(self) -> bool {
        self.left().is_zero()
    }

    /// Whether somebody wants it to end.
    pub fn is_stopped(self) -> bool {
        self.goes_on.is_some_and(|goes_on| !goes_on())
    }

    /// Whom to ask while something else is waited for.
    pub fn goes_on(self) -> Option<&'a dyn Fn() -> bool> {
        self.goes_on
    }

    /// How long to wait at a stretch.
    pub fn patience(self) -> Duration {
        let left = self.left();
        if self.goes_on.is_some() { left.min(QUESTION) } else { left }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn whoever_wants_an_end_ends_it_before_its_time() {
        let asked = Cell::new(0);
        let goes_on = || {
            asked.set(asked.get() + 1);
            asked.get() < 3
        };
        let until = Until::within(Duration::from_mins(1)).and_while(&goes_on);
        assert!(until.patience() <= QUESTION && !until.is_over());
        assert!(until.is_over() && until.is_stopped() && until.left().is_zero());
        assert!(!until.time().is_over(), "a thread that cannot ask has its time");
        let late = Until::within(Duration::ZERO);
        assert!(late.is_over() && !late.is_stopped(), "what is late was stopped by nobody");
    }
}
