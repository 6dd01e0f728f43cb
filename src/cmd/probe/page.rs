//! A probe as text for people.

use std::collections::BTreeMap;

use super::choices::Choice;
use super::sentence::{place, sentence, stuck_at};
use super::{Report, Verdict};
use crate::collect::parse::cgroup::belonging;
use crate::model::raw_path::RawPath;

/// Everything up to the command of `--exec`.
pub(super) fn page(report: &Report) -> String {
    let mut out = title(report);
    out.push_str(&choices(report));
    out.push('\n');
    for step in &report.result.steps {
        let errno = step.errno.map_or_else(|| "ok".to_owned(), crate::model::errno::Errno::name);
        let text = step.errno.map(crate::model::errno::Errno::text).unwrap_or_default();
        let line = format!("  {:<9} {errno:<13} {:>8}  {text}", step.step.word(), step.took);
        out.push_str(line.trim_end());
        out.push('\n');
    }
    if let Some(step) = stuck_at(&report.result) {
        out.push_str(&format!("  {:<9} no answer\n", step.word()));
    }
    out.push('\n');
    for what in &report.result.not_imitated {
        out.push_str(&format!("not imitated: {what}\n"));
    }
    for path in &report.result.left_behind {
        out.push_str(&format!("left behind: {path} (remove it by hand: rmdir {})\n", path.quoted()));
    }
    let word = match report.verdict() {
        Verdict::Passed => "PASSED",
        Verdict::Failed => "FAILED",
        Verdict::Unknown => "UNKNOWN",
    };
    out.push_str(&format!("{word}: {}\n", sentence(report)));
    out
}

/// How the command of `--exec` ended.
pub(super) fn executed(report: &Report) -> String {
    if report.wants_command && report.executed.is_none() {
        return "not run: the command of --exec, in a view that cannot be taken or does not answer\n"
            .to_owned();
    }
    report.executed.as_ref().map_or_else(String::new, |executed| {
        let words: Vec<String> = executed.command.iter().map(RawPath::quoted).collect();
        format!("exit code {}: {}\n", executed.code, words.join(" "))
    })
}

fn title(report: &Report) -> String {
    let who = &report.who;
    let belongs = belonging(who.cgroup.as_bytes());
    let container = belongs.container.map(|container| container.label());
    let home = report.whom.unit.clone().or(container).or(belongs.unit);
    let home = home.map(|home| format!("{}, ", RawPath::from(home.as_str()).shown())).unwrap_or_default();
    let process = match &report.whom.user {
        Some(user) => format!("user {}", RawPath::from(user.as_str()).shown()),
        None if report.whom.is_us => "this process".to_owned(),
        None => format!("{home}pid {} ({})", who.pid, who.comm),
    };
    let named = if report.asked_dir {
        "as asked".to_owned()
    } else if who.variables.iter().any(|variable| variable.name == "TMPDIR") {
        (if report.whom.user.is_some() { "from our own TMPDIR" } else { "from TMPDIR" }).to_owned()
    } else {
        "TMPDIR is not set".to_owned()
    };
    format!(
        "as        {process}, {}\nview      mount namespace {}, root {}, working directory {}\ntemp dir  {}, {named}\n",
        who.credentials.shown(),
        who.mount_ns.number(),
        who.root,
        who.cwd,
        place(&report.dir),
    )
}

/// One line for each directory that some kind of program takes, those like the probed one first.
fn choices(report: &Report) -> String {
    let mut by_dir: BTreeMap<Option<&RawPath>, Vec<&Choice>> = BTreeMap::new();
    for choice in &report.choices {
        by_dir.entry(choice.dir.as_ref()).or_default().push(choice);
    }
    let mut groups: Vec<_> = by_dir.into_iter().collect();
    groups.sort_by_key(|(dir, _)| *dir != Some(&report.dir));
    let lines = groups.into_iter().map(|(dir, group)| {
        let names: Vec<&str> = group.iter().map(|choice| choice.resolver.name()).collect();
        let differs = match (dir == Some(&report.dir), report.asked_dir) {
            (_, true) => "  by the environment, not probed",
            (true, false) => "",
            (false, false) => "  differs",
        };
        let works = group.first().map(|choice| fares(choice)).unwrap_or_default();
        let dir = dir.map_or_else(|| "nothing".to_owned(), place);
        format!("takes     {dir}: {}{works}{differs}\n", names.join(", "))
    });
    lines.collect()
}

fn fares(choice: &Choice) -> String {
    match (choice.works, &choice.failure) {
        (Some(true), _) => "  works".to_owned(),
        (_, Some(failure)) => {
            let errno = failure.errno.map(crate::model::errno::Errno::name).unwrap_or_default();
            format!("  fails: {} {errno}", failure.step.word())
        }
        (Some(false), None) => "  fails".to_owned(),
        (None, None) => String::new(),
    }
}
