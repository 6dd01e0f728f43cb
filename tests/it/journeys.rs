//! Journeys over the screen as sentences, laws over its keys and tabs, and what no key and no size may do.

use std::collections::BTreeSet;
use std::sync::Arc;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use proptest::prelude::*;
use tmpmedic::model::raw_path::{RawPath, is_control, is_invisible};
use tmpmedic::model::replay::{Play, Position};
use tmpmedic::model::units::WallNanos;
use tmpmedic::tui::app::{Direction, Pane};
use tmpmedic::tui::keys::{KEYS, Key, KeyId, Place};
use tmpmedic::tui::msg::{Effect, Listing, Look, Msg, Scene};
use tmpmedic::tui::tabs::{TABS, TabId};
use tmpmedic::tui::{App, Settings, update};

use crate::frames::{frame, press, seen, settings, text};
use crate::scenes;
use crate::staged::{NOW, whole};

const WIDE: (u16, u16) = (140, 40);

fn sick() -> App {
    seen(&scenes::two_dead_runners(), WIDE)
}

fn changed(look: &Arc<Look>, how: impl FnOnce(&mut Look)) -> Arc<Look> {
    let mut copy = Look::clone(look);
    how(&mut copy);
    Arc::new(copy)
}

fn later(look: &Arc<Look>, seconds: i64) -> Arc<Look> {
    changed(look, |look| look.snapshot.taken = WallNanos(NOW.0 + seconds * 1_000_000_000))
}

#[test]
fn the_first_frame_after_a_look_names_the_worst_and_proves_it() {
    let shown = text(&sick());
    for words in
        ["CRITICAL", "forgejo-runner@1.service", "proven", "ENOENT", "//deleted", "systemctl restart"]
    {
        assert!(shown.contains(words), "{words}\n{shown}");
    }
}

#[test]
fn the_selection_follows_its_finding_when_a_worse_one_appears() {
    let look = scenes::two_dead_runners();
    let mut app = seen(&look, WIDE);
    press(&mut app, "jj");
    let chosen = app.list().cursor.clone();
    let worse = changed(&look, |look| {
        let mut extra = look.diagnosis.found[0].clone();
        extra.subject.name = "another.service".into();
        look.diagnosis.found.insert(0, extra);
    });
    update(&mut app, Msg::Look(worse));
    assert_eq!(app.list().cursor, chosen);
    assert_eq!(app.list().at, 3);
}

#[test]
fn a_machine_where_nothing_moves_gives_the_same_frame_but_for_the_clock() {
    for keys in ["1", "2", "4", "5", "6"] {
        let look = scenes::two_dead_runners();
        let mut app = seen(&look, WIDE);
        press(&mut app, keys);
        update(&mut app, Msg::Tick(NOW));
        let before = text(&app);
        update(&mut app, Msg::Look(Arc::clone(&look)));
        assert_eq!(text(&app), before, "the same look again, tab {keys}");
        for second in 1..40 {
            let probes_move_along = changed(&later(&look, second), |look| {
                look.snapshot.boot = tmpmedic::model::units::BootNanos(look.snapshot.boot.0 + 1_000_000_000);
                for probe in &mut look.snapshot.probes {
                    probe.at = WallNanos(probe.at.0 + second * 1_000_000_000);
                }
            });
            update(&mut app, Msg::Look(probes_move_along));
        }
        assert_eq!(text(&app), before, "later looks at the same, tab {keys}");
        update(&mut app, Msg::Tick(WallNanos(NOW.0 + 39_000_000_000)));
        assert_eq!(text(&app), before.replace("20:41:07", "20:41:46"), "only the clock moves, tab {keys}");
    }
}

#[test]
fn a_look_that_gets_old_says_so() {
    let mut app = sick();
    update(&mut app, Msg::Tick(WallNanos(NOW.0 + 12_000_000_000)));
    assert!(text(&app).contains("as of 12 s ago"), "{}", text(&app));
}

