//! What a journal says of quarantines, counted while it is read and kept in runs: a clean-up of hundreds of thousands of
//! entries that were all taken back or purged since is a few numbers, and its steps need not be held.

use std::collections::{BTreeMap, BTreeSet};

use super::spans::Spans;
use crate::exec::chronicle::work_of;
use crate::exec::undo::has_no_name;
use crate::model::journal::{Act, Came, Change, Done, Record, WorkId};
use crate::model::raw_path::RawPath;

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
    steps: Spans<Step>,
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
struct Step {
    kind: Kind,
    fate: Fate,
    slot: Slot,
}

/// What is done to a name in a quarantine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Taken,
    Back,
    Purged,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// Nobody wrote that down.
    Open,
    Done,
    /// A removal of which only moved up directories are left.
    Rests,
    Not,
}

/// The names of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Slot {
    /// `OF-N`, where N is the number of the step plus `more`, around the largest number.
    Plain { of: u64, more: u64 },
    /// Any other, of one step.
    Odd(RawPath),
}

/// Names that are no longer in a quarantine, each with what is known of that.
#[derive(Clone, Debug)]
pub struct Names<V> {
    plain: BTreeMap<u64, Spans<V>>,
    odd: BTreeMap<RawPath, V>,
}

impl<V> Default for Names<V> {
    fn default() -> Self {
        Self { plain: BTreeMap::new(), odd: BTreeMap::new() }
    }
}

impl<V: Clone + PartialEq> Names<V> {
    fn add(&mut self, (first, past, slot): (u64, u64, &Slot), value: V) {
        match slot {
            Slot::Plain { of, more } => {
                let spans = self.plain.entry(*of).or_default();
                spans.set(first.wrapping_add(*more), past.wrapping_add(*more), value);
            }
            Slot::Odd(name) => drop(self.odd.insert(name.clone(), value)),
        }
    }

    /// What is known of a name.
    pub fn get(&self, name: &RawPath) -> Option<&V> {
        match plain(name) {
            Some((of, n)) => self.plain.get(&of)?.get(n),
            None => self.odd.get(name),
        }
    }

    fn remove(&mut self, (first, past, slot): (u64, u64, &Slot)) {
        match slot {
            Slot::Plain { of, more } => {
                if let Some(spans) = self.plain.get_mut(of) {
                    spans.clear(first.wrapping_add(*more), past.wrapping_add(*more));
                }
            }
            Slot::Odd(name) => drop(self.odd.remove(name)),
        }
    }

    fn covers(&self, (first, past, slot): (u64, u64, &Slot)) -> bool {
        match slot {
            Slot::Odd(name) => self.odd.contains_key(name),
            Slot::Plain { of, more } => self.plain.get(of).is_some_and(|spans| {
                let parts = spans.within(first.wrapping_add(*more), past.wrapping_add(*more));
                parts.map(|(first, past, _)| past - first).sum::<u64>() == past - first
            }),
        }
    }

    /// Takes these out of a run of steps.
    fn cut_out(&self, (first, past, slot): (u64, u64, &Slot), steps: &mut Spans<()>) {
        match slot {
            Slot::Odd(name) if self.odd.contains_key(name) => steps.clear(first, past),
            Slot::Odd(_) => {}
            Slot::Plain { of, more } => {
                let spans = self.plain.get(of).into_iter();
                for (first, past, _) in
                    spans.flat_map(|spans| spans.within(first.wrapping_add(*more), past.wrapping_add(*more)))
                {
                    steps.clear(first.wrapping_sub(*more), past.wrapping_sub(*more));
                }
            }
        }
    }
}

/// The numbers in a name that we gave: `WORK-STEP`, and nothing else that reads as the same numbers.
fn plain(name: &RawPath) -> Option<(u64, u64)> {
    let text = std::str::from_utf8(name.as_bytes()).ok()?;
    let (of, n) = text.split_once('-')?;
    let number = |text: &str| {
        let is_ours = text == "0" || !text.starts_with(['0', '+']);
        text.parse().ok().filter(|n: &u64| is_ours && *n < u64::MAX)
    };
    Some((number(of)?, number(n)?))
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

    fn taken(&self) -> impl Iterator<Item = (u64, u64, &Slot)> {
        self.runs(|step| step.kind == Kind::Taken && step.fate == Fate::Done)
    }

    fn gone(&self) -> impl Iterator<Item = (u64, u64, &Slot)> {
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

    /// What of it must be held to act.
    pub fn open(&self) -> Open<'_> {
        let aside = self.aside(&|_work| true);
        let mut settled = Names::default();
        let is_over = |counted: &Counted| counted.has_begun && counted.has_ended;
        for run in self.works.values().filter(|counted| is_over(counted)).flat_map(Counted::taken) {
            settled.add(run, ());
        }
        for run in self.works.values().filter(|counted| !is_over(counted)).flat_map(Counted::taken) {
            settled.remove(run);
        }
        let is_open = |(work, counted): &(&WorkId, &Counted)| {
            !is_over(counted)
                || counted.has_deeds
                || aside.contains_key(*work)
                || counted.gone().any(|run| !settled.covers(run))
        };
        let works = self.works.iter().filter(is_open).map(|(work, _)| *work).collect();
        Open { tally: self, aside, settled, works }
    }
}

/// Which steps whoever acts must know: of works that did not end every one; of others what is about no quarantine, what lies
/// aside, and what took something away that is not known here.
pub struct Open<'t> {
    tally: &'t Tally,
    aside: BTreeMap<WorkId, Spans<()>>,
    /// What works that ended put aside: what became of that is in `aside`.
    settled: Names<()>,
    works: BTreeSet<WorkId>,
}

impl Open<'_> {
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

/// Whether an outcome says that what was to be removed has no name any more, though not all of it was.
pub fn leaves_rests(record: &Record) -> bool {
    let Record::Outcome { steps, .. } = record else { return false };
    steps.iter().any(|came| has_no_name(&came.done))
}
