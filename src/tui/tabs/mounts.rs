//! Mounts: what is mounted on, over and under temp dirs, one mount namespace after the other, anomalies first.

use super::mounts_notes::{self as notes, Note};
use super::{Command, Pick, Tab, TabCard, TabId};
use crate::model::mount::{Mount, MountNamespace};
use crate::model::snapshot::Snapshot;
use crate::tui::app::{App, Extent};
use crate::tui::table::{Cell, Column, Row, RowKind, Table};
use crate::tui::text::safe;
use crate::tui::theme::Tone;
use crate::tui::widgets::doc::{Doc, piece};
use crate::tui::words;

/// See the module's header.
pub struct Mounts;

static CARD: TabCard = TabCard {
    id: TabId::Mounts,
    number: 5,
    title: "Mounts",
    asks: "what is mounted on, over and under the temp dirs",
};

impl Tab for Mounts {
    fn card(&self) -> &'static TabCard {
        &CARD
    }

    fn table(&self, app: &App) -> Table {
        let mut table = Table::new(vec![
            Column::path("MOUNT POINT").at_most(34).at_least(12),
            Column::number("ID").drops(4),
            Column::path("BACKED BY").at_most(50).at_least(20),
            Column::text("OPTIONS").at_most(14).at_least(11).drops(5),
            Column::text("WHAT MATTERS").at_most(60).at_least(24).drops(1),
        ]);
        let what = match app.tabs.extent {
            Extent::Relevant => "What is mounted on, over and under temp dirs",
            Extent::All => "All mounts",
        };
        table.title = vec![(what.to_owned(), Tone::Title)];
        table.noun = ("mount", "mounts");
        let Some(now) = app.snapshot() else {
            table.empty = super::access::waiting(app);
            return table;
        };
        if now.namespaces.value().is_none() {
            table.empty = super::access::blind(&now.namespaces.gaps().iter().collect::<Vec<_>>(), app);
            return table;
        }
        table.banner = super::access::missing(now.namespaces.gaps());
        let mut blocks: Vec<_> =
            now.namespaces.items().iter().enumerate().map(|(n, ns)| block(app, now, n, ns)).collect();
        blocks.sort_by(|a, b| a.rank.cmp(&b.rank));
        table.rows = blocks.into_iter().flat_map(|block| block.rows).collect();
        table
    }

    fn detail_title(&self, app: &App, pick: &Pick) -> String {
        match (pick, mount_of(app, pick)) {
            (_, Some((_, mount))) => format!("Mount {} on {}", mount.id, mount.point.shown()),
            (Pick::Namespace(_), None) => "Who is in this namespace".to_owned(),
            _ => "Mount".to_owned(),
        }
    }

    fn detail(&self, app: &App, pick: &Pick, doc: &mut Doc<'_>) {
        let Some(now) = app.snapshot() else { return };
        if let Some((namespace, mount)) = mount_of(app, pick) {
            mount_text(now, namespace, mount, doc);
        } else if let Pick::Namespace(n) = pick
            && let Some(namespace) = now.namespaces.items().get(*n)
        {
            namespace_text(now, namespace, doc);
        }
    }

    fn commands(&self, app: &App, pick: &Pick) -> Vec<Command> {
        if let Some((namespace, mount)) = mount_of(app, pick) {
            let pid = namespace.witness;
            return vec![
                Command::new(
                    "its line in the mount table",
                    format!("awk '$1 == {}' /proc/{pid}/mountinfo", mount.id),
                ),
                Command::new("what is mounted in this namespace", format!("column -t /proc/{pid}/mountinfo")),
            ];
        }
        match (pick, app.snapshot()) {
            (Pick::Namespace(n), Some(now)) => namespace_commands(app, now, *n),
            _ => Vec::new(),
        }
    }
}

