//! Work under way, what came of it, and undo, as sentences.

use std::sync::Arc;

use tmpmedic::model::journal::WorkId;
use tmpmedic::model::units::Micros;
use tmpmedic::model::work::{Ending, Fate, Outcome, Pace, Wish};
use tmpmedic::tui::msg::{Effect, Look, Msg};
use tmpmedic::tui::{App, update};

use crate::frames::{press, text};
use crate::scenes;
use crate::works::{half, helped, in_part, journal, planned, read, rebind, shows, sick, treatable, wished};

const WIDE: (u16, u16) = (120, 40);
const DIGEST: &str = "7c1f09aa";

fn working() -> App {
    let mut app = sick(WIDE);
    planned(&mut app, "f", rebind);
    read(&mut app);
    assert_eq!(press(&mut app, "<Enter>"), [Effect::Apply { digest: DIGEST.into() }]);
    app
}

fn over(app: &mut App, outcome: Outcome) -> Vec<Effect> {
    update(app, Msg::Worked { digest: DIGEST.into(), outcome: Box::new(outcome) })
}

fn pace(app: &mut App, pace: Pace) {
    assert_eq!(update(app, Msg::Working { digest: DIGEST.into(), pace: Box::new(pace) }), []);
}

#[test]
fn steps_tick_one_by_one() {
    let mut app = working();
    pace(&mut app, Pace { steps: vec![Some(Fate::Done), None], ..Pace::default() });
    shows(&app, "✓  1  make");
    shows(&app, "▸  2  in the service's");
    shows(&app, "working: step 2 of 3");
    assert_eq!(press(&mut app, "<Enter>"), [], "Enter does not begin it twice");
}

#[test]
fn work_can_be_stopped_between_two_steps_and_only_once() {
    let mut app = working();
    assert_eq!(press(&mut app, "s"), [Effect::StopWork]);
    shows(&app, "stops between two steps");
    assert_eq!(press(&mut app, "s"), []);
    over(&mut app, Outcome { ending: Ending::Stopped, headline: "1 of 3 steps".into(), ..helped() });
    shows(&app, "! 1 of 3 steps");
}

#[test]
fn a_sheet_that_was_left_comes_back_and_the_header_says_how_far_it_is() {
    let mut app = working();
    pace(&mut app, half());
    press(&mut app, "<Esc>");
    assert!(app.overlays.is_empty());
    shows(&app, "working: 491 of 1,491");
    press(&mut app, "4");
    shows(&app, "f the work");
    assert_eq!(press(&mut app, "f"), []);
    shows(&app, "122 a second");
    over(&mut app, helped());
    shows(&app, "✓ forgejo-runner@1 can create temp dirs again");
}

#[test]
fn work_that_ends_behind_a_tab_says_so() {
    let mut app = working();
    press(&mut app, "<Esc>2");
    assert_eq!(over(&mut app, helped()), [Effect::ReadJournal]);
    shows(&app, "✓ forgejo-runner@1 can create temp dirs again (0.2 ms) (8 shows more)");
    assert!(!text(&app).contains("working"));
}

#[test]
fn one_piece_of_work_at_a_time() {
    let mut app = working();
    press(&mut app, "<Esc>8");
    update(&mut app, Msg::Journal(journal()));
    let asks = planned(&mut app, "u", rebind);
    assert_eq!(asks, []);
    read(&mut app);
    shows(&app, "one at a time");
    assert_eq!(press(&mut app, "<Enter>"), []);
}

#[test]
fn leaving_while_it_works_first_stops_it_and_says_so() {
    for key in ["q", "Q"] {
        let mut app = working();
        press(&mut app, "<Esc>");
        assert_eq!(press(&mut app, key), [Effect::StopWork]);
        shows(&app, "goes on to its next step and stops there; q again leaves");
        shows(&app, "stopping: ");
        assert_eq!(press(&mut app, "q"), [Effect::Quit]);
        over(&mut app, Outcome { ending: Ending::Stopped, ..helped() });
        assert_eq!(press(&mut app, "q"), [Effect::Quit]);
    }
    let mut app = working();
    press(&mut app, "q");
    over(&mut app, helped());
    assert_eq!(press(&mut app, "q"), [Effect::Quit], "nothing is under way any more");
}

#[test]
fn news_of_other_work_changes_nothing() {
    let mut app = working();
    let before = text(&app);
    update(&mut app, Msg::Working { digest: "0000".into(), pace: Box::new(half()) });
    assert_eq!(update(&mut app, Msg::Worked { digest: "0000".into(), outcome: Box::new(helped()) }), []);
    assert_eq!(text(&app), before);
}

