//! What a key can and cannot do to a machine: the plan, the question, the word, the work, the way out.

use std::sync::Arc;
use std::time::Duration;

use tmpmedic::model::units::WallNanos;
use tmpmedic::model::work::{Barred, Prospect, Wish};
use tmpmedic::tui::msg::{Company, Effect, Look, Msg};
use tmpmedic::tui::{App, Settings, update};

use crate::frames::{press, seen, settings, text};
use crate::scenes;
use crate::staged::NOW;
use crate::works::{journal, planned, read, rebind, restart, shows, sick, treatable, wished};

const WIDE: (u16, u16) = (120, 40);

fn applies(effects: &[Effect]) -> bool {
    effects.iter().any(|effect| matches!(effect, Effect::Apply { .. }))
}

/// The plan of the first way is on screen and was read.
fn asked() -> App {
    let mut app = sick(WIDE);
    planned(&mut app, "f", rebind);
    read(&mut app);
    app
}

fn at(app: &mut App, millis: u64) {
    update(app, Msg::Wake(Duration::from_millis(millis)));
}

#[test]
fn f_plans_the_first_way_that_tmpmedic_goes_itself() {
    let mut app = sick(WIDE);
    let effects = press(&mut app, "f");
    let Wish::Treat { finding, action } = wished(&effects) else { panic!("{effects:?}") };
    assert!(finding.contains("forgejo-runner@1.service") && action == "rebind-private-tmp");
    shows(&app, "planning");
}

#[test]
fn where_tmpmedic_only_tells_f_shows_the_commands_as_ever() {
    let mut app = seen(&scenes::two_dead_runners(), WIDE);
    assert_eq!(press(&mut app, "f"), []);
    shows(&app, "What helps: ");
}

#[test]
fn a_plan_that_appears_throws_away_what_was_typed_before_it() {
    let mut app = sick(WIDE);
    assert_eq!(planned(&mut app, "f", rebind), [Effect::FlushInput]);
    let wish = Wish::Undo(None);
    let late = update(&mut app, Msg::Planned { wish: wish.clone(), prospect: Ok(Box::new(rebind(wish))) });
    assert_eq!(late, [], "an answer to what nobody asks changes nothing");
}

#[test]
fn nothing_confirms_before_it_was_on_screen_for_300_ms() {
    let mut app = sick(WIDE);
    planned(&mut app, "f", rebind);
    at(&mut app, 10_000);
    assert_eq!(press(&mut app, "<Enter>"), [], "it was never drawn");
    update(&mut app, Msg::Drawn(Duration::from_secs(10)));
    for millis in [10_000, 10_001, 10_299] {
        let mut early = sick(WIDE);
        planned(&mut early, "f", rebind);
        update(&mut early, Msg::Drawn(Duration::from_secs(10)));
        at(&mut early, millis);
        assert!(!early.can_confirm());
        assert_eq!(press(&mut early, "<Enter>"), [], "{millis}");
        shows(&early, "press it again");
    }
    at(&mut app, 10_300);
    assert!(applies(&press(&mut app, "<Enter>")));
}

#[test]
fn the_screen_says_when_it_must_be_told_the_time_again() {
    let mut app = sick(WIDE);
    assert_eq!(app.wake_in(), None);
    planned(&mut app, "f", rebind);
    assert_eq!(app.wake_in(), None, "nothing is drawn yet");
    update(&mut app, Msg::Drawn(Duration::from_secs(5)));
    assert_eq!(app.wake_in(), Some(Duration::from_millis(300)));
    at(&mut app, 5_200);
    assert_eq!(app.wake_in(), Some(Duration::from_millis(100)));
    at(&mut app, 5_300);
    assert_eq!(app.wake_in(), None);
}

#[test]
fn a_key_that_came_too_early_is_dropped_and_a_held_one_never_gets_through() {
    let mut app = sick(WIDE);
    planned(&mut app, "f", rebind);
    update(&mut app, Msg::Drawn(Duration::ZERO));
    for held in (0..3_000).step_by(30) {
        at(&mut app, held);
        assert_eq!(press(&mut app, "<Enter>"), [], "{held}");
    }
    at(&mut app, 3_269);
    assert!(!app.can_confirm());
    at(&mut app, 3_270);
    assert!(app.can_confirm(), "nothing was queued, and now it may be answered");
    assert!(app.works.under_way.is_none());
}

#[test]
fn a_wall_clock_that_is_set_does_not_shorten_the_time_to_read() {
    let mut app = sick(WIDE);
    planned(&mut app, "f", rebind);
    update(&mut app, Msg::Drawn(Duration::from_secs(1)));
    update(&mut app, Msg::Tick(WallNanos(NOW.0 + 60_000_000_000)));
    assert_eq!(press(&mut app, "<Enter>"), []);
    at(&mut app, 0);
    assert_eq!(app.works.clock, Duration::from_secs(1), "the monotonic clock never goes back");
}

