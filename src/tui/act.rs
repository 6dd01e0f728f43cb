//! What keys do on a tab: deeper and back, tabs, probes, sheets, copies.

use super::app::{App, Direction, Extent, Level, Pane};
use super::can::{can, why_barred};
use super::keys::KeyId;
use super::list::ListState;
use super::msg::{Effect, ListWish, ProbeWish};
use super::overlays::{self, Kind, Overlay, Probe};
use super::press;
use super::replay;
use super::tabs::{Pick, TabId, entries};
use super::teach;
use super::work;

/// Does what a key means on a tab; nothing where it means nothing there.
pub fn act(app: &mut App, id: KeyId) -> Vec<Effect> {
    if let Some(effects) = replay::press(app, id) {
        return effects;
    }
    if !can(app, id) {
        app.note = why_not(app, id);
        return Vec::new();
    }
    match id {
        KeyId::Rescan => return rescan(app),
        KeyId::Freeze => return freeze(app),
        KeyId::Capture => {
            app.note = Some("writing a capture…".to_owned());
            return vec![Effect::Capture];
        }
        KeyId::Probe => return probe(app),
        KeyId::Copy => return copy(app),
        KeyId::Select => pick_entry(app),
        KeyId::NextDir | KeyId::PreviousDir => next_dir(app, id),
        KeyId::Turn => turn(app),
        KeyId::AllMounts => all_mounts(app),
        KeyId::Helps | KeyId::Ways | KeyId::Undo | KeyId::TakeBack | KeyId::Purge => {
            return work::press::press_on_tab(app, id);
        }
        KeyId::Explain => app.overlays.extend(overlays::page_of_selected(app)),
        KeyId::ByHand => app.overlays.push(overlays::by_hand(app)),
        KeyId::Gaps => app.overlays.push(Overlay::new(Kind::Gaps)),
        KeyId::Hint | KeyId::Guess | KeyId::GiveUp | KeyId::Solution => teach::open(app, id),
        _ => {}
    }
    Vec::new()
}

/// What to say where a key does nothing although somebody pressed it.
fn why_not(app: &App, id: KeyId) -> Option<String> {
    if let Some(why) = why_barred(app, id) {
        return Some(why);
    }
    let text = match id {
        id if teach::hides(app, id) => "hidden until the lesson is over",
        id if let Some(Err(why)) = work::press::on_tab(app, id) => return Some(why),
        KeyId::Freeze => "a replay moves only when told to; Space plays it",
        KeyId::Hint | KeyId::Guess | KeyId::GiveUp => "no look yet",
        KeyId::Probe if app.settings.read_only => "read-only: no probe is made",
        KeyId::Probe => "nothing selected that could be probed",
        KeyId::Helps | KeyId::Ways => "nothing selected that needs help",
        KeyId::Explain => "no page of the runbook for this row",
        KeyId::ByHand | KeyId::Copy => "no command shows this row",
        KeyId::Gaps => "everything that was looked for was seen",
        KeyId::Capture => "the first look is still under way",
        KeyId::Select => "Space picks entries; Enter opens a family first",
        _ => return None,
    };
    Some(text.to_owned())
}

/// Goes to another tab, to its list, and asks for what that shows and no look brings.
pub fn go_to_tab(app: &mut App, tab: TabId) -> Vec<Effect> {
    app.tab = tab;
    app.pane = Pane::List;
    app.scroll = 0;
    app.mark_stale();
    let mut effects = follow(app);
    effects.extend(journal_on_screen(app));
    effects
}

/// What was done is read anew where it is on screen.
fn journal_on_screen(app: &App) -> Option<Effect> {
    journal(app).filter(|_| app.tab == TabId::Journal)
}

/// Asks what was done, where anything can be done at all.
pub fn journal(app: &App) -> Option<Effect> {
    work::wishes::why_never(app).is_none().then_some(Effect::ReadJournal)
}

/// What Enter opens below the selected row of the Entries tab.
pub fn deeper(app: &App) -> Option<(ListWish, String)> {
    (app.tab == TabId::Entries).then(|| entries::wish(app, &app.pick())).flatten()
}

/// One step deeper.
pub fn open(app: &mut App) -> Vec<Effect> {
    if let Pick::Section(section) = app.pick()
        && app.pane == Pane::List
    {
        if !app.tabs.toggled.remove(section) {
            app.tabs.toggled.insert(section.to_owned());
        }
        app.mark_stale();
        return Vec::new();
    }
    if let Some((wish, title)) = deeper(app) {
        let above = std::mem::take(app.list_mut());
        let listing = replay::listing(app, &wish);
        let is_known = listing.is_some();
        app.tabs.levels.push(Level { wish: wish.clone(), title, listing, above });
        app.pane = Pane::List;
        app.scroll = 0;
        if is_known {
            return Vec::new();
        }
        return vec![Effect::List(wish)];
    }
    if !matches!(app.pick(), Pick::Nothing | Pick::Lesson) {
        app.pane = Pane::Detail;
    }
    Vec::new()
}

/// What keeps the directory on screen as it is on disk; nothing while there is none, or while the screen is held.
pub fn follow(app: &App) -> Vec<Effect> {
    let level = app.tabs.levels.last().filter(|level| level.listing.is_some());
    let shown = level.filter(|_| app.tab == TabId::Entries && !app.frozen);
    shown.map(|level| Effect::Follow(level.wish.clone())).into_iter().collect()
}

