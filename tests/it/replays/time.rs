//! Going through a recording: steps, minutes, moments, and at a pace.

use tmpmedic::model::replay::{Moment, Wind};

use super::{Deck, recording};
use crate::frames::text;

#[test]
fn brackets_step_through_time_on_every_tab_and_the_ends_stay_put() {
    let mut deck = Deck::of(&recording(6));
    deck.shows("REPLAY 1/6  2026-01-22 20:41:07");
    for tab in ["1", "2", "3", "4", "5", "6"] {
        deck.press(tab);
        deck.press("]");
        deck.shows("REPLAY 2/6  2026-01-22 20:41:09");
        deck.press("[");
        deck.shows("REPLAY 1/6");
    }
    deck.press("[");
    deck.shows("this is the first look of the recording");
    deck.press("]]]]]]");
    deck.shows("REPLAY 6/6  2026-01-22 20:41:17");
    deck.shows("this is the last look of the recording");
    deck.press("1");
    assert!(!text(&deck.app).contains("this is the last"), "a note is gone with the next key");
}

#[test]
fn what_is_known_of_the_machine_is_that_of_the_look_on_screen() {
    let mut deck = Deck::of(&recording(6));
    deck.shows("✗ CRITICAL");
    deck.press("]]]");
    assert!(!text(&deck.app).contains("CRITICAL"), "{}", text(&deck.app));
    deck.press("[");
    deck.shows("✗ CRITICAL");
}

#[test]
fn braces_jump_a_minute() {
    let mut deck = Deck::of(&recording(100));
    deck.press("}");
    deck.shows("REPLAY 31/100  2026-01-22 20:42:07");
    deck.press("}}}");
    deck.shows("REPLAY 100/100");
    deck.press("{");
    deck.shows("REPLAY 70/100");
}

#[test]
fn a_time_is_gone_to_and_what_is_none_keeps_the_field_open() {
    let mut deck = Deck::of(&recording(100));
    deck.press("T20:42<Enter>");
    deck.shows("REPLAY 28/100  2026-01-22 20:42:01");
    deck.press("T+30s<Enter>");
    deck.shows("REPLAY 43/100");
    deck.press("T#7<Enter>");
    deck.shows("REPLAY 7/100");
    deck.press("Tq");
    deck.shows("go to q");
    deck.press("<Enter>");
    deck.shows("no such time");
    deck.shows("REPLAY 7/100");
    deck.press("<Back>#9<Enter>");
    deck.shows("REPLAY 9/100");
    deck.press("T#50<Esc>");
    deck.shows("REPLAY 9/100");
    deck.press("T03:00<Enter>");
    deck.shows("the recording ends at 20:44:25");
    deck.shows("REPLAY 100/100");
    deck.press("T<Enter>");
    deck.shows("REPLAY 100/100");
}

#[test]
fn space_plays_and_pauses_and_shows_how_fast() {
    let mut deck = Deck::of(&recording(100));
    deck.press("3 ");
    deck.shows("REPLAY 1/100 ▸ 1x");
    deck.shows("Space pause");
    deck.press("++");
    deck.shows("▸ 5x");
    deck.press("-");
    deck.shows("▸ 2x");
    deck.press(" ");
    assert!(!text(&deck.app).contains('x') || !text(&deck.app).contains("▸ 2x"));
    deck.press("T#100<Enter> ");
    deck.shows("this is the last look of the recording");
}

#[test]
fn the_rate_of_a_temp_dir_is_that_of_the_minutes_before_whichever_way_one_came() {
    let mut walked = Deck::of(&recording(100));
    walked.press("3");
    walked.press(&"]".repeat(40));
    let mut jumped = Deck::of(&recording(100));
    jumped.press("3T#60<Enter>T#41<Enter>");
    assert_eq!(text(&walked.app), text(&jumped.app));
    walked.shows("+60/min");
}

#[test]
fn a_capture_of_one_look_has_no_time_to_step_through() {
    let mut deck = Deck::of(&recording(1));
    deck.shows("REPLAY 1/1");
    assert!(!text(&deck.app).contains("[ ] step"));
    for key in ["]", "[", "}", "{", " ", "T"] {
        assert_eq!(deck.press(key), []);
        deck.shows("the capture holds one look");
    }
}

#[test]
fn a_moment_beyond_every_end_leads_to_one() {
    let mut deck = Deck::of(&recording(3));
    for (wind, at) in [
        (Wind::To(Moment::Shift(i64::MAX)), 2),
        (Wind::To(Moment::Shift(i64::MIN)), 0),
        (Wind::To(Moment::Look(usize::MAX)), 2),
    ] {
        deck.replay.wind(wind).unwrap();
        assert_eq!(deck.replay.position().at, at);
    }
}
