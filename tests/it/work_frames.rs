//! Golden frames of the sheets of a plan and of the journal.

use tmpmedic::model::work::{Barred, Fate, Pace, Prospect};
use tmpmedic::tui::msg::Msg;
use tmpmedic::tui::theme::Glyphs;
use tmpmedic::tui::{App, Settings, update};

use crate::frames::{press, settings, styles, text};
use crate::golden;
use crate::works::{clean, half, helped, in_part, journal, planned, read, rebind, restart, sick, treatable};

const SIZES: [(u16, u16); 4] = [(120, 40), (80, 24), (59, 14), (40, 15)];

fn at_all_sizes(name: &str, make: impl Fn(&mut App)) {
    for size in SIZES {
        let mut app = sick(size);
        make(&mut app);
        golden::check(&format!("frames/{name}-{}x{}.txt", size.0, size.1), &text(&app));
    }
}

fn apply(app: &mut App) {
    planned(app, "f", rebind);
    read(app);
    press(app, "<Enter>");
}

fn pace(app: &mut App, digest: &str, pace: Pace) {
    update(app, Msg::Working { digest: digest.into(), pace: Box::new(pace) });
}

#[test]
fn a_plan_shows_its_steps_what_it_interrupts_and_what_would_not_help() {
    at_all_sizes("plan", |app| {
        planned(app, "f", rebind);
        read(app);
    });
}

#[test]
fn what_cannot_be_taken_back_asks_for_a_word() {
    at_all_sizes("plan-word", |app| {
        planned(app, "f", restart);
        read(app);
        press(app, "<Enter>");
        read(app);
        press(app, "rest");
    });
}

#[test]
fn a_plan_that_is_barred_says_who_may() {
    at_all_sizes("plan-barred", |app| {
        planned(app, "f", |wish| Prospect {
            barred: Some(Barred {
                why: "only root may mount into another namespace".into(),
                command: Some(
                    "sudo tmpmedic fix private-tmp-deleted --action rebind-private-tmp --apply".into(),
                ),
            }),
            ..rebind(wish)
        });
    });
}

#[test]
fn the_ways_say_what_tmpmedic_does_itself() {
    at_all_sizes("plan-ways", |app| {
        press(app, "F<Down>");
    });
}

#[test]
fn a_clean_up_shows_what_goes_what_stays_and_why() {
    at_all_sizes("plan-clean", |app| {
        planned(app, "3F", clean);
        read(app);
    });
}

#[test]
fn work_shows_its_steps_or_a_bar() {
    at_all_sizes("work-steps", |app| {
        apply(app);
        let steps = vec![Some(Fate::Done), None];
        pace(app, "7c1f09aa", Pace { steps, phase: "attaching".into(), ..Pace::default() });
    });
    at_all_sizes("work-bar", |app| {
        planned(app, "3F", clean);
        read(app);
        press(app, "<Enter>");
        pace(app, "c1ea0000", half());
    });
    at_all_sizes("work-left", |app| {
        apply(app);
        pace(app, "7c1f09aa", half());
        press(app, "<Esc>");
    });
}

#[test]
fn a_result_shows_before_and_after() {
    for (name, outcome) in [("work-helped", helped()), ("work-in-part", in_part())] {
        at_all_sizes(name, |app| {
            apply(app);
            update(app, Msg::Worked { digest: "7c1f09aa".into(), outcome: Box::new(outcome.clone()) });
        });
    }
}

#[test]
fn the_journal_shows_what_was_done_and_what_can_be_taken_back() {
    at_all_sizes("journal", |app| {
        press(app, "8");
        update(app, Msg::Journal(journal()));
        press(app, "<Down><Down>");
    });
}

#[test]
fn in_ascii_and_without_colours_a_plan_loses_nothing() {
    let mut app = App::new(Settings { ascii: Glyphs::Ascii, ..settings() });
    update(&mut app, Msg::Resize { width: 80, height: 24 });
    update(&mut app, Msg::Look(treatable()));
    apply(&mut app);
    pace(&mut app, "7c1f09aa", half());
    assert!(text(&app).is_ascii(), "{}", text(&app));
    update(&mut app, Msg::Worked { digest: "7c1f09aa".into(), outcome: Box::new(in_part()) });
    assert!(text(&app).is_ascii(), "{}", text(&app));
    press(&mut app, "<Esc>8");
    update(&mut app, Msg::Journal(journal()));
    assert!(text(&app).is_ascii(), "{}", text(&app));
    golden::check("frames/ascii-journal-80x24.txt", &text(&app));
    let mut app = sick((80, 24));
    planned(&mut app, "f", rebind);
    read(&mut app);
    golden::check("frames/mono-plan-80x24.styles.txt", &styles(&app));
}
