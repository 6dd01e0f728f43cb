//! Journal: what was done to this machine, by whom, what became of it, what is still put aside, and what can be taken back.

use super::{Command, Pick, Tab, TabCard, TabId};
use crate::catalog::runbook;
use crate::model::units::{Entries, Seconds, WallNanos};
use crate::model::work::{Came, Fate, Worked, headline};
use crate::tui::app::App;
use crate::tui::overlays::work_lots::room_of;
use crate::tui::overlays::work_result;
use crate::tui::table::{Cell, Column, Row, SortKey, Table};
use crate::tui::text::safe;
use crate::tui::theme::Tone;
use crate::tui::widgets::doc::{Doc, Piece, piece};
use crate::tui::words;
use crate::tui::work::wishes;

/// See the module's header.
pub struct JournalTab;

static CARD: TabCard = TabCard {
    id: TabId::Journal,
    number: 8,
    title: "Journal",
    asks: "what was done to this machine, and what can be taken back",
};

impl Tab for JournalTab {
    fn card(&self) -> &'static TabCard {
        &CARD
    }

    fn table(&self, app: &App) -> Table {
        let mut table = Table::new(vec![
            Column::number("AGO").sorted(),
            Column::number("#").drops(1).sorted(),
            Column::text("WHO").at_most(18).drops(4).sorted(),
            Column::text("ACTION").at_most(20).drops(5).sorted(),
            Column::text("WHAT").at_most(60).at_least(28),
            Column::text("RESULT").at_most(24).at_least(11),
            Column::number("ASIDE").drops(2).sorted(),
            Column::text("THEN").at_most(20).at_least(12).drops(3),
        ]);
        table.title = vec![("What was done to this machine".to_owned(), Tone::Title)];
        table.noun = ("piece of work", "pieces of work");
        if let Some(why) = wishes::why_never(app) {
            table.empty =
                vec![("No journal here.".to_owned(), Tone::Plain), (format!("This is {why}."), Tone::Dim)];
            return table;
        }
        let Some(journal) = &app.works.journal else {
            table.empty = vec![(format!("reading the journal {}", app.theme.glyphs.ellipsis), Tone::Dim)];
            return table;
        };
        for work in journal.items() {
            table.rows.push(row(app, work));
        }
        let gaps = journal.gaps();
        if table.rows.is_empty() && gaps.is_empty() {
            table.empty = vec![
                ("Nothing was done to this machine by tmpmedic.".to_owned(), Tone::Plain),
                (
                    "Here stands what f, clean and fix did: before and after, what was put aside, and how to take it back."
                        .to_owned(),
                    Tone::Dim,
                ),
            ];
        } else if table.rows.is_empty() {
            table.empty = super::access::blind(&gaps.iter().collect::<Vec<_>>(), app);
        } else {
            table.banner = super::access::missing(gaps.iter());
        }
        table
    }

    fn detail_title(&self, app: &App, pick: &Pick) -> String {
        work(app, pick).map_or_else(|| "Work".to_owned(), |work| format!("#{}", work.work.0))
    }

    fn detail(&self, app: &App, pick: &Pick, doc: &mut Doc<'_>) {
        if let Some(work) = work(app, pick) {
            detail(app, work, doc);
        }
    }

    fn commands(&self, app: &App, pick: &Pick) -> Vec<Command> {
        let Some(work) = work(app, pick) else { return Vec::new() };
        let number = work.work.0;
        let root = |line: String| words::as_root(app, line);
        let mut all = vec![Command::new(
            "all that was done, with every step",
            root("tmpmedic journal --json".to_owned()),
        )];
        if work.can_undo {
            all.push(Command::new("takes it back", root(format!("tmpmedic undo {number}"))));
        }
        if work.aside > 0 {
            let line = root(format!("tmpmedic purge {number}"));
            all.push(Command::new("removes for good what it put aside", line));
        }
        all
    }

    fn cause(&self, app: &App, pick: &Pick) -> Option<String> {
        work(app, pick)?.finding.clone().filter(|id| runbook::page(id).is_some())
    }
}

fn work<'a>(app: &'a App, pick: &Pick) -> Option<&'a Worked> {
    let Pick::Work(wanted) = pick else { return None };
    app.works.journal.as_ref()?.items().iter().find(|work| work.work == *wanted)
}

fn now(app: &App) -> Option<WallNanos> {
    app.now.or_else(|| app.snapshot().map(|now| now.taken))
}

fn age(app: &App, work: &Worked) -> Option<Seconds> {
    work.time.age_at(now(app)?)
}

/// Whether what it put aside is old enough to be removed for good.
fn is_due(app: &App, work: &Worked) -> bool {
    work.aside > 0 && age(app, work).is_some_and(|age| age >= wishes::ASIDE_FOR)
}

fn row(app: &App, work: &Worked) -> Row {
    let glyphs = app.theme.glyphs;
    let (sign, tone, came) = came_of(app, work);
    let ago = age(app, work);
    let then = match work.undone_by {
        Some(by) => Cell::dim(format!("undone by #{}", by.0)),
        None if is_due(app, work) => Cell::toned(Tone::Warning, "P purge it"),
        None if work.can_undo => Cell::dim("u undoes it"),
        None => {
            Cell::dim(work.purged.map_or_else(String::new, |purged| format!("purged by #{}", purged.by.0)))
        }
    };
    let aside = if work.aside == 0 { glyphs.dash.to_owned() } else { Entries(work.aside).to_string() };
    let (who, action) = (safe(&work.who).into_owned(), safe(&work.action).into_owned());
    let cells = vec![
        Cell::dim(words::age(now(app).unwrap_or(work.time), Some(work.time), glyphs)),
        Cell::dim(work.work.0.to_string()),
        Cell::plain(who.clone()),
        Cell::plain(action.clone()),
        Cell::plain(safe(headline(&work.title))),
        Cell::toned(tone, sign).noted(came),
        Cell::plain(aside),
        then,
    ];
    let keys = vec![
        SortKey::maybe(ago.map(|age| age.0)),
        SortKey::Number(work.work.0),
        SortKey::Text(who),
        SortKey::Text(action),
        SortKey::Nothing,
        SortKey::Nothing,
        SortKey::Number(work.aside),
        SortKey::Nothing,
    ];
    Row { keys, ..Row::new(format!("work {}", work.work.0), Pick::Work(work.work), cells) }
}

