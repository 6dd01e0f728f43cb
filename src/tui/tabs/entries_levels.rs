//! Below a temp dir: the entries of a family, then one directory after the other.

use super::{Command, Pick};
use crate::model::raw_path::RawPath;
use crate::model::reading::Reading;
use crate::model::temp_dir::Entry;
use crate::model::vantage::Kind;
use crate::tui::app::{App, Level};
use crate::tui::msg::ListWish;
use crate::tui::table::{Cell, Column, Row, SortKey, Table};
use crate::tui::text::{cut_middle, safe, width};
use crate::tui::theme::Tone;
use crate::tui::widgets::doc::{Doc, piece};
use crate::tui::words;

/// No directory is listed further than this; what lies beyond is said.
pub const LIMIT: usize = 5_000;
/// Columns that the count on the right of the title takes, with the gaps around it.
const COUNT: usize = 24;

/// The entry at that place of the current level.
pub fn entry(app: &App, place: usize) -> Option<&Entry> {
    listing(app)?.items().get(place)
}

/// Where the entry at that place is reached.
pub fn path_of(app: &App, place: usize) -> Option<RawPath> {
    let level = app.tabs.levels.last()?;
    Some(level.wish.reached.join(entry(app, place)?.name.as_bytes()))
}

fn listing(app: &App) -> Option<&Reading<Vec<Entry>>> {
    Some(&app.tabs.levels.last()?.listing.as_ref()?.entries)
}

/// What Enter on a row of the Entries tab asks for: the entries of a family, or of a directory.
pub fn wish(app: &App, pick: &Pick) -> Option<(ListWish, String)> {
    match pick {
        Pick::Family(id) => {
            let dir = super::entries::current(app)?;
            let title = if id.is_empty() { "not in any family".to_owned() } else { id.clone() };
            let wish = ListWish {
                reached: dir.reached.clone(),
                named: dir.path.clone(),
                family: Some(id.clone()),
                limit: LIMIT,
            };
            Some((wish, title))
        }
        Pick::Entry(place) => {
            let level: &Level = app.tabs.levels.last()?;
            let entry = entry(app, *place).filter(|entry| entry.kind == Kind::Directory)?;
            let wish = ListWish {
                reached: level.wish.reached.join(entry.name.as_bytes()),
                named: level.wish.named.join(entry.name.as_bytes()),
                family: None,
                limit: LIMIT,
            };
            Some((wish, entry.name.shown()))
        }
        _ => None,
    }
}

/// The entries of the current level.
pub fn table(app: &App) -> Table {
    let mut table = Table::new(vec![
        Column::fixed(""),
        Column::path("NAME").at_most(48).sorted(),
        Column::fixed("KIND").drops(3).sorted(),
        Column::text("OWNER").at_most(14).drops(2).sorted(),
        Column::fixed("MODE").drops(4).sorted(),
        Column::number("BYTES").sorted(),
        Column::number("BELOW").drops(5).sorted(),
        Column::number("NEWEST").drops(1).sorted(),
    ]);
    table.noun = ("entry", "entries");
    table.title = title(app);
    let Some(reading) = listing(app) else {
        table.empty = vec![(format!("reading the directory {}", app.theme.glyphs.ellipsis), Tone::Dim)];
        return table;
    };
    for (place, entry) in reading.items().iter().enumerate() {
        table.rows.push(row(app, place, entry));
    }
    for gap in reading.gaps() {
        table.banner.push((format!("{}: {}", gap.what, gap.why.shown()), Tone::Warning));
    }
    if table.rows.is_empty() {
        let text = if reading.gaps().is_empty() {
            "Nothing is in it any more."
        } else {
            "Nothing could be seen in it."
        };
        table.empty = vec![(text.to_owned(), Tone::Plain)];
    }
    table
}

/// The directory on screen, where no title has room to say it.
pub fn place(app: &App) -> Option<String> {
    let level = app.tabs.levels.last().map(|level| level.wish.named.shown());
    level.or_else(|| super::entries::current(app).map(|dir| dir.path.shown()))
}

fn title(app: &App) -> Vec<(String, Tone)> {
    let into = format!(" {} ", app.theme.glyphs.into);
    let mut pieces = Vec::new();
    if let Some(first) = app.tabs.levels.first() {
        pieces.push((first.wish.named.shown(), Tone::Plain));
    }
    let picked = match app.tabs.picked.len() {
        0 => String::new(),
        count => format!("   {count} picked"),
    };
    let last = app.tabs.levels.len().saturating_sub(1);
    let taken = pieces.iter().map(|(piece, _)| width(piece)).sum::<usize>() + width(&picked) + COUNT;
    let names = shortened(app, usize::from(app.size.0).saturating_sub(taken), width(&into));
    for (depth, name) in names.into_iter().enumerate() {
        pieces.push((into.clone(), Tone::Dim));
        pieces.push((name, if depth == last { Tone::Title } else { Tone::Plain }));
    }
    if !picked.is_empty() {
        pieces.push((picked, Tone::Accent));
    }
    pieces
}

