//! From a key press to what it does: in a text field, in a sheet, on a tab.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use tui_input::{Input, InputRequest};

use super::act;
use super::app::{App, Pane};
use super::can::can;
use super::keys::{self, Chord, Key, KeyId, Place};
use super::layout;
use super::msg::Effect;
use super::overlays::{self, Kind, Overlay};
use super::replay;
use super::tabs::{self, Pick, TABS, TabId, env};
use super::teach;
use super::widgets::frame::last_scroll;
use super::work;

/// Where a key is looked up now, in the order of precedence.
pub fn places(app: &App) -> Vec<Place> {
    let here = match (app.typing.is_some() || replay::is_asking(app), app.overlays.last().map(|o| &o.kind)) {
        (true, _) => vec![Place::Field],
        (false, Some(Kind::Palette { .. } | Kind::Guess { .. })) => vec![Place::Palette],
        (false, Some(Kind::Work(_))) if work::ask::is_word_asked(app) => vec![Place::Word],
        (false, Some(Kind::Work(_))) => vec![Place::Plan, Place::Sheet],
        (false, Some(_)) => vec![Place::Sheet],
        (false, None) => return places_below(app),
    };
    here.into_iter().chain([Place::Always]).collect()
}

/// Where one is looked up on the tab, as if no sheet lay over it and no text field were open.
pub fn places_below(app: &App) -> Vec<Place> {
    let replay = app.replay.is_some().then_some(Place::Replay);
    let tab = [Place::Tab(app.tab), Place::Screen, Place::Always];
    replay.into_iter().chain(lesson_place(app)).chain(tab).collect()
}

/// Where the keys of a lesson work, if there is one.
pub fn lesson_place(app: &App) -> Option<Place> {
    let lesson = app.lesson.as_ref()?;
    Some(if lesson.end().is_none() { Place::Lesson } else { Place::Solved })
}

/// The key that a chord means on the current tab.
pub fn meaning(app: &App, chord: Chord) -> Option<KeyId> {
    keys::means(&places_below(app), chord)
}

/// The sentence about a key, here and now.
pub fn help_of(app: &App, key: &Key) -> String {
    match key.id {
        KeyId::Tab(id) if app.tab(id).card().title != tabs::tab(id).card().title => {
            let card = app.tab(id).card();
            format!("{}: {}", card.title, card.asks)
        }
        _ => key.help.to_owned(),
    }
}

/// What the footer calls Enter here and now.
pub fn open_label(app: &App) -> &'static str {
    match (app.overlays.last().map(|o| &o.kind), app.pick()) {
        (Some(Kind::Guess { .. }), _) => "name it",
        (Some(Kind::Work(_)), _) => "do it",
        (Some(Kind::Ways { .. }), _) => "the plan",
        (Some(Kind::Lesson(sheet)), _) => teach::enter_label(*sheet, app),
        (Some(_), _) => "run",
        (None, Pick::Section(_)) => "open or close",
        (None, Pick::Finding(_)) => "why",
        (None, Pick::Vantage(_)) => "the way",
        (None, Pick::Variables(_)) => "where from",
        _ => "open",
    }
}

/// Does what a key means here.
pub fn press(app: &mut App, event: KeyEvent) -> Vec<Effect> {
    app.note = None;
    let id = keys::find(&places(app), &event);
    if work::ask::drops(app, id) || work::ask::drops_pasted(app, id) {
        return Vec::new();
    }
    if let Some(id) = id {
        return run(app, id);
    }
    edit(app, event);
    Vec::new()
}

/// Does what a key means, whoever pressed it.
pub fn run(app: &mut App, id: KeyId) -> Vec<Effect> {
    match id {
        KeyId::Interrupt => return vec![Effect::Quit],
        KeyId::Suspend => return vec![Effect::Suspend],
        _ => {}
    }
    if replay::is_asking(app) {
        return replay::answer(app, id);
    }
    if app.typing.is_some() {
        close_field(app, id);
        return Vec::new();
    }
    match id {
        KeyId::Quit | KeyId::QuitReport if let Some(effects) = work::press::leave(app) => return effects,
        KeyId::Quit => return vec![Effect::Quit],
        KeyId::QuitReport if teach::hides(app, id) => return act::act(app, id),
        KeyId::QuitReport => {
            app.report_wanted = true;
            return vec![Effect::QuitWithReport];
        }
        _ => {}
    }
    if app.overlays.is_empty() { on_tab(app, id) } else { in_sheet(app, id) }
}

fn close_field(app: &mut App, id: KeyId) {
    app.typing = None;
    if id == KeyId::Back {
        app.list_mut().filter.clear();
    }
}

fn in_sheet(app: &mut App, id: KeyId) -> Vec<Effect> {
    if let Some(effects) = work::press::in_sheet(app, id) {
        return effects;
    }
    match id {
        KeyId::Back => {
            app.overlays.pop();
        }
        KeyId::Open => return act::enter(app),
        KeyId::Copy => return act::copy(app),
        KeyId::Help if can(app, id) => app.overlays.push(Overlay::new(Kind::Help)),
        KeyId::Up | KeyId::Down | KeyId::PageUp | KeyId::PageDown | KeyId::First | KeyId::Last => {
            overlays::step(app, id);
        }
        _ => {}
    }
    Vec::new()
}

