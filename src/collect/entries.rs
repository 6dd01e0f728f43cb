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
use crate::collect::tallies::NO_FAMILY;
use crate::model::mount::Mount;
use crate::model::raw_path::RawPath;
use crate::model::reading::{Gap, GapWhy, Reading};
use crate::model::temp_dir::Entry;
use crate::model::units::{Bytes, Entries, Micros, WallNanos};
use crate::model::vantage::Kind;
use crate::sys::clock::Stopwatch;
use crate::sys::getdents::{self, Listing};
use crate::sys::{dirfd, stat};

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

/// How much of a mount table is read.
const TABLE_MAX: usize = 8 << 20;
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
    let mut best = Best::new(wish);
    match collect(&dir, wish, catalog, &fence, &mut best, watch) {
        Ok(None) => {}
        Ok(Some(seen)) => gaps.push(over_budget(wish, "entries", seen)),
        Err(error) => return blind(error.into()),
    }
    let mut entries = best.into_entries();
    if let Some(gap) = measure(&dir, &mut entries, wish, &fence, watch) {
        gaps.push(gap);
    }
    sort(&mut entries, wish.order);
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

/// The entries that count as best so far. Directories have a list of their own, because their size is known only later.
struct Best {
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
    fn new(wish: &Wish) -> Self {
        let (directories, others) = (BTreeSet::new(), BTreeSet::new());
        Self { order: wish.order, limit: wish.limit, directories, others }
    }

