//! One pass over one directory: entries counted by family, age and owner while they stream by.
//!
//! Memory does not grow with the number of entries. A pass can be left between two pieces and taken up again; from the
//! second piece on a second thread helps. Called by `collect::temp_dirs`.

use std::collections::BTreeMap;
use std::ffi::CStr;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::fs::FileType;

use crate::catalog::Catalog;
use crate::model::family::{Family, Safety};
use crate::model::reading::GapWhy;
use crate::model::temp_dir::{AGE_BOUNDS, FamilyTally, Tally};
use crate::model::units::{Bytes, Entries, WallNanos};
use crate::sys::clock::Stopwatch;
use crate::sys::crew;
use crate::sys::getdents::{self, EntryKind, Listing};
use crate::sys::stat::{self, Brief};

/// The id under which entries of no family stand.
pub const NO_FAMILY: &str = "";
/// Entries made while we look are a little newer than the look; only what is later than this comes from a wrong clock.
const SLACK: i64 = 60_000_000_000;

/// A pass on its way.
pub struct Pass {
    shared: Arc<Shared>,
    counts: Counts,
    /// Time spent so far.
    pub cost: Duration,
}

/// How a run of a pass ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Everything is counted.
    Finished,
    /// The budget is used up.
    Paused,
    /// The directory could not be read on.
    Failed(GapWhy),
}

/// What the threads of a pass share.
struct Shared {
    dir: OwnedFd,
    /// Held while a piece is read.
    position: Mutex<()>,
    /// Set by whoever came to the end.
    exhausted: AtomicBool,
    catalog: Arc<Catalog>,
    now: WallNanos,
    /// Names that are mount points of file systems that may never answer.
    untouchable: Vec<Vec<u8>>,
}

impl Pass {
    /// Begins a pass over a directory that was opened for listing.
    pub fn new(dir: OwnedFd, catalog: Arc<Catalog>, now: WallNanos, untouchable: Vec<Vec<u8>>) -> Self {
        let (position, exhausted) = (Mutex::new(()), AtomicBool::new(false));
        let shared = Arc::new(Shared { dir, position, exhausted, catalog, now, untouchable });
        Self { shared, counts: Counts::default(), cost: Duration::ZERO }
    }

    /// Whether it counts by that catalog.
    pub fn uses(&self, catalog: &Arc<Catalog>) -> bool {
        Arc::ptr_eq(&self.shared.catalog, catalog)
    }

    /// Counts on until the end or until the budget is used up, by one piece at least.
    pub fn run(&mut self, budget: Duration) -> Ended {
        let watch = Stopwatch::start();
        let mut hand: Option<Hand> = None;
        let mut pieces = 0_u32;
        let mut ended = work(&self.shared, &mut self.counts, &mut || {
            pieces += 1;
            if pieces == 3 && hand.is_none() {
                // A small directory is read before a thread would have started.
                hand = Hand::lend(&self.shared, watch, budget);
            }
            pieces > 1 && watch.elapsed() >= budget
        });
        if let Some((others, how)) = hand.and_then(Hand::join) {
            self.counts.merge(others);
            ended = match (ended, how) {
                (Ended::Failed(why), _) | (_, Ended::Failed(why)) => Ended::Failed(why),
                // Whoever paused did so between pieces, so nothing is left when the other has come to the end.
                (Ended::Finished, _) | (_, Ended::Finished) => Ended::Finished,
                (Ended::Paused, Ended::Paused) => Ended::Paused,
            };
        }
        self.cost += watch.elapsed();
        ended
    }

    /// What is counted so far: in all, and by family id.
    pub fn counted(&self) -> (Tally, BTreeMap<String, FamilyTally>) {
        let mut total = Tally::default();
        let mut families = BTreeMap::new();
        for (family, tally) in self.counts.named(&self.shared.catalog) {
            merge_tally(&mut total, &tally.tally);
            let known = self.shared.catalog.families.get(&family);
            let removable = known.is_some_and(|known| known.safety == Safety::Idle);
            families.insert(family, FamilyTally { removable, ..tally.clone() });
        }
        (total, families)
    }
}

/// A second thread.
struct Hand {
    thread: JoinHandle<()>,
    result: Arc<Mutex<Option<(Counts, Ended)>>>,
}

impl Hand {
    /// `None` where no thread can be made; then one thread does it all.
    fn lend(shared: &Arc<Shared>, watch: Stopwatch, budget: Duration) -> Option<Self> {
        let result = Arc::new(Mutex::new(None));
        let (place, shared) = (Arc::clone(&result), Arc::clone(shared));
        let thread = crew::spawn("count", move || {
            let mut counts = Counts::default();
            let ended = work(&shared, &mut counts, &mut || watch.elapsed() >= budget);
            if let Ok(mut place) = place.lock() {
                *place = Some((counts, ended));
            }
        });
        thread.ok().map(|thread| Self { thread, result })
    }

    fn join(self) -> Option<(Counts, Ended)> {
        self.thread.join().ok()?;
        self.result.lock().ok()?.take()
    }
}