/// What became of it: `done`, `3 of 5`, `stopped`, `not known`.
fn came_of(app: &App, work: &Worked) -> (&'static str, Tone, String) {
    let glyphs = app.theme.glyphs;
    let Came { all, done, stopped, unknown } = work.came;
    match done {
        _ if unknown > 0 => (glyphs.unknown, Tone::Warning, "not known".to_owned()),
        _ if stopped > 0 => (glyphs.warning, Tone::Warning, "stopped".to_owned()),
        0 if all > 0 => (glyphs.critical, Tone::Critical, "nothing".to_owned()),
        done if done < all => {
            (glyphs.warning, Tone::Warning, format!("{} of {}", Entries(done), Entries(all)))
        }
        _ => (glyphs.ok, Tone::Ok, "done".to_owned()),
    }
}

fn detail(app: &App, work: &Worked, doc: &mut Doc<'_>) {
    doc.text(Tone::Strong, &work.title);
    let dot = doc.glyphs().dot;
    let ago = age(app, work).map_or_else(|| "in the future".to_owned(), |age| format!("{age} ago"));
    let time = work.time.date_time(app.settings.utc_offset_s);
    let row =
        |name: &str, text: String| -> Vec<Piece> { vec![piece(Tone::Dim, name), piece(Tone::Plain, text)] };
    let mut rows = vec![
        row("when", format!("{time} {dot} {ago}")),
        row("who", work.who.clone()),
        row("action", work.action.clone()),
    ];
    rows.extend(work.finding.as_ref().map(|finding| row("finding", finding.clone())));
    rows.push(row("plan", work.digest.clone()));
    doc.blank();
    doc.grid(0, &rows);
    doc.blank();
    next(app, work, doc);
    work_result::table(&work.table, doc);
    steps(work, doc);
}

/// What can still be done about it.
fn next(app: &App, work: &Worked, doc: &mut Doc<'_>) {
    match work.undone_by {
        Some(by) => doc.text(Tone::Plain, &format!("Taken back by #{}.", by.0)),
        None if work.can_undo => doc.text(Tone::Plain, "u takes it back."),
        None => doc.text(Tone::Dim, "It cannot be taken back."),
    }
    if let Some(purged) = work.purged {
        let (count, by) = (Entries(purged.entries), purged.by.0);
        let verb = if count.0 == 1 { "was" } else { "were" };
        let time = purged.time.date_time(app.settings.utc_offset_s);
        let what = words::entries(count);
        doc.text(Tone::Plain, &format!("{what} {verb} removed for good on {time} by #{by} (purge)."));
    }
    if work.aside == 0 {
        return;
    }
    let what = still_aside(work);
    if is_due(app, work) {
        let long = wishes::ASIDE_FOR;
        doc.text(Tone::Warning, &format!("{what} For more than {long}: P removes them for good."));
    } else {
        doc.text(Tone::Plain, &format!("{what} P removes them for good."));
    }
}

/// `41 entries, 41.0 M are still put aside.`; without the bytes where they are none.
fn still_aside(work: &Worked) -> String {
    let verb = if work.aside == 1 { "is" } else { "are" };
    let bytes = room_of(work.aside_bytes);
    format!("{}{bytes} {verb} still put aside.", words::entries(Entries(work.aside)))
}

/// Its steps; of many that went well only how many they are.
fn steps(work: &Worked, doc: &mut Doc<'_>) {
    /// More are not told one by one.
    const MOST: usize = 200;
    let Came { all, done, .. } = work.came;
    if all == 0 {
        return;
    }
    let is_done = |(_, fate): &(String, Option<Fate>)| *fate == Some(Fate::Done);
    let of_note = |step: &&(String, Option<Fate>)| all <= MOST as u64 || !is_done(step);
    let told: Vec<_> = work.steps.iter().filter(of_note).take(MOST).collect();
    let glyphs = doc.glyphs();
    let count = format!("{} {}", Entries(all), if all == 1 { "step" } else { "steps" });
    if told.is_empty() && all == done {
        return doc.heading(&format!("{count}, each of them done"));
    }
    doc.heading(&count);
    for (does, fate) in &told {
        let (sign, tone, why) = match fate {
            Some(Fate::Done) => (glyphs.ok, Tone::Ok, ""),
            Some(Fate::Kept(why)) => (glyphs.dash, Tone::Warning, why.as_str()),
            Some(Fate::Failed(why)) => (glyphs.critical, Tone::Critical, why.as_str()),
            None => (glyphs.unknown, Tone::Warning, "not known what became of it"),
        };
        doc.hang(&[piece(tone, format!("{sign} "))], Tone::Plain, does);
        if !why.is_empty() {
            doc.indented(2, Tone::Dim, why);
        }
    }
    let rest = all.saturating_sub(told.len() as u64);
    if rest > 0 {
        let of_note = told.iter().filter(|step| !is_done(step)).count() as u64;
        let which = if of_note == all - done { "each of them done" } else { "not shown here" };
        let more = if told.is_empty() { "" } else { " more" };
        doc.text(Tone::Dim, &format!("{}{more}, {which}", Entries(rest)));
    }
}
