//! The entries of one temp dir, or of a tree in it, for the drill-down.
//!
//! Only the most telling ones are kept, however many there are; sizes of trees are summed within a budget. A file system
//! that may never answer is not read. Called by `cmd` when somebody asks for a list.

mod boundary;
#[cfg(test)]
mod tests;
mod tree;

use std::ffi::CStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use crate::catalog::Catalog;
use crate::collect::owners;
use crate::collect::ranking::{self, Best, Order};
use crate::collect::tallies::NO_FAMILY;
use crate::model::raw_path::RawPath;
use crate::model::reading::{Gap, GapWhy, Reading};
use crate::model::temp_dir::Entry;
use crate::model::units::{Bytes, Entries, Micros, WallNanos};
use crate::model::vantage::Kind;
use crate::sys::clock::Stopwatch;
use crate::sys::getdents::{self, Listing};
use crate::sys::{dirfd, stat};
use boundary::Boundary;
use tree::{Walked, tree};

/// What somebody wants to see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// The directory, where our own process reaches it: `reached` of a temp dir, or below it.
    pub dir: RawPath,
    /// Only the entries of that family; the empty id is those of none.
    pub family: Option<String>,
    /// Which come first.
    pub order: Order,
    /// How many.
    pub limit: usize,
    /// How long it may take, the sizes of trees included.
    pub budget: Duration,
}

/// What changes about a directory whenever a name in it comes, goes or is exchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    object: ((u32, u32), u64),
    changed: (i64, i64),
}

/// The stamp of a directory, without reading it; `None` where it cannot be looked at, or lies on a file system that may
/// never answer.
pub fn stamp(dir: &RawPath) -> Option<Stamp> {
    Boundary::around(dir).ok()?;
    let stat = stat::of(dirfd::open_resolved(dir.as_bytes()).ok()?.as_fd()).ok()?;
    Some(Stamp { object: (stat.device, stat.inode), changed: (stat.modified, stat.changed) })
}

/// Lists them.
pub fn list(wish: &Wish, catalog: &Catalog) -> Reading<Vec<Entry>> {
    let watch = Stopwatch::start();
    let blind = |why| Reading::Blind { gap: Gap::new(format!("entries of {}", wish.dir.shown()), why) };
    let fence = match Boundary::around(&wish.dir) {
        Ok(fence) => fence,
        Err(why) => return blind(why),
    };
    let opened =
        dirfd::open_resolved(wish.dir.as_bytes()).and_then(|node| dirfd::reopen_listing(node.as_fd()));
    let dir = match opened {
        Ok(dir) => dir,
        Err(error) => return blind(error.into()),
    };
    let mut gaps: Vec<Gap> = fence.gap(wish).into_iter().collect();
    let mut best = Best::new(wish.order, wish.limit);
    match collect(&dir, wish, catalog, &fence, &mut best, watch) {
        Ok(None) => {}
        Ok(Some(seen)) => gaps.push(over_budget(wish, "entries", seen)),
        Err(error) => return blind(error.into()),
    }
    let mut entries = best.into_entries();
    gaps.extend(measure(&dir, &mut entries, wish, &fence, watch));
    ranking::sort(&mut entries, wish.order);
    entries.truncate(wish.limit);
    Reading::of(entries, Micros(watch.micros()), gaps)
}

fn over_budget(wish: &Wish, what: &str, seen: u64) -> Gap {
    Gap::new(format!("{what} of {}", wish.dir.shown()), GapWhy::OverBudget { seen: Entries(seen) })
}

/// Offers every wanted entry; says how many were seen where the budget ended first.
fn collect(
    dir: &OwnedFd,
    wish: &Wish,
    catalog: &Catalog,
    fence: &Boundary,
    best: &mut Best,
    watch: Stopwatch,
) -> std::io::Result<Option<u64>> {
    let mut buffer = Vec::with_capacity(getdents::PIECE);
    let mut listing = Listing::new(dir.as_fd(), &mut buffer);
    let mut seen = 0;
    loop {
        if listing.is_between_pieces() && seen > 0 && watch.elapsed() >= wish.budget {
            return Ok(Some(seen));
        }
        let Some(entry) = listing.next() else { return Ok(None) };
        let entry = entry?;
        if entry.is_dot() {
            continue;
        }
        seen += 1;
        let name = entry.name().to_bytes();
        let family = catalog.families.classify(name).map_or(NO_FAMILY, |family| family.id.as_str());
        let wanted = wish.family.as_ref().is_none_or(|wanted| wanted == family);
        if wanted
            && !fence.untouchable.contains(name)
            && let Some(entry) = look(dir.as_fd(), entry.name(), family)
        {
            best.offer(entry);
        }
    }
}

fn look(dir: BorrowedFd<'_>, name: &CStr, family: &str) -> Option<Entry> {
    let stat = stat::at(dir, name).ok()?;
    Some(Entry {
        name: RawPath::from(name.to_bytes()),
        kind: owners::kind_of(&stat),
        family: family.to_owned(),
        uid: stat.uid,
        mode: stat.mode & 0o7777,
        bytes: Bytes(stat.taken),
        below: None,
        newest: Some(WallNanos(stat.newest())),
    })
}

/// Adds to each directory what lies below it, as long as the budget lasts; says what it could not add.
fn measure(
    dir: &OwnedFd,
    entries: &mut [Entry],
    wish: &Wish,
    fence: &Boundary,
    watch: Stopwatch,
) -> Option<Gap> {
    let walkable =
        |e: &&mut Entry| e.kind == Kind::Directory && !fence.unmeasured.contains(e.name.as_bytes());
    let mut shut = 0;
    for (measured, entry) in (0..).zip(entries.iter_mut().filter(walkable)) {
        let tree = if watch.elapsed() < wish.budget {
            tree(dir, &entry.name, wish.budget, watch)
        } else {
            Walked::Late
        };
        match tree {
            Walked::Late => return Some(over_budget(wish, "sizes of trees", measured)),
            Walked::Closed => shut += 1,
            Walked::Whole(tree) => {
                shut += u64::from(tree.is_shut);
                entry.bytes.0 = entry.bytes.0.saturating_add(tree.bytes);
                entry.below = Some(Entries(tree.count));
                entry.newest = entry.newest.max(Some(WallNanos(tree.newest)));
            }
        }
    }
    let what = if shut == 1 { "a tree of another user" } else { "trees of other users" };
    let count = if shut == 1 { String::new() } else { format!("{} ", Entries(shut)) };
    (shut > 0)
        .then(|| Gap::new(format!("what lies in {count}{what} in {}", wish.dir.shown()), GapWhy::Denied))
}
