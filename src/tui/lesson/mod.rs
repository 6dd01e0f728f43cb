//! A lesson: an incident whose verdict is hidden until the learner names its cause.
//!
//! What was told, taken and guessed, and how many points are left; no drawing and no clock of its own. [`answer`] says what
//! a look has to say about a guess, [`proof`] which facts would have told, [`outcome`] what is left of it afterwards. The
//! keys are in `teach`, the texts in `tabs` and `overlays`.

pub mod answer;
pub mod outcome;
pub mod proof;

use crate::catalog::{runbook, scenarios};
use crate::model::scenario::{Hint, Scenario, ScenarioKind};
use crate::model::units::{Seconds, WallNanos};
use crate::tui::msg::Look;
use answer::Answer;
use outcome::{End, Outcome};
use proof::Proof;

/// What a lesson begins with.
pub const FULL_SCORE: u32 = 100;

/// What a learner says is the matter.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Claim {
    /// The cause of that id.
    Cause(String),
    /// Nothing is wrong, however it looks.
    Nothing,
}

/// One of the answers that can be given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// What it says.
    pub claim: Claim,
    /// The same in plain words.
    pub title: String,
}

/// An answer that was given.
#[derive(Clone, Debug, PartialEq)]
pub struct Guess {
    /// What was said.
    pub claim: Claim,
    /// How long after the first look.
    pub at: Seconds,
    /// What the look had to say about it.
    pub answer: Answer,
}

/// The lesson of the course that follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Next {
    /// Its place in the course.
    pub number: u8,
    /// Its title.
    pub title: String,
}

/// A lesson under way, or over.
#[derive(Clone, Debug)]
pub struct Lesson {
    scenario: Scenario,
    choices: Vec<Choice>,
    next: Option<Next>,
    hints_taken: usize,
    guesses: Vec<Guess>,
    began: Option<WallNanos>,
    ended: Option<(End, WallNanos)>,
    proof: Proof,
}

impl Lesson {
    /// A lesson that has not begun: it begins with the first look.
    pub fn new(scenario: Scenario) -> Self {
        let next = scenario.course.and_then(|number| {
            let after = scenarios::course().into_iter().find(|other| other.course > Some(number))?;
            Some(Next { number: after.course?, title: after.title })
        });
        let choices = choices(&scenario);
        Self {
            scenario,
            choices,
            next,
            hints_taken: 0,
            guesses: Vec::new(),
            began: None,
            ended: None,
            proof: Proof::default(),
        }
    }

    /// What it teaches.
    pub fn scenario(&self) -> &Scenario {
        &self.scenario
    }

    /// Every answer that can be given, by title, that nothing is wrong as the last.
    pub fn choices(&self) -> &[Choice] {
        &self.choices
    }

    /// A claim in plain words.
    pub fn words_of(&self, claim: &Claim) -> &str {
        self.choices.iter().find(|c| c.claim == *claim).map_or("", |c| c.title.as_str())
    }

    /// The right answer.
    pub fn truth(&self) -> Claim {
        match self.scenario.kind {
            ScenarioKind::NearMiss => Claim::Nothing,
            ScenarioKind::Cause | ScenarioKind::Story => Claim::Cause(self.scenario.cause.clone()),
        }
    }

    /// The lesson of the course that follows.
    pub fn next(&self) -> Option<&Next> {
        self.next.as_ref()
    }

    /// How it ended, once it has.
    pub fn end(&self) -> Option<End> {
        self.ended.map(|(end, _)| end)
    }

    /// Hints that were taken, in their order.
    pub fn hints(&self) -> &[Hint] {
        self.scenario.hints.get(..self.hints_taken).unwrap_or_default()
    }

    /// The hint that would come next.
    pub fn next_hint(&self) -> Option<&Hint> {
        self.scenario.hints.get(self.hints_taken)
    }

