//! What no sequence of keys, pastes, plans, looks and sizes may do: confirm what was not on screen for 300 ms.

use std::sync::Arc;
use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use proptest::prelude::*;
use tmpmedic::model::units::WallNanos;
use tmpmedic::model::work::{Prospect, Wish};
use tmpmedic::tui::msg::{Effect, Msg};
use tmpmedic::tui::update;

use crate::journeys::storms::{check_frame, looks};
use crate::staged::NOW;
use crate::works::{clean, half, helped, journal, rebind, restart, sick, treatable};

#[derive(Clone, Debug)]
enum Event {
    Key(KeyCode),
    Paste(&'static str),
    Plan(u8),
    Pass(u64),
    Draw,
    Look(usize),
    Size(u16, u16),
    Clock(i64),
    Pace,
    Over,
}

fn any_event() -> impl Strategy<Value = Event> {
    let letters: Vec<char> = "fFozudPrsxeyqjk38+-1 restartdelete".chars().collect();
    prop_oneof![
        6 => prop::sample::select(letters).prop_map(|c| Event::Key(KeyCode::Char(c))),
        5 => Just(Event::Key(KeyCode::Enter)),
        1 => prop::sample::select(vec![KeyCode::Esc, KeyCode::Right, KeyCode::Down]).prop_map(Event::Key),
        1 => prop::sample::select(vec!["\n", "restart\n", "delete"]).prop_map(Event::Paste),
        5 => (0_u8..4).prop_map(Event::Plan),
        4 => (0_u64..500).prop_map(Event::Pass),
        5 => Just(Event::Draw),
        1 => (0_usize..3).prop_map(Event::Look),
        1 => (20_u16..=140, 5_u16..=40).prop_map(|(w, h)| Event::Size(w, h)),
        1 => (-900_i64..900).prop_map(Event::Clock),
        1 => Just(Event::Pace),
        1 => Just(Event::Over),
    ]
}

fn plan(wish: &Wish, which: u8) -> Result<Box<Prospect>, String> {
    let wish = wish.clone();
    match (which, &wish) {
        (0, _) => Err("it cannot be planned".to_owned()),
        (_, Wish::Clean { .. }) => Ok(Box::new(clean(wish))),
        (1, _) => Ok(Box::new(restart(wish))),
        _ => Ok(Box::new(rebind(wish))),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn nothing_confirms_what_was_not_on_screen_for_a_while(events in prop::collection::vec(any_event(), 1..80)) {
        let all = [treatable(), looks().remove(1), looks().remove(0)];
        let mut app = sick((120, 40));
        update(&mut app, Msg::Journal(journal()));
        let mut now = Duration::ZERO;
        // Since when the question on top is on screen, by what was told to the screen and asked by it.
        let mut since: Option<Duration> = None;
        let mut is_asked = false;
        let mut wish: Option<Wish> = None;
        let mut digest = String::new();
        for event in events {
            let effects = match event {
                Event::Key(code) => update(&mut app, Msg::Key(KeyEvent::new(code, KeyModifiers::NONE))),
                Event::Paste(text) => {
                    let effects = update(&mut app, Msg::Paste(text.to_owned()));
                    prop_assert!(effects.is_empty(), "a paste asks for {effects:?}");
                    effects
                }
                Event::Plan(which) => match wish.take() {
                    Some(wish) => {
                        let prospect = plan(&wish, which);
                        update(&mut app, Msg::Planned { wish, prospect })
                    }
                    None => Vec::new(),
                },
                Event::Pass(millis) => {
                    now += Duration::from_millis(millis);
                    update(&mut app, Msg::Wake(now))
                }
                Event::Draw => {
                    check_frame(&app);
                    if is_asked {
                        since.get_or_insert(now);
                    }
                    update(&mut app, Msg::Drawn(now))
                }
                Event::Look(n) => update(&mut app, Msg::Look(Arc::clone(&all[n]))),
                Event::Size(width, height) => update(&mut app, Msg::Resize { width, height }),
                Event::Clock(seconds) => update(&mut app, Msg::Tick(WallNanos(NOW.0 + seconds * 1_000_000_000))),
                Event::Pace => {
                    let digest = digest.clone();
                    update(&mut app, Msg::Working { digest, pace: Box::new(half()) })
                }
                Event::Over => {
                    let digest = digest.clone();
                    update(&mut app, Msg::Worked { digest, outcome: Box::new(helped()) })
                }
            };
            for effect in effects {
                match effect {
                    Effect::Plan(wanted) => wish = Some(wanted),
                    Effect::FlushInput => (is_asked, since) = (true, None),
                    Effect::Apply { digest: done } => {
                        let read = since.map(|since| now.saturating_sub(since));
                        prop_assert!(read >= Some(Duration::from_millis(300)), "confirmed after {read:?}");
                        prop_assert!(!app.settings.read_only && app.works.under_way.is_some());
                        digest = done;
                    }
                    _ => {}
                }
            }
        }
    }
}
