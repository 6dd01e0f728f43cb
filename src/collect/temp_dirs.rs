//! Counts what is in the temp dirs, by family, age and owner.
//!
//! Decides which directories are counted and when: one whose mtime has not moved is not read again, a large one is read
//! over several looks, and its last whole count stays until the next is complete. Which directories there are is
//! `collect::targets`, the reading itself `collect::tallies`. Called by `collect`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use crate::catalog::Catalog;
use crate::collect::tallies::{Ended, Pass};
use crate::collect::targets::{Id, Target, targets};
use crate::model::mount::MountNamespace;
use crate::model::reading::{GapWhy, Reading};
use crate::model::temp_dir::{FamilyTally, Tally, TempDir};
use crate::model::units::{Micros, WallNanos};
use crate::model::vantage::{Facts, Vantage};
use crate::sys::clock::{self, Stopwatch};

/// Ages shift even where nothing changes, so an unchanged directory is counted again after this.
const AGES_GOOD_FOR: u64 = 60_000_000_000;
/// A count may take one part in so many of the time: with all other work, less than 5 % of a core.
const SHARE: u32 = 25;
/// The clock by which file systems stamp moves in steps of some milliseconds; a change within one step shows no new mtime.
const CLOCK_STEP: i64 = 50_000_000;

/// Counts temp dirs over many looks.
#[derive(Default)]
pub struct Counter {
    known: BTreeMap<Id, Known>,
    /// At most one is open at a time, so that few descriptors are needed.
    open: Option<(Id, Pass, Version)>,
}

/// What the directory was like when a count began, by which it is known to have changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Version {
    modified: WallNanos,
    changed: WallNanos,
}

/// The last count of one directory.
struct Known {
    total: Tally,
    families: BTreeMap<String, FamilyTally>,
    /// `None` where a change within the clock's step may have been missed.
    version: Option<Version>,
    /// Nanoseconds since boot at its end.
    counted: u64,
    cost: Duration,
    failed: Option<GapWhy>,
}

impl Counter {
    /// Nothing counted yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Counts the temp dirs that these vantages lead to, within `budget`; what is not finished goes on at the next call.
    ///
    /// A directory on a doubtful mount is not read, and one that was only bound into a container is no temp dir.
    pub fn count(
        &mut self,
        vantages: &[Vantage],
        namespaces: &[MountNamespace],
        catalog: &Arc<Catalog>,
        now: WallNanos,
        budget: Duration,
    ) -> Reading<Vec<TempDir>> {
        let watch = Stopwatch::start();
        let targets = targets(vantages, namespaces);
        self.known.retain(|id, _| targets.iter().any(|t| t.id == *id));
        self.open = self
            .open
            .take()
            .filter(|(id, pass, _)| pass.uses(catalog) && targets.iter().any(|t| t.id == *id && !t.doubtful));
        // Each once a look: a small one that keeps changing would be due again before the others had their turn.
        let mut done = BTreeSet::new();
        while let Some(target) = self.next_due(&targets, &done) {
            done.insert(target.id);
            let left = watch.left_of(budget);
            if left.is_zero() && self.has_any(&targets) {
                break;
            }
            self.advance(target, catalog, now, left);
            if left.is_zero() {
                break;
            }
        }
        let dirs = targets.iter().map(|target| self.temp_dir(target)).collect();
        Reading::of(dirs, Micros(watch.micros()), Vec::new())
    }

    /// Whether something is counted at all: the very first look makes progress however small its budget.
    fn has_any(&self, targets: &[Target<'_>]) -> bool {
        self.open.is_some() || targets.iter().any(|t| self.known.contains_key(&t.id))
    }

    /// The directory to go on with: the one that is open, else one never counted (the smallest first), else one whose
    /// count is out of date.
    fn next_due<'t, 'a>(&self, targets: &'t [Target<'a>], done: &BTreeSet<Id>) -> Option<&'t Target<'a>> {
        if let Some((open, ..)) = &self.open {
            return targets.iter().find(|t| t.id == *open);
        }
        let now = clock::boot_nanos();
        let due = targets.iter().filter(|t| !t.doubtful && !done.contains(&t.id) && self.is_due(t, now));
        due.min_by_key(|t| (self.known.contains_key(&t.id), t.facts.size))
    }

