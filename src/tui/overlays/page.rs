//! A page of the runbook: as much of Markdown as the pages use.

use super::Content;
use crate::catalog::runbook;
use crate::tui::theme::Tone;
use crate::tui::widgets::doc::{Doc, Piece, piece};

/// The page of a cause.
pub fn content(id: &str, mut doc: Doc<'_>) -> Content {
    let Some(page) = runbook::page(id) else {
        doc.text(Tone::Plain, &format!("The runbook has no page about {id}."));
        return Content { title: "Runbook".to_owned(), lines: doc.into_lines(), ..Content::default() };
    };
    draw(page.body, &mut doc);
    Content { title: format!("Runbook: {id}"), lines: doc.into_lines(), ..Content::default() }
}

/// Draws Markdown: headings, paragraphs, lists, tables, code.
fn draw(body: &str, doc: &mut Doc<'_>) {
    let mut block = Block::None;
    let mut in_code = false;
    for line in body.lines() {
        if line.trim_start().starts_with("```") {
            block.flush(doc);
            in_code = !in_code;
            if in_code {
                doc.blank();
            }
            continue;
        }
        if in_code {
            doc.indented(2, Tone::Accent, line);
        } else {
            block.take(line, doc);
        }
    }
    block.flush(doc);
}

/// Lines that belong together and are not drawn yet.
enum Block {
    None,
    Paragraph(String),
    Item(String),
    Table(Vec<Vec<String>>),
}

impl Block {
    fn take(&mut self, line: &str, doc: &mut Doc<'_>) {
        let text = line.trim();
        if let Some(heading) = text.strip_prefix("# ") {
            self.flush(doc);
            doc.heading(heading);
        } else if let Some(heading) =
            text.trim_start_matches('#').strip_prefix(' ').filter(|_| text.starts_with('#'))
        {
            self.flush(doc);
            doc.blank();
            doc.text(Tone::Title, heading);
        } else if let Some(item) = text.strip_prefix("- ").or_else(|| text.strip_prefix("* ")) {
            self.flush(doc);
            *self = Self::Item(item.to_owned());
        } else if text.starts_with('|') {
            self.take_row(text, doc);
        } else if text.is_empty() {
            self.flush(doc);
            doc.blank();
        } else {
            match self {
                Self::Paragraph(so_far) | Self::Item(so_far) => {
                    so_far.push(' ');
                    so_far.push_str(text);
                }
                Self::None | Self::Table(_) => {
                    self.flush(doc);
                    *self = Self::Paragraph(text.to_owned());
                }
            }
        }
    }

    fn take_row(&mut self, text: &str, doc: &mut Doc<'_>) {
        let inner = text.trim_matches('|');
        if inner.chars().all(|c| matches!(c, '-' | '|' | ':' | ' ')) {
            return;
        }
        let cells: Vec<String> = inner.split(" | ").map(|cell| cell.trim().to_owned()).collect();
        if let Self::Table(rows) = self {
            rows.push(cells);
        } else {
            self.flush(doc);
            *self = Self::Table(vec![cells]);
        }
    }

    fn flush(&mut self, doc: &mut Doc<'_>) {
        match std::mem::replace(self, Self::None) {
            Self::None => {}
            Self::Paragraph(text) => doc.text(Tone::Plain, &text),
            Self::Item(text) => {
                let dot = doc.glyphs().dot;
                doc.hang(&[piece(Tone::Dim, format!("{dot} "))], Tone::Plain, &text);
            }
            Self::Table(rows) => table(&rows, doc),
        }
    }
}

/// A table as records: what stands in the first column, and the others below it, because commands need the whole width.
fn table(rows: &[Vec<String>], doc: &mut Doc<'_>) {
    let Some((titles, rows)) = rows.split_first() else { return };
    for row in rows {
        let Some((first, rest)) = row.split_first() else { continue };
        doc.hang(&[piece(Tone::Dim, format!("{} ", doc.glyphs().dot))], Tone::Accent, first);
        let named: Vec<Vec<Piece>> = rest
            .iter()
            .zip(titles.iter().skip(1))
            .map(|(cell, title)| vec![piece(Tone::Dim, title.clone()), piece(Tone::Plain, cell.clone())])
            .collect();
        doc.grid(2, &named);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::theme::{Background, Depth, Glyphs, Theme};

    fn drawn(body: &str) -> Vec<String> {
        let theme = Theme::new(Depth::Mono, Background::Dark, Glyphs::Unicode);
        let mut doc = Doc::new(&theme, 40);
        draw(body, &mut doc);
        doc.into_lines().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn paragraphs_and_items_flow_together_and_code_stays_as_it_is() {
        let body = "# Title\n\none\ntwo\n\n- first\n  goes on\n- second\n\n```sh\nls  -l\n```\nend\n";
        let expected = ["Title", "", "one two", "", "· first goes on", "· second", "", "  ls  -l", "end"];
        assert_eq!(drawn(body), expected);
    }

    #[test]
    fn a_table_becomes_records() {
        let body = "| command | risk |\n|---|---|\n| `a | b` | none |\n";
        assert_eq!(drawn(body)[0], "· `a");
        let body = "| command | risk |\n|---|---|\n| `restart` | jobs die |\n";
        assert_eq!(drawn(body), ["· `restart`", "  risk  jobs die"]);
    }
}
