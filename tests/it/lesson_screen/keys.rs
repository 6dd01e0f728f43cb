//! What the keys do in a lesson: its own, and those of the console.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use proptest::prelude::*;
use tmpmedic::tui::keys::{KEYS, KeyId, Place};
use tmpmedic::tui::msg::{Effect, Msg};
use tmpmedic::tui::update;

use super::{WIDE, learning, taught};
use crate::frames::{press, text};
use crate::journeys::storms::{any_key, check_frame, looks};
use crate::lesson::lesson;
use crate::scenes;

#[test]
fn probes_and_by_hand_commands_are_part_of_the_lesson() {
    let mut app = learning(WIDE);
    let effects = press(&mut app, "2p");
    assert!(matches!(effects.as_slice(), [Effect::Probe(_)]), "{effects:?}");
    update(&mut app, Msg::Probed(scenes::dead_probe()));
    assert!(text(&app).contains("ENOENT"), "{}", text(&app));
    press(&mut app, "<Esc>x");
    assert!(text(&app).contains("/proc/4514/mountinfo"), "{}", text(&app));
}

#[test]
fn in_a_lesson_h_is_the_hint_and_the_arrow_still_goes_left() {
    let mut app = learning(WIDE);
    press(&mut app, "6<Right><Right>");
    let column = app.tabs.column_at;
    press(&mut app, "<Left>");
    assert_eq!(app.tabs.column_at, column - 1);
    press(&mut app, "h");
    assert!(text(&app).contains("The next hint costs 10 points of your 100."), "{}", text(&app));
    press(&mut app, "<Esc>?");
    assert!(text(&app).contains(" ←          Env"), "the help must not call h a way left:\n{}", text(&app));
}

#[test]
fn in_a_lesson_only_h_means_something_else_than_elsewhere() {
    for key in KEYS.iter().filter(|key| key.places.contains(&Place::Lesson)) {
        let shadowed: Vec<KeyId> = KEYS
            .iter()
            .filter(|other| {
                other.places.iter().any(|p| matches!(p, Place::Screen | Place::Tab(_) | Place::Always))
            })
            .filter(|other| other.chords.iter().any(|chord| key.chords.contains(chord)))
            .map(|other| other.id)
            .collect();
        let expected: &[KeyId] = if key.id == KeyId::Hint { &[KeyId::Left] } else { &[] };
        assert_eq!(shadowed, expected, "{:?}", key.id);
    }
}

#[test]
fn every_key_of_a_lesson_is_in_its_help() {
    for (keys, place) in [("?", Place::Lesson), ("N<Enter><Esc>?", Place::Solved)] {
        let mut app = learning((140, 200));
        press(&mut app, keys);
        let shown = text(&app);
        for key in KEYS.iter().filter(|key| key.places.contains(&place)) {
            assert!(shown.contains(key.help), "{:?} is missing:\n{shown}", key.id);
        }
        assert_eq!(shown.contains("and print the report"), place == Place::Solved, "{shown}");
        assert_eq!(shown.contains("Lesson: what happened"), place == Place::Lesson, "{shown}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_key_at_no_size_breaks_a_lesson(
        keys in prop::collection::vec(prop_oneof![3 => any_key(), 1 => lesson_key()], 1..50),
        size in (1_u16..=160, 1_u16..=50),
        scene in 0_usize..6,
    ) {
        let mut app = taught(lesson(), &looks()[scene], size);
        for key in keys {
            update(&mut app, Msg::Key(key));
            check_frame(&app);
        }
    }
}

fn lesson_key() -> impl Strategy<Value = KeyEvent> {
    let codes =
        vec![KeyCode::Char('n'), KeyCode::Char('h'), KeyCode::Char('N'), KeyCode::Enter, KeyCode::Char('p')];
    prop::sample::select(codes).prop_map(|code| KeyEvent::new(code, KeyModifiers::NONE))
}
