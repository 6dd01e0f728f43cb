//! Triage: the findings, worst first; what was ruled out; what could not be judged; the temp dirs at a glance.

use std::collections::BTreeSet;

pub use super::triage_dirs::{dirs, rate};
use super::triage_why as why;
pub use super::triage_why::{evidence, gaps, help, helps, risk};
use super::{Command, Pick, Tab, TabCard, TabId};
use crate::model::finding::{Finding, Severity};
use crate::model::process::Pid;
use crate::model::raw_path::RawPath;
use crate::model::vantage::Vantage;
use crate::tui::app::App;
use crate::tui::msg::Look;
use crate::tui::table::{Cell, Column, Row, Table};
use crate::tui::text::{cut_middle, safe, width};
use crate::tui::theme::Tone;
use crate::tui::widgets::doc::Doc;
use crate::tui::words;

/// See the module's header.
pub struct Triage;

static CARD: TabCard =
    TabCard { id: TabId::Triage, number: 1, title: "Triage", asks: "what is wrong, why, and what helps" };

/// The heading over the causes that were excluded.
pub const RULED_OUT: &str = "ruled-out";
/// The heading over the causes that could not be judged.
pub const NOT_KNOWN: &str = "not-known";

impl Tab for Triage {
    fn card(&self) -> &'static TabCard {
        &CARD
    }

    fn table(&self, app: &App) -> Table {
        let mut table = Table::new(vec![Column::fixed(""), Column::text("").at_most(400)]);
        table.headless = true;
        table.title = vec![("Findings".to_owned(), Tone::Title)];
        table.noun = ("finding", "findings");
        let Some(look) = app.look.as_deref() else {
            table.empty = super::access::waiting(app);
            return table;
        };
        for (position, finding) in look.diagnosis.found.iter().enumerate() {
            let (symbol, tone) = app.theme.severity(finding.severity);
            let title = if finding.severity == Severity::Critical { Tone::Strong } else { Tone::Plain };
            let cells = vec![Cell::toned(tone, symbol), Cell::toned(title, short_title(app, finding))];
            table.rows.push(Row::new(id_of(finding), Pick::Finding(position), cells));
        }
        if look.diagnosis.found.is_empty() {
            let (symbol, tone) = app.theme.verdict(look.diagnosis.status);
            let cells = vec![Cell::toned(tone, symbol), Cell::plain(why::verdict(look))];
            table.rows.push(Row {
                kind: crate::tui::table::RowKind::Part,
                ..Row::new("healthy", Pick::Healthy, cells)
            });
        }
        table.banner.extend(gone(app));
        push_not_known(app, look, &mut table);
        push_ruled_out(app, look, &mut table);
        table
    }

    fn detail_title(&self, _app: &App, pick: &Pick) -> String {
        match pick {
            Pick::Finding(_) => "Why".to_owned(),
            Pick::RuledOut(_) | Pick::Section(RULED_OUT) => "Ruled out".to_owned(),
            Pick::Blind(_) | Pick::Section(_) => "Not known".to_owned(),
            _ => "What was seen".to_owned(),
        }
    }

    fn detail(&self, app: &App, pick: &Pick, doc: &mut Doc<'_>) {
        let Some(look) = app.look.as_deref() else { return };
        let diagnosis = &look.diagnosis;
        match pick {
            Pick::Finding(n) => diagnosis.found.get(*n).into_iter().for_each(|f| why::finding(f, doc)),
            Pick::RuledOut(n) => diagnosis.ruled_out.get(*n).into_iter().for_each(|r| why::ruled_out(r, doc)),
            Pick::Blind(n) => diagnosis.blind.get(*n).into_iter().for_each(|b| why::blind(b, doc)),
            Pick::Section(RULED_OUT) => why::all_ruled_out(diagnosis, doc),
            Pick::Section(_) => why::all_blind(diagnosis, doc),
            _ => why::healthy(look, doc),
        }
    }

    fn commands(&self, app: &App, pick: &Pick) -> Vec<Command> {
        let Some(finding) = finding(app, pick) else { return Vec::new() };
        let shown = finding.evidence.iter().filter(|e| !e.by_hand.is_empty());
        shown.map(|e| Command::new(e.means.clone(), e.by_hand.clone())).collect()
    }

    fn vantage(&self, app: &App, pick: &Pick) -> Option<(usize, Option<Pid>)> {
        let finding = finding(app, pick)?;
        let now = app.snapshot()?;
        let path = finding.subject.path.as_ref()?;
        // Looked up for every process of a vantage, at every frame: thousands in thousands, were it a list.
        let pids: BTreeSet<Pid> = finding.subject.pids.iter().copied().collect();
        let meant = |v: &Vantage| {
            v.path.is_below(path) && (pids.is_empty() || v.pids.iter().any(|pid| pids.contains(pid)))
        };
        let all = now.vantages.items();
        let place = all.iter().position(|v| meant(v) && v.is_build).or_else(|| all.iter().position(meant))?;
        let both: Vec<Pid> = all.get(place)?.pids.iter().copied().filter(|p| pids.contains(p)).collect();
        let pids = if both.is_empty() { &all.get(place)?.pids } else { &both };
        Some((place, words::witness(now, pids)))
    }

    fn cause(&self, app: &App, pick: &Pick) -> Option<String> {
        let diagnosis = &app.look.as_deref()?.diagnosis;
        match pick {
            Pick::Finding(n) => diagnosis.found.get(*n).map(|f| f.id.clone()),
            Pick::RuledOut(n) => diagnosis.ruled_out.get(*n).map(|r| r.id.clone()),
            Pick::Blind(n) => diagnosis.blind.get(*n).map(|b| b.id.clone()),
            _ => None,
        }
    }
}

