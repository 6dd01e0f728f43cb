//! Whether a key may say yes now.
//!
//! What stands on screen for less than [`DEAD`] was not read, and a key that comes in that time was meant for what stood
//! there before: it is dropped, and the time begins anew, so that a held key cannot get through either. The time runs from
//! the moment at which the question was drawn, by the monotonic clock. And a key that says yes comes by itself: in the
//! company of others it is the end of a line that was pasted, by a terminal that does not mark pastes.

use std::time::Duration;

use super::{Stage, sheet};
use crate::model::units::WallNanos;
use crate::model::work::{Barred, Prospect, Wish};
use crate::tui::app::App;
use crate::tui::keys::KeyId;
use crate::tui::layout::{self, Shape};
use crate::tui::msg::{Company, Effect};
use crate::tui::tabs::triage;

/// How long a question must have been on screen before a key may answer it.
pub const DEAD: Duration = Duration::from_millis(300);

/// Which question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    digest: String,
    asks_for_word: bool,
}

/// A question, and from when on it may be answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    question: Question,
    /// Nothing before it was drawn.
    live_at: Option<Duration>,
}

impl App {
    /// Whether a question stands on screen that a key may answer now.
    pub fn can_confirm(&self) -> bool {
        let live_at = self.works.question.as_ref().and_then(|standing| standing.live_at);
        live_at.is_some_and(|at| self.works.clock >= at)
    }

    /// When the clock must be told again although nothing happens; the screen looks different then.
    pub fn wake_in(&self) -> Option<Duration> {
        let live_at = self.works.question.as_ref()?.live_at?;
        live_at.checked_sub(self.works.clock).filter(|left| !left.is_zero())
    }
}

/// The question that stands there: a plan on top of everything, which nothing bars, on a screen that has room for it.
fn question(app: &App) -> Option<Question> {
    let sheet = sheet(app).filter(|_| layout::shape(app) != Shape::Line)?;
    let prospect = sheet.prospect()?;
    let is_open = barred(app, prospect).is_none();
    is_open.then(|| Question { digest: prospect.digest.clone(), asks_for_word: sheet.word.is_some() })
}

/// Takes note of what is asked now. A new question throws away what was typed before it.
pub fn settle(app: &mut App) -> Option<Effect> {
    let now = question(app);
    if app.works.question.as_ref().map(|standing| &standing.question) == now.as_ref() {
        return None;
    }
    app.works.question = now.map(|question| Standing { question, live_at: None });
    app.works.question.is_some().then_some(Effect::FlushInput)
}

/// The screen was somebody else's for a while, or looks different: what is asked has to be read anew.
pub fn begin_anew(app: &mut App) {
    app.works.question = None;
}

/// The clock.
pub fn tell(app: &mut App, now: Duration) {
    app.works.clock = app.works.clock.max(now);
}

/// What is known is on screen since now.
pub fn drawn(app: &mut App, now: Duration) {
    tell(app, now);
    let clock = app.works.clock;
    if let Some(standing) = &mut app.works.question {
        standing.live_at.get_or_insert(clock + DEAD);
    }
}

/// Drops a key that comes too early for the question on screen; says whether it did.
pub fn drops(app: &mut App, id: Option<KeyId>) -> bool {
    let harmless = [
        KeyId::Back,
        KeyId::Interrupt,
        KeyId::Suspend,
        KeyId::Quit,
        KeyId::QuitReport,
        KeyId::Up,
        KeyId::Down,
        KeyId::PageUp,
        KeyId::PageDown,
        KeyId::First,
        KeyId::Last,
    ];
    if app.works.question.is_none() || app.can_confirm() || id.is_some_and(|id| harmless.contains(&id)) {
        return false;
    }
    let clock = app.works.clock;
    if let Some(Standing { live_at: Some(at), .. }) = &mut app.works.question {
        *at = clock + DEAD;
    }
    app.note = Some("that key came before this could be read; press it again".to_owned());
    true
}

/// Drops a yes that came in the company of other keys; says whether it did.
pub fn drops_pasted(app: &mut App, id: Option<KeyId>) -> bool {
    if app.works.question.is_none() || app.works.company == Company::Alone || id != Some(KeyId::Open) {
        return false;
    }
    app.note = Some("Enter came together with other keys, like a paste; press it by itself".to_owned());
    true
}

/// Why a plan cannot be carried out from here and now.
pub fn barred(app: &App, prospect: &Prospect) -> Option<Barred> {
    let only = |why: &str| Some(Barred { why: why.to_owned(), command: None });
    if let Some(why) = super::wishes::why_never(app) {
        return only(&why);
    }
    if let Some(barred) = &prospect.barred {
        return Some(barred.clone());
    }
    if app.settings.read_only {
        return only("read-only: nothing is changed");
    }
    if app.works.under_way.is_some() {
        return only("another piece of work is under way: one at a time");
    }
    if prospect.digest.is_empty() {
        return only("there is nothing to do");
    }
    if matches!(prospect.wish, Wish::Clean { .. }) && prospect.going.is_empty() {
        return only("nothing in it may go");
    }
    if is_stale(prospect.expires, app.now) {
        return only("this plan is too old to be carried out: r makes it anew");
    }
    if is_gone(app, prospect) {
        return only("the finding is gone: the last look no longer shows it");
    }
    None
}

fn is_stale(expires: Option<WallNanos>, now: Option<WallNanos>) -> bool {
    expires.zip(now).is_some_and(|(expires, now)| now >= expires)
}

/// Whether the finding that a plan is for is no longer found.
pub fn is_gone(app: &App, prospect: &Prospect) -> bool {
    let Wish::Treat { finding, .. } = &prospect.wish else { return false };
    !app.look.as_deref().is_some_and(|look| look.diagnosis.found.iter().any(|f| triage::id_of(f) == *finding))
}

/// Whether the word is being typed.
pub fn is_word_asked(app: &App) -> bool {
    sheet(app).is_some_and(|sheet| sheet.word.is_some() && matches!(sheet.stage, Stage::Planned(_)))
}
