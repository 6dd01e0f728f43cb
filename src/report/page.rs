//! A page of text under construction: indents, wraps and colours.

use crate::model::finding::{Severity, Status};
use crate::report::paste::{self, Margin};
use crate::report::wrap::{columns, shorten, wrap};
use crate::report::{Colour, Glyphs, Options};

/// What a piece of text is, and so how it looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ink {
    /// As the terminal writes.
    Plain,
    /// Headings.
    Bold,
    /// Context.
    Dim,
    /// Broken.
    Bad,
    /// Doubtful.
    Warn,
    /// Well.
    Good,
    /// Unknown.
    Blind,
}

/// Lines of a report, none wider than its options allow.
#[derive(Debug)]
pub struct Page {
    out: String,
    width: usize,
    colour: Colour,
    glyphs: Glyphs,
}

impl Page {
    /// An empty page.
    pub fn new(options: &Options) -> Self {
        Self {
            out: String::new(),
            width: options.width.clamp(20, 400),
            colour: options.colour,
            glyphs: options.glyphs,
        }
    }

    /// The text.
    pub fn into_text(self) -> String {
        self.out
    }

    /// The columns of a line.
    pub fn width(&self) -> usize {
        self.width
    }

    /// An empty line, never two in a row nor one at the top.
    pub fn gap(&mut self) {
        if !self.out.is_empty() && !self.out.ends_with("\n\n") {
            self.out.push('\n');
        }
    }

    /// A paragraph: `first` stands before its first line and as many blanks before the others.
    pub fn hang(&mut self, first: &str, text: &str, ink: Ink) {
        self.hang_inked((first, Ink::Plain), text, ink);
    }

    /// The same, with what stands before the first line in an ink of its own.
    pub fn hang_inked(&mut self, (first, first_ink): (&str, Ink), text: &str, ink: Ink) {
        let indent = columns(first);
        let lines = wrap(text, self.width.saturating_sub(indent).max(10));
        for (position, line) in lines.iter().enumerate() {
            let line = self.inked(line, ink);
            if position == 0 {
                let first = self.inked(first, first_ink);
                self.out.push_str(&first);
            } else if !line.is_empty() {
                self.out.push_str(&" ".repeat(indent));
            }
            self.out.push_str(line.trim_end());
            self.out.push('\n');
        }
    }

    /// A paragraph with `indent` blanks before each line.
    pub fn paragraph(&mut self, indent: usize, text: &str, ink: Ink) {
        self.hang(&" ".repeat(indent), text, ink);
    }

    /// One line, cut where it does not fit.
    pub fn line(&mut self, text: &str, ink: Ink) {
        let text = shorten(text, self.width, self.ellipsis());
        let text = self.inked(&text, ink);
        self.out.push_str(text.trim_end());
        self.out.push('\n');
    }

    /// One line that is already measured and coloured.
    pub fn ready_line(&mut self, line: &str) {
        self.out.push_str(line.trim_end());
        self.out.push('\n');
    }

    /// A shell command after a label, broken so that it can still be pasted.
    pub fn command(&mut self, first: &str, command: &str, ink: Ink) {
        let indent = columns(first);
        // A command of several lines has its own breaks, and blanks may matter in it.
        if command.contains('\n') {
            for line in std::iter::once(first).chain(command.lines()) {
                self.out.push_str(line.trim_end());
                self.out.push('\n');
            }
            return;
        }
        let lines = paste::lines(command, self.width.saturating_sub(indent).max(20));
        for (position, line) in lines.iter().enumerate() {
            match (position, line.margin) {
                (0, _) => self.out.push_str(first),
                (_, Margin::Indented) => self.out.push_str(&" ".repeat(indent)),
                (_, Margin::None) => {}
            }
            let text = self.inked(&line.text, ink);
            self.out.push_str(&text);
            self.out.push('\n');
        }
    }

    /// A piece of text in its ink.
    pub fn inked(&self, text: &str, ink: Ink) -> String {
        let code = match ink {
            _ if self.colour == Colour::Off || text.is_empty() => return text.to_owned(),
            Ink::Plain => return text.to_owned(),
            Ink::Bold => "1",
            Ink::Dim => "2",
            Ink::Bad => "1;31",
            Ink::Warn => "1;33",
            Ink::Good => "1;32",
            Ink::Blind => "1;35",
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }

    /// The unicode glyph or its ASCII twin.
    pub fn glyph(&self, unicode: &'static str, ascii: &'static str) -> &'static str {
        match self.glyphs {
            Glyphs::Unicode => unicode,
            Glyphs::Ascii => ascii,
        }
    }

    /// What stands for text that was left out.
    pub fn ellipsis(&self) -> &'static str {
        self.glyph("…", "..")
    }

    /// What stands between facts on one line.
    pub fn dot(&self) -> &'static str {
        self.glyph(" · ", " - ")
    }

    /// Symbol and ink of a severity.
    pub fn severity(&self, severity: Severity) -> (&'static str, Ink) {
        match severity {
            Severity::Critical => (self.glyph("✗", "X"), Ink::Bad),
            Severity::Warning => ("!", Ink::Warn),
            Severity::Info => (self.glyph("·", "-"), Ink::Plain),
        }
    }

    /// The ink of a verdict.
    pub fn status(status: Status) -> Ink {
        match status {
            Status::Ok => Ink::Good,
            Status::Warning => Ink::Warn,
            Status::Critical => Ink::Bad,
            Status::Unknown => Ink::Blind,
        }
    }
}
