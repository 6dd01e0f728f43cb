//! Draws a matrix: the first column stays, the others scroll so that the selected one is on screen.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::rows::{GAP, GUTTER, Rows, mark};
use crate::tui::text;
use crate::tui::theme::{Theme, Tone};

/// No value is drawn wider than this.
const MOST: usize = 24;
/// No title pushes its column wider than this.
const LEAST: usize = 6;

/// Which columns are on screen, and where.
#[derive(Debug)]
struct Window {
    /// The width of the first column.
    fixed: usize,
    /// Position and width of the others.
    columns: Vec<(usize, usize)>,
}

/// Draws a matrix; `table.column` is its selected column, counted from 1 because the first one names the rows.
pub fn draw(rows: &Rows<'_>, area: Rect, buf: &mut Buffer) {
    let room = usize::from(area.width.saturating_sub(GUTTER));
    let selected = rows.table.column.unwrap_or(1).max(1);
    let window = window(rows.natural, selected, room);
    if area.height == 0 {
        return;
    }
    draw_titles(rows, &window, (selected, area), buf);
    let body = Rect { y: area.y + 1, height: area.height - 1, ..area };
    let first = rows.state.first_visible(usize::from(body.height), rows.shown.len());
    let visible = rows.shown.iter().enumerate().skip(first).take(usize::from(body.height));
    for (y, (place, index)) in (body.y..).zip(visible) {
        let line = Rect { y, height: 1, ..body };
        if rows.at == Some(place) {
            mark(rows.theme, Rect { width: GUTTER.min(line.width), ..line }, buf);
        }
        draw_row(rows, &window, (*index, (rows.at == Some(place)).then_some(selected)), line, buf);
    }
}

fn window(natural: &[usize], selected: usize, room: usize) -> Window {
    let fixed = natural.first().copied().unwrap_or(0).min(MOST).min(room);
    let width_of = |i: usize| natural.get(i).copied().unwrap_or(0).clamp(LEAST, MOST) + 2;
    let mut first = 1;
    loop {
        let mut used = fixed;
        let mut columns = Vec::new();
        for position in first..natural.len() {
            let width = width_of(position);
            if used + GAP + width > room && !columns.is_empty() {
                break;
            }
            used += GAP + width;
            columns.push((position, width));
        }
        let last = columns.last().map_or(first, |(i, _)| *i);
        if last >= selected || first >= natural.len() {
            return Window { fixed, columns };
        }
        first += 1;
    }
}

fn draw_titles(rows: &Rows<'_>, window: &Window, at: (usize, Rect), buf: &mut Buffer) {
    let (selected, area) = at;
    let mut x = area.x + GUTTER.min(area.width);
    if let Some(column) = rows.table.columns.first() {
        buf.set_stringn(x, area.y, &*column.title, window.fixed, rows.theme.style(Tone::Dim));
    }
    x = x.saturating_add(text::columns(window.fixed + GAP));
    for (position, width) in &window.columns {
        let Some(column) = rows.table.columns.get(*position) else { continue };
        let tone = if *position == selected { Tone::Accent } else { Tone::Dim };
        let title = text::cut_middle(&column.title, width - 2, rows.theme.glyphs.ellipsis);
        let room = usize::from(area.right().saturating_sub(x.saturating_add(1)));
        buf.set_stringn(x.saturating_add(1), area.y, title, room, rows.theme.style(tone));
        x = x.saturating_add(text::columns(width + GAP));
    }
}

fn draw_row(rows: &Rows<'_>, window: &Window, what: (usize, Option<usize>), line: Rect, buf: &mut Buffer) {
    let (index, selected) = what;
    let Some(row) = rows.table.rows.get(index) else { return };
    let theme: &Theme = rows.theme;
    let mut x = line.x + GUTTER.min(line.width);
    if let Some(cell) = row.cells.first() {
        let name = text::cut_end(&cell.text, window.fixed, theme.glyphs.ellipsis);
        buf.set_stringn(x, line.y, name, window.fixed, theme.style(cell.tone));
    }
    x = x.saturating_add(text::columns(window.fixed + GAP));
    for (position, width) in &window.columns {
        let Some(cell) = row.cells.get(*position) else { continue };
        let value = text::cut_middle(&cell.text, width - 2, theme.glyphs.ellipsis);
        let pad = " ".repeat((width - 2).saturating_sub(text::width(&value)));
        // An odd cell has brackets besides its colour, so that it stands out without any.
        let shown =
            if cell.tone == Tone::Odd { format!("[{value}{pad}]") } else { format!(" {value}{pad} ") };
        let room = usize::from(line.right().saturating_sub(x));
        buf.set_stringn(x, line.y, &shown, room, theme.style(cell.tone));
        if selected == Some(*position) {
            let place = Rect { x, width: text::columns(*width), ..line }.intersection(line);
            buf.set_style(place, theme.selected());
        }
        x = x.saturating_add(text::columns(width + GAP));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_selected_column_is_always_on_screen() {
        let natural = [10, 8, 8, 8, 8, 8, 8];
        for selected in 1..7 {
            let window = window(&natural, selected, 40);
            assert!(window.columns.iter().any(|(i, _)| *i == selected), "{selected}: {window:?}");
        }
        assert_eq!(window(&natural, 1, 200).columns.len(), 6);
    }

    #[test]
    fn a_screen_too_narrow_for_one_column_still_has_it() {
        assert_eq!(window(&[10, 8, 8], 2, 5).columns, [(2, 10)]);
        assert!(window(&[], 1, 5).columns.is_empty());
    }
}
