//! The families of a temp dir: a row for each, what one is and how it may go.

use super::entries::{current, title};
use super::{Command, Pick, access};
use crate::model::family::{Family, Safety};
use crate::model::reading::GapWhy;
use crate::model::temp_dir::{FamilyTally, TempDir};
use crate::model::units::{Entries, WallNanos};
use crate::tui::app::App;
use crate::tui::table::{Cell, Column, Row, SortKey, Table};
use crate::tui::text::safe;
use crate::tui::theme::Tone;
use crate::tui::widgets::doc::{Doc, piece};
use crate::tui::widgets::spark;
use crate::tui::words;

/// The age classes of a tally, as the column's title names them.
const AGES: [&str; 5] = ["1h", "1d", "7d", "30d", "+"];

/// A row for each family.
pub fn table(app: &App) -> Table {
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
        table.empty = access::waiting(app);
        return table;
    };
    let Some(dir) = current(app) else {
        let gaps: Vec<_> = now.temp_dirs.gaps().iter().collect();
        let none = vec![("No temp dir could be reached from here.".to_owned(), Tone::Plain)];
        table.empty = if gaps.is_empty() { none } else { access::blind(&gaps, app) };
        return table;
    };
    let mut all: Vec<(&String, &FamilyTally)> = dir.families.iter().collect();
    // What is in no family comes last: it is the rest, not a thing.
    all.sort_by_key(|(id, f)| (id.is_empty(), std::cmp::Reverse(f.tally.entries), (*id).clone()));
    for (id, tally) in all {
        table.rows.push(family_row(app, now.taken, id, tally));
    }
    let unseen = dir.gaps.iter().filter(|gap| !matches!(gap.why, GapWhy::OverBudget { .. }));
    table.banner = access::missing(now.temp_dirs.gaps().iter().chain(unseen));
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

/// What a family is called on screen.
pub fn name_of(id: &str) -> &str {
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

/// What is known of a family.
pub fn detail(app: &App, id: &str, doc: &mut Doc<'_>) {
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
    let some: Vec<String> =
        all.iter().take(6).map(|(uid, n)| format!("{} {}", app.user(**uid), Entries(**n))).collect();
    let more = if all.len() > 6 { format!(" and {} more", all.len() - 6) } else { String::new() };
    format!("{}{more}", some.join(", "))
}

/// Lists the members by hand: `find` with the family's own globs where it has any.
pub fn command(app: &App, dir: &TempDir, id: &str) -> Command {
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
