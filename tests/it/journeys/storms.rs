//! Any keys, sizes, looks and pastes in any order: nothing breaks the screen, and nothing that drives a terminal reaches it.

use std::sync::Arc;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use proptest::prelude::*;
use tmpmedic::model::raw_path::{is_control, is_invisible};
use tmpmedic::model::replay::{Play, Position};
use tmpmedic::tui::msg::{Effect, Listing, Look, Msg, Scene};
use tmpmedic::tui::{App, update};

use super::WIDE;
use crate::frames::{frame, press, seen, settings, text};
use crate::scenes;
use crate::staged::whole;

pub fn looks() -> Vec<Arc<Look>> {
    vec![
        scenes::two_dead_runners(),
        scenes::healthy(),
        scenes::not_root(),
        scenes::all_blind(),
        scenes::still_counting(),
        scenes::hostile(),
    ]
}

pub fn any_key() -> impl Strategy<Value = KeyEvent> {
    let codes = prop_oneof![
        6 => prop::char::range(' ', '~').prop_map(KeyCode::Char),
        3 => prop::sample::select("1234568jkhlgG/sS:?exfFzuPpyitcT{}<>+-v[]a. ".chars().collect::<Vec<_>>()).prop_map(KeyCode::Char),
        4 => prop::sample::select(vec![
            KeyCode::Enter, KeyCode::Esc, KeyCode::Tab, KeyCode::BackTab, KeyCode::Up, KeyCode::Down, KeyCode::Left,
            KeyCode::Right, KeyCode::PageUp, KeyCode::PageDown, KeyCode::Home, KeyCode::End, KeyCode::Backspace,
            KeyCode::Delete, KeyCode::F(1), KeyCode::Null,
        ]),
        1 => any::<char>().prop_map(KeyCode::Char),
    ];
    codes.prop_map(|code| KeyEvent::new(code, KeyModifiers::NONE))
}

#[derive(Clone, Debug)]
enum Event {
    Key(KeyEvent),
    Size(u16, u16),
    Look(usize),
    Scene(usize, Position),
    Paste(String),
}

fn any_event() -> impl Strategy<Value = Event> {
    prop_oneof![
        12 => any_key().prop_map(Event::Key),
        2 => (1_u16..=200, 1_u16..=60).prop_map(|(w, h)| Event::Size(w, h)),
        2 => (0_usize..6).prop_map(Event::Look),
        1 => (0_usize..6, 0_usize..9, any::<bool>()).prop_map(|(n, at, plays)| {
            let play = if plays { Play::Running } else { Play::Paused };
            Event::Scene(n, Position { at, of: at + 1 + n, speed: 60, play })
        }),
        1 => any::<String>().prop_map(Event::Paste),
    ]
}

/// Draws, and fails where anything that drives a terminal stands in a cell.
pub fn check_frame(app: &App) {
    for cell in frame(app).content() {
        let bad = cell.symbol().chars().find(|c| is_control(*c) || is_invisible(*c));
        assert!(bad.is_none(), "{bad:?} reached the screen in {:?}", cell.symbol());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_key_at_no_size_breaks_the_screen(events in prop::collection::vec(any_event(), 1..40)) {
        let looks = looks();
        let mut app = App::new(settings());
        check_frame(&app);
        for event in events {
            let effects = match event {
                Event::Key(key) => update(&mut app, Msg::Key(key)),
                Event::Size(width, height) => update(&mut app, Msg::Resize { width, height }),
                Event::Look(n) => update(&mut app, Msg::Look(Arc::clone(&looks[n]))),
                Event::Scene(n, position) => {
                    update(&mut app, Msg::Wound(position));
                    let past = vec![Arc::new(looks[n].snapshot.clone())];
                    update(&mut app, Msg::Scene(Box::new(Scene { look: Arc::clone(&looks[n]), past })))
                }
                Event::Paste(text) => update(&mut app, Msg::Paste(text)),
            };
            for effect in effects {
                if let Effect::List(wish) = effect {
                    let entries = whole(crate::frames::entries());
                    update(&mut app, Msg::Listed(Listing { wish, entries }));
                }
            }
            check_frame(&app);
        }
    }
}

#[test]
fn every_tab_and_sheet_draws_at_every_size() {
    for look in looks() {
        for keys in [
            "1", "2", "3", "4", "5", "6", "8", "1<Enter>", "2<Enter>", "6<Enter>", "?", ":", "1x", "1f",
            "1F", "1i",
        ] {
            let mut app = seen(&look, WIDE);
            press(&mut app, keys);
            for size in [
                (1, 1),
                (2, 1),
                (10, 3),
                (30, 8),
                (31, 9),
                (59, 14),
                (60, 15),
                (61, 16),
                (79, 24),
                (100, 28),
                (200, 60),
            ] {
                update(&mut app, Msg::Resize { width: size.0, height: size.1 });
                check_frame(&app);
            }
        }
    }
}

#[test]
fn a_hostile_machine_cannot_forge_a_row() {
    for keys in ["1", "2", "3", "4", "5", "6", "8", "4t", "1e", "1x", "1f", "1F", "1i", "3<Enter>", "5a"] {
        let mut app = seen(&scenes::hostile(), WIDE);
        press(&mut app, keys);
        let forged =
            text(&app).lines().any(|line| line.trim_start_matches(['│', ' ', '▸']).starts_with("│ fake row"));
        assert!(!forged, "{keys}:\n{}", text(&app));
    }
}
