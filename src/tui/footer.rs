//! The last line: the keys that do something here and now, the most important first, cut at whole items.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use tui_input::Input;

use super::app::App;
use super::can::{self, can};
use super::keys::{self, KEYS, Key, KeyId, Place};
use super::layout::Shape;
use super::press;
use super::replay;
use super::tabs::{TabId, entries};
use super::text;
use super::theme::Tone;
use super::work;

/// Columns that a text field keeps, whatever else there is to say.
const LEAST_ROOM: usize = 8;

/// What one looks for first on a row, where there is room for a key or two.
const KEYS_OF_ROWS: [KeyId; 2] = [KeyId::Helps, KeyId::Open];

/// Draws the keys, or the text field of the filter.
pub fn draw(app: &App, shape: Shape, area: Rect, buf: &mut Buffer) {
    if area.height == 0 {
        return;
    }
    if let Some(field) = field(app) {
        return field.draw(app, area, buf);
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
    let here = |key: &&Key| key.rank > 0 && keys::chord(key, &places).is_some();
    let shown = |key: &&Key| (can(app, key.id) || is_barred(app, key)) && wanted(key);
    let mut keys: Vec<&'static Key> = KEYS.iter().filter(here).filter(shown).collect();
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

/// Whether a key is shown although it does nothing, because one looks for it: it says why.
fn is_barred(app: &App, key: &Key) -> bool {
    app.overlays.is_empty() && can::why_barred(app, key.id).is_some()
}

/// How the footer writes the chord of a key here and now.
fn short(app: &App, key: &Key) -> &'static str {
    match key.id {
        KeyId::NextDir if app.replay.is_some() => "< >",
        KeyId::Select if app.replay.is_some() => "v",
        _ => key.short,
    }
}

/// Where there is little room, a lesson needs its own keys, those of a sheet, and the way out.
fn has_to_be(key: &Key) -> bool {
    key.rank >= 100 || key.places.contains(&Place::Lesson) || matches!(key.id, KeyId::Open | KeyId::Back)
}

/// In a plan all of its keys do where they fit, but for those that everybody tries.
fn has_room(key: &Key) -> bool {
    key.id != KeyId::Up
}

/// What the footer calls a key here and now.
fn label(app: &App, key: &Key) -> &'static str {
    match key.id {
        KeyId::Freeze if app.frozen => "go on",
        KeyId::AllMounts if app.tabs.extent == super::app::Extent::All => "fewer mounts",
        KeyId::Open => press::open_label(app),
        KeyId::Play if replay::is_playing(app) => "pause",
        KeyId::Helps | KeyId::Ways | KeyId::Rescan | KeyId::Forever | KeyId::Copy => {
            work::press::label(app, key.id).unwrap_or(key.label)
        }
        _ => key.label,
    }
}

fn width_of(app: &App, key: &Key) -> usize {
    let signs = if is_barred(app, key) { 2 } else { 0 };
    text::width(short(app, key)) + 1 + text::width(label(app, key)) + 2 + signs
}

fn item(app: &App, key: &Key, at: (u16, Rect), buf: &mut Buffer) -> u16 {
    let (x, area) = at;
    let room = |x: u16| usize::from(area.right().saturating_sub(x));
    let (short, label) = (short(app, key), label(app, key));
    if is_barred(app, key) {
        buf.set_stringn(x, area.y, format!("({short} {label})"), room(x), app.theme.style(Tone::Dim));
        return x.saturating_add(text::columns(width_of(app, key)));
    }
    buf.set_stringn(x, area.y, short, room(x), app.theme.style(Tone::Accent));
    let x = x.saturating_add(text::columns(text::width(short) + 1));
    buf.set_stringn(x, area.y, label, room(x), app.theme.style(Tone::Dim));
    x.saturating_add(text::columns(text::width(label) + 2))
}

/// A text field in the place of the keys.
struct Field<'a> {
    /// What stands before it.
    lead: &'static str,
    /// What is typed.
    input: &'a Input,
    /// What stands on the right.
    hint: (String, Tone),
}

