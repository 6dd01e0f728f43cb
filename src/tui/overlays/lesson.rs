//! The sheets of a lesson: a hint, what becomes of a guess, giving up. The solution has a file of its own.

use super::{Content, LessonSheet, solution};
use crate::tui::app::App;
use crate::tui::lesson::answer::Answer;
use crate::tui::lesson::{Claim, Guess, Lesson};
use crate::tui::tabs::lesson::{mark, points};
use crate::tui::tabs::triage;
use crate::tui::theme::Tone;
use crate::tui::widgets::doc::{Doc, piece};
use crate::tui::words::count;

/// The sheet of that kind.
pub fn content(app: &App, sheet: LessonSheet, mut doc: Doc<'_>) -> Content {
    let Some(lesson) = &app.lesson else { return Content::default() };
    let title = match sheet {
        LessonSheet::NextHint => next_hint(lesson, &mut doc),
        LessonSheet::Hint(place) => hint(lesson, place, &mut doc),
        LessonSheet::Answer(place) => answer(app, lesson, place, &mut doc),
        LessonSheet::GiveUp => give_up(lesson, &mut doc),
        LessonSheet::Solution => solution::draw(app, lesson, &mut doc),
    };
    Content { title, lines: doc.into_lines(), ..Content::default() }
}

/// What the next hint costs; it is shown only after that.
fn next_hint(lesson: &Lesson, doc: &mut Doc<'_>) -> String {
    let (taken, all) = (lesson.hints().len(), lesson.scenario().hints.len());
    let Some(hint) = lesson.next_hint() else {
        doc.text(Tone::Strong, "No hint is left.");
        doc.blank();
        doc.text(Tone::Plain, "Those that were told stand in tab 1. n names the cause, N gives up.");
        return "Hint".to_owned();
    };
    let cost = points(u32::from(hint.cost));
    doc.text(Tone::Strong, &format!("The next hint costs {cost} of your {}.", lesson.score()));
    doc.blank();
    doc.text(Tone::Plain, "Enter shows it. Esc leaves it, and nothing is lost.");
    format!("Hint {} of {all}", taken + 1)
}

fn hint(lesson: &Lesson, place: usize, doc: &mut Doc<'_>) -> String {
    let all = lesson.scenario().hints.len();
    if let Some(hint) = lesson.hints().get(place) {
        doc.text(Tone::Strong, &hint.text);
        doc.blank();
        let left = points(lesson.score());
        doc.text(Tone::Dim, &format!("{} taken, {left} left. Tab 1 keeps it.", points(u32::from(hint.cost))));
    }
    format!("Hint {} of {all}", place + 1)
}

fn give_up(lesson: &Lesson, doc: &mut Doc<'_>) -> String {
    doc.text(
        Tone::Strong,
        &format!("Giving up shows the solution and ends with 0 of your {}.", points(lesson.score())),
    );
    doc.blank();
    if let Some(hint) = lesson.next_hint() {
        doc.text(Tone::Plain, &format!("A hint would cost {} (key h).", points(u32::from(hint.cost))));
    }
    doc.text(Tone::Plain, "Enter gives up. Esc goes on looking.");
    "Give up?".to_owned()
}

/// What the look says about a guess that was not right.
fn answer(app: &App, lesson: &Lesson, place: usize, doc: &mut Doc<'_>) -> String {
    let Some(guess) = lesson.guesses().get(place) else { return String::new() };
    let (sign, tone) = mark(app, guess);
    doc.hang(&[piece(tone, format!("{sign} "))], Tone::Strong, lesson.words_of(&guess.claim));
    if let Claim::Cause(id) = &guess.claim {
        doc.indented(2, Tone::Dim, id);
    }
    doc.blank();
    because(guess, doc);
    doc.blank();
    let cost = points(guess.answer.cost());
    doc.text(Tone::Dim, &format!("This guess took {cost}, {} left.", points(lesson.score())));
    match guess.answer {
        Answer::Beside(_) => "True, but not the cause".to_owned(),
        _ => "Not the cause".to_owned(),
    }
}

fn because(guess: &Guess, doc: &mut Doc<'_>) {
    match &guess.answer {
        Answer::Right => {}
        Answer::Beside(finding) => {
            doc.text(
                Tone::Plain,
                "This is so, and here is what shows it. But it is not what makes this failure:",
            );
            for fact in &finding.evidence {
                doc.blank();
                triage::evidence(fact, doc);
            }
        }
        Answer::RuledOut(figures) => {
            doc.text(Tone::Plain, "This look rules it out, with these figures:");
            doc.blank();
            doc.indented(2, Tone::Accent, figures);
        }
        Answer::Blind(gaps) => {
            doc.text(Tone::Plain, "It is not the cause. Whether it is so as well could not be seen:");
            doc.blank();
            triage::gaps(gaps, doc);
        }
        Answer::Amiss { failing: 0, findings } => {
            let found = count(*findings, ("finding", "findings"));
            doc.text(
                Tone::Plain,
                &format!(
                    "Temp dirs can be created everywhere now, and still there is a cause: {found} above info."
                ),
            );
        }
        Answer::Amiss { failing, .. } => {
            let views = count(*failing, ("vantage", "vantages"));
            doc.text(
                Tone::Plain,
                &format!("No temp dir can be created from {views}. Tab 2 shows which, and at which step."),
            );
        }
        Answer::Silent => doc.text(
            Tone::Plain,
            "Nothing here speaks for it: this look has neither found it nor anything of its kind.",
        ),
    }
}
