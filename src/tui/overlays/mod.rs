//! Sheets over a tab: help, palette, a page of the runbook, commands, what helps, a plan, what is not known, a probe, a
//! lesson.
//!
//! A sheet is lines, and for some of them items among the lines that can be selected. Moving, scrolling, copying and drawing
//! are the same for all.

mod by_hand;
mod copied;
pub mod gaps;
pub mod guess;
mod help;
mod helps_sheet;
mod lesson;
mod page;
pub mod palette;
mod placed;
mod probe_result;
mod solution;
mod ways;
pub mod work_lots;
mod work_progress;
pub mod work_result;
pub mod work_sheet;

use std::ops::Range;

use ratatui::text::Line;

use super::app::App;
use super::msg::ProbeWish;
use super::tabs::{Command, triage};
use super::widgets::doc::Doc;
use super::work::Sheet;
use crate::model::probe::ProbeResult;
use crate::model::work::Lot;

pub use copied::{copy, copy_of_row};
pub use placed::{draw, moves, step};

/// One sheet.
#[derive(Clone, Debug)]
pub struct Overlay {
    /// Which.
    pub kind: Kind,
    /// The selected item.
    pub at: usize,
    /// The first line on screen, where there are no items.
    pub scroll: usize,
}

/// Kinds of sheets.
#[derive(Clone, Debug)]
pub enum Kind {
    /// Every key.
    Help,
    /// Every command, by name.
    Palette {
        /// What is typed.
        input: tui_input::Input,
    },
    /// A page of the runbook.
    Page {
        /// Of which cause.
        id: String,
    },
    /// The commands that show something by hand.
    ByHand {
        /// What.
        title: String,
        /// They.
        commands: Vec<Command>,
    },
    /// What helps against a finding.
    Helps {
        /// Which finding, from look to look.
        finding: String,
    },
    /// Every way against a finding.
    Ways {
        /// Which finding, from look to look.
        finding: String,
    },
    /// A plan, the work, what came of it.
    Work(Box<Sheet>),
    /// Some entries of a clean-up.
    Samples(Box<Lot>),
    /// What could not be seen.
    Gaps,
    /// A probe, step by step.
    Probe(Box<Probe>),
    /// Every answer that a learner can give, by name.
    Guess {
        /// What is typed.
        input: tui_input::Input,
    },
    /// Another sheet of a lesson.
    Lesson(LessonSheet),
}

/// Sheets of a lesson; guesses and hints by their place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LessonSheet {
    /// What the next hint costs.
    NextHint,
    /// A hint that was taken.
    Hint(usize),
    /// What becomes of a wrong guess.
    Answer(usize),
    /// Whether to give up.
    GiveUp,
    /// What it was, and how one could have known.
    Solution,
}

/// A probe that was asked for.
#[derive(Clone, Debug)]
pub struct Probe {
    /// Which.
    pub wish: ProbeWish,
    /// How it went, once that is known.
    pub outcome: Option<Outcome>,
}

/// How a probe went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It gave an answer.
    Done(Box<ProbeResult>),
    /// It could not be made.
    Failed(String),
}

/// What a sheet shows.
#[derive(Debug, Default)]
pub struct Content {
    /// On its frame.
    pub title: String,
    /// Its lines.
    pub lines: Vec<Line<'static>>,
    /// The lines of each item that can be selected.
    pub items: Vec<Range<usize>>,
    /// Where the cursor of a text field stands: in which line, and in which column.
    pub cursor: Option<(usize, u16)>,
    /// The last lines of the sheet, which stay where they are when the others are scrolled.
    pub foot: Vec<Line<'static>>,
}

impl Overlay {
    /// A sheet, at its beginning.
    pub fn new(kind: Kind) -> Self {
        Self { kind, at: 0, scroll: 0 }
    }

    fn content(&self, app: &App, width: usize) -> Content {
        let mut doc = Doc::new(&app.theme, width);
        match &self.kind {
            Kind::Help => help::content(app, doc),
            Kind::Palette { input } => palette::content(app, input, self.at, doc),
            Kind::Page { id } => page::content(id, doc),
            Kind::ByHand { title, commands } => by_hand::content(app, title, commands, doc),
            Kind::Helps { finding } => helps_sheet::content(app, finding, doc),
            Kind::Ways { finding } => ways::content(app, finding, doc),
            Kind::Work(sheet) => work_sheet::content(app, sheet, self.at, doc),
            Kind::Samples(lot) => work_lots::samples(lot, doc),
            Kind::Gaps => {
                gaps::draw(app, &mut doc);
                Content {
                    title: "What is not known".to_owned(),
                    lines: doc.into_lines(),
                    ..Content::default()
                }
            }
            Kind::Probe(probe) => probe_result::content(app, probe, doc),
            Kind::Guess { input } => guess::content(app, input, self.at, doc),
            Kind::Lesson(sheet) => lesson::content(app, *sheet, doc),
        }
    }
}

/// The sheet with the commands of the selected row.
pub fn by_hand(app: &App) -> Overlay {
    let pick = app.pick();
    let title = match triage::finding(app, &pick) {
        Some(finding) => finding.title.clone(),
        None => app.current().detail_title(app, &pick),
    };
    let title = format!("By hand: {title}");
    Overlay::new(Kind::ByHand { title, commands: app.current().commands(app, &pick) })
}

/// The page of the runbook about the selected row.
pub fn page_of_selected(app: &App) -> Option<Overlay> {
    let id = app.current().cause(app, &app.pick())?;
    Some(Overlay::new(Kind::Page { id }))
}
