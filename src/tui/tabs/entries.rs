//! Entries: what lies in a temp dir, by family: how many, how old, whose, held or not, and what removing them would do.

use super::entries_levels as levels;
pub use super::entries_levels::{path_of, place, wish};
use super::{Command, Pick, Tab, TabCard, TabId};
use crate::model::family::{Family, Safety};
use crate::model::process::Pid;
use crate::model::raw_path::RawPath;
use crate::model::temp_dir::{FamilyTally, TempDir};
use crate::model::units::WallNanos;
use crate::tui::app::App;
use crate::tui::table::{Cell, Column, Row, SortKey, Table};
use crate::tui::text::safe;
use crate::tui::theme::Tone;
use crate::tui::widgets::doc::{Doc, piece};
use crate::tui::widgets::spark;
use crate::tui::words;

/// See the module's header.
pub struct EntriesTab;

static CARD: TabCard = TabCard {
    id: TabId::Entries,
    number: 3,
    title: "Entries",
    asks: "what lies in the temp dirs, whose, how old, held by whom",
};

/// The age classes of a tally, as the column's title names them.
const AGES: [&str; 5] = ["1h", "1d", "7d", "30d", "+"];

impl Tab for EntriesTab {
    fn card(&self) -> &'static TabCard {
        &CARD
    }

    fn table(&self, app: &App) -> Table {
        if app.tabs.levels.is_empty() { families(app) } else { levels::table(app) }
    }

    fn detail_title(&self, app: &App, pick: &Pick) -> String {
        match pick {
            Pick::Family(id) => name_of(id).to_owned(),
            Pick::Entry(n) => levels::entry(app, *n).map(|e| e.name.shown()).unwrap_or_default(),
            _ => "Family".to_owned(),
        }
    }

    fn detail(&self, app: &App, pick: &Pick, doc: &mut Doc<'_>) {
        match pick {
            Pick::Family(id) => family_text(app, id, doc),
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
            Pick::Family(id) => vec![family_command(app, dir, id)],
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

fn families(app: &App) -> Table {
    let mut table = Table::new(vec![
        Column::text("FAMILY").at_most(24).at_least(17).sorted(),
        Column::number("COUNT").sorted(),
        Column::number("OLD").drops(1).sorted(),
        Column::number("OWN BYTES").drops(2).sorted(),
        Column::number("NEWEST").drops(4).sorted(),
        Column::number("OLDEST").drops(3).sorted(),
        Column::fixed(format!("AGE {}", AGES.join(" "))).drops(7),
        Column::text("OWNERS").at_most(18).drops(6),
        Column::number("HELD").drops(5).sorted(),
        Column::text("IF REMOVED").at_most(44).at_least(16).drops(8),
    ]);
    table.title = title(app);
    table.noun = ("family", "families");
    let Some(now) = app.snapshot() else {
        table.empty = super::access::waiting(app);
        return table;
    };
    let Some(dir) = current(app) else {
        let gaps: Vec<_> = now.temp_dirs.gaps().iter().collect();
        let none = vec![("No temp dir could be reached from here.".to_owned(), Tone::Plain)];
        table.empty = if gaps.is_empty() { none } else { super::access::blind(&gaps, app) };
        return table;
    };
    let mut all: Vec<(&String, &FamilyTally)> = dir.families.iter().collect();
    // What is in no family comes last: it is the rest, not a thing.
    all.sort_by_key(|(id, f)| (id.is_empty(), std::cmp::Reverse(f.tally.entries), (*id).clone()));
    for (id, tally) in all {
        table.rows.push(family_row(app, now.taken, id, tally));
    }
    let unseen =
        dir.gaps.iter().filter(|gap| !matches!(gap.why, crate::model::reading::GapWhy::OverBudget { .. }));
    table.banner = super::access::missing(now.temp_dirs.gaps().iter().chain(unseen));
    if table.rows.is_empty() {
        let deleted = words::first_vantage(now, dir).is_some_and(|vantage| words::is_deleted(now, vantage));
        let what = match words::counting(dir) {
            Some(_) => "is being counted.",
            None if deleted => "was deleted: nothing is in it, and nothing can be created in it.",
            None => "is empty.",
        };
        // Where there is little room, no title says which one it is.
        table.empty = vec![(format!("{} {what}", dir.path.shown()), Tone::Plain)];
    }
    table
}

fn name_of(id: &str) -> &str {
    if id.is_empty() { "not in any family" } else { id }
}

fn family_row(app: &App, taken: WallNanos, id: &str, family: &FamilyTally) -> Row {
    let glyphs = app.theme.glyphs;
    let tally = &family.tally;
    let known = app.settings.catalog.families.get(id);
    let owners: Vec<String> = family.owners.keys().map(|uid| safe(&app.user(*uid)).into_owned()).collect();
    let owners = match owners.len() {
        0..=2 => owners.join(", "),
        n => format!("{n} owners"),
    };
    let held = family.held.map_or_else(|| Cell::dim(glyphs.unknown), |n| Cell::plain(n.to_string()));
    let seconds = |then: Option<WallNanos>| then.and_then(|t| t.age_at(taken)).map(|age| age.0);
    let bars = spark::histogram(&tally.ages, &AGES, glyphs);
    let cells = vec![
        if id.is_empty() { Cell::dim(name_of(id)) } else { Cell::plain(safe(id)) },
        Cell::plain(tally.entries.to_string()),
        Cell::plain(tally.old.to_string()),
        Cell::plain(tally.bytes.to_string()),
        Cell::dim(words::age(taken, tally.newest, glyphs)),
        Cell::dim(words::age(taken, tally.oldest, glyphs)),
        Cell::dim(format!("    {bars}")),
        Cell::plain(owners),
        held,
        if_removed(app, known, family),
    ];
    let keys = vec![
        SortKey::Text(id.to_owned()),
        SortKey::Number(tally.entries.0),
        SortKey::Number(tally.old.0),
        SortKey::Number(tally.bytes.0),
        SortKey::maybe(seconds(tally.newest)),
        SortKey::maybe(seconds(tally.oldest)),
        SortKey::Nothing,
        SortKey::Nothing,
        SortKey::maybe(family.held),
        SortKey::Nothing,
    ];
    Row { keys, ..Row::new(format!("family {id}"), Pick::Family(id.to_owned()), cells) }
}

fn if_removed(app: &App, known: Option<&Family>, tally: &FamilyTally) -> Cell {
    let glyphs = app.theme.glyphs;
    let in_use = tally.held.filter(|n| *n > 0).map_or_else(String::new, |n| format!(": {n} in use"));
    match known.map(|family| (family.safety, family.idle_s)) {
        Some((Safety::Never, _)) => Cell::toned(Tone::Warning, format!("{} never{in_use}", glyphs.critical)),
        Some((Safety::Idle, Some(idle))) => Cell::plain(format!("safe when idle {idle}{in_use}")),
        Some((Safety::Idle, None)) => Cell::plain(format!("safe when idle{in_use}")),
        Some((Safety::Ask, _)) | None => Cell::plain(format!("look first{in_use}")),
    }
}

fn family_text(app: &App, id: &str, doc: &mut Doc<'_>) {
    let row = |name: &str, tone, text: &str| vec![piece(Tone::Dim, name), piece(tone, text)];
    let mut rows = Vec::new();
    if let Some(family) = app.settings.catalog.families.get(id) {
        doc.text(Tone::Strong, &family.what);
        let dot = doc.glyphs().dot;
        doc.text(Tone::Dim, &format!("made by {} {dot} {}", family.maker, family.patterns.join("  ")));
        rows.push(row("removed by", Tone::Plain, &family.removed_by));
        rows.push(row("may go", Tone::Strong, &may_go(family)));
        rows.push(row("because", Tone::Plain, &family.why));
        rows.push(row("check first", Tone::Plain, &family.check));
        rows.push(row("source", Tone::Dim, &family.source));
    } else {
        doc.text(Tone::Strong, "Names that no family of the catalog knows.");
        doc.text(Tone::Plain, "Look at them before anything goes: Enter lists them.");
        doc.text(Tone::Dim, "A site adds families of its own in its configuration.");
    }
    if let Some(tally) = current(app).and_then(|dir| dir.families.get(id)) {
        rows.push(row("owners", Tone::Plain, &owners(app, tally)));
        let held = match tally.held {
            Some(n) => format!("{n} by running processes"),
            None => "not known: some processes could not be read".to_owned(),
        };
        rows.push(row("held", Tone::Plain, &held));
        let bytes =
            format!("{} in the entries themselves; Enter measures what lies below", tally.tally.bytes);
        rows.push(row("own bytes", Tone::Plain, &bytes));
        let (unknown, future) = (tally.tally.unknown, tally.tally.future);
        if unknown.0 > 0 {
            rows.push(row("not seen", Tone::Warning, &format!("{unknown} could not be looked at")));
        }
        if future.0 > 0 {
            rows.push(row("no age", Tone::Warning, &format!("{future} with a stamp in the future")));
        }
    }
    doc.blank();
    doc.grid(0, &rows);
}

fn may_go(family: &Family) -> String {
    let idle = family.idle_s.map_or_else(String::new, |idle| format!(" for {idle}"));
    match family.safety {
        Safety::Never => "never while the system is up".to_owned(),
        Safety::Ask => "only after a person has looked".to_owned(),
        Safety::Idle => format!("when idle{idle} and held by nobody"),
    }
}

fn owners(app: &App, tally: &FamilyTally) -> String {
    let mut all: Vec<(&u32, &u64)> = tally.owners.iter().collect();
    all.sort_by_key(|(uid, n)| (std::cmp::Reverse(**n), **uid));
    let some: Vec<String> = all.iter().take(6).map(|(uid, n)| format!("{} {n}", app.user(**uid))).collect();
    let more = if all.len() > 6 { format!(" and {} more", all.len() - 6) } else { String::new() };
    format!("{}{more}", some.join(", "))
}

/// Lists the members by hand: `find` with the family's own globs where it has any.
fn family_command(app: &App, dir: &TempDir, id: &str) -> Command {
    let at = dir.reached.quoted();
    let line =
        format!("find {at} -mindepth 1 -maxdepth 1 -printf '%TY-%Tm-%Td %TH:%TM  %u  %s  %p\\n' | sort");
    let what = match app.settings.catalog.families.get(id) {
        Some(family) => {
            format!("everything in it, oldest first; this family is named {}", family.patterns.join(", "))
        }
        None => "everything in it, oldest first".to_owned(),
    };
    Command::new(what, words::as_root(app, line))
}
