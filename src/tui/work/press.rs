//! What keys do about changes: on a tab, in the sheet of a plan, and on the way out.

use super::wishes::{self, Extent};
use super::{Sheet, Stage, UnderWay, Word, ask, sheet, sheet_mut};
use crate::model::finding::Finding;
use crate::model::plan::Wishes;
use crate::model::work::{Ending, Pace, Wish};
use crate::tui::app::App;
use crate::tui::keys::KeyId;
use crate::tui::msg::Effect;
use crate::tui::overlays::{Kind, Overlay, work_sheet};
use crate::tui::tabs::{Command, TabId, access, triage};

/// What a key of this room would do on a tab, or why it does nothing; `None` where it is no key of this room there.
pub fn on_tab(app: &App, id: KeyId) -> Option<Result<Wish, String>> {
    match (id, app.tab) {
        (KeyId::Helps, _) if app.works.under_way.is_some() => None,
        (KeyId::Helps, TabId::Entries) => Some(wishes::clean(app, Extent::Chosen)),
        (KeyId::Ways, TabId::Entries) => Some(wishes::clean(app, Extent::Whole)),
        (KeyId::Undo | KeyId::TakeBack, _) => Some(wishes::undo(app)),
        (KeyId::Purge, _) => Some(wishes::purge(app)),
        _ => None,
    }
}

/// Why a key that one looks for here does nothing: it is shown all the same.
pub fn why_barred(app: &App, id: KeyId) -> Option<String> {
    let is_looked_for = match id {
        KeyId::Helps => app.tab == TabId::Entries && app.snapshot().is_some(),
        KeyId::Undo | KeyId::TakeBack | KeyId::Purge => {
            app.tab == TabId::Journal && wishes::selected(app).is_some()
        }
        _ => false,
    };
    is_looked_for.then(|| on_tab(app, id)?.err()).flatten()
}

/// Whether a key of this room does something on a tab.
pub fn can_on_tab(app: &App, id: KeyId) -> bool {
    if let Some(wish) = on_tab(app, id) {
        return wish.is_ok() && (app.tab != TabId::Entries || app.snapshot().is_some());
    }
    let finding = finding(app);
    match id {
        KeyId::Helps => finding.is_some() || app.works.under_way.is_some(),
        // The only way is the one that `f` goes; from a vantage that leads to the others.
        _ => app.tab == TabId::Triage && finding.is_some_and(|finding| finding.actions.len() > 1),
    }
}

/// The finding that the selected row shows, or that tells why nothing can be created there.
fn finding(app: &App) -> Option<&Finding> {
    let pick = app.pick();
    triage::finding(app, &pick).or_else(|| access::finding(app, &pick))
}

/// Opens the sheet of a wish, and asks for its plan.
pub fn open(app: &mut App, sheet: Sheet) -> Vec<Effect> {
    let wish = sheet.wish.clone();
    app.overlays.push(Overlay::new(Kind::Work(Box::new(sheet))));
    vec![Effect::Plan(wish)]
}

/// Does what a key of this room means on a tab.
pub fn press_on_tab(app: &mut App, id: KeyId) -> Vec<Effect> {
    if let Some(wish) = on_tab(app, id) {
        return wish.map_or_else(|_| Vec::new(), |wish| open(app, Sheet::new(wish)));
    }
    if let (KeyId::Helps, Some(work)) = (id, &app.works.under_way) {
        let sheet = Sheet { stage: Stage::Working, ..Sheet::new(work.prospect.wish.clone()) };
        app.overlays.push(Overlay::new(Kind::Work(Box::new(sheet))));
        return Vec::new();
    }
    let Some(finding) = finding(app) else { return Vec::new() };
    let known = triage::id_of(finding);
    if id == KeyId::Ways {
        app.overlays.push(Overlay::new(Kind::Ways { finding: known }));
    } else if let Some(wish) = wishes::first(app, finding) {
        let sheet = about(finding, wish);
        return open(app, sheet);
    } else {
        app.overlays.push(Overlay::new(Kind::Helps { finding: known }));
    }
    Vec::new()
}

fn about(finding: &Finding, wish: Wish) -> Sheet {
    Sheet { cause: Some(finding.id.clone()), about: Some(finding.title.clone()), ..Sheet::new(wish) }
}

