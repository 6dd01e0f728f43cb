//! Where actions work: under which uid, in which boot, with which journal, in which directory and quarantine.
//!
//! Shared by every command that changes the machine. An interrupted run of before is settled here, before anything else.

mod actor;
mod ends;
mod homes;
mod matters;
mod opening;
mod settle;

use crate::catalog::Catalog;
use crate::cli::Global;
use crate::cmd::Refusal;
use crate::cmd::clean::StopSignal;
use crate::exec::chronicle;
use crate::exec::journal::{Journal, JournalError};
use crate::model::journal::{Begin, Record, WorkId};
use crate::model::raw_path::RawPath;
use crate::model::units::WallNanos;
use crate::sys::clock;
pub use actor::{Actor, Names};
pub use ends::Ends;
pub use homes::{homes, journals, unreadable};
pub use opening::WithoutUndo;

/// Refuses every action where the command line or the site says so, or where somebody else could speak for the site.
///
/// # Errors
/// A refusal that says who.
pub fn refuse_where_read_only(global: &Global, catalog: &Catalog) -> anyhow::Result<()> {
    if global.read_only {
        return Err(Refusal::permission("--read-only: nothing is changed; leave it out to act"));
    }
    if let Some(why) = &catalog.distrust {
        let help = "as root nothing is done by it; chown root and chmod go-w what you have read";
        return Err(Refusal::permission(format!("{why}: {help}")));
    }
    if catalog.read_only {
        let file = RawPath::from(global.config.as_os_str());
        return Err(Refusal::permission(format!(
            "the site forbids every action: read_only = true in {}",
            file.shown()
        )));
    }
    Ok(())
}

/// A journal that is ours alone now, and what it held.
pub struct Workshop {
    /// Who acts.
    pub us: Actor,
    /// Where the journal lives; nowhere where it is in memory only.
    pub home: Option<RawPath>,
    /// The journal.
    pub journal: Journal,
    /// What is in it, as far as whoever acts must know it.
    pub records: Vec<Record>,
    /// What was settled of runs before, and where the journal lies if not at its usual place, for people.
    pub notes: Vec<String>,
    /// The last number of a work in any home, whether or not that work concerns us.
    last: WorkId,
}

impl Workshop {
    /// Has somebody go through the journal's records, which may be many, unless we are to stop.
    ///
    /// # Errors
    /// We are; then the shop is of no use any more.
    pub fn go_through<T: Send + 'static>(
        &mut self,
        stop: &StopSignal,
        find: impl FnOnce(&[Record]) -> T + Send + 'static,
    ) -> anyhow::Result<T> {
        let records = std::mem::take(&mut self.records);
        let find = move || {
            let found = find(&records);
            (records, found)
        };
        let (records, found) = stop.unless_asked("records", find)?;
        self.records = records;
        Ok(found)
    }

    /// Writes a record down, and knows it.
    ///
    /// # Errors
    /// See [`JournalError`].
    pub fn add(&mut self, record: Record) -> Result<(), JournalError> {
        self.journal.add(&record)?;
        self.records.push(record);
        Ok(())
    }

    /// A number that no work has had.
    pub fn next_work(&self) -> WorkId {
        WorkId(self.last.0.max(chronicle::last(&self.records).0) + 1)
    }

    /// Every beginning, oldest first.
    pub fn begins(&self) -> impl DoubleEndedIterator<Item = &Begin> {
        self.records.iter().filter_map(begin_of)
    }

    /// The beginning of a new work, to be completed.
    pub fn begin(&self, action: &str, title: String) -> Begin {
        Begin {
            work: self.next_work(),
            time: now(),
            action: action.to_owned(),
            title,
            finding: None,
            digest: String::new(),
            boot_id: self.us.boot_id.clone(),
            uid: self.us.uid,
            login_uid: self.us.login_uid,
            undoes: None,
            place: None,
            quarantine: None,
        }
    }
}

/// The beginning that a record is.
pub fn begin_of(record: &Record) -> Option<&Begin> {
    match record {
        Record::Begin(begin) => Some(begin),
        Record::Intent { .. } | Record::Outcome { .. } | Record::End { .. } => None,
    }
}

/// The time.
pub fn now() -> WallNanos {
    WallNanos(clock::wall_nanos())
}

/// An error with everything behind it, in one line.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(inner) = next {
        text.push_str(&format!(": {inner}"));
        next = inner.source();
    }
    text
}
