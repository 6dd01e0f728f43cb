//! `make-temp-dir`: the directory that a temp variable names is made.

use super::{Card, Remedy, draft};
use crate::model::finding::Finding;
use crate::model::snapshot::Snapshot;
use crate::model::treatment::{Aim, Deed, Step, Treatment};

/// See the module's header.
pub struct MakeTempDir;

static CARD: Card = Card {
    id: "make-temp-dir",
    title: "make a missing temp dir",
    reversible: true,
    verification: "a temp dir is made there as the process that needs it",
    page: "Makes the directory, and those above it that are missing, name by name through no link, in the root directory of the process. Whoever removed it may do so again. Undo removes what is still empty and still the same.",
};

impl Remedy for MakeTempDir {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn plan(&self, now: &Snapshot, finding: &Finding) -> Option<Treatment> {
        let (action, Aim::Directory { by, path, rights }) = draft::aim(finding, &CARD)? else { return None };
        let at = draft::way(now, *by, path)?;
        let mut plan = draft::frame(now, finding, action);
        let (mode, uid, gid) = (rights.mode, rights.uid, rights.gid);
        plan.steps = vec![Step {
            does: format!("make {}, {}", path.shown(), rights.shown()),
            by_hand: format!("install -d -m {mode:04o} -o {uid} -g {gid} {}", at.reached().quoted()),
            deed: Deed::MakeDir { at, rights: *rights },
        }];
        Some(plan)
    }
}
