//! What a walk through the console found poor, as sentences that must stay true.

use std::sync::Arc;

use tmpmedic::model::holder::Holders;
use tmpmedic::model::raw_path::RawPath;
use tmpmedic::model::units::Entries;
use tmpmedic::model::work::Wish;
use tmpmedic::tui::msg::{Effect, Listing, Msg};
use tmpmedic::tui::tabs::TABS;
use tmpmedic::tui::update;

use crate::frames::{entries, press, seen, text};
use crate::scenes;
use crate::staged::whole;
use crate::works::{journal, planned, sick, wished};

fn line(app: &tmpmedic::tui::App, number: usize) -> String {
    text(app).lines().nth(number).unwrap_or_default().to_owned()
}

fn foot(app: &tmpmedic::tui::App) -> String {
    text(app).lines().last().unwrap_or_default().to_owned()
}

/// Answers a list that was asked for with three entries, of which the first has that name.
fn list(app: &mut tmpmedic::tui::App, keys: &str, first: &str) {
    let effects = press(app, keys);
    let Some(Effect::List(wish)) = effects.into_iter().next() else { panic!("a list must be asked for") };
    let mut all = entries();
    all[0].name = RawPath::from(first);
    update(app, Msg::Listed(Listing { wish, entries: whole(all) }));
}

#[test]
fn on_a_narrow_screen_the_current_tab_keeps_its_name_and_all_others_their_number() {
    let mut app = sick((60, 15));
    for tab in TABS {
        let card = tab.card();
        press(&mut app, &card.number.to_string());
        let tabs = line(&app, 1);
        assert!(tabs.contains(&format!("{} {}", card.number, card.title)), "{tabs}");
        for other in TABS {
            assert!(tabs.contains(&other.card().number.to_string()), "{}: {tabs}", other.card().title);
        }
    }
}

#[test]
fn the_way_to_a_directory_never_ends_before_the_directory_on_screen() {
    let mut app = seen(&scenes::two_dead_runners(), (80, 24));
    let long = "systemd-private-9a2fc0747052453fbb2ed8d987ea6012-forgejo-runner@1.service-wgqfpc";
    list(&mut app, "3<Enter>", long);
    list(&mut app, "<Enter>", "tmp-of-the-service");
    list(&mut app, "<Enter>", "x");
    let title = line(&app, 2);
    assert!(
        title.contains("tmp-of-the-service") && title.contains('…') && title.contains("entries"),
        "{title}"
    );
}

#[test]
fn what_was_done_is_read_with_the_first_look_so_that_z_is_named_only_where_it_works() {
    let mut app = sick((140, 40));
    assert_eq!(update(&mut app, Msg::Look(scenes::two_dead_runners())), [], "not with each look");
    let mut app = tmpmedic::tui::App::new(crate::frames::settings());
    update(&mut app, Msg::Resize { width: 140, height: 40 });
    assert_eq!(update(&mut app, Msg::Look(scenes::healthy())), [Effect::ReadJournal]);
    update(&mut app, Msg::Journal(whole(Vec::new())));
    assert!(!foot(&app).contains("z undo"), "{}", foot(&app));
    update(&mut app, Msg::Journal(journal()));
    assert!(foot(&app).contains("z undo"), "{}", foot(&app));
}

#[test]
fn the_smallest_screens_name_the_key_that_heals_or_say_what_they_lack() {
    let app = sick((40, 15));
    assert!(foot(&app).contains("f fix") && foot(&app).contains("q quit"), "{}", foot(&app));
    assert!(line(&app, 0).ends_with("60x15 shows more"), "{}", line(&app, 0));
    let app = sick((30, 5));
    assert!(line(&app, 0).contains('✗') && line(&app, 1).contains("60x15"), "{}", text(&app));
}

#[test]
fn t_is_named_only_where_something_can_be_turned() {
    let mut app = seen(&scenes::two_dead_runners(), (140, 40));
    press(&mut app, "4");
    assert!(foot(&app).contains("t turn"), "{}", foot(&app));
    let mut look = tmpmedic::tui::msg::Look::clone(&scenes::healthy());
    look.snapshot.holders = whole(Holders::default());
    let mut app = seen(&Arc::new(look), (140, 40));
    press(&mut app, "4");
    assert!(!foot(&app).contains("t turn"), "{}", text(&app));
}

#[test]
fn a_plan_by_which_nothing_goes_for_its_age_names_the_key_that_helps() {
    let mut app = sick((80, 24));
    press(&mut app, "3");
    planned(&mut app, "f", |wish: Wish| {
        let mut prospect = crate::works::clean(wish);
        let mut young = prospect.going.swap_remove(0);
        young.oldest = Some(tmpmedic::model::units::Seconds(180));
        young.what = "touched too recently".into();
        prospect.going.clear();
        prospect.staying = vec![young];
        prospect
    });
    assert!(text(&app).contains("- takes what was touched later than 1 d ago, too"), "{}", text(&app));
}

#[test]
fn every_count_of_thousands_has_its_separator() {
    let mut look = tmpmedic::tui::msg::Look::clone(&scenes::two_dead_runners());
    let mut dirs = look.snapshot.temp_dirs.items().to_vec();
    for family in dirs.iter_mut().flat_map(|dir| dir.families.values_mut()) {
        family.owners = [(1000, 1_491)].into();
        family.tally.entries = Entries(1_491);
    }
    look.snapshot.temp_dirs = whole(dirs);
    let mut app = seen(&Arc::new(look), (140, 40));
    press(&mut app, "3");
    assert!(text(&app).contains(" 1,491") && !text(&app).contains("1491"), "{}", text(&app));
    let effects = press(&mut app, "<Enter>");
    let Some(Effect::List(wish)) = effects.into_iter().next() else { panic!("a list must be asked for") };
    let many = (0..1_491).map(|n| {
        let name = RawPath::from(format!("e{n}").as_str());
        tmpmedic::model::temp_dir::Entry { name, ..entries().remove(0) }
    });
    update(&mut app, Msg::Listed(Listing { wish, entries: whole(many.collect()) }));
    assert!(line(&app, 2).contains("1,491 entries"), "{}", line(&app, 2));
}

#[test]
fn f_on_a_vantage_that_cannot_create_leads_to_what_heals_it() {
    let mut app = sick((140, 40));
    press(&mut app, "2g");
    assert!(foot(&app).contains("f fix"), "{}", text(&app));
    let Wish::Treat { finding, .. } = wished(&press(&mut app, "f")) else { panic!("a fix must be planned") };
    assert!(finding.contains("private-tmp-deleted"), "{finding}");
    press(&mut app, "<Esc>G");
    assert!(!foot(&app).contains("f fix"), "nothing is wrong at the last one: {}", text(&app));
}
