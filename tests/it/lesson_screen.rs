//! The screen of a lesson: golden frames, journeys, and the law that nothing gives the cause away before it is named.

use std::sync::Arc;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use proptest::prelude::*;
use tmpmedic::catalog::runbook;
use tmpmedic::model::units::WallNanos;
use tmpmedic::tui::keys::{KEYS, KeyId, Place};
use tmpmedic::tui::lesson::Lesson;
use tmpmedic::tui::lesson::outcome::End;
use tmpmedic::tui::msg::{Effect, Look, Msg};
use tmpmedic::tui::tabs::TabId;
use tmpmedic::tui::theme::Glyphs;
use tmpmedic::tui::{App, Settings, update};

use crate::frames::{SIZES, press, seen, settings, styles, text};
use crate::golden;
use crate::journeys::{any_key, check_frame, looks};
use crate::lesson::lesson;
use crate::scenes;
use crate::staged::NOW;

const WIDE: (u16, u16) = (140, 40);

/// A lesson at that size after one look.
fn taught(lesson: Lesson, look: &Arc<Look>, size: (u16, u16)) -> App {
    let mut app = App::new(settings()).with_lesson(lesson);
    update(&mut app, Msg::Resize { width: size.0, height: size.1 });
    update(&mut app, Msg::Look(Arc::clone(look)));
    app
}

pub fn learning(size: (u16, u16)) -> App {
    taught(lesson(), &scenes::two_dead_runners(), size)
}

fn second(app: &mut App, second: i64) {
    update(app, Msg::Tick(WallNanos(NOW.0 + second * 1_000_000_000)));
}

fn last_line(app: &App) -> String {
    text(app).lines().last().unwrap_or_default().to_owned()
}

/// What a walk through the lesson shows at every size: a name, and the keys that lead there from the frame before.
const WALK: &[(&str, &str)] = &[
    ("begun", ""),
    ("hint-cost", "h"),
    ("hint", "<Enter>"),
    ("guess", "<Enter>ndisk"),
    ("ruled-out", "<Enter>"),
    ("beside", "<Enter>ninterrupted builds<Enter>"),
    ("notes", "<Enter>G"),
    ("give-up", "N"),
    ("solution", "<Esc>nprivate tmp removed<Enter>"),
    ("solution-end", "G"),
    ("over", "<Esc>"),
];

#[test]
fn a_walk_through_a_lesson_looks_like_this() {
    for size in SIZES {
        let mut app = learning(size);
        for (step, (name, keys)) in (0..).zip(WALK) {
            second(&mut app, 40 * step);
            press(&mut app, keys);
            golden::check(&format!("frames/lesson-{name}-{}x{}.txt", size.0, size.1), &text(&app));
        }
    }
}

#[test]
fn before_the_first_look_the_story_is_there_and_no_key_of_the_lesson_works() {
    let mut app = App::new(settings()).with_lesson(lesson());
    update(&mut app, Msg::Resize { width: 80, height: 24 });
    golden::check("frames/lesson-loading-80x24.txt", &text(&app));
    update(&mut app, Msg::Resize { width: 140, height: 40 });
    for key in ["n", "h", "N"] {
        press(&mut app, key);
        assert!(app.overlays.is_empty() && text(&app).contains("no look yet"), "{key}");
    }
}

#[test]
fn without_colours_and_in_ascii_a_lesson_loses_nothing() {
    golden::check("frames/mono-lesson-80x24.styles.txt", &styles(&learning((80, 24))));
    let mut app = App::new(Settings { ascii: Glyphs::Ascii, ..settings() }).with_lesson(lesson());
    update(&mut app, Msg::Resize { width: 140, height: 40 });
    update(&mut app, Msg::Look(scenes::two_dead_runners()));
    for (name, keys) in WALK {
        press(&mut app, keys);
        assert!(text(&app).is_ascii(), "{name}:\n{}", text(&app));
    }
    press(&mut app, "n");
    golden::check("frames/ascii-lesson-solution-140x40.txt", &text(&app));
}

/// The same text without blanks and frames, so that a wrapped sentence is found too.
fn squashed(text: &str) -> String {
    text.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '/' | '@')).collect()
}

/// Everything that would give a cause away: its id, the title of its page, the titles of its findings.
fn tells(look: &Look, cause: &str) -> Vec<String> {
    let titles = look.diagnosis.found.iter().filter(|f| f.id == cause).map(|f| f.title.clone());
    let page = runbook::page(cause).map(|page| page.title.to_owned());
    titles.chain(page).chain([cause.to_owned()]).map(|words| squashed(&words)).collect()
}

