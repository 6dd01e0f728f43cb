//! The sheet in which a learner names the cause: all of them in plain words, found by a few letters.

use super::{Content, palette};
use crate::tui::app::App;
use crate::tui::lesson::{Choice, Claim};
use crate::tui::overlays::Kind;
use crate::tui::tabs::lesson::mark;
use crate::tui::theme::Tone;
use crate::tui::widgets::doc::{Doc, Piece, piece};

/// The claim under the marker.
pub fn selected(app: &App) -> Option<Claim> {
    let overlay = app.overlays.last()?;
    let Kind::Guess { input } = &overlay.kind else { return None };
    let choices = matching(app, input.value());
    choices.get(overlay.at.min(choices.len().saturating_sub(1))).map(|choice| choice.claim.clone())
}

/// The text field and the causes that match it; those that were named already carry what became of them.
pub fn content(app: &App, input: &tui_input::Input, at: usize, mut doc: Doc<'_>) -> Content {
    let choices = matching(app, input.value());
    let cursor = palette::field(input, &mut doc);
    let mut items = Vec::new();
    for choice in &choices {
        let start = doc.len();
        doc.flow(2, &row(app, choice));
        items.push(start..doc.len());
    }
    if choices.is_empty() {
        doc.text(Tone::Dim, "No cause is called that.");
    }
    palette::fill(&mut doc);
    let place = if choices.is_empty() { 0 } else { at.min(choices.len() - 1) + 1 };
    let title = format!("The cause {place} of {}", choices.len());
    Content { title, lines: doc.into_lines(), items, cursor: Some((0, cursor)), ..Content::default() }
}

fn row(app: &App, choice: &Choice) -> Vec<Piece> {
    let id = match &choice.claim {
        Claim::Cause(id) => id.as_str(),
        Claim::Nothing => "it only looks like trouble",
    };
    let guesses = app.lesson.as_ref().map_or(&[][..], |lesson| lesson.guesses());
    let named = guesses.iter().find(|guess| guess.claim == choice.claim);
    let (sign, tone) = named.map_or((" ", Tone::Plain), |guess| mark(app, guess));
    vec![
        piece(tone, format!("{sign} ")),
        piece(Tone::Plain, format!("{}  ", choice.title)),
        piece(Tone::Dim, id),
    ]
}

fn matching<'a>(app: &'a App, typed: &str) -> Vec<&'a Choice> {
    let all = app.lesson.as_ref().map_or(&[][..], |lesson| lesson.choices());
    palette::best(all.iter().collect(), typed, |choice| match &choice.claim {
        Claim::Cause(id) => format!("{} {id}", choice.title),
        Claim::Nothing => format!("{}, all is well, it only looks like trouble", choice.title),
    })
}
