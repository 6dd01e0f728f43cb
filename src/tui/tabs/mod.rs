//! The tabs: each turns the last look into a table, and the selected row into a text.
//!
//! A tab decides what is shown; selecting, filtering, sorting, scrolling and drawing are the same for all and live elsewhere.
//! A tab cannot act: it has no way to the machine.

pub mod access;
mod access_way;
pub mod entries;
mod entries_families;
mod entries_levels;
pub mod env;
mod env_chain;
mod env_columns;
mod holders;
mod holders_rows;
mod journal;
pub mod lesson;
mod mounts;
mod mounts_notes;
pub mod triage;
mod triage_dirs;
mod triage_why;

use super::app::App;
use super::table::Table;
use super::widgets::doc::Doc;
use crate::model::journal::WorkId;
use crate::model::process::Pid;
use crate::model::raw_path::RawPath;

/// Which tab.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TabId {
    /// Findings.
    Triage,
    /// Who can create where.
    Access,
    /// What lies in the temp dirs.
    Entries,
    /// Who holds it.
    Holders,
    /// What is mounted.
    Mounts,
    /// Which variables processes got.
    Env,
    /// What was done.
    Journal,
}

/// What is known about a tab before it looks.
#[derive(Debug)]
pub struct TabCard {
    /// Which.
    pub id: TabId,
    /// Its number, which opens it.
    pub number: usize,
    /// Its name in the row of tabs.
    pub title: &'static str,
    /// The question that it answers, for the help.
    pub asks: &'static str,
}

/// One tab.
pub trait Tab: Sync {
    /// What is known before looking.
    fn card(&self) -> &'static TabCard;
    /// Its rows, unfiltered, in its own order.
    fn table(&self, app: &App) -> Table;
    /// What the detail of a row is called.
    fn detail_title(&self, app: &App, pick: &Pick) -> String;
    /// The detail of a row.
    fn detail(&self, app: &App, pick: &Pick, doc: &mut Doc<'_>);
    /// The commands that show the same by hand.
    fn commands(&self, app: &App, pick: &Pick) -> Vec<Command>;
    /// The position of the vantage that a probe would prove, and the process that it would imitate.
    fn vantage(&self, _app: &App, _pick: &Pick) -> Option<(usize, Option<Pid>)> {
        None
    }
    /// The cause whose runbook page explains a row.
    fn cause(&self, _app: &App, _pick: &Pick) -> Option<String> {
        None
    }
}

/// Every tab, in the order of their numbers.
pub const TABS: &[&dyn Tab] = &[
    &triage::Triage,
    &access::Access,
    &entries::EntriesTab,
    &holders::HoldersTab,
    &mounts::Mounts,
    &env::Env,
    &journal::JournalTab,
];

/// The tab of that id.
pub fn tab(id: TabId) -> &'static dyn Tab {
    TABS.iter().copied().find(|tab| tab.card().id == id).unwrap_or(&triage::Triage)
}

/// The thing behind a row. Positions point into the look that the rows were made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pick {
    /// Nothing is selected.
    Nothing,
    /// The sentence that says that all is well.
    Healthy,
    /// A heading that opens and closes.
    Section(&'static str),
    /// The text of a lesson.
    Lesson,
    /// A finding.
    Finding(usize),
    /// A cause that was excluded.
    RuledOut(usize),
    /// A cause that could not be judged.
    Blind(usize),
    /// A vantage.
    Vantage(usize),
    /// A family in the current temp dir; `""` is those in none.
    Family(String),
    /// An entry of the current level.
    Entry(usize),
    /// A process that holds something.
    Process(Pid),
    /// A path that is held.
    Held(RawPath),
    /// A mount namespace.
    Namespace(usize),
    /// A mount: of which namespace, and which.
    Mount(usize, usize),
    /// Variables that have the same values everywhere.
    Variables(Vec<String>),
    /// A piece of work.
    Work(WorkId),
}

/// A command that the user may paste into a shell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// What it shows.
    pub shows: String,
    /// The command.
    pub line: String,
}

impl Command {
    /// A command that shows something.
    pub fn new(shows: impl Into<String>, line: impl Into<String>) -> Self {
        Self { shows: shows.into(), line: line.into() }
    }
}
