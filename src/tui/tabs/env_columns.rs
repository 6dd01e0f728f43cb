//! The columns of the Env tab: build processes, those with the same label and values in one, and the user's own shell.

use std::collections::BTreeMap;

use super::env::shown;
use crate::model::environment::values_of;
use crate::model::process::{Pid, Process, RoleKind, Variable};
use crate::model::raw_path::RawText;
use crate::model::reading::Seen;
use crate::model::snapshot::Snapshot;
use crate::tui::app::App;
use crate::tui::table::Cell;
use crate::tui::text::safe;
use crate::tui::theme::Tone;

/// Further columns help nobody; how many there would be is said by the title.
const MOST: usize = 64;

/// One column.
#[derive(Clone, Debug)]
pub struct Member {
    /// The same from look to look.
    pub key: String,
    /// What stands above it.
    pub title: String,
    /// The process that it shows; more may share label and values.
    pub pid: Pid,
    /// The id of the part it plays; `None` for the user's own shell, which is context and no sibling.
    pub role: Option<String>,
}

/// The columns, runners first.
pub fn members(app: &App, now: &Snapshot) -> Vec<Member> {
    let mut builds: Vec<&Process> = now.all_processes().filter(|p| p.is_build()).collect();
    builds.sort_by_key(|p| (rank(p), p.label(), p.pid));
    let mut seen: Vec<(String, &Process)> = Vec::new();
    for process in builds {
        let title = title(process);
        let same =
            |(other, first): &&(String, &Process)| *other == title && first.variables == process.variables;
        if seen.iter().rev().take(32).find(same).is_none() && seen.len() < MOST {
            seen.push((title, process));
        }
    }
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let mut members: Vec<Member> = Vec::new();
    for (title, process) in seen {
        let nth = counts.entry(title.clone()).and_modify(|n| *n += 1).or_insert(1);
        // The label alone names a column from look to look; processes of one unit that differ are told apart by number.
        let key = format!("{title} {nth}");
        let title = if *nth > 1 { format!("{title} {}", process.pid) } else { title };
        let role = process.role.as_ref().map(|role| role.id.clone());
        members.push(Member { key, title, pid: process.pid, role });
    }
    if !members.is_empty() {
        members.extend(own_shell(app, now));
    }
    members
}

/// The variables that tell something here: temp dirs, other directories that tools share, wrappers. What names the job,
/// the user or the place of one compilation differs everywhere and says nothing.
fn telling(process: &Process) -> impl Iterator<Item = &Variable> {
    const OWN: [&str; 5] = ["PWD", "OLDPWD", "HOME", "OUT_DIR", "USER"];
    const TEMP: [&str; 3] = ["TMPDIR", "TEMP", "TMP"];
    let all = process.variables.as_ref().map(Vec::as_slice).unwrap_or_default();
    all.iter().filter(|v| {
        let name = v.name.as_str();
        let tells = TEMP.contains(&name)
            || v.value.is_absolute()
            || name.contains("WRAPPER")
            || name.starts_with("SCCACHE_");
        tells && !OWN.contains(&name)
    })
}

fn rank(process: &Process) -> u8 {
    match process.role.as_ref().map(|role| role.kind) {
        Some(RoleKind::Runner) => 0,
        Some(RoleKind::CacheServer) => 1,
        Some(RoleKind::BuildDaemon) => 2,
        Some(RoleKind::BuildTool) => 3,
        Some(RoleKind::Other) | None => 4,
    }
}

/// Unit or container without what all of them share, and the command where it is not the runner itself.
fn title(process: &Process) -> String {
    let label = match &process.container {
        Some(container) => container.name.clone().unwrap_or_else(|| container.id.chars().take(12).collect()),
        None => process.label(),
    };
    let label = safe(label.strip_suffix(".service").unwrap_or(&label)).into_owned();
    let runner = rank(process) == 0;
    let comm = process.comm.shown();
    if runner || label == comm { label } else { format!("{comm} {label}") }
}

/// The nearest ancestor of tmpmedic that is a shell, else its parent.
fn own_shell(_app: &App, now: &Snapshot) -> Option<Member> {
    let chain = now.processes.value()?.ancestors(now.eyes.pid);
    let is_shell =
        |p: &&&Process| [&b"bash"[..], b"zsh", b"sh", b"fish", b"dash", b"ksh"].contains(&p.comm.as_bytes());
    let shell = chain.iter().skip(1).find(is_shell).or_else(|| chain.get(1))?;
    Some(Member { key: "your shell".to_owned(), title: "your shell".to_owned(), pid: shell.pid, role: None })
}

