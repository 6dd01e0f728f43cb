//! Holders: which process holds what in the temp dirs, and how; turned round, who holds a path.

use super::holders_rows as rows;
use super::{Command, Pick, Tab, TabCard, TabId};
use crate::model::holder::Holders;
use crate::model::snapshot::Snapshot;
use crate::model::units::Bytes;
use crate::tui::app::{App, Direction};
use crate::tui::table::{Column, Table};
use crate::tui::theme::Tone;
use crate::tui::widgets::doc::Doc;
use crate::tui::words;

/// See the module's header.
pub struct HoldersTab;

static CARD: TabCard = TabCard {
    id: TabId::Holders,
    number: 4,
    title: "Holders",
    asks: "which process holds what in the temp dirs, and how",
};

impl Tab for HoldersTab {
    fn card(&self) -> &'static TabCard {
        &CARD
    }

    fn table(&self, app: &App) -> Table {
        let mut table = match app.tabs.direction {
            Direction::ByProcess => by_process(),
            Direction::ByPath => by_path(),
        };
        let Some(now) = app.snapshot() else {
            table.empty = super::access::waiting(app);
            return table;
        };
        let Some(holders) = now.holders.value() else {
            table.empty = super::access::blind(&now.holders.gaps().iter().collect::<Vec<_>>(), app);
            return table;
        };
        table.banner = banner(now, holders);
        match app.tabs.direction {
            Direction::ByProcess => rows::by_process(app, now, holders, &mut table),
            Direction::ByPath => rows::by_path(app, now, holders, &mut table),
        }
        if table.rows.is_empty() {
            let text = if now.holders.is_whole() {
                "No process holds anything in a temp dir."
            } else {
                "None of the processes that could be read holds anything in a temp dir."
            };
            table.empty = vec![(text.to_owned(), Tone::Plain)];
        }
        table
    }

    fn detail_title(&self, app: &App, pick: &Pick) -> String {
        match pick {
            Pick::Process(pid) => {
                let process = app.snapshot().and_then(|now| now.process(*pid));
                let what = process.map_or_else(|| "a process that is gone".to_owned(), |p| p.comm.shown());
                let unit = process.filter(|p| p.unit.is_some() || p.container.is_some());
                let unit = unit.map_or_else(String::new, |p| format!(" of {}", words::process(p)));
                format!("What {what} ({pid}){unit} holds")
            }
            Pick::Held(path) => format!("Who holds {}", path.shown()),
            _ => "What is held".to_owned(),
        }
    }

    fn detail(&self, app: &App, pick: &Pick, doc: &mut Doc<'_>) {
        let Some(holders) = app.snapshot().and_then(|now| now.holders.value()) else { return };
        match pick {
            Pick::Process(pid) => rows::process_text(app, holders, *pid, doc),
            Pick::Held(path) => rows::path_text(app, holders, path, doc),
            _ => {}
        }
    }

    fn commands(&self, app: &App, pick: &Pick) -> Vec<Command> {
        let root = |line: String| words::as_root(app, line);
        match pick {
            Pick::Process(pid) => vec![
                Command::new("everything that it has open", root(format!("ls -l /proc/{pid}/fd"))),
                Command::new(
                    "its working directory, root and program",
                    root(format!("ls -l /proc/{pid}/cwd /proc/{pid}/root /proc/{pid}/exe")),
                ),
                Command::new(
                    "deleted files that it keeps",
                    root(format!("ls -l /proc/{pid}/fd | grep deleted")),
                ),
                Command::new("who started it", format!("ps -o pid,ppid,user,lstart,args -p {pid}")),
            ],
            Pick::Held(path) => {
                let holders = app.snapshot().and_then(|now| now.holders.value());
                let all = holders.map_or(&[][..], |holders| &holders.holdings);
                rows::by_hand(path, all)
                    .into_iter()
                    .map(|(what, line)| Command::new(what, root(line)))
                    .collect()
            }
            _ => Vec::new(),
        }
    }
}

fn by_process() -> Table {
    let mut table = Table::new(vec![
        Column::number("PID").sorted(),
        Column::text("USER").at_most(12).drops(4).sorted(),
        Column::text("UNIT / CONTAINER").at_most(34).at_least(18).drops(2).sorted(),
        Column::text("COMMAND").at_most(16).at_least(15).sorted(),
        Column::number("HOLDS").sorted(),
        Column::text("HOW").at_most(30).at_least(16).drops(3),
        Column::number("PINS").drops(1).sorted(),
        Column::number("SINCE").drops(5).sorted(),
    ]);
    table.title = vec![("Process to paths".to_owned(), Tone::Title)];
    table.noun = ("process", "processes");
    table
}

fn by_path() -> Table {
    let mut table = Table::new(vec![
        Column::path("PATH").at_most(60).at_least(24).sorted(),
        Column::text("IN").at_most(20).drops(4).sorted(),
        Column::number("BY").sorted(),
        Column::text("HOW").at_most(24).drops(3),
        Column::text("WHO").at_most(36).at_least(18).drops(2).sorted(),
        Column::number("PINS").drops(1).sorted(),
        Column::fixed("STATE"),
    ]);
    table.title = vec![("Path to processes".to_owned(), Tone::Title)];
    table.noun = ("path", "paths");
    table
}

/// The sums, and what is missing from them.
fn banner(now: &Snapshot, holders: &Holders) -> Vec<(String, Tone)> {
    let mut lines = Vec::new();
    let bytes: u64 = holders.pinned.iter().map(|p| p.bytes.0).sum();
    if bytes > 0 {
        let mut pids: Vec<u32> = holders.pinned.iter().map(|p| p.pid).collect();
        pids.sort_unstable();
        pids.dedup();
        let verb = if pids.len() == 1 { "pins" } else { "pin" };
        let who = words::count(pids.len(), ("process", "processes"));
        lines.push((format!("{who} {verb} {} of deleted files", Bytes(bytes)), Tone::Strong));
    }
    match words::unreadable(now) {
        Some(hidden) => lines.push((hidden, Tone::Warning)),
        None => lines.extend(super::access::missing(now.holders.gaps())),
    }
    lines
}
