//! How the counts of temp dirs moved: for sparklines and rates.
//!
//! Kept here and not in a snapshot, because a snapshot is one look. One value a bucket of time, a bounded number of
//! buckets, and a flat past to the left of the first one, so that a machine where nothing moves gives frames where nothing
//! moves.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::model::units::WallNanos;

/// Length of a bucket.
const BUCKET_NANOS: i64 = 10_000_000_000;
/// Buckets kept for one dir: two minutes.
const BUCKETS: usize = 12;
/// A rate is reckoned over no less than this.
const LEAST_NANOS: i64 = 5_000_000_000;

/// Histories of all temp dirs, by the key of the dir.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Histories {
    by_dir: BTreeMap<String, VecDeque<Sample>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Sample {
    at: WallNanos,
    count: u64,
}

impl Histories {
    /// Takes the counts of one look, `None` where counting is not done; dirs that it does not name are forgotten.
    pub fn take(&mut self, at: WallNanos, counts: &[(String, Option<u64>)]) {
        let named: BTreeSet<&String> = counts.iter().map(|(dir, _)| dir).collect();
        self.by_dir.retain(|dir, _| named.contains(dir));
        for (dir, count) in counts.iter().filter_map(|(dir, count)| Some((dir, (*count)?))) {
            let samples = self.by_dir.entry(dir.clone()).or_default();
            let bucket = |sample: &Sample| sample.at.0.div_euclid(BUCKET_NANOS);
            let sample = Sample { at, count };
            // The newest value of a bucket stands for it; a clock that went back starts anew.
            if samples.back().is_some_and(|last| last.at > at) {
                samples.clear();
            }
            if samples.len() > 1 && samples.back().is_some_and(|last| bucket(last) == bucket(&sample)) {
                samples.pop_back();
            }
            samples.push_back(sample);
            while samples.len() > BUCKETS {
                samples.pop_front();
            }
        }
    }

    /// The last `n` values, the oldest first; what lies before the first look counts as the same.
    pub fn values(&self, dir: &str, n: usize) -> Vec<u64> {
        let Some(samples) = self.by_dir.get(dir) else { return Vec::new() };
        let known: Vec<u64> = samples.iter().map(|s| s.count).collect();
        let first = known.first().copied().unwrap_or(0);
        let missing = n.saturating_sub(known.len());
        let tail = known.iter().skip(known.len().saturating_sub(n));
        std::iter::repeat_n(first, missing).chain(tail.copied()).collect()
    }

    /// Entries a minute, over what is kept; `None` where it is too short to tell.
    pub fn per_minute(&self, dir: &str) -> Option<i64> {
        let samples = self.by_dir.get(dir)?;
        let (first, last) = (samples.front()?, samples.back()?);
        let nanos = last.at.0.checked_sub(first.at.0).filter(|n| *n >= LEAST_NANOS)?;
        let change = i128::from(last.count) - i128::from(first.count);
        i64::try_from(change * 60_000_000_000 / i128::from(nanos)).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> WallNanos {
        WallNanos(1_769_114_400_000_000_000 + second * 1_000_000_000)
    }

    fn fed(counts: &[(i64, u64)]) -> Histories {
        let mut histories = Histories::default();
        for (second, count) in counts {
            histories.take(at(*second), &[("/tmp".into(), Some(*count))]);
        }
        histories
    }

    #[test]
    fn a_machine_where_nothing_moves_gives_the_same_line_for_ever() {
        let once = fed(&[(0, 7)]).values("/tmp", 8);
        let often = fed(&[(0, 7), (3, 7), (31, 7), (300, 7)]).values("/tmp", 8);
        assert_eq!(once, often);
        assert_eq!(fed(&[(0, 7), (60, 7)]).per_minute("/tmp"), Some(0));
    }

    #[test]
    fn reckons_entries_a_minute() {
        assert_eq!(fed(&[(0, 100), (30, 106)]).per_minute("/tmp"), Some(12));
        assert_eq!(fed(&[(0, 100), (60, 40)]).per_minute("/tmp"), Some(-60));
        assert_eq!(fed(&[(0, 100), (1, 200)]).per_minute("/tmp"), None);
    }

    #[test]
    fn keeps_no_more_than_it_needs() {
        let many: Vec<(i64, u64)> = (0_i64..5000).map(|n| (n, n.unsigned_abs())).collect();
        let histories = fed(&many);
        assert_eq!(histories.by_dir["/tmp"].len(), BUCKETS);
        assert_eq!(histories.values("/tmp", 3).last(), Some(&4999));
    }

    #[test]
    fn a_dir_that_is_gone_is_forgotten() {
        let mut histories = fed(&[(0, 1)]);
        histories.take(at(10), &[]);
        assert!(histories.values("/tmp", 3).is_empty());
    }

    #[test]
    fn a_dir_that_is_still_being_counted_keeps_its_past() {
        let mut histories = fed(&[(0, 1), (60, 2)]);
        histories.take(at(70), &[("/tmp".into(), None)]);
        assert_eq!(histories.values("/tmp", 2), [1, 2]);
    }

    #[test]
    fn a_clock_that_goes_back_starts_anew() {
        let histories = fed(&[(100, 50), (0, 60)]);
        assert_eq!(histories.values("/tmp", 2), [60, 60]);
        assert_eq!(histories.per_minute("/tmp"), None);
    }
}
