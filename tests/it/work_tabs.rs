//! Clean-ups from the Entries tab, and the Journal tab, as sentences.

use std::sync::Arc;

use tmpmedic::model::journal::WorkId;
use tmpmedic::model::raw_path::RawPath;
use tmpmedic::model::reading::{Gap, GapWhy, Reading};
use tmpmedic::model::temp_dir::Entry;
use tmpmedic::model::units::{Entries, Seconds};
use tmpmedic::model::work::{Came, Fate, Pace, Purged, Wish};
use tmpmedic::tui::msg::{Effect, Listing, Look, Msg};
use tmpmedic::tui::{App, update};

use crate::frames::{press, seen, text};
use crate::staged::{HOST_NS, Staged, ago, temp_dir, user, vantage, whole};
use crate::works::{clean, journal, planned, read, shows, sick, treatable, wished};

const WIDE: (u16, u16) = (120, 40);

#[test]
fn a_clean_up_is_of_the_family_of_what_is_picked_or_of_all() {
    let mut app = sick(WIDE);
    let of = |effects: &[Effect]| match wished(effects) {
        Wish::Clean { root, wishes } => {
            assert_eq!((root.shown().as_str(), wishes.older_than), ("/tmp", Seconds(86_400)));
            (wishes.families, wishes.names)
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(of(&press(&mut app, "3f")), (vec!["go-build".to_owned()], vec![]));
    assert_eq!(of(&press(&mut app, "<Esc>F")), (vec![], vec![]));
    list(&mut app, "<Esc>/rustc<Enter><Enter>");
    assert_eq!(of(&press(&mut app, "f")), (vec!["rustc".to_owned()], vec![]));
    let names = vec![RawPath::from("rustc0kPqR7"), RawPath::from("rustcVAIpSt")];
    assert_eq!(of(&press(&mut app, "<Esc>  f")), (vec![], names));
}

fn list(app: &mut App, keys: &str) {
    let effects = press(app, keys);
    let asked = effects.into_iter().find_map(|effect| match effect {
        Effect::List(wish) => Some(wish),
        _ => None,
    });
    let entries: Reading<Vec<Entry>> = whole(crate::frames::entries());
    update(app, Msg::Listed(Listing { wish: asked.unwrap(), entries }));
}

#[test]
fn what_lies_deeper_is_not_cleaned_up_by_itself() {
    let mut app = sick(WIDE);
    list(&mut app, "3/rustc<Enter><Enter>");
    list(&mut app, "<Enter>");
    let Wish::Clean { wishes, .. } = wished(&press(&mut app, "f")) else { panic!() };
    assert_eq!((wishes.families, wishes.names), (vec![], vec![RawPath::from("rustcVAIpSt")]));
    assert_eq!(press(&mut app, "<Esc> f"), []);
    shows(&app, "only what lies directly in a temp dir goes, whole");
}

#[test]
fn a_temp_dir_is_cleaned_up_as_it_is_reached_and_a_deleted_one_not_at_all() {
    let mut app = sick(WIDE);
    press(&mut app, "3");
    let all = app.snapshot().unwrap().temp_dirs.items().to_vec();
    assert!(all.iter().any(|dir| dir.reached != dir.path), "the scene has one of another process");
    for dir in &all {
        let effects = press(&mut app, "F");
        if dir.links == 0 {
            assert_eq!(effects, []);
            shows(&app, "is deleted: there is nothing in it to clean up");
        } else {
            let Wish::Clean { root, .. } = wished(&effects) else { panic!("{effects:?}") };
            assert_eq!(root, dir.reached);
            press(&mut app, "<Esc>");
        }
        press(&mut app, "]");
    }
}

#[test]
fn the_plan_of_a_clean_up_is_made_anew_for_good_and_for_another_age() {
    let mut app = sick(WIDE);
    planned(&mut app, "3f", clean);
    read(&mut app);
    shows(&app, "Goes: 689 entries, 15.0 G");
    let wishes = |effects: Vec<Effect>| match wished(&effects) {
        Wish::Clean { wishes, .. } => wishes,
        other => panic!("{other:?}"),
    };
    assert!(wishes(press(&mut app, "d")).delete);
    assert!(!wishes(press(&mut app, "d")).delete, "also before the plan is there");
    assert_eq!(wishes(press(&mut app, "+")).older_than, Seconds(604_800));
    assert_eq!(wishes(press(&mut app, "+")).older_than, Seconds(2_592_000));
    assert_eq!(press(&mut app, "+"), []);
    let ages = [604_800, 86_400, 21_600, 3_600, 0].map(Seconds);
    for age in ages {
        let wanted = wishes(press(&mut app, "-"));
        assert_eq!((wanted.older_than, wanted.families), (age, vec!["go-build".to_owned()]));
    }
    assert_eq!(press(&mut app, "-"), []);
}

#[test]
fn an_answer_to_an_older_wish_is_not_shown_as_the_newer_one() {
    let mut app = sick(WIDE);
    let first = wished(&press(&mut app, "3f"));
    let second = wished(&press(&mut app, "d"));
    let answer =
        |wish: &Wish| Msg::Planned { wish: wish.clone(), prospect: Ok(Box::new(clean(wish.clone()))) };
    assert_eq!(update(&mut app, answer(&first)), []);
    shows(&app, "planning");
    assert_eq!(update(&mut app, answer(&second)), [Effect::FlushInput]);
    shows(&app, "Goes, for good");
}

#[test]
fn planning_says_how_far_it_is() {
    let mut app = sick(WIDE);
    press(&mut app, "3F");
    let looking = Pace { phase: "looking".into(), done: 300, of: Some(1_491), ..Pace::default() };
    update(&mut app, Msg::Working { digest: String::new(), pace: Box::new(looking) });
    shows(&app, "looking …");
    shows(&app, "300 of 1,491");
}

#[test]
fn a_lot_opens_to_its_samples() {
    let mut app = sick(WIDE);
    planned(&mut app, "3f", clean);
    read(&mut app);
    assert_eq!(press(&mut app, "<Right>"), []);
    shows(&app, "/tmp/go-build1043");
    shows(&app, "and 399 more");
    assert_eq!(press(&mut app, "<Enter><Esc>"), [Effect::FlushInput], "Enter confirms nothing in there");
}

#[test]
fn the_journal_is_read_when_it_is_opened_and_asked_for() {
    let mut app = sick(WIDE);
    assert_eq!(press(&mut app, "8"), [Effect::ReadJournal]);
    shows(&app, "reading the journal");
    assert_eq!(press(&mut app, "r"), [Effect::Rescan, Effect::ReadJournal]);
    assert_eq!(press(&mut app, "1<BackTab>"), [Effect::ReadJournal]);
    update(&mut app, Msg::Journal(whole(vec![])));
    shows(&app, "Nothing was done to this machine by tmpmedic.");
    let gap = Gap::new("the journal", GapWhy::Denied);
    update(&mut app, Msg::Journal(Reading::Blind { gap }));
    shows(&app, "the journal: permission denied");
    shows(&app, "run as root");
}

#[test]
fn the_journal_takes_back_and_removes_what_is_selected() {
    let mut app = sick(WIDE);
    press(&mut app, "8");
    update(&mut app, Msg::Journal(journal()));
    assert_eq!(wished(&press(&mut app, "u")), Wish::Undo(Some(WorkId(9))));
    assert_eq!(wished(&press(&mut app, "<Esc>z")), Wish::Undo(Some(WorkId(9))));
    assert_eq!(press(&mut app, "<Esc>P"), []);
    shows(&app, "#9 has nothing put aside any more");
    press(&mut app, "<Down><Down>");
    shows(&app, "P purge it");
    shows(&app, "For more than 7 d: P removes them for good.");
    assert_eq!(wished(&press(&mut app, "P")), Wish::Purge(WorkId(7)));
    assert_eq!(press(&mut app, "<Esc><Down>u"), []);
    shows(&app, "already taken back by #8");
}

#[test]
fn z_takes_back_the_last_work_and_says_where_there_is_none() {
    let mut app = sick(WIDE);
    assert_eq!(wished(&press(&mut app, "z")), Wish::Undo(None));
    press(&mut app, "<Esc>");
    update(&mut app, Msg::Journal(whole(vec![])));
    assert_eq!(press(&mut app, "z"), []);
    shows(&app, "nothing that was done here can be taken back");
}

#[test]
fn a_lesson_and_a_replay_change_nothing_and_have_no_journal() {
    let mut replayed = seen(&treatable(), WIDE);
    update(&mut replayed, Msg::Wound(tmpmedic::model::replay::Position { of: 3, ..Default::default() }));
    let mut learnt = crate::lesson_screen::learning(WIDE);
    press(&mut learnt, "N<Enter><Esc>");
    for (app, why) in [(&mut replayed, "not this machine"), (&mut learnt, "a lesson: nothing is changed")] {
        for keys in ["1f", "1F<Enter>", "z", "3f", "3F", "8", "8z", "8u", "8P"] {
            assert_eq!(press(app, keys), [], "{keys}");
            assert!(app.works.question.is_none());
            press(app, "<Esc><Esc><Esc>");
        }
        press(app, "8");
        shows(app, "No journal here");
        shows(app, why);
        press(app, "z");
        shows(app, why);
    }
}

#[test]
fn the_entries_open_on_a_temp_dir_that_holds_something_and_stay_there() {
    let title = |app: &App| text(app).lines().nth(2).unwrap_or_default().trim_start().to_owned();
    let with = |entries: u64| {
        let mut look = Look::clone(&treatable());
        let mut other = temp_dir("/dev/shm", 99, 0, Vec::new());
        other.total.entries = Entries(entries);
        other.vantages.clear();
        look.snapshot.temp_dirs.value_mut().unwrap().insert(0, other);
        Arc::new(look)
    };
    let mut app = seen(&with(0), WIDE);
    press(&mut app, "3");
    assert!(title(&app).starts_with("/tmp "), "{}", title(&app));
    press(&mut app, "[");
    assert!(title(&app).starts_with("/dev/shm "), "{}", title(&app));
    shows(&app, "/dev/shm is empty.");
    shows(&app, "(f clean up)");
    update(&mut app, Msg::Look(with(0)));
    assert!(title(&app).starts_with("/dev/shm "), "what was chosen stays: {}", title(&app));
}

#[test]
fn the_sheet_names_what_was_chosen() {
    let mut app = sick(WIDE);
    let line = |app: &mut App, keys: &str, words: &str| {
        planned(app, keys, clean);
        shows(app, words);
        press(app, "<Esc>");
    };
    line(&mut app, "3f", "go-build, untouched for 1 d  + - age");
    line(&mut app, "F", " untouched for 1 d  + - age");
    list(&mut app, "/rustc<Enter><Enter>");
    line(&mut app, "f", "rustc, untouched for 1 d");
    line(&mut app, " f", "rustcVAIpSt, untouched for 1 d");
    line(&mut app, " f", "2 entries picked, untouched for 1 d");
}

#[test]
fn what_is_in_no_family_is_asked_for_as_the_command_line_asks_for_it() {
    let mut app = sick(WIDE);
    press(&mut app, "3<End>");
    let Wish::Clean { wishes, .. } = wished(&press(&mut app, "f")) else { panic!() };
    assert_eq!(wishes.families, ["other"]);
}

#[test]
fn the_journal_counts_all_steps_and_says_what_became_of_what_was_put_aside() {
    let mut app = sick(WIDE);
    press(&mut app, "8");
    let mut all = journal().items().to_vec();
    let work = &mut all[0];
    work.steps = (0..2_000).map(|n| (format!("put go-build{n} aside"), Some(Fate::Done))).collect();
    work.came = Came { all: 60_001, done: 60_001, ..Came::default() };
    (work.can_undo, work.aside) = (false, 0);
    work.purged = Some(Purged { by: WorkId(12), time: ago(3_600), entries: 60_001 });
    update(&mut app, Msg::Journal(whole(all.clone())));
    shows(&app, "60,001 entries were removed for good on ");
    shows(&app, "by #12 (purge).");
    shows(&app, "60,001 steps");
    shows(&app, "60,001 steps, each of them done");
    shows(&app, "purged by #12");
    all[0].came.done = 60_000;
    update(&mut app, Msg::Journal(whole(all)));
    shows(&app, "60,000 of 60,001");
    shows(&app, "60,001, not shown here");
}

#[test]
fn the_smallest_screen_names_the_directory_too() {
    let mut app = sick((40, 15));
    press(&mut app, "3");
    shows(&app, "3 Entries /tmp  ? help  q quit");
    list(&mut app, "/rustc<Enter><Enter>");
    list(&mut app, "<Enter>");
    shows(&app, "3 Entries /tmp…stcVAIpSt  ? help");
}

#[test]
fn access_lists_nobody_who_only_works_for_us() {
    let staged = Staged::new().vantage(vantage("/tmp", HOST_NS, user(0, "root"), &[901], &["tmpmedic"]));
    let mut app = seen(&staged.look(), WIDE);
    press(&mut app, "2");
    shows(&app, "No process here uses a temp dir.");
}
