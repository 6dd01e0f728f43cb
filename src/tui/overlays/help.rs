//! The sheet with every key, drawn from the table of keys.

use super::Content;
use crate::tui::keys::{KEYS, Key, Place};
use crate::tui::tabs::TABS;
use crate::tui::theme::Tone;
use crate::tui::widgets::doc::{Doc, Piece, piece};

/// Every key, by the place where it works; then what the signs mean.
pub fn content(mut doc: Doc<'_>) -> Content {
    section(&mut doc, "Moving", |key| key.places.contains(&Place::Screen) && key.places.len() > 1);
    section(&mut doc, "On every tab", |key| key.places == [Place::Screen] && !is_tab(key));
    section(&mut doc, "Tabs", |key| key.places == [Place::Screen] && is_tab(key));
    for tab in TABS {
        let card = tab.card();
        section(&mut doc, card.title, |key| key.places == [Place::Tab(card.id)]);
    }
    section(&mut doc, "In a replay", |key| key.places == [Place::Replay]);
    section(&mut doc, "Everywhere", |key| key.places.contains(&Place::Always));
    signs(&mut doc);
    Content { title: "Keys".to_owned(), lines: doc.into_lines(), ..Content::default() }
}

fn is_tab(key: &Key) -> bool {
    matches!(key.id, crate::tui::keys::KeyId::Tab(_))
}

fn section(doc: &mut Doc<'_>, title: &str, wanted: impl Fn(&Key) -> bool) {
    let rows: Vec<Vec<Piece>> = KEYS.iter().filter(|key| wanted(key)).map(row).collect();
    if rows.is_empty() {
        return;
    }
    doc.heading(title);
    doc.grid(1, &rows);
}

fn row(key: &Key) -> Vec<Piece> {
    let chords: Vec<String> = key.chords.iter().map(|c| c.shown()).collect();
    // All sections share one column of chords.
    vec![piece(Tone::Accent, format!("{:<9}", chords.join(" "))), piece(Tone::Plain, key.help)]
}

fn signs(doc: &mut Doc<'_>) {
    let glyphs = doc.glyphs();
    doc.heading("Signs");
    let rows = [
        (
            Tone::Critical,
            glyphs.critical,
            "fails now: a runner or build process cannot create, write to or run from its temp dir",
        ),
        (Tone::Warning, glyphs.warning, "will or might fail"),
        (Tone::Dim, glyphs.info, "context"),
        (Tone::Ok, glyphs.ok, "works, or ruled out"),
        (Tone::Warning, glyphs.unknown, "not known: it could not be seen"),
        (Tone::Dim, glyphs.dash, "not set, or not there"),
        (
            Tone::Plain,
            "probed",
            "a temp dir was made and removed for real; predicted: worked out from modes, mounts and room",
        ),
    ];
    let rows: Vec<Vec<Piece>> = rows
        .into_iter()
        .map(|(tone, sign, means)| vec![piece(tone, format!("{sign:<9}")), piece(Tone::Plain, means)])
        .collect();
    doc.grid(1, &rows);
}
