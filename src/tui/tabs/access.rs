//! Access: who can create temp dirs where. One row a vantage, worst first; below it the way to the directory.

use super::access_way as way;
use super::{Command, Pick, Tab, TabCard, TabId};
use crate::model::finding::Finding;
use crate::model::process::Pid;
use crate::model::snapshot::Snapshot;
use crate::model::vantage::{Can, Reason, Vantage};
use crate::tui::app::App;
use crate::tui::table::{Cell, Column, Row, SortKey, Table};
use crate::tui::text::safe;
use crate::tui::theme::Tone;
use crate::tui::widgets::doc::Doc;
use crate::tui::words;

/// See the module's header.
pub struct Access;

static CARD: TabCard =
    TabCard { id: TabId::Access, number: 2, title: "Access", asks: "who can create temp dirs where" };

impl Tab for Access {
    fn card(&self) -> &'static TabCard {
        &CARD
    }

    fn table(&self, app: &App) -> Table {
        let mut table = Table::new(vec![
            Column::path("TEMP DIR").at_most(26).at_least(12).sorted(),
            Column::path("SEEN BY").at_most(34).at_least(18).sorted(),
            Column::text("AS").at_most(12).drops(3).sorted(),
            Column::number("N").drops(2).sorted(),
            Column::path("BACKED BY").at_most(40).at_least(18).drops(1).sorted(),
            Column::text("OWNER").at_most(12).drops(5).sorted(),
            Column::fixed("MODE").drops(4).sorted(),
            Column::fixed("CREATE").sorted(),
        ]);
        table.title = vec![("Who can create temp dirs where".to_owned(), Tone::Title)];
        table.noun = ("vantage", "vantages");
        let Some(now) = app.snapshot() else {
            table.empty = waiting(app);
            return table;
        };
        if now.vantages.value().is_none() {
            table.empty = blind(&now.vantages.gaps().iter().collect::<Vec<_>>(), app);
            return table;
        }
        let mut order: Vec<usize> = (0..now.vantages.items().len()).collect();
        order.sort_by_key(|place| now.vantages.items().get(*place).map(rank));
        for place in order {
            if let Some(vantage) = now.vantages.items().get(place).filter(|vantage| !is_ours(now, vantage)) {
                table.rows.push(row(app, now, vantage, place));
            }
        }
        table.banner = missing(now.vantages.gaps());
        if table.rows.is_empty() {
            table.empty = vec![("No process here uses a temp dir.".to_owned(), Tone::Plain)];
        }
        table
    }

    fn detail_title(&self, app: &App, pick: &Pick) -> String {
        let Some((now, vantage)) = vantage_of(app, pick) else { return "The way to it".to_owned() };
        let dot = app.theme.glyphs.dot;
        let pid =
            words::witness(now, &vantage.pids).map_or_else(String::new, |pid| format!(" {dot} pid {pid}"));
        let who = safe(&vantage.credentials.shown()).into_owned();
        format!("The way to {} {dot} {}{pid} {dot} {who}", vantage.path.shown(), words::seen_by(now, vantage))
    }

    fn detail(&self, app: &App, pick: &Pick, doc: &mut Doc<'_>) {
        if let Some((now, vantage)) = vantage_of(app, pick) {
            way::draw(app, now, vantage, doc);
        }
    }

    fn commands(&self, app: &App, pick: &Pick) -> Vec<Command> {
        vantage_of(app, pick).map(|(now, vantage)| way::commands(app, now, vantage)).unwrap_or_default()
    }

    fn vantage(&self, app: &App, pick: &Pick) -> Option<(usize, Option<Pid>)> {
        let Pick::Vantage(place) = pick else { return None };
        let (now, vantage) = vantage_of(app, pick)?;
        Some((*place, words::witness(now, &vantage.pids)))
    }

    fn cause(&self, app: &App, pick: &Pick) -> Option<String> {
        finding(app, pick).map(|finding| finding.id.clone())
    }
}

/// The worst finding about these processes at this path, or at a directory above it.
pub fn finding<'a>(app: &'a App, pick: &Pick) -> Option<&'a Finding> {
    let (_, vantage) = vantage_of(app, pick)?;
    let about = |f: &&Finding| {
        let here = f.subject.path.as_ref().is_some_and(|path| vantage.path.is_below(path));
        here && (f.subject.pids.is_empty() || f.subject.pids.iter().any(|pid| vantage.pids.contains(pid)))
    };
    app.look.as_deref()?.diagnosis.found.iter().find(about)
}

fn vantage_of<'a>(app: &'a App, pick: &Pick) -> Option<(&'a Snapshot, &'a Vantage)> {
    let Pick::Vantage(place) = pick else { return None };
    let now = app.snapshot()?;
    now.vantages.items().get(*place).map(|vantage| (now, vantage))
}

