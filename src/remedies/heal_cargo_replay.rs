//! `heal-cargo-replay`: the file in which cargo recorded a failure goes, so that cargo looks again.

use super::{Card, Remedy, draft};
use crate::model::finding::Finding;
use crate::model::snapshot::Snapshot;
use crate::model::treatment::{Aim, Deed, Step, Treatment};

/// See the module's header.
pub struct HealCargoReplay;

static CARD: Card = Card {
    id: "heal-cargo-replay",
    title: "remove a failure that cargo replays",
    reversible: true,
    verification: "the file is gone; the next build makes it anew",
    page: "Reads the record once more, and removes it only where it still holds a failed compiler probe. Its text is kept in the journal for an undo. cargo makes the record anew in a tenth of a second.",
};

impl Remedy for HealCargoReplay {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn plan(&self, now: &Snapshot, finding: &Finding) -> Option<Treatment> {
        let (action, Aim::Record { by, path }) = draft::aim(finding, &CARD)? else { return None };
        let at = draft::way(now, *by, path)?;
        let reached = at.reached().quoted();
        let mut plan = draft::frame(now, finding, action);
        plan.notes = vec![
            "Cleaning /tmp will not help here: the failure is recorded, nothing is tried anew.".to_owned(),
        ];
        plan.proofs.clear();
        plan.steps = vec![Step {
            does: format!("remove {}, if it still holds the failure", path.shown()),
            by_hand: format!("grep -q '\"success\":false' {reached} && rm -- {reached}"),
            deed: Deed::RemoveRecord { at },
        }];
        Some(plan)
    }
}
