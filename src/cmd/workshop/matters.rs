//! Which works a journal must not forget.

use std::collections::BTreeSet;

use super::begin_of;
use super::settle::interrupted;
use crate::cmd::undo::undone_by;
use crate::exec::journal::tally::Tally;
use crate::exec::treat;
use crate::model::journal::{Begin, Record, WorkId};
use crate::remedies::CLEAN;

/// Those of which something lies aside, those that can be taken back in their place, those that did not end; and whatever
/// changed something about the first since.
pub fn matters(records: &[Record], tally: &Tally) -> BTreeSet<WorkId> {
    let begins: Vec<&Begin> = records.iter().filter_map(begin_of).collect();
    let aside = tally.aside(&|_work| true);
    let mut all: BTreeSet<WorkId> = aside.keys().copied().collect();
    all.extend(interrupted(records).iter().map(|begin| begin.work));
    let is_deed = |begin: &&&Begin| begin.place.is_none() && begin.undoes.is_none();
    let can = |work: WorkId| treat::back::can(records, work) && undone_by(records, work).is_none();
    all.extend(begins.iter().filter(is_deed).map(|begin| begin.work).filter(|work| can(*work)));
    // What a purge freed of a work stands in the purge, and what was given back in the undo.
    let since = |begin: &&&Begin| {
        // After a boot the same quarantine has other numbers.
        let name = |begin: &Begin| begin.quarantine.as_ref().map(|(name, _)| name.clone());
        let quarantine = name(begin);
        let is_about = |other: &&Begin| {
            aside.contains_key(&other.work) && other.work < begin.work && name(other) == quarantine
        };
        begin.undoes.is_some_and(|work| all.contains(&work))
            || quarantine.is_some() && begin.action != CLEAN && begins.iter().any(is_about)
    };
    let since: Vec<WorkId> = begins.iter().filter(since).map(|begin| begin.work).collect();
    all.extend(since);
    if tally.aside(&|work| all.contains(&work)) == aside {
        all
    } else {
        begins.iter().map(|begin| begin.work).collect()
    }
}
