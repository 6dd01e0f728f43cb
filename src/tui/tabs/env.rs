//! Env: which temp variables each build process got, side by side, and at which ancestor a value came in.

use super::env_chain as chain;
use super::env_columns::{self as columns, Member};
use super::{Command, Pick, Tab, TabCard, TabId};
use crate::model::process::Pid;
use crate::model::reading::Seen;
use crate::tui::app::App;
use crate::tui::table::{Cell, Column, Row, Table};
use crate::tui::theme::Tone;
use crate::tui::widgets::doc::Doc;
use crate::tui::words;

/// See the module's header.
pub struct Env;

static CARD: TabCard = TabCard {
    id: TabId::Env,
    number: 6,
    title: "Env",
    asks: "which temp variables each build process got, and from where",
};

impl Tab for Env {
    fn card(&self) -> &'static TabCard {
        &CARD
    }

    fn table(&self, app: &App) -> Table {
        let mut table = Table::new(vec![Column::text("VARIABLE").at_most(24)]);
        table.title = vec![("What each build process got".to_owned(), Tone::Title)];
        table.noun = ("variable", "variables");
        let Some(now) = app.snapshot() else {
            table.empty = super::access::waiting(app);
            return table;
        };
        let members = columns::members(app, now);
        if members.is_empty() {
            let text = "No runner, build tool, compiler cache or build daemon runs here now.";
            table.empty = vec![
                (text.to_owned(), Tone::Plain),
                ("Start a job, or name more programs in the configuration (roles).".to_owned(), Tone::Dim),
            ];
            return table;
        }
        table.columns.extend(members.iter().map(|m| Column::text(m.title.clone())));
        table.column = Some(columns::selected(app, &members) + 1);
        table.banner = words::unreadable(now).map(|text| (text, Tone::Warning)).into_iter().collect();
        let mut rows: Vec<(Vec<String>, Vec<Cell>)> = Vec::new();
        for name in columns::names(app, &members) {
            let cells = columns::cells(app, &members, &name);
            // TEMP and TMP that say the same everywhere share a row.
            match rows.last_mut() {
                Some((names, before)) if *before == cells && names.iter().all(|n| n != "TMPDIR") => {
                    names.push(name);
                }
                _ => rows.push((vec![name], cells)),
            }
        }
        for (names, values) in rows {
            let mut cells = vec![Cell::plain(names.join(", "))];
            cells.extend(values);
            let id = format!("variable {}", names.first().cloned().unwrap_or_default());
            table.rows.push(Row::new(id, Pick::Variables(names), cells));
        }
        table
    }

    fn detail_title(&self, app: &App, pick: &Pick) -> String {
        match (name(pick), member(app)) {
            (Some(name), Some(member)) => {
                let dot = app.theme.glyphs.dot;
                format!("Where {}'s {name} comes from {dot} pid {}", member.title, member.pid)
            }
            _ => "Where it comes from".to_owned(),
        }
    }

    fn detail(&self, app: &App, pick: &Pick, doc: &mut Doc<'_>) {
        if let (Some(name), Some(member), Some(now)) = (name(pick), member(app), app.snapshot()) {
            chain::draw(app, now, (&member, name), doc);
        }
    }

    fn commands(&self, app: &App, pick: &Pick) -> Vec<Command> {
        let (Some(name), Some(member)) = (name(pick), member(app)) else { return Vec::new() };
        let pid = member.pid;
        let read = words::as_root(app, format!("cat /proc/{pid}/environ"));
        let each = words::as_root(app, "cat /proc/$p/environ");
        let walk = format!(
            "p={pid}; while [ \"$p\" -gt 0 ]; do printf '%s %s ' $p \"$(cat /proc/$p/comm)\"; {each} | tr '\\0' '\\n' | grep '^{name}=' || echo -; p=$(awk '/^PPid/ {{print $2}}' /proc/$p/status); done"
        );
        vec![
            Command::new(
                "the value that it got at exec",
                format!("{read} | tr '\\0' '\\n' | grep '^{name}='"),
            ),
            Command::new("the same for each of its ancestors", walk),
        ]
    }

    fn vantage(&self, app: &App, _pick: &Pick) -> Option<(usize, Option<Pid>)> {
        let pid = member(app)?.pid;
        let place = app.snapshot()?.vantages.items().iter().position(|v| v.pids.contains(&pid))?;
        Some((place, Some(pid)))
    }
}

fn name(pick: &Pick) -> Option<&str> {
    match pick {
        Pick::Variables(names) => names.first().map(String::as_str),
        _ => None,
    }
}

/// The process of the selected column.
fn member(app: &App) -> Option<Member> {
    let members = columns::members(app, app.snapshot()?);
    let place = columns::selected(app, &members);
    members.into_iter().nth(place)
}

/// The keys of the columns, for moving between them.
pub fn column_keys(app: &App) -> Vec<String> {
    let members = app.snapshot().map(|now| columns::members(app, now)).unwrap_or_default();
    members.into_iter().map(|m| m.key).collect()
}

/// A value as a cell shows it: duplicates behind each other, empty and unset told apart.
pub fn shown(values: &Seen<Vec<crate::model::raw_path::RawText>>, dash: &str) -> (String, Tone) {
    match values {
        Err(_) => ("not readable".to_owned(), Tone::Dim),
        Ok(values) if values.is_empty() => (dash.to_owned(), Tone::Dim),
        Ok(values) => {
            let all = values.iter().map(|v| if v.is_empty() { "\"\" (empty)".to_owned() } else { v.shown() });
            (all.collect::<Vec<_>>().join(" and "), Tone::Plain)
        }
    }
}
