//! Draws a table: titles, rows, the selected one marked. Columns that have no room go, the least important first.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::tui::list::{ListState, Order};
use crate::tui::table::{Align, Cell, Column, Cut, Row, RowKind, Table};
use crate::tui::text;
use crate::tui::theme::{Theme, Tone};

/// Columns between two cells.
pub const GAP: usize = 2;
/// Columns for the marker on the left.
pub const GUTTER: u16 = 2;

/// Whether the titles of the columns are drawn, where the table has any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heads {
    /// They are.
    Shown,
    /// There is no room for them.
    Hidden,
}

/// What is left of words where there is no room at all.
const BARE: usize = 5;

/// A table with everything that is needed to draw it.
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a> {
    /// What to draw.
    pub table: &'a Table,
    /// Which rows, in which order.
    pub shown: &'a [usize],
    /// The widest text of each column.
    pub natural: &'a [usize],
    /// Where the list stands.
    pub state: &'a ListState,
    /// The place of the selected row, where there is one.
    pub at: Option<usize>,
    /// How it looks.
    pub theme: &'a Theme,
}

impl Rows<'_> {
    /// Draws titles and rows.
    pub fn draw(&self, area: Rect, heads: Heads, buf: &mut Buffer) {
        // One column stays free on the right, so that nothing touches what stands there.
        let room = usize::from(area.width.saturating_sub(GUTTER + 1));
        let widths = fit(&self.table.columns, self.natural, room);
        let mut body = area;
        if heads == Heads::Shown && !self.table.headless && body.height > 1 {
            self.draw_titles(&widths, area, buf);
            body = Rect { y: body.y + 1, height: body.height - 1, ..body };
        }
        let first = self.state.first_visible(usize::from(body.height), self.shown.len());
        let visible = self.shown.iter().enumerate().skip(first).take(usize::from(body.height));
        for (y, (place, index)) in (body.y..).zip(visible) {
            let Some(row) = self.table.rows.get(*index) else { continue };
            let line = Rect { y, height: 1, ..body };
            self.draw_row(row, &widths, line, buf);
            if self.at == Some(place) {
                mark(self.theme, line, buf);
            }
        }
    }

    fn draw_titles(&self, widths: &[usize], area: Rect, buf: &mut Buffer) {
        let mut x = area.x + GUTTER.min(area.width);
        for (position, (column, width)) in self.table.columns.iter().zip(widths).enumerate() {
            if *width == 0 {
                continue;
            }
            let arrow = match (self.state.sort == Some(position), self.state.order, column.falls) {
                (false, ..) => "",
                (true, Order::Usual, true) | (true, Order::Reversed, false) => self.theme.glyphs.down,
                (true, ..) => self.theme.glyphs.up,
            };
            let tone = if arrow.is_empty() { Tone::Dim } else { Tone::Accent };
            let title =
                if arrow.is_empty() { column.title.to_string() } else { format!("{} {arrow}", column.title) };
            let room = (*width).min(usize::from(area.right().saturating_sub(x)));
            put(&Cell::toned(tone, title), column, (x, area.y, room), buf, self.theme);
            x = x.saturating_add(text::columns(width + GAP));
        }
    }

    fn draw_row(&self, row: &Row, widths: &[usize], line: Rect, buf: &mut Buffer) {
        let mut x = line.x + GUTTER.min(line.width);
        if row.kind == RowKind::Section {
            let room = usize::from(line.width.saturating_sub(GUTTER));
            let column = Column::text("");
            if let Some(cell) = row.cells.first() {
                put(cell, &column, (x, line.y, room), buf, self.theme);
            }
            return;
        }
        for ((cell, column), width) in row.cells.iter().zip(&self.table.columns).zip(widths) {
            if *width == 0 {
                continue;
            }
            let room = (*width).min(usize::from(line.right().saturating_sub(x)));
            put(cell, column, (x, line.y, room), buf, self.theme);
            x = x.saturating_add(text::columns(width + GAP));
        }
    }
}

/// Marks a row as the one that the keys act on.
pub fn mark(theme: &Theme, line: Rect, buf: &mut Buffer) {
    buf.set_style(line, theme.selected());
    if line.width > 0 {
        buf.set_stringn(line.x, line.y, theme.glyphs.marker, 1, theme.style(Tone::Accent));
    }
}

/// Draws one cell into its column.
fn put(cell: &Cell, column: &Column, at: (u16, u16, usize), buf: &mut Buffer, theme: &Theme) {
    let (x, y, room) = at;
    let ellipsis = theme.glyphs.ellipsis;
    let main = match column.cut {
        Cut::Middle => text::cut_middle(&cell.text, room, ellipsis),
        Cut::End | Cut::Never => text::cut_end(&cell.text, room, ellipsis),
    };
    let used = text::width(&main);
    let start = match column.align {
        Align::Left => x,
        Align::Right => x.saturating_add(text::columns(room - used.min(room))),
    };
    let style: Style = theme.style(cell.tone);
    buf.set_stringn(start, y, &main, room, style);
    if !cell.note.is_empty() && used + 2 <= room && column.align == Align::Left {
        let note = text::cut_end(&cell.note, room - used - 1, ellipsis);
        buf.set_stringn(x.saturating_add(text::columns(used + 1)), y, note, room, theme.style(Tone::Dim));
    }
}

