//! The sheet with the commands that show the selected thing in a shell.

use super::Content;
use crate::tui::app::App;
use crate::tui::tabs::Command;
use crate::tui::theme::Tone;
use crate::tui::widgets::doc::{Doc, piece};

/// What each command shows, and the command, whole.
pub fn content(app: &App, title: &str, commands: &[Command], mut doc: Doc<'_>) -> Content {
    let mut items = Vec::new();
    for command in commands {
        doc.blank();
        let start = doc.len();
        doc.hang(&[piece(Tone::Plain, " ")], Tone::Dim, &command.shows);
        doc.indented(3, Tone::Plain, &command.line);
        items.push(start..doc.len());
    }
    if app.snapshot().is_some() && !app.is_root() {
        doc.blank();
        doc.text(Tone::Warning, "Processes of other users show their inside to root only.");
    }
    Content { title: title.to_owned(), lines: doc.into_lines(), items, ..Content::default() }
}
