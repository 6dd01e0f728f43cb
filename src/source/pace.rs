//! How long to rest between two looks.

use std::time::Duration;

/// People read a clock by the second; faster is of no use.
const SHORTEST: Duration = Duration::from_secs(1);
/// A look that takes seconds is still repeated while somebody watches.
const LONGEST: Duration = Duration::from_secs(30);
/// A machine on which nothing happens need not be asked every second.
const QUIET: Duration = Duration::from_secs(3);

/// The rest after a look that took `cost` of one core, the `unchanged`-th in a row that showed nothing new.
///
/// A cheap look may take a third of a per cent of a core, a dear one up to two: then freshness counts for more.
pub fn rest(cost: Duration, unchanged: u32) -> Duration {
    let gentle = cost.saturating_mul(300);
    let fresh = cost.saturating_mul(60).max(SHORTEST * 2);
    let calm = if unchanged >= 3 { QUIET } else { SHORTEST };
    gentle.min(fresh).clamp(SHORTEST, LONGEST).max(calm)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(cost_ms: u64) -> f64 {
        let cost = Duration::from_millis(cost_ms);
        cost.as_secs_f64() / (cost + rest(cost, 0)).as_secs_f64()
    }

    #[test]
    fn takes_little_of_a_core_whatever_a_look_costs() {
        for cost_ms in [1, 3] {
            assert!(share(cost_ms) <= 0.0034, "{cost_ms} ms");
        }
        for cost_ms in [10, 50, 100, 400] {
            assert!(share(cost_ms) <= 0.02, "{cost_ms} ms");
        }
    }

    #[test]
    fn looks_every_second_where_that_is_cheap_and_something_moves() {
        assert_eq!(rest(Duration::from_millis(2), 0), SHORTEST);
        assert_eq!(rest(Duration::from_millis(2), 9), QUIET);
    }
}
