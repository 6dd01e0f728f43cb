//! A replay on screen: its frames, journeys through a recording, and what it bars.

use std::sync::Arc;

use tmpmedic::catalog::Catalog;
use tmpmedic::model::replay::{Moment, Play, Position, Wind};
use tmpmedic::model::snapshot::Snapshot;
use tmpmedic::model::temp_dir::Listing;
use tmpmedic::model::units::{Entries, Millis, WallNanos};
use tmpmedic::rules;
use tmpmedic::source::replay::{Replay, View, Wound};
use tmpmedic::store::{Capture, Header, Limits, Writer};
use tmpmedic::tui::keys::{self, KEYS, Place};
use tmpmedic::tui::msg::{Effect, Look, Msg, Scene};
use tmpmedic::tui::tabs::TABS;
use tmpmedic::tui::{App, Settings, update};

use crate::frames::{press, settings, text};
use crate::golden;
use crate::scenes;
use crate::staged::{NOW, whole};

const WIDE: (u16, u16) = (140, 40);
const SIZES: [(u16, u16); 3] = [(140, 40), (80, 24), (40, 15)];
/// Nineteen days after the capture.
const TODAY: WallNanos = WallNanos(NOW.0 + 19 * 86_400 * 1_000_000_000);

/// A recording of these snapshots.
pub fn tape(looks: &[Snapshot]) -> Vec<u8> {
    let header = Header {
        tool: "test".into(),
        host: "ci-3".into(),
        redacted: false,
        every: (looks.len() > 1).then_some(Millis(2000)),
        begun: looks[0].taken,
    };
    let mut bytes = Vec::new();
    let mut writer = Writer::begin(&mut bytes, header).unwrap();
    for look in looks {
        writer.add(look).unwrap();
    }
    bytes
}

/// The look of a machine so many seconds later, with so many entries in its first temp dir.
pub fn at(look: &Arc<Look>, second: i64, entries: u64) -> Snapshot {
    let mut now = look.snapshot.clone();
    now.taken = WallNanos(NOW.0 + second * 1_000_000_000);
    now.temp_dirs.value_mut().unwrap()[0].total.entries = Entries(entries);
    now
}

/// Two seconds apart, two more entries each time; in the second half all is well.
fn recording(count: usize) -> Vec<Snapshot> {
    let (sick, well) = (scenes::two_dead_runners(), scenes::healthy());
    let look = |n: usize| {
        let second = i64::try_from(n).unwrap() * 2;
        at(if n < count / 2 { &sick } else { &well }, second, 1000 + 2 * u64::try_from(n).unwrap())
    };
    (0..count).map(look).collect()
}

/// A screen with the replay that performs what it asks for, as `cmd` does.
struct Deck {
    app: App,
    replay: Replay,
}

impl Deck {
    fn of(looks: &[Snapshot]) -> Self {
        let capture = Capture::read(tape(looks).as_slice(), &Limits::default()).unwrap();
        let mut app = App::new(Settings { read_only: true, ..settings() });
        update(&mut app, Msg::Resize { width: WIDE.0, height: WIDE.1 });
        update(&mut app, Msg::Tick(TODAY));
        let mut deck = Self { app, replay: Replay::new(capture, 0) };
        let view = deck.replay.view().unwrap();
        deck.tell(Wound { view: Some(view), note: None });
        deck
    }

    fn tell(&mut self, wound: Wound) {
        update(&mut self.app, Msg::Wound(self.replay.position()));
        if let Some(View { now, before, past }) = wound.view {
            let diagnosis = rules::diagnose(&now, before.as_deref(), &Catalog::builtin().thresholds);
            let look = Arc::new(Look { snapshot: Snapshot::clone(&now), diagnosis });
            update(&mut self.app, Msg::Scene(Box::new(Scene { look, past })));
        }
        if let Some(note) = wound.note {
            update(&mut self.app, Msg::Note(note));
        }
    }

    fn press(&mut self, keys: &str) -> Vec<Effect> {
        let mut others = Vec::new();
        for effect in press(&mut self.app, keys) {
            match effect {
                Effect::Wind(wind) => {
                    let wound = self.replay.wind(wind).unwrap();
                    self.tell(wound);
                }
                other => others.push(other),
            }
        }
        others
    }

