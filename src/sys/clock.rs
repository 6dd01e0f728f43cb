//! The only clock of the program: wall time, time since boot, and a stopwatch.
//!
//! Rules never come here; they take their time from the snapshot. Called by `collect`, `probe` and `cmd`.

use std::time::Duration;

use rustix::time::{ClockId, Timespec, clock_gettime};

/// Ten ticks of the slowest clock, and between two looks at it.
const TICKS: Duration = Duration::from_millis(100);
const SHORT: Duration = Duration::from_micros(500);

/// Nanoseconds since 1970-01-01 UTC; before that they are negative.
pub fn wall_nanos() -> i64 {
    nanos(clock_gettime(ClockId::Realtime))
}

/// Nanoseconds since boot, suspend included, as `starttime` of proc_pid_stat(5) counts. Source: clock_gettime(2).
pub fn boot_nanos() -> u64 {
    u64::try_from(nanos(clock_gettime(ClockId::Boottime))).unwrap_or(0)
}

/// A time that no stamp of a file has yet: whatever is changed from now on is stamped later, whatever was changed before is
/// not. Stamps are of the last tick of the clock, or finer, so the next tick is waited for: 10 ms at most.
/// Source: ktime_get_coarse_real_ts64(), multigrain timestamps (Linux 6.13).
pub fn between_stamps() -> i64 {
    let (now, watch) = (wall_nanos(), Stopwatch::start());
    // A clock that somebody sets back meanwhile is not waited for.
    while nanos(clock_gettime(ClockId::RealtimeCoarse)) <= now && watch.elapsed() < TICKS {
        std::thread::sleep(SHORT);
    }
    now
}

/// Measures how long something takes; a jump of the wall clock does not disturb it.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch {
    started: i64,
}

impl Stopwatch {
    /// Starts one.
    pub fn start() -> Self {
        Self { started: nanos(clock_gettime(ClockId::Monotonic)) }
    }

    /// Time since the start.
    pub fn elapsed(self) -> Duration {
        let passed = nanos(clock_gettime(ClockId::Monotonic)).saturating_sub(self.started);
        Duration::from_nanos(u64::try_from(passed).unwrap_or(0))
    }

    /// Microseconds since the start.
    pub fn micros(self) -> u64 {
        u64::try_from(self.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    /// What is left of `budget`; zero when it is used up.
    pub fn left_of(self, budget: Duration) -> Duration {
        budget.saturating_sub(self.elapsed())
    }
}

fn nanos(time: Timespec) -> i64 {
    time.tv_sec.saturating_mul(1_000_000_000).saturating_add(time.tv_nsec)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_forward_and_agrees_with_itself() {
        let watch = Stopwatch::start();
        let boot = boot_nanos();
        assert!(boot > 0, "a machine that runs this has been up for a while");
        assert!(boot_nanos() >= boot, "time since boot never runs backwards");
        assert!(wall_nanos() > 1_600_000_000_000_000_000, "the wall clock is later than 2020");
        assert!(watch.elapsed() < Duration::from_mins(1), "three clock readings take no minute");
        assert_eq!(watch.left_of(Duration::ZERO), Duration::ZERO);
    }
}
