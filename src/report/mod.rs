//! Floor 2: a snapshot and what the rules say about it, as text for people, tickets and machines.
//!
//! Each form is one file with one `render`; all of them are pure and return the whole document. What more than one form
//! needs lives beside them: [`wrap`] breaks lines, [`paste`] breaks commands so that they can still be pasted,
//! [`backing`] names what lies behind a temp dir, [`incomplete`] lists what could not be seen, [`keys`] is what all JSON
//! documents write alike. Writing is up to `cmd`.

pub mod backing;
pub mod diff;
pub mod github;
pub mod incomplete;
pub mod json;
pub mod keys;
pub mod markdown;
pub mod openmetrics;
pub mod page;
pub mod paste;
pub mod runbook;
pub mod safe_json;
#[cfg(test)]
pub mod sample;
pub mod text;
pub mod wrap;

use crate::model::raw_path::shown_bytes;
use crate::model::reading::Gap;
use crate::model::units::Micros;

/// How a report is to look, and what only the command that made it knows.
#[derive(Clone, Debug)]
pub struct Options {
    /// Columns that may be used.
    pub width: usize,
    /// Whether colours are wanted.
    pub colour: Colour,
    /// Which characters may be drawn with.
    pub glyphs: Glyphs,
    /// How much is said.
    pub detail: Detail,
    /// How long it all took.
    pub elapsed: Micros,
    /// What the command itself left undone.
    pub gaps: Vec<Gap>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            width: 80,
            colour: Colour::Off,
            glyphs: Glyphs::Unicode,
            detail: Detail::Usual,
            elapsed: Micros(0),
            gaps: Vec::new(),
        }
    }
}

/// Whether a report is coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// With the sixteen colours of every terminal.
    On,
    /// Plain.
    Off,
}

/// Which characters a report draws with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Glyphs {
    /// Symbols and box drawing.
    Unicode,
    /// ASCII twins.
    Ascii,
}

/// How much a report says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// The verdict and the findings.
    Brief,
    /// Also what is ruled out, a line each.
    Usual,
    /// Nothing is shortened.
    Full,
}

/// A string of unknown origin, harmless to a terminal.
pub fn safe(text: &str) -> String {
    shown_bytes(text.as_bytes())
}
