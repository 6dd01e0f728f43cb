//! What ratatui draws on: turns changed cells into as few bytes as do.
//!
//! Own, not ratatui's, because that one writes resets where nothing changed, reads the environment, and passes on whatever
//! stands in a cell. This is the last door before the terminal, so control characters and invisible ones end here even
//! if somebody forgot to show them as text.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;

use ratatui::backend::{Backend, ClearType, WindowSize};
use ratatui::buffer::Cell;
use ratatui::layout::{Position, Size};
use ratatui::style::{Color, Modifier};

use crate::model::raw_path::{is_control, is_invisible};

/// Bytes of frames, shared with whoever sends them.
pub type Ink = Rc<RefCell<Vec<u8>>>;

/// The backend.
#[derive(Debug)]
pub struct Paper {
    ink: Ink,
    size: Size,
    cursor: Option<bool>,
}

impl Paper {
    /// An empty sheet of that size; what is drawn goes to `ink`.
    pub fn new(ink: Ink, size: Size) -> Self {
        Self { ink, size, cursor: None }
    }

    /// Another size from now on.
    pub fn resize(&mut self, size: Size) {
        self.size = size;
    }

    fn put(&self, text: &str) {
        self.ink.borrow_mut().extend_from_slice(text.as_bytes());
    }
}

impl Backend for Paper {
    type Error = io::Error;

