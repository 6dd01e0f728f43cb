//! What a replay looks like, and that it says what it is.

use std::sync::Arc;

use tmpmedic::model::replay::{Play, Position};
use tmpmedic::model::units::WallNanos;
use tmpmedic::tui::msg::{Effect, Look, Msg, Scene};
use tmpmedic::tui::{App, Settings, update};

use super::{Deck, SIZES, TODAY, at, recording};
use crate::frames::{press, settings, text};
use crate::{golden, scenes};

/// A screen of that size in the middle of a recording.
fn replaying(look: &Arc<Look>, size: (u16, u16), play: Play) -> App {
    let mut app = App::new(Settings { read_only: true, ..settings() });
    update(&mut app, Msg::Resize { width: size.0, height: size.1 });
    update(&mut app, Msg::Tick(TODAY));
    update(&mut app, Msg::Wound(Position { at: 11, of: 300, speed: 2, play }));
    let past = (1..12).map(|n| Arc::new(at(look, -120 + n * 10, 1380 + 9 * n.unsigned_abs())));
    let scene = Scene { look: Arc::clone(look), past: past.collect() };
    update(&mut app, Msg::Scene(Box::new(scene)));
    app
}

#[test]
fn a_replay_looks_like_the_console_and_says_that_it_is_none() {
    for size in SIZES {
        let app = replaying(&scenes::two_dead_runners(), size, Play::Paused);
        golden::check(&format!("frames/replay-{}x{}.txt", size.0, size.1), &text(&app));
    }
    let mut app = replaying(&scenes::two_dead_runners(), (140, 40), Play::Running);
    press(&mut app, "3");
    golden::check("frames/replay-playing-entries-140x40.txt", &text(&app));
}

#[test]
fn the_field_of_a_time_says_what_may_be_written() {
    for size in SIZES {
        let mut app = replaying(&scenes::two_dead_runners(), size, Play::Paused);
        press(&mut app, "T20:61");
        press(&mut app, "<Enter>");
        golden::check(&format!("frames/replay-goal-{}x{}.txt", size.0, size.1), &text(&app));
    }
}

#[test]
fn ages_are_those_of_the_capture_and_only_its_own_age_grows() {
    let mut deck = Deck::of(&recording(6));
    deck.press("3");
    let before = text(&deck.app);
    deck.shows("19 d ago");
    update(&mut deck.app, Msg::Tick(WallNanos(TODAY.0 + 86_400_000_000_000)));
    assert_eq!(text(&deck.app), before.replace("19 d ago", "20 d ago"));
    assert!(!before.contains("as of "));
}

#[test]
fn copied_commands_say_whose_they_are() {
    let mut deck = Deck::of(&recording(6));
    deck.press("j");
    let effects = deck.press("y");
    assert!(matches!(effects.as_slice(), [Effect::Copy(_)]), "{effects:?}");
    deck.shows("(of ci-3, not of this machine)");
}
