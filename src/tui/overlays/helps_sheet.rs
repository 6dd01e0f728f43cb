//! The sheet with what helps against a finding: each way with its risk and the commands that do it.

use super::Content;
use crate::tui::app::App;
use crate::tui::tabs::triage;
use crate::tui::theme::Tone;
use crate::tui::widgets::doc::Doc;

/// The ways, one below the other.
pub fn content(app: &App, id: &str, mut doc: Doc<'_>) -> Content {
    let Some(finding) = triage::known_as(app, id) else {
        doc.text(Tone::Ok, "This finding is gone: the last look no longer shows it.");
        return Content { title: "What helps".to_owned(), lines: doc.into_lines(), ..Content::default() };
    };
    let mut items = Vec::new();
    if finding.actions.is_empty() {
        triage::helps(finding, &mut doc);
    }
    for position in 0..finding.actions.len() {
        doc.blank();
        let start = doc.len();
        triage::help(finding, position, &mut doc);
        items.push(start..doc.len());
    }
    doc.blank();
    doc.text(Tone::Dim, "Commands to run in a shell; y copies those of the marked way.");
    let title = format!("What helps: {}", finding.title);
    Content { title, lines: doc.into_lines(), items, ..Content::default() }
}

/// The commands of one way.
pub fn copy(app: &App, id: &str, place: usize) -> Option<String> {
    let action = triage::known_as(app, id)?.actions.get(place)?;
    (!action.by_hand.is_empty()).then(|| action.by_hand.join("\n"))
}
