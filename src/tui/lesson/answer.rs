//! What a look has to say about a guess: the diagnosis is there all the time, only hidden.

use super::Claim;
use crate::model::finding::{Diagnosis, Finding, Severity};
use crate::model::reading::Gap;
use crate::model::vantage::Can;
use crate::tui::msg::Look;

/// What a wrong guess costs: less than the dearest hint, more than the cheapest, so that guessing does not pay.
pub const WRONG: u32 = 15;
/// What it costs to name something that is so, but does not explain the failure: half right is not wrong.
pub const BESIDE: u32 = 5;

/// What a look says about a guess.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// It is the cause.
    Right,
    /// It is so, but it is not what makes the failure.
    Beside(Box<Finding>),
    /// It is not so, with the figures that exclude it.
    RuledOut(String),
    /// It could not be seen.
    Blind(Vec<Gap>),
    /// Nothing is wrong, said the learner.
    Amiss {
        /// Vantages that cannot create temp dirs.
        failing: usize,
        /// Findings above info.
        findings: usize,
    },
    /// Nothing here speaks for it.
    Silent,
}

impl Answer {
    /// The answer to a claim that is not the truth.
    pub fn of(claim: &Claim, look: &Look) -> Self {
        match claim {
            Claim::Nothing => amiss(look),
            Claim::Cause(id) => about(id, &look.diagnosis),
        }
    }

    /// How many points it takes.
    pub fn cost(&self) -> u32 {
        match self {
            Self::Right => 0,
            Self::Beside(_) => BESIDE,
            Self::RuledOut(_) | Self::Blind(_) | Self::Amiss { .. } | Self::Silent => WRONG,
        }
    }

    /// The same in a clause, for a list of guesses.
    pub fn words(&self) -> String {
        match self {
            Self::Right => "the cause".to_owned(),
            Self::Beside(_) => "true, but not what makes it fail".to_owned(),
            Self::RuledOut(because) => format!("ruled out: {because}"),
            Self::Blind(_) => "not the cause; whether it is so could not be seen".to_owned(),
            Self::Amiss { .. } => "something is wrong here".to_owned(),
            Self::Silent => "nothing here speaks for it".to_owned(),
        }
    }
}

fn about(id: &str, diagnosis: &Diagnosis) -> Answer {
    if let Some(finding) = diagnosis.found.iter().find(|f| f.id == id) {
        return Answer::Beside(Box::new(finding.clone()));
    }
    if let Some(ruled_out) = diagnosis.ruled_out.iter().find(|r| r.id == id) {
        return Answer::RuledOut(ruled_out.because.clone());
    }
    let blind = diagnosis.blind.iter().find(|b| b.id == id);
    blind.map_or(Answer::Silent, |unseen| Answer::Blind(unseen.gaps.clone()))
}

fn amiss(look: &Look) -> Answer {
    let failing = look.snapshot.vantages.items().iter().filter(|v| v.can_create.can == Can::No).count();
    let findings = look.diagnosis.found.iter().filter(|f| f.severity > Severity::Info).count();
    Answer::Amiss { failing, findings }
}