#[test]
fn two_findings_can_be_told_apart_at_every_size_however_it_came_about() {
    let mut app = sick();
    for size in [(120, 40), (80, 24), (59, 14), (40, 15)] {
        update(&mut app, Msg::Resize { width: size.0, height: size.1 });
        let shown = text(&app);
        for unit in ["@1 ", "@2 "] {
            let row = |line: &str| {
                line.contains("  ✗")
                    && line.replace(".service", "").contains(unit)
                    && line.contains("is a de")
            };
            assert!(
                shown.lines().any(|line| row(&line.replacen('▸', " ", 1))),
                "{unit} at {size:?}:\n{shown}"
            );
        }
        assert_eq!(
            shown,
            text(&seen(&scenes::two_dead_runners(), size)),
            "a size is drawn as if it had always been"
        );
    }
}

#[test]
fn temp_dirs_of_the_same_path_can_be_told_apart() {
    for width in [100, 120, 140] {
        let shown = text(&seen(&scenes::two_dead_runners(), (width, 40)));
        let all = shown.lines().skip_while(|line| !line.contains("TEMP DIR")).skip(1);
        let rows = all.take_while(|line| line.starts_with('│'));
        let names: Vec<String> = rows
            .map(|row| {
                let cells = row.trim_start_matches(['│', '✗', ' ']).split("  ").map(str::trim);
                cells.filter(|cell| !cell.is_empty()).take(2).collect::<Vec<_>>().join(" of ")
            })
            .collect();
        let unlike: BTreeSet<&String> = names.iter().collect();
        assert!(names.len() > 2 && unlike.len() == names.len(), "{names:?} at {width}:\n{shown}");
    }
}

#[test]
fn a_frozen_screen_holds_back_looks_until_it_goes_on() {
    let mut app = sick();
    assert_eq!(press(&mut app, "."), [Effect::Freeze(true)]);
    update(&mut app, Msg::Look(scenes::healthy()));
    assert!(text(&app).contains("FROZEN") && text(&app).contains("CRITICAL"));
    assert_eq!(press(&mut app, "."), [Effect::Freeze(false)]);
    assert!(text(&app).contains("✓ OK") && !text(&app).contains("FROZEN"));
}

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
fn env_marks_the_odd_cell_with_brackets_and_names_where_it_came_in() {
    let mut app = sick();
    press(&mut app, "6");
    for _ in 0..8 {
        press(&mut app, "l");
    }
    let shown = text(&app);
    assert!(shown.contains("[/tmp "), "{shown}");
    assert!(shown.contains("▸  4815  bash"), "{shown}");
    assert!(shown.contains("changed by forgejo-runner (4814)"), "{shown}");
}

#[test]
fn not_readable_and_not_set_are_told_apart() {
    let mut app = seen(&scenes::not_root(), WIDE);
    press(&mut app, "6");
    assert!(text(&app).contains("not readable") && text(&app).contains("sudo tmpmedic"), "{}", text(&app));
    let mut app = sick();
    press(&mut app, "6");
    assert!(!text(&app).contains("not readable"));
}

#[test]
fn the_footer_shows_only_keys_that_do_something() {
    let mut app = seen(&scenes::healthy(), WIDE);
    let last = |app: &App| text(app).lines().last().unwrap_or_default().to_owned();
    assert!(!last(&app).contains("what helps") && !last(&app).contains("explain"), "{}", last(&app));
    press(&mut app, "4");
    assert!(!last(&app).contains("t turn"), "nobody holds anything: {}", last(&app));
    let mut app = sick();
    press(&mut app, "4");
    assert!(last(&app).contains("t turn"), "{}", last(&app));
    press(&mut app, "3");
    assert!(!last(&app).contains("t turn") && last(&app).contains("[ ] temp dir"), "{}", last(&app));
}