/// Every cause that the diagnosis of a look speaks of.
fn causes(look: &Look) -> Vec<&str> {
    let diagnosis = &look.diagnosis;
    let found = diagnosis.found.iter().map(|f| f.id.as_str());
    let ruled_out = diagnosis.ruled_out.iter().map(|r| r.id.as_str());
    found.chain(ruled_out).chain(diagnosis.blind.iter().map(|b| b.id.as_str())).collect()
}

/// Every tab and every sheet that can be reached without naming a cause or giving up.
const PLACES: &[&str] = &[
    "1",
    "1<Enter>G",
    "1e",
    "1f",
    "1x",
    "1y",
    "1p",
    "1i",
    "1?",
    "1:",
    "1:expl",
    "1Q",
    "1h",
    "1h<Enter>",
    "1N",
    "1s",
    "2",
    "2/runner",
    "2<Enter>",
    "2e",
    "2x",
    "2p",
    "2y",
    "2i",
    "3",
    "3<Enter>",
    "3x",
    "3]",
    "4",
    "4<Enter>",
    "4t",
    "4x",
    "5",
    "5<Down><Enter>",
    "5a",
    "5<Down>x",
    "6",
    "6<Enter>",
    "6x",
];

fn demand_silence(app: &App, about: &[String]) {
    let shown = squashed(&text(app));
    for words in about {
        assert!(!shown.contains(words), "it tells {words:?}:\n{}", text(app));
    }
}

#[test]
fn nothing_gives_a_cause_away_before_it_is_named() {
    for look in [scenes::two_dead_runners(), scenes::not_root(), scenes::all_blind(), scenes::healthy()] {
        let about: Vec<String> = causes(&look).into_iter().flat_map(|cause| tells(&look, cause)).collect();
        for size in SIZES {
            for keys in PLACES {
                let mut app = taught(lesson(), &look, size);
                press(&mut app, keys);
                demand_silence(&app, &about);
            }
        }
    }
}

#[test]
fn a_wrong_guess_tells_nothing_about_the_right_one() {
    let look = scenes::two_dead_runners();
    let about = tells(&look, "private-tmp-deleted");
    for size in SIZES {
        for wrong in ["disk-full", "nothing is wrong", "umask-hostile", "container-tmp", "leaked-temp"] {
            let mut app = taught(lesson(), &look, size);
            press(&mut app, &format!("n{wrong}<Enter>"));
            demand_silence(&app, &about);
            press(&mut app, "<Enter>G");
            demand_silence(&app, &about);
        }
    }
}

#[test]
fn without_a_lesson_the_same_machine_says_it_all() {
    let look = scenes::two_dead_runners();
    let mut app = seen(&look, (140, 60));
    press(&mut app, "G<Enter>");
    let shown = squashed(&text(&app));
    assert!(tells(&look, "private-tmp-deleted").iter().any(|words| shown.contains(words)), "{}", text(&app));
    let ruled_out = look.diagnosis.ruled_out.iter().filter(|r| shown.contains(&r.id)).count();
    assert_eq!(ruled_out, look.diagnosis.ruled_out.len(), "the law above could not fail:\n{}", text(&app));
}

#[test]
fn the_header_shows_the_title_and_the_score_and_no_verdict() {
    for size in [WIDE, (80, 24), (40, 15), (20, 5)] {
        let shown = text(&learning(size));
        assert!(shown.contains("? LEARNING") && !shown.contains("CRITICAL"), "{size:?}:\n{shown}");
    }
    let mut app = learning(WIDE);
    press(&mut app, "h<Enter><Enter>");
    second(&mut app, 75);
    assert!(text(&app).contains("0 guesses  1:15  90 points"), "{}", text(&app));
}

#[test]
fn what_would_tell_is_hidden_and_says_so() {
    for key in ["1e", "1f", "2e", "Q"] {
        let mut app = learning(WIDE);
        assert_eq!(press(&mut app, key), [], "{key}");
        assert!(app.overlays.is_empty(), "{key}");
        assert!(text(&app).contains("hidden until the lesson is over"), "{key}:\n{}", text(&app));
    }
    let mut app = learning(WIDE);
    press(&mut app, ":private");
    assert!(!text(&app).contains("explain"), "no page of the runbook: {}", text(&app));
    assert!(!last_line(&learning(WIDE)).contains("what helps"));
}

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

