//! Ways through the screen, from a question to its answer.

use std::sync::Arc;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use tmpmedic::model::raw_path::RawPath;
use tmpmedic::tui::app::{Direction, Pane};
use tmpmedic::tui::msg::{Effect, Listing, Msg};
use tmpmedic::tui::tabs::TabId;
use tmpmedic::tui::{App, Settings, update};

use super::{WIDE, sick};
use crate::frames::{press, seen, settings, text};
use crate::scenes;
use crate::staged::whole;

#[test]
fn escape_goes_one_step_back_and_never_leaves() {
    let mut app = sick();
    press(&mut app, "<Enter>");
    assert_eq!(app.pane, Pane::Detail);
    press(&mut app, "?");
    press(&mut app, "<Esc>");
    assert!(app.overlays.is_empty() && app.pane == Pane::Detail);
    press(&mut app, "<Esc>");
    assert_eq!(app.pane, Pane::List);
    assert!(press(&mut app, "<Esc><Esc><Esc>").is_empty());
}

#[test]
fn a_filter_shows_how_many_of_how_many_and_escape_lifts_it() {
    let mut app = sick();
    press(&mut app, "2/docker");
    assert!(text(&app).contains("1 of 10 vantages"), "{}", text(&app));
    press(&mut app, "<Enter>");
    assert!(app.typing.is_none() && text(&app).contains("with \"docker\""));
    press(&mut app, "<Esc>");
    assert!(text(&app).contains("10 vantages") && !text(&app).contains("1 of 10"));
    press(&mut app, "/nothing has this name<Enter>");
    assert!(text(&app).contains("No row holds"), "{}", text(&app));
}

#[test]
fn letters_are_text_while_a_filter_is_typed_and_keys_afterwards() {
    let mut app = sick();
    assert!(press(&mut app, "2/q").is_empty());
    assert_eq!(app.list().filter, "q");
    assert_eq!(press(&mut app, "<Esc>q"), [Effect::Quit]);
}

#[test]
fn pasted_text_goes_into_an_open_text_field_and_nowhere_else() {
    let mut app = sick();
    let before = text(&app);
    assert!(update(&mut app, Msg::Paste("q\u{1b}[2Jrm -rf /".into())).is_empty());
    assert_eq!(text(&app), before);
    press(&mut app, "/");
    update(&mut app, Msg::Paste("run\u{1b}ner\n@2".into()));
    assert_eq!(app.list().filter, "runner@2");
}

#[test]
fn a_probe_is_asked_for_as_the_process_of_the_finding_and_its_answer_is_shown_step_by_step() {
    let mut app = sick();
    let effects = press(&mut app, "p");
    let [Effect::Probe(wish)] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!((wish.pid, wish.path.shown()), (Some(4514), "/tmp".to_owned()));
    assert!(press(&mut app, "<Esc>p").is_empty(), "one that is under way is not made twice");
    update(&mut app, Msg::Probed(scenes::dead_probe()));
    assert!(app.probing.is_empty());
    assert!(text(&app).contains("ENOENT (No such file or directory)"), "{}", text(&app));
}

#[test]
fn a_probe_that_cannot_be_made_says_why() {
    let mut app = sick();
    let Some(Effect::Probe(wish)) = press(&mut app, "p").pop() else { panic!("a probe must be asked for") };
    update(&mut app, Msg::NotProbed { wish, why: "no process could be made".into() });
    assert!(text(&app).contains("no process could be made"));
}

#[test]
fn nothing_is_probed_where_nothing_may_be_touched() {
    let mut app = App::new(Settings { read_only: true, ..settings() });
    update(&mut app, Msg::Resize { width: 140, height: 40 });
    update(&mut app, Msg::Look(scenes::two_dead_runners()));
    assert!(press(&mut app, "p").is_empty());
    let shown = text(&app);
    assert!(shown.contains("read-only: no probe is made") && !shown.contains("p probe"), "{shown}");
}

#[test]
fn copying_takes_the_command_under_the_marker() {
    let mut app = sick();
    let awk = "awk '$1 == 201' /proc/4514/mountinfo".to_owned();
    assert_eq!(press(&mut app, "y"), [Effect::Copy(awk)]);
    let stat = "stat -L -c 'links %h' /proc/4514/root/tmp".to_owned();
    assert_eq!(press(&mut app, "xjy"), [Effect::Copy(stat)]);
    let restart = "systemctl restart forgejo-runner@1.service".to_owned();
    assert_eq!(press(&mut app, "<Esc>fy"), [Effect::Copy(restart)]);
}

#[test]
fn the_page_of_a_cause_opens_from_its_finding_and_from_its_vantage() {
    for keys in ["1e", "2e"] {
        let mut app = sick();
        press(&mut app, keys);
        assert!(text(&app).contains("Runbook: private-tmp-deleted"), "{keys}\n{}", text(&app));
    }
}

#[test]
fn what_was_ruled_out_opens_with_its_figures() {
    let mut app = sick();
    press(&mut app, "G<Enter>");
    assert!(text(&app).contains("[-] ruled out: 12 causes"), "{}", text(&app));
    press(&mut app, "j");
    assert!(text(&app).contains("42 % of 387 G used"), "{}", text(&app));
    press(&mut app, "k<Enter>");
    assert!(text(&app).contains("[+] ruled out"));
}

#[test]
fn the_palette_finds_commands_by_a_few_letters_and_runs_them() {
    let mut app = sick();
    assert_eq!(press(&mut app, ":rescan<Enter>"), [Effect::Rescan]);
    press(&mut app, ":temp variables each<Enter>");
    assert_eq!(app.tab, TabId::Env);
    press(&mut app, ":private-tmp-del<Enter>");
    assert!(text(&app).contains("Runbook: private-tmp-deleted"));
}

