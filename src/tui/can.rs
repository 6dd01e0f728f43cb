//! Whether a key does something here and now: the footer shows only those, the palette too.

use super::app::{App, Pane};
use super::keys::KeyId;
use super::overlays::Kind;
use super::replay;
use super::tabs::{Pick, TabId};
use super::work;

/// Whether a key does something here and now.
pub fn can(app: &App, id: KeyId) -> bool {
    match app.overlays.last() {
        Some(overlay) => can_in_sheet(app, &overlay.kind, id),
        None => can_on_tab(app, id),
    }
}

/// Why a key is shown although it does nothing: one looks for it here.
pub fn why_barred(app: &App, id: KeyId) -> Option<String> {
    if replay::is_barred(app, id) {
        return Some(replay::why_barred(app));
    }
    work::press::why_barred(app, id)
}

/// Whether a key would do something on the tab below the sheets.
pub fn can_below(app: &App, id: KeyId) -> bool {
    can_on_tab(app, id)
}

fn can_in_sheet(app: &App, kind: &Kind, id: KeyId) -> bool {
    if matches!(id, KeyId::Up | KeyId::Down | KeyId::PageUp | KeyId::PageDown | KeyId::First | KeyId::Last) {
        return super::overlays::moves(app);
    }
    if let Kind::Work(sheet) = kind
        && !matches!(id, KeyId::Copy | KeyId::Help)
    {
        return work::press::can_in_sheet(app, sheet, id);
    }
    match id {
        KeyId::Open => {
            matches!(kind, Kind::Palette { .. } | Kind::Guess { .. } | Kind::Lesson(_) | Kind::Ways { .. })
        }
        KeyId::Copy => super::overlays::copy(app).is_some(),
        KeyId::Help => !matches!(kind, Kind::Help),
        KeyId::QuitReport => !super::teach::hides(app, id),
        _ => true,
    }
}

fn can_on_tab(app: &App, id: KeyId) -> bool {
    if super::teach::hides(app, id) {
        return false;
    }
    if replay::is_barred(app, id) {
        return false;
    }
    if let Some(can) = replay::can(app, id) {
        return can;
    }
    let pick = app.pick();
    let has_row = pick != Pick::Nothing;
    match id {
        KeyId::Up | KeyId::Down | KeyId::PageUp | KeyId::PageDown | KeyId::First | KeyId::Last => has_row,
        KeyId::Left | KeyId::Right => app.view.table.column.is_some(),
        KeyId::Open | KeyId::Filter if pick == Pick::Lesson => false,
        KeyId::Open => has_row && (app.pane == Pane::List || super::act::deeper(app).is_some()),
        KeyId::Back => can_go_back(app),
        KeyId::Filter => !app.view.table.rows.is_empty(),
        KeyId::Sort | KeyId::Reverse => app.view.table.columns.iter().any(|c| c.sorts) && has_row,
        KeyId::Select => matches!(pick, Pick::Entry(_)),
        KeyId::NextDir | KeyId::PreviousDir => {
            app.tab == TabId::Entries && app.snapshot().is_some_and(|now| now.temp_dirs.items().len() > 1)
        }
        KeyId::Turn => app.tab == TabId::Holders && !app.view.table.rows.is_empty(),
        KeyId::AllMounts => app.tab == TabId::Mounts && app.look.is_some(),
        KeyId::Helps | KeyId::Ways | KeyId::Undo | KeyId::TakeBack | KeyId::Purge => {
            work::press::can_on_tab(app, id)
        }
        KeyId::Explain => {
            app.current().cause(app, &pick).is_some_and(|id| crate::catalog::runbook::page(&id).is_some())
        }
        KeyId::Probe => !app.settings.read_only && app.current().vantage(app, &pick).is_some(),
        KeyId::ByHand | KeyId::Copy => !app.current().commands(app, &pick).is_empty(),
        KeyId::Gaps => app.look.as_deref().is_some_and(|look| super::overlays::gaps::count(look) > 0),
        KeyId::Capture => app.look.is_some(),
        KeyId::Freeze => app.look.is_some() && app.replay.is_none(),
        KeyId::Hint | KeyId::Guess | KeyId::GiveUp | KeyId::Solution => super::teach::can(app, id),
        _ => true,
    }
}

fn can_go_back(app: &App) -> bool {
    let deeper = app.tab == TabId::Entries && !app.tabs.levels.is_empty();
    app.pane == Pane::Detail
        || deeper
        || !app.list().filter.is_empty()
        || !app.tabs.picked.is_empty() && app.tab == TabId::Entries
}
