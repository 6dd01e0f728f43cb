//! The sheet with every key, drawn from the table of keys.

use super::Content;
use crate::tui::app::App;
use crate::tui::keys::{Chord, KEYS, Key, Place};
use crate::tui::press;
use crate::tui::tabs::TABS;
use crate::tui::teach;
use crate::tui::theme::Tone;
use crate::tui::widgets::doc::{Doc, Piece, piece};

/// Every key, by the place where it works; then what the signs mean.
pub fn content(app: &App, mut doc: Doc<'_>) -> Content {
    let section = |doc: &mut Doc<'_>, title: &str, wanted: &dyn Fn(&Key) -> bool| {
        let keys = KEYS.iter().filter(|key| wanted(key) && !teach::hides(app, key.id));
        section(app, doc, title, keys);
    };
    if let Some(place) = press::lesson_place(app) {
        section(&mut doc, "In this lesson", &|key| key.places.contains(&place));
    }
    if app.replay.is_some() {
        section(&mut doc, "In a replay", &|key| key.places == [Place::Replay]);
    }
    section(&mut doc, "Moving", &|key| {
        key.places.contains(&Place::Screen) && key.places.contains(&Place::Sheet)
    });
    section(&mut doc, "On every tab", &|key| is_everywhere(key) && !is_tab(key));
    section(&mut doc, "Tabs", &|key| key.places == [Place::Screen] && is_tab(key));
    for tab in TABS {
        let card = app.tab(tab.card().id).card();
        section(&mut doc, card.title, &|key| key.places == [Place::Tab(card.id)]);
    }
    section(&mut doc, "In a plan", &|key| key.places == [Place::Plan]);
    section(&mut doc, "Everywhere", &|key| key.places.contains(&Place::Always));
    signs(&mut doc);
    Content { title: "Keys".to_owned(), lines: doc.into_lines(), ..Content::default() }
}

/// Whether it works on every tab, and moves nothing in sheets.
fn is_everywhere(key: &Key) -> bool {
    key.places.contains(&Place::Screen) && !key.places.contains(&Place::Sheet)
}

fn is_tab(key: &Key) -> bool {
    matches!(key.id, crate::tui::keys::KeyId::Tab(_))
}

fn section<'a>(app: &App, doc: &mut Doc<'_>, title: &str, keys: impl Iterator<Item = &'a Key>) {
    let rows: Vec<Vec<Piece>> = keys.map(|key| row(app, key)).collect();
    if rows.is_empty() {
        return;
    }
    doc.heading(title);
    doc.grid(1, &rows);
}

fn row(app: &App, key: &Key) -> Vec<Piece> {
    let means_it = |chord: &&Chord| press::meaning(app, **chord).is_none_or(|id| id == key.id);
    let chords: Vec<String> = key.chords.iter().filter(means_it).map(|c| c.shown()).collect();
    // All sections share one column of chords.
    vec![
        piece(Tone::Accent, format!("{:<9}", chords.join(" "))),
        piece(Tone::Plain, press::help_of(app, key)),
    ]
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
