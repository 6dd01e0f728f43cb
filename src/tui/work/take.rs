//! What comes back: a plan, how far the work is, what came of it, the journal.

use super::{Over, Stage, Treated};
use crate::model::reading::Reading;
use crate::model::work::{Ending, Outcome, Pace, Prospect, Wish, Worked};
use crate::tui::app::App;
use crate::tui::msg::Effect;
use crate::tui::overlays::{Kind, work_result};
use crate::tui::tabs::triage;

/// A plan, or why there is none. An answer to what is no longer asked finds no sheet.
pub fn planned(app: &mut App, wish: &Wish, prospect: Result<Box<Prospect>, String>) {
    let sheets = app.overlays.iter_mut().filter_map(|overlay| match &mut overlay.kind {
        Kind::Work(sheet) => Some((sheet, &mut overlay.at, &mut overlay.scroll)),
        _ => None,
    });
    let mut waiting = sheets.filter(|(s, ..)| s.wish == *wish && matches!(s.stage, Stage::Planning(_)));
    if let Some((sheet, at, scroll)) = waiting.next() {
        (*at, *scroll) = (0, 0);
        sheet.stage = match prospect {
            Ok(prospect) => Stage::Planned(prospect),
            Err(why) => Stage::NotPlanned(why),
        };
    }
}

/// How far the work under that digest is; without one, how far the plan is.
pub fn working(app: &mut App, digest: &str, pace: Box<Pace>) {
    if digest.is_empty() {
        let stages = app.overlays.iter_mut().filter_map(|overlay| match &mut overlay.kind {
            Kind::Work(sheet) => Some(&mut sheet.stage),
            _ => None,
        });
        if let Some(Stage::Planning(so_far)) = stages.into_iter().find(|s| matches!(s, Stage::Planning(_))) {
            *so_far = Some(pace);
        }
    } else if let Some(work) = app.works.under_way.as_mut().filter(|work| work.prospect.digest == digest) {
        work.pace = *pace;
    }
}

/// The work under that digest is over.
pub fn worked(app: &mut App, digest: &str, outcome: Outcome) -> Vec<Effect> {
    let is_ours = app.works.under_way.as_ref().is_some_and(|work| work.prospect.digest == digest);
    let Some(work) = app.works.under_way.take_if(|_| is_ours) else { return Vec::new() };
    if std::mem::take(&mut app.works.leaving) {
        // It said that the work goes on.
        app.note = None;
    }
    let prospect = work.prospect;
    if matches!(prospect.wish, Wish::Clean { .. }) && outcome.ending != Ending::Refused {
        app.tabs.picked.clear();
    }
    let sheet = app.overlays.iter_mut().find_map(|overlay| match &mut overlay.kind {
        Kind::Work(sheet) if matches!(sheet.stage, Stage::Working) => {
            (overlay.at, overlay.scroll) = (0, 0);
            Some(sheet)
        }
        _ => None,
    });
    if let Wish::Treat { finding, .. } = &prospect.wish
        && outcome.ending != Ending::Refused
    {
        let found = app.look.as_deref().map_or(&[][..], |look| &look.diagnosis.found);
        let known = found.iter().find(|f| triage::id_of(f) == *finding).map(|f| f.title.clone());
        let title = known.unwrap_or_else(|| prospect.title.clone());
        app.works.treated = Some(Treated { finding: finding.clone(), title });
    }
    if let Some(sheet) = sheet {
        sheet.stage = Stage::Over(Box::new(Over { prospect, outcome }));
    } else {
        let (sign, _) = work_result::mark(&app.theme, outcome.ending);
        app.note = Some(format!("{sign} {} (8 shows more)", outcome.headline));
    }
    app.mark_stale();
    vec![Effect::ReadJournal]
}

/// What was done to this machine.
pub fn journal(app: &mut App, journal: Reading<Vec<Worked>>) {
    app.works.journal = Some(journal);
    app.mark_stale();
}
