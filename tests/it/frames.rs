//! Golden frames: what every tab and sheet looks like, at the three sizes, in ASCII, and without colours.

#![expect(clippy::panic, clippy::string_slice, reason = "test support: a panic is its failure")]

use std::sync::{Arc, LazyLock};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::style::Modifier;
use tmpmedic::catalog::Catalog;
use tmpmedic::model::raw_path::RawPath;
use tmpmedic::model::temp_dir::Entry;
use tmpmedic::model::units::{Bytes, Entries};
use tmpmedic::model::vantage::Kind;
use tmpmedic::tui::msg::{Effect, Listing, Look, Msg};
use tmpmedic::tui::theme::{Background, Depth, Glyphs};
use tmpmedic::tui::{App, Settings, draw, update};

use crate::golden;
use crate::scenes;
use crate::staged::{ago, whole};

/// Made once: compiling its tables takes longer than a frame.
static CATALOG: LazyLock<Arc<Catalog>> = LazyLock::new(|| Arc::new(Catalog::builtin()));

/// What most frames are drawn with.
pub fn settings() -> Settings {
    Settings {
        colors: Depth::Mono,
        background: Background::Dark,
        ascii: Glyphs::Unicode,
        read_only: false,
        utc_offset_s: 0,
        catalog: Arc::clone(&CATALOG),
    }
}

/// A screen of that size after one look.
pub fn seen(look: &Arc<Look>, size: (u16, u16)) -> App {
    let mut app = App::new(settings());
    update(&mut app, Msg::Resize { width: size.0, height: size.1 });
    update(&mut app, Msg::Look(Arc::clone(look)));
    app
}

/// Presses keys, each a character or `<Name>`.
pub fn press(app: &mut App, keys: &str) -> Vec<Effect> {
    let mut effects = Vec::new();
    let mut rest = keys;
    while let Some(c) = rest.chars().next() {
        let named = rest.strip_prefix('<').and_then(|r| r.split_once('>'));
        let code = if let Some((name, after)) = named {
            rest = after;
            named_key(name)
        } else {
            rest = &rest[c.len_utf8()..];
            KeyCode::Char(c)
        };
        effects.extend(update(app, Msg::Key(KeyEvent::new(code, KeyModifiers::NONE))));
    }
    effects
}

fn named_key(name: &str) -> KeyCode {
    match name {
        "Enter" => KeyCode::Enter,
        "Esc" => KeyCode::Esc,
        "Tab" => KeyCode::Tab,
        "BackTab" => KeyCode::BackTab,
        "Up" => KeyCode::Up,
        "Down" => KeyCode::Down,
        "Left" => KeyCode::Left,
        "Right" => KeyCode::Right,
        "PgUp" => KeyCode::PageUp,
        "PgDn" => KeyCode::PageDown,
        "Home" => KeyCode::Home,
        "End" => KeyCode::End,
        "Back" => KeyCode::Backspace,
        other => panic!("no key is called {other}"),
    }
}

/// The frame of a screen.
pub fn frame(app: &App) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(app.size.0, app.size.1)).unwrap();
    terminal.draw(|frame| draw(app, frame)).unwrap();
    terminal.backend().buffer().clone()
}