/// The place of the selected column among them.
pub fn selected(app: &App, members: &[Member]) -> usize {
    let wanted = app.tabs.column.as_ref();
    let found = wanted.and_then(|key| members.iter().position(|m| m.key == *key));
    found.unwrap_or(app.tabs.column_at).min(members.len().saturating_sub(1))
}

/// The variables that have a row: TMPDIR always, others where one of the columns has them.
pub fn names(app: &App, members: &[Member]) -> Vec<String> {
    let has = |name: &str| members.iter().any(|m| values(app, m, name).is_ok_and(|all| !all.is_empty()));
    let mut names = vec!["TMPDIR".to_owned()];
    let known = app.settings.catalog.variables.temp_names().chain(["TEMP", "TMP"]);
    for name in known {
        if !names.iter().any(|n| n == name) && has(name) {
            names.push(name.to_owned());
        }
    }
    let mut others: Vec<&String> = members
        .iter()
        .filter_map(|m| app.snapshot()?.process(m.pid))
        .flat_map(telling)
        .map(|v| &v.name)
        .collect();
    others.sort();
    others.dedup();
    for name in others {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    names
}

/// The values of a variable in one column.
pub fn values(app: &App, member: &Member, name: &str) -> Seen<Vec<RawText>> {
    let process = app.snapshot().and_then(|now| now.process(member.pid));
    process.map_or(Err(crate::model::reading::GapWhy::Vanished), |process| values_of(process, name))
}

/// One row of values; those that differ from most of their siblings are odd.
pub fn cells(app: &App, members: &[Member], name: &str) -> Vec<Cell> {
    let values: Vec<Seen<Vec<RawText>>> = members.iter().map(|m| values(app, m, name)).collect();
    let dash = app.theme.glyphs.dash;
    // Every build process needs the same temp dir; other variables compare among those that play the same part.
    let is_temp = ["TMPDIR", "TEMP", "TMP"].contains(&name);
    let cells = members.iter().zip(&values).map(|(member, value)| {
        let (text, tone) = shown(value, dash);
        let usual = usual(members, &values, if is_temp { None } else { member.role.as_ref() });
        let sibling = member.role.is_some() && value.is_ok();
        let odd = sibling && usual.as_ref().is_some_and(|usual| Some(usual) != value.as_ref().ok());
        let twice = value.as_ref().is_ok_and(|all| all.len() > 1);
        Cell::toned(if odd || twice { Tone::Odd } else { tone }, text)
    });
    cells.collect()
}

/// The value of most siblings; `None` where nothing can differ. Among equals none is usual, so that all of them show.
fn usual(members: &[Member], values: &[Seen<Vec<RawText>>], among: Option<&String>) -> Option<Vec<RawText>> {
    let mut counts: BTreeMap<&Vec<RawText>, usize> = BTreeMap::new();
    let sibling = |m: &Member| m.role.is_some() && (among.is_none() || m.role.as_ref() == among);
    for (_, value) in members.iter().zip(values).filter(|(m, _)| sibling(m)) {
        if let Ok(value) = value {
            *counts.entry(value).or_default() += 1;
        }
    }
    if counts.len() < 2 {
        return None;
    }
    let most = counts.values().max().copied()?;
    let mut usual = counts.iter().filter(|(_, n)| **n == most).map(|(value, _)| *value);
    match (usual.next(), usual.next()) {
        (Some(only), None) => Some(only.clone()),
        // A tie: unset is what nobody had to decide, so what is set stands out.
        (Some(first), Some(_)) if first.is_empty() => Some(Vec::new()),
        _ => Some(vec![RawText::from("\0")]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn siblings(values: &[&str]) -> Option<Vec<RawText>> {
        let member = |n: usize| Member {
            key: n.to_string(),
            title: String::new(),
            pid: 1,
            role: Some("runner".into()),
        };
        let members: Vec<Member> = (0..values.len()).map(member).collect();
        let values: Vec<Seen<Vec<RawText>>> =
            values.iter().map(|v| Ok(if v.is_empty() { vec![] } else { vec![RawText::from(*v)] })).collect();
        usual(&members, &values, None)
    }

    #[test]
    fn one_that_differs_stands_out_from_its_siblings() {
        assert_eq!(siblings(&["/var/tmp", "/var/tmp", "/tmp"]), Some(vec!["/var/tmp".into()]));
        assert_eq!(siblings(&["/var/tmp", "/var/tmp"]), None);
        assert_eq!(siblings(&["", "/tmp"]), Some(vec![]));
    }

    #[test]
    fn in_a_tie_between_values_all_of_them_stand_out() {
        let usual = siblings(&["/a", "/b"]).unwrap();
        assert_ne!(usual, [RawText::from("/a")]);
        assert_ne!(usual, [RawText::from("/b")]);
    }
}
