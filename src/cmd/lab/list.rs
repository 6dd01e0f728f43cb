//! The list of scenarios: what the engineer is told, never what it is.

use std::process::ExitCode;

use serde_json::json;

use super::choose::Shelf;
use crate::cli::Global;
use crate::cmd::out;
use crate::lab::Machine;
use crate::model::raw_path::RawPath;
use crate::model::scenario::{Scenario, ScenarioKind};

/// Columns of the list.
const WIDTH: usize = 80;

/// Prints it.
pub fn print(shelf: &Shelf, machine: &Machine, global: &Global) -> anyhow::Result<ExitCode> {
    let text = if global.json { document(shelf, machine)? } else { table(shelf, machine) };
    out::write(&text)?;
    Ok(ExitCode::SUCCESS)
}

fn document(shelf: &Shelf, machine: &Machine) -> anyhow::Result<String> {
    let row = |scenario: &Scenario| {
        let objection = machine.objection(scenario);
        json!({
            "id": scenario.id,
            "title": scenario.title,
            "kind": scenario.kind,
            "cause": scenario.cause,
            "buildable": objection.is_none(),
            "reason": objection,
        })
    };
    let rows: Vec<_> = shelf.scenarios.iter().map(row).collect();
    Ok(format!("{}\n", serde_json::to_string_pretty(&rows)?))
}

fn table(shelf: &Shelf, machine: &Machine) -> String {
    let mut text = String::new();
    if let Some(refusal) = &machine.refusal {
        text.push_str(&wrapped(&format!("No lab can be opened here: {refusal}."), 0));
        text.push('\n');
    }
    for (number, scenario) in (1..).zip(&shelf.scenarios) {
        let title = RawPath::from(scenario.title.as_str()).shown();
        let kind = match scenario.kind {
            ScenarioKind::Story => "  (a story)",
            ScenarioKind::Cause | ScenarioKind::NearMiss => "",
        };
        let level = "*".repeat(usize::from(scenario.level.min(5)));
        text.push_str(&wrapped(&format!("{number:>3}  {level:<5}  {title}{kind}"), 12));
        let why = machine.objection(scenario).filter(|_| machine.refusal.is_none());
        if let Some(why) = why {
            text.push_str(&wrapped(&format!("{:12}not here: {why}", ""), 22));
        }
        if let Some(later) = &scenario.later {
            let later = RawPath::from(later.as_str()).shown();
            text.push_str(&wrapped(&format!("{:12}not judged yet: {later}", ""), 28));
        }
    }
    text.push_str("\n`tmpmedic lab NUMBER` builds one and opens the console in it.\n");
    text
}

/// Broken at blanks, so that no line is longer than the list; what follows the first is indented.
fn wrapped(line: &str, indent: usize) -> String {
    let mut text = String::new();
    let mut rest = line.trim_end().to_owned();
    while rest.chars().count() > WIDTH {
        let blanks = rest.char_indices().take(WIDTH + 1).filter(|(at, c)| *c == ' ' && *at > indent);
        let Some((head, tail)) = blanks.last().and_then(|(at, _)| rest.split_at_checked(at)) else { break };
        text.push_str(head.trim_end());
        text.push('\n');
        rest = format!("{:indent$}{}", "", tail.trim_start());
    }
    text.push_str(&rest);
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_is_longer_than_the_list() {
        let line = format!("  1  **     {}", "some words ".repeat(20));
        let text = wrapped(&line, 12);
        assert!(text.lines().count() > 2);
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
        assert!(text.lines().skip(1).all(|line| line.starts_with("            some")), "{text}");
        assert_eq!(wrapped("short", 4), "short\n");
    }
}