/// Goes the marked way of the list of ways: to its plan, or to its commands where tmpmedic only tells them.
pub fn choose_way(app: &mut App) -> Vec<Effect> {
    let Some(Overlay { kind: Kind::Ways { finding: known }, at, .. }) = app.overlays.last().cloned() else {
        return Vec::new();
    };
    let Some(finding) = triage::known_as(app, &known) else { return Vec::new() };
    let chosen = finding.actions.get(at).and_then(|action| wishes::treat(app, finding, action));
    let sheet = chosen.map(|wish| about(finding, wish));
    app.overlays.pop();
    let Some(sheet) = sheet else {
        app.overlays.push(Overlay { at, ..Overlay::new(Kind::Helps { finding: known }) });
        return Vec::new();
    };
    if self::sheet(app).is_some_and(|below| !matches!(below.stage, Stage::Working)) {
        app.overlays.pop();
    }
    open(app, sheet)
}

/// Whether a key does something in the sheet of a plan.
pub fn can_in_sheet(app: &App, sheet: &Sheet, id: KeyId) -> bool {
    let stage = &sheet.stage;
    match id {
        KeyId::Open => app.can_confirm(),
        KeyId::OtherWays => {
            !matches!(stage, Stage::Working | Stage::Over(_)) && other_ways(app, sheet).is_some()
        }
        KeyId::Forever | KeyId::Older | KeyId::Younger => wished_otherwise(sheet, id).is_some(),
        KeyId::Stop => app.works.under_way.as_ref().is_some_and(|work| !work.stopping) && is_working(sheet),
        KeyId::Rescan => match stage {
            Stage::NotPlanned(_) | Stage::Planned(_) => true,
            Stage::Over(over) => over.outcome.ending != Ending::Whole,
            Stage::Planning(_) | Stage::Working => false,
        },
        KeyId::ByHand => sheet.prospect().is_some_and(|prospect| !prospect.steps.is_empty()),
        KeyId::Explain => sheet.cause.as_ref().is_some_and(|id| crate::catalog::runbook::page(id).is_some()),
        KeyId::Undo => sheet.outcome().is_some_and(|outcome| outcome.can_undo && outcome.work.is_some()),
        KeyId::Right => work_sheet::lot(app).is_some_and(|lot| !lot.samples.is_empty()),
        _ => true,
    }
}

fn is_working(sheet: &Sheet) -> bool {
    matches!(sheet.stage, Stage::Working)
}

/// The finding of a sheet, where there are several ways against it.
fn other_ways(app: &App, sheet: &Sheet) -> Option<String> {
    let Wish::Treat { finding, .. } = &sheet.wish else { return None };
    triage::known_as(app, finding).filter(|found| found.actions.len() > 1).map(triage::id_of)
}

fn wished_otherwise(sheet: &Sheet, id: KeyId) -> Option<Wish> {
    let Wish::Clean { root, wishes } = &sheet.wish else { return None };
    if matches!(sheet.stage, Stage::Working | Stage::Over(_)) {
        return None;
    }
    let wishes = match id {
        KeyId::Forever => Wishes { delete: !wishes.delete, ..wishes.clone() },
        KeyId::Older => wishes::older(wishes)?,
        _ => wishes::younger(wishes)?,
    };
    Some(Wish::Clean { root: root.clone(), wishes })
}

/// Does what a key means in the sheet of a plan; `None` where it means there what it means in every sheet.
pub fn in_sheet(app: &mut App, id: KeyId) -> Option<Vec<Effect>> {
    let sheet = sheet(app)?;
    if id == KeyId::Back {
        sheet_mut(app)?.word.take()?;
        return Some(Vec::new());
    }
    if id == KeyId::Open {
        return Some(enter(app));
    }
    if !can_in_sheet(app, sheet, id) {
        return Some(Vec::new());
    }
    match id {
        KeyId::OtherWays => {
            let finding = other_ways(app, sheet)?;
            app.overlays.push(Overlay::new(Kind::Ways { finding }));
        }
        KeyId::Forever | KeyId::Older | KeyId::Younger => {
            let wish = wished_otherwise(sheet, id)?;
            return Some(plan(app, wish));
        }
        KeyId::Rescan => {
            let wish = sheet.wish.clone();
            return Some(plan(app, wish));
        }
        KeyId::Undo => {
            let work = sheet.outcome()?.work;
            return Some(plan(app, Wish::Undo(work)));
        }
        KeyId::Stop => {
            app.works.under_way.as_mut()?.stopping = true;
            return Some(vec![Effect::StopWork]);
        }
        KeyId::ByHand => {
            let prospect = sheet.prospect()?;
            let steps = prospect.steps.iter();
            let commands = steps.map(|step| Command::new(step.does.clone(), step.by_hand.clone())).collect();
            let title = format!("By hand: {}", prospect.does);
            app.overlays.push(Overlay::new(Kind::ByHand { title, commands }));
        }
        KeyId::Explain => {
            let id = sheet.cause.clone()?;
            app.overlays.push(Overlay::new(Kind::Page { id }));
        }
        KeyId::Right => {
            let lot = work_sheet::lot(app)?.clone();
            app.overlays.push(Overlay::new(Kind::Samples(Box::new(lot))));
        }
        _ => return None,
    }
    Some(Vec::new())
}

