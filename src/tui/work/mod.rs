//! Changing something from the screen: the wish, the sheet with the plan, the question, the work, what came of it.
//!
//! Nothing here touches a machine. A plan is asked for, shown, and carried out under the digest by which it was shown.
//! [`ask`] decides whether a key may say yes now: the question has to have been on screen for a while, and nothing that was
//! typed before or pasted answers it. One piece of work at a time; its sheet can be left while it goes on.

pub mod ask;
pub mod press;
pub mod take;
pub mod wishes;

use std::time::Duration;

use tui_input::Input;

use super::app::App;
use super::msg::Company;
use super::overlays::Kind;
use crate::model::reading::Reading;
use crate::model::work::{Outcome, Pace, Prospect, Wish, Worked};
use ask::Standing;

/// What the screen knows about changes.
#[derive(Debug, Default)]
pub struct Works {
    /// The monotonic clock, as it was told last.
    pub clock: Duration,
    /// The question on top of the screen.
    pub question: Option<Standing>,
    /// How the keys came that come now.
    pub company: Company,
    /// The work under way.
    pub under_way: Option<UnderWay>,
    /// What was done to this machine, once that was read.
    pub journal: Option<Reading<Vec<Worked>>>,
    /// The finding that the last work was for.
    pub treated: Option<Treated>,
    /// Whether somebody wants to leave, and was told about the work.
    pub leaving: bool,
}

/// A piece of work under way.
#[derive(Debug)]
pub struct UnderWay {
    /// What was shown before it.
    pub prospect: Box<Prospect>,
    /// How far it is.
    pub pace: Pace,
    /// Whether it was told to stop.
    pub stopping: bool,
}

/// A finding against which something was done.
#[derive(Clone, Debug)]
pub struct Treated {
    /// As it is known from look to look.
    pub finding: String,
    /// Its title then.
    pub title: String,
}

/// A sheet: from the wish to what came of it.
#[derive(Clone, Debug)]
pub struct Sheet {
    /// What is wanted.
    pub wish: Wish,
    /// How far it is.
    pub stage: Stage,
    /// The field for the word, once somebody said yes to what cannot be taken back.
    pub word: Option<Word>,
    /// The cause whose page explains it.
    pub cause: Option<String>,
    /// The title of the finding that it is for.
    pub about: Option<String>,
}

/// How far a sheet is.
#[derive(Clone, Debug)]
pub enum Stage {
    /// The plan is being made.
    Planning(Option<Box<Pace>>),
    /// There is none, and why.
    NotPlanned(String),
    /// It can be read, and carried out where nothing bars it.
    Planned(Box<Prospect>),
    /// It is being carried out; [`Works::under_way`] says how far.
    Working,
    /// That is over.
    Over(Box<Over>),
}

/// What was planned and what came of it.
#[derive(Clone, Debug)]
pub struct Over {
    /// The plan.
    pub prospect: Box<Prospect>,
    /// What came of it.
    pub outcome: Outcome,
}

/// The word that is being typed.
#[derive(Clone, Debug, Default)]
pub struct Word {
    /// So far.
    pub input: Input,
    /// Whether Enter was pressed on another one.
    pub wrong: bool,
}

impl Sheet {
    /// A sheet whose plan is asked for.
    pub fn new(wish: Wish) -> Self {
        Self { wish, stage: Stage::Planning(None), word: None, cause: None, about: None }
    }

    /// The plan, where there is one to read.
    pub fn prospect(&self) -> Option<&Prospect> {
        match &self.stage {
            Stage::Planned(prospect) => Some(prospect),
            _ => None,
        }
    }

    /// What came of it, once that is known.
    pub fn outcome(&self) -> Option<&Outcome> {
        match &self.stage {
            Stage::Over(over) => Some(&over.outcome),
            _ => None,
        }
    }
}

/// The sheet on top of the screen, if it is one of these.
pub fn sheet(app: &App) -> Option<&Sheet> {
    match &app.overlays.last()?.kind {
        Kind::Work(sheet) => Some(sheet),
        _ => None,
    }
}

/// What is planned, or being planned, for a sheet that is still open.
pub fn wanted(app: &App) -> Vec<&Wish> {
    let sheets = app.overlays.iter().filter_map(|overlay| match &overlay.kind {
        Kind::Work(sheet) => Some(sheet),
        _ => None,
    });
    sheets
        .filter(|sheet| matches!(sheet.stage, Stage::Planning(_) | Stage::Planned(_)))
        .map(|s| &s.wish)
        .collect()
}

/// The same, to change it.
pub fn sheet_mut(app: &mut App) -> Option<&mut Sheet> {
    match &mut app.overlays.last_mut()?.kind {
        Kind::Work(sheet) => Some(sheet),
        _ => None,
    }
}

/// `working: 491 of 1,491`, while work is under way.
pub fn sign(app: &App) -> Option<String> {
    use crate::model::units::Entries;
    let work = app.works.under_way.as_ref()?;
    let verb = if work.stopping { "stopping" } else { "working" };
    let steps = work.prospect.steps.len();
    Some(match (work.pace.of, steps) {
        (Some(of), _) => format!("{verb}: {} of {}", Entries(work.pace.done), Entries(of)),
        (None, 0) => verb.to_owned(),
        (None, all) => format!("{verb}: step {} of {all}", work.pace.steps.len().clamp(1, all)),
    })
}
