//! Nothing gives a cause away before it is named.

use tmpmedic::catalog::runbook;
use tmpmedic::tui::App;
use tmpmedic::tui::msg::Look;

use super::{WIDE, learning, taught};
use crate::frames::{SIZES, press, seen, text};
use crate::lesson::lesson;
use crate::scenes;

/// The same text without blanks and frames, so that a wrapped sentence is found too.
fn squashed(text: &str) -> String {
    text.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '/' | '@')).collect()
}

/// Everything that would give a cause away: its id, the title of its page, the titles of its findings.
fn tells(look: &Look, cause: &str) -> Vec<String> {
    let titles = look.diagnosis.found.iter().filter(|f| f.id == cause).map(|f| f.title.clone());
    let page = runbook::page(cause).map(|page| page.title.to_owned());
    titles.chain(page).chain([cause.to_owned()]).map(|words| squashed(&words)).collect()
}

/// Every cause that the diagnosis of a look speaks of.
fn causes(look: &Look) -> Vec<&str> {
    let diagnosis = &look.diagnosis;
    let found = diagnosis.found.iter().map(|f| f.id.as_str());
    let ruled_out = diagnosis.ruled_out.iter().map(|r| r.id.as_str());
    found.chain(ruled_out).chain(diagnosis.blind.iter().map(|b| b.id.as_str())).collect()
}

/// Every tab and every sheet that can be reached without naming a cause or giving up.
const PLACES: &[&str] = &[
    "1",
    "1<Enter>G",
    "1e",
    "1f",
    "1x",
    "1y",
    "1p",
    "1i",
    "1?",
    "1:",
    "1:expl",
    "1Q",
    "1h",
    "1h<Enter>",
    "1N",
    "1s",
    "2",
    "2/runner",
    "2<Enter>",
    "2e",
    "2x",
    "2p",
    "2y",
    "2i",
    "3",
    "3<Enter>",
    "3x",
    "3]",
    "4",
    "4<Enter>",
    "4t",
    "4x",
    "5",
    "5<Down><Enter>",
    "5a",
    "5<Down>x",
    "6",
    "6<Enter>",
    "6x",
];

fn demand_silence(app: &App, about: &[String]) {
    let shown = squashed(&text(app));
    for words in about {
        assert!(!shown.contains(words), "it tells {words:?}:\n{}", text(app));
    }
}

#[test]
fn nothing_gives_a_cause_away_before_it_is_named() {
    for look in [scenes::two_dead_runners(), scenes::not_root(), scenes::all_blind(), scenes::healthy()] {
        let about: Vec<String> = causes(&look).into_iter().flat_map(|cause| tells(&look, cause)).collect();
        for size in SIZES {
            for keys in PLACES {
                let mut app = taught(lesson(), &look, size);
                press(&mut app, keys);
                demand_silence(&app, &about);
            }
        }
    }
}

#[test]
fn a_wrong_guess_tells_nothing_about_the_right_one() {
    let look = scenes::two_dead_runners();
    let about = tells(&look, "private-tmp-deleted");
    for size in SIZES {
        for wrong in ["disk-full", "nothing is wrong", "umask-hostile", "container-tmp", "leaked-temp"] {
            let mut app = taught(lesson(), &look, size);
            press(&mut app, &format!("n{wrong}<Enter>"));
            demand_silence(&app, &about);
            press(&mut app, "<Enter>G");
            demand_silence(&app, &about);
        }
    }
}

#[test]
fn without_a_lesson_the_same_machine_says_it_all() {
    let look = scenes::two_dead_runners();
    let mut app = seen(&look, (140, 60));
    press(&mut app, "G<Enter>");
    let shown = squashed(&text(&app));
    assert!(tells(&look, "private-tmp-deleted").iter().any(|words| shown.contains(words)), "{}", text(&app));
    let ruled_out = look.diagnosis.ruled_out.iter().filter(|r| shown.contains(&r.id)).count();
    assert_eq!(ruled_out, look.diagnosis.ruled_out.len(), "the law above could not fail:\n{}", text(&app));
}

fn last_line(app: &App) -> String {
    text(app).lines().last().unwrap_or_default().to_owned()
}

#[test]
fn what_would_tell_is_hidden_and_says_so() {
    for key in ["1e", "1f", "2e", "Q"] {
        let mut app = learning(WIDE);
        assert_eq!(press(&mut app, key), [], "{key}");
        assert!(app.overlays.is_empty(), "{key}");
        assert!(text(&app).contains("hidden until the lesson is over"), "{key}:\n{}", text(&app));
    }
    let mut app = learning(WIDE);
    press(&mut app, ":private");
    assert!(!text(&app).contains("explain"), "no page of the runbook: {}", text(&app));
    assert!(!last_line(&learning(WIDE)).contains("what helps"));
}
