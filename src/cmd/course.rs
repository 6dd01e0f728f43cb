//! `lab --course`: the lessons in the order in which they are best taken.
//!
//! Number, title and level; the ids only for scripts, because most of them name the cause. What somebody solved is not
//! remembered: no file is written.

use std::process::ExitCode;

use serde::Serialize;

use crate::catalog::scenarios;
use crate::cli::Global;
use crate::cmd::{Refusal, out, surroundings};
use crate::report::page::{Ink, Page as Paper};
use crate::report::{Options, safe_json};

/// The version of the document.
const SCHEMA: &str = "tmpmedic.course/1";

#[derive(Serialize)]
struct CourseKeys {
    schema: &'static str,
    lessons: Vec<LessonKeys>,
}

#[derive(Serialize)]
struct LessonKeys {
    number: u8,
    id: String,
    title: String,
    level: u8,
}

/// Prints the course.
pub fn run(global: &Global) -> anyhow::Result<ExitCode> {
    let lessons = scenarios::course().into_iter().filter_map(|lesson| {
        Some(LessonKeys { number: lesson.course?, id: lesson.id, title: lesson.title, level: lesson.level })
    });
    let lessons: Vec<LessonKeys> = lessons.collect();
    let text = if global.json {
        let keys = CourseKeys { schema: SCHEMA, lessons };
        safe_json::to_line(&keys)
            .map_err(|why| Refusal::internal(format!("cannot make the document: {why}")))?
    } else {
        list(&lessons, global)
    };
    out::write(&text)?;
    Ok(ExitCode::SUCCESS)
}

fn list(lessons: &[LessonKeys], global: &Global) -> String {
    let options = Options {
        width: surroundings::report_columns(),
        colour: surroundings::colour(global),
        glyphs: surroundings::glyphs(global),
        ..Options::default()
    };
    let mut paper = Paper::new(&options);
    for lesson in lessons {
        let title = format!("{} (level {} of 5)", lesson.title, lesson.level);
        paper.hang(&format!("{:>2}  ", lesson.number), &title, Ink::Plain);
    }
    paper.into_text()
}
