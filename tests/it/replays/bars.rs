//! What a replay bars, what it asks for, and what its keys still do beside time.

use tmpmedic::model::temp_dir::Listing;
use tmpmedic::tui::keys::{KEYS, Place};
use tmpmedic::tui::msg::{Effect, Msg};
use tmpmedic::tui::tabs::TABS;
use tmpmedic::tui::{keys, update};

use super::{Deck, recording};
use crate::frames::text;
use crate::staged::whole;

#[test]
fn what_would_touch_the_machine_is_barred_and_says_why() {
    let mut deck = Deck::of(&recording(6));
    update(&mut deck.app, Msg::Resize { width: 200, height: 40 });
    deck.press("2");
    deck.shows("(p probe)");
    deck.shows("(r rescan)");
    deck.shows("(c capture)");
    for key in ["p", "r", "c", ":rescan<Enter>", ":probe make<Enter>"] {
        assert_eq!(deck.press(key), [], "{key}");
        deck.shows("a replay: this is the capture of ci-3, not this machine");
        deck.press("<Esc>");
    }
}

#[test]
fn no_key_of_a_replay_asks_for_anything_but_time_the_clipboard_and_the_end() {
    let mut deck = Deck::of(&recording(6));
    for tab in ["1", "2", "3", "4", "5", "6", "8"] {
        deck.press(tab);
        for key in KEYS.iter().filter(|key| !key.places.contains(&Place::Always)) {
            for chord in key.chords {
                let shown = chord.shown();
                let keys = if shown.chars().count() == 1 { shown } else { continue };
                for effect in deck.press(&keys) {
                    let harmless = matches!(effect, Effect::Copy(_) | Effect::Quit | Effect::QuitWithReport);
                    assert!(harmless, "{keys} on {tab} asks for {effect:?}");
                }
                deck.press("<Esc><Esc><Esc>");
            }
        }
    }
}

#[test]
fn entries_open_as_far_as_the_capture_holds_them() {
    let mut looks = recording(4);
    for (n, look) in looks.iter_mut().enumerate() {
        let mut entries = crate::frames::entries();
        entries.truncate(3 - n.min(2));
        let reached = look.temp_dirs.items()[0].reached.clone();
        look.listings = vec![Listing { reached, entries: whole(entries) }];
    }
    let mut deck = Deck::of(&looks);
    let rustc = deck.press("3/rustc<Enter>");
    assert_eq!(rustc, []);
    assert_eq!(deck.press("<Enter>"), [], "nothing is listed anew");
    deck.shows("rustcVAIpSt/");
    deck.shows("rustc.log");
    deck.press("]");
    assert!(
        !text(&deck.app).contains("rustc.log"),
        "the level shows the look on screen:\n{}",
        text(&deck.app)
    );
    deck.press("v");
    deck.shows("1 picked");
    deck.press("k<Enter>");
    deck.shows("a capture holds what lies directly in temp dirs");
}

#[test]
fn angle_brackets_go_from_temp_dir_to_temp_dir_also_in_a_replay() {
    let mut deck = Deck::of(&recording(6));
    deck.press("3>");
    deck.shows(" /var/tmp · host");
    deck.shows("< > temp dir");
    deck.press("<");
    deck.shows(" /tmp · host");
}

#[test]
fn every_key_of_a_tab_has_a_chord_left_in_a_replay() {
    for tab in TABS {
        let live = [Place::Tab(tab.card().id), Place::Screen, Place::Always];
        let replay = [&[Place::Replay][..], &live].concat();
        for key in KEYS.iter().filter(|key| keys::chord(key, &live).is_some()) {
            assert!(keys::chord(key, &replay).is_some(), "{:?} cannot be pressed in a replay", key.id);
        }
        for key in KEYS.iter().filter(|key| key.places == [Place::Replay]) {
            assert!(keys::chord(key, &replay).is_some(), "{:?} is hidden", key.id);
            assert!(keys::chord(key, &live).is_none(), "{:?} works without a replay", key.id);
        }
    }
}
