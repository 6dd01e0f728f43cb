//! What the keys of a lesson do, and what a lesson hides until it is over.

use super::app::App;
use super::keys::KeyId;
use super::lesson::{Claim, Lesson};
use super::msg::{Effect, Look};
use super::overlays::{Kind, LessonSheet, Overlay, guess};
use super::tabs::TabId;
use crate::model::units::WallNanos;

impl App {
    /// The same with a lesson, which hides the verdict until it is over.
    pub fn with_lesson(mut self, lesson: Lesson) -> Self {
        self.lesson = Some(lesson);
        self.mark_stale();
        self.refresh();
        self
    }

    /// The lesson, while it hides the verdict.
    pub fn teaching(&self) -> Option<&Lesson> {
        self.lesson.as_ref().filter(|lesson| lesson.end().is_none())
    }

    /// The lesson, where its text is on screen.
    pub fn lesson_text(&self) -> Option<&Lesson> {
        self.teaching().filter(|_| self.tab == TabId::Triage)
    }
}

/// Whether a key would give the answer away: pages of the runbook, what helps, the report.
pub fn hides(app: &App, id: KeyId) -> bool {
    app.teaching().is_some() && matches!(id, KeyId::Helps | KeyId::Ways | KeyId::Explain | KeyId::QuitReport)
}

/// Whether a key of a lesson does something now; before the first look there is nothing to learn from.
pub fn can(app: &App, id: KeyId) -> bool {
    match id {
        KeyId::Solution => app.lesson.as_ref().is_some_and(|lesson| lesson.end().is_some()),
        _ => app.teaching().is_some() && app.look.is_some(),
    }
}

/// Opens the sheet of a key of a lesson.
pub fn open(app: &mut App, id: KeyId) {
    let kind = match id {
        KeyId::Hint => Kind::Lesson(LessonSheet::NextHint),
        KeyId::Guess => Kind::Guess { input: tui_input::Input::default() },
        KeyId::GiveUp => Kind::Lesson(LessonSheet::GiveUp),
        _ => Kind::Lesson(LessonSheet::Solution),
    };
    app.overlays.push(Overlay::new(kind));
}

/// What Enter does in a sheet of a lesson.
pub fn enter(app: &mut App) -> Vec<Effect> {
    match app.overlays.last().map(|overlay| &overlay.kind) {
        Some(Kind::Guess { .. }) => {
            if let Some(claim) = guess::selected(app) {
                name(app, claim);
            }
        }
        Some(Kind::Lesson(LessonSheet::NextHint)) => take_hint(app),
        Some(Kind::Lesson(LessonSheet::GiveUp)) => give_up(app),
        _ => {
            app.overlays.pop();
        }
    }
    Vec::new()
}

/// What the footer calls Enter there.
pub fn enter_label(sheet: LessonSheet, app: &App) -> &'static str {
    match sheet {
        LessonSheet::NextHint if app.lesson.as_ref().is_some_and(|l| l.next_hint().is_some()) => "take it",
        LessonSheet::GiveUp => "give up",
        _ => "go on",
    }
}

fn take_hint(app: &mut App) {
    app.overlays.pop();
    let Some(lesson) = &mut app.lesson else { return };
    if lesson.next_hint().is_some() {
        lesson.take_hint();
        let place = lesson.hints().len().saturating_sub(1);
        app.overlays.push(Overlay::new(Kind::Lesson(LessonSheet::Hint(place))));
    }
}

fn name(app: &mut App, claim: Claim) {
    let Some((look, now)) = seen(app) else { return };
    let Some(lesson) = &mut app.lesson else { return };
    let place = lesson.guess(claim, &look, now);
    let is_over = lesson.end().is_some();
    app.overlays.pop();
    if is_over {
        show_solution(app);
    } else {
        app.overlays.push(Overlay::new(Kind::Lesson(LessonSheet::Answer(place))));
    }
}

fn give_up(app: &mut App) {
    let Some((look, now)) = seen(app) else { return };
    if let Some(lesson) = &mut app.lesson {
        lesson.give_up(&look, now);
    }
    show_solution(app);
}

/// From here on nothing is hidden any more, so the rows are made anew.
fn show_solution(app: &mut App) {
    app.overlays.clear();
    app.scroll = 0;
    app.mark_stale();
    app.overlays.push(Overlay::new(Kind::Lesson(LessonSheet::Solution)));
}

fn seen(app: &App) -> Option<(std::sync::Arc<Look>, WallNanos)> {
    let look = app.look.clone()?;
    let now = app.now.unwrap_or(look.snapshot.taken);
    Some((look, now))
}
