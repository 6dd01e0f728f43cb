//! How long to rest between two looks.
//!
//! Somebody who presses keys, or a machine on which something moves, is worth two per cent of a core; a still screen that
//! nobody touches a few tenths. A look is dear on a large machine, and there freshness counts for more than thrift.

use std::time::Duration;

/// How much is going on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    /// Keys are pressed, or the last look showed something new.
    Lively,
    /// Neither.
    Calm,
}

/// Each kind of look has its own pace.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Never more often: people read a clock by the second.
    shortest: Duration,
    /// Rest for each unit of cost while lively.
    lively: u32,
    /// The same while calm.
    calm: u32,
    /// While calm, a rest longer than this is not worth what it saves, unless the look is so dear that `dear` asks for it.
    fresh: Duration,
    /// See `fresh`.
    dear: u32,
    /// Whatever a look costs, the next comes after this: a screen that stands still for minutes is of no use.
    longest: Duration,
}

/// Looks that a verdict needs: processes, mounts, vantages, counts.
pub const QUICK: Pace = Pace {
    shortest: Duration::from_secs(1),
    lively: 50,
    calm: 800,
    fresh: Duration::from_secs(5),
    dear: 80,
    longest: Duration::from_secs(15),
};

/// Looks at every open file and mapping as well, ten times as dear.
pub const WHOLE: Pace = Pace {
    shortest: Duration::from_secs(3),
    lively: 50,
    calm: 1000,
    fresh: Duration::from_mins(1),
    dear: 150,
    longest: Duration::from_mins(5),
};

impl Pace {
    /// The rest after a look that took `cost` of one core.
    pub fn rest(self, cost: Duration, mood: Mood) -> Duration {
        let rest = match mood {
            Mood::Lively => cost.saturating_mul(self.lively),
            Mood::Calm => cost.saturating_mul(self.calm).min(cost.saturating_mul(self.dear).max(self.fresh)),
        };
        rest.clamp(self.shortest, self.longest)
    }
}

/// What the last looks of one kind cost.
#[derive(Clone, Copy, Debug, Default)]
pub struct Costs {
    last: Option<Duration>,
    before: Option<Duration>,
}

impl Costs {
    /// Takes note of one more.
    pub fn add(&mut self, cost: Duration) {
        *self = Self { last: Some(cost), before: self.last };
    }

    /// What the next will cost: the lesser of two in a row, because on a busy machine a single look may seem to cost ten
    /// times as much, and the rest after it would grow likewise.
    pub fn usual(self) -> Duration {
        [self.last, self.before].into_iter().flatten().min().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(pace: Pace, cost: Duration, mood: Mood) -> f64 {
        cost.as_secs_f64() / (cost + pace.rest(cost, mood)).as_secs_f64()
    }

    #[test]
    fn a_calm_machine_of_ordinary_size_costs_less_than_three_tenths_of_a_per_cent() {
        let (quick, whole) = (Duration::from_micros(6_700), Duration::from_millis(60));
        let sum = share(QUICK, quick, Mood::Calm) + share(WHOLE, whole, Mood::Calm);
        assert!(sum <= 0.003, "{sum}");
    }

    #[test]
    fn a_large_machine_costs_less_than_two_per_cent_while_calm_and_five_while_lively() {
        let (quick, whole) = (Duration::from_millis(90), Duration::from_millis(950));
        let sum = |mood| share(QUICK, quick, mood) + share(WHOLE, whole, mood);
        assert!(sum(Mood::Calm) <= 0.02, "{}", sum(Mood::Calm));
        assert!(sum(Mood::Lively) <= 0.05, "{}", sum(Mood::Lively));
    }

    #[test]
    fn a_hiccup_does_not_stop_the_looks() {
        let mut costs = Costs::default();
        assert_eq!(costs.usual(), Duration::ZERO);
        costs.add(Duration::from_millis(7));
        costs.add(Duration::from_secs(2));
        assert_eq!(costs.usual(), Duration::from_millis(7));
        costs.add(Duration::from_secs(2));
        assert_eq!(costs.usual(), Duration::from_secs(2), "twice in a row is no hiccup");
        assert!(QUICK.rest(costs.usual(), Mood::Lively) <= Duration::from_secs(15), "and still it goes on");
    }

    #[test]
    fn a_cheap_look_is_taken_every_second_while_something_moves() {
        assert_eq!(QUICK.rest(Duration::from_millis(7), Mood::Lively), Duration::from_secs(1));
        assert!(QUICK.rest(Duration::from_millis(7), Mood::Calm) <= Duration::from_secs(6));
    }
}
