//! What goes and what stays, in lots: by family, and by the guard that keeps it.

use crate::cmd::clean::draft::{Draft, Group};
use crate::model::work::Lot;

/// How many entries of a lot are named.
const SAMPLES: usize = 200;

/// What goes, the largest family first.
pub fn going(draft: &Draft) -> Vec<Lot> {
    draft.going_by_size().into_iter().map(|(family, group)| lot(draft, family, group)).collect()
}

/// What stays, in the order of the guards.
pub fn staying(draft: &Draft) -> Vec<Lot> {
    draft.staying_by_guard().map(|(guard, group)| lot(draft, guard.why, group)).collect()
}

fn lot(draft: &Draft, what: &str, group: &Group) -> Lot {
    let samples = draft.members(group).take(SAMPLES);
    Lot {
        what: what.to_owned(),
        entries: group.entries,
        bytes: group.bytes,
        oldest: group.oldest,
        samples: samples.map(|entry| (entry.candidate.name.clone(), entry.reason.clone())).collect(),
    }
}