/// The frame as lines of text, without blanks at their ends.
pub fn text(app: &App) -> String {
    let buffer = frame(app);
    let mut out = String::new();
    for y in 0..buffer.area.height {
        let mut line = String::new();
        let mut skip = 0;
        for x in 0..buffer.area.width {
            let symbol = buffer[(x, y)].symbol();
            // The second half of a wide character is a cell of its own, and blank.
            if skip == 0 {
                line.push_str(symbol);
                skip = unicode_width::UnicodeWidthStr::width(symbol).saturating_sub(1);
            } else {
                skip -= 1;
            }
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

/// The styles of a frame, one letter a cell: bold, reversed, both, underlined.
pub fn styles(app: &App) -> String {
    let buffer = frame(app);
    let mut out = String::new();
    for y in 0..buffer.area.height {
        let mut line = String::new();
        for x in 0..buffer.area.width {
            let modifier = buffer[(x, y)].modifier;
            line.push(match (modifier.contains(Modifier::REVERSED), modifier.contains(Modifier::BOLD)) {
                (true, true) => 'R',
                (true, false) => 'r',
                (false, true) => 'b',
                (false, false) => '.',
            });
        }
        out.push_str(line.trim_end_matches('.'));
        out.push('\n');
    }
    out
}

pub const SIZES: [(u16, u16); 3] = [(140, 40), (80, 24), (40, 15)];

fn at_all_sizes(name: &str, look: &Arc<Look>, keys: &str) {
    for size in SIZES {
        let mut app = seen(look, size);
        press(&mut app, keys);
        golden::check(&format!("frames/{name}-{}x{}.txt", size.0, size.1), &text(&app));
    }
}

#[test]
fn triage_names_the_dead_runners_and_proves_it() {
    at_all_sizes("triage", &scenes::two_dead_runners(), "");
}

#[test]
fn triage_says_that_all_is_well_and_what_was_ruled_out() {
    at_all_sizes("healthy", &scenes::healthy(), "");
}

#[test]
fn access_shows_who_can_create_where_and_the_way_to_it() {
    at_all_sizes("access", &scenes::two_dead_runners(), "2");
}

#[test]
fn access_opens_the_way_on_a_small_screen() {
    let mut app = seen(&scenes::two_dead_runners(), (80, 24));
    press(&mut app, "2<Down><Down><Enter>");
    golden::check("frames/access-way-80x24.txt", &text(&app));
}

#[test]
fn entries_shows_families_with_age_owners_and_what_removing_would_do() {
    at_all_sizes("entries", &scenes::two_dead_runners(), "3");
}

#[test]
fn holders_shows_who_holds_what_both_ways_round() {
    at_all_sizes("holders", &scenes::two_dead_runners(), "4");
    let mut app = seen(&scenes::two_dead_runners(), (140, 40));
    press(&mut app, "4t");
    golden::check("frames/holders-turned-140x40.txt", &text(&app));
}

#[test]
fn mounts_shows_anomalies_first() {
    at_all_sizes("mounts", &scenes::two_dead_runners(), "5<Down>");
}

#[test]
fn env_marks_the_odd_cell_and_names_the_boundary() {
    at_all_sizes(
        "env",
        &scenes::two_dead_runners(),
        "6<Right><Right><Right><Right><Right><Right><Right><Right>",
    );
}

#[test]
fn without_rights_it_says_what_is_not_readable_and_who_may() {
    at_all_sizes("not-root", &scenes::not_root(), "");
    let mut app = seen(&scenes::not_root(), (140, 40));
    press(&mut app, "6");
    golden::check("frames/not-root-env-140x40.txt", &text(&app));
    press(&mut app, "4");
    golden::check("frames/not-root-holders-140x40.txt", &text(&app));
}

#[test]
fn before_the_first_look_and_where_nothing_can_be_seen_it_says_so() {
    let mut app = App::new(settings());
    update(&mut app, Msg::Resize { width: 80, height: 24 });
    golden::check("frames/loading-80x24.txt", &text(&app));
    at_all_sizes("blind", &scenes::all_blind(), "");
    let mut app = seen(&scenes::still_counting(), (140, 40));
    press(&mut app, "3");
    golden::check("frames/counting-140x40.txt", &text(&app));
}

#[test]
fn sheets_lie_over_the_tab() {
    let sheets =
        [("help", "?"), ("palette", ":freeze hold"), ("by-hand", "x"), ("helps", "f"), ("gaps", "i")];
    for (name, keys) in sheets {
        for size in [(140, 40), (80, 24)] {
            let look = if name == "gaps" { scenes::not_root() } else { scenes::two_dead_runners() };
            let mut app = seen(&look, size);
            press(&mut app, keys);
            golden::check(&format!("frames/sheet-{name}-{}x{}.txt", size.0, size.1), &text(&app));
        }
    }
}

#[test]
fn a_probe_shows_each_step() {
    let mut app = seen(&scenes::two_dead_runners(), (80, 24));
    press(&mut app, "2p");
    golden::check("frames/probing-80x24.txt", &text(&app));
    update(&mut app, Msg::Probed(scenes::dead_probe()));
    golden::check("frames/probed-80x24.txt", &text(&app));
}

#[test]
fn entries_open_family_by_family_and_directory_by_directory() {
    let mut app = seen(&scenes::two_dead_runners(), (140, 40));
    let effects = press(&mut app, "3<Enter>");
    golden::check("frames/entries-reading-140x40.txt", &text(&app));
    let Some(Effect::List(wish)) = effects.into_iter().next() else { panic!("a list must be asked for") };
    update(&mut app, Msg::Listed(Listing { wish, entries: whole(entries()) }));
    press(&mut app, " ");
    golden::check("frames/entries-level-140x40.txt", &text(&app));
}

/// A directory with three entries.
pub fn entries() -> Vec<Entry> {
    let entry = |name: &str, bytes, age, below| Entry {
        name: RawPath::from(name),
        kind: if below > 0 { Kind::Directory } else { Kind::File },
        family: "rustc".into(),
        uid: 1000,
        mode: if below > 0 { 0o700 } else { 0o600 },
        bytes: Bytes(bytes),
        below: (below > 0).then_some(Entries(below)),
        newest: Some(ago(age)),
    };
    vec![
        entry("rustcVAIpSt", 220 << 20, 120, 14),
        entry("rustc0kPqR7", 18 << 20, 4000, 3),
        entry("rustc.log", 4096, 9 * 86_400, 0),
    ]
}

#[test]
fn ascii_draws_ascii_only() {
    for (name, look) in [("triage", scenes::two_dead_runners()), ("hostile", scenes::hostile())] {
        let mut app = App::new(Settings { ascii: Glyphs::Ascii, ..settings() });
        update(&mut app, Msg::Resize { width: 140, height: 40 });
        update(&mut app, Msg::Look(look));
        for keys in ["1", "2", "3", "4", "5", "6", "8", "?"] {
            press(&mut app, keys);
            assert!(text(&app).is_ascii(), "{name} on {keys}:\n{}", text(&app));
        }
        press(&mut app, "<Esc>1");
        golden::check(&format!("frames/ascii-{name}-140x40.txt"), &text(&app));
    }
}

#[test]
fn without_colours_bold_and_reverse_carry_the_emphasis() {
    let mut app = seen(&scenes::two_dead_runners(), (80, 24));
    golden::check("frames/mono-triage-80x24.styles.txt", &styles(&app));
    press(&mut app, "6");
    golden::check("frames/mono-env-80x24.styles.txt", &styles(&app));
}

#[test]
fn a_screen_that_is_too_small_still_has_the_verdict() {
    for size in [(29, 7), (30, 8), (59, 14), (60, 15)] {
        let app = seen(&scenes::two_dead_runners(), size);
        assert!(text(&app).contains("✗ CRITICAL"), "{size:?}:\n{}", text(&app));
    }
}
