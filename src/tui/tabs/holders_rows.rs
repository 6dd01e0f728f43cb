//! The rows and texts of the Holders tab, both ways round.

use std::collections::BTreeMap;

use super::Pick;
use crate::model::holder::{Holders, Holding, How};
use crate::model::process::Pid;
use crate::model::raw_path::RawPath;
use crate::model::snapshot::Snapshot;
use crate::model::units::{Bytes, Seconds};
use crate::tui::app::App;
use crate::tui::glyphs::GlyphSet;
use crate::tui::table::{Cell, Row, SortKey, Table};
use crate::tui::text::safe;
use crate::tui::theme::Tone;
use crate::tui::widgets::doc::{Doc, Piece, piece};
use crate::tui::words;

/// One row a process: most pinned first, then most held.
pub fn by_process(app: &App, now: &Snapshot, holders: &Holders, table: &mut Table) {
    let mut by_pid: BTreeMap<Pid, Vec<&Holding>> = BTreeMap::new();
    for holding in &holders.holdings {
        by_pid.entry(holding.pid).or_default().push(holding);
    }
    for pinned in &holders.pinned {
        by_pid.entry(pinned.pid).or_default();
    }
    let mut all: Vec<(Pid, Vec<&Holding>, u64)> =
        by_pid.into_iter().map(|(pid, holds)| (pid, holds, pins_of(holders, pid))).collect();
    all.sort_by_key(|(pid, holds, pins)| (std::cmp::Reverse(*pins), std::cmp::Reverse(holds.len()), *pid));
    for (pid, holds, pins) in all {
        table.rows.push(process_row(app, now, pid, (&holds, pins)));
    }
}

fn process_row(app: &App, now: &Snapshot, pid: Pid, held: (&[&Holding], u64)) -> Row {
    let (holds, pins) = held;
    let glyphs = app.theme.glyphs;
    let process = now.process(pid);
    let user = process
        .and_then(|p| p.credentials.as_ref().ok())
        .map(|c| c.user.clone().unwrap_or_else(|| app.user(c.uid)));
    let user = safe(&user.unwrap_or_else(|| glyphs.unknown.to_owned())).into_owned();
    let unit =
        process.filter(|p| p.unit.is_some() || p.container.is_some()).map(|p| safe(&p.label()).into_owned());
    let command = process.map_or_else(|| "gone".to_owned(), |p| p.comm.shown());
    let since = process.and_then(|p| now.boot.0.checked_sub(p.started.0)).map(|nanos| nanos / 1_000_000_000);
    let count = u64::try_from(holds.len()).unwrap_or(u64::MAX);
    let cells = vec![
        Cell::plain(pid.to_string()),
        Cell::plain(user.clone()),
        unit.clone().map_or_else(|| Cell::dim(glyphs.dash), Cell::plain),
        Cell::plain(command.clone()),
        Cell::plain(count.to_string()),
        Cell::dim(ways(holds, glyphs)),
        pins_cell(pins, glyphs),
        Cell::dim(since.map_or_else(|| glyphs.dash.to_owned(), |s| Seconds(s).to_string())),
    ];
    let keys = vec![
        SortKey::Number(u64::from(pid)),
        SortKey::Text(user),
        SortKey::Text(unit.unwrap_or_default()),
        SortKey::Text(command),
        SortKey::Number(count),
        SortKey::Nothing,
        SortKey::Number(pins),
        SortKey::maybe(since),
    ];
    Row { keys, ..Row::new(format!("pid {pid}"), Pick::Process(pid), cells) }
}

