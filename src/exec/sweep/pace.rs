//! How many entries go together.
//!
//! They share two syncs of the journal and one look at who holds what, which costs as much as the machine has processes:
//! many entries are cheaper. But as long as a batch takes, what lies in it is away from its place and not yet looked at
//! there, so it stays short.

use std::time::Duration;

/// The first batch, and the smallest.
const FEW: usize = 64;
/// What a machine with few processes does within that time, and no more than memory takes with ease.
const MANY: usize = 8_192;
/// As long as a batch may take, if the look at the machine does not take longer itself.
const LONG: Duration = Duration::from_millis(100);

/// The size of the next batch.
#[derive(Debug)]
pub struct Pace(usize);

impl Default for Pace {
    fn default() -> Self {
        Self(FEW)
    }
}

impl Pace {
    pub fn size(&self) -> usize {
        self.0
    }

    /// The last one was dealt with in that time, and the look at the machine took so long.
    pub fn took(&mut self, dealing: Duration, looking: Duration) {
        let long = LONG.max(looking);
        if dealing > long {
            self.0 = (self.0 / 2).max(FEW);
        } else if dealing < long / 4 {
            self.0 = (self.0 * 4).min(MANY);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_where_entries_go_fast_and_shrinks_where_they_do_not() {
        let mut pace = Pace::default();
        let (quick, slow) = (Duration::from_millis(1), Duration::from_millis(150));
        for expected in [256, 1_024, 4_096, 8_192, 8_192] {
            pace.took(quick, quick);
            assert_eq!(pace.size(), expected);
        }
        pace.took(slow, quick);
        assert_eq!(pace.size(), 4_096);
        pace.took(slow, Duration::from_secs(1));
        assert_eq!(pace.size(), 8_192, "a dear look is worth a longer batch");
        (0..9).for_each(|_| pace.took(slow, quick));
        assert_eq!(pace.size(), FEW);
    }
}
