//! The action sheet as text: what will be done, step by step with the command by hand, and what came of it.

use super::{Case, Outcome, Proved, again};
use crate::cli::FixArgs;
use crate::model::finding::Risk;
use crate::model::journal::Done;
use crate::model::raw_path::RawText;
use crate::model::treatment::{Deed, Proof, Treatment};
use crate::remedies::{CLEAN, GUIDE};
use crate::report::page::{Ink, Page};
use crate::report::{Options, safe};

/// Digits of the digest that are shown.
pub const DIGITS: usize = 12;
/// Processes that are named before "and N more".
const NAMED: usize = 6;

/// The whole page.
pub fn page(cases: &[Case], args: &FixArgs, options: &Options) -> String {
    let mut page = Page::new(options);
    if cases.is_empty() {
        let of = args.cause.as_ref().map_or_else(String::new, |cause| format!(" of {}", safe(cause)));
        page.paragraph(0, &format!("Nothing{of} is found here, so there is nothing to fix."), Ink::Plain);
    }
    for case in cases {
        page.gap();
        page.hang_inked(("Fix: ", Ink::Bold), &safe(&case.finding.title), Ink::Bold);
        for also in &case.also {
            page.hang_inked(("     ", Ink::Bold), &safe(also), Ink::Bold);
        }
        match &case.plan {
            Some(plan) => sheet(&mut page, plan),
            None => guide(&mut page, case),
        }
        in_vain(&mut page, case);
        other_ways(&mut page, case);
        match (&case.outcome, &case.plan) {
            (Some(outcome), plan) => came(&mut page, outcome, plan.as_ref()),
            (None, Some(plan)) => {
                page.gap();
                page.command("  do it    ", &again(args, plan), Ink::Plain);
                let digits: String = plan.digest.chars().take(DIGITS).collect();
                page.paragraph(
                    2,
                    &format!("plan {digits}, good for 10 minutes of this boot; nothing was changed"),
                    Ink::Dim,
                );
            }
            (None, None) => {}
        }
    }
    page.into_text()
}