/// One row a path: most pinned first, then held by most.
pub fn by_path(app: &App, now: &Snapshot, holders: &Holders, table: &mut Table) {
    let mut by_path: BTreeMap<&RawPath, Vec<&Holding>> = BTreeMap::new();
    for holding in &holders.holdings {
        by_path.entry(&holding.path).or_default().push(holding);
    }
    let pins = |holds: &[&Holding]| holds.iter().filter_map(|h| h.pins).map(|b| b.0).max().unwrap_or(0);
    let mut all: Vec<(&RawPath, Vec<&Holding>)> = by_path.into_iter().collect();
    all.sort_by_key(|(path, holds)| {
        (std::cmp::Reverse(pins(holds)), std::cmp::Reverse(holds.len()), (*path).clone())
    });
    for (path, holds) in all {
        let pins = pins(&holds);
        table.rows.push(path_row(app, now, path, (&holds, pins)));
    }
}

fn path_row(app: &App, now: &Snapshot, path: &RawPath, held: (&[&Holding], u64)) -> Row {
    let (holds, pins) = held;
    let glyphs = app.theme.glyphs;
    let mut who: Vec<String> = Vec::new();
    for holding in holds {
        let label = now.process(holding.pid).map_or_else(|| format!("pid {}", holding.pid), words::process);
        if !who.contains(&label) {
            who.push(label);
        }
    }
    let by = u64::try_from(who.len()).unwrap_or(u64::MAX);
    let who = match who.as_slice() {
        [first, _, ..] => format!("{first} +{}", who.len() - 1),
        _ => who.concat(),
    };
    let dir = holds.first().map(|h| h.temp_dir.shown()).unwrap_or_default();
    let state =
        if holds.iter().any(|h| h.deleted) { Cell::toned(Tone::Warning, "deleted") } else { Cell::dim("") };
    let cells = vec![
        Cell::plain(path.shown()),
        Cell::dim(dir.clone()),
        Cell::plain(by.to_string()),
        Cell::dim(ways(holds, glyphs)),
        Cell::plain(who.clone()),
        pins_cell(pins, glyphs),
        state,
    ];
    let keys = vec![
        SortKey::Text(path.shown()),
        SortKey::Text(dir),
        SortKey::Number(by),
        SortKey::Nothing,
        SortKey::Text(who),
        SortKey::Number(pins),
        SortKey::Nothing,
    ];
    Row { keys, ..Row::new(format!("held {path:?}"), Pick::Held(path.clone()), cells) }
}

fn pins_cell(pins: u64, glyphs: &GlyphSet) -> Cell {
    if pins == 0 { Cell::dim(glyphs.dash) } else { Cell::toned(Tone::Strong, Bytes(pins).to_string()) }
}

/// What a process pins: the sums of the look at deleted files, else what its holds in temp dirs say.
fn pins_of(holders: &Holders, pid: Pid) -> u64 {
    let pinned: u64 = holders.pinned.iter().filter(|p| p.pid == pid).map(|p| p.bytes.0).sum();
    let held = holders.holdings.iter().filter(|h| h.pid == pid).filter_map(|h| h.pins).map(|b| b.0).sum();
    pinned.max(held)
}

/// `cwd fd×4 socket mmap`.
fn ways(holds: &[&Holding], glyphs: &GlyphSet) -> String {
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for holding in holds {
        let word = if matches!(holding.how, How::Fd(_)) { "fd".to_owned() } else { holding.how.word() };
        *counts.entry(word).or_default() += 1;
    }
    let shown =
        counts.into_iter().map(|(word, n)| if n == 1 { word } else { format!("{word}{}{n}", glyphs.times) });
    shown.collect::<Vec<_>>().join(" ")
}

fn held_row(glyphs: &GlyphSet, holding: &Holding, subject: String) -> Vec<Piece> {
    let state = match (holding.deleted, holding.pins) {
        (true, Some(pins)) => piece(Tone::Warning, format!("deleted, pins {pins}")),
        (true, None) => piece(Tone::Warning, "deleted"),
        (false, _) => piece(Tone::Dim, ""),
    };
    vec![
        piece(Tone::Dim, glyphs.branch),
        piece(Tone::Accent, holding.how.word()),
        state,
        piece(Tone::Plain, subject),
    ]
}

