//! What the journals of all homes say, work by work.

use std::collections::{BTreeMap, BTreeSet};

use crate::cmd::undo as undo_command;
use crate::cmd::workshop::begin_of;
use crate::exec::chronicle;
use crate::exec::journal::tally::Tally;
use crate::exec::journal::{History, JournalError, Names, Spans};
use crate::exec::treat::back;
use crate::exec::undo::Step;
use crate::model::journal::{Begin, Change, Done, Figures, Record, WorkId};
use crate::model::raw_path::RawPath;
use crate::model::units::{Bytes, WallNanos};
use crate::model::work::Purged;

use super::words::{is_done, is_stopped};

/// The journals of all homes.
pub struct Book {
    homes: Vec<(RawPath, History)>,
    /// Homes that are there and cannot be read.
    unread: Vec<RawPath>,
    /// As whoever takes something back sees them: it may be given back by a work in another home. Of works in a quarantine
    /// only beginnings and ends.
    joined: Vec<Record>,
    /// What lies aside, by its work.
    lies: BTreeMap<WorkId, Spans<()>>,
    freed: Names<WorkId>,
}

/// One piece of work with what was written of it; its steps are [`Book::steps`].
pub struct Entry<'b> {
    /// Where its journal lies.
    pub home: &'b RawPath,
    /// Its beginning.
    pub begin: &'b Begin,
    /// What became of its steps, counted.
    pub counts: Counts,
    /// When it was over, how it was before and after.
    pub end: Option<(WallNanos, &'b [Figures], &'b [Figures])>,
    /// Where it is written how it ended, if not in its own home: it was interrupted, and settled from there.
    pub settled_in: Option<&'b RawPath>,
    /// Where that may be written, and cannot be read.
    pub unread: &'b [RawPath],
    /// How many of its entries lie aside.
    pub aside: u64,
    /// What they hold.
    pub aside_bytes: Bytes,
    /// What can still be done about it.
    pub then: Then,
    /// What of it was removed for good since.
    pub purged: Option<Purged>,
}

