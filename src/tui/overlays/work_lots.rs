//! What a clean-up takes and what it leaves, family by family and reason by reason; and what lies in one of those lots.

use std::ops::Range;

use super::Content;
use crate::model::units::{Bytes, Entries};
use crate::model::work::{Lot, Prospect, Wish};
use crate::tui::text::{self, safe};
use crate::tui::theme::Tone;
use crate::tui::widgets::doc::{Doc, Piece, piece};
use crate::tui::words;

/// Columns of the three figures, each with two blanks before it.
const FIGURES: [usize; 3] = [11, 10, 9];

/// Draws both tables; gives the lines of each lot.
pub fn draw(prospect: &Prospect, doc: &mut Doc<'_>) -> Vec<Range<usize>> {
    let for_good = matches!(&prospect.wish, Wish::Clean { wishes, .. } if wishes.delete);
    let goes = if for_good { "Goes, for good" } else { "Goes" };
    let mut items = table(goes, (&prospect.going, Tone::Plain), doc);
    items.extend(table("Stays", (&prospect.staying, Tone::Dim), doc));
    items
}

/// Entries and bytes of some lots together.
pub fn sum(lots: &[Lot]) -> (Entries, Bytes) {
    let entries = lots.iter().fold(0_u64, |sum, lot| sum.saturating_add(lot.entries));
    let bytes = lots.iter().fold(0_u64, |sum, lot| sum.saturating_add(lot.bytes.0));
    (Entries(entries), Bytes(bytes))
}

/// `, 41.0 M`; nothing where it is nothing.
pub fn room_of(bytes: Bytes) -> String {
    if bytes.0 == 0 { String::new() } else { format!(", {bytes}") }
}

fn table(title: &str, (lots, tone): (&[Lot], Tone), doc: &mut Doc<'_>) -> Vec<Range<usize>> {
    if lots.is_empty() {
        return Vec::new();
    }
    let (entries, bytes) = sum(lots);
    doc.blank();
    row(
        (Tone::Title, &format!("{title}: {}{}", words::entries(entries), room_of(bytes))),
        (Tone::Dim, ["ENTRIES", "BYTES", "OLDEST"].map(str::to_owned)),
        doc,
    );
    let mut items = Vec::new();
    for lot in lots {
        let start = doc.len();
        let oldest = lot.oldest.map_or_else(|| doc.glyphs().dash.to_owned(), |age| age.to_string());
        let figures = [Entries(lot.entries).to_string(), lot.bytes.to_string(), oldest];
        let what = if lot.what.is_empty() { "not in any family" } else { &lot.what };
        row((tone, &format!(" {what}")), (tone, figures), doc);
        items.push(start..doc.len());
    }
    items
}

/// A line with figures on its right; where there is little room, only the first of them.
fn row((tone, what): (Tone, &str), (dim, figures): (Tone, [String; 3]), doc: &mut Doc<'_>) {
    let count = if doc.width() < 56 { 1 } else { FIGURES.len() };
    let taken: usize = FIGURES.iter().take(count).sum();
    let room = doc.width().saturating_sub(taken);
    let what = text::cut_end(&safe(what), room, doc.glyphs().ellipsis);
    let pad = room.saturating_sub(text::width(&what));
    let mut pieces: Vec<Piece> = vec![piece(tone, what), piece(Tone::Plain, " ".repeat(pad))];
    for (figure, width) in figures.iter().zip(FIGURES).take(count) {
        pieces.push(piece(dim, format!("{figure:>width$}")));
    }
    doc.pieces(&pieces);
}

/// Some of the entries of a lot, each with its own reason.
pub fn samples(lot: &Lot, mut doc: Doc<'_>) -> Content {
    let (entries, bytes) = (Entries(lot.entries), lot.bytes);
    doc.text(Tone::Strong, &format!("{}{}", words::entries(entries), room_of(bytes)));
    let rest = lot.entries.saturating_sub(u64::try_from(lot.samples.len()).unwrap_or(u64::MAX));
    let mut items = Vec::new();
    doc.blank();
    for (path, reason) in &lot.samples {
        let start = doc.len();
        doc.text(Tone::Plain, &path.shown());
        if !reason.is_empty() {
            doc.indented(2, Tone::Dim, reason);
        }
        items.push(start..doc.len());
    }
    if rest > 0 {
        doc.blank();
        doc.text(Tone::Dim, &format!("and {} more", Entries(rest)));
    }
    let title = if lot.what.is_empty() { "not in any family" } else { &lot.what };
    Content { title: title.to_owned(), lines: doc.into_lines(), items, ..Content::default() }
}
