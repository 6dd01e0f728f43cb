//! An outcome for a ticket.

use super::{Outcome, SAMPLES, Work, rows_between};
use crate::cmd::clean::page::entries;
use crate::model::units::Entries;
use crate::report::safe;

impl Outcome {
    /// For a ticket.
    pub fn markdown(&self) -> String {
        let mut text = String::new();
        for work in &self.works {
            one(&mut text, self, work);
        }
        if !self.asked.is_empty() {
            text.push_str("| temp dir | who | before | after |\n|---|---|---|---|\n");
        }
        for asking in &self.asked {
            let (before, after) = asking.told();
            let path = cell(&asking.before.path.shown());
            text.push_str(&format!("| `{path}` | {} | {before} | {after} |\n", cell(&asking.who)));
        }
        text
    }
}

fn one(text: &mut String, outcome: &Outcome, work: &Work) {
    let root = cell(&work.root.shown());
    let how = work.fate;
    text.push_str(&format!(
        "### tmpmedic clean {root}\n\n{} of {} {how}, {}\n\n- plan: `{}`\n",
        Entries(work.done()),
        entries(work.wanted),
        work.swept.bytes,
        work.digest
    ));
    if let Some(id) = work.id.filter(|_| !work.swept.taken.is_empty() && outcome.home.is_some()) {
        let id = id.0;
        text.push_str(&format!("- to give it back: `tmpmedic undo {id}`\n"));
        text.push_str(&format!("- to free it for good: `tmpmedic purge {id} --yes`\n"));
    }
    if let Some(why) = &work.refused {
        text.push_str(&format!("- nothing was done: {}\n", cell(&safe(why))));
    }
    if work.swept.stopped {
        text.push_str("- stopped between two entries; the rest is as it was\n");
    }
    text.push('\n');
    if work.id.is_some() {
        text.push_str("| | before | after | change |\n|---|--:|--:|--:|\n");
        for (label, before, after, change) in rows_between(&work.before, &work.after) {
            text.push_str(&format!("| {label} | {before} | {after} | {change} |\n"));
        }
        text.push('\n');
    }
    for (what, all) in [("stayed", &work.swept.kept), ("failed", &work.swept.failed), ("in use", &work.held)]
    {
        for (name, why) in all.iter().take(SAMPLES) {
            text.push_str(&format!("- {what}: `{}`: {}\n", cell(&name.shown()), cell(&safe(why))));
        }
        if let Some(more) = all.len().checked_sub(SAMPLES).filter(|more| *more > 0) {
            text.push_str(&format!("- {what}: {more} more\n"));
        }
    }
    let others = work.staying.saturating_sub(u64::try_from(work.held.len()).unwrap_or(u64::MAX));
    if others > 0 {
        text.push_str(&format!("- {} stay by the plan, for their age, owner or family\n", entries(others)));
    }
    text.push('\n');
}

/// Nothing that ends a cell or a span of code.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('`', "'")
}
