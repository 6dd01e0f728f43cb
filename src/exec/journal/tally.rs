//! What a journal says of quarantines, counted while it is read and kept in runs: a clean-up of hundreds of thousands of
//! entries that were all taken back or purged since is a few numbers, and its steps need not be held.

use std::collections::BTreeMap;

use super::names::{Names, Slot, plain};
use super::spans::Spans;
use crate::exec::chronicle::work_of;
use crate::exec::undo::has_no_name;
use crate::model::journal::{Act, Came, Change, Done, Record, WorkId};

/// What became of the names in quarantines, by the work that did it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    works: BTreeMap<WorkId, Counted>,
}

/// What was counted of one work.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// Whether it began here: what became of a work of another home may stand here too.
    pub has_begun: bool,
    /// Whether it ended here.
    pub has_ended: bool,
    /// Whether something in it is about no quarantine.
    pub has_deeds: bool,
    /// Its steps that are about quarantines.
    pub(super) steps: Spans<Step>,
    /// What became of steps that stand in another home.
    elsewhere: Spans<Fate>,
    /// How much of the journal it takes.
    pub weight: Weight,
}

/// How much of a journal a work takes, roughly: what will be done is told of each step, what became of it in runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Weight {
    /// Steps that were to be done.
    pub acts: usize,
    /// Beginnings and ends.
    pub frames: usize,
    /// Outcomes.
    pub outcomes: usize,
    /// Of those, the ones that say that something was left of a removal.
    pub rests: usize,
}

/// A run of steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub kind: Kind,
    pub fate: Fate,
    pub slot: Slot,
}

/// What is done to a name in a quarantine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Taken,
    Back,
    Purged,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// Nobody wrote that down.
    Open,
    Done,
    /// A removal of which only moved up directories are left.
    Rests,
    Not,
}

impl Counted {
    fn note_act(&mut self, act: &Act) {
        let (kind, slot) = match &act.change {
            Change::Quarantine { slot, .. } => (Kind::Taken, slot),
            Change::GiveBack { slot, .. } => (Kind::Back, slot),
            Change::Purge { slot, .. } => (Kind::Purged, slot),
            _ => {
                self.has_deeds = true;
                self.steps.clear(act.step, act.step.saturating_add(1));
                return;
            }
        };
        let slot = match plain(slot) {
            Some((of, n)) => Slot::Plain { of, more: n.wrapping_sub(act.step) },
            None => Slot::Odd(slot.clone()),
        };
        self.steps.set(act.step, act.step.saturating_add(1), Step { kind, fate: Fate::Open, slot });
    }

    fn note_came(&mut self, came: &Came) {
        let (first, past) = (came.step, came.step.saturating_add(1));
        let fate = match &came.done {
            Done::Done { .. } => Fate::Done,
            done if has_no_name(done) => Fate::Rests,
            Done::Kept { .. } | Done::Failed { .. } => Fate::Not,
        };
        match self.steps.get(first).cloned() {
            Some(step) => self.steps.set(first, past, Step { fate, ..step }),
            None if !self.has_begun => self.elsewhere.set(first, past, fate),
            None => {}
        }
    }

    fn runs(&self, is_it: impl Fn(&Step) -> bool) -> impl Iterator<Item = (u64, u64, &Slot)> {
        self.steps
            .iter()
            .filter(move |(.., step)| is_it(step))
            .map(|(first, past, step)| (first, past, &step.slot))
    }

    pub(super) fn taken(&self) -> impl Iterator<Item = (u64, u64, &Slot)> {
        self.runs(|step| step.kind == Kind::Taken && step.fate == Fate::Done)
    }

    pub(super) fn gone(&self) -> impl Iterator<Item = (u64, u64, &Slot)> {
        self.runs(|step| match step.kind {
            Kind::Taken => false,
            Kind::Back => step.fate == Fate::Done,
            Kind::Purged => matches!(step.fate, Fate::Done | Fate::Rests),
        })
    }

    /// What another home says of the same work.
    fn and(&mut self, other: &Self) {
        for (first, past, step) in other.steps.iter() {
            self.steps.set(first, past, step.clone());
        }
        for (first, past, fate) in other.elsewhere.iter() {
            let known: Vec<(u64, u64, Step)> = self
                .steps
                .within(first, past)
                .map(|(first, past, step)| (first, past, step.clone()))
                .collect();
            for (first, past, step) in known {
                self.steps.set(first, past, Step { fate: *fate, ..step });
            }
        }
        self.has_begun |= other.has_begun;
        self.has_ended |= other.has_ended;
        self.has_deeds |= other.has_deeds;
    }
}

impl Tally {
    /// Counts one more record.
    pub fn note(&mut self, record: &Record) {
        let counted = self.works.entry(work_of(record)).or_default();
        let weight = &mut counted.weight;
        match record {
            Record::Begin(_) => {
                weight.frames += 1;
                counted.has_begun = true;
            }
            Record::End { .. } => {
                weight.frames += 1;
                counted.has_ended = true;
            }
            Record::Intent { steps, .. } => {
                weight.acts += steps.len();
                for act in steps {
                    counted.note_act(act);
                }
            }
            Record::Outcome { steps, .. } => {
                weight.outcomes += 1;
                weight.rests += usize::from(leaves_rests(record));
                for came in steps {
                    counted.note_came(came);
                }
            }
        }
    }

    /// What was counted of each work.
    pub fn works(&self) -> impl Iterator<Item = (WorkId, &Counted)> {
        self.works.iter().map(|(work, counted)| (*work, counted))
    }

    /// What was counted of one.
    pub fn of(&self, work: WorkId) -> Option<&Counted> {
        self.works.get(&work)
    }

    /// Knows of a work what was counted elsewhere, and nothing else.
    pub fn put(&mut self, work: WorkId, counted: Counted) {
        self.works.insert(work, counted);
    }

    /// Forgets a work.
    pub fn take(&mut self, work: WorkId) -> Option<Counted> {
        self.works.remove(&work)
    }

    /// Adds what another home says of a work.
    pub fn add(&mut self, work: WorkId, counted: &Counted) {
        self.works.entry(work).or_default().and(counted);
    }

    /// The steps of each of these works whose entries lie aside, as far as these works know.
    pub fn aside(&self, of: &dyn Fn(WorkId) -> bool) -> BTreeMap<WorkId, Spans<()>> {
        let works = || self.works.iter().filter(|(work, _)| of(**work));
        let mut gone = Names::default();
        for run in works().flat_map(|(_, counted)| counted.gone()) {
            gone.add(run, ());
        }
        let mut aside: BTreeMap<WorkId, Spans<()>> = BTreeMap::new();
        for (work, counted) in works() {
            let mut steps = Spans::default();
            for run in counted.taken() {
                steps.set(run.0, run.1, ());
                gone.cut_out(run, &mut steps);
            }
            if !steps.is_empty() {
                aside.insert(*work, steps);
            }
        }
        aside
    }

    /// What was removed from quarantines, by its name there: by which work, the last one.
    pub fn purged(&self) -> Names<WorkId> {
        let mut purged = Names::default();
        for (work, counted) in &self.works {
            for run in counted.runs(|step| step.kind == Kind::Purged && step.fate == Fate::Done) {
                purged.add(run, *work);
            }
        }
        purged
    }
}

/// Whether an outcome says that what was to be removed has no name any more, though not all of it was.
pub fn leaves_rests(record: &Record) -> bool {
    let Record::Outcome { steps, .. } = record else { return false };
    steps.iter().any(|came| has_no_name(&came.done))
}
