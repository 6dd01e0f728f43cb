//! The sheet with the solution: the shortest way of evidence, the cure, what a naive repair would have done, the score.

use crate::model::finding::Evidence;
use crate::tui::app::App;
use crate::tui::lesson::outcome::End;
use crate::tui::lesson::{Claim, FULL_SCORE, Lesson, clock, proof};
use crate::tui::tabs::lesson::prose;
use crate::tui::tabs::{TabCard, TabId, triage};
use crate::tui::theme::Tone;
use crate::tui::widgets::doc::{Doc, Piece, piece};
use crate::tui::words::count;

/// Draws it, and gives the title of the sheet.
pub fn draw(app: &App, lesson: &Lesson, doc: &mut Doc<'_>) -> String {
    let is_solved = lesson.end() == Some(End::Solved);
    headline(app, lesson, doc);
    score(lesson, doc);
    way(app, lesson, doc);
    let scenario = lesson.scenario();
    for chapter in scenario.chapters.iter().filter(|chapter| !chapter.tells.trim().is_empty()) {
        doc.heading(if chapter.title.is_empty() { "What happened" } else { &chapter.title });
        prose(Tone::Plain, &chapter.tells, doc);
    }
    for (heading, text) in [
        ("What cures it", &scenario.cure),
        ("What a naive repair would have done", &scenario.naive),
        ("What to remember", &scenario.lesson),
    ] {
        if !text.trim().is_empty() {
            doc.heading(heading);
            prose(Tone::Plain, text, doc);
        }
    }
    next(lesson, doc);
    doc.blank();
    doc.text(
        Tone::Dim,
        "Nothing is hidden any more: Esc shows the console as it always is. n comes back here, q leaves.",
    );
    if is_solved { "Solved".to_owned() } else { "The solution".to_owned() }
}

/// The by-hand commands of the steps, for the clipboard.
pub fn copy(lesson: &Lesson) -> Option<String> {
    let lines: Vec<&str> =
        lesson.proof().steps().iter().map(|s| s.by_hand.as_str()).filter(|line| !line.is_empty()).collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

fn headline(app: &App, lesson: &Lesson, doc: &mut Doc<'_>) {
    let glyphs = app.theme.glyphs;
    let truth = lesson.truth();
    let lead = match lesson.end() {
        Some(End::Solved) => piece(Tone::Ok, format!("{} ", glyphs.ok)),
        _ => piece(Tone::Accent, format!("{} ", glyphs.arrow)),
    };
    doc.hang(&[lead], Tone::Strong, lesson.words_of(&truth));
    match (&truth, &lesson.proof().finding) {
        (Claim::Cause(id), Some(finding)) => {
            doc.indented(2, Tone::Plain, &finding.title);
            doc.indented(2, Tone::Dim, &format!("cause {id}"));
        }
        (Claim::Cause(id), None) => doc.indented(2, Tone::Dim, &format!("cause {id}")),
        (Claim::Nothing, _) => {
            let looks_like = lesson.words_of(&Claim::Cause(lesson.scenario().cause.clone()));
            doc.indented(2, Tone::Dim, &format!("it looks like: {looks_like}"));
        }
    }
}

/// How the score was made, one line a reason.
fn score(lesson: &Lesson, doc: &mut Doc<'_>) {
    doc.blank();
    let time = clock(lesson.elapsed(None));
    doc.text(Tone::Strong, &format!("{} of {FULL_SCORE} points, {time}", lesson.score()));
    let wrong = lesson.guesses().iter().filter(|guess| guess.answer.cost() > 0).count();
    let row = |n: u32, why: String| -> Vec<Piece> {
        vec![piece(Tone::Plain, format!("{n:>4}")), piece(Tone::Dim, why)]
    };
    let less = |n: u32, why: String| -> Vec<Piece> {
        vec![piece(Tone::Plain, format!("{:>4}", format!("-{n}"))), piece(Tone::Dim, why)]
    };
    let mut rows = vec![row(FULL_SCORE, "to begin with".to_owned())];
    if lesson.spent_on_hints() > 0 {
        rows.push(less(lesson.spent_on_hints(), count(lesson.hints().len(), ("hint", "hints"))));
    }
    if lesson.spent_on_guesses() > 0 {
        rows.push(less(lesson.spent_on_guesses(), count(wrong, ("wrong guess", "wrong guesses"))));
    }
    if lesson.end() == Some(End::GivenUp) {
        rows.push(row(0, "are left to whoever gives up".to_owned()));
    }
    doc.grid(0, &rows);
}

fn way(app: &App, lesson: &Lesson, doc: &mut Doc<'_>) {
    let proof = lesson.proof();
    doc.heading("The shortest way to it");
    for (position, fact) in proof.steps().iter().enumerate() {
        if position > 0 {
            doc.blank();
        }
        step(position + 1, fact, doc);
    }
    if proof.finding.is_some() {
        return;
    }
    if let (Claim::Nothing, Some(figures)) = (lesson.truth(), &proof.because) {
        doc.text(Tone::Plain, "What it looks like is ruled out by these figures:");
        return doc.indented(2, Tone::Accent, figures);
    }
    doc.text(Tone::Plain, "This look does not show the facts themselves.");
    triage::gaps(&proof.gaps, doc);
    if !app.is_root() {
        doc.text(Tone::Dim, "As root it shows more.");
    }
}

/// Where to look, what stands there, what that means, and the command that shows the same.
fn step(number: usize, fact: &Evidence, doc: &mut Doc<'_>) {
    let place = match proof::tab_of(&fact.source) {
        Some(tab) => place_of(tab, &fact.source),
        None => "in a shell".to_owned(),
    };
    doc.pieces(&[piece(Tone::Accent, format!("{number}  ")), piece(Tone::Strong, place)]);
    doc.indented(3, Tone::Dim, &fact.source);
    doc.quoted(3, Tone::Plain, &fact.observed.shown());
    doc.hang(&[piece(Tone::Dim, format!("   {} ", doc.glyphs().branch))], Tone::Plain, &fact.means);
    if !fact.by_hand.is_empty() {
        doc.hang(&[piece(Tone::Dim, "   by hand  ")], Tone::Dim, &fact.by_hand);
    }
}

fn place_of(tab: TabId, source: &str) -> String {
    let TabCard { number, title, .. } = super::super::tabs::tab(tab).card();
    let probe = if source.starts_with("probe") { ", key p" } else { "" };
    format!("tab {number} {title}{probe}")
}

fn next(lesson: &Lesson, doc: &mut Doc<'_>) {
    if let Some(next) = lesson.next() {
        doc.heading("Next in the course");
        doc.hang(&[piece(Tone::Accent, format!("{}  ", next.number))], Tone::Plain, &next.title);
        doc.indented(3, Tone::Dim, &format!("tmpmedic lab --learn {}", next.number));
    }
}