/// What each level is called, the longest ones without their middle where not all have room: the way never ends before the
/// directory on screen.
fn shortened(app: &App, room: usize, between: usize) -> Vec<String> {
    /// What of a name still tells one from the other.
    const LEAST: usize = 8;
    let mut names: Vec<String> =
        app.tabs.levels.iter().map(|level| safe(&level.title).into_owned()).collect();
    let room = room.saturating_sub(between * names.len());
    loop {
        let all: usize = names.iter().map(|name| width(name)).sum();
        let Some(longest) = names.iter_mut().max_by_key(|name| width(name)) else { return names };
        let long = width(longest);
        if all <= room || long <= LEAST {
            return names;
        }
        let left = long.saturating_sub(all - room).max(LEAST);
        *longest = cut_middle(longest, left, app.theme.glyphs.ellipsis);
    }
}

fn row(app: &App, place: usize, entry: &Entry) -> Row {
    let glyphs = app.theme.glyphs;
    let now = app.snapshot().map(|now| now.taken).unwrap_or_default();
    let picked = path_of(app, place).is_some_and(|path| app.tabs.picked.contains(&path));
    let owner = safe(&app.user(entry.uid)).into_owned();
    let slash = if entry.kind == Kind::Directory { "/" } else { "" };
    let below = entry.below.map_or_else(|| glyphs.dash.to_owned(), |n| n.to_string());
    let cells = vec![
        Cell::toned(Tone::Accent, if picked { glyphs.picked } else { " " }),
        Cell::plain(format!("{}{slash}", entry.name.shown())),
        Cell::dim(words::kind(entry.kind)),
        Cell::plain(owner.clone()),
        Cell::plain(words::mode(entry.mode)),
        Cell::plain(entry.bytes.to_string()),
        Cell::dim(below),
        Cell::dim(words::age(now, entry.newest, glyphs)),
    ];
    let keys = vec![
        SortKey::Nothing,
        SortKey::Text(entry.name.shown()),
        SortKey::Text(words::kind(entry.kind).to_owned()),
        SortKey::Text(owner),
        SortKey::Text(words::mode(entry.mode)),
        SortKey::Number(entry.bytes.0),
        SortKey::maybe(entry.below.map(|n| n.0)),
        SortKey::maybe(entry.newest.and_then(|t| t.age_at(now)).map(|age| age.0)),
    ];
    Row { keys, ..Row::new(format!("entry {:?}", entry.name), Pick::Entry(place), cells) }
}

/// Everything that is known about one entry.
pub fn detail(app: &App, place: usize, doc: &mut Doc<'_>) {
    let Some((entry, path)) = entry(app, place).zip(path_of(app, place)) else { return };
    let named =
        app.tabs.levels.last().map(|l| l.wish.named.join(entry.name.as_bytes()).shown()).unwrap_or_default();
    let now = app.snapshot().map(|now| now.taken).unwrap_or_default();
    let row = |name: &str, text: String| vec![piece(Tone::Dim, name), piece(Tone::Plain, text)];
    let age = words::age(now, entry.newest, doc.glyphs());
    let dot = doc.glyphs().dot;
    let facts = format!(
        "{} {dot} {} {dot} {}",
        words::kind(entry.kind),
        app.user(entry.uid),
        words::mode(entry.mode)
    );
    let below = entry.below.map_or_else(String::new, |n| format!(" in {}", words::entries(n)));
    let mut rows = vec![
        row("path", named),
        row("what", facts),
        row("takes", format!("{}{below}", entry.bytes)),
        row("last touched", format!("{age} ago (newest of atime, mtime, ctime, birth)")),
    ];
    if path.as_bytes().starts_with(b"/proc/") {
        rows.push(row("reached at", path.shown()));
    }
    if let Some(family) = app.settings.catalog.families.get(&entry.family) {
        rows.push(row("family", format!("{}: {}, made by {}", family.id, family.what, family.maker)));
    }
    doc.grid(0, &rows);
}

/// The commands that show the same by hand.
pub fn commands(app: &App, place: usize) -> Vec<Command> {
    let Some(path) = path_of(app, place) else { return Vec::new() };
    let quoted = path.quoted();
    let root = |line: String| words::as_root(app, line);
    let mut all = vec![Command::new("all its stamps, owner and mode", root(format!("stat {quoted}")))];
    if entry(app, place).is_some_and(|entry| entry.kind == Kind::Directory) {
        all.push(Command::new("what takes the room in it", root(format!("du -x -h -d 1 {quoted}"))));
        let open = format!("ls -l /proc/[0-9]*/fd 2>/dev/null | grep -F {quoted}");
        all.push(Command::new("who has something in it open", root(open)));
    }
    all
}