/// What one process holds.
pub fn process_text(app: &App, holders: &Holders, pid: Pid, doc: &mut Doc<'_>) {
    if let Some(process) = app.snapshot().and_then(|now| now.process(pid)) {
        let arguments = process
            .arguments
            .as_ref()
            .map(|all| all.iter().map(RawPath::shown).collect::<Vec<_>>().join(" "));
        let arguments = arguments.unwrap_or_else(|why| format!("arguments not readable: {}", why.shown()));
        // One line of it: it tells what the process is, and whole command lines may hold what nobody should see.
        if !arguments.is_empty() {
            doc.pieces(&[piece(Tone::Dim, arguments)]);
        }
    }
    let holds: Vec<&Holding> = holders.holdings.iter().filter(|h| h.pid == pid).collect();
    let rows: Vec<_> = holds.iter().map(|h| held_row(doc.glyphs(), h, h.path.shown())).collect();
    doc.grid(0, &rows);
    for pinned in holders.pinned.iter().filter(|p| p.pid == pid) {
        doc.blank();
        let files = format!("{} deleted {}", pinned.files, if pinned.files == 1 { "file" } else { "files" });
        doc.text(Tone::Strong, &format!("pins {} in {files} on device {}", pinned.bytes, pinned.device));
        doc.hang(
            &[piece(Tone::Dim, "the biggest  ")],
            Tone::Plain,
            &format!("fd {}  {}", pinned.fd, pinned.biggest.shown()),
        );
    }
}

/// Who holds one path.
pub fn path_text(app: &App, holders: &Holders, path: &RawPath, doc: &mut Doc<'_>) {
    doc.text(Tone::Strong, &path.shown());
    let Some(now) = app.snapshot() else { return };
    let holds = holders.holdings.iter().filter(|h| h.path == *path);
    let rows: Vec<_> = holds
        .map(|h| {
            let process = now.process(h.pid);
            let comm = process.map_or_else(|| "gone".to_owned(), |p| p.comm.shown());
            let unit = process.filter(|p| p.unit.is_some() || p.container.is_some());
            let unit = unit.map_or_else(String::new, |p| format!("  {}", safe(&p.label())));
            held_row(doc.glyphs(), h, format!("{} {comm}{unit}", h.pid))
        })
        .collect();
    doc.grid(0, &rows);
}

/// The commands that show who holds a path, one for each way in which it is held: each has a place of its own in `/proc`.
pub fn by_hand(path: &RawPath, all: &[Holding]) -> Vec<(&'static str, String)> {
    let mut commands = BTreeMap::new();
    for holding in all.iter().filter(|holding| holding.path == *path) {
        let name = path.quoted();
        let (what, line) = match holding.how {
            How::Fd(_) => (
                "every descriptor that leads there",
                format!("ls -l /proc/[0-9]*/fd 2>/dev/null | grep -F {name}"),
            ),
            How::Cwd | How::Root | How::Exe => (
                "working directories, roots and programs there",
                format!(
                    "ls -ld /proc/[0-9]*/cwd /proc/[0-9]*/root /proc/[0-9]*/exe 2>/dev/null | grep -F {name}"
                ),
            ),
            How::Map => {
                ("who has it mapped into memory", format!("grep -lF {name} /proc/[0-9]*/maps 2>/dev/null"))
            }
            How::Lock => {
                ("every lock, by device and inode", format!("stat -c 'inode %i' {name}; cat /proc/locks"))
            }
            How::Socket => ("the socket that is bound there", format!("grep -F {name} /proc/net/unix")),
            How::MountSource => {
                // A mount table names the root of a mount inside its file system, which may begin at the temp dir.
                let dir = holding.temp_dir.as_bytes();
                let inside = path.as_bytes().strip_prefix(dir).filter(|rest| rest.starts_with(b"/"));
                let inside = RawPath::from(inside.unwrap_or(path.as_bytes())).quoted();
                ("every mount of it", format!("grep -F {inside} /proc/[0-9]*/mountinfo 2>/dev/null"))
            }
        };
        commands.insert(what, line);
    }
    commands.into_iter().collect()
}
