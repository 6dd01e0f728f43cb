//! What could not be seen, and what would let it be seen: the honest half of every report.

use std::collections::BTreeSet;

use crate::model::reading::{Gap, GapWhy};
use crate::model::snapshot::Snapshot;
use crate::report::{Options, safe};

/// One thing that could not be seen.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Incomplete {
    /// What was looked for.
    pub what: String,
    /// Why it was not seen.
    pub reason: String,
    /// What would let it be seen.
    pub remedy: Option<String>,
}

/// Every gap of a snapshot, what the machine refused to the tool, and what the command left undone, each once.
///
/// What this run was not asked to look at is not missing.
pub fn incomplete(now: &Snapshot, options: &Options) -> Vec<Incomplete> {
    let mut seen = BTreeSet::new();
    let gaps =
        now.gaps().into_iter().chain(&options.gaps).filter(|gap| gap.why != GapWhy::NotAsked).map(of_gap);
    let strains = now.strains.iter().map(|strain| Incomplete {
        what: format!("{} for tmpmedic itself", safe(&strain.asked)),
        reason: strain.errno.to_string(),
        remedy: Some("see the limits: cat /proc/self/limits".to_owned()),
    });
    gaps.chain(strains).filter(|item| seen.insert(item.clone())).collect()
}

fn of_gap(gap: &Gap) -> Incomplete {
    Incomplete {
        what: safe(&gap.what),
        reason: safe(&gap.why.shown()),
        remedy: gap.remedy.as_deref().map(safe),
    }
}