fn namespace_commands(app: &App, now: &Snapshot, place: usize) -> Vec<Command> {
    let Some(namespace) = now.namespaces.items().get(place) else { return Vec::new() };
    let pid = namespace.witness;
    let number = namespace.id.number();
    vec![
        Command::new("its mount table", format!("column -t /proc/{pid}/mountinfo")),
        Command::new(
            "who is in it",
            words::as_root(app, format!("lsns -t mnt -o NS,PID,COMMAND | grep {number}")),
        ),
    ]
}

fn mount_of<'a>(app: &'a App, pick: &Pick) -> Option<(&'a MountNamespace, &'a Mount)> {
    let Pick::Mount(n, m) = pick else { return None };
    let namespace = app.snapshot()?.namespaces.items().get(*n)?;
    namespace.mounts.items().get(*m).map(|mount| (namespace, mount))
}

/// The rows of one namespace, and where it stands among the others.
struct Block {
    rank: (u8, bool, String),
    rows: Vec<Row>,
}

fn block(app: &App, now: &Snapshot, place: usize, namespace: &MountNamespace) -> Block {
    let paths = notes::temp_paths(now, namespace);
    let name = notes::name(now, namespace);
    let mounts = namespace.mounts.items();
    let mut tops: Vec<(usize, &Mount, Vec<Note>)> = Vec::new();
    for (position, mount) in mounts.iter().enumerate() {
        let is_top = namespace.stacked_on(&mount.point).last().is_some_and(|top| top.id == mount.id);
        let notes = notes::notes(now, namespace, mount, &paths);
        let wanted = app.tabs.extent == Extent::All || notes::matters(now, namespace, mount, &paths);
        if is_top && wanted {
            tops.push((position, mount, notes));
        }
    }
    let worst = |notes: &[Note]| notes.iter().map(|n| notes::rank(n.tone)).min().unwrap_or(3);
    tops.sort_by_key(|(position, mount, notes)| (worst(notes), mount.point.clone(), *position));
    let rank = tops.iter().map(|(.., notes)| worst(notes)).min().unwrap_or(3);
    let mut rows = vec![heading(app, place, namespace, &name)];
    for (position, mount, notes) in &tops {
        rows.push(row(app, (place, *position), mount, notes));
        rows.extend(hidden(app, now, (place, namespace), mount, &paths));
    }
    for gap in namespace.mounts.gaps() {
        let text = format!("  {}: {}", gap.what, gap.why.shown());
        let id = format!("gap {:?} {}", namespace.id, gap.what);
        rows.push(Row::section(id, Pick::Namespace(place), Cell::toned(Tone::Warning, safe(&text))));
    }
    Block { rank: (rank, !namespace.ours, name), rows }
}

fn heading(app: &App, place: usize, namespace: &MountNamespace, name: &str) -> Row {
    let dot = app.theme.glyphs.dot;
    let who = words::count(namespace.pids.len(), ("process", "processes"));
    let title = Cell::toned(Tone::Strong, name)
        .noted(format!("{dot} {who} {dot} namespace {}", namespace.id.number()));
    Row::section(format!("namespace {:?}", namespace.id), Pick::Namespace(place), title)
}

fn row(app: &App, at: (usize, usize), mount: &Mount, notes: &[Note]) -> Row {
    let worst = notes.iter().min_by_key(|n| notes::rank(n.tone));
    let text = notes.iter().map(|n| n.text.as_str()).collect::<Vec<_>>().join("; ");
    let tone = worst.map_or(Tone::Dim, |n| n.tone);
    let glyphs = app.theme.glyphs;
    let symbol = match tone {
        Tone::Critical => format!("{} ", glyphs.critical),
        Tone::Warning => format!("{} ", glyphs.warning),
        _ => String::new(),
    };
    let cells = vec![
        Cell::plain(format!("  {}", mount.point.shown())),
        Cell::dim(mount.id.to_string()),
        if mount.root_deleted {
            Cell::toned(Tone::Critical, words::backing(mount))
        } else {
            Cell::plain(words::backing(mount))
        },
        Cell::dim(safe(&mount.options)),
        Cell::toned(tone, format!("{symbol}{text}")),
    ];
    Row::new(format!("mount {}", mount.id), Pick::Mount(at.0, at.1), cells)
}

