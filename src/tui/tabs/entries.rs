//! Entries: what lies in a temp dir, by family: how many, how old, whose, held or not, and what removing them would do.

use super::entries_families as families;
use super::entries_levels as levels;
pub use super::entries_levels::{path_of, place, wish};
use super::{Command, Pick, Tab, TabCard, TabId};
use crate::model::process::Pid;
use crate::model::raw_path::RawPath;
use crate::model::temp_dir::TempDir;
use crate::tui::app::App;
use crate::tui::table::Table;
use crate::tui::theme::Tone;
use crate::tui::widgets::doc::Doc;
use crate::tui::words;

/// See the module's header.
pub struct EntriesTab;

static CARD: TabCard = TabCard {
    id: TabId::Entries,
    number: 3,
    title: "Entries",
    asks: "what lies in the temp dirs, whose, how old, held by whom",
};

impl Tab for EntriesTab {
    fn card(&self) -> &'static TabCard {
        &CARD
    }

    fn table(&self, app: &App) -> Table {
        if app.tabs.levels.is_empty() { families::table(app) } else { levels::table(app) }
    }

    fn detail_title(&self, app: &App, pick: &Pick) -> String {
        match pick {
            Pick::Family(id) => families::name_of(id).to_owned(),
            Pick::Entry(n) => levels::entry(app, *n).map(|e| e.name.shown()).unwrap_or_default(),
            _ => "Family".to_owned(),
        }
    }

    fn detail(&self, app: &App, pick: &Pick, doc: &mut Doc<'_>) {
        match pick {
            Pick::Family(id) => families::detail(app, id, doc),
            Pick::Entry(n) => levels::detail(app, *n, doc),
            _ => {}
        }
    }

    fn commands(&self, app: &App, pick: &Pick) -> Vec<Command> {
        let Some(dir) = current(app) else { return Vec::new() };
        let picked: Vec<String> = app.tabs.picked.iter().map(RawPath::quoted).collect();
        if !picked.is_empty() {
            let line = words::as_root(app, format!("ls -lad --time-style=full-iso -- {}", picked.join(" ")));
            return vec![Command::new("the picked entries", line)];
        }
        match pick {
            Pick::Family(id) => vec![families::command(app, dir, id)],
            Pick::Entry(n) => levels::commands(app, *n),
            _ => Vec::new(),
        }
    }

    fn vantage(&self, app: &App, _pick: &Pick) -> Option<(usize, Option<Pid>)> {
        let dir = current(app)?;
        let place = usize::try_from(*dir.vantages.first()?).ok()?;
        let vantage = app.snapshot()?.vantages.items().get(place)?;
        Some((place, words::witness(app.snapshot()?, &vantage.pids)))
    }
}

/// What a temp dir is, from look to look.
pub fn key_of(dir: &TempDir) -> String {
    format!("{} {}:{}", dir.path.shown(), dir.identity.device, dir.identity.inode)
}

/// The temp dir on screen.
pub fn current(app: &App) -> Option<&TempDir> {
    let all = app.snapshot()?.temp_dirs.items();
    let wanted = app.tabs.dir.as_ref();
    all.iter().find(|dir| wanted == Some(&key_of(dir))).or_else(|| first(app))
}

/// The temp dir on which the tab opens: the one that the worst finding is about, else the one in which most lies, else the
/// one of most builds, else /tmp.
fn first(app: &App) -> Option<&TempDir> {
    let now = app.snapshot()?;
    let found = app.look.as_deref().map(|look| &look.diagnosis.found[..]).unwrap_or_default();
    let about = |dir: &TempDir| {
        let of_it = found.iter().filter(|finding| finding.subject.path.as_ref() == Some(&dir.path));
        of_it.map(|finding| finding.severity).max()
    };
    let builds = |dir: &TempDir| -> usize {
        let vantage = |place: &u32| now.vantages.items().get(usize::try_from(*place).ok()?);
        let all = dir.vantages.iter().filter_map(vantage);
        all.filter(|vantage| vantage.is_build).map(|vantage| vantage.pids.len()).sum()
    };
    let rank = |dir: &TempDir| {
        // Whatever is wrong with an empty one, this tab does not show it.
        let holds = dir.links > 0 && dir.total.entries.0 > 0;
        let is_tmp = dir.path.as_bytes() == b"/tmp";
        (about(dir).filter(|_| holds), dir.total.entries, builds(dir), is_tmp, dir.links > 0)
    };
    // Of several that are alike the first.
    now.temp_dirs.items().iter().rev().max_by_key(|dir| rank(dir))
}

/// The title line: which temp dir, how full, how old.
pub fn title(app: &App) -> Vec<(String, Tone)> {
    let Some((now, dir)) = app.snapshot().zip(current(app)) else {
        return vec![("Temp dirs".to_owned(), Tone::Title)];
    };
    let dot = format!(" {} ", app.theme.glyphs.dot);
    let mut pieces = vec![(dir.path.shown(), Tone::Title)];
    if let Some(vantage) = words::first_vantage(now, dir) {
        pieces.push((format!("{dot}{}", words::place(now, vantage)), Tone::Plain));
        if words::is_deleted(now, vantage) {
            pieces.push((format!("{dot}{} deleted", app.theme.glyphs.critical), Tone::Critical));
        }
    }
    match words::counting(dir) {
        Some(seen) => {
            pieces.push((format!("{dot}reading {seen} {}", app.theme.glyphs.ellipsis), Tone::Accent));
        }
        None => pieces.push((format!("{dot}{}", words::entries(dir.total.entries)), Tone::Plain)),
    }
    let all = now.temp_dirs.items();
    let place =
        all.iter().position(|d| d.identity == dir.identity && d.path == dir.path).map_or(1, |p| p + 1);
    let rate = super::triage::rate(app.history.per_minute(&key_of(dir)));
    if !rate.is_empty() {
        pieces.push((format!(" {rate}"), Tone::Accent));
    }
    pieces.push((format!("{dot}{} older than 1 d", dir.total.old), Tone::Plain));
    pieces.push((format!("{dot}temp dir {place} of {}", all.len()), Tone::Dim));
    if let Some(space) = words::space(now, dir) {
        let (bytes, inodes) = words::used(space);
        let inodes = inodes.map_or_else(String::new, |inodes| format!("{dot}inodes {inodes} %"));
        pieces.push((format!("{dot}disk {bytes} %{inodes}"), Tone::Dim));
    }
    pieces
}