#[test]
fn the_result_shows_before_and_after_and_z_takes_it_back() {
    let mut app = working();
    over(&mut app, helped());
    for words in ["✓ forgejo-runner@1 can create", "ENOENT", "yes, 0.2 ms", "1,491", "1,492"] {
        shows(&app, words);
    }
    press(&mut app, "e");
    shows(&app, "Runbook: private-tmp-deleted");
    let wish = wished(&press(&mut app, "<Esc>z"));
    assert_eq!(wish, Wish::Undo(Some(WorkId(7))));
    let mut app = working();
    over(&mut app, Outcome { can_undo: false, ..helped() });
    assert_eq!(press(&mut app, "z"), []);
}

#[test]
fn what_was_refused_is_named_and_can_be_planned_again() {
    let mut app = working();
    over(&mut app, in_part());
    shows(&app, "! 687 of 689 entries are put aside");
    shows(&app, "opened by cargo (4611)");
    shows(&app, "/tmp/rustc\\x1b[2J");
    wished(&press(&mut app, "r"));
    let mut app = working();
    let why = "the plan does not fit this machine any more: links of /tmp".to_owned();
    over(&mut app, Outcome { ending: Ending::Refused, headline: why, steps: vec![], ..helped() });
    shows(&app, "✗ the plan does not fit this machine any more");
    shows(&app, "Nothing was changed.");
}

#[test]
fn a_finding_that_is_gone_afterwards_is_said_on_its_tab() {
    let mut app = working();
    over(&mut app, helped());
    press(&mut app, "<Esc>");
    assert!(!text(&app).contains("no longer found"), "the look is an older one");
    let mut look = Look::clone(&treatable());
    look.diagnosis.found.remove(0);
    update(&mut app, Msg::Look(Arc::new(look)));
    shows(&app, "✓ no longer found: /tmp of forgejo-runner@1.service");
}

#[test]
fn the_time_that_is_left_is_said_where_it_is_known() {
    let mut app = working();
    pace(&mut app, Pace { took: Micros(1_000), ..half() });
    assert!(!text(&app).contains("a second"), "too early to tell");
    pace(&mut app, half());
    shows(&app, "491 of 1,491 · 3.00 G · 122 a second · about 8 s left");
}

#[test]
fn a_sheet_survives_every_size_and_look() {
    let mut app = working();
    for size in [(140, 40), (59, 14), (40, 15), (30, 8), (10, 3), (1, 1), (120, 40)] {
        update(&mut app, Msg::Resize { width: size.0, height: size.1 });
        crate::journeys::storms::check_frame(&app);
        update(&mut app, Msg::Look(scenes::hostile()));
        crate::journeys::storms::check_frame(&app);
    }
    over(&mut app, in_part());
    crate::journeys::storms::check_frame(&app);
}

#[test]
fn y_copies_the_report_for_the_ticket() {
    let mut app = working();
    over(&mut app, helped());
    assert_eq!(press(&mut app, "y"), [Effect::Copy(helped().report)]);
    shows(&app, "y copy the report");
}

#[test]
fn a_plan_is_wanted_as_long_as_its_sheet_is_open_and_not_carried_out() {
    use tmpmedic::tui::work::wanted;
    let mut app = sick(WIDE);
    let wish = wished(&press(&mut app, "f"));
    assert_eq!(wanted(&app), [&wish], "while it is made");
    let prospect = Ok(Box::new(rebind(wish.clone())));
    update(&mut app, Msg::Planned { wish: wish.clone(), prospect });
    press(&mut app, "x");
    assert_eq!(wanted(&app), [&wish], "below another sheet");
    press(&mut app, "<Esc><Esc>");
    assert_eq!(wanted(&app), [&Wish::Undo(None); 0]);
    assert_eq!(wanted(&working()), [&Wish::Undo(None); 0], "its worker has it, and is at work");
}

#[test]
fn planning_shows_how_far_it_is() {
    let mut app = sick(WIDE);
    press(&mut app, "f");
    update(&mut app, Msg::Working { digest: String::new(), pace: Box::new(half()) });
    shows(&app, "nothing is changed by that");
    shows(&app, "491 of 1,491");
}

#[test]
fn what_was_said_of_leaving_goes_with_the_work() {
    let mut app = working();
    press(&mut app, "q");
    shows(&app, "q again leaves");
    over(&mut app, Outcome { ending: Ending::Stopped, ..helped() });
    assert!(!text(&app).contains("q again leaves"), "{}", text(&app));
}