    fn draw<'a, I>(&mut self, content: I) -> io::Result<()>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        let mut out = String::new();
        let mut style = Look::PLAIN;
        let mut next: Option<(u16, u16)> = None;
        for (x, y, cell) in content {
            if next != Some((x, y)) {
                out.push_str(&format!("\x1b[{};{}H", y + 1, x + 1));
            }
            let look = Look { fg: cell.fg, bg: cell.bg, modifier: cell.modifier };
            if look != style {
                out.push_str(&look.change_from(style));
                style = look;
            }
            let is_plain = push_symbol(&mut out, cell.symbol());
            // How far a terminal moves after anything but ASCII is its own opinion.
            next = is_plain.then_some((x + 1, y));
        }
        if style != Look::PLAIN {
            out.push_str("\x1b[m");
        }
        self.put(&out);
        Ok(())
    }

    fn hide_cursor(&mut self) -> io::Result<()> {
        if self.cursor != Some(false) {
            self.put("\x1b[?25l");
            self.cursor = Some(false);
        }
        Ok(())
    }

    fn show_cursor(&mut self) -> io::Result<()> {
        if self.cursor != Some(true) {
            self.put("\x1b[?25h");
            self.cursor = Some(true);
        }
        Ok(())
    }

    fn get_cursor_position(&mut self) -> io::Result<Position> {
        Ok(Position::ORIGIN)
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> io::Result<()> {
        let Position { x, y } = position.into();
        self.put(&format!("\x1b[{};{}H", y + 1, x + 1));
        Ok(())
    }

    fn clear(&mut self) -> io::Result<()> {
        self.put("\x1b[m\x1b[2J");
        Ok(())
    }

    fn clear_region(&mut self, clear_type: ClearType) -> io::Result<()> {
        self.put(match clear_type {
            ClearType::All => "\x1b[m\x1b[2J",
            ClearType::AfterCursor => "\x1b[m\x1b[J",
            ClearType::BeforeCursor => "\x1b[m\x1b[1J",
            ClearType::CurrentLine => "\x1b[m\x1b[2K",
            ClearType::UntilNewLine => "\x1b[m\x1b[K",
        });
        Ok(())
    }

    fn size(&self) -> io::Result<Size> {
        Ok(self.size)
    }

    fn window_size(&mut self) -> io::Result<WindowSize> {
        Ok(WindowSize { columns_rows: self.size, pixels: Size::ZERO })
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes a cell's symbol, and tells whether the cursor moves one column by it for sure.
fn push_symbol(out: &mut String, symbol: &str) -> bool {
    if let [byte @ 0x20..=0x7e] = symbol.as_bytes() {
        out.push(char::from(*byte));
        return true;
    }
    if symbol.chars().any(|c| is_control(c) || is_invisible(c)) {
        out.push('?');
        return true;
    }
    // Box drawing and block elements are one column everywhere, and most of what we draw.
    let is_box = symbol.chars().all(|c| matches!(c, '\u{2500}'..='\u{259f}')) && symbol.chars().count() == 1;
    out.push_str(symbol);
    is_box
}

/// How a cell looks.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Look {
    fg: Color,
    bg: Color,
    modifier: Modifier,
}

impl Look {
    const PLAIN: Self = Self { fg: Color::Reset, bg: Color::Reset, modifier: Modifier::empty() };

    /// One sequence from one look to another.
    fn change_from(self, before: Self) -> String {
        let mut codes: Vec<String> = Vec::new();
        let mut from = before;
        // There is no common code that takes a single attribute away on every terminal.
        if !self.modifier.contains(from.modifier) || self == Self::PLAIN {
            codes.push(String::new());
            from = Self::PLAIN;
        }
        let added = self.modifier.difference(from.modifier);
        codes.extend(
            ATTRIBUTES.iter().filter(|(m, _)| added.contains(*m)).map(|(_, code)| (*code).to_owned()),
        );
        if self.fg != from.fg {
            codes.push(colour(self.fg, 30));
        }
        if self.bg != from.bg {
            codes.push(colour(self.bg, 40));
        }
        format!("\x1b[{}m", codes.join(";"))
    }
}

const ATTRIBUTES: [(Modifier, &str); 8] = [
    (Modifier::BOLD, "1"),
    (Modifier::DIM, "2"),
    (Modifier::ITALIC, "3"),
    (Modifier::UNDERLINED, "4"),
    (Modifier::SLOW_BLINK, "5"),
    (Modifier::RAPID_BLINK, "6"),
    (Modifier::REVERSED, "7"),
    (Modifier::CROSSED_OUT, "9"),
];

/// The code of a colour; `base` is 30 for the foreground, 40 for the background.
fn colour(colour: Color, base: u8) -> String {
    let number = match colour {
        Color::Reset => 9,
        Color::Black => 0,
        Color::Red => 1,
        Color::Green => 2,
        Color::Yellow => 3,
        Color::Blue => 4,
        Color::Magenta => 5,
        Color::Cyan => 6,
        Color::Gray => 7,
        // The bright eight stand 60 higher.
        Color::DarkGray => 60,
        Color::LightRed => 61,
        Color::LightGreen => 62,
        Color::LightYellow => 63,
        Color::LightBlue => 64,
        Color::LightMagenta => 65,
        Color::LightCyan => 66,
        Color::White => 67,
        Color::Indexed(index) => return format!("{};5;{index}", base + 8),
        Color::Rgb(red, green, blue) => return format!("{};2;{red};{green};{blue}", base + 8),
    };
    (base + number).to_string()
}

#[cfg(test)]
mod tests {
    use ratatui::buffer::Buffer;
    use ratatui::layout::Rect;
    use ratatui::style::Style;

    use super::*;

    fn drawn(before: &Buffer, after: &Buffer) -> String {
        let ink = Ink::default();
        let mut paper = Paper::new(Rc::clone(&ink), Size::new(after.area.width, after.area.height));
        paper.draw(before.diff(after).into_iter()).unwrap();
        let bytes = ink.take();
        String::from_utf8(bytes).unwrap()
    }

    fn page(text: &str, style: Style) -> Buffer {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 20, 2));
        buffer.set_string(0, 0, text, style);
        buffer
    }

    #[test]
    fn writes_nothing_where_nothing_changed() {
        let same = page("20:41:07", Style::new());
        assert_eq!(drawn(&same, &same), "");
    }

    #[test]
    fn writes_a_changed_digit_and_nothing_else() {
        let bytes = drawn(&page("20:41:07", Style::new()), &page("20:41:08", Style::new()));
        assert_eq!(bytes, "\x1b[1;8H8");
    }

    #[test]
    fn shows_what_ratatui_meant() {
        let style = Style::new().fg(Color::Red).bg(Color::Indexed(17)).add_modifier(Modifier::BOLD);
        let mut after = page("plain ✗ red", Style::new());
        after.set_string(8, 0, "red", style);
        after.set_string(2, 1, "x", Style::new().fg(Color::Rgb(1, 2, 3)));
        let bytes = drawn(&Buffer::empty(after.area), &after);
        let mut parser = vt100::Parser::new(2, 20, 0);
        parser.process(bytes.as_bytes());
        assert_eq!(parser.screen().contents(), "plain ✗ red\n  x");
        let red = parser.screen().cell(0, 9).unwrap();
        assert_eq!(
            (red.fgcolor(), red.bgcolor(), red.bold()),
            (vt100::Color::Idx(1), vt100::Color::Idx(17), true)
        );
        let plain = parser.screen().cell(0, 1).unwrap();
        assert_eq!((plain.fgcolor(), plain.bold()), (vt100::Color::Default, false));
        assert_eq!(parser.screen().cell(1, 2).unwrap().fgcolor(), vt100::Color::Rgb(1, 2, 3));
    }

    #[test]
    fn lets_no_control_character_through() {
        let mut after = Buffer::empty(Rect::new(0, 0, 20, 2));
        for (x, symbol) in ["\x1b[2J", "\u{9b}", "\u{202e}", "a\u{200b}"].into_iter().enumerate() {
            // Apart, because ratatui leaves out the cells that a wide symbol covers.
            after.cell_mut((u16::try_from(x * 5).unwrap(), 0)).unwrap().set_symbol(symbol);
        }
        let bytes = drawn(&Buffer::empty(after.area), &after);
        assert_eq!(bytes, "\x1b[1;1H?\x1b[1;6H?\x1b[1;11H?\x1b[1;16H?");
    }
}
