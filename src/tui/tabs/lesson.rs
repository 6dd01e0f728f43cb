//! The lesson: what happened, and what one knows so far. It stands where Triage stands, until the lesson is over.

use super::{Command, Pick, Tab, TabCard, TabId};
use crate::tui::app::App;
use crate::tui::lesson::answer::Answer;
use crate::tui::lesson::{Guess, Lesson, clock};
use crate::tui::table::{Row, Table};
use crate::tui::theme::Tone;
use crate::tui::widgets::doc::{Doc, Piece, piece};
use crate::tui::words::count;

/// See the module's header.
pub struct LessonTab;

static CARD: TabCard = TabCard {
    id: TabId::Triage,
    number: 1,
    title: "Lesson",
    asks: "what happened, your hints and guesses so far",
};

impl Tab for LessonTab {
    fn card(&self) -> &'static TabCard {
        &CARD
    }

    /// A text and no list; one row that nobody sees keeps the keys of movement alive.
    fn table(&self, _app: &App) -> Table {
        let mut table = Table::new(Vec::new());
        table.rows.push(Row::new("lesson", Pick::Lesson, Vec::new()));
        table
    }

    fn detail_title(&self, _app: &App, _pick: &Pick) -> String {
        "What happened".to_owned()
    }

    fn detail(&self, app: &App, _pick: &Pick, doc: &mut Doc<'_>) {
        if let Some(lesson) = app.teaching() {
            story(lesson, doc);
        }
    }

    fn commands(&self, _app: &App, _pick: &Pick) -> Vec<Command> {
        Vec::new()
    }
}

fn story(lesson: &Lesson, doc: &mut Doc<'_>) {
    let scenario = lesson.scenario();
    doc.text(Tone::Strong, &scenario.title);
    doc.blank();
    prose(Tone::Plain, &scenario.story, doc);
    if !scenario.symptom.trim().is_empty() {
        doc.heading("What the log says");
        for line in scenario.symptom.trim_end().lines() {
            doc.flow(4, &[piece(Tone::Plain, "  "), piece(Tone::Accent, line)]);
        }
    }
    if !scenario.tried.is_empty() {
        doc.heading("What was tried");
    }
    for line in &scenario.tried {
        tried(line, doc);
    }
}

/// A command, and below it what came of it: `df -h /tmp   # plenty`.
fn tried(line: &str, doc: &mut Doc<'_>) {
    let (dot, branch) = (doc.glyphs().dot, doc.glyphs().branch);
    let (command, result) = line.split_once("  #").unwrap_or((line, ""));
    doc.hang(&[piece(Tone::Dim, format!("{dot} "))], Tone::Plain, command.trim());
    if !result.trim().is_empty() {
        doc.hang(&[piece(Tone::Dim, format!("  {branch} "))], Tone::Dim, result.trim());
    }
}

/// Paragraphs, which empty lines part.
pub fn prose(tone: Tone, text: &str, doc: &mut Doc<'_>) {
    for (position, paragraph) in text.trim().split("\n\n").enumerate() {
        if position > 0 {
            doc.blank();
        }
        doc.text(tone, &paragraph.split_whitespace().collect::<Vec<_>>().join(" "));
    }
}

/// The hints and guesses so far, and what to press.
pub fn notes(app: &App, lesson: &Lesson, doc: &mut Doc<'_>) {
    for (position, hint) in lesson.hints().iter().enumerate() {
        doc.blank();
        let lead = piece(Tone::Accent, format!("hint {}  ", position + 1));
        doc.hang(&[lead], Tone::Plain, &hint.text);
    }
    if !lesson.guesses().is_empty() {
        doc.blank();
    }
    for guess in lesson.guesses() {
        let (mark, tone) = mark(app, guess);
        let lead = [piece(tone, format!("{mark} ")), piece(Tone::Dim, format!("{}  ", clock(guess.at)))];
        doc.hang(&lead, Tone::Plain, lesson.words_of(&guess.claim));
        doc.indented(4, Tone::Dim, &guess.answer.words());
    }
    doc.blank();
    if app.look.is_none() {
        let dots = doc.glyphs().ellipsis;
        return doc.text(Tone::Dim, &format!("The first look at the machine is under way {dots}"));
    }
    doc.text(
        Tone::Plain,
        "The verdict is hidden, the evidence is not: tabs 2 to 6 show this machine as it is.",
    );
    doc.blank();
    let key = |chord: &str, what: String| vec![piece(Tone::Accent, chord), piece(Tone::Plain, what)];
    let left = lesson.scenario().hints.len() - lesson.hints().len();
    let hints = match lesson.next_hint() {
        Some(hint) => format!("a hint, for {} ({left} left)", points(u32::from(hint.cost))),
        None => "no hint is left".to_owned(),
    };
    let rows: Vec<Vec<Piece>> = vec![
        key("n", "name the cause, once you know it".to_owned()),
        key("h", hints),
        key("N", "give up and see the solution".to_owned()),
    ];
    doc.grid(0, &rows);
}

/// The sign of what became of a guess.
pub fn mark(app: &App, guess: &Guess) -> (&'static str, Tone) {
    let glyphs = app.theme.glyphs;
    match guess.answer {
        Answer::Right => (glyphs.ok, Tone::Ok),
        Answer::Beside(_) => (glyphs.warning, Tone::Warning),
        _ => (glyphs.critical, Tone::Dim),
    }
}

/// `1 point`, `20 points`.
pub fn points(n: u32) -> String {
    count(usize::try_from(n).unwrap_or(usize::MAX), ("point", "points"))
}