#[test]
fn a_hint_costs_nothing_until_it_is_taken() {
    let mut app = learning(WIDE);
    press(&mut app, "h<Esc>");
    assert!(text(&app).contains("100 points"), "{}", text(&app));
    press(&mut app, "h<Enter>");
    assert!(text(&app).contains("Which one does the") && text(&app).contains("90 points"), "{}", text(&app));
    press(&mut app, "<Enter>h<Enter><Enter>h<Enter><Enter>h");
    assert!(text(&app).contains("No hint is left") && text(&app).contains("40 points"), "{}", text(&app));
    press(&mut app, "<Enter>");
    assert!(app.overlays.is_empty() && text(&app).contains("40 points"));
}

#[test]
fn a_wrong_guess_says_why_and_stays_in_the_list_with_its_sign() {
    let mut app = learning(WIDE);
    press(&mut app, "ndisk-full<Enter>");
    assert!(text(&app).contains("42 % of 387 G used, 5 % of inodes"), "{}", text(&app));
    press(&mut app, "<Esc>ndisk-full");
    assert!(text(&app).contains("✗ The file system of a temp dir is full"), "{}", text(&app));
    press(&mut app, "<Enter>");
    assert!(text(&app).contains("85 points"), "the same guess costs once: {}", text(&app));
}

#[test]
fn a_guess_that_nothing_was_seen_of_says_what_would_let_it_be_seen() {
    let look = scenes::not_root();
    let unseen = look.diagnosis.blind.first().unwrap();
    let mut app = taught(lesson(), &look, WIDE);
    press(&mut app, &format!("n{}<Enter>", unseen.id));
    let shown = text(&app);
    assert!(shown.contains("Whether it is so as well could not be seen:"), "{shown}");
    assert!(shown.contains(unseen.gaps[0].what.as_str()), "{shown}");
    press(&mut app, "<Enter>numask-hostile<Enter>");
    assert!(text(&app).contains("Nothing here speaks for it"), "{}", text(&app));
}

#[test]
fn the_right_guess_unhides_everything() {
    let mut app = learning(WIDE);
    press(&mut app, "nprivate-tmp-deleted<Enter>");
    let shown = text(&app);
    for words in ["Solved", "100 of 100 points", "tab 5 Mounts", "awk '$1 == 201'", "✗ CRITICAL"] {
        assert!(shown.contains(words), "{words}:\n{shown}");
    }
    press(&mut app, "<Esc>");
    assert!(text(&app).contains("1 Triage") && app.tab == TabId::Triage, "{}", text(&app));
    press(&mut app, "e");
    assert!(text(&app).contains("Runbook: private-tmp-deleted"));
    press(&mut app, "<Esc>6<Right><Right>h");
    assert_eq!(app.tabs.column_at, 1, "h goes left again");
    press(&mut app, "n");
    assert!(text(&app).contains("Solved"), "the solution comes back: {}", text(&app));
    assert_eq!(press(&mut app, "q"), [Effect::Quit]);
}

#[test]
fn the_solution_copies_its_commands_together() {
    let mut app = learning(WIDE);
    let effects = press(&mut app, "nprivate-tmp-deleted<Enter>y");
    let [Effect::Copy(commands)] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!(commands.lines().count(), 3, "{commands}");
}

#[test]
fn giving_up_asks_first_and_then_shows_the_solution_without_points() {
    let mut app = learning(WIDE);
    press(&mut app, ":give up<Enter>");
    assert!(text(&app).contains("Giving up shows the solution"), "{}", text(&app));
    press(&mut app, "<Esc>");
    assert!(app.teaching().is_some());
    press(&mut app, "N<Enter>");
    let shown = text(&app);
    assert!(shown.contains("0 of 100 points") && shown.contains("What cures it"), "{shown}");
    assert_eq!(app.lesson.as_ref().and_then(Lesson::end), Some(End::GivenUp));
}

#[test]
fn a_near_miss_is_solved_by_saying_that_nothing_is_wrong() {
    let mut scenario = lesson().scenario().clone();
    scenario.kind = tmpmedic::model::scenario::ScenarioKind::NearMiss;
    scenario.cause = "disk-full".into();
    let mut app = taught(Lesson::new(scenario), &scenes::healthy(), WIDE);
    press(&mut app, "nall is well<Enter>");
    let shown = text(&app);
    for words in ["Solved", "it looks like: The file system of a temp dir is full", "42 % of 387 G used"] {
        assert!(shown.contains(words), "{words}:\n{shown}");
    }
}

#[test]
fn a_frozen_screen_is_judged_as_it_stands() {
    let mut app = learning(WIDE);
    press(&mut app, ".");
    update(&mut app, Msg::Look(scenes::healthy()));
    press(&mut app, "nnothing is wrong<Enter>");
    assert!(text(&app).contains("No temp dir can be created from 4 vantages"), "{}", text(&app));
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
