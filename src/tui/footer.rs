//! The last line: the keys that do something here and now, the most important first, cut at whole items.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::app::App;
use super::can::can;
use super::keys::{KEYS, Key, KeyId};
use super::layout::Shape;
use super::press;
use super::text;
use super::theme::Tone;

/// Draws the keys, or the text field of the filter.
pub fn draw(app: &App, shape: Shape, area: Rect, buf: &mut Buffer) {
    if area.height == 0 {
        return;
    }
    if app.typing.is_some() {
        return draw_field(app, area, buf);
    }
    if shape == Shape::Compact {
        return draw_compact(app, area, buf);
    }
    let mut x = area.x.saturating_add(1);
    for key in fitting(app, usize::from(area.width), |_| true) {
        x = item(app, key, (x, area), buf);
    }
}

/// The keys that fit: help and the way out always, then the others by their rank.
fn fitting(app: &App, width: usize, wanted: fn(&Key) -> bool) -> Vec<&'static Key> {
    let places = press::places(app);
    let here = |key: &&Key| key.rank > 0 && key.places.iter().any(|p| places.contains(p)) && can(app, key.id);
    let mut keys: Vec<&'static Key> = KEYS.iter().filter(|key| here(key) && wanted(key)).collect();
    keys.sort_by_key(|key| key.rank);
    let (last, first): (Vec<_>, Vec<_>) = keys.into_iter().partition(|key| key.rank >= 100);
    let mut room = width.saturating_sub(1 + last.iter().map(|key| width_of(app, key)).sum::<usize>());
    let mut fitting = Vec::new();
    for key in first {
        let Some(left) = room.checked_sub(width_of(app, key)) else { break };
        room = left;
        fitting.push(key);
    }
    fitting.extend(last);
    fitting
}

/// Where there is little room, a lesson needs its own keys, those of a sheet, and the way out.
fn has_to_be(key: &Key) -> bool {
    key.rank >= 100
        || key.places.contains(&super::keys::Place::Lesson)
        || matches!(key.id, KeyId::Open | KeyId::Back)
}

/// What the footer calls a key here and now.
fn label(app: &App, key: &Key) -> &'static str {
    match key.id {
        KeyId::Freeze if app.frozen => "go on",
        KeyId::AllMounts if app.tabs.extent == super::app::Extent::All => "fewer mounts",
        KeyId::Open => press::open_label(app),
        _ => key.label,
    }
}

fn width_of(app: &App, key: &Key) -> usize {
    text::width(key.short) + 1 + text::width(label(app, key)) + 2
}

fn item(app: &App, key: &Key, at: (u16, Rect), buf: &mut Buffer) -> u16 {
    let (x, area) = at;
    let room = |x: u16| usize::from(area.right().saturating_sub(x));
    buf.set_stringn(x, area.y, key.short, room(x), app.theme.style(Tone::Accent));
    let x = x.saturating_add(text::columns(text::width(key.short) + 1));
    let label = label(app, key);
    buf.set_stringn(x, area.y, label, room(x), app.theme.style(Tone::Dim));
    x.saturating_add(text::columns(text::width(label) + 2))
}

fn draw_field(app: &App, area: Rect, buf: &mut Buffer) {
    let Some(input) = &app.typing else { return };
    let theme = &app.theme;
    buf.set_stringn(area.x + 1, area.y, "/ ", 2, theme.style(Tone::Accent));
    let (_, count) = super::draw::counts(app);
    let room = usize::from(area.width).saturating_sub(text::width(&count) + 8);
    let scroll = input.visual_scroll(room.max(1));
    let value: String = text::safe(input.value()).into_owned();
    let value: String = value.chars().skip(scroll).collect();
    buf.set_stringn(area.x + 3, area.y, &value, room, theme.style(Tone::Plain));
    let start = area.right().saturating_sub(text::columns(text::width(&count)) + 1);
    buf.set_stringn(start, area.y, &count, usize::from(area.width), theme.style(Tone::Dim));
}

/// Where the cursor of the open text field stands.
pub fn cursor(app: &App, area: Rect) -> Option<(u16, u16)> {
    let input = app.typing.as_ref()?;
    let (_, count) = super::draw::counts(app);
    let room = usize::from(area.width).saturating_sub(text::width(&count) + 8).max(1);
    let column = input.visual_cursor().saturating_sub(input.visual_scroll(room)).min(room);
    Some((area.x.saturating_add(3).saturating_add(text::columns(column)), area.y))
}

fn draw_compact(app: &App, area: Rect, buf: &mut Buffer) {
    if app.teaching().is_some() && app.look.is_some() {
        let mut x = area.x;
        for key in fitting(app, usize::from(area.width), has_to_be) {
            x = item(app, key, (x, area), buf);
        }
        return;
    }
    let card = app.current().card();
    let number = super::tabs::TABS.iter().position(|tab| tab.card().id == card.id).map_or(1, |n| n + 1);
    let line = format!("{number} {}  ? help  q quit  60x15: more", card.title);
    let line = text::cut_end(&line, usize::from(area.width), app.theme.glyphs.ellipsis);
    buf.set_stringn(area.x, area.y, line, usize::from(area.width), app.theme.style(Tone::Dim));
}