    fn is_due(&self, target: &Target<'_>, now: u64) -> bool {
        let Some(known) = self.known.get(&target.id) else { return true };
        let since = now.saturating_sub(known.counted);
        let pause = u64::try_from((known.cost * SHARE).as_nanos()).unwrap_or(u64::MAX);
        let unchanged = known.version == Some(version(target.facts));
        since >= if unchanged { pause.max(AGES_GOOD_FOR) } else { pause }
    }

    fn advance(&mut self, target: &Target<'_>, catalog: &Arc<Catalog>, now: WallNanos, budget: Duration) {
        let (mut pass, version) = match self.open.take() {
            Some((_, pass, version)) => (pass, version),
            None => match target.open() {
                Ok(dir) => {
                    let untouchable = target.untouchable.clone();
                    (Pass::new(dir, Arc::clone(catalog), now, untouchable), version(target.facts))
                }
                Err(why) => return self.fail(target, why, Duration::ZERO),
            },
        };
        match pass.run(budget) {
            Ended::Paused => self.open = Some((target.id, pass, version)),
            Ended::Failed(why) => self.fail(target, why, pass.cost),
            Ended::Finished => {
                let (total, families) = pass.counted();
                let settled = version.modified.0.saturating_add(CLOCK_STEP) < now.0;
                let version = settled.then_some(version);
                let (counted, cost) = (clock::boot_nanos(), pass.cost);
                self.known.insert(target.id, Known { total, families, version, counted, cost, failed: None });
            }
        }
    }

    fn fail(&mut self, target: &Target<'_>, why: GapWhy, cost: Duration) {
        let known = self.known.entry(target.id).or_insert_with(|| Known {
            total: Tally::default(),
            families: BTreeMap::new(),
            version: None,
            counted: 0,
            cost,
            failed: None,
        });
        // A refusal stays one until something changes; a want of descriptors or a lost way may be over at the next look.
        known.version = (why == GapWhy::Denied).then(|| version(target.facts));
        known.failed = Some(why);
        known.counted = clock::boot_nanos();
    }

    fn temp_dir(&self, target: &Target<'_>) -> TempDir {
        let known = self.known.get(&target.id);
        let running = self.open.as_ref().filter(|(id, ..)| *id == target.id).map(|(_, pass, _)| pass);
        let (total, families) = match (known, running) {
            (Some(known), _) => (known.total.clone(), known.families.clone()),
            (None, Some(pass)) => pass.counted(),
            (None, None) => Default::default(),
        };
        let why = match (known.and_then(|k| k.failed.clone()), known) {
            _ if target.doubtful => Some(GapWhy::NotAsked),
            (Some(why), _) => Some(why),
            (None, None) => Some(GapWhy::OverBudget { seen: total.entries }),
            (None, Some(_)) => None,
        };
        let path = target.vantages.first().map(|(_, v)| v.path.clone()).unwrap_or_default();
        TempDir {
            gaps: why.into_iter().map(|why| target.gap(&path, why)).collect(),
            path,
            reached: target.ways.first().cloned().unwrap_or_default(),
            identity: target.identity,
            vantages: target.vantages.iter().map(|(at, _)| *at).collect(),
            total,
            families,
            own_size: target.facts.size,
            links: target.facts.links,
            modified: target.facts.modified,
        }
    }
}

fn version(facts: &Facts) -> Version {
    Version { modified: facts.modified, changed: facts.changed }
}

#[cfg(test)]
#[path = "temp_dirs_tests.rs"]
mod tests;