/// Whether only tmpmedic itself sees it so, and nobody asked about it.
fn is_ours(now: &Snapshot, vantage: &Vantage) -> bool {
    let is_asked = vantage.reasons.contains(&Reason::Asked) || now.asked.pids.contains(&now.eyes.pid);
    !is_asked && vantage.pids == [now.eyes.pid]
}

/// Worst first; among equals those of builds, then those with most processes.
fn rank(vantage: &Vantage) -> (u8, bool, std::cmp::Reverse<usize>) {
    let can = match vantage.can_create.can {
        Can::No => 0,
        Can::Unknown => 1,
        Can::Yes => 2,
    };
    (can, !vantage.is_build, std::cmp::Reverse(vantage.pids.len()))
}

fn row(app: &App, now: &Snapshot, vantage: &Vantage, place: usize) -> Row {
    let glyphs = app.theme.glyphs;
    let facts = vantage.end().and_then(|end| end.facts.as_ref());
    let owner = facts.map_or_else(|| glyphs.dash.to_owned(), |f| safe(&app.user(f.uid)).into_owned());
    let mode = facts.map_or_else(|| glyphs.dash.to_owned(), |f| words::mode(f.mode));
    let failing = vantage.can_create.can == Can::No;
    let seen_by = words::seen_by(now, vantage);
    let user = vantage.credentials.user.clone().unwrap_or_else(|| app.user(vantage.credentials.uid));
    let user = safe(&user).into_owned();
    let backing = words::backed_by(now, vantage, glyphs);
    let n = vantage.pids.len();
    let cells = vec![
        Cell::toned(if failing { Tone::Strong } else { Tone::Plain }, vantage.path.shown()),
        Cell::toned(if failing { Tone::Strong } else { Tone::Plain }, seen_by.clone()),
        Cell::plain(user.clone()),
        Cell::plain(n.to_string()),
        backing.clone(),
        Cell::plain(owner.clone()),
        Cell::plain(mode.clone()),
        words::ability(app, vantage),
    ];
    let keys = vec![
        SortKey::Text(vantage.path.shown()),
        SortKey::Text(seen_by),
        SortKey::Text(user),
        SortKey::Number(u64::try_from(n).unwrap_or(u64::MAX)),
        SortKey::Text(backing.text),
        SortKey::Text(owner),
        SortKey::Text(mode),
        SortKey::Number(u64::from(rank(vantage).0)),
    ];
    let who = &vantage.credentials;
    let id = format!(
        "vantage {} {:?} {} {} {} {:?} {:x}",
        vantage.path.shown(),
        vantage.mount_ns,
        vantage.root.shown(),
        who.uid,
        who.gid,
        who.groups,
        who.capabilities
    );
    Row { keys, ..Row::new(id, Pick::Vantage(place), cells) }
}

/// What stands in a list before the first look.
pub fn waiting(app: &App) -> Vec<(String, Tone)> {
    let dots = app.theme.glyphs.ellipsis;
    let line = match &app.progress {
        None => format!("reading processes {dots}"),
        Some(progress) => match progress.of {
            Some(of) => format!("reading {} of {of} {} {dots}", progress.seen, safe(&progress.what)),
            None => format!("reading {} {} {dots}", progress.seen, safe(&progress.what)),
        },
    };
    vec![(line, Tone::Dim)]
}

/// Lines above a list of which something could not be seen: the first gaps, and where the others stand.
pub fn missing<'a>(gaps: impl IntoIterator<Item = &'a crate::model::reading::Gap>) -> Vec<(String, Tone)> {
    const MOST: usize = 2;
    let lines =
        gaps.into_iter().map(|gap| (format!("not seen: {}: {}", gap.what, gap.why.shown()), Tone::Warning));
    let mut lines: Vec<(String, Tone)> = lines.collect();
    if lines.len() > MOST {
        let more = lines.split_off(MOST).len();
        lines.push((format!("and {more} more (key i)"), Tone::Dim));
    }
    lines
}

/// What stands in a list that could not be seen at all.
pub fn blind(gaps: &[&crate::model::reading::Gap], app: &App) -> Vec<(String, Tone)> {
    let mut lines = vec![("This could not be looked at:".to_owned(), Tone::Strong)];
    for gap in gaps {
        lines.push((format!("  {}: {}", gap.what, gap.why.shown()), Tone::Plain));
        if let Some(remedy) = &gap.remedy {
            lines.push((format!("  {} {remedy}", app.theme.glyphs.arrow), Tone::Accent));
        }
    }
    lines
}
