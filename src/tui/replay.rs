//! A replay on screen: where it stands, the keys that move it, and what cannot be done because it is none of this machine.

use std::sync::Arc;

use tui_input::Input;

use super::app::App;
use super::history::Histories;
use super::keys::KeyId;
use super::msg::{Effect, ListWish, Listing, Scene};
use super::text::safe;
use super::update::{self, adopt};
use crate::model::reading::{Gap, GapWhy, Reading};
use crate::model::replay::{Moment, Play, Position, Wind};
use crate::model::units::WallNanos;

/// What a capture does not hold.
const BEYOND: &str = "what lies here (a capture holds what lies directly in temp dirs)";
/// What may be typed as a time, shown beside the text field.
pub const TIMES: &str = "20:41  20:41:07  +30s  -2m  #12";

/// A replay.
#[derive(Clone, Debug, Default)]
pub struct Replay {
    /// Where it stands.
    pub position: Position,
    /// The time to go to, while it is typed.
    pub goal: Option<Goal>,
}

/// A time that is being typed.
#[derive(Clone, Debug, Default)]
pub struct Goal {
    /// What is typed.
    pub input: Input,
    /// Whether it was tried and is none.
    pub wrong: bool,
}

/// Makes a look of the recording the one on screen. The past is what was seen before it, wherever one came from.
pub fn show(app: &mut App, scene: &Scene) {
    app.history = Histories::default();
    for earlier in &scene.past {
        app.history.take(earlier.taken, &update::counts(earlier));
    }
    adopt(app, Arc::clone(&scene.look));
    let wishes = app.tabs.levels.iter().map(|level| level.wish.clone()).collect::<Vec<_>>();
    let listings = wishes.iter().map(|wish| listing(app, wish)).collect::<Vec<_>>();
    for (level, listing) in app.tabs.levels.iter_mut().zip(listings) {
        level.listing = listing;
    }
}

/// What a capture holds of a directory; `None` where this machine can be asked.
pub fn listing(app: &App, wish: &ListWish) -> Option<Listing> {
    app.replay.as_ref()?;
    let mut entries = match app.snapshot()?.listing(&wish.reached) {
        Some(kept) => kept.entries.clone(),
        None => Reading::Blind { gap: Gap::new(BEYOND, GapWhy::NotAsked) },
    };
    if let (Some(family), Some(all)) = (&wish.family, entries.value_mut()) {
        all.retain(|entry| entry.family == *family);
    }
    Some(Listing { wish: wish.clone(), entries })
}

/// Whether a key would reach for the machine, which is not the one on screen.
pub fn is_barred(app: &App, id: KeyId) -> bool {
    app.replay.is_some() && matches!(id, KeyId::Probe | KeyId::Rescan)
}

/// Why not.
pub fn why_barred(app: &App) -> String {
    let host = whose(app).unwrap_or_else(|| "another machine".to_owned());
    format!("a replay: this is the capture of {host}, not this machine")
}

/// The machine that was captured; `None` where nothing is replayed.
pub fn whose(app: &App) -> Option<String> {
    app.replay.as_ref()?;
    let host = app.snapshot().and_then(|now| now.host.value());
    Some(host.map_or_else(|| "another machine".to_owned(), |host| safe(&host.name).into_owned()))
}

/// Whether a key of the replay does something here and now; `None` where it is no key of the replay.
pub fn can(app: &App, id: KeyId) -> Option<bool> {
    meaning(id)?;
    let replay = app.replay.as_ref();
    Some(replay.is_some_and(|replay| match id {
        KeyId::Faster | KeyId::Slower => replay.position.play == Play::Running,
        _ => replay.position.of > 1,
    }))
}

/// What a key of the replay means.
enum Meaning {
    /// Asks for a time.
    Ask,
    /// Goes there.
    Go(Wind),
}

fn meaning(id: KeyId) -> Option<Meaning> {
    Some(Meaning::Go(match id {
        KeyId::GoToTime => return Some(Meaning::Ask),
        KeyId::StepOn => Wind::On,
        KeyId::StepBack => Wind::Back,
        KeyId::MinuteOn => Wind::MinuteOn,
        KeyId::MinuteBack => Wind::MinuteBack,
        KeyId::Play => Wind::Toggle,
        KeyId::Faster => Wind::Faster,
        KeyId::Slower => Wind::Slower,
        _ => return None,
    }))
}

/// Does what a key of the replay means; `None` where it is none.
pub fn press(app: &mut App, id: KeyId) -> Option<Vec<Effect>> {
    let meaning = meaning(id)?;
    let replay = app.replay.as_mut()?;
    if replay.position.of < 2 {
        app.note = Some("the capture holds one look".to_owned());
        return Some(Vec::new());
    }
    Some(match meaning {
        Meaning::Ask => {
            replay.goal = Some(Goal::default());
            Vec::new()
        }
        Meaning::Go(wind) => vec![Effect::Wind(wind)],
    })
}

/// The text field of a time, while it is open.
pub fn field(app: &mut App) -> Option<&mut Goal> {
    app.replay.as_mut()?.goal.as_mut()
}

/// Whether it is open.
pub fn is_asking(app: &App) -> bool {
    app.replay.as_ref().is_some_and(|replay| replay.goal.is_some())
}

/// Enter goes to the time, or keeps the field open where it is none; Escape leaves it.
pub fn answer(app: &mut App, id: KeyId) -> Vec<Effect> {
    let Some(replay) = &mut app.replay else { return Vec::new() };
    let typed = replay.goal.as_ref().map(|goal| goal.input.value().trim().to_owned()).unwrap_or_default();
    if id == KeyId::Back || typed.is_empty() {
        replay.goal = None;
        return Vec::new();
    }
    match Moment::parse(&typed) {
        Ok(moment) => {
            replay.goal = None;
            vec![Effect::Wind(Wind::To(moment))]
        }
        Err(_no_time) => {
            replay.goal.iter_mut().for_each(|goal| goal.wrong = true);
            Vec::new()
        }
    }
}

/// Whether it goes on by itself.
pub fn is_playing(app: &App) -> bool {
    app.replay.as_ref().is_some_and(|replay| replay.position.play == Play::Running)
}

/// What the header says: `REPLAY 12/300`, and how fast while it plays.
pub fn sign(app: &App) -> Option<String> {
    let Position { at, of, speed, play } = app.replay.as_ref()?.position;
    let pace =
        if play == Play::Running { format!(" {} {speed}x", app.theme.glyphs.marker) } else { String::new() };
    Some(format!("REPLAY {}/{of}{pace}", at + 1))
}

/// Date and time of the look on screen.
pub fn date(app: &App) -> Option<String> {
    app.replay.as_ref()?;
    Some(app.snapshot()?.taken.date_time(app.settings.utc_offset_s))
}

/// How long ago that was, by the clock of this machine.
pub fn age(app: &App) -> Option<String> {
    app.replay.as_ref()?;
    let (taken, now): (WallNanos, WallNanos) = (app.snapshot()?.taken, app.now?);
    Some(taken.age_at(now).map_or_else(|| "from the future".to_owned(), |age| format!("{age} ago")))
}