fn on_tab(app: &mut App, id: KeyId) -> Vec<Effect> {
    match id {
        KeyId::Up | KeyId::Down | KeyId::PageUp | KeyId::PageDown | KeyId::First | KeyId::Last => {
            step(app, id);
        }
        KeyId::Left | KeyId::Right => sideways(app, id),
        KeyId::Open => return act::open(app),
        KeyId::Back => {
            act::back(app);
            return act::follow(app);
        }
        KeyId::NextTab | KeyId::PreviousTab => {
            let here = TABS.iter().position(|tab| tab.card().id == app.tab).unwrap_or(0);
            let there = if id == KeyId::NextTab { here + 1 } else { here + TABS.len() - 1 };
            let tab = TABS.get(there % TABS.len()).map_or(app.tab, |tab| tab.card().id);
            return act::go_to_tab(app, tab);
        }
        KeyId::Tab(tab) => return act::go_to_tab(app, tab),
        KeyId::Filter if can(app, id) => app.typing = Some(Input::new(app.list().filter.clone())),
        KeyId::Sort if can(app, id) => act::sort(app),
        KeyId::Reverse if can(app, id) => app.list_mut().reverse(),
        KeyId::Palette => {
            app.overlays.push(Overlay::new(Kind::Palette { input: Input::default() }));
        }
        KeyId::Help => app.overlays.push(Overlay::new(Kind::Help)),
        other => return act::act(app, other),
    }
    Vec::new()
}

/// Moves in the list, or scrolls the detail, whichever has the keys.
fn step(app: &mut App, id: KeyId) {
    if app.pane == Pane::Detail || app.lesson_text().is_some() {
        let (width, height, helps) = layout::detail_size(app);
        let count = super::draw::detail(app, width, helps).len();
        let last = last_scroll(height, count);
        app.scroll = moved(app.scroll.min(last), height, last, id);
        return;
    }
    let last = app.view.shown.len().saturating_sub(1);
    let place = moved(app.list().at, layout::list_height(app), last, id);
    app.go_to(place);
}

/// The place that a key of movement leads to.
pub fn moved(from: usize, page: usize, last: usize, id: KeyId) -> usize {
    let page = page.saturating_sub(1).max(1);
    let to = match id {
        KeyId::Up => from.saturating_sub(1),
        KeyId::Down => from.saturating_add(1),
        KeyId::PageUp => from.saturating_sub(page),
        KeyId::PageDown => from.saturating_add(page),
        KeyId::First => 0,
        KeyId::Last => last,
        _ => from,
    };
    to.min(last)
}

/// In a matrix to the next column, elsewhere between list and detail.
fn sideways(app: &mut App, id: KeyId) {
    if app.tab == TabId::Env && app.pane == Pane::List {
        let keys = env::column_keys(app);
        let here = app.view.table.column.map_or(0, |column| column.saturating_sub(1));
        let there = if id == KeyId::Left { here.saturating_sub(1) } else { here + 1 };
        let there = there.min(keys.len().saturating_sub(1));
        app.tabs.column = keys.into_iter().nth(there);
        app.tabs.column_at = there;
        app.scroll = 0;
        app.mark_stale();
        return;
    }
    app.pane = match id {
        KeyId::Left => Pane::List,
        _ if app.pick() == Pick::Nothing => app.pane,
        _ => Pane::Detail,
    };
}

/// Text goes into the open text field, and nowhere else.
pub fn paste(app: &mut App, text: &str) {
    if work::ask::is_word_asked(app) {
        app.note = Some("pasted text is not taken here: type the word".to_owned());
        return;
    }
    let clean = text.chars().filter(|c| !crate::model::raw_path::is_control(*c)).take(200);
    for c in clean.collect::<Vec<_>>() {
        edit(app, KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE));
    }
}

fn edit(app: &mut App, event: KeyEvent) {
    let Some(request) = request(event) else { return };
    if let Some(goal) = replay::field(app) {
        goal.wrong = false;
        goal.input.handle(request);
    } else if let Some(input) = &mut app.typing {
        input.handle(request);
        let value = input.value().to_owned();
        app.list_mut().filter = value;
        app.scroll = 0;
    } else if work::ask::is_word_asked(app) {
        if let Some(word) = work::sheet_mut(app).and_then(|sheet| sheet.word.as_mut()) {
            word.wrong = false;
            word.input.handle(request);
        }
    } else if let Some(Overlay { kind: Kind::Palette { input } | Kind::Guess { input }, at, .. }) =
        app.overlays.last_mut()
    {
        input.handle(request);
        *at = 0;
    }
}

fn request(event: KeyEvent) -> Option<InputRequest> {
    let ctrl = event.modifiers.contains(KeyModifiers::CONTROL);
    let alt = event.modifiers.contains(KeyModifiers::ALT);
    Some(match (event.code, ctrl, alt) {
        (KeyCode::Char(c), false, false) => InputRequest::InsertChar(c),
        (KeyCode::Char('u'), true, false) => InputRequest::DeleteLine,
        (KeyCode::Char('w'), true, false) => InputRequest::DeletePrevWord,
        (KeyCode::Char('a'), true, false) | (KeyCode::Home, ..) => InputRequest::GoToStart,
        (KeyCode::Char('e'), true, false) | (KeyCode::End, ..) => InputRequest::GoToEnd,
        (KeyCode::Backspace, ..) => InputRequest::DeletePrevChar,
        (KeyCode::Delete, ..) => InputRequest::DeleteNextChar,
        (KeyCode::Left, ..) => InputRequest::GoToPrevChar,
        (KeyCode::Right, ..) => InputRequest::GoToNextChar,
        _ => return None,
    })
}