    /// Answers that were given, in their order.
    pub fn guesses(&self) -> &[Guess] {
        &self.guesses
    }

    /// The facts that would have told.
    pub fn proof(&self) -> &Proof {
        &self.proof
    }

    /// Takes note of a look: the first one starts the clock, one after the end may bring a proof that was missing.
    pub fn see(&mut self, look: &Look, now: WallNanos) {
        self.began.get_or_insert(now);
        if self.ended.is_some() && self.proof.is_empty() {
            self.proof = Proof::of(&self.scenario, look);
        }
    }

    /// Takes the next hint.
    pub fn take_hint(&mut self) {
        self.hints_taken = (self.hints_taken + 1).min(self.scenario.hints.len());
    }

    /// Says what is the matter, and gives the place of that guess; saying the same twice counts once.
    pub fn guess(&mut self, claim: Claim, look: &Look, now: WallNanos) -> usize {
        if let Some(place) = self.guesses.iter().position(|guess| guess.claim == claim) {
            return place;
        }
        let answer = if claim == self.truth() { Answer::Right } else { Answer::of(&claim, look) };
        let is_right = answer == Answer::Right;
        self.guesses.push(Guess { claim, at: self.elapsed(Some(now)), answer });
        if is_right {
            self.finish(End::Solved, look, now);
        }
        self.guesses.len() - 1
    }

    /// Ends it without the right answer.
    pub fn give_up(&mut self, look: &Look, now: WallNanos) {
        self.finish(End::GivenUp, look, now);
    }

    fn finish(&mut self, end: End, look: &Look, now: WallNanos) {
        self.ended.get_or_insert((end, now));
        self.proof = Proof::of(&self.scenario, look);
    }

    /// How long it took, or has taken so far.
    pub fn elapsed(&self, now: Option<WallNanos>) -> Seconds {
        let until = self.ended.map(|(_, at)| at).or(now);
        self.began.zip(until).and_then(|(began, until)| began.age_at(until)).unwrap_or_default()
    }

    /// Points that the hints took.
    pub fn spent_on_hints(&self) -> u32 {
        self.hints().iter().map(|hint| u32::from(hint.cost)).sum()
    }

    /// Points that wrong guesses took.
    pub fn spent_on_guesses(&self) -> u32 {
        self.guesses.iter().map(|guess| guess.answer.cost()).sum()
    }

    /// Points that are left; none for whoever gave up.
    pub fn score(&self) -> u32 {
        match self.end() {
            Some(End::GivenUp) => 0,
            _ => FULL_SCORE.saturating_sub(self.spent_on_hints() + self.spent_on_guesses()),
        }
    }

    /// What is left of it when the console ends at `now`.
    pub fn outcome(&self, now: Option<WallNanos>) -> Outcome {
        Outcome::of(self, now)
    }
}

/// By title, because a learner looks for words and not for ids.
fn choices(scenario: &Scenario) -> Vec<Choice> {
    let choice =
        |id: &str, title: &str| Choice { claim: Claim::Cause(id.to_owned()), title: title.to_owned() };
    let mut all: Vec<Choice> = runbook::pages().map(|page| choice(page.id, page.title)).collect();
    // A scenario of the user may be about something that no page tells of.
    if runbook::page(&scenario.cause).is_none() {
        all.push(choice(&scenario.cause, &scenario.cause.replace('-', " ")));
    }
    all.sort_by_key(|choice| choice.title.to_lowercase());
    all.push(Choice { claim: Claim::Nothing, title: "Nothing is wrong here".to_owned() });
    all
}

/// `0:42`, `12:07`, `1:02:33`.
pub fn clock(time: Seconds) -> String {
    let (hours, minutes, seconds) = (time.0 / 3600, time.0 / 60 % 60, time.0 % 60);
    match hours {
        0 => format!("{minutes}:{seconds:02}"),
        _ => format!("{hours}:{minutes:02}:{seconds:02}"),
    }
}
