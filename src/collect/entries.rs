//! The entries of one temp dir, or of a tree in it, for the drill-down.
//!
//! Only the most telling ones are kept, however many there are; sizes of trees are summed within a budget. A file system
//! that may never answer is not read. Called by `cmd` when somebody asks for a list.

use std::collections::BTreeSet;
use std::ffi::CStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use crate::catalog::Catalog;
use crate::collect::owners;
use crate::collect::parse::mountinfo;
use crate::collect::ranking::{self, Best, Order};
use crate::collect::tallies::NO_FAMILY;
use crate::model::mount::Mount;
use crate::model::raw_path::RawPath;
use crate::model::reading::{Gap, GapWhy, Reading};
use crate::model::temp_dir::Entry;
use crate::model::units::{Bytes, Entries, Micros, WallNanos};
use crate::model::vantage::Kind;
use crate::sys::clock::Stopwatch;
use crate::sys::getdents::{self, Listing};
use crate::sys::{dirfd, enter, stat};

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

/// How much of a mount table is read.
const TABLE_MAX: usize = 8 << 20;

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
/// Directories that a walk of a tree may still have before it; a tree with more is left unmeasured.
const AHEAD_MAX: usize = 100_000;

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

/// Where doubtful file systems lie below the directory.
struct Boundary {
    /// Names of entries that are mount points of such: not even looked at.
    untouchable: BTreeSet<Vec<u8>>,
    /// Names of entries that hold one somewhere: not walked into.
    unmeasured: BTreeSet<Vec<u8>>,
}

impl Boundary {
    /// Refuses a directory that itself lies on a doubtful file system.
    fn around(dir: &RawPath) -> Result<Self, GapWhy> {
        let (table, inside) = table_of(dir)?;
        let serving = table.iter().filter(|m| inside.is_below(&m.point));
        let serving = serving.max_by_key(|m| (m.point.as_bytes().len(), m.order));
        if serving.is_none_or(Mount::is_doubtful) {
            return Err(GapWhy::NotAsked);
        }
        let mut boundary = Self { untouchable: BTreeSet::new(), unmeasured: BTreeSet::new() };
        for mount in table.iter().filter(|m| m.is_doubtful() && m.point.is_below(&inside)) {
            let below = mount.point.as_bytes().get(inside.as_bytes().len()..).unwrap_or_default();
            let mut parts = below.split(|b| *b == b'/').filter(|part| !part.is_empty());
            let (Some(name), deeper) = (parts.next(), parts.next()) else { continue };
            let set = if deeper.is_none() { &mut boundary.untouchable } else { &mut boundary.unmeasured };
            set.insert(name.to_vec());
        }
        Ok(boundary)
    }

    fn gap(&self, wish: &Wish) -> Option<Gap> {
        let names = self.untouchable.iter().map(|name| RawPath::from(name.as_slice()).shown());
        let names = names.collect::<Vec<_>>().join(", ");
        let what = format!("{names} in {}, a file system that may never answer", wish.dir.shown());
        (!self.untouchable.is_empty()).then(|| Gap::new(what, GapWhy::NotAsked))
    }
}

/// The mount table that names what is reached there, and the path as that table names it.
fn table_of(dir: &RawPath) -> Result<(Vec<Mount>, RawPath), GapWhy> {
    let below = dir.as_bytes().strip_prefix(b"/proc/").unwrap_or_default();
    let digits = below.iter().take_while(|b| b.is_ascii_digit()).count();
    let inside = below.get(digits..).and_then(|rest| rest.strip_prefix(b"/root"));
    let (who, inside) = match inside.filter(|rest| digits > 0 && (rest.is_empty() || rest.starts_with(b"/")))
    {
        Some(b"") => (below.get(..digits).unwrap_or_default(), RawPath::from("/")),
        Some(inside) => (below.get(..digits).unwrap_or_default(), RawPath::from(inside)),
        None => (&b"self"[..], dir.clone()),
    };
    let proc = dirfd::open_trusted_dir(b"/proc")?;
    let file = dirfd::open_procfs_file(proc.as_fd(), &[who, b"/mountinfo"].concat())?;
    let (text, _) = dirfd::read_bounded(&file, TABLE_MAX)?;
    Ok((mountinfo::parse(&text).mounts, inside))
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

struct Tree {
    bytes: u64,
    count: u64,
    newest: i64,
    /// Whether a directory in it could not be listed.
    is_shut: bool,
}

/// How a walk went.
enum Walked {
    Whole(Tree),
    /// The budget ended first.
    Late,
    /// It cannot be read.
    Closed,
}

/// Sums a tree. No link is followed and no mount entered; a hard link counts each time that it is met.
///
/// Our own reading must not make it younger, for nobody: a directory that only its owner may list without a trace stays
/// shut to us.
fn tree(dir: &OwnedFd, name: &RawPath, budget: Duration, watch: Stopwatch) -> Walked {
    let Ok(top) = enter::unnoticed(dir.as_fd(), name.as_bytes()) else { return Walked::Closed };
    let Ok(own) = stat::of(top.as_fd()) else { return Walked::Closed };
    let mut tree = Tree { bytes: 0, count: 0, newest: i64::MIN, is_shut: false };
    let mut ahead: Vec<Vec<u8>> = vec![Vec::new()];
    let mut buffer = Vec::with_capacity(getdents::PIECE);
    while let Some(path) = ahead.pop() {
        let here = match open_below(&top, &path) {
            Ok(here) => here,
            Err(error) => {
                tree.is_shut |= error.kind() == std::io::ErrorKind::PermissionDenied;
                continue;
            }
        };
        let mut listing = Listing::new(here.as_fd(), &mut buffer);
        while let Some(Ok(entry)) = listing.next() {
            if entry.is_dot() {
                continue;
            }
            tree.count += 1;
            if tree.count.is_multiple_of(256) && watch.elapsed() >= budget || ahead.len() > AHEAD_MAX {
                return Walked::Late;
            }
            let Ok(found) = stat::at(here.as_fd(), entry.name()) else { continue };
            tree.bytes = tree.bytes.saturating_add(found.taken);
            let is_directory = found.is_directory();
            let newest = if is_directory { found.modified.max(found.changed) } else { found.newest() };
            tree.newest = tree.newest.max(newest);
            if is_directory && found.device == own.device && found.mount_root != Some(true) {
                ahead.push([&path, entry.name().to_bytes(), b"/"].concat());
            }
        }
    }
    Walked::Whole(tree)
}

/// Opens a directory of the tree for listing, name by name, so that nobody can put a link into the way.
fn open_below(top: &OwnedFd, path: &[u8]) -> std::io::Result<OwnedFd> {
    let mut names = path.split(|b| *b == b'/').filter(|name| !name.is_empty());
    let Some(mut name) = names.next() else { return dirfd::reopen_listing(top.as_fd()) };
    let mut here: Option<OwnedFd> = None;
    loop {
        let at = here.as_ref().unwrap_or(top).as_fd();
        match names.next() {
            None => return enter::unnoticed(at, name),
            Some(next) => {
                here = Some(dirfd::open_node(at, name)?);
                name = next;
            }
        }
    }
}

#[cfg(test)]
#[path = "entries_tests.rs"]
mod tests;
