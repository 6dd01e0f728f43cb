//! The same for a screen: the sheet before it, and what came of it.

use super::work::{Sealed, fate, proof_fate};
use super::{Outcome, Proved, line_again, needs_root, page};
use crate::cli::Whom;
use crate::model::finding::{Finding, Risk};
use crate::model::journal::WorkId;
use crate::model::treatment::Treatment;
use crate::model::work::{self, Barred, Changed, Ending, Fate, Prospect, Told, Wish};

/// What would be done.
pub fn prospect(wish: Wish, finding: &Finding, sealed: &Sealed) -> Prospect {
    let plan = &sealed.plan;
    let steps = plan.steps.iter().map(|step| Told { does: step.does.clone(), by_hand: step.by_hand.clone() });
    let proofs = plan.proofs.iter().map(|proof| {
        let (does, by_hand) = page::proof(proof);
        Told { does, by_hand }
    });
    let barred = (needs_root(plan) && !rustix::process::geteuid().is_root()).then(|| Barred {
        why: "this takes root".to_owned(),
        command: Some(line_again(&Whom::default(), plan)),
    });
    Prospect {
        wish,
        digest: plan.digest.clone(),
        expires: Some(plan.expires),
        title: format!("Fix: {}", finding.title),
        does: plan.title.clone(),
        facts: page::facts(plan),
        steps: steps.chain(proofs).collect(),
        going: Vec::new(),
        staying: Vec::new(),
        ends: plan.ends.clone(),
        notes: plan.notes.clone(),
        word: costs(plan).then(|| plan.action.clone()),
        barred,
    }
}

/// Whether it takes something for good. A fresh directory in the place of a dead one cannot be taken back either, but
/// nobody loses anything by it.
fn costs(plan: &Treatment) -> bool {
    !plan.reversible && (plan.risk != Risk::None || !plan.ends.is_empty())
}

/// What came of it.
pub fn outcome(sealed: &Sealed, outcome: &Outcome) -> work::Outcome {
    let plan = &sealed.plan;
    if let Some((_, why)) = &outcome.refused {
        return work::Outcome {
            ending: Ending::Refused,
            headline: why.clone(),
            work: None,
            can_undo: false,
            steps: Vec::new(),
            table: Vec::new(),
            refusals: Vec::new(),
            notes: outcome.told.clone(),
            report: String::new(),
        };
    }
    let steps: Vec<Fate> =
        outcome.steps.iter().map(fate).chain(outcome.after.iter().map(proof_fate)).collect();
    let code = outcome.code(Some(plan));
    let ending = match code {
        0 => Ending::Whole,
        _ if outcome.stopped => Ending::Stopped,
        _ => Ending::Part,
    };
    let told = outcome.steps.iter().zip(&plan.steps).flat_map(|(came, step)| {
        let why = match fate(came) {
            Fate::Done => None,
            Fate::Kept(why) | Fate::Failed(why) => Some(why),
        };
        why.into_iter().chain(came.told.iter().cloned()).map(|why| (step.does.clone(), why))
    });
    let notes = (1..)
        .zip(&outcome.steps)
        .filter_map(|(number, came)| came.note.as_ref().map(|note| format!("step {number}: {note}")));
    let notes = notes.chain(outcome.told.iter().cloned());
    work::Outcome {
        ending,
        headline: headline(plan, outcome, ending),
        work: outcome.work.map(WorkId),
        can_undo: plan.reversible
            && outcome.has_journal
            && outcome.steps.iter().any(crate::exec::treat::Came::is_done),
        steps,
        table: outcome.after.iter().map(|after| changed(outcome, after)).collect(),
        refusals: told.collect(),
        notes: notes.collect(),
        report: String::new(),
    }
}

fn headline(plan: &Treatment, outcome: &Outcome, ending: Ending) -> String {
    let broken = outcome.after.iter().find(|after| !after.works());
    let done = outcome.steps.iter().filter(|came| came.is_done()).count();
    match (ending, outcome.after.first(), broken) {
        (Ending::Whole, Some(first), _) => {
            format!("{} can create temp dirs again ({})", first.who(), millis(first.micros))
        }
        (Ending::Whole, None, _) => format!("done: {}", plan.title),
        (Ending::Stopped, ..) => format!("stopped after {done} of {} steps", plan.steps.len()),
        (_, _, Some(broken)) if done == plan.steps.len() => {
            format!(
                "done, but {} still cannot create temp dirs in {}: {}",
                broken.who(),
                broken.path,
                broken.word()
            )
        }
        _ if done == plan.steps.len() => {
            let left: usize = outcome.steps.iter().map(|came| came.told.len()).sum();
            format!("done, and {left} left as {}", if left == 1 { "it was" } else { "they were" })
        }
        _ => format!("{done} of {} steps are done", plan.steps.len()),
    }
}

fn changed(outcome: &Outcome, after: &Proved) -> Changed {
    let before = outcome.before.iter().find(|b| b.path == after.path && b.unit == after.unit);
    Changed {
        what: format!("{} as {}", after.path, after.who()),
        before: before.map_or_else(|| "?".to_owned(), Proved::word),
        after: after.word(),
        change: if after.works() { millis(after.micros) } else { String::new() },
    }
}

fn millis(micros: u64) -> String {
    format!("{}.{} ms", micros / 1000, micros % 1000 / 100)
}
