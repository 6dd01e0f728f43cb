//! The list of scenarios, and the course: what the engineer is told, never what it is.
//!
//! For people number, level and title; ids only for scripts, because most of them name the cause. What somebody solved is
//! not remembered: no file is written.

use std::process::ExitCode;

use serde_json::{Value, json};

use super::choose::Shelf;
use crate::cli::Global;
use crate::cmd::{out, surroundings};
use crate::lab::Machine;
use crate::model::raw_path::RawPath;
use crate::model::scenario::{Scenario, ScenarioKind};
use crate::report::page::{Ink, Page};
use crate::report::safe_json;

/// The version of the document of the course.
const COURSE_SCHEMA: &str = "tmpmedic.course/1";
/// Where titles begin.
const INDENT: usize = 12;

/// Prints all of them.
pub fn print(shelf: &Shelf, machine: &Machine, global: &Global) -> anyhow::Result<ExitCode> {
    let text = if global.json { document(shelf, machine)? } else { table(shelf, machine, global) };
    out::write(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// Prints the lessons in the order in which they are best taken.
pub fn print_course(shelf: &Shelf, machine: &Machine, global: &Global) -> anyhow::Result<ExitCode> {
    let text = if global.json {
        course_document(shelf, machine)?
    } else {
        let mut page = Page::new(&surroundings::page(global));
        course(&mut page, shelf, machine);
        page.gap();
        page.paragraph(
            0,
            "`tmpmedic lab NUMBER --learn` opens a lesson; without NUMBER, the first.",
            Ink::Dim,
        );
        page.into_text()
    };
    out::write(&text)?;
    Ok(ExitCode::SUCCESS)
}

fn document(shelf: &Shelf, machine: &Machine) -> anyhow::Result<String> {
    let rows = shelf
        .scenarios
        .iter()
        .map(|scenario| keys(scenario, machine, json!({"kind": scenario.kind, "cause": scenario.cause})));
    Ok(safe_json::to_line(&rows.collect::<Vec<_>>())?)
}

fn course_document(shelf: &Shelf, machine: &Machine) -> anyhow::Result<String> {
    let lessons = shelf
        .course()
        .map(|lesson| keys(lesson, machine, json!({"number": lesson.course, "level": lesson.level})));
    let lessons: Vec<_> = lessons.collect();
    Ok(safe_json::to_line(&json!({"schema": COURSE_SCHEMA, "lessons": lessons}))?)
}

/// What both documents say of a scenario, and `more`.
fn keys(scenario: &Scenario, machine: &Machine, mut more: Value) -> Value {
    let objection = machine.objection(scenario);
    let common = [
        ("id", json!(scenario.id)),
        ("title", json!(scenario.title)),
        ("buildable", json!(objection.is_none())),
        ("reason", json!(objection)),
    ];
    if let Some(keys) = more.as_object_mut() {
        keys.extend(common.map(|(key, value)| (key.to_owned(), value)));
    }
    more
}

fn table(shelf: &Shelf, machine: &Machine, global: &Global) -> String {
    let mut page = Page::new(&surroundings::page(global));
    course(&mut page, shelf, machine);
    page.gap();
    page.line("More, from easy to hard", Ink::Bold);
    for (number, scenario) in (1..).zip(&shelf.scenarios).filter(|(_, scenario)| scenario.course.is_none()) {
        row(&mut page, (number, scenario), machine);
    }
    page.gap();
    page.paragraph(
        0,
        "`tmpmedic lab NUMBER` builds one and opens the console in it; with `--learn` what it is \
        stays hidden until you name it.",
        Ink::Dim,
    );
    page.into_text()
}

fn course(page: &mut Page, shelf: &Shelf, machine: &Machine) {
    if let Some(refusal) = &machine.refusal {
        page.paragraph(0, &format!("No lab can be opened here: {refusal}."), Ink::Warn);
        page.gap();
    }
    page.line("The short course", Ink::Bold);
    for (number, scenario) in (1..).zip(&shelf.scenarios).filter(|(_, scenario)| scenario.course.is_some()) {
        row(page, (number, scenario), machine);
    }
}

fn row(page: &mut Page, (number, scenario): (usize, &Scenario), machine: &Machine) {
    let kind = match scenario.kind {
        ScenarioKind::Story => "  (a story)",
        ScenarioKind::Cause | ScenarioKind::NearMiss => "",
    };
    let level = "*".repeat(usize::from(scenario.level.min(5)));
    let title = RawPath::from(scenario.title.as_str()).shown();
    page.hang(&format!("{number:>3}  {level:<5}  "), &format!("{title}{kind}"), Ink::Plain);
    let mut aside = |label: &str, why: &str| {
        page.hang_inked(
            (&format!("{:INDENT$}{label}: ", ""), Ink::Dim),
            &RawPath::from(why).shown(),
            Ink::Dim,
        );
    };
    if let Some(why) = machine.objection(scenario).filter(|_| machine.refusal.is_none()) {
        aside("not here", &why);
    }
    if let Some(later) = &scenario.later {
        aside("not judged yet", later);
    }
}