/// How many steps came to what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// All.
    pub all: u64,
    /// Done.
    pub done: u64,
    /// Not begun after a stop.
    pub stopped: u64,
    /// Not known.
    pub unknown: u64,
    /// Put aside.
    pub taken: u64,
    /// Removed for good.
    pub gone: u64,
    /// To be removed for good.
    pub removals: u64,
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
    /// The journals, each with where it lies, and homes that cannot be read.
    pub fn of(homes: Vec<(RawPath, History)>, unread: Vec<RawPath>) -> Self {
        let mut all = homes.iter().map(|(_, history)| history);
        let own = all.next();
        let records = |history: &History| history.records.clone();
        let mut known: BTreeSet<WorkId> = own.into_iter().flat_map(begun).map(|begin| begin.work).collect();
        let (mut tally, mut others) = (Tally::default(), Vec::new());
        for history in all {
            let fit = chronicle::fit(&history.records, &known);
            for (work, counted) in history.tally.works().filter(|(work, _)| fit.contains(work)) {
                tally.add(work, counted);
            }
            known.extend(fit);
            others.push(records(history));
        }
        // What became of a work of another home stands in ours, so that comes first.
        for (work, counted) in own.into_iter().flat_map(|history| history.tally.works()) {
            tally.add(work, counted);
        }
        let joined = chronicle::join(own.map(records).unwrap_or_default(), others);
        let (lies, freed) = (tally.aside(&|_work| true), tally.purged());
        Self { homes, unread, joined, lies, freed }
    }

    /// Whether no journal could be read, or there is none.
    pub fn is_empty(&self) -> bool {
        self.homes.is_empty()
    }

    /// Hears all works, those of each home together and the oldest first.
    ///
    /// # Errors
    /// What `each` says; or a journal that cannot be read any more.
    pub fn works(&self, each: &mut dyn FnMut(Entry<'_>) -> anyhow::Result<()>) -> anyhow::Result<()> {
        for (home, history) in &self.homes {
            let mut begins: Vec<&Begin> = begun(history).collect();
            begins.sort_by_key(|begin| begin.work);
            for begin in begins {
                each(self.entry(home, begin)?)?;
            }
        }
        Ok(())
    }

    fn entry<'b>(&'b self, home: &'b RawPath, begin: &'b Begin) -> Result<Entry<'b>, JournalError> {
        let work = begin.work;
        let lies = self.lies.get(&work);
        let mut entry = Entry {
            home,
            begin,
            counts: Counts::default(),
            end: None,
            settled_in: None,
            unread: &[],
            aside: lies.map_or(0, Spans::count),
            aside_bytes: Bytes(0),
            then: Then::Final,
            purged: None,
        };
        for (at, history) in self.sources(home, work) {
            let end = history.records.iter().rev().find_map(|record| match record {
                Record::End { work: of, time, before, after } if *of == work => {
                    Some((*time, &before[..], &after[..]))
                }
                _ => None,
            });
            if entry.end.is_none() && end.is_some() {
                (entry.end, entry.settled_in) = (end, (at != home).then_some(at));
            }
        }
        if entry.end.is_none() {
            entry.unread = &self.unread;
        }
        let (mut bytes, mut freed) = (0_u64, BTreeMap::<WorkId, u64>::new());
        let mut counts = Counts::default();
        self.steps(home, work, &mut |number, step| {
            counts.add(step);
            if let Change::Quarantine { slot, bytes: held, .. } = &step.change {
                if lies.is_some_and(|lies| lies.get(number).is_some()) {
                    bytes = bytes.saturating_add(held.unwrap_or_default().0);
                }
                if let Some(by) = self.freed.get(slot) {
                    *freed.entry(*by).or_default() += 1;
                }
            }
        })?;
        (entry.counts, entry.aside_bytes) = (counts, Bytes(bytes));
        entry.then = self.then(&entry);
        entry.purged = self.purged(&freed);
        Ok(entry)
    }

    /// Where something is written of a work of that home: there, and where it was settled if that was elsewhere.
    fn sources(&self, home: &RawPath, work: WorkId) -> impl Iterator<Item = (&RawPath, &History)> {
        let is_its = move |at: &RawPath, history: &History| {
            at == home || history.tally.of(work).is_some_and(|counted| !counted.has_begun)
        };
        let (own, others): (Vec<_>, Vec<_>) = self
            .homes
            .iter()
            .map(|(at, history)| (at, history))
            .filter(|(at, history)| is_its(at, history))
            .partition(|(at, _)| *at == home);
        own.into_iter().chain(others)
    }

    /// Hears the steps of a work, in order, one after the other as they are read.
    ///
    /// # Errors
    /// See [`JournalError`].
    pub fn steps(
        &self,
        home: &RawPath,
        work: WorkId,
        each: &mut dyn FnMut(u64, &Step),
    ) -> Result<(), JournalError> {
        let mut fates = Fates::default();
        for (_, history) in self.sources(home, work) {
            history.outcomes(work, &mut |came| {
                for came in came {
                    fates.add(came.step, came.done);
                }
            })?;
        }
        for (_, history) in self.sources(home, work) {
            history.intents(work, &mut |acts| {
                for act in acts {
                    each(act.step, &Step { change: act.change, done: fates.of(act.step) });
                }
            })?;
        }
        Ok(())
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

    fn purged(&self, freed: &BTreeMap<WorkId, u64>) -> Option<Purged> {
        let times = self.joined.iter().filter_map(begin_of).filter(|begin| freed.contains_key(&begin.work));
        let (time, by) = times.map(|begin| (begin.time, begin.work)).max()?;
        Some(Purged { by, time, entries: freed.values().sum() })
    }
}

fn begun(history: &History) -> impl Iterator<Item = &Begin> {
    history.records.iter().filter_map(begin_of)
}

impl Counts {
    fn add(&mut self, step: &Step) {
        let is_done = is_done(step);
        self.all += 1;
        self.done += u64::from(is_done);
        self.stopped += u64::from(is_stopped(step));
        self.unknown += u64::from(step.done.is_none());
        match step.change {
            Change::Quarantine { .. } => self.taken += u64::from(is_done),
            Change::Purge { .. } => {
                self.removals += 1;
                self.gone += u64::from(is_done);
            }
            _ => {}
        }
    }
}

/// What became of the steps of a work; of those that are simply done only that they are.
#[derive(Default)]
struct Fates {
    done: Spans<()>,
    other: BTreeMap<u64, Done>,
}

impl Fates {
    fn add(&mut self, step: u64, done: Done) {
        let past = step.saturating_add(1);
        if matches!(done, Done::Done { changed: None }) {
            self.done.set(step, past, ());
            self.other.remove(&step);
        } else {
            self.done.clear(step, past);
            self.other.insert(step, done);
        }
    }

    fn of(&self, step: u64) -> Option<Done> {
        let plainly = || self.done.get(step).map(|()| Done::Done { changed: None });
        self.other.get(&step).cloned().or_else(plainly)
    }
}