#[test]
fn the_footer_never_shows_half_an_item() {
    let whole: BTreeSet<String> =
        KEYS.iter().filter(|key| key.rank > 0).map(|key| format!("{} {}", key.short, key.label)).collect();
    for width in 60..150 {
        let app = seen(&scenes::two_dead_runners(), (width, 24));
        let footer = text(&app).lines().last().unwrap_or_default().trim().to_owned();
        for item in footer.split("  ") {
            assert!(whole.contains(item) || item == "Enter why", "{item:?} at {width}: {footer}");
        }
        assert!(footer.ends_with("? help  q quit"), "{footer}");
    }
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

#[test]
fn every_key_is_in_the_help_with_its_sentence() {
    let mut app = seen(&scenes::two_dead_runners(), (140, 200));
    press(&mut app, "?");
    let shown = text(&app);
    let elsewhere = [Place::Lesson, Place::Solved, Place::Replay];
    for key in KEYS.iter().filter(|key| !key.places.iter().any(|place| elsewhere.contains(place))) {
        assert!(shown.contains(key.help), "{:?} is missing:\n{shown}", key.id);
        let chord = key.chords[0].shown();
        assert!(shown.contains(&chord), "{chord} is missing");
    }
}

#[test]
fn every_key_has_a_sentence_and_an_id_of_its_own() {
    let ids: BTreeSet<KeyId> = KEYS.iter().map(|key| key.id).collect();
    assert_eq!(ids.len(), KEYS.len(), "an id stands twice");
    for key in KEYS {
        assert!(!key.help.is_empty() && !key.chords.is_empty() && !key.places.is_empty(), "{:?}", key.id);
        assert_eq!(key.rank > 0, !key.label.is_empty() && !key.short.is_empty(), "{:?}", key.id);
    }
}

#[test]
fn no_two_keys_mean_different_things_in_one_place() {
    let tabs = TABS.iter().map(|tab| vec![Place::Tab(tab.card().id), Place::Screen, Place::Always]);
    let others = [Place::Lesson, Place::Solved, Place::Sheet, Place::Field, Place::Palette]
        .map(|place| vec![place, Place::Always])
        .into_iter()
        .chain([vec![Place::Plan, Place::Always], vec![Place::Word, Place::Always]]);
    for places in tabs.chain(others) {
        let here: Vec<&Key> =
            KEYS.iter().filter(|key| key.places.iter().any(|p| places.contains(p))).collect();
        for (n, key) in here.iter().enumerate() {
            for other in &here[n + 1..] {
                let shared = key.chords.iter().find(|chord| other.chords.contains(chord));
                assert!(shared.is_none(), "{:?} and {:?} share {shared:?} in {places:?}", key.id, other.id);
            }
        }
    }
}

#[test]
fn nothing_destructive_lies_on_a_ctrl_key() {
    use tmpmedic::tui::keys::Chord;
    let ctrl = KEYS.iter().filter(|key| key.chords.iter().any(|c| matches!(c, Chord::Ctrl(_))));
    assert_eq!(ctrl.map(|key| key.id).collect::<Vec<_>>(), [KeyId::Interrupt, KeyId::Suspend]);
}

#[test]
fn every_tab_opens_with_its_number_and_by_going_through_them() {
    let ids: BTreeSet<TabId> = TABS.iter().map(|tab| tab.card().id).collect();
    assert_eq!(ids.len(), TABS.len());
    let mut walking = sick();
    assert!(TABS.windows(2).all(|pair| pair[0].card().number < pair[1].card().number));
    for tab in TABS {
        let card = tab.card();
        assert!(!card.title.is_empty() && !card.asks.is_empty());
        let mut app = sick();
        press(&mut app, &card.number.to_string());
        assert_eq!((app.tab, walking.tab), (card.id, card.id));
        let shown = text(&app);
        assert!(shown.contains(&format!("{} {}", card.number, card.title)), "{shown}");
        press(&mut walking, "<Tab>");
    }
    assert_eq!(walking.tab, TABS[0].card().id, "the last is followed by the first");
    press(&mut walking, "<BackTab>");
    assert_eq!(walking.tab, TABS[TABS.len() - 1].card().id);
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
