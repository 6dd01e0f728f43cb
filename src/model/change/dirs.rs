//! What became of temp dirs and of what lies in them.

use std::collections::{BTreeMap, BTreeSet};

use super::{DirChange, FamilyChange, Fate, Figure, Pair, What};
use crate::model::process::Pid;
use crate::model::reading::GapWhy;
use crate::model::snapshot::Snapshot;
use crate::model::temp_dir::{FamilyTally, TempDir};
use crate::model::vantage::{Space, Vantage};

/// A temp dir with the look that it is of.
#[derive(Clone, Copy)]
struct Seen<'a> {
    look: &'a Snapshot,
    dir: &'a TempDir,
}

/// Every temp dir of either look.
pub(super) fn between(before: &Snapshot, after: &Snapshot) -> Vec<DirChange> {
    let of = |look| move |dir| Seen { look, dir };
    let mut left: Vec<Seen<'_>> = before.temp_dirs.items().iter().map(of(before)).collect();
    let mut changes = Vec::new();
    for now in after.temp_dirs.items().iter().map(of(after)) {
        let place = counterpart(&left, now);
        let was = place.map(|place| left.remove(place));
        changes.push(change(Pair::new(was, Some(now)), now));
    }
    changes.extend(left.into_iter().map(|was| change(Pair::new(Some(was), None), was)));
    changes
}

/// The same directory, else the one that the same processes call so.
fn counterpart(left: &[Seen<'_>], now: Seen<'_>) -> Option<usize> {
    let exact = |was: &Seen<'_>| was.dir.path == now.dir.path && was.dir.identity == now.dir.identity;
    let named = |was: &Seen<'_>| was.dir.path == now.dir.path && was.place() == now.place();
    left.iter().position(exact).or_else(|| left.iter().position(named))
}

impl<'a> Seen<'a> {
    fn vantages(self) -> impl Iterator<Item = &'a Vantage> {
        let all = self.look.vantages.items();
        self.dir.vantages.iter().filter_map(move |place| all.get(usize::try_from(*place).ok()?))
    }

    /// In whose view it is: that of the machine, or of a unit or container.
    fn place(self) -> String {
        let Some(first) = self.vantages().next() else { return String::new() };
        match self.look.namespace(first.mount_ns) {
            Some(ns) if ns.ours || ns.pids.contains(&1) => "host".to_owned(),
            _ => first.names.first().cloned().unwrap_or_else(|| first.credentials.shown()),
        }
    }

    fn space(self) -> Option<&'a Space> {
        self.vantages().find_map(|vantage| vantage.space.as_ref().ok())
    }

    /// Whether everything in it was counted, so that its figures are figures.
    fn is_counted(self) -> bool {
        !self.dir.gaps.iter().any(|gap| matches!(gap.why, GapWhy::OverBudget { .. }))
    }

    /// Processes that hold something in it, as they name it.
    fn holding(self) -> Option<u64> {
        let held = &self.look.holders.value()?.holdings;
        let views: BTreeSet<_> = self.vantages().map(|v| (v.mount_ns, &v.path)).collect();
        let is_here = |pid: Pid, path| {
            let ns = self.look.process(pid).and_then(|p| p.mount_ns.as_ref().ok().copied());
            ns.is_some_and(|ns| views.contains(&(ns, path)))
        };
        let pids: BTreeSet<Pid> =
            held.iter().filter(|h| is_here(h.pid, &h.temp_dir)).map(|h| h.pid).collect();
        u64::try_from(pids.len()).ok()
    }

    fn deleted_open(self) -> Option<u64> {
        let pinned = &self.look.holders.value()?.pinned;
        let here = pinned.iter().filter(|p| p.device == self.dir.identity.device);
        Some(here.map(|p| p.bytes.0).fold(0, u64::saturating_add))
    }

    fn figure(self, what: What) -> Option<u64> {
        let total = Some(&self.dir.total).filter(|_| self.is_counted());
        match what {
            What::Entries => total.map(|t| t.entries.0),
            What::Directories => total.map(|t| t.directories.0),
            What::Old => total.map(|t| t.old.0),
            What::OldDirectories => total.map(|t| t.old_directories.0),
            What::Bytes => total.map(|t| t.bytes.0),
            What::OwnSize => Some(self.dir.own_size.0),
            What::SpaceUsed => self.space().map(|s| s.total.0.saturating_sub(s.free.0)),
            What::SpaceFree => self.space().map(|s| s.available.0),
            // A file system that makes inodes as needed has no number of them.
            What::InodesUsed => {
                self.space().filter(|s| s.inodes.0 > 0).map(|s| s.inodes.0.saturating_sub(s.inodes_free.0))
            }
            What::InodesFree => self.space().filter(|s| s.inodes.0 > 0).map(|s| s.inodes_free.0),
            What::HoldingProcesses => self.holding(),
            What::DeletedOpen => self.deleted_open(),
        }
    }
}

/// Everything that is counted, in the order of the table.
const FIGURES: [What; 12] = [
    What::Entries,
    What::Directories,
    What::Old,
    What::OldDirectories,
    What::Bytes,
    What::OwnSize,
    What::SpaceUsed,
    What::SpaceFree,
    What::InodesUsed,
    What::InodesFree,
    What::HoldingProcesses,
    What::DeletedOpen,
];

fn change(pair: Pair<Seen<'_>>, shown: Seen<'_>) -> DirChange {
    let replaced = match (pair.before, pair.after) {
        // Device numbers and inodes mean something within one boot only, but a private /tmp is made anew by a boot too.
        (Some(was), Some(now)) => {
            (was.dir.identity.device, was.dir.identity.inode)
                != (now.dir.identity.device, now.dir.identity.inode)
        }
        _ => false,
    };
    let figure = |what: What| Figure {
        what,
        pair: Pair::new(
            pair.before.and_then(|seen| seen.figure(what)),
            pair.after.and_then(|seen| seen.figure(what)),
        ),
    };
    DirChange {
        path: shown.dir.path.clone(),
        place: shown.place(),
        fate: Fate::of(&pair),
        replaced,
        figures: FIGURES.into_iter().map(figure).collect(),
        families: families(pair),
    }
}

fn families(pair: Pair<Seen<'_>>) -> Vec<FamilyChange> {
    let before = pair.before.filter(|seen| seen.is_counted());
    let after = pair.after.filter(|seen| seen.is_counted());
    let none = BTreeMap::new();
    let had = before.map_or(&none, |seen| &seen.dir.families);
    let has = after.map_or(&none, |seen| &seen.dir.families);
    let ids: BTreeSet<&String> = had.keys().chain(has.keys()).collect();
    let mut all: Vec<FamilyChange> = ids
        .into_iter()
        .map(|id| {
            // A family that a counted directory does not have is there zero times.
            let of = |number: fn(&FamilyTally) -> u64| {
                Pair::new(
                    before.map(|_| had.get(id).map_or(0, number)),
                    after.map(|_| has.get(id).map_or(0, number)),
                )
            };
            FamilyChange {
                id: id.clone(),
                count: of(|f| f.tally.entries.0),
                old: of(|f| f.tally.old.0),
                bytes: of(|f| f.tally.bytes.0),
            }
        })
        .collect();
    let moved = |pair: &Pair<u64>| pair.delta().map_or(0, i128::unsigned_abs);
    all.sort_by_key(|family| {
        std::cmp::Reverse((family.differs(), moved(&family.count), moved(&family.bytes)))
    });
    all
}
