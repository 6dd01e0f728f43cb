//! What lies directly in the temp dirs, for a capture: whoever opens it later has no machine to list.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::catalog::Catalog;
use crate::collect::entries::{self, Wish};
use crate::collect::ranking::Order;
use crate::model::raw_path::RawPath;
use crate::model::reading::{Gap, GapWhy, Reading};
use crate::model::snapshot::Snapshot;
use crate::model::temp_dir::{Entry, Listing, TempDir};
use crate::model::units::{Entries, WallNanos};
use crate::model::vantage::Identity;
use crate::sys::clock::Stopwatch;

/// So many entries of one directory, the largest.
const MOST_OF_ONE: usize = 5_000;
/// So many of all directories together: what a reader takes, many times over.
const MOST: usize = 20_000;
/// How long one directory may take, the sizes of trees included.
const PATIENCE: Duration = Duration::from_millis(500);
/// How long all of them may take together.
const PATIENCE_FOR_ALL: Duration = Duration::from_secs(2);
/// A directory that did not change itself may hold trees that did; so often their sizes are summed again.
const AGAIN: i64 = 60_000_000_000;

/// Lists temp dirs, and does not list again what cannot have changed.
pub struct Listings {
    catalog: Arc<Catalog>,
    known: BTreeMap<RawPath, Known>,
}

struct Known {
    identity: Identity,
    modified: WallNanos,
    at: WallNanos,
    entries: Reading<Vec<Entry>>,
}

impl Listings {
    /// Knows nothing yet.
    pub fn new(catalog: Arc<Catalog>) -> Self {
        Self { catalog, known: BTreeMap::new() }
    }

    /// Adds to a snapshot what lies in its temp dirs.
    pub fn fill(&mut self, now: &mut Snapshot) {
        let watch = Stopwatch::start();
        let mut room = MOST;
        let mut listings = Vec::new();
        let mut known = std::mem::take(&mut self.known);
        for dir in now.temp_dirs.items() {
            let before = known.remove(&dir.reached).filter(|known| known.is_fresh(dir, now.taken));
            let patience = watch.left_of(PATIENCE_FOR_ALL).min(PATIENCE);
            let limit = MOST_OF_ONE.min(room);
            let listed = before.unwrap_or_else(|| Known {
                identity: dir.identity,
                modified: dir.modified,
                at: now.taken,
                entries: self.list(dir, limit, patience),
            });
            room = room.saturating_sub(listed.entries.items().len());
            listings.push(Listing { reached: dir.reached.clone(), entries: listed.entries.clone() });
            self.known.insert(dir.reached.clone(), listed);
        }
        now.listings = listings;
    }

    fn list(&self, dir: &TempDir, limit: usize, budget: Duration) -> Reading<Vec<Entry>> {
        let what = || format!("entries of {}", dir.reached.shown());
        if limit == 0 {
            return Reading::Blind { gap: Gap::new(what(), GapWhy::OverBudget { seen: Entries(0) }) };
        }
        let wish = Wish { dir: dir.reached.clone(), family: None, order: Order::Size, limit, budget };
        let listed = entries::list(&wish, &self.catalog);
        let seen = u64::try_from(listed.items().len()).unwrap_or(u64::MAX);
        let is_cut = listed.items().len() >= limit && dir.total.entries.0 > seen;
        match listed {
            Reading::Whole { value, took } | Reading::Part { value, took, .. } if is_cut => {
                let gap = Gap::new(what(), GapWhy::OverBudget { seen: Entries(seen) });
                Reading::Part { value, took, gaps: vec![gap] }
            }
            other => other,
        }
    }
}

impl Known {
    fn is_fresh(&self, dir: &TempDir, now: WallNanos) -> bool {
        let age = now.0.saturating_sub(self.at.0);
        self.identity == dir.identity && self.modified == dir.modified && (0..AGAIN).contains(&age)
    }
}