fn sheet(page: &mut Page, plan: &Treatment) {
    page.paragraph(2, &safe(&plan.title), Ink::Plain);
    let facts: Vec<String> = facts(plan).iter().map(|fact| safe(fact)).collect();
    page.paragraph(2, &facts.join(page.dot()), Ink::Dim);
    if !plan.ends.is_empty() {
        let named: Vec<String> =
            plan.ends.iter().take(NAMED).map(|e| format!("{} ({})", safe(&e.program), e.pid)).collect();
        let more = plan.ends.len().saturating_sub(NAMED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        page.hang("  ends     ", &format!("{}{more}", named.join(", ")), Ink::Warn);
    }
    page.gap();
    for (number, step) in (1..).zip(&plan.steps) {
        page.hang(&format!("  {number:>2}  "), &safe(&step.does), Ink::Plain);
        page.command("      by hand  ", &by_hand(&step.by_hand), Ink::Dim);
        if let Deed::WriteDropIn { before, after, .. } = &step.deed {
            difference(page, before.as_ref(), after);
        }
    }
    for (number, proof) in (plan.steps.len() + 1..).zip(&plan.proofs) {
        let (text, line) = self::proof(proof);
        page.hang(&format!("  {number:>2}  "), &text, Ink::Plain);
        page.command("      by hand  ", &line, Ink::Dim);
    }
    if !plan.notes.is_empty() {
        page.gap();
    }
    for note in &plan.notes {
        page.paragraph(2, &safe(note), Ink::Plain);
    }
}

/// What a plan risks, how long it lasts, whether it comes back.
pub fn facts(plan: &Treatment) -> Vec<String> {
    let risk = match plan.risk {
        Risk::None => "interrupts nothing",
        Risk::Interrupts => "interrupts running work",
        Risk::RemovesData => "removes data",
    };
    let lasts = plan.lasts.as_ref().map(|until| format!("lasts {until}"));
    let back = if plan.reversible { "can be taken back" } else { "cannot be taken back" };
    [Some(risk.to_owned()), lasts, Some(back.to_owned())].into_iter().flatten().collect()
}

/// How a temp dir is proved to work, and the command that does the same.
pub fn proof(proof: &Proof) -> (String, String) {
    let (pid, path) = (proof.whom.pid, proof.path.shown());
    let text = format!("prove it: make and remove a temp dir in {path} as pid {pid}");
    (text, format!("tmpmedic probe --pid {pid} --dir {}", proof.path.quoted()))
}

/// What goes and what comes, line by line.
fn difference(page: &mut Page, before: Option<&RawText>, after: &RawText) {
    let lines = |text: &RawText| -> Vec<String> {
        let lines = text.as_bytes().split(|b| *b == b'\n').filter(|line| !line.is_empty());
        lines.map(|line| RawText::new(line).shown()).collect()
    };
    let (old, new) = (before.map(&lines).unwrap_or_default(), lines(after));
    for line in old.iter().filter(|line| !new.contains(line)) {
        page.hang("      - ", line, Ink::Bad);
    }
    for line in &new {
        let first = if old.contains(line) { "        " } else { "      + " };
        page.hang(first, line, Ink::Good);
    }
}

fn by_hand(text: &str) -> String {
    text.lines().map(safe).collect::<Vec<_>>().join("\n")
}

/// What a person does; nothing is run.
fn guide(page: &mut Page, case: &Case) {
    page.paragraph(2, &safe(&case.action.title), Ink::Plain);
    let how = match case.action.id.as_str() {
        GUIDE => "for a person: tmpmedic runs none of these",
        CLEAN => "a clean-up has a plan of its own: tmpmedic clean",
        _ => "what was seen does not allow it any more",
    };
    page.paragraph(2, how, Ink::Dim);
    page.gap();
    for (number, line) in (1..).zip(&case.action.by_hand) {
        page.command(&format!("  {number:>2}  "), &by_hand(line), Ink::Plain);
    }
}

/// What people try first, by the runbook.
fn in_vain(page: &mut Page, case: &Case) {
    let all = super::in_vain(&case.finding.id);
    if !all.is_empty() {
        page.gap();
    }
    for (at, text) in all.iter().enumerate() {
        page.hang(if at == 0 { "  in vain  " } else { "           " }, &safe(text), Ink::Dim);
    }
}

fn other_ways(page: &mut Page, case: &Case) {
    let others = case.finding.actions.iter().filter(|action| **action != case.action);
    for (at, action) in others.enumerate() {
        let first = if at == 0 { "  or       " } else { "           " };
        if at == 0 {
            page.gap();
        }
        page.hang(first, &format!("--action {}: {}", action.id, safe(&action.title)), Ink::Dim);
    }
}

fn came(page: &mut Page, outcome: &Outcome, plan: Option<&Treatment>) {
    page.gap();
    if let Some((_, why)) = &outcome.refused {
        page.hang_inked(("  not done  ", Ink::Warn), &safe(why), Ink::Plain);
        return;
    }
    let total = plan.map_or(0, |plan| plan.steps.len());
    for (number, came) in (1..).zip(&outcome.steps) {
        let (symbol, ink, why) = match &came.done {
            Done::Done { .. } => {
                let note = came.note.as_ref().map_or_else(String::new, |note| format!(": {note}"));
                (page.glyph("✓", "+"), Ink::Good, format!("done{note}"))
            }
            Done::Kept { why } => (page.glyph("!", "!"), Ink::Warn, format!("left alone: {why}")),
            Done::Failed { why, .. } => (page.glyph("✗", "X"), Ink::Bad, format!("failed: {why}")),
        };
        page.hang_inked((&format!("  {number:>2} {symbol} "), ink), &safe(&why), Ink::Plain);
        for told in &came.told {
            page.hang("        ", &safe(told), Ink::Dim);
        }
    }
    if outcome.steps.len() < total {
        let stopped = if outcome.stopped { "stopped: " } else { "" };
        page.paragraph(
            2,
            &format!("{stopped}{} of {total} steps were begun", outcome.steps.len()),
            Ink::Warn,
        );
    }
    page.gap();
    for after in &outcome.after {
        let before =
            outcome.before.iter().find(|before| before.path == after.path && before.unit == after.unit);
        let was = before.map_or_else(|| "?".to_owned(), word);
        let arrow = page.glyph("→", "->");
        let (symbol, ink) = if after.works() {
            (page.glyph("✓", "+"), Ink::Good)
        } else {
            (page.glyph("✗", "X"), Ink::Bad)
        };
        let who = after.who();
        let text = format!("{} of {}: {was} {arrow} {}", safe(&after.path), safe(&who), word(after));
        page.hang_inked((&format!("  {symbol} "), ink), &text, Ink::Plain);
    }
    for told in &outcome.told {
        page.paragraph(2, &safe(told), Ink::Dim);
    }
    if !outcome.has_journal {
        page.paragraph(2, "no journal was written: undo knows nothing of this", Ink::Warn);
    } else if let Some(work) = outcome.work {
        let undo = plan.filter(|plan| plan.reversible && !outcome.steps.is_empty());
        let undo = undo.map_or_else(String::new, |_| format!("; tmpmedic undo {work} takes it back"));
        page.paragraph(2, &format!("journal entry {work}{undo}"), Ink::Dim);
    }
}

fn word(proved: &Proved) -> String {
    match &proved.fails {
        None => {
            format!("temp dirs can be made ({}.{} ms)", proved.micros / 1000, proved.micros % 1000 / 100)
        }
        Some((Some(errno), step)) => format!("{} at {step}", errno.name()),
        Some((None, why)) => why.clone(),
    }
}
