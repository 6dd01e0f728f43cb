//! A text under construction: lines with tones, wrapped to a width, hanging below their leads.

use ratatui::text::{Line, Span};

use crate::tui::glyphs::GlyphSet;
use crate::tui::text;
use crate::tui::theme::{Theme, Tone};

/// A piece of a line.
pub type Piece = (String, Tone);

/// A text under construction.
#[derive(Debug)]
pub struct Doc<'a> {
    theme: &'a Theme,
    width: usize,
    lines: Vec<Line<'static>>,
}

impl<'a> Doc<'a> {
    /// An empty text of that width.
    pub fn new(theme: &'a Theme, width: usize) -> Self {
        Self { theme, width: width.max(1), lines: Vec::new() }
    }

    /// The glyphs to build it with.
    pub fn glyphs(&self) -> &'static GlyphSet {
        self.theme.glyphs
    }

    /// How everything looks.
    pub fn theme(&self) -> &'a Theme {
        self.theme
    }

    /// Columns that it has.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Lines so far.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// The finished lines.
    pub fn into_lines(self) -> Vec<Line<'static>> {
        self.lines
    }

    /// An empty line, unless it would be the first or the second in a row.
    pub fn blank(&mut self) {
        if self.lines.last().is_some_and(|line| !line.spans.is_empty()) {
            self.lines.push(Line::default());
        }
    }

    /// A paragraph.
    pub fn text(&mut self, tone: Tone, text: &str) {
        self.hang(&[], tone, text);
    }

    /// A paragraph, indented.
    pub fn indented(&mut self, indent: usize, tone: Tone, text: &str) {
        self.hang(&[(" ".repeat(indent), Tone::Plain)], tone, text);
    }

    /// A quoted text, indented: broken wherever a line is full, so that no blank of it is lost.
    pub fn quoted(&mut self, indent: usize, tone: Tone, text: &str) {
        let indent = indent.min(self.width.saturating_sub(1));
        for line in text::fill(&text::safe(text), self.width - indent) {
            let spans = vec![Span::raw(" ".repeat(indent)), Span::styled(line, self.theme.style(tone))];
            self.lines.push(Line::from(spans));
        }
    }

    /// A heading, with an empty line above it.
    pub fn heading(&mut self, text: &str) {
        self.blank();
        self.text(Tone::Title, text);
    }

    /// A paragraph whose lines after the first hang below the end of its lead.
    pub fn hang(&mut self, lead: &[Piece], tone: Tone, text: &str) {
        let taken: usize = lead.iter().map(|(t, _)| text::width(t)).sum();
        // A lead that leaves no room for words stands on its own line.
        let own_line = taken > 2 && taken + 12 > self.width;
        let indent = if own_line { 2.min(self.width / 4) } else { taken.min(self.width.saturating_sub(1)) };
        if own_line {
            self.pieces(lead);
        }
        let text = text::safe(text);
        for (position, line) in text::wrap(&text, self.width - indent).into_iter().enumerate() {
            let mut spans = if position == 0 && !own_line { self.spans(lead) } else { Vec::new() };
            if spans.is_empty() && indent > 0 {
                spans.push(Span::raw(" ".repeat(indent)));
            }
            spans.push(Span::styled(line, self.theme.style(tone)));
            self.lines.push(Line::from(spans));
        }
    }

    /// A paragraph of pieces that keep their tones, all lines after the first indented.
    pub fn flow(&mut self, indent: usize, pieces: &[Piece]) {
        let mut flow = Flow { indent: indent.min(self.width / 2), used: 0, spans: Vec::new() };
        for (piece, tone) in pieces {
            let style = self.theme.style(*tone);
            for word in text::safe(piece).split_inclusive(' ') {
                if flow.used > flow.indent && flow.used + text::width(word.trim_end()) > self.width {
                    self.lines.push(flow.next_line());
                }
                // A word longer than a line is broken wherever that is full.
                let mut rest = word;
                while flow.used + text::width(rest.trim_end()) > self.width {
                    let (head, tail) = text::split(rest, self.width.saturating_sub(flow.used));
                    flow.spans.push(Span::styled(head.to_owned(), style));
                    self.lines.push(flow.next_line());
                    rest = tail;
                }
                flow.used += text::width(rest);
                flow.spans.push(Span::styled(rest.to_owned(), style));
            }
        }
        self.lines.push(Line::from(flow.spans));
    }

    /// Items side by side with so many blanks between them, each on one line as a whole where it fits on one: a key and what
    /// it does.
    pub fn items(&mut self, gap: usize, items: &[Vec<Piece>]) {
        let (mut line, mut used): (Vec<Piece>, usize) = (Vec::new(), 0);
        for item in items {
            let width: usize = item.iter().map(|(text, _)| text::width(&text::safe(text))).sum();
            if used > 0 && used + gap + width > self.width {
                self.flow(0, &std::mem::take(&mut line));
                used = 0;
            }
            if used > 0 {
                line.push((" ".repeat(gap), Tone::Plain));
                used += gap;
            }
            line.extend(item.iter().cloned());
            used += width;
        }
        self.flow(0, &line);
    }

    /// One line of pieces, its end cut where there is no room.
    pub fn pieces(&mut self, pieces: &[Piece]) {
        let mut room = self.width;
        let mut spans = Vec::with_capacity(pieces.len());
        for (piece, tone) in pieces {
            if room == 0 {
                break;
            }
            let cut = text::cut_end(&text::safe(piece), room, self.theme.glyphs.ellipsis);
            room -= text::width(&cut).min(room);
            spans.push(Span::styled(cut, self.theme.style(*tone)));
        }
        self.lines.push(Line::from(spans));
    }

    /// Rows of pieces in aligned columns; the last column wraps below itself.
    pub fn grid(&mut self, indent: usize, rows: &[Vec<Piece>]) {
        let count = rows.iter().map(Vec::len).max().unwrap_or(0);
        let mut widths = vec![0; count];
        for row in rows {
            for (width, (piece, _)) in widths.iter_mut().zip(row) {
                *width = text::width(&text::safe(piece)).max(*width);
            }
        }
        // Columns share what is there: none but the last may take more than half of it.
        let most = (self.width / 2).max(8);
        for row in rows {
            let mut lead: Vec<Piece> = Vec::with_capacity(row.len());
            lead.push((" ".repeat(indent), Tone::Plain));
            let Some(((last, last_tone), before)) = row.split_last() else { continue };
            for ((piece, tone), width) in before.iter().zip(&widths).filter(|(_, width)| **width > 0) {
                let width = (*width).min(most);
                let cut = text::cut_middle(&text::safe(piece), width, self.theme.glyphs.ellipsis);
                let pad = width - text::width(&cut) + 2;
                lead.push((cut, *tone));
                lead.push((" ".repeat(pad), Tone::Plain));
            }
            self.hang(&lead, *last_tone, last);
        }
    }

    fn spans(&self, pieces: &[Piece]) -> Vec<Span<'static>> {
        pieces
            .iter()
            .map(|(t, tone)| Span::styled(text::safe(t).into_owned(), self.theme.style(*tone)))
            .collect()
    }
}