/// Counts pieces until the directory ends or `enough` says so, which is asked between pieces.
fn work(shared: &Shared, counts: &mut Counts, enough: &mut dyn FnMut() -> bool) -> Ended {
    let mut buffer = Vec::with_capacity(getdents::PIECE);
    let mut listing = Listing::new(shared.dir.as_fd(), &mut buffer);
    loop {
        if listing.is_between_pieces() {
            if shared.exhausted.load(Ordering::Relaxed) {
                return Ended::Finished;
            }
            if enough() {
                return Ended::Paused;
            }
        }
        match listing.next_shared(&shared.position) {
            Some(Ok(entry)) if entry.is_dot() => {}
            Some(Ok(entry)) => counts.add(shared, entry.name(), entry.kind()),
            // Nothing is in a removed directory, and nothing will be. Source: getdents(2), ENOENT.
            Some(Err(error)) if error.kind() == io::ErrorKind::NotFound => {
                shared.exhausted.store(true, Ordering::Relaxed);
                return Ended::Finished;
            }
            Some(Err(error)) => return Ended::Failed(error.into()),
            None => {
                shared.exhausted.store(true, Ordering::Relaxed);
                return Ended::Finished;
            }
        }
    }
}

/// Counts by family. The key is where the family lies in the catalog, which is cheaper to compare than its id.
#[derive(Default)]
struct Counts {
    by_family: BTreeMap<usize, FamilyTally>,
}

impl Counts {
    fn add(&mut self, shared: &Shared, name: &CStr, kind: EntryKind) {
        let family = shared.catalog.families.classify(name.to_bytes());
        let looked = if shared.untouchable.iter().any(|other| other == name.to_bytes()) {
            Err(io::ErrorKind::Unsupported.into())
        } else {
            stat::brief_at(shared.dir.as_fd(), name)
        };
        let key = family.map_or(0, address);
        match looked {
            // Gone since the directory was read: it is not there any more.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(_) => add_unknown(&mut self.by_family.entry(key).or_default().tally, kind),
            Ok(brief) => add_known(self.by_family.entry(key).or_default(), brief, shared.now),
        }
    }

    fn merge(&mut self, other: Self) {
        for (key, tally) in other.by_family {
            let own = self.by_family.entry(key).or_default();
            merge_tally(&mut own.tally, &tally.tally);
            for (uid, count) in tally.owners {
                *own.owners.entry(uid).or_default() += count;
            }
        }
    }

    fn named<'a>(&'a self, catalog: &'a Catalog) -> impl Iterator<Item = (String, &'a FamilyTally)> {
        let none = self.by_family.get(&0).map(|tally| (NO_FAMILY.to_owned(), tally));
        let others = catalog
            .families
            .iter()
            .filter_map(|family| Some((family.id.clone(), self.by_family.get(&address(family))?)));
        none.into_iter().chain(others)
    }
}

fn address(family: &Family) -> usize {
    std::ptr::from_ref(family).addr()
}

fn add_unknown(tally: &mut Tally, kind: EntryKind) {
    tally.entries.0 += 1;
    tally.unknown.0 += 1;
    if kind == EntryKind::Directory {
        tally.directories.0 += 1;
    }
}

fn add_known(family: &mut FamilyTally, brief: Brief, now: WallNanos) {
    let tally = &mut family.tally;
    let is_directory = u64::from(FileType::from_raw_mode(brief.mode) == FileType::Directory);
    tally.entries.0 += 1;
    tally.directories.0 += is_directory;
    tally.bytes.0 = tally.bytes.0.saturating_add(brief.taken);
    *family.owners.entry(brief.uid).or_default() += 1;
    let newest = WallNanos(brief.newest);
    if brief.newest > now.0.saturating_add(SLACK) {
        tally.future.0 += 1;
        return;
    }
    let age = newest.age_at(now).map_or(0, |age| age.0);
    let class = AGE_BOUNDS.iter().position(|bound| age < *bound).unwrap_or(AGE_BOUNDS.len());
    if let Some(count) = tally.ages.get_mut(class) {
        *count += 1;
    }
    let [_, day, ..] = AGE_BOUNDS;
    if age >= day {
        tally.old.0 += 1;
        tally.old_directories.0 += is_directory;
    }
    tally.newest = tally.newest.max(Some(newest));
    tally.oldest = Some(tally.oldest.map_or(newest, |oldest| oldest.min(newest)));
}

/// Adds the counts of one set to those of another.
fn merge_tally(into: &mut Tally, from: &Tally) {
    let Tally { entries, directories, old, old_directories, ages, future, unknown, bytes, newest, oldest } =
        from;
    let add = |to: &mut Entries, count: &Entries| to.0 += count.0;
    add(&mut into.entries, entries);
    add(&mut into.directories, directories);
    add(&mut into.old, old);
    add(&mut into.old_directories, old_directories);
    add(&mut into.future, future);
    add(&mut into.unknown, unknown);
    for (to, count) in into.ages.iter_mut().zip(ages) {
        *to += count;
    }
    into.bytes = Bytes(into.bytes.0.saturating_add(bytes.0));
    into.newest = into.newest.max(*newest);
    into.oldest = match (into.oldest, *oldest) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    };
}

#[cfg(test)]
#[path = "tallies_tests.rs"]
mod tests;
