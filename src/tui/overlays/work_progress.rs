//! How far a piece of work is: its steps, or a bar with count, rate, bytes and the time that is left.

use super::work_result;
use crate::model::units::{Entries, Seconds, per_cent};
use crate::model::work::Pace;
use crate::tui::app::App;
use crate::tui::theme::Tone;
use crate::tui::widgets::doc::{Doc, Piece, piece};
use crate::tui::widgets::gauge;

/// Before so much time no rate is worth saying.
const LEAST_MICROS: u64 = 500_000;

/// Draws the work under way, and the keys that it has.
pub fn draw(app: &App, doc: &mut Doc<'_>, foot: &mut Doc<'_>) {
    let Some(work) = &app.works.under_way else { return };
    doc.text(Tone::Strong, &work.prospect.does);
    let told: Vec<&str> = work.prospect.steps.iter().map(|step| step.does.as_str()).collect();
    if !told.is_empty() {
        doc.blank();
        work_result::steps(&told, &work.pace.steps, doc);
    }
    doc.blank();
    pace(&work.pace, doc);
    if work.stopping {
        foot.text(Tone::Warning, "It was told to stop: it stops between two steps.");
    } else {
        let key = |key: &str, what: &str| vec![piece(Tone::Accent, key), piece(Tone::Plain, what)];
        foot.items(4, &[key("s ", "stop at the next step"), key("Esc ", "leave; it goes on, f comes back")]);
    }
}

/// What is being done and how much of it is done.
pub fn pace(pace: &Pace, doc: &mut Doc<'_>) {
    if !pace.phase.is_empty() {
        doc.text(Tone::Plain, &format!("{} {}", pace.phase, doc.glyphs().ellipsis));
    }
    let dot = format!(" {} ", doc.glyphs().dot);
    let Some(of) = pace.of else {
        if pace.done > 0 {
            doc.text(Tone::Plain, &format!("{} seen", Entries(pace.done)));
        }
        return;
    };
    let columns = doc.width().min(50);
    let (full, empty) = gauge::gauge(per_cent(pace.done, of), columns, doc.glyphs());
    doc.pieces(&[piece(Tone::Accent, full), piece(Tone::Dim, empty)]);
    let mut facts = vec![format!("{} of {}", Entries(pace.done), Entries(of))];
    if pace.bytes.0 > 0 {
        facts.push(pace.bytes.to_string());
    }
    if let Some(rate) = rate(pace) {
        facts.push(format!("{} a second", Entries(rate)));
        if let Some(left) = of.saturating_sub(pace.done).checked_div(rate).filter(|left| *left > 0) {
            facts.push(format!("about {} left", Seconds(left)));
        }
    }
    let pieces: Vec<Piece> = vec![piece(Tone::Plain, facts.join(&dot))];
    doc.flow(0, &pieces);
}

fn rate(pace: &Pace) -> Option<u64> {
    let took = pace.took.0;
    (took >= LEAST_MICROS)
        .then(|| u128::from(pace.done) * 1_000_000 / u128::from(took))
        .and_then(|rate| u64::try_from(rate).ok())
        .filter(|rate| *rate > 0)
}
