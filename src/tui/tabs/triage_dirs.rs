//! The temp dirs at a glance, beside the findings: which of them is bad, how full, how fast it grows.

use super::Pick;
use crate::model::errno::Errno;
use crate::model::snapshot::Snapshot;
use crate::model::temp_dir::TempDir;
use crate::model::units::Entries;
use crate::model::vantage::{Can, Vantage};
use crate::tui::app::App;
use crate::tui::list::ListState;
use crate::tui::table::{Cell, Column, Row, Table};
use crate::tui::theme::Tone;
use crate::tui::widgets::{gauge, spark};
use crate::tui::words;

/// The temp dirs at a glance; the Entries tab is where one goes through them, so no row is ever selected here.
pub fn dirs(app: &App) -> (Table, ListState) {
    let mut table = Table::new(vec![
        Column::path("  TEMP DIR").at_most(20).at_least(18),
        // What tells the `/tmp` of one service from that of another goes last of all.
        Column::path("SEEN BY").at_most(16).at_least(14),
        Column::number("ENTRIES"),
        Column::fixed("2 MIN").drops(5),
        Column::number("RATE").drops(2),
        Column::fixed("DISK").drops(3),
        Column::fixed("INODES").drops(4),
    ]);
    table.noun = ("temp dir", "temp dirs");
    if let Some(now) = app.snapshot() {
        for vantage in unreached(now) {
            let id = format!("unreached {} {:?}", vantage.path.shown(), vantage.pids);
            table.rows.push(Row::new(id, Pick::Nothing, unreached_cells(app, now, vantage)));
        }
        for dir in now.temp_dirs.items() {
            table.rows.push(Row::new(super::entries::key_of(dir), Pick::Nothing, dir_cells(app, dir)));
        }
    }
    (table, ListState::default())
}

/// Temp dirs of builds that cannot be used and of which no directory was reached: missing, hung, behind a closed door.
fn unreached(now: &Snapshot) -> impl Iterator<Item = &Vantage> {
    let reached = |place: usize| {
        let place = u32::try_from(place).unwrap_or(u32::MAX);
        now.temp_dirs.items().iter().any(|dir| dir.vantages.contains(&place))
    };
    let all = now.vantages.items().iter().enumerate();
    let bad = all.filter(|(_, v)| v.is_build && v.can_create.can == Can::No);
    bad.filter(move |(place, _)| !reached(*place)).map(|(_, vantage)| vantage)
}

fn unreached_cells(app: &App, now: &Snapshot, vantage: &Vantage) -> Vec<Cell> {
    let glyphs = app.theme.glyphs;
    let errno = vantage.can_create.errno.map(Errno::name).unwrap_or_default();
    vec![
        Cell::toned(Tone::Critical, format!("{} {}", glyphs.critical, vantage.path.shown())),
        Cell::dim(words::seen_by(now, vantage)),
        Cell::dim(glyphs.dash),
        Cell::dim(""),
        Cell::dim(""),
        Cell::toned(Tone::Critical, errno),
    ]
}

fn dir_cells(app: &App, dir: &TempDir) -> Vec<Cell> {
    let glyphs = app.theme.glyphs;
    let key = super::entries::key_of(dir);
    let now = app.snapshot();
    let place = now.and_then(|now| words::first_vantage(now, dir).map(|v| words::place(now, v)));
    let count = match words::counting(dir) {
        Some(seen) => format!("{seen} {}", glyphs.ellipsis),
        None => dir.total.entries.to_string(),
    };
    let (sign, tone) = now.map_or(("", Tone::Plain), |now| bad_sign(app, now, dir));
    let mut cells = vec![
        Cell::toned(tone, format!("{sign:<1} {}", dir.path.shown())),
        Cell::dim(place.unwrap_or_default()),
        Cell::plain(count),
        Cell::dim(spark::spark(&app.history.values(&key, 7), glyphs)),
        Cell::dim(rate(app.history.per_minute(&key))),
    ];
    let space = now.and_then(|now| words::space(now, dir)).map(words::used);
    match space {
        Some((bytes, inodes)) => {
            cells.push(usage(bytes, app));
            cells.push(inodes.map_or_else(|| Cell::dim(glyphs.dash), |inodes| usage(inodes, app)));
        }
        None => cells.push(Cell::dim("not known")),
    }
    cells
}

/// What is put before a temp dir in which somebody cannot create, or of which that is not known.
fn bad_sign(app: &App, now: &Snapshot, dir: &TempDir) -> (&'static str, Tone) {
    let all = now.vantages.items();
    let vantages = dir.vantages.iter().filter_map(|place| all.get(usize::try_from(*place).ok()?));
    let answers: Vec<Can> = vantages.map(|vantage| vantage.can_create.can).collect();
    if answers.contains(&Can::No) {
        (app.theme.glyphs.critical, Tone::Critical)
    } else if answers.contains(&Can::Unknown) {
        (app.theme.glyphs.unknown, Tone::Warning)
    } else {
        ("", Tone::Plain)
    }
}

fn usage(per_cent: u64, app: &App) -> Cell {
    let (full, empty) = gauge::gauge(per_cent, 3, app.theme.glyphs);
    Cell::toned(gauge::tone(per_cent), format!("{full}{empty} {per_cent:>3} %"))
}

/// `+12/min`; nothing where nothing moves.
pub fn rate(per_minute: Option<i64>) -> String {
    match per_minute {
        None | Some(0) => String::new(),
        Some(n @ 1..) => format!("+{}/min", Entries(n.unsigned_abs())),
        Some(n) => format!("-{}/min", Entries(n.unsigned_abs())),
    }
}
