//! Laws over keys and tabs: each has its sentence, its place, and means one thing there.

use std::collections::BTreeSet;

use tmpmedic::tui::App;
use tmpmedic::tui::keys::{KEYS, Key, KeyId, Place};
use tmpmedic::tui::tabs::{TABS, TabId};

use super::{WIDE, sick};
use crate::frames::{press, seen, text};
use crate::scenes;

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
