//! What is left of a lesson: plain data, for a line of text and for the document of a course.

use serde::{Serialize, Serializer};

use super::{Claim, FULL_SCORE, Lesson, clock};
use crate::model::units::{Seconds, WallNanos};
use crate::tui::words::count;

/// The version of the document.
pub const SCHEMA: &str = "tmpmedic.lesson/1";

/// How a lesson ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum End {
    /// The cause was named.
    Solved,
    /// The learner asked for the solution.
    GivenUp,
    /// The console was left before either.
    Left,
}

/// What is left of a lesson.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Outcome {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// Id of the scenario.
    pub scenario: String,
    /// The right answer.
    pub cause: Claim,
    /// How it ended.
    pub outcome: End,
    /// Points; none unless it was solved.
    pub score: u32,
    /// How many hints were taken.
    pub hints_taken: usize,
    /// What was guessed, in order.
    pub guesses: Vec<Guessed>,
    /// How long it took from the first look on.
    pub elapsed_s: Seconds,
}

/// One guess.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Guessed {
    /// What was named.
    pub cause: Claim,
    /// Whether it was right.
    pub right: bool,
    /// How long after the first look.
    pub at_s: Seconds,
}

impl Outcome {
    pub(super) fn of(lesson: &Lesson, now: Option<WallNanos>) -> Self {
        let outcome = lesson.end().unwrap_or(End::Left);
        let truth = lesson.truth();
        let guessed = |guess: &super::Guess| Guessed {
            right: guess.claim == truth,
            cause: guess.claim.clone(),
            at_s: guess.at,
        };
        Self {
            schema: SCHEMA,
            scenario: lesson.scenario().id.clone(),
            outcome,
            score: if outcome == End::Solved { lesson.score() } else { 0 },
            hints_taken: lesson.hints().len(),
            guesses: lesson.guesses().iter().map(guessed).collect(),
            elapsed_s: lesson.elapsed(now),
            cause: truth,
        }
    }

    /// One line for people; it never names the cause, which whoever left may still want to find.
    pub fn line(&self) -> String {
        let how = match self.outcome {
            End::Solved => "lesson solved",
            End::GivenUp => "lesson given up",
            End::Left => "lesson left",
        };
        let wrong = self.guesses.iter().filter(|guess| !guess.right).count();
        format!(
            "{how} after {}: {} of {FULL_SCORE} points, {}, {}",
            clock(self.elapsed_s),
            self.score,
            count(self.hints_taken, ("hint", "hints")),
            count(wrong, ("wrong guess", "wrong guesses")),
        )
    }
}

impl Serialize for Claim {
    /// The id of the cause, or `nothing`, which no cause is called.
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Cause(id) => to.serialize_str(id),
            Self::Nothing => to.serialize_str("nothing"),
        }
    }
}
