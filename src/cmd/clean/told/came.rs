//! What came of a clean-up.

use super::room_of;
use crate::cmd::clean::outcome::{Outcome, Work, rows_between};
use crate::cmd::clean::page::entries;
use crate::cmd::clean::proof::Asking;
use crate::model::units::Entries;
use crate::model::work::{self, Changed, Ending};
use crate::report::safe;

/// More refusals than anybody reads; the journal holds all of them.
const MOST_REFUSALS: usize = 5_000;

/// What came of it.
pub fn outcome(outcome: &Outcome) -> work::Outcome {
    let whole = outcome.exit() == 0;
    let done: u64 = outcome.works.iter().map(Work::done).sum();
    let ending = match () {
        () if whole => Ending::Whole,
        () if outcome.stopped => Ending::Stopped,
        () if done == 0 => Ending::Refused,
        () => Ending::Part,
    };
    let refusals = outcome.works.iter().flat_map(|work| {
        let all = work.swept.kept.iter().chain(&work.swept.failed);
        let whole = work.refused.iter().map(|why| (work.root.shown(), why.clone()));
        whole.chain(all.map(|(name, why)| (work.root.join(name.as_bytes()).shown(), why.clone())))
    });
    let count = refusals.clone().count();
    let mut notes = outcome.notes.clone();
    if count > MOST_REFUSALS {
        notes.push(format!("and {} more; tmpmedic journal -v names each", count - MOST_REFUSALS));
    }
    let is_aside = outcome.works.iter().any(|work| !work.swept.taken.is_empty());
    if is_aside {
        notes.push("what was put aside still takes its room; purge frees it, undo takes it back".to_owned());
    }
    if outcome.home.is_none() && done > 0 {
        notes.push("no journal was written: undo knows nothing of this".to_owned());
    }
    // Whoever could before, and was not asked again, tells nothing.
    let asked = outcome.asked.iter().filter(|asking| asking.after.is_some() || !asking.before.passed());
    let table = outcome
        .works
        .iter()
        .filter(|work| work.id.is_some())
        .flat_map(|work| rows_between(&work.before, &work.after));
    let table =
        table.map(|(what, before, after, change)| Changed { what: what.to_owned(), before, after, change });
    work::Outcome {
        ending,
        headline: outcome.works.iter().map(headline).collect::<Vec<_>>().join("; "),
        work: outcome.works.iter().find_map(|work| work.id),
        can_undo: is_aside && outcome.home.is_some(),
        steps: Vec::new(),
        table: table.chain(asked.map(answer)).collect(),
        refusals: refusals.take(MOST_REFUSALS).collect(),
        notes,
        report: outcome.markdown(),
    }
}

fn headline(work: &Work) -> String {
    let how = work.fate;
    let (root, done) = (work.root.shown(), Entries(work.done()));
    if work.swept.stopped {
        let rest = Entries(work.wanted.saturating_sub(work.done()));
        let verb = if rest.0 == 1 { "stays" } else { "stay" };
        return format!(
            "{root}: stopped after {done} of {}; {rest} {verb} where they were",
            entries(work.wanted)
        );
    }
    format!("{root}: {done} of {} {how}{}", entries(work.wanted), room_of(work.swept.bytes))
}

fn answer(asking: &Asking) -> Changed {
    let (before, after) = asking.told();
    Changed {
        what: format!("{} as {}", asking.before.path.shown(), safe(&asking.who)),
        before,
        after,
        change: String::new(),
    }
}
