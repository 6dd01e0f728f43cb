//! One change at a time: written down and synced, done, and what became of it written down.

use std::io;

use crate::exec::journal::{Journal, JournalError};
use crate::model::errno::Errno;
use crate::model::journal::{Act, Came, Change, Done, Record, WorkId};
use crate::model::units::WallNanos;

/// Why a change was not made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It is not what was planned, or must not be touched: left as it was.
    Kept(String),
    /// The kernel, or a program, refused.
    Failed(Option<Errno>, String),
}

impl Refused {
    /// With what was tried.
    pub fn at(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |error| Self::Failed(error.raw_os_error().map(Errno), format!("{what}: {error}"))
    }

    /// For people.
    pub fn why(&self) -> &str {
        match self {
            Self::Kept(why) | Self::Failed(_, why) => why,
        }
    }
}

impl From<Refused> for Done {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Kept(why) => Self::Kept { why },
            Refused::Failed(errno, why) => Self::Failed { errno, why },
        }
    }
}

/// What a change gives: the ctime of its object since, where it has one.
pub type Changed = Result<Option<WallNanos>, Refused>;

/// The part of a journal that belongs to one piece of work.
#[derive(Debug)]
pub struct Ledger<'a> {
    journal: &'a mut Journal,
    work: WorkId,
    next: u64,
    changes: u64,
}

impl<'a> Ledger<'a> {
    /// For a piece of work that has begun.
    pub fn new(journal: &'a mut Journal, work: WorkId) -> Self {
        Self { journal, work, next: 0, changes: 0 }
    }

    /// How many changes were made, whether or not that could be written down.
    pub fn changes(&self) -> u64 {
        self.changes
    }

    /// One change.
    ///
    /// # Errors
    /// Where the journal cannot be written: before the change nothing is done then.
    pub fn change(&mut self, change: Change, act: impl FnOnce() -> Changed) -> Result<Changed, JournalError> {
        let mut act = Some(act);
        let all = self.batch(vec![change], |_| match act.take() {
            Some(act) => act(),
            None => Ok(None),
        })?;
        Ok(all.into_iter().next().unwrap_or(Ok(None)))
    }

    /// Something that the change before has brought to light, for an undo.
    ///
    /// # Errors
    /// As [`Ledger::change`].
    pub fn note(&mut self, fact: Change) -> Result<(), JournalError> {
        self.change(fact, || Ok(None)).map(|_changed| ())
    }

    /// Several changes that share one sync; what became of each, in order.
    ///
    /// # Errors
    /// As [`Ledger::change`].
    pub fn batch(
        &mut self,
        wanted: Vec<Change>,
        mut act: impl FnMut(usize) -> Changed,
    ) -> Result<Vec<Changed>, JournalError> {
        let (work, first) = (self.work, self.next);
        let count = wanted.len();
        let steps = (first..).zip(wanted).map(|(step, change)| Act { step, change });
        self.journal.add(&Record::Intent { work, steps: steps.collect() })?;
        let mut all = Vec::with_capacity(count);
        let mut outcome = Vec::with_capacity(count);
        for (step, at) in (first..).zip(0..count) {
            self.next = step + 1;
            let result = act(at);
            self.changes += u64::from(result.is_ok());
            let done = match result.clone() {
                Ok(changed) => Done::Done { changed },
                Err(refused) => refused.into(),
            };
            outcome.push(Came { step, done });
            all.push(result);
        }
        self.journal.add(&Record::Outcome { work, steps: outcome })?;
        Ok(all)
    }
}