/// A line that is being filled.
struct Flow {
    indent: usize,
    used: usize,
    spans: Vec<Span<'static>>,
}

impl Flow {
    /// The line so far; the next one begins indented.
    fn next_line(&mut self) -> Line<'static> {
        self.used = self.indent;
        Line::from(std::mem::replace(&mut self.spans, vec![Span::raw(" ".repeat(self.indent))]))
    }
}

/// A piece.
pub fn piece(tone: Tone, text: impl Into<String>) -> Piece {
    (text.into(), tone)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::theme::{Background, Depth, Glyphs};

    fn text_of(build: impl FnOnce(&mut Doc<'_>), width: usize) -> Vec<String> {
        let theme = Theme::new(Depth::Mono, Background::Dark, Glyphs::Unicode);
        let mut doc = Doc::new(&theme, width);
        build(&mut doc);
        doc.into_lines().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn later_lines_hang_below_the_end_of_the_lead() {
        let lines =
            text_of(|d| d.hang(&[piece(Tone::Dim, "means ")], Tone::Plain, "nothing can be created"), 20);
        assert_eq!(lines, ["means nothing can be", "      created"]);
    }

    #[test]
    fn a_lead_without_room_behind_it_stands_alone() {
        let lines = text_of(|d| d.hang(&[piece(Tone::Dim, "a long lead ")], Tone::Plain, "and words"), 16);
        assert_eq!(lines, ["a long lead ", "  and words"]);
    }

    #[test]
    fn pieces_flow_into_a_paragraph_and_keep_their_order() {
        let pieces = [piece(Tone::Plain, "ro-mount "), piece(Tone::Dim, "9 mounts, all writable")];
        assert_eq!(text_of(|d| d.flow(2, &pieces), 16), ["ro-mount 9 ", "  mounts, all ", "  writable"]);
        let long = [piece(Tone::Plain, "abcdefghijklmnop qr")];
        assert_eq!(text_of(|d| d.flow(2, &long), 8), ["abcdefgh", "  ijklmn", "  op qr"]);
    }

    #[test]
    fn an_item_is_never_torn_apart_where_it_fits_on_a_line() {
        let item = |key: &str, what: &str| vec![piece(Tone::Accent, key), piece(Tone::Plain, what)];
        let all = [item("Enter ", "do it"), item("o ", "other ways"), item("Esc ", "leave")];
        assert_eq!(text_of(|d| d.items(4, &all), 44), ["Enter do it    o other ways    Esc leave"]);
        assert_eq!(text_of(|d| d.items(4, &all), 36), ["Enter do it    o other ways", "Esc leave"]);
        assert_eq!(text_of(|d| d.items(4, &all), 14), ["Enter do it", "o other ways", "Esc leave"]);
        assert_eq!(
            text_of(|d| d.items(4, &all), 6),
            ["Enter ", "do it", "o ", "other ", "ways", "Esc ", "leave"]
        );
    }

    #[test]
    fn columns_line_up() {
        let row = |a: &str, b: &str| vec![piece(Tone::Plain, a), piece(Tone::Plain, b)];
        let lines = text_of(|d| d.grid(1, &[row("a", "one"), row("long", "two")]), 30);
        assert_eq!(lines, [" a     one", " long  two"]);
    }

    #[test]
    fn machine_text_is_escaped_on_its_way_in() {
        let lines = text_of(|d| d.text(Tone::Plain, "a\u{1b}[2Jb\u{202e}c"), 40);
        assert_eq!(lines, ["a\\x1b[2Jb\\u{202e}c"]);
    }
}
