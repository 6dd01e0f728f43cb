//! A sheet on the screen: where it stands, what of it is seen, how one moves in it.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::{Content, Overlay};
use crate::tui::app::App;
use crate::tui::keys::KeyId;
use crate::tui::press::moved;
use crate::tui::text::columns;
use crate::tui::theme::{Focus, Tone};
use crate::tui::widgets::frame::{self, Frame};
use crate::tui::widgets::rows;
use crate::tui::words;

/// A sheet with its place on screen.
struct Placed {
    content: Content,
    outer: Rect,
    /// Lines of its text that are on screen.
    height: usize,
}

/// Below so many lines of text a sheet keeps nothing at its foot.
const LEAST_ABOVE_FOOT: usize = 4;

impl Placed {
    fn new(app: &App, overlay: &Overlay, area: Rect) -> Self {
        let width =
            frame::padded(Rect { width: frame::sheet(area, 1).width.saturating_sub(2), ..area }).width;
        let mut content = overlay.content(app, usize::from(width));
        let with_foot = |foot: usize| if foot == 0 { 0 } else { foot + 1 };
        let outer = frame::sheet(area, content.lines.len() + with_foot(content.foot.len()));
        let room = usize::from(outer.height.saturating_sub(2));
        let mut height = room.saturating_sub(with_foot(content.foot.len()));
        if height < LEAST_ABOVE_FOOT.min(content.lines.len()) {
            // Too low for that: it is the end of the text then.
            content.lines.push(Line::default());
            content.lines.append(&mut content.foot);
            height = room;
        }
        Self { content, outer, height }
    }

    fn draw_foot(&self, app: &App, first: usize, text: Rect, buf: &mut Buffer) {
        if self.content.foot.is_empty() {
            return;
        }
        let below = self.content.lines.len().saturating_sub(first + self.height);
        let foot = Rect {
            y: text.y.saturating_add(columns(self.height)),
            height: text.height.saturating_sub(columns(self.height)),
            ..text
        };
        let more = match below {
            0 if first > 0 => "↑ PgUp goes back up".to_owned(),
            0 => String::new(),
            below => format!("↓ {}: PgDn", words::count(below, ("more line", "more lines"))),
        };
        let more = Line::styled(more, app.theme.style(Tone::Dim));
        let lines: Vec<Line<'static>> =
            std::iter::once(more).chain(self.content.foot.iter().cloned()).collect();
        frame::text(&lines, 0, foot, buf);
    }
}

impl Overlay {
    /// The first line on screen so that the selected item is whole, or as scrolled.
    fn first_line(&self, content: &Content, height: usize) -> usize {
        let last = frame::last_scroll(height, content.lines.len());
        let line = match content.items.get(self.at.min(content.items.len().saturating_sub(1))) {
            // The first item brings the lines above it along.
            Some(_) if self.at == 0 => 0,
            Some(item) => item.end.saturating_sub(height).min(item.start),
            None => 0,
        };
        // Below the last item it goes on as in a text.
        line.saturating_add(self.scroll).min(last)
    }
}

/// Draws a sheet; gives the place of the cursor where it has a text field.
pub fn draw(app: &App, overlay: &Overlay, area: Rect, buf: &mut Buffer) -> Option<(u16, u16)> {
    let placed = Placed::new(app, overlay, area);
    let Placed { content, outer, height } = &placed;
    let (outer, height) = (*outer, *height);
    buf.set_style(area, app.theme.behind());
    frame::clear(outer, buf);
    let first = overlay.first_line(content, height);
    let count = frame::window(first, height, content.lines.len());
    let inner =
        Frame { title: &content.title, count: &count, focus: Focus::Here }.draw(outer, buf, &app.theme);
    let text = frame::padded(inner);
    frame::text(&content.lines, first, Rect { height: columns(height), ..text }, buf);
    placed.draw_foot(app, first, text, buf);
    let selected = content.items.get(overlay.at.min(content.items.len().saturating_sub(1)));
    if let Some(item) = selected {
        for line in item.clone().filter(|line| *line >= first && *line < first + height) {
            let y = inner.y + columns(line - first);
            let place = Rect { y, height: 1, ..inner };
            if line == item.start {
                rows::mark(&app.theme, place, buf);
            } else {
                buf.set_style(place, app.theme.selected());
            }
        }
    }
    let (line, column) = content.cursor?;
    let row = line.checked_sub(first).filter(|row| *row < height)?;
    Some((text.x.saturating_add(column), text.y.saturating_add(columns(row))))
}

fn area_of(app: &App) -> Rect {
    Rect::new(0, 0, app.size.0, app.size.1.saturating_sub(1))
}

/// Whether moving does anything in the topmost sheet: there are items to choose from, or lines that do not fit.
pub fn moves(app: &App) -> bool {
    let Some(overlay) = app.overlays.last() else { return false };
    let placed = Placed::new(app, overlay, area_of(app));
    placed.content.items.len() > 1 || placed.content.lines.len() > placed.height
}

/// Moves in the topmost sheet.
pub fn step(app: &mut App, id: KeyId) {
    let Some(overlay) = app.overlays.last() else { return };
    let Placed { content, height, .. } = Placed::new(app, overlay, area_of(app));
    let (at, first) = (overlay.at, overlay.first_line(&content, height));
    let (items, last) = (content.items.len(), frame::last_scroll(height, content.lines.len()));
    if let Some(overlay) = app.overlays.last_mut() {
        let is_last = items == 0 || at.min(items - 1) == items - 1;
        let up = matches!(id, KeyId::Up | KeyId::PageUp) && overlay.scroll > 0;
        let down = matches!(id, KeyId::Down | KeyId::PageDown);
        if items == 0 || is_last && (up || down) {
            // Of a text without items, all of it; else what lies below the last item.
            let above = first - overlay.scroll.min(first);
            overlay.scroll = moved(first, height, last, id).saturating_sub(above);
        } else {
            overlay.at = moved(at, height, items - 1, id);
            overlay.scroll = 0;
        }
    }
}
