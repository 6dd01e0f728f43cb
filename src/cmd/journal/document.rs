//! The journal for programs.

use serde_json::{Value, json};

use super::book::Entry;
use super::words::{kind, outcome, title, what};
use crate::cmd::clean::figures;
use crate::cmd::workshop::Names;
use crate::model::journal::Figures;
use crate::report::json::rfc3339;
use crate::report::safe_json;

const SCHEMA: &str = "tmpmedic.journal/1";

/// All of it, in one line.
///
/// # Errors
/// What cannot be written as JSON.
pub fn line(works: &[Entry<'_>], names: &Names) -> anyhow::Result<String> {
    let works: Vec<Value> = works.iter().map(|entry| document(entry, names)).collect();
    Ok(safe_json::to_line(&json!({ "schema": SCHEMA, "entries": works }))?)
}

fn document(entry: &Entry<'_>, names: &Names) -> Value {
    let begin = entry.begin;
    let steps = entry.steps.iter().map(|(number, step)| {
        let (outcome, reason) = outcome(step.done.as_ref());
        json!({ "step": number, "change": kind(&step.change), "what": what(&step.change), "outcome": outcome, "reason": reason })
    });
    let table = |all: &[Figures]| all.iter().map(figures).collect::<Vec<_>>();
    json!({
        "id": begin.work.0,
        "time": rfc3339(begin.time),
        "who": names.of(begin.uid),
        "login": begin.login_uid.map(|uid| names.of(uid)),
        "action": begin.action,
        "title": title(entry),
        "finding": begin.finding,
        "digest": begin.digest,
        "boot_id": begin.boot_id,
        "root": begin.place.as_ref().map(|(path, _)| path.shown()),
        "quarantine": begin.quarantine.as_ref().map(|(name, _)| name.shown()),
        "undoes": begin.undoes.map(|id| id.0),
        "home": entry.home.shown(),
        "aside": entry.aside,
        "purged": entry.purged.map(|purged| {
            json!({ "by": purged.by.0, "time": rfc3339(purged.time), "entries": purged.entries })
        }),
        "ended": entry.end.map(|(time, ..)| rfc3339(time)),
        "before": entry.end.map(|(_, before, _)| table(before)),
        "after": entry.end.map(|(_, _, after)| table(after)),
        "steps": steps.collect::<Vec<_>>(),
    })
}
