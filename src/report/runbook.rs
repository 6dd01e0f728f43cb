//! A runbook page for the terminal: the Markdown that the pages use, as text of a given width.
//!
//! Headings, paragraphs, lists, fenced blocks and tables; nothing else stands in a page. Commands keep their lines, because
//! they are there to be pasted.

use crate::report::page::{Ink, Page};
use crate::report::wrap::columns;
use crate::report::{Options, safe};

/// What the reader of the page is in.
enum Block {
    None,
    /// Lines of a paragraph or a list item: what stands before the first, and the text.
    Text(String, String),
    Fence,
    /// The row of a table that may be its heading: the next line tells.
    Row(String),
}

/// The page as text.
pub fn render(body: &str, options: &Options) -> String {
    let mut page = Page::new(options);
    let mut block = Block::None;
    for line in body.lines() {
        block = add(&mut page, block, line);
    }
    finish(&mut page, block);
    page.into_text()
}

fn add(page: &mut Page, block: Block, line: &str) -> Block {
    let trimmed = line.trim();
    match block {
        Block::Fence if trimmed.starts_with("```") => {
            page.gap();
            Block::None
        }
        Block::Fence => {
            page.ready_line(&format!("    {}", safe(line)));
            Block::Fence
        }
        other if trimmed.starts_with("```") => {
            finish(page, other);
            page.gap();
            Block::Fence
        }
        other => prose(page, other, trimmed),
    }
}

fn prose(page: &mut Page, block: Block, line: &str) -> Block {
    if line.is_empty() {
        finish(page, block);
        page.gap();
        return Block::None;
    }
    if let Some(heading) = line.strip_prefix('#') {
        finish(page, block);
        page.gap();
        page.paragraph(0, &plain(heading.trim_start_matches('#').trim()), Ink::Bold);
        page.gap();
        return Block::None;
    }
    if line.starts_with('|') {
        // The heading of a table says "command, risk", which the form of the rows says as well.
        if !is_rule(line) {
            finish(page, block);
            return Block::Row(line.to_owned());
        }
        return Block::None;
    }
    if let Some((bullet, text)) = item(page, line) {
        finish(page, block);
        return Block::Text(bullet, text);
    }
    match block {
        Block::Text(first, text) => Block::Text(first, format!("{text} {line}")),
        other => {
            finish(page, other);
            Block::Text(String::new(), line.to_owned())
        }
    }
}

/// `|---|---:|`
fn is_rule(line: &str) -> bool {
    line.contains("--") && line.chars().all(|c| "|-: ".contains(c))
}

/// The bullet and the text of a list item.
fn item(page: &Page, line: &str) -> Option<(String, String)> {
    if let Some(text) = line.strip_prefix("- ").or_else(|| line.strip_prefix("* ")) {
        return Some((page.glyph("  • ", "  * ").to_owned(), text.to_owned()));
    }
    let (number, text) = line.split_once(". ")?;
    number.parse::<u8>().ok().map(|n| (format!("  {n}. "), text.to_owned()))
}

fn finish(page: &mut Page, block: Block) {
    match block {
        Block::Text(first, text) => page.hang(&first, &plain(&text), Ink::Plain),
        Block::Row(line) => row(page, &line),
        Block::None | Block::Fence => {}
    }
}

/// A row of a table: its first cell, and below it what the others say.
fn row(page: &mut Page, line: &str) {
    let cells: Vec<String> = cells(line).iter().map(|cell| plain(cell.trim())).collect();
    let mut cells = cells.into_iter();
    let bullet = page.glyph("  • ", "  * ");
    if let Some(first) = cells.next() {
        page.command(bullet, &first, Ink::Plain);
    }
    let rest: Vec<String> = cells.filter(|cell| !cell.is_empty()).collect();
    if !rest.is_empty() {
        page.paragraph(columns(bullet), &rest.join("; "), Ink::Plain);
    }
}

/// Splits at `|` outside code spans; `\|` is a bar in the text.
fn cells(line: &str) -> Vec<String> {
    let inner = line.strip_prefix('|').unwrap_or(line);
    let inner = inner.strip_suffix('|').unwrap_or(inner);
    let mut cells = vec![String::new()];
    let mut escaped = false;
    for c in inner.chars() {
        match c {
            '|' if !escaped => cells.push(String::new()),
            '\\' if !escaped => {
                escaped = true;
                continue;
            }
            c => {
                if let Some(cell) = cells.last_mut() {
                    if escaped && c != '|' {
                        cell.push('\\');
                    }
                    cell.push(c);
                }
            }
        }
        escaped = false;
    }
    cells
}

/// The text without the marks of emphasis, code and links.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (position, piece) in text.split('`').enumerate() {
        // Every other piece is code, in which no mark means anything.
        if position % 2 == 1 {
            out.push_str(piece);
        } else {
            out.push_str(&links(&piece.replace("**", "")));
        }
    }
    safe(&out)
}

/// `[text](address)` becomes `text (address)`.
fn links(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('[') {
        let link = after
            .split_once("](")
            .and_then(|(label, tail)| tail.split_once(')').map(|(address, tail)| (label, address, tail)));
        out.push_str(before);
        let Some((label, address, tail)) = link else {
            out.push('[');
            rest = after;
            continue;
        };
        out.push_str(&format!("{label} ({address})"));
        rest = tail;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "# A *cause*\n\nA paragraph\nover two lines with `code` and [a link](https://example.org/x).\n\n\
                        - one item that is long enough to need a second line in a narrow page\n- two\n\n```sh\nls   -la /tmp\n```\n\n\
                        | command | risk |\n|---|---|\n| `a \\| b` | none at **all** |\n";

    fn rendered(width: usize) -> String {
        render(PAGE, &Options { width, ..Options::default() })
    }

    #[test]
    fn joins_wraps_and_keeps_commands() {
        let text = rendered(60);
        for part in [
            "A paragraph over two lines with code and a link",
            "  • one item that is long enough to need a second line in a\n    narrow page\n  • two\n",
            "\n\n    ls   -la /tmp\n\n",
            "  • a | b\n    none at all\n",
        ] {
            assert!(text.contains(part), "{part:?} is missing in\n{text}");
        }
        assert!(!text.contains("---") && !text.contains('`') && !text.contains("command"), "{text}");
    }

    #[test]
    fn leaves_brackets_that_are_no_link() {
        assert_eq!(plain("a [b] c"), "a [b] c");
        assert_eq!(plain("`**x**` **y**"), "**x** y");
    }
}
