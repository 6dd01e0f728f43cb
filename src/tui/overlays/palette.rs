//! The palette: every command that does something now, and every page of the runbook, found by a few letters of its name.

use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};

use super::{Content, Kind};
use crate::catalog::runbook;
use crate::tui::app::App;
use crate::tui::can;
use crate::tui::keys::{self, KEYS, KeyId};
use crate::tui::press;
use crate::tui::text;
use crate::tui::theme::Tone;
use crate::tui::widgets::doc::{Doc, Piece, piece};

/// Lines of the sheet, whatever matches.
const LEAST_LINES: usize = 16;

/// What can be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// What a key does.
    Key(KeyId),
    /// A page of the runbook.
    Page(&'static str),
}

struct Entry {
    choice: Choice,
    chord: String,
    text: String,
    tone: Tone,
}

/// The choice under the marker.
pub fn selected(app: &App) -> Option<Choice> {
    let overlay = app.overlays.last()?;
    let Kind::Palette { input } = &overlay.kind else { return None };
    let entries = matching(app, input.value());
    entries.get(overlay.at.min(entries.len().saturating_sub(1))).map(|entry| entry.choice)
}

/// The text field and the commands that match it.
pub fn content(app: &App, input: &tui_input::Input, at: usize, mut doc: Doc<'_>) -> Content {
    let entries = matching(app, input.value());
    let cursor = field(input, &mut doc);
    let mut items = Vec::new();
    for entry in &entries {
        let start = doc.len();
        let row: Vec<Piece> =
            vec![piece(Tone::Accent, format!(" {:<9} ", entry.chord)), piece(entry.tone, entry.text.clone())];
        doc.pieces(&row);
        items.push(start..doc.len());
    }
    if entries.is_empty() {
        doc.text(Tone::Dim, "No command and no page has that name.");
    }
    fill(&mut doc);
    let place = if entries.is_empty() { 0 } else { at.min(entries.len() - 1) + 1 };
    let title = format!("Commands {place} of {}", entries.len());
    Content { title, lines: doc.into_lines(), items, cursor: Some((0, cursor)), ..Content::default() }
}

/// The text field and an empty line; gives the column of the cursor.
pub fn field(input: &tui_input::Input, doc: &mut Doc<'_>) -> u16 {
    let room = doc.width().saturating_sub(4).max(1);
    let scroll = input.visual_scroll(room);
    let value: String = text::safe(input.value()).chars().skip(scroll).collect();
    doc.pieces(&[piece(Tone::Accent, ": "), piece(Tone::Plain, value)]);
    doc.text(Tone::Plain, "");
    text::columns(2 + input.visual_cursor().saturating_sub(scroll).min(room))
}

/// Empty lines, so that the sheet keeps its height while one types.
pub fn fill(doc: &mut Doc<'_>) {
    while doc.len() < LEAST_LINES {
        doc.text(Tone::Plain, "");
    }
}

/// Everything that can be chosen now, the best match first.
fn matching(app: &App, typed: &str) -> Vec<Entry> {
    best(entries(app), typed, |entry| entry.text.clone())
}

/// What holds the typed letters in their order, the best match first; everything where nothing is typed.
pub fn best<T>(all: Vec<T>, typed: &str, text_of: impl Fn(&T) -> String) -> Vec<T> {
    if typed.trim().is_empty() {
        return all;
    }
    let mut matcher = Matcher::new(Config::DEFAULT);
    let pattern = Pattern::parse(typed, CaseMatching::Ignore, Normalization::Smart);
    let mut buffer = Vec::new();
    let mut scored: Vec<(u32, T)> = all
        .into_iter()
        .filter_map(|entry| {
            let score = pattern.score(Utf32Str::new(&text_of(&entry), &mut buffer), &mut matcher)?;
            Some((score, entry))
        })
        .collect();
    scored.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
    scored.into_iter().map(|(_, entry)| entry).collect()
}

fn entries(app: &App) -> Vec<Entry> {
    let places = press::places_below(app);
    let movement = [
        KeyId::Up,
        KeyId::Down,
        KeyId::Left,
        KeyId::Right,
        KeyId::PageUp,
        KeyId::PageDown,
        KeyId::First,
        KeyId::Last,
        KeyId::Palette,
    ];
    let here = KEYS.iter().filter(|key| !movement.contains(&key.id));
    let here = here.filter_map(|key| Some((key, keys::chord(key, &places)?)));
    let here = here.filter(|(key, _)| can::can_below(app, key.id) || can::why_barred(app, key.id).is_some());
    let commands = here.map(|(key, chord)| Entry {
        choice: Choice::Key(key.id),
        chord: chord.shown(),
        text: if key.label.is_empty() {
            press::help_of(app, key)
        } else {
            format!("{}: {}", key.label, key.help)
        },
        tone: if can::why_barred(app, key.id).is_some() { Tone::Dim } else { Tone::Plain },
    });
    // The pages tell too much while somebody learns.
    let pages = runbook::pages().filter(|_| app.teaching().is_none()).map(|page| Entry {
        choice: Choice::Page(page.id),
        chord: "explain".to_owned(),
        text: format!("{}: {}", page.id, page.title),
        tone: Tone::Plain,
    });
    commands.chain(pages).collect()
}
