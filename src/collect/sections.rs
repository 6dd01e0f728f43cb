//! Sections of a snapshot that could not be looked at, or not as a whole. Called by `collect::Eyes`.

use crate::collect::budget::Until;
use crate::collect::ourselves;
use crate::model::asked::Asked;
use crate::model::reading::{Gap, GapWhy, Reading};
use crate::model::snapshot::{SCHEMA, Snapshot};
use crate::model::units::{BootNanos, Entries, WallNanos};

/// A section, or the gap that stands for it where the deadline has passed.
pub(super) fn unless_late<T>(until: Until<'_>, what: &str, look: impl FnOnce() -> Reading<T>) -> Reading<T> {
    if until.is_over() {
        return Reading::Blind { gap: Gap::new(what, GapWhy::OverBudget { seen: Entries(0) }) };
    }
    look()
}

/// Adds to what a section did not see.
pub(super) fn add_gaps<T>(reading: &mut Reading<T>, mut more: Vec<Gap>) {
    if more.is_empty() {
        return;
    }
    let placeholder = Reading::Blind { gap: Gap::new("", GapWhy::NotAsked) };
    *reading = match std::mem::replace(reading, placeholder) {
        Reading::Whole { value, took } => Reading::Part { value, took, gaps: more },
        Reading::Part { value, took, mut gaps } => {
            gaps.append(&mut more);
            Reading::Part { value, took, gaps }
        }
        blind @ Reading::Blind { .. } => blind,
    };
}

/// What can be said without procfs.
pub(super) fn blind(asked: &Asked, clocks: (WallNanos, BootNanos), why: &GapWhy) -> Snapshot {
    let why = if *why == GapWhy::Vanished { &GapWhy::Absent } else { why };
    let gap = |what: &str| Gap {
        remedy: Some("mount -t proc proc /proc".to_owned()),
        ..Gap::new(format!("{what}: /proc cannot be opened"), why.clone())
    };
    Snapshot {
        schema: SCHEMA.to_owned(),
        taken: clocks.0,
        boot: clocks.1,
        eyes: ourselves::find(None, None, std::process::id(), clocks),
        asked: asked.clone(),
        host: nothing(gap("the machine")),
        processes: nothing(gap("processes")),
        namespaces: nothing(gap("mount tables")),
        vantages: nothing(gap("vantages")),
        temp_dirs: nothing(gap("temp dirs")),
        holders: nothing(gap("holders")),
        caches: nothing(gap("recorded failures of cargo")),
        probes: Vec::new(),
        log: Vec::new(),
        strains: Vec::new(),
        listings: Vec::new(),
    }
}

/// A section of which nothing was seen.
pub(super) fn nothing<T>(gap: Gap) -> Reading<T> {
    Reading::Blind { gap }
}
