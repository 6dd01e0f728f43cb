//! Names in quarantines, in runs.

use std::collections::BTreeMap;

use super::spans::Spans;
use crate::model::raw_path::RawPath;

/// The names of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Slot {
    /// `OF-N`, where N is the number of the step plus `more`, around the largest number.
    Plain { of: u64, more: u64 },
    /// Any other, of one step.
    Odd(RawPath),
}

/// Names that are no longer in a quarantine, each with what is known of that.
#[derive(Clone, Debug)]
pub struct Names<V> {
    plain: BTreeMap<u64, Spans<V>>,
    odd: BTreeMap<RawPath, V>,
}

impl<V> Default for Names<V> {
    fn default() -> Self {
        Self { plain: BTreeMap::new(), odd: BTreeMap::new() }
    }
}

impl<V: Clone + PartialEq> Names<V> {
    pub(super) fn add(&mut self, (first, past, slot): (u64, u64, &Slot), value: V) {
        match slot {
            Slot::Plain { of, more } => {
                let spans = self.plain.entry(*of).or_default();
                spans.set(first.wrapping_add(*more), past.wrapping_add(*more), value);
            }
            Slot::Odd(name) => drop(self.odd.insert(name.clone(), value)),
        }
    }

    /// What is known of a name.
    pub fn get(&self, name: &RawPath) -> Option<&V> {
        match plain(name) {
            Some((of, n)) => self.plain.get(&of)?.get(n),
            None => self.odd.get(name),
        }
    }

    pub(super) fn remove(&mut self, (first, past, slot): (u64, u64, &Slot)) {
        match slot {
            Slot::Plain { of, more } => {
                if let Some(spans) = self.plain.get_mut(of) {
                    spans.clear(first.wrapping_add(*more), past.wrapping_add(*more));
                }
            }
            Slot::Odd(name) => drop(self.odd.remove(name)),
        }
    }

    pub(super) fn covers(&self, (first, past, slot): (u64, u64, &Slot)) -> bool {
        match slot {
            Slot::Odd(name) => self.odd.contains_key(name),
            Slot::Plain { of, more } => self.plain.get(of).is_some_and(|spans| {
                let parts = spans.within(first.wrapping_add(*more), past.wrapping_add(*more));
                parts.map(|(first, past, _)| past - first).sum::<u64>() == past - first
            }),
        }
    }

    /// Takes these out of a run of steps.
    pub(super) fn cut_out(&self, (first, past, slot): (u64, u64, &Slot), steps: &mut Spans<()>) {
        match slot {
            Slot::Odd(name) if self.odd.contains_key(name) => steps.clear(first, past),
            Slot::Odd(_) => {}
            Slot::Plain { of, more } => {
                let spans = self.plain.get(of).into_iter();
                for (first, past, _) in
                    spans.flat_map(|spans| spans.within(first.wrapping_add(*more), past.wrapping_add(*more)))
                {
                    steps.clear(first.wrapping_sub(*more), past.wrapping_sub(*more));
                }
            }
        }
    }
}

/// The numbers in a name that we gave: `WORK-STEP`, and nothing else that reads as the same numbers.
pub(super) fn plain(name: &RawPath) -> Option<(u64, u64)> {
    let text = std::str::from_utf8(name.as_bytes()).ok()?;
    let (of, n) = text.split_once('-')?;
    let number = |text: &str| {
        let is_ours = text == "0" || !text.starts_with(['0', '+']);
        text.parse().ok().filter(|n: &u64| is_ours && *n < u64::MAX)
    };
    Some((number(of)?, number(n)?))
}