#[test]
fn every_time_a_question_comes_back_on_top_it_has_to_be_read_again() {
    let mut app = asked();
    press(&mut app, "?");
    assert_eq!(press(&mut app, "<Esc>"), [Effect::FlushInput]);
    assert_eq!(press(&mut app, "<Enter>"), []);
    read(&mut app);
    let resized = update(&mut app, Msg::Resize { width: 100, height: 30 });
    assert_eq!(resized, [Effect::FlushInput]);
    assert_eq!(press(&mut app, "<Enter>"), []);
    read(&mut app);
    assert!(applies(&press(&mut app, "<Enter>")));
}

#[test]
fn where_there_is_no_room_for_the_question_nothing_confirms() {
    let mut app = asked();
    update(&mut app, Msg::Resize { width: 29, height: 7 });
    read(&mut app);
    assert!(!app.can_confirm());
    assert_eq!(press(&mut app, "<Enter>"), []);
}

#[test]
fn pasted_text_confirms_nothing() {
    let mut app = asked();
    for text in ["\r", "\n", "y\n", "restart\n", "\u{1b}[13u"] {
        assert_eq!(update(&mut app, Msg::Paste(text.to_owned())), []);
    }
    assert!(app.works.under_way.is_none());
}

#[test]
fn enter_in_the_company_of_other_keys_confirms_nothing() {
    let mut app = asked();
    update(&mut app, Msg::Typing(Company::Others));
    assert_eq!(press(&mut app, "<Enter>"), []);
    shows(&app, "press it by itself");
    assert!(app.can_confirm(), "the question stands as before");
    update(&mut app, Msg::Typing(Company::Alone));
    assert!(applies(&press(&mut app, "<Enter>")));

    let mut app = sick(WIDE);
    planned(&mut app, "f", restart);
    read(&mut app);
    press(&mut app, "<Enter>");
    read(&mut app);
    update(&mut app, Msg::Typing(Company::Others));
    assert_eq!(press(&mut app, "restart<Enter>"), [], "the word with its end of line, from a clipboard");
    update(&mut app, Msg::Typing(Company::Alone));
    assert!(applies(&press(&mut app, "<Enter>")), "the word stands there and was read");
}

#[test]
fn what_cannot_be_taken_back_asks_for_its_word() {
    let mut app = sick(WIDE);
    planned(&mut app, "f", restart);
    read(&mut app);
    assert_eq!(press(&mut app, "<Enter>"), [Effect::FlushInput], "the word is another question");
    shows(&app, "Type restart and press Enter");
    assert_eq!(press(&mut app, "restart<Enter>"), [], "typed before it could be read");
    read(&mut app);
    assert_eq!(press(&mut app, "<Enter>"), []);
    assert_eq!(press(&mut app, "restar<Enter>"), []);
    shows(&app, "That was another word");
    update(&mut app, Msg::Paste("restart".to_owned()));
    shows(&app, "pasted text is not taken here");
    assert_eq!(press(&mut app, "<Enter>"), []);
    assert_eq!(press(&mut app, "restart<Enter>"), [Effect::Apply { digest: "51de77c2".into() }]);
}

#[test]
fn escape_goes_from_the_word_to_the_plan_and_from_there_to_the_tab() {
    let mut app = sick(WIDE);
    planned(&mut app, "f", restart);
    read(&mut app);
    press(&mut app, "<Enter>");
    read(&mut app);
    press(&mut app, "rest<Esc>");
    shows(&app, "ends  forgejo-runner (4514), cargo (4519)");
    assert!(!app.can_confirm());
    press(&mut app, "<Esc>");
    assert!(app.overlays.is_empty() && app.works.question.is_none());
}

#[test]
fn a_plan_that_fails_says_why_and_can_be_made_again() {
    let mut app = sick(WIDE);
    let wish = wished(&press(&mut app, "f"));
    let why = "pid 4514 is gone".to_owned();
    assert_eq!(update(&mut app, Msg::Planned { wish: wish.clone(), prospect: Err(why) }), []);
    shows(&app, "pid 4514 is gone");
    assert_eq!(press(&mut app, "<Enter>"), []);
    assert_eq!(press(&mut app, "r"), [Effect::Plan(wish)]);
    shows(&app, "planning");
}

#[test]
fn a_stale_plan_is_not_carried_out_but_made_anew() {
    let mut app = asked();
    update(&mut app, Msg::Tick(WallNanos(NOW.0 + 600_000_000_000)));
    assert_eq!(press(&mut app, "<Enter>"), []);
    shows(&app, "too old to be carried out");
    wished(&press(&mut app, "r"));
}

#[test]
fn a_finding_that_vanishes_while_its_plan_is_read_closes_the_question() {
    let mut app = asked();
    let mut look = Look::clone(&treatable());
    look.diagnosis.found.remove(0);
    update(&mut app, Msg::Look(Arc::new(look)));
    shows(&app, "This finding is gone");
    assert_eq!(press(&mut app, "<Enter>"), []);
    let back = update(&mut app, Msg::Look(treatable()));
    assert_eq!(back, [Effect::FlushInput], "where it comes back, it is a new question");
    assert_eq!(press(&mut app, "<Enter>"), []);
}