/// One step back; on the outermost step nothing.
pub fn back(app: &mut App) {
    if app.pane == Pane::Detail {
        app.pane = Pane::List;
        app.scroll = 0;
    } else if !app.list().filter.is_empty() {
        app.list_mut().filter.clear();
    } else if app.tab == TabId::Entries {
        if let Some(level) = app.tabs.levels.pop() {
            *app.list_mut() = level.above;
        } else {
            app.tabs.picked.clear();
            app.mark_stale();
        }
    }
}

/// Sorts by the next column.
pub fn sort(app: &mut App) {
    let table = std::mem::take(&mut app.view.table);
    app.list_mut().sort_next(&table);
    let sorted = app.list().sort.and_then(|n| table.columns.get(n));
    app.note = Some(match sorted {
        Some(column) => format!("sorted by {}", column.title.to_lowercase()),
        None => "in the usual order".to_owned(),
    });
    app.view.table = table;
}

fn rescan(app: &mut App) -> Vec<Effect> {
    app.note = Some("looking again".to_owned());
    let mut effects = vec![Effect::Rescan];
    if let (TabId::Entries, Some(level)) = (app.tab, app.tabs.levels.last()) {
        effects.push(Effect::List(level.wish.clone()));
    }
    effects.extend(journal_on_screen(app));
    effects
}

fn freeze(app: &mut App) -> Vec<Effect> {
    app.frozen = !app.frozen;
    if !app.frozen
        && let Some(look) = app.held_back.take()
    {
        super::update::adopt(app, look);
    }
    let mut effects = vec![Effect::Freeze(app.frozen)];
    effects.extend(follow(app));
    effects
}

fn probe(app: &mut App) -> Vec<Effect> {
    let wanted = app.current().vantage(app, &app.pick());
    let vantage = wanted.and_then(|(place, pid)| {
        let vantage = app.snapshot()?.vantages.items().get(place)?;
        Some(ProbeWish::of(vantage, pid))
    });
    let Some(wish) = vantage else { return Vec::new() };
    app.overlays.push(Overlay::new(Kind::Probe(Box::new(Probe { wish: wish.clone(), outcome: None }))));
    if app.probing.contains(&wish) {
        return Vec::new();
    }
    app.probing.push(wish.clone());
    app.mark_stale();
    vec![Effect::Probe(wish)]
}

/// Copies what the topmost sheet or the selected row offers.
pub fn copy(app: &mut App) -> Vec<Effect> {
    let text = if app.overlays.is_empty() { overlays::copy_of_row(app) } else { overlays::copy(app) };
    let Some(text) = text else {
        app.note = Some("nothing to copy here".to_owned());
        return Vec::new();
    };
    let lines = text.lines().count();
    let first = text.lines().next().unwrap_or_default().to_owned();
    let of = replay::whose(app).map_or_else(String::new, |host| format!(" (of {host}, not of this machine)"));
    app.note =
        Some(if lines > 1 { format!("copied {lines} lines{of}") } else { format!("copied: {first}{of}") });
    vec![Effect::Copy(text)]
}

fn pick_entry(app: &mut App) {
    let Pick::Entry(place) = app.pick() else { return };
    let Some(path) = entries::path_of(app, place) else { return };
    if !app.tabs.picked.remove(&path) {
        app.tabs.picked.insert(path);
    }
    app.mark_stale();
    app.go_to(app.list().at + 1);
}

fn next_dir(app: &mut App, id: KeyId) {
    let keys: Vec<String> = app
        .snapshot()
        .map(|now| now.temp_dirs.items().iter().map(entries::key_of).collect())
        .unwrap_or_default();
    let here = entries::current(app).map(entries::key_of);
    let here = keys.iter().position(|key| Some(key) == here.as_ref()).unwrap_or(0);
    let there = if id == KeyId::NextDir { here + 1 } else { here + keys.len().max(1) - 1 };
    app.tabs.dir = keys.get(there % keys.len().max(1)).cloned();
    app.tabs.levels.clear();
    app.tabs.picked.clear();
    app.pane = Pane::List;
    app.scroll = 0;
    *app.list_mut() = ListState::default();
}

fn turn(app: &mut App) {
    app.tabs.direction = match app.tabs.direction {
        Direction::ByProcess => Direction::ByPath,
        Direction::ByPath => Direction::ByProcess,
    };
    app.scroll = 0;
    *app.list_mut() = ListState::default();
}

fn all_mounts(app: &mut App) {
    app.tabs.extent = match app.tabs.extent {
        Extent::Relevant => Extent::All,
        Extent::All => Extent::Relevant,
    };
    app.mark_stale();
}

/// What Enter does in a sheet.
pub fn enter(app: &mut App) -> Vec<Effect> {
    match app.overlays.last().map(|overlay| &overlay.kind) {
        Some(Kind::Palette { .. }) => run_from_palette(app),
        Some(Kind::Guess { .. } | Kind::Lesson(_)) => teach::enter(app),
        Some(Kind::Ways { .. }) => work::press::choose_way(app),
        _ => Vec::new(),
    }
}

/// Closes the palette and does what is selected in it.
fn run_from_palette(app: &mut App) -> Vec<Effect> {
    let Some(choice) = overlays::palette::selected(app) else { return Vec::new() };
    app.overlays.pop();
    match choice {
        overlays::palette::Choice::Key(id) => press::run(app, id),
        overlays::palette::Choice::Page(id) => {
            app.overlays.push(Overlay::new(Kind::Page { id: id.to_owned() }));
            Vec::new()
        }
    }
}

/// The temp dir on screen stays the one that it is, also where others come and go with the next look.
pub fn keep_dir(app: &mut App) {
    if app.tab != TabId::Entries {
        return;
    }
    let key = entries::current(app).map(entries::key_of);
    if app.tabs.dir.is_none() && key.is_some() {
        app.tabs.dir = key;
    }
}
