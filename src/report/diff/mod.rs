//! A change as text, Markdown and JSON: the before → after table.
//!
//! What changed is reckoned by [`Change::between`](crate::model::change::Change::between); here is only how it reads.

pub mod json;
pub mod markdown;
pub mod text;

#[cfg(test)]
mod sample;

use crate::model::change::{Answer, Change, Pair, What};
use crate::model::units::{Entries, Seconds, WallNanos};
use crate::model::vantage::{Can, HowKnown};
use crate::report::safe;

/// A number of a table, or what stands where it is not known.
fn number(what: What, value: Option<u64>) -> String {
    value.map_or_else(|| "?".to_owned(), |value| what.shown(value))
}

/// `+12`, `-1.50 G`, `=` where nothing changed; nothing where it cannot be told.
fn delta(what: What, pair: &Pair<u64>) -> String {
    let Some(delta) = pair.delta() else { return String::new() };
    let size = u64::try_from(delta.unsigned_abs()).unwrap_or(u64::MAX);
    match delta {
        0 => "=".to_owned(),
        d => format!("{}{}", if d > 0 { '+' } else { '-' }, what.shown(size)),
    }
}

/// Whether a table shows a figure: one that is known on neither side says nothing.
fn is_known(pair: &Pair<u64>) -> bool {
    pair.before.is_some() || pair.after.is_some()
}

/// `ENOENT probed`, `yes probed`, `unknown`; a dash where there was nobody to ask.
fn answer(answer: Option<Answer>) -> String {
    let Some(answer) = answer else { return "-".to_owned() };
    let how = match answer.how {
        HowKnown::Probed => "probed",
        HowKnown::Predicted => "predicted",
    };
    match (answer.can, answer.errno) {
        (Can::Yes, _) => format!("yes {how}"),
        (Can::No, Some(errno)) => format!("{} {how}", errno.name()),
        (Can::No, None) => format!("no {how}"),
        (Can::Unknown, _) => "unknown".to_owned(),
    }
}

/// The machine, or the machines.
fn hosts(change: &Change) -> String {
    let name = |host: &Option<String>| host.as_deref().map_or_else(|| "a machine".to_owned(), safe);
    let (before, after) = (name(&change.before.host), name(&change.after.host));
    if before == after { before } else { format!("{before} -> {after}") }
}

/// What to say of the time between: `10 min later`, `a reboot between`.
fn between(change: &Change) -> String {
    let (before, after) = (change.before.taken, change.after.taken);
    let later = |from: WallNanos, to: WallNanos| from.age_at(to).filter(|age| *age > Seconds(0));
    let mut words = match (later(before, after), later(after, before)) {
        (Some(age), _) => format!("{age} later"),
        (None, Some(age)) => format!("{age} earlier"),
        (None, None) if before == after => "at the same time".to_owned(),
        (None, None) => format!("less than a second {}", if before < after { "later" } else { "earlier" }),
    };
    let known = change.before.boot_id.is_some() && change.after.boot_id.is_some();
    if known && change.before.host == change.after.host && !change.is_same_boot() {
        words.push_str(", a reboot between");
    }
    words
}

/// What a family is called.
fn family(id: &str) -> String {
    if id.is_empty() { "not in any family".to_owned() } else { safe(id) }
}

fn count(n: usize, noun: (&str, &str)) -> String {
    let n = u64::try_from(n).unwrap_or(u64::MAX);
    format!("{} {}", Entries(n), if n == 1 { noun.0 } else { noun.1 })
}
