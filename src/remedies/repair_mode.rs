//! `repair-mode`: a directory gets the mode and owner that it must have.

use super::{Card, Remedy, draft};
use crate::model::finding::Finding;
use crate::model::snapshot::Snapshot;
use crate::model::treatment::{Aim, Deed, Rights, Step, Treatment};

/// See the module's header.
pub struct RepairMode;

static CARD: Card = Card {
    id: "repair-mode",
    title: "repair mode and owner of a directory",
    reversible: true,
    verification: "a temp dir is made there as the process that was refused",
    page: "Opens the directory, looks whether it is still the one that was seen and still has those rights, then changes owner and mode through that handle. Undo gives the old ones back unless somebody changed them since.",
};

impl Remedy for RepairMode {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn plan(&self, now: &Snapshot, finding: &Finding) -> Option<Treatment> {
        let (action, Aim::Rights { by, path, inode, from, to }) = draft::aim(finding, &CARD)? else {
            return None;
        };
        let at = draft::way(now, *by, path)?;
        let mut plan = draft::frame(now, finding, action);
        plan.steps = vec![Step {
            does: format!("{}: {} becomes {}", path.shown(), from.shown(), to.shown()),
            by_hand: by_hand(*from, *to, &at.reached().quoted()),
            deed: Deed::SetRights { at, inode: *inode, from: *from, to: *to },
        }];
        Some(plan)
    }
}

fn by_hand(from: Rights, to: Rights, path: &str) -> String {
    let chmod = format!("chmod {:04o} {path}", to.mode);
    if (from.uid, from.gid) == (to.uid, to.gid) {
        return chmod;
    }
    format!("chown {}:{} {path} && {chmod}", to.uid, to.gid)
}