/// Asks for a plan in the sheet on screen.
fn plan(app: &mut App, wish: Wish) -> Vec<Effect> {
    let Some(overlay) = app.overlays.last_mut() else { return Vec::new() };
    (overlay.at, overlay.scroll) = (0, 0);
    if let Some(sheet) = sheet_mut(app) {
        let (cause, about) = (sheet.cause.take(), sheet.about.take());
        *sheet = Sheet { cause, about, ..Sheet::new(wish.clone()) };
    }
    vec![Effect::Plan(wish)]
}

/// Says yes, where the question may be answered now; what cannot be taken back wants its word first.
fn enter(app: &mut App) -> Vec<Effect> {
    let barred = sheet(app).and_then(Sheet::prospect).and_then(|prospect| ask::barred(app, prospect));
    if let Some(barred) = barred {
        app.note = Some(barred.why);
        return Vec::new();
    }
    if !app.can_confirm() {
        return Vec::new();
    }
    let Some(sheet) = sheet_mut(app) else { return Vec::new() };
    let Stage::Planned(prospect) = &sheet.stage else { return Vec::new() };
    if let Some(wanted) = &prospect.word {
        let Some(word) = &mut sheet.word else {
            sheet.word = Some(Word::default());
            return Vec::new();
        };
        if word.input.value().trim() != wanted {
            *word = Word { wrong: true, ..Word::default() };
            return Vec::new();
        }
    }
    let prospect = prospect.clone();
    let digest = prospect.digest.clone();
    sheet.word = None;
    sheet.stage = Stage::Working;
    app.works.under_way = Some(UnderWay { prospect, pace: Pace::default(), stopping: false });
    if let Some(overlay) = app.overlays.last_mut() {
        (overlay.at, overlay.scroll) = (0, 0);
    }
    vec![Effect::Apply { digest }]
}

/// What leaving means while work is under way: it stops at its next step, and that is said; only the second time it leaves.
pub fn leave(app: &mut App) -> Option<Vec<Effect>> {
    let work = app.works.under_way.as_mut().filter(|_| !app.works.leaving)?;
    let told = std::mem::replace(&mut work.stopping, true);
    app.works.leaving = true;
    app.note = Some("the work goes on to its next step and stops there; q again leaves".to_owned());
    Some(if told { Vec::new() } else { vec![Effect::StopWork] })
}

/// What the footer calls a key here and now, where that is another word than elsewhere.
pub fn label(app: &App, id: KeyId) -> Option<&'static str> {
    match (id, sheet(app)) {
        (KeyId::Rescan, Some(_)) => Some("plan again"),
        (KeyId::Copy, Some(Sheet { stage: Stage::Over(_), .. })) => Some("copy report"),
        (KeyId::Forever, Some(Sheet { wish: Wish::Clean { wishes, .. }, .. })) if wishes.delete => {
            Some("put aside")
        }
        (KeyId::Helps, None) if app.works.under_way.is_some() => Some("the work"),
        (KeyId::Helps, None) if app.tab == TabId::Entries => Some("clean up"),
        (KeyId::Ways, None) if app.tab == TabId::Entries => Some("clean all"),
        (KeyId::Helps, None) => {
            let finding = finding(app)?;
            wishes::first(app, finding).map(|_| "fix")
        }
        _ => None,
    }
}
