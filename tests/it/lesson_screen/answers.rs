//! Hints, guesses, giving up: what each says and costs.

use tmpmedic::tui::lesson::Lesson;
use tmpmedic::tui::lesson::outcome::End;
use tmpmedic::tui::msg::{Effect, Msg};
use tmpmedic::tui::tabs::TabId;
use tmpmedic::tui::update;

use super::{WIDE, learning, taught};
use crate::frames::{press, text};
use crate::lesson::lesson;
use crate::scenes;

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
