//! Frames around panes and sheets, and the texts inside them.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Clear, Widget};

use crate::tui::text;
use crate::tui::theme::{Focus, Theme, Tone};

/// What stands on the frame.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// Above, on the left.
    pub title: &'a str,
    /// Above, on the right.
    pub count: &'a str,
    /// Whether it has the keys.
    pub focus: Focus,
}

impl Frame<'_> {
    /// Draws the frame and gives what is left inside it.
    pub fn draw(&self, area: Rect, buf: &mut Buffer, theme: &Theme) -> Rect {
        let style = theme.border(self.focus);
        let block = Block::bordered().border_set(theme.glyphs.border).border_style(style);
        let inner = block.inner(area);
        block.render(area, buf);
        let room = usize::from(area.width.saturating_sub(4));
        let count =
            if self.count.is_empty() { String::new() } else { format!(" {} ", text::safe(self.count)) };
        let left = room.saturating_sub(text::width(&count));
        if !self.title.is_empty() && left > 4 {
            let cut = text::cut_end(&text::safe(self.title), left - 2, theme.glyphs.ellipsis);
            let span = Span::styled(format!(" {cut} "), theme.style(Tone::Title));
            buf.set_span(area.x + 1, area.y, &span, text::columns(left));
        }
        if !count.is_empty() && text::width(&count) <= room {
            let x = area.right().saturating_sub(text::columns(text::width(&count)) + 2);
            buf.set_span(x, area.y, &Span::styled(count, theme.style(Tone::Dim)), area.width);
        }
        inner
    }
}

/// A sheet: a frame in the middle of `area`, as high as its lines need, with nothing behind it.
pub fn sheet(area: Rect, lines: usize) -> Rect {
    // Where there is little room, a seam of what lies behind it is no help.
    let width = if area.width < 100 { area.width } else { (area.width - 4).min(110) };
    // Verdict and tabs stay in sight.
    let top = if area.width < 64 || area.height < 18 { 0 } else { 2 };
    let most = area.height - top;
    let height = text::columns(lines).saturating_add(2).clamp(most.min(5), most);
    Rect::new(area.x + (area.width - width) / 2, area.y + top + (most - height) / 2, width, height)
}

/// Removes what lies behind a sheet.
pub fn clear(area: Rect, buf: &mut Buffer) {
    Clear.render(area, buf);
}

/// Draws lines from `scroll` on, and says which of how many they are where they do not all fit.
pub fn text(lines: &[Line<'static>], scroll: usize, area: Rect, buf: &mut Buffer) {
    let visible = lines.iter().skip(scroll).take(usize::from(area.height));
    for (y, line) in (area.y..).zip(visible) {
        buf.set_line(area.x, y, line, area.width);
    }
}

/// "1-12 of 40" where not everything fits.
pub fn window(scroll: usize, height: usize, count: usize) -> String {
    if count <= height {
        return String::new();
    }
    let first = scroll.min(count) + 1;
    format!("{first}-{} of {count}", (scroll + height).min(count))
}

/// The furthest that a text can be scrolled.
pub fn last_scroll(height: usize, count: usize) -> usize {
    count.saturating_sub(height)
}

/// A pane without anything inside it, one column narrower on both sides, so that text does not touch the frame.
pub fn padded(inner: Rect) -> Rect {
    let side = u16::from(inner.width > 20);
    Rect { x: inner.x + side, width: inner.width.saturating_sub(2 * side), ..inner }
}
