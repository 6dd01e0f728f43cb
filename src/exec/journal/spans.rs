//! Numbers in runs: of hundreds of thousands of steps nearly all came to the same, one after the other.

use std::collections::BTreeMap;

/// What is known of each number, kept for whole runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spans<V> {
    /// By the first number of a run: the one behind its last, and what is known of all in it.
    runs: BTreeMap<u64, (u64, V)>,
}

impl<V> Default for Spans<V> {
    fn default() -> Self {
        Self { runs: BTreeMap::new() }
    }
}

impl<V: Clone + PartialEq> Spans<V> {
    /// What is known of a number.
    pub fn get(&self, at: u64) -> Option<&V> {
        let (_, (past, value)) = self.runs.range(..=at).next_back()?;
        (at < *past).then_some(value)
    }

    /// From now on that is known of all from `first` to before `past`, whatever it was.
    pub fn set(&mut self, mut first: u64, mut past: u64, value: V) {
        if first >= past {
            return;
        }
        self.clear(first, past);
        if let Some((before, (end, same))) = self.runs.range(..first).next_back()
            && (*end, same) == (first, &value)
        {
            first = *before;
        }
        if let Some((end, _)) = self.runs.get(&past).filter(|(_, same)| *same == value) {
            let end = *end;
            self.runs.remove(&past);
            past = end;
        }
        self.runs.insert(first, (past, value));
    }

    /// From now on nothing is known of these.
    pub fn clear(&mut self, first: u64, past: u64) {
        if first >= past {
            return;
        }
        let before = self.runs.range(..first).next_back().map(|(before, run)| (*before, run.clone()));
        if let Some((before, (end, value))) = before.filter(|(_, (end, _))| *end > first) {
            self.runs.insert(before, (first, value.clone()));
            if end > past {
                self.runs.insert(past, (end, value));
            }
        }
        while let Some(begin) = self.runs.range(first..past).next().map(|(begin, _)| *begin) {
            if let Some((end, value)) = self.runs.remove(&begin).filter(|(end, _)| *end > past) {
                self.runs.insert(past, (end, value));
            }
        }
    }

    /// The runs, or the parts of them, between two numbers.
    pub fn within(&self, first: u64, past: u64) -> impl Iterator<Item = (u64, u64, &V)> {
        let before = self.runs.range(..first).next_back();
        let inside = self.runs.range(first..past.max(first));
        before
            .into_iter()
            .chain(inside)
            .map(move |(begin, (end, value))| ((*begin).max(first), (*end).min(past), value))
            .filter(|(begin, end, _)| begin < end)
    }

    /// All runs.
    pub fn iter(&self) -> impl Iterator<Item = (u64, u64, &V)> {
        self.runs.iter().map(|(begin, (end, value))| (*begin, *end, value))
    }

    /// How many numbers something is known of.
    pub fn count(&self) -> u64 {
        self.iter().map(|(first, past, _)| past - first).fold(0, u64::saturating_add)
    }

    /// Whether nothing is known of any.
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn runs_say_of_each_number_what_was_said_last(
            said in proptest::collection::vec((0_u64..40, 0_u64..12, proptest::option::of(0_u8..3)), 0..60),
        ) {
            let (mut spans, mut one_by_one) = (Spans::default(), BTreeMap::new());
            for (first, length, value) in said {
                if let Some(value) = value {
                    spans.set(first, first + length, value);
                    one_by_one.extend((first..first + length).map(|n| (n, value)));
                } else {
                    spans.clear(first, first + length);
                    one_by_one.retain(|n, _| !(first..first + length).contains(n));
                }
                for n in 0..60 {
                    prop_assert_eq!(spans.get(n), one_by_one.get(&n));
                }
                prop_assert_eq!(spans.count(), one_by_one.len() as u64);
                let part: u64 = spans.within(10, 20).map(|(first, past, _)| past - first).sum();
                prop_assert_eq!(part, one_by_one.range(10..20).count() as u64);
                let runs: Vec<(u64, u64, &u8)> = spans.iter().collect();
                let apart = |two: &[(u64, u64, &u8)]| two[0].1 < two[1].0 || two[0].2 != two[1].2;
                prop_assert!(runs.windows(2).all(apart), "equal neighbours are one: {:?}", runs);
            }
        }
    }
}
