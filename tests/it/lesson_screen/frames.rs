//! What a lesson looks like at every size, from its story to its solution.

use tmpmedic::tui::msg::Msg;
use tmpmedic::tui::theme::Glyphs;
use tmpmedic::tui::{App, Settings, update};

use super::{WIDE, learning, second};
use crate::frames::{SIZES, press, settings, styles, text};
use crate::lesson::lesson;
use crate::{golden, scenes};

/// What a walk through the lesson shows at every size: a name, and the keys that lead there from the frame before.
const WALK: &[(&str, &str)] = &[
    ("begun", ""),
    ("hint-cost", "h"),
    ("hint", "<Enter>"),
    ("guess", "<Enter>ndisk"),
    ("ruled-out", "<Enter>"),
    ("beside", "<Enter>ninterrupted builds<Enter>"),
    ("notes", "<Enter>G"),
    ("give-up", "N"),
    ("solution", "<Esc>nprivate tmp removed<Enter>"),
    ("solution-end", "G"),
    ("over", "<Esc>"),
];

#[test]
fn a_walk_through_a_lesson_looks_like_this() {
    for size in SIZES {
        let mut app = learning(size);
        for (step, (name, keys)) in (0..).zip(WALK) {
            second(&mut app, 40 * step);
            press(&mut app, keys);
            golden::check(&format!("frames/lesson-{name}-{}x{}.txt", size.0, size.1), &text(&app));
        }
    }
}

#[test]
fn before_the_first_look_the_story_is_there_and_no_key_of_the_lesson_works() {
    let mut app = App::new(settings()).with_lesson(lesson());
    update(&mut app, Msg::Resize { width: 80, height: 24 });
    golden::check("frames/lesson-loading-80x24.txt", &text(&app));
    update(&mut app, Msg::Resize { width: 140, height: 40 });
    for key in ["n", "h", "N"] {
        press(&mut app, key);
        assert!(app.overlays.is_empty() && text(&app).contains("no look yet"), "{key}");
    }
}

#[test]
fn without_colours_and_in_ascii_a_lesson_loses_nothing() {
    golden::check("frames/mono-lesson-80x24.styles.txt", &styles(&learning((80, 24))));
    let mut app = App::new(Settings { ascii: Glyphs::Ascii, ..settings() }).with_lesson(lesson());
    update(&mut app, Msg::Resize { width: 140, height: 40 });
    update(&mut app, Msg::Look(scenes::two_dead_runners()));
    for (name, keys) in WALK {
        press(&mut app, keys);
        assert!(text(&app).is_ascii(), "{name}:\n{}", text(&app));
    }
    press(&mut app, "n");
    golden::check("frames/ascii-lesson-solution-140x40.txt", &text(&app));
}

#[test]
fn the_header_shows_the_title_and_the_score_and_no_verdict() {
    for size in [WIDE, (80, 24), (40, 15), (20, 5)] {
        let shown = text(&learning(size));
        assert!(shown.contains("? LEARNING") && !shown.contains("CRITICAL"), "{size:?}:\n{shown}");
    }
    let mut app = learning(WIDE);
    press(&mut app, "h<Enter><Enter>");
    second(&mut app, 75);
    assert!(text(&app).contains("0 guesses  1:15  90 points"), "{}", text(&app));
}