/// The text field that is open.
fn field(app: &App) -> Option<Field<'_>> {
    if let Some(goal) = app.replay.as_ref().and_then(|replay| replay.goal.as_ref()) {
        let hint = if goal.wrong {
            (format!("no such time: {}", replay::TIMES), Tone::Warning)
        } else {
            (replay::TIMES.to_owned(), Tone::Dim)
        };
        return Some(Field { lead: "go to ", input: &goal.input, hint });
    }
    let hint = (super::draw::counts(app).1, Tone::Dim);
    app.typing.as_ref().map(|input| Field { lead: "/ ", input, hint })
}

impl Field<'_> {
    /// Columns for what is typed.
    fn room(&self, area: Rect) -> usize {
        let around = text::width(&self.hint.0) + text::width(self.lead) + 6;
        usize::from(area.width).saturating_sub(around).max(LEAST_ROOM)
    }

    fn draw(&self, app: &App, area: Rect, buf: &mut Buffer) {
        let theme = &app.theme;
        let start = area.x + 1 + text::columns(text::width(self.lead));
        buf.set_stringn(area.x + 1, area.y, self.lead, usize::from(area.width), theme.style(Tone::Accent));
        let room = self.room(area);
        let value: String = text::safe(self.input.value()).into_owned();
        let value: String = value.chars().skip(self.input.visual_scroll(room)).collect();
        buf.set_stringn(start, area.y, &value, room, theme.style(Tone::Plain));
        let (hint, tone) = &self.hint;
        let least = start.saturating_add(text::columns(room + 2));
        let x = area.right().saturating_sub(text::columns(text::width(hint)) + 1).max(least);
        let left = usize::from(area.right().saturating_sub(x.saturating_add(1)));
        let hint = text::cut_end(hint, left, theme.glyphs.ellipsis);
        buf.set_stringn(x, area.y, &hint, left, theme.style(*tone));
    }
}

/// Where the cursor of the open text field stands.
pub fn cursor(app: &App, area: Rect) -> Option<(u16, u16)> {
    let field = field(app)?;
    let room = field.room(area);
    let column = field.input.visual_cursor().saturating_sub(field.input.visual_scroll(room)).min(room);
    let start = area.x.saturating_add(1 + text::columns(text::width(field.lead)));
    Some((start.saturating_add(text::columns(column)), area.y))
}

fn draw_compact(app: &App, area: Rect, buf: &mut Buffer) {
    let has_plan = work::sheet(app).is_some() && app.note.is_none();
    if has_plan || app.teaching().is_some() && app.look.is_some() {
        let mut x = area.x;
        for key in fitting(app, usize::from(area.width), if has_plan { has_room } else { has_to_be }) {
            x = item(app, key, (x, area), buf);
        }
        return;
    }
    // There is no other place for it here.
    let line = match &app.note {
        Some(note) => text::safe(note).into_owned(),
        None => match work::sign(app) {
            Some(sign) => format!("{sign}  f shows it"),
            None => here(app, usize::from(area.width)),
        },
    };
    let line = text::cut_end(&line, usize::from(area.width), app.theme.glyphs.ellipsis);
    buf.set_stringn(area.x, area.y, line, usize::from(area.width), app.theme.style(Tone::Dim));
}

/// Which tab it is, and of which directory; the key that heals; how to get help and out.
fn here(app: &App, width: usize) -> String {
    const KEYS: &str = "  ? help  q quit";
    let card = app.current().card();
    let mut line = format!("{} {}", card.number, card.title);
    if let Some(place) = entries::place(app).filter(|_| app.tab == TabId::Entries) {
        let room = width.saturating_sub(text::width(&line) + 1 + text::width(KEYS)).max(LEAST_ROOM);
        line.push_str(&format!(
            " {}",
            text::cut_middle(&text::safe(&place), room, app.theme.glyphs.ellipsis)
        ));
    }
    for key in KEYS_OF_ROWS.into_iter().filter_map(keys::key) {
        let item = format!("  {} {}", short(app, key), label(app, key));
        // In a sheet only Enter means something of its own.
        let is_here = app.overlays.is_empty() || key.id == KeyId::Open;
        if is_here && can(app, key.id) && text::width(&line) + text::width(&item) + text::width(KEYS) <= width
        {
            line.push_str(&item);
        }
    }
    line.push_str(KEYS);
    line
}