#[test]
fn entries_go_deeper_level_by_level_and_back_to_the_row_they_came_from() {
    let mut app = sick();
    let effects = press(&mut app, "3j<Enter>");
    let [Effect::List(wish)] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!((wish.family.as_deref(), wish.reached.shown()), (Some("mktemp"), "/tmp".to_owned()));
    assert!(text(&app).contains("reading the directory"));
    update(&mut app, Msg::Listed(Listing { wish: wish.clone(), entries: whole(crate::frames::entries()) }));
    let effects = press(&mut app, "<Enter>");
    let [Effect::List(deeper)] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!(deeper.reached.shown(), "/tmp/rustcVAIpSt");
    press(&mut app, "<Esc><Esc>");
    assert_eq!(app.list().cursor.as_deref(), Some("family mktemp"));
}

#[test]
fn a_listing_that_comes_after_its_level_was_left_changes_nothing() {
    let mut app = sick();
    let Some(Effect::List(wish)) = press(&mut app, "3<Enter>").pop() else {
        panic!("a list must be asked for")
    };
    press(&mut app, "<Esc>");
    let before = text(&app);
    update(&mut app, Msg::Listed(Listing { wish, entries: whole(crate::frames::entries()) }));
    assert_eq!(text(&app), before);
}

#[test]
fn an_open_directory_follows_the_looks_and_the_selection_stays() {
    let look = scenes::two_dead_runners();
    let mut app = seen(&look, WIDE);
    let Some(Effect::List(wish)) = press(&mut app, "3<Enter>").pop() else {
        panic!("a list must be asked for")
    };
    assert_eq!(update(&mut app, Msg::Look(Arc::clone(&look))), [], "the first answer is still to come");
    let mut entries = crate::frames::entries();
    update(&mut app, Msg::Listed(Listing { wish: wish.clone(), entries: whole(entries.clone()) }));
    press(&mut app, " ");
    assert_eq!(app.list().cursor.as_deref(), Some("entry \"rustc0kPqR7\""));
    assert_eq!(update(&mut app, Msg::Look(Arc::clone(&look))), [Effect::Follow(wish.clone())]);
    assert!(text(&app).contains("rustcVAIpSt"), "nothing flickers while it is read again");

    let mut newest = entries.remove(0);
    newest.name = RawPath::from("rustcNEWEST");
    entries.insert(0, newest);
    update(&mut app, Msg::Listed(Listing { wish: wish.clone(), entries: whole(entries) }));
    assert!(text(&app).contains("rustcNEWEST") && !text(&app).contains("rustcVAIpSt"), "{}", text(&app));
    assert_eq!(app.list().cursor.as_deref(), Some("entry \"rustc0kPqR7\""));
    assert!(app.tabs.picked.is_empty(), "what is gone is picked no more");

    let held: [&[Effect]; 2] = [&press(&mut app, "."), &update(&mut app, Msg::Look(Arc::clone(&look)))];
    assert_eq!(held, [&[Effect::Freeze(true)][..], &[]], "a held screen asks for nothing");
    assert_eq!(press(&mut app, "."), [Effect::Freeze(false), Effect::Follow(wish.clone())]);
    press(&mut app, "1");
    assert_eq!(update(&mut app, Msg::Look(look)), [], "nobody sees it");
    assert_eq!(press(&mut app, "3"), [Effect::Follow(wish)], "it is seen again");
}

#[test]
fn picked_entries_are_copied_together() {
    let mut app = sick();
    let Some(Effect::List(wish)) = press(&mut app, "3<Enter>").pop() else {
        panic!("a list must be asked for")
    };
    update(&mut app, Msg::Listed(Listing { wish, entries: whole(crate::frames::entries()) }));
    let effects = press(&mut app, "  y");
    assert_eq!(effects, [Effect::Copy("/tmp/rustc0kPqR7\n/tmp/rustcVAIpSt".into())]);
}

#[test]
fn brackets_go_from_temp_dir_to_temp_dir() {
    let mut app = sick();
    press(&mut app, "3]");
    assert!(text(&app).contains(" /var/tmp · host"), "{}", text(&app));
    press(&mut app, "[[");
    assert!(text(&app).contains(" /tmp · forgejo-runner@3"), "{}", text(&app));
}

#[test]
fn holders_turn_round() {
    let mut app = sick();
    press(&mut app, "4t");
    assert_eq!(app.tabs.direction, Direction::ByPath);
    assert!(text(&app).contains("Path to processes"));
}

#[test]
fn sorting_goes_through_the_columns_and_reverses() {
    let mut app = sick();
    press(&mut app, "3ss");
    assert!(text(&app).contains("COUNT ▼"), "{}", text(&app));
    press(&mut app, "S");
    assert!(text(&app).contains("COUNT ▲"), "{}", text(&app));
}

#[test]
fn leaving_says_how() {
    assert_eq!(press(&mut sick(), "q"), [Effect::Quit]);
    let mut app = sick();
    assert_eq!(press(&mut app, "Q"), [Effect::QuitWithReport]);
    assert!(app.report_wanted);
    for (letter, effect) in [('c', Effect::Quit), ('z', Effect::Suspend)] {
        for before in ["", "/", ":", "?"] {
            let mut app = sick();
            press(&mut app, before);
            let event = KeyEvent::new(KeyCode::Char(letter), KeyModifiers::CONTROL);
            assert_eq!(update(&mut app, Msg::Key(event)).first(), Some(&effect), "after {before:?}");
        }
    }
}