#[test]
fn what_is_barred_says_why_and_copies_the_command_of_whoever_may() {
    let mut app = sick(WIDE);
    let command = "sudo tmpmedic fix private-tmp-deleted --apply".to_owned();
    let barred = Barred { why: "only root may do this".to_owned(), command: Some(command.clone()) };
    let effects = planned(&mut app, "f", |wish| Prospect { barred: Some(barred), ..rebind(wish) });
    assert_eq!(effects, [], "nothing is asked");
    read(&mut app);
    shows(&app, "only root may do this");
    shows(&app, "(Enter do it)");
    assert_eq!(press(&mut app, "<Enter>"), []);
    assert_eq!(press(&mut app, "y"), [Effect::Copy(command)]);
}

#[test]
fn read_only_changes_nothing_whatever_the_plan_says() {
    let mut app = App::new(Settings { read_only: true, ..settings() });
    update(&mut app, Msg::Resize { width: 120, height: 40 });
    update(&mut app, Msg::Look(treatable()));
    planned(&mut app, "f", rebind);
    read(&mut app);
    shows(&app, "read-only: nothing is changed");
    assert_eq!(press(&mut app, "<Enter><Esc>"), []);
    press(&mut app, "3");
    shows(&app, "(f clean up)");
    assert_eq!(press(&mut app, "f"), []);
    shows(&app, "read-only: nothing is changed");
    update(&mut app, Msg::Journal(journal()));
    assert_eq!(press(&mut app, "8zuP"), [Effect::ReadJournal]);
}

#[test]
fn the_ways_open_each_its_own_sheet() {
    let mut app = asked();
    press(&mut app, "o");
    shows(&app, "tmpmedic does it");
    shows(&app, "commands for you to run");
    let Wish::Treat { action, .. } = wished(&press(&mut app, "<Down><Enter>")) else { panic!() };
    assert_eq!((action.as_str(), app.overlays.len()), ("restart-unit", 1));
    press(&mut app, "<Esc>");
    assert_eq!(press(&mut app, "F<Down><Down><Enter>"), []);
    shows(&app, "What helps: ");
    assert_eq!(app.overlays.last().unwrap().at, 2);
}

#[test]
fn the_marked_step_shows_its_command_and_x_shows_all() {
    let mut app = asked();
    shows(&app, "by hand  install -d");
    press(&mut app, "<Down>");
    shows(&app, "by hand  nsenter -t 4514");
    press(&mut app, "x");
    for command in ["install -d", "nsenter -t 4514", "tmpmedic probe --pid 4514"] {
        shows(&app, command);
    }
}

#[test]
fn a_plan_longer_than_the_screen_keeps_its_question_in_sight_and_says_that_it_goes_on() {
    let long = |wish| Prospect { notes: (0..30).map(|n| format!("Note {n}.")).collect(), ..rebind(wish) };
    for size in [(80, 24), (40, 15)] {
        let mut app = sick(size);
        planned(&mut app, "f", long);
        read(&mut app);
        let sheet = |app: &App| text(app).lines().filter(|line| line.contains("Enter do it    ")).count();
        assert_eq!(sheet(&app), 1, "{}", text(&app));
        shows(&app, "more lines: PgDn");
        press(&mut app, &format!("G{}", "<PgDn>".repeat(20)));
        shows(&app, "Note 29.");
        shows(&app, "PgUp goes back up");
        assert_eq!(sheet(&app), 1, "{}", text(&app));
    }
}

#[test]
fn no_key_is_shown_that_moves_nothing() {
    let mut app = sick(WIDE);
    let wish = wished(&press(&mut app, "z"));
    update(&mut app, Msg::Planned { wish, prospect: Err("nothing was done".into()) });
    shows(&app, "No plan.");
    assert!(!text(&app).contains("↑↓ move"), "{}", text(&app));
}

#[test]
fn other_ways_are_offered_where_there_are_some() {
    let mut app = sick(WIDE);
    shows(&app, "F other ways");
    let mut look = Look::clone(&treatable());
    look.diagnosis.found.iter_mut().for_each(|finding| finding.actions.truncate(1));
    update(&mut app, Msg::Look(Arc::new(look)));
    assert!(!text(&app).contains("F other ways"), "{}", text(&app));
}

#[test]
fn a_note_hides_whole_tabs_and_says_so() {
    let mut app = sick((80, 24));
    app.note = Some("a note of forty columns and of some more".into());
    let tabs = text(&app).lines().nth(1).unwrap_or_default().to_owned();
    assert!(tabs.contains("2 Access  3 Entries  … ") && tabs.ends_with("some more"), "{tabs}");
}
