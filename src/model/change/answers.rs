//! Who could create where and now cannot, or the other way round.

use super::{Answer, AnswerChange, Pair};
use crate::model::raw_path::RawPath;
use crate::model::snapshot::Snapshot;
use crate::model::vantage::{Can, Vantage};

/// Answers that differ; of vantages that are in one look only, those that say no.
pub(super) fn between(before: &Snapshot, after: &Snapshot) -> Vec<AnswerChange> {
    let mut left: Vec<&Vantage> = before.vantages.items().iter().collect();
    let mut changes = Vec::new();
    for now in after.vantages.items() {
        let was = take_counterpart(&mut left, now);
        changes.extend(change(was, Some(now)));
    }
    // Where one of the looks saw no vantages at all, nothing is known to have changed.
    if before.vantages.value().is_none() || after.vantages.value().is_none() {
        return Vec::new();
    }
    changes.extend(left.into_iter().filter_map(|was| change(Some(was), None)));
    changes
}

/// The vantage of the same processes at the same path; in the same namespace where there are several.
fn take_counterpart<'a>(left: &mut Vec<&'a Vantage>, now: &Vantage) -> Option<&'a Vantage> {
    let is_same = |was: &&Vantage| key(was) == key(now);
    let exact = left.iter().position(|was| is_same(was) && was.mount_ns == now.mount_ns);
    let place = exact.or_else(|| left.iter().position(|was| is_same(was)))?;
    Some(left.remove(place))
}

/// What makes a vantage the same one although its namespace and its processes are new, as after a restart.
fn key(vantage: &Vantage) -> (&RawPath, &RawPath, u32, Option<&String>) {
    (&vantage.path, &vantage.root, vantage.credentials.uid, vantage.names.first())
}

fn change(was: Option<&Vantage>, now: Option<&Vantage>) -> Option<AnswerChange> {
    let answer = Pair::new(was.map(answer_of), now.map(answer_of));
    let says = |answer: Option<Answer>| answer.map(|answer| (answer.can, answer.errno));
    let differs = match (answer.before, answer.after) {
        (Some(_), Some(_)) => says(answer.before) != says(answer.after),
        (Some(only), None) | (None, Some(only)) => only.can == Can::No,
        (None, None) => false,
    };
    let vantage = now.or(was).filter(|_| differs)?;
    Some(AnswerChange { path: vantage.path.clone(), who: who(vantage), answer })
}

fn who(vantage: &Vantage) -> String {
    vantage.names.first().cloned().unwrap_or_else(|| vantage.credentials.shown())
}

fn answer_of(vantage: &Vantage) -> Answer {
    let known = &vantage.can_create;
    Answer { can: known.can, errno: known.errno, how: known.how }
}
