//! What of a journal must be held to act.

use std::collections::{BTreeMap, BTreeSet};

use super::names::Names;
use super::spans::Spans;
use super::tally::{Counted, Fate, Kind, Step, Tally};
use crate::model::journal::{Record, WorkId};

/// Which steps whoever acts must know: of works that did not end every one; of others what is about no quarantine, what lies
/// aside, and what took something away that is not known here.
pub struct Open<'t> {
    tally: &'t Tally,
    aside: BTreeMap<WorkId, Spans<()>>,
    /// What works that ended put aside: what became of that is in `aside`.
    settled: Names<()>,
    works: BTreeSet<WorkId>,
}

impl<'t> Open<'t> {
    /// By what was counted of it.
    pub fn of(tally: &'t Tally) -> Self {
        let aside = tally.aside(&|_work| true);
        let mut settled = Names::default();
        let is_over = |counted: &Counted| counted.has_begun && counted.has_ended;
        for run in tally
            .works()
            .map(|(_, counted)| counted)
            .filter(|counted| is_over(counted))
            .flat_map(Counted::taken)
        {
            settled.add(run, ());
        }
        for run in tally
            .works()
            .map(|(_, counted)| counted)
            .filter(|counted| !is_over(counted))
            .flat_map(Counted::taken)
        {
            settled.remove(run);
        }
        let is_open = |(work, counted): &(WorkId, &Counted)| {
            !is_over(counted)
                || counted.has_deeds
                || aside.contains_key(work)
                || counted.gone().any(|run| !settled.covers(run))
        };
        let works = tally.works().filter(is_open).map(|(work, _)| work).collect();
        Self { tally, aside, settled, works }
    }

    /// Whether any step of it is one of them.
    pub fn has(&self, work: WorkId) -> bool {
        self.works.contains(&work)
    }

    /// The record with those of its steps; nothing where none is left.
    pub fn only(&self, record: Record) -> Option<Record> {
        match record {
            Record::Intent { work, mut steps } => {
                steps.retain(|act| self.is_needed(work, act.step));
                steps.shrink_to_fit();
                (!steps.is_empty()).then_some(Record::Intent { work, steps })
            }
            Record::Outcome { work, mut steps } => {
                // An outcome of nothing is a record all the same.
                let was_empty = steps.is_empty();
                steps.retain(|came| self.is_needed(work, came.step));
                steps.shrink_to_fit();
                (was_empty || !steps.is_empty()).then_some(Record::Outcome { work, steps })
            }
            frame => Some(frame),
        }
    }

    fn is_needed(&self, work: WorkId, step: u64) -> bool {
        let Some(counted) = self.tally.of(work).filter(|it| it.has_begun && it.has_ended) else {
            return true;
        };
        match counted.steps.get(step) {
            None => true,
            Some(Step { kind: Kind::Taken, .. }) => {
                self.aside.get(&work).is_some_and(|steps| steps.get(step).is_some())
            }
            Some(Step { fate: Fate::Done | Fate::Rests, slot, .. }) => {
                !self.settled.covers((step, step.saturating_add(1), slot))
            }
            Some(_) => false,
        }
    }
}