    fn offer(&mut self, entry: Entry) {
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

    fn into_entries(self) -> Vec<Entry> {
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

fn sort(entries: &mut [Entry], order: Order) {
    entries.sort_by_cached_key(|entry| rank(entry, order));
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

/// Adds to each directory what lies below it, as long as the budget lasts.
fn measure(
    dir: &OwnedFd,
    entries: &mut [Entry],
    wish: &Wish,
    fence: &Boundary,
    watch: Stopwatch,
) -> Option<Gap> {
    let walkable =
        |e: &&mut Entry| e.kind == Kind::Directory && !fence.unmeasured.contains(e.name.as_bytes());
    for (measured, entry) in (0..).zip(entries.iter_mut().filter(walkable)) {
        let tree = if watch.elapsed() < wish.budget {
            tree(dir, &entry.name, wish.budget, watch)
        } else {
            Walked::Late
        };
        match tree {
            Walked::Late => return Some(over_budget(wish, "sizes of trees", measured)),
            Walked::Closed => {}
            Walked::Whole(tree) => {
                entry.bytes.0 = entry.bytes.0.saturating_add(tree.bytes);
                entry.below = Some(Entries(tree.count));
                entry.newest = entry.newest.max(Some(WallNanos(tree.newest)));
            }
        }
    }
    None
}

struct Tree {
    bytes: u64,
    count: u64,
    newest: i64,
}

/// How a walk went.
enum Walked {
    Whole(Tree),
    /// The budget ended first.
    Late,
    /// It cannot be read without making it younger, or not at all.
    Closed,
}

/// Sums a tree. No link is followed and no mount entered; a hard link counts each time that it is met. Reading a directory
/// makes it younger unless the kernel is asked not to, and the age of leftovers is what a diagnosis rests on, so what
/// must not be asked for is not read.
fn tree(dir: &OwnedFd, name: &RawPath, budget: Duration, watch: Stopwatch) -> Walked {
    let Ok(root) = dirfd::open_listing_unseen(dir.as_fd(), name.as_bytes()) else { return Walked::Closed };
    let Ok(own) = stat::of(root.as_fd()) else { return Walked::Closed };
    let mut tree = Tree { bytes: 0, count: 0, newest: i64::MIN };
    let mut buffer = Vec::with_capacity(getdents::PIECE);
    // By the handle of the root, so that nobody can exchange it for a link meanwhile.
    let mut ahead = vec![RawPath::from(".")];
    while let Some(path) = ahead.pop() {
        let Ok(here) = dirfd::open_listing_unseen(root.as_fd(), path.as_bytes()) else { continue };
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
            tree.newest = tree.newest.max(found.changed).max(found.modified);
            if found.is_directory() && found.device == own.device {
                ahead.push(path.join(entry.name().to_bytes()));
            }
        }
    }
    Walked::Whole(tree)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::scratch;

    const AMPLE: Duration = Duration::from_mins(1);

    fn wish(dir: &tempfile::TempDir, order: Order, limit: usize) -> Wish {
        Wish { dir: RawPath::from(scratch::bytes(dir)), family: None, order, limit, budget: AMPLE }
    }

    fn names(found: &Reading<Vec<Entry>>) -> Vec<String> {
        found.items().iter().map(|e| e.name.shown()).collect()
    }

    fn tree_of(dir: &tempfile::TempDir) {
        std::fs::create_dir_all(dir.path().join("go-build1/b001")).unwrap();
        std::fs::write(dir.path().join("go-build1/b001/pkg.a"), vec![1; 300_000]).unwrap();
        std::fs::write(dir.path().join("rustcVAIpSt"), vec![1; 50_000]).unwrap();
        std::fs::write(dir.path().join("notes"), b"x").unwrap();
    }

    #[test]
    fn the_largest_come_first_with_what_lies_below_them() {
        let dir = scratch::dir();
        tree_of(&dir);
        let found = list(&wish(&dir, Order::Size, 2), &Catalog::builtin());
        assert!(found.is_whole());
        assert_eq!(names(&found), ["go-build1", "rustcVAIpSt"]);
        let first = &found.items()[0];
        assert_eq!((first.family.as_str(), first.below), ("go-build", Some(Entries(2))));
        assert!(first.bytes.0 >= 300_000);
        assert!(found.items()[1].below.is_none());
    }

    #[test]
    fn one_family_or_none_can_be_asked_for() {
        let dir = scratch::dir();
        tree_of(&dir);
        let catalog = Catalog::builtin();
        let of = |family: &str| {
            let wish = Wish { family: Some(family.into()), ..wish(&dir, Order::Name, 10) };
            names(&list(&wish, &catalog))
        };
        assert_eq!(of("rustc"), ["rustcVAIpSt"]);
        assert_eq!(of(NO_FAMILY), ["notes"]);
        assert!(of("no-such-family").is_empty());
    }

    #[test]
    fn only_the_best_are_kept_however_many_there_are() {
        let dir = scratch::dir();
        for n in 0..500 {
            std::fs::File::create(dir.path().join(format!("n{n:03}"))).unwrap();
        }
        let catalog = Catalog::builtin();
        assert_eq!(names(&list(&wish(&dir, Order::Name, 3), &catalog)), ["n000", "n001", "n002"]);
        let oldest = list(&wish(&dir, Order::Age, 3), &catalog);
        assert!(oldest.items().is_sorted_by_key(|e| e.newest));
        assert_eq!(oldest.items().len(), 3);
    }

    #[test]
    fn trees_may_be_listed_level_by_level_and_through_a_process() {
        let dir = scratch::dir();
        tree_of(&dir);
        let inner = Wish {
            dir: RawPath::from(format!("/proc/{}/root", std::process::id()).as_str())
                .join(&scratch::bytes(&dir)[1..])
                .join(b"go-build1"),
            ..wish(&dir, Order::Size, 5)
        };
        assert_eq!(names(&list(&inner, &Catalog::builtin())), ["b001"]);
    }

    #[test]
    fn a_budget_that_ends_leaves_sizes_unknown_and_says_so() {
        let dir = scratch::dir();
        tree_of(&dir);
        let hasty = Wish { budget: Duration::ZERO, ..wish(&dir, Order::Size, 5) };
        let found = list(&hasty, &Catalog::builtin());
        assert!(matches!(found.gaps()[0].why, GapWhy::OverBudget { .. }));
        assert!(found.items().iter().all(|e| e.below.is_none()));
    }

    #[test]
    fn looking_makes_nothing_younger() {
        let dir = scratch::dir();
        tree_of(&dir);
        let long_ago = rustix::fs::Timespec { tv_sec: 1_600_000_000, tv_nsec: 0 };
        let times = rustix::fs::Timestamps { last_access: long_ago, last_modification: long_ago };
        let paths = ["", "go-build1", "go-build1/b001"].map(|below| dir.path().join(below));
        for path in &paths {
            rustix::fs::utimensat(rustix::fs::CWD, path, &times, rustix::fs::AtFlags::empty()).unwrap();
        }
        assert_eq!(list(&wish(&dir, Order::Size, 5), &Catalog::builtin()).items()[0].below, Some(Entries(2)));
        for path in &paths {
            let parent = rustix::fs::open(path, rustix::fs::OFlags::PATH, rustix::fs::Mode::empty()).unwrap();
            assert_eq!(
                stat::of(parent.as_fd()).unwrap().accessed,
                1_600_000_000_000_000_000,
                "{}",
                path.display()
            );
        }
    }

    #[test]
    fn links_are_shown_and_not_followed_and_what_is_gone_is_a_gap() {
        let dir = scratch::dir();
        std::os::unix::fs::symlink("/proc", dir.path().join("way out")).unwrap();
        let found = list(&wish(&dir, Order::Name, 5), &Catalog::builtin());
        assert_eq!(found.items()[0].kind, Kind::Link);
        let through =
            Wish { dir: RawPath::from(scratch::bytes(&dir)).join(b"way out"), ..wish(&dir, Order::Name, 5) };
        assert!(matches!(list(&through, &Catalog::builtin()), Reading::Blind { .. }));
    }

    #[test]
    fn the_table_of_the_right_process_is_asked() {
        let (_, inside) =
            table_of(&format!("/proc/{}/root/tmp/x", std::process::id()).as_str().into()).unwrap();
        assert_eq!(inside, "/tmp/x".into());
        assert_eq!(table_of(&"/tmp/x".into()).unwrap().1, "/tmp/x".into());
        assert_eq!(table_of(&"/proc/self/root/x".into()).unwrap().1, "/proc/self/root/x".into());
        assert!(table_of(&format!("/proc/{}/root/x", u32::MAX).as_str().into()).is_err());
    }
}