/// How wide each column is drawn; 0 where it has no room.
pub fn fit(columns: &[Column], natural: &[usize], room: usize) -> Vec<usize> {
    let wanted: Vec<usize> = columns.iter().zip(natural).map(|(c, n)| capped(c, *n)).collect();
    let least: Vec<usize> = columns.iter().zip(&wanted).map(|(c, w)| shrunk(c, *w)).collect();
    let mut kept = vec![true; columns.len()];
    while total(&least, &kept) > room {
        let droppable = (0..columns.len()).filter(|i| kept.get(*i) == Some(&true));
        let Some(worst) = droppable.max_by_key(|i| columns.get(*i).map_or(0, |c| c.drop)) else { break };
        if columns.get(worst).is_none_or(|c| c.drop == 0) {
            break;
        }
        if let Some(flag) = kept.get_mut(worst) {
            *flag = false;
        }
    }
    let mut widths: Vec<usize> = wanted.iter().zip(&kept).map(|(w, k)| if *k { *w } else { 0 }).collect();
    shrink(&mut widths, &least, room);
    // Still no room: words are cut to almost nothing before a figure is.
    let bare: Vec<usize> = columns
        .iter()
        .zip(&widths)
        .map(|(c, w)| if c.cut == Cut::Never { *w } else { (*w).min(BARE) })
        .collect();
    shrink(&mut widths, &bare, room);
    grow(&mut widths, natural, room);
    widths
}

/// Figures are never cut, so nothing caps them; words are, until there turns out to be room.
fn capped(column: &Column, natural: usize) -> usize {
    if column.cut == Cut::Never { natural } else { natural.min(column.most) }
}

fn shrunk(column: &Column, wanted: usize) -> usize {
    if column.cut == Cut::Never { wanted } else { wanted.min(column.least) }
}

fn total(widths: &[usize], kept: &[bool]) -> usize {
    let shown: Vec<usize> =
        widths.iter().zip(kept).filter(|(w, k)| **k && **w > 0).map(|(w, _)| *w).collect();
    shown.iter().sum::<usize>() + GAP * shown.len().saturating_sub(1)
}

fn sum(widths: &[usize]) -> usize {
    total(widths, &vec![true; widths.len()])
}

/// Takes a column at a time from the widest that may shrink.
fn shrink(widths: &mut [usize], least: &[usize], room: usize) {
    while sum(widths) > room {
        let slack = |i: &usize| widths.get(*i).zip(least.get(*i)).filter(|(w, l)| w > l).map(|(w, _)| *w);
        let Some(widest) = (0..widths.len()).filter(|i| slack(i).is_some()).max_by_key(|i| slack(i)) else {
            // Not even the least has room: what stands on the right is drawn cut.
            return;
        };
        if let Some(width) = widths.get_mut(widest) {
            *width -= 1;
        }
    }
}

/// Gives what room is left to the columns that were capped, a column at a time, the narrowest first.
fn grow(widths: &mut [usize], natural: &[usize], room: usize) {
    while sum(widths) < room {
        let wants = |i: &usize| {
            widths.get(*i).zip(natural.get(*i)).filter(|(w, n)| **w > 0 && w < n).map(|(w, _)| *w)
        };
        let Some(least) = (0..widths.len()).filter(|i| wants(i).is_some()).min_by_key(|i| wants(i)) else {
            return;
        };
        if let Some(width) = widths.get_mut(least) {
            *width += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns() -> Vec<Column> {
        vec![
            Column::path("PATH").at_most(20),
            Column::number("N"),
            Column::text("OWNER").at_most(10).drops(2),
            Column::fixed("MODE").drops(1),
        ]
    }

    #[test]
    fn everything_is_shown_where_there_is_room() {
        assert_eq!(fit(&columns(), &[30, 3, 6, 4], 60), [30, 3, 6, 4]);
    }

    #[test]
    fn words_shrink_before_columns_go() {
        assert_eq!(fit(&columns(), &[30, 3, 6, 4], 30), [11, 3, 6, 4]);
    }

    #[test]
    fn the_least_important_column_goes_first() {
        assert_eq!(fit(&columns(), &[30, 3, 6, 4], 22), [11, 3, 0, 4]);
        assert_eq!(fit(&columns(), &[30, 3, 6, 4], 14), [9, 3, 0, 0]);
    }

    #[test]
    fn no_room_at_all_is_no_endless_loop() {
        assert_eq!(fit(&columns(), &[30, 3, 6, 4], 0), [5, 3, 0, 0]);
        assert!(fit(&[], &[], 10).is_empty());
    }
}
