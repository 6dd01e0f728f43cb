//! Which entries of a temp dir are held by some process, counted by family.
//!
//! Called by `collect` after `collect::holders`, whose look may be older than the count: entries are matched by name.

use std::collections::{BTreeMap, BTreeSet};

use crate::catalog::Catalog;
use crate::collect::tallies::NO_FAMILY;
use crate::model::holder::Holding;
use crate::model::mount::Device;
use crate::model::raw_path::RawPath;
use crate::model::temp_dir::TempDir;

/// Whether every process could be read, so that an entry that nobody was seen to hold is held by nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coverage {
    /// Each of them.
    All,
    /// Some could not.
    Some,
}

/// Names of the held entries directly in each temp dir, by device and inode of the temp dir.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Held {
    by_dir: BTreeMap<(Device, u64), BTreeSet<RawPath>>,
}

impl Held {
    /// Notes the entry of `dir` to which a holding belongs; one of the directory itself belongs to none.
    pub fn note(&mut self, dir: &TempDir, holding: &Holding) {
        let below = holding.path.as_bytes().strip_prefix(holding.temp_dir.as_bytes()).unwrap_or_default();
        let mut parts = below.split(|b| *b == b'/').filter(|part| !part.is_empty());
        let Some(name) = parts.next() else { return };
        // What has lost its name is no entry any more; what lay in a directory says nothing about that directory's name.
        if holding.deleted && parts.next().is_none() {
            return;
        }
        let id = (dir.identity.device, dir.identity.inode);
        self.by_dir.entry(id).or_default().insert(RawPath::from(name));
    }

    /// Fills in the held counts of the families; where not all processes could be read nobody knows them.
    pub fn mark(&self, dirs: &mut [TempDir], catalog: &Catalog, coverage: Coverage) {
        for dir in dirs {
            let names = self.by_dir.get(&(dir.identity.device, dir.identity.inode));
            let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
            for name in names.into_iter().flatten() {
                let family = catalog.families.classify(name.as_bytes());
                *counts.entry(family.map_or(NO_FAMILY, |f| f.id.as_str())).or_default() += 1;
            }
            for (id, tally) in &mut dir.families {
                let count = counts.get(id.as_str()).copied().unwrap_or(0);
                // The count of entries may be older or newer than the look at their holders.
                let count = count.min(tally.tally.entries.0);
                tally.held = (coverage == Coverage::All).then_some(count);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::specimen;
    use crate::model::holder::How;
    use crate::model::temp_dir::{FamilyTally, Tally};
    use crate::model::units::Entries;

    fn holding(path: &str) -> Holding {
        Holding {
            pid: 7,
            how: How::Fd(3),
            path: path.into(),
            object: None,
            deleted: false,
            pins: None,
            temp_dir: "/host-tmp".into(),
        }
    }

    fn dead(path: &str) -> Holding {
        Holding { deleted: true, ..holding(path) }
    }

    fn dir() -> TempDir {
        let family = |entries| FamilyTally {
            tally: Tally { entries: Entries(entries), ..Tally::default() },
            ..FamilyTally::default()
        };
        let mut dir = specimen::temp_dir("/tmp", &[0]);
        dir.families = [("go-build".to_owned(), family(3)), (String::new(), family(1))].into();
        dir
    }

    fn held(holdings: &[Holding], coverage: Coverage) -> (Option<u64>, Option<u64>) {
        let mut dirs = [dir()];
        let mut held = Held::default();
        for holding in holdings {
            held.note(&dirs[0], holding);
        }
        held.mark(&mut dirs, &Catalog::builtin(), coverage);
        (dirs[0].families["go-build"].held, dirs[0].families[""].held)
    }

    #[test]
    fn entries_are_counted_once_however_often_they_are_held() {
        let all = [
            holding("/host-tmp/go-build123/b001/x"),
            holding("/host-tmp/go-build123"),
            holding("/host-tmp/go-build124"),
            holding("/host-tmp"),
        ];
        assert_eq!(held(&all, Coverage::All), (Some(2), Some(0)));
        assert_eq!(held(&all, Coverage::Some), (None, None), "an unread process may hold anything");
    }

    #[test]
    fn what_lost_its_name_is_no_entry_but_its_directory_may_be() {
        let all = [dead("/host-tmp/notes"), dead("/host-tmp/go-build123/x")];
        assert_eq!(held(&all, Coverage::All), (Some(1), Some(0)));
    }

    #[test]
    fn no_more_are_held_than_were_counted() {
        let all = [holding("/host-tmp/a"), holding("/host-tmp/b")];
        assert_eq!(held(&all, Coverage::All).1, Some(1));
    }
}
