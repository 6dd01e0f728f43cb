//! What the journals of all homes say, work by work.

use std::collections::BTreeMap;

use crate::cmd::undo as undo_command;
use crate::cmd::workshop::begin_of;
use crate::exec::chronicle;
use crate::exec::treat::back;
use crate::exec::undo::{self, Aside, Step};
use crate::model::journal::{Begin, Change, Done, Figures, Record, WorkId};
use crate::model::raw_path::RawPath;
use crate::model::units::{Bytes, WallNanos};
use crate::model::work::Purged;

/// The journals of all homes.
pub struct Book {
    homes: Vec<(RawPath, Vec<Record>)>,
    /// As whoever takes something back sees them: it may be given back by a work in another home.
    joined: Vec<Record>,
}

/// One piece of work with everything that was written of it.
pub struct Entry<'r> {
    /// Where its journal lies.
    pub home: &'r RawPath,
    /// Its beginning.
    pub begin: &'r Begin,
    /// Its steps, by number.
    pub steps: BTreeMap<u64, Step>,
    /// When it was over, how it was before and after.
    pub end: Option<(WallNanos, &'r [Figures], &'r [Figures])>,
    /// How many of its entries lie aside.
    pub aside: usize,
    /// What they hold.
    pub aside_bytes: Bytes,
    /// What can still be done about it.
    pub then: Then,
    /// What of it was removed for good since.
    pub purged: Option<Purged>,
}

/// Whether a work can be taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// It can.
    CanUndo,
    /// That work did.
    UndoneBy(WorkId),
    /// It cannot.
    Final,
}

impl Book {
    /// The journals, each with where it lies.
    pub fn of(homes: Vec<(RawPath, Vec<Record>)>) -> Self {
        let mut all = homes.iter().map(|(_, records)| records.clone());
        let own = all.next().unwrap_or_default();
        let joined = chronicle::join(own, all.collect());
        Self { homes, joined }
    }

    /// All works, those of each home together and the oldest first.
    pub fn works(&self) -> Vec<Entry<'_>> {
        let lies = undo::all_aside(&self.joined);
        let of = |(home, records)| entries(home, records, &lies).into_iter();
        let mut works: Vec<Entry<'_>> =
            self.homes.iter().map(|(home, records)| (home, &records[..])).flat_map(of).collect();
        let freed = freed(&self.joined);
        for work in &mut works {
            work.then = self.then(work);
            work.purged = purged(work, &freed);
        }
        works
    }

    fn then(&self, entry: &Entry<'_>) -> Then {
        let (begin, records) = (entry.begin, &self.joined);
        if entry.aside > 0 {
            return Then::CanUndo;
        }
        let is_in_place = begin.place.is_some();
        let undone_by = if is_in_place {
            let mut begins = records.iter().filter_map(begin_of);
            begins.find(|undo| undo.undoes == Some(begin.work)).map(|undo| undo.work)
        } else {
            undo_command::undone_by(records, begin.work)
        };
        match undone_by {
            Some(by) => Then::UndoneBy(by),
            None if !is_in_place && begin.undoes.is_none() && back::can(records, begin.work) => Then::CanUndo,
            None => Then::Final,
        }
    }
}

/// What was removed from quarantines, by its name there: by which work, and when that began.
fn freed(records: &[Record]) -> BTreeMap<&RawPath, (WorkId, WallNanos)> {
    let mut times: BTreeMap<WorkId, WallNanos> = BTreeMap::new();
    let mut meant: BTreeMap<(WorkId, u64), &RawPath> = BTreeMap::new();
    let mut freed = BTreeMap::new();
    for record in records {
        match record {
            Record::Begin(begin) => {
                times.insert(begin.work, begin.time);
            }
            Record::Intent { work, steps } => {
                for act in steps {
                    if let Change::Purge { slot, .. } = &act.change {
                        meant.insert((*work, act.step), slot);
                    }
                }
            }
            Record::Outcome { work, steps } => {
                for came in steps.iter().filter(|came| matches!(came.done, Done::Done { .. })) {
                    if let (Some(slot), Some(time)) = (meant.get(&(*work, came.step)), times.get(work)) {
                        freed.insert(*slot, (*work, *time));
                    }
                }
            }
            Record::End { .. } => {}
        }
    }
    freed
}

fn purged(entry: &Entry<'_>, freed: &BTreeMap<&RawPath, (WorkId, WallNanos)>) -> Option<Purged> {
    let slots = entry.steps.values().filter_map(|step| match &step.change {
        Change::Quarantine { slot, .. } => freed.get(slot),
        _ => None,
    });
    let last = slots.clone().max_by_key(|(by, time)| (*time, *by)).copied();
    let entries = u64::try_from(slots.count()).unwrap_or(u64::MAX);
    last.map(|(by, time)| Purged { by, time, entries })
}

/// All works of one journal, in one pass.
fn entries<'r>(
    home: &'r RawPath,
    records: &'r [Record],
    aside: &BTreeMap<WorkId, Vec<Aside>>,
) -> Vec<Entry<'r>> {
    let mut entries: BTreeMap<WorkId, Entry<'r>> = BTreeMap::new();
    for record in records {
        match record {
            Record::Begin(begin) => {
                let lies = aside.get(&begin.work).map(Vec::as_slice).unwrap_or_default();
                let aside_bytes = Bytes(lies.iter().filter_map(|one| one.bytes).map(|bytes| bytes.0).sum());
                let (steps, aside) = (BTreeMap::new(), lies.len());
                entries.insert(
                    begin.work,
                    Entry {
                        home,
                        begin,
                        steps,
                        end: None,
                        aside,
                        aside_bytes,
                        then: Then::Final,
                        purged: None,
                    },
                );
            }
            Record::Intent { work, steps } => {
                let Some(entry) = entries.get_mut(work) else { continue };
                for act in steps {
                    entry.steps.insert(act.step, Step { change: act.change.clone(), done: None });
                }
            }
            Record::Outcome { work, steps } => {
                let Some(entry) = entries.get_mut(work) else { continue };
                for came in steps {
                    if let Some(step) = entry.steps.get_mut(&came.step) {
                        step.done = Some(came.done.clone());
                    }
                }
            }
            Record::End { work, time, before, after } => {
                if let Some(entry) = entries.get_mut(work) {
                    entry.end = Some((*time, before, after));
                }
            }
        }
    }
    entries.into_values().collect()
}
