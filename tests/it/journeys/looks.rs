//! What a look brings to the screen, and what stays where it was.

use std::collections::BTreeSet;
use std::sync::Arc;

use tmpmedic::model::units::WallNanos;
use tmpmedic::tui::msg::{Effect, Msg};
use tmpmedic::tui::update;

use super::{WIDE, changed, later, sick};
use crate::frames::{press, seen, text};
use crate::scenes;
use crate::staged::NOW;

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