/// The mounts that lie hidden below one, the nearest first.
fn hidden(
    app: &App,
    now: &Snapshot,
    of: (usize, &MountNamespace),
    top: &Mount,
    paths: &notes::Paths,
) -> Vec<Row> {
    let (place, namespace) = of;
    let glyphs = app.theme.glyphs;
    let mut below = namespace.stacked_on(&top.point);
    below.pop();
    let rows = below.iter().rev().filter_map(|mount| {
        let position = namespace.mounts.items().iter().position(|m| m.id == mount.id)?;
        let mut notes = notes::notes(now, namespace, mount, paths);
        notes.retain(|n| n.tone != Tone::Dim || notes::is_hidden(n));
        let mut row = row(app, (place, position), mount, &notes);
        row.kind = RowKind::Part;
        if let Some(cell) = row.cells.first_mut() {
            cell.text = format!("  {} below it", glyphs.branch);
            cell.tone = Tone::Dim;
        }
        Some(row)
    });
    rows.collect()
}

fn mount_text(now: &Snapshot, namespace: &MountNamespace, mount: &Mount, doc: &mut Doc<'_>) {
    let paths = notes::temp_paths(now, namespace);
    for note in notes::notes(now, namespace, mount, &paths) {
        doc.text(note.tone, &note.text);
    }
    doc.blank();
    doc.text(Tone::Accent, &format!("/proc/{}/mountinfo", namespace.witness));
    doc.quoted(2, Tone::Plain, &mount.line.shown());
    doc.blank();
    let row = |name: &str, text: String| vec![piece(Tone::Dim, name), piece(Tone::Plain, text)];
    let mark = if mount.root_deleted { "  (removed)" } else { "" };
    doc.grid(
        0,
        &[
            row(
                "file system",
                format!("{} from {} on device {}", mount.fs_type, mount.source.shown(), mount.device),
            ),
            row("its directory", format!("{}{mark}", mount.root.shown())),
            row("options", format!("{}; of the file system: {}", mount.options, mount.super_options.shown())),
            row(
                "propagation",
                if mount.propagation.is_empty() { "private".to_owned() } else { mount.propagation.clone() },
            ),
            row("seen by", notes::name(now, namespace)),
        ],
    );
    let stack = namespace.stacked_on(&mount.point);
    if stack.len() > 1 {
        doc.blank();
        doc.text(Tone::Title, "The stack, the visible one on top");
        let rows = stack.iter().rev().map(|m| {
            let marker = if m.id == mount.id { doc.glyphs().marker } else { " " };
            vec![
                piece(Tone::Accent, marker),
                piece(Tone::Plain, m.id.to_string()),
                piece(Tone::Plain, words::backing(m)),
            ]
        });
        let rows: Vec<_> = rows.collect();
        doc.grid(0, &rows);
    }
}

fn namespace_text(now: &Snapshot, namespace: &MountNamespace, doc: &mut Doc<'_>) {
    let ours = if namespace.ours { "tmpmedic runs in it" } else { "tmpmedic runs in another one" };
    let mounts = words::count(namespace.mounts.items().len(), ("mount", "mounts"));
    doc.text(Tone::Dim, &format!("{ours} {} {mounts}", doc.glyphs().dot));
    doc.blank();
    let known: Vec<_> = namespace.pids.iter().filter_map(|pid| now.process(*pid)).collect();
    let rows = known.iter().take(200).map(|p| {
        vec![
            piece(Tone::Dim, p.pid.to_string()),
            piece(Tone::Plain, p.comm.shown()),
            piece(Tone::Dim, p.unit.clone().unwrap_or_default()),
        ]
    });
    let rows: Vec<_> = rows.collect();
    doc.grid(0, &rows);
    if known.len() > 200 {
        doc.text(Tone::Dim, &format!("and {} more", known.len() - 200));
    }
}