    fn shows(&self, words: &str) {
        assert!(text(&self.app).contains(words), "{words}\n{}", text(&self.app));
    }
}

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
fn brackets_step_through_time_on_every_tab_and_the_ends_stay_put() {
    let mut deck = Deck::of(&recording(6));
    deck.shows("REPLAY 1/6  2026-01-22 20:41:07");
    for tab in ["1", "2", "3", "4", "5", "6"] {
        deck.press(tab);
        deck.press("]");
        deck.shows("REPLAY 2/6  2026-01-22 20:41:09");
        deck.press("[");
        deck.shows("REPLAY 1/6");
    }
    deck.press("[");
    deck.shows("this is the first look of the recording");
    deck.press("]]]]]]");
    deck.shows("REPLAY 6/6  2026-01-22 20:41:17");
    deck.shows("this is the last look of the recording");
    deck.press("1");
    assert!(!text(&deck.app).contains("this is the last"), "a note is gone with the next key");
}

#[test]
fn what_is_known_of_the_machine_is_that_of_the_look_on_screen() {
    let mut deck = Deck::of(&recording(6));
    deck.shows("✗ CRITICAL");
    deck.press("]]]");
    assert!(!text(&deck.app).contains("CRITICAL"), "{}", text(&deck.app));
    deck.press("[");
    deck.shows("✗ CRITICAL");
}

#[test]
fn braces_jump_a_minute() {
    let mut deck = Deck::of(&recording(100));
    deck.press("}");
    deck.shows("REPLAY 31/100  2026-01-22 20:42:07");
    deck.press("}}}");
    deck.shows("REPLAY 100/100");
    deck.press("{");
    deck.shows("REPLAY 70/100");
}

#[test]
fn a_time_is_gone_to_and_what_is_none_keeps_the_field_open() {
    let mut deck = Deck::of(&recording(100));
    deck.press("T20:42<Enter>");
    deck.shows("REPLAY 28/100  2026-01-22 20:42:01");
    deck.press("T+30s<Enter>");
    deck.shows("REPLAY 43/100");
    deck.press("T#7<Enter>");
    deck.shows("REPLAY 7/100");
    deck.press("Tq");
    deck.shows("go to q");
    deck.press("<Enter>");
    deck.shows("no such time");
    deck.shows("REPLAY 7/100");
    deck.press("<Back>#9<Enter>");
    deck.shows("REPLAY 9/100");
    deck.press("T#50<Esc>");
    deck.shows("REPLAY 9/100");
    deck.press("T03:00<Enter>");
    deck.shows("the recording ends at 20:44:25");
    deck.shows("REPLAY 100/100");
    deck.press("T<Enter>");
    deck.shows("REPLAY 100/100");
}

#[test]
fn space_plays_and_pauses_and_shows_how_fast() {
    let mut deck = Deck::of(&recording(100));
    deck.press("3 ");
    deck.shows("REPLAY 1/100 ▸ 1x");
    deck.shows("Space pause");
    deck.press("++");
    deck.shows("▸ 5x");
    deck.press("-");
    deck.shows("▸ 2x");
    deck.press(" ");
    assert!(!text(&deck.app).contains('x') || !text(&deck.app).contains("▸ 2x"));
    deck.press("T#100<Enter> ");
    deck.shows("this is the last look of the recording");
}

#[test]
fn the_rate_of_a_temp_dir_is_that_of_the_minutes_before_whichever_way_one_came() {
    let mut walked = Deck::of(&recording(100));
    walked.press("3");
    walked.press(&"]".repeat(40));
    let mut jumped = Deck::of(&recording(100));
    jumped.press("3T#60<Enter>T#41<Enter>");
    assert_eq!(text(&walked.app), text(&jumped.app));
    walked.shows("+60/min");
}

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
fn a_capture_of_one_look_has_no_time_to_step_through() {
    let mut deck = Deck::of(&recording(1));
    deck.shows("REPLAY 1/1");
    assert!(!text(&deck.app).contains("[ ] step"));
    for key in ["]", "[", "}", "{", " ", "T"] {
        assert_eq!(deck.press(key), []);
        deck.shows("the capture holds one look");
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

#[test]
fn copied_commands_say_whose_they_are() {
    let mut deck = Deck::of(&recording(6));
    deck.press("j");
    let effects = deck.press("y");
    assert!(matches!(effects.as_slice(), [Effect::Copy(_)]), "{effects:?}");
    deck.shows("(of ci-3, not of this machine)");
}

#[test]
fn a_moment_beyond_every_end_leads_to_one() {
    let mut deck = Deck::of(&recording(3));
    for (wind, at) in [
        (Wind::To(Moment::Shift(i64::MAX)), 2),
        (Wind::To(Moment::Shift(i64::MIN)), 0),
        (Wind::To(Moment::Look(usize::MAX)), 2),
    ] {
        deck.replay.wind(wind).unwrap();
        assert_eq!(deck.replay.position().at, at);
    }
}