/// That the finding against which something was done is no longer found.
fn gone(app: &App) -> Option<(String, Tone)> {
    let treated = app.works.treated.as_ref()?;
    let is_gone = known_as(app, &treated.finding).is_none();
    is_gone.then(|| (format!("{} no longer found: {}", app.theme.glyphs.ok, treated.title), Tone::Ok))
}

/// The title of a finding. On a narrow screen the name in it loses its middle: two services differ in its last letters,
/// and what is wrong with them stands after it.
fn short_title(app: &App, finding: &Finding) -> String {
    /// Sign, gutter and gaps before it.
    const BEFORE: usize = 6;
    /// What of a name still tells one from the other.
    const NAME: usize = 12;
    let title = safe(&finding.title).into_owned();
    let name = safe(&finding.subject.name);
    if app.size.0 >= 60 || width(&title) + BEFORE <= usize::from(app.size.0) || name.is_empty() {
        return title;
    }
    let short = cut_middle(name.strip_suffix(".service").unwrap_or(&name), NAME, app.theme.glyphs.ellipsis);
    title.replacen(&*name, &short, 1)
}

/// The finding behind a row, if it is one.
pub fn finding<'a>(app: &'a App, pick: &Pick) -> Option<&'a Finding> {
    match pick {
        Pick::Finding(n) => app.look.as_deref()?.diagnosis.found.get(*n),
        _ => None,
    }
}

/// What a finding is, from look to look.
pub fn id_of(finding: &Finding) -> String {
    let path = finding.subject.path.as_ref().map(RawPath::shown).unwrap_or_default();
    format!("finding {} {:?} {} {path}", finding.id, finding.subject.kind, finding.subject.name)
}

/// The finding that is known as that, in the look on screen.
pub fn known_as<'a>(app: &'a App, id: &str) -> Option<&'a Finding> {
    app.look.as_deref()?.diagnosis.found.iter().find(|finding| id_of(finding) == id)
}

/// Whether a section is open: once somebody opened it.
fn is_open(app: &App, section: &str) -> bool {
    app.tabs.toggled.contains(section)
}

fn section(app: &App, id: &'static str, title: &str) -> Row {
    let sign = if is_open(app, id) { "[-]" } else { "[+]" };
    Row::section(id, Pick::Section(id), Cell::dim(format!("{sign} {title}")))
}

fn push_ruled_out(app: &App, look: &Look, table: &mut Table) {
    let all = &look.diagnosis.ruled_out;
    if all.is_empty() {
        return;
    }
    let title = format!("ruled out: {}", words::count(all.len(), ("cause", "causes")));
    table.rows.push(section(app, RULED_OUT, &title));
    if is_open(app, RULED_OUT) {
        let width = widest(all.iter().map(|r| r.id.as_str()));
        for (position, ruled_out) in all.iter().enumerate() {
            let because = safe(&ruled_out.because).into_owned();
            let id = format!("{:<width$}", safe(&ruled_out.id));
            let cells = vec![Cell::dim(app.theme.glyphs.ok), Cell::plain(id).noted(because)];
            table.rows.push(part(format!("ruled-out {}", ruled_out.id), Pick::RuledOut(position), cells));
        }
    }
}

fn push_not_known(app: &App, look: &Look, table: &mut Table) {
    let all = &look.diagnosis.blind;
    if all.is_empty() {
        return;
    }
    let title = format!("could not be judged: {}", words::count(all.len(), ("cause", "causes")));
    table.rows.push(section(app, NOT_KNOWN, &title));
    if is_open(app, NOT_KNOWN) {
        let width = widest(all.iter().map(|u| u.id.as_str()));
        for (position, unseen) in all.iter().enumerate() {
            let gap = unseen.gaps.first();
            let because = gap.map(|g| format!("{}: {}", g.what, g.why.shown())).unwrap_or_default();
            let because = safe(&because).into_owned();
            let id = format!("{:<width$}", safe(&unseen.id));
            let cells =
                vec![Cell::toned(Tone::Warning, app.theme.glyphs.unknown), Cell::plain(id).noted(because)];
            table.rows.push(part(format!("blind {}", unseen.id), Pick::Blind(position), cells));
        }
    }
}

/// Ids line up, as far as they are of ordinary length.
fn widest<'a>(ids: impl Iterator<Item = &'a str>) -> usize {
    ids.map(width).max().unwrap_or(0).min(30)
}

fn part(id: String, pick: Pick, cells: Vec<Cell>) -> Row {
    Row { kind: crate::tui::table::RowKind::Part, ..Row::new(id, pick, cells) }
}
