//! The most telling of many entries: only so many are kept, however many are offered.
//!
//! Called by `collect::entries`, for a directory of a million entries must not fill the memory.

use std::collections::BTreeSet;

use crate::model::raw_path::RawPath;
use crate::model::temp_dir::Entry;
use crate::model::vantage::Kind;

/// What is most telling.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Order {
    /// The largest first.
    Size,
    /// The oldest first.
    Age,
    /// By name.
    Name,
}

/// The entries that count as best so far. Directories have a list of their own, because their size is known only later.
pub struct Best {
    order: Order,
    limit: usize,
    directories: BTreeSet<Ranked>,
    others: BTreeSet<Ranked>,
}

#[derive(Clone, PartialEq, Eq)]
struct Ranked {
    rank: (i64, RawPath),
    entry: Entry,
}

impl PartialOrd for Ranked {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ranked {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.rank.cmp(&other.rank)
    }
}

impl Best {
    /// None so far, and at most `limit` of each kind.
    pub fn new(order: Order, limit: usize) -> Self {
        Self { order, limit, directories: BTreeSet::new(), others: BTreeSet::new() }
    }

    /// Keeps an entry if it is among the best.
    pub fn offer(&mut self, entry: Entry) {
        let set = if entry.kind == Kind::Directory { &mut self.directories } else { &mut self.others };
        let rank = rank(&entry, self.order);
        let worst = set.last().filter(|_| set.len() >= self.limit);
        if worst.is_some_and(|worst| worst.rank <= rank) {
            return;
        }
        set.insert(Ranked { rank, entry });
        if set.len() > self.limit {
            set.pop_last();
        }
    }

    /// The best, in no order that matters.
    pub fn into_entries(self) -> Vec<Entry> {
        self.directories.into_iter().chain(self.others).map(|ranked| ranked.entry).collect()
    }
}

/// Lower comes first.
fn rank(entry: &Entry, order: Order) -> (i64, RawPath) {
    let first = match order {
        Order::Size => -i64::try_from(entry.bytes.0).unwrap_or(i64::MAX),
        Order::Age => entry.newest.map_or(i64::MAX, |newest| newest.0),
        Order::Name => 0,
    };
    (first, entry.name.clone())
}

/// Puts entries in that order.
pub fn sort(entries: &mut [Entry], order: Order) {
    entries.sort_by_cached_key(|entry| rank(entry, order));
}
