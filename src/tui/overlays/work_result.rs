//! What came of a piece of work: the headline, before → after, every refusal by name, each step.

use std::ops::Range;

use crate::model::work::{Changed, Ending, Fate, Outcome, Prospect};
use crate::tui::text;
use crate::tui::theme::{Theme, Tone};
use crate::tui::widgets::doc::{Doc, Piece, piece};
use crate::tui::words;

/// More refusals are not named on screen.
const MOST: usize = 500;

/// The sign of an ending, and its tone.
pub fn mark(theme: &Theme, ending: Ending) -> (&'static str, Tone) {
    match ending {
        Ending::Whole => (theme.glyphs.ok, Tone::Ok),
        Ending::Part | Ending::Stopped => (theme.glyphs.warning, Tone::Warning),
        Ending::Refused => (theme.glyphs.critical, Tone::Critical),
    }
}

/// Draws it.
pub fn draw(prospect: &Prospect, outcome: &Outcome, doc: &mut Doc<'_>) {
    let (sign, tone) = mark(doc.theme(), outcome.ending);
    doc.hang(&[piece(tone, format!("{sign} "))], Tone::Strong, &outcome.headline);
    match outcome.ending {
        Ending::Whole | Ending::Part => {}
        Ending::Stopped if outcome.work.is_none() => {
            doc.indented(2, Tone::Dim, "Stopped before anything was changed.");
        }
        Ending::Stopped if outcome.can_undo => {
            doc.indented(2, Tone::Dim, "Stopped between two steps, as asked; z takes back what was done.");
        }
        Ending::Stopped => doc.indented(2, Tone::Dim, "Stopped between two steps, as asked."),
        Ending::Refused => doc.indented(2, Tone::Dim, "Nothing was changed."),
    }
    // Where nothing was done, there is no after.
    if outcome.ending != Ending::Stopped || outcome.work.is_some() {
        table(&outcome.table, doc);
    }
    refusals(&outcome.refusals, doc);
    let told: Vec<&str> = prospect.steps.iter().map(|step| step.does.as_str()).collect();
    if !outcome.steps.is_empty() {
        doc.blank();
        let fates: Vec<Option<Fate>> = outcome.steps.iter().cloned().map(Some).collect();
        steps(&told, &fates, doc);
    }
    for note in &outcome.notes {
        doc.blank();
        doc.text(Tone::Plain, note);
    }
}

/// Before → after.
pub fn table(table: &[Changed], doc: &mut Doc<'_>) {
    if table.is_empty() {
        return;
    }
    doc.blank();
    let dim = |text: &str| piece(Tone::Dim, text);
    let arrow = doc.glyphs().arrow;
    if doc.width() < 50 {
        // No room for columns.
        for line in table {
            let change = if line.change.is_empty() { String::new() } else { format!(" ({})", line.change) };
            let values = format!("{} {arrow} {}{change}", line.before, line.after);
            doc.flow(2, &[dim(&format!("{}: ", line.what)), piece(Tone::Strong, values)]);
        }
        return;
    }
    // Figures stand under figures.
    let widest = |of: fn(&Changed) -> &str, head: &str| {
        table.iter().map(|line| text::width(of(line))).chain([head.len()]).max().unwrap_or_default()
    };
    let right = |value: &str, width: usize| {
        format!("{}{value}", " ".repeat(width.saturating_sub(text::width(value))))
    };
    let [before, after, change] = [
        widest(|line| &line.before, "BEFORE"),
        widest(|line| &line.after, "AFTER"),
        widest(|line| &line.change, ""),
    ];
    let head = vec![dim(""), dim(&right("BEFORE", before)), dim(""), dim(&right("AFTER", after)), dim("")];
    let row = |line: &Changed| -> Vec<Piece> {
        vec![
            dim(&line.what),
            piece(Tone::Plain, right(&line.before, before)),
            dim(arrow),
            piece(Tone::Strong, right(&line.after, after)),
            dim(&right(&line.change, change)),
        ]
    };
    let rows: Vec<Vec<Piece>> = std::iter::once(head).chain(table.iter().map(row)).collect();
    doc.grid(0, &rows);
}

fn refusals(refusals: &[(String, String)], doc: &mut Doc<'_>) {
    if refusals.is_empty() {
        return;
    }
    doc.heading(&words::count(refusals.len(), ("was left as it is", "were left as they are")));
    for (what, why) in refusals.iter().take(MOST) {
        doc.text(Tone::Plain, what);
        doc.indented(2, Tone::Dim, why);
    }
    let rest = refusals.len().saturating_sub(MOST);
    if rest > 0 {
        doc.text(Tone::Dim, &format!("and {rest} more; tmpmedic journal --json names them all"));
    }
}

/// Steps with what became of each; gives the lines of each of them.
pub fn steps(told: &[&str], fates: &[Option<Fate>], doc: &mut Doc<'_>) -> Vec<Range<usize>> {
    let glyphs = doc.glyphs();
    let mut items = Vec::new();
    for (position, does) in told.iter().enumerate() {
        let (sign, tone, text, why) = match fates.get(position) {
            None => (" ", Tone::Dim, Tone::Dim, None),
            Some(None) => (glyphs.marker, Tone::Accent, Tone::Strong, None),
            Some(Some(Fate::Done)) => (glyphs.ok, Tone::Ok, Tone::Plain, None),
            Some(Some(Fate::Kept(why))) => (glyphs.dash, Tone::Warning, Tone::Plain, Some(why)),
            Some(Some(Fate::Failed(why))) => (glyphs.critical, Tone::Critical, Tone::Plain, Some(why)),
        };
        let start = doc.len();
        doc.hang(
            &[piece(tone, format!("{sign} ")), piece(Tone::Accent, format!("{:>2}  ", position + 1))],
            text,
            does,
        );
        if let Some(why) = why {
            doc.indented(6, Tone::Warning, why);
        }
        items.push(start..doc.len());
    }
    items
}
