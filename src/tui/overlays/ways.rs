//! The sheet with every way against a finding: which of them tmpmedic goes itself, and which it only tells.

use super::Content;
use crate::tui::app::App;
use crate::tui::tabs::triage;
use crate::tui::theme::Tone;
use crate::tui::widgets::doc::{Doc, piece};
use crate::tui::work::wishes;

/// The ways, one below the other.
pub fn content(app: &App, known: &str, mut doc: Doc<'_>) -> Content {
    let Some(finding) = triage::known_as(app, known) else {
        doc.text(Tone::Ok, "This finding is gone: the last look no longer shows it.");
        return Content { title: "Ways".to_owned(), lines: doc.into_lines(), ..Content::default() };
    };
    let mut items = Vec::new();
    for (position, action) in finding.actions.iter().enumerate() {
        doc.blank();
        let start = doc.len();
        doc.hang(&[piece(Tone::Accent, format!("{}  ", position + 1))], Tone::Strong, &action.title);
        let who = match wishes::treat(app, finding, action) {
            Some(_) => piece(Tone::Ok, "tmpmedic does it"),
            None => piece(Tone::Dim, "commands for you to run"),
        };
        let dot = doc.glyphs().dot;
        let [risk, back] = triage::risk(action);
        doc.flow(
            3,
            &[
                piece(Tone::Plain, "   "),
                who,
                piece(Tone::Dim, format!(" {dot} ")),
                risk,
                piece(Tone::Dim, format!(" {dot} ")),
                back,
            ],
        );
        items.push(start..doc.len());
    }
    doc.blank();
    doc.text(Tone::Dim, "Enter shows the plan of the marked way; nothing is done before you say so there.");
    Content {
        title: format!("Ways: {}", finding.title),
        lines: doc.into_lines(),
        items,
        ..Content::default()
    }
}
