//! What `y` copies, in a sheet and on a tab.

use super::{Kind, LessonSheet, helps_sheet, probe_result, solution, work_sheet};
use crate::catalog::runbook;
use crate::model::raw_path::RawPath;
use crate::tui::app::App;
use crate::tui::tabs::TabId;

/// What `y` copies in the topmost sheet.
pub fn copy(app: &App) -> Option<String> {
    let overlay = app.overlays.last()?;
    match &overlay.kind {
        Kind::ByHand { commands, .. } => commands.get(overlay.at).map(|c| c.line.clone()),
        Kind::Helps { finding } => helps_sheet::copy(app, finding, overlay.at),
        Kind::Work(sheet) => match sheet.outcome() {
            Some(outcome) => Some(outcome.report.clone()).filter(|report| !report.is_empty()),
            None => work_sheet::copy(app, sheet.prospect()?, overlay.at),
        },
        Kind::Samples(lot) => lot.samples.get(overlay.at).map(|(path, _)| path.quoted()),
        Kind::Page { id } => runbook::page(id).map(|page| page.body.to_owned()),
        Kind::Probe(probe) => probe_result::command(app, &probe.wish),
        Kind::Lesson(LessonSheet::Solution) => app.lesson.as_ref().and_then(solution::copy),
        Kind::Help
        | Kind::Palette { .. }
        | Kind::Ways { .. }
        | Kind::Gaps
        | Kind::Guess { .. }
        | Kind::Lesson(_) => None,
    }
}

/// What `y` copies on a tab: the paths that are picked, else the first command of the selected row.
pub fn copy_of_row(app: &App) -> Option<String> {
    if app.tab == TabId::Entries && !app.tabs.picked.is_empty() {
        let paths: Vec<String> = app.tabs.picked.iter().map(RawPath::quoted).collect();
        return Some(paths.join("\n"));
    }
    let commands = app.current().commands(app, &app.pick());
    commands.into_iter().next().map(|c| c.line)
}
