//! Every glyph that the screen draws, twice: for UTF-8 terminals and in ASCII.

use ratatui::symbols::border;

/// One set of glyphs; each carries one meaning.
#[derive(Debug)]
pub struct GlyphSet {
    /// Something fails now.
    pub critical: &'static str,
    /// It might.
    pub warning: &'static str,
    /// Context.
    pub info: &'static str,
    /// It works.
    pub ok: &'static str,
    /// Nobody knows.
    pub unknown: &'static str,
    /// Stands before the selected row.
    pub marker: &'static str,
    /// Stands before a picked entry.
    pub picked: &'static str,
    /// Stands where something was cut away.
    pub ellipsis: &'static str,
    /// A value that is not there.
    pub dash: &'static str,
    /// Between two facts on one line.
    pub dot: &'static str,
    /// Hangs one line below another.
    pub branch: &'static str,
    /// From here to there.
    pub arrow: &'static str,
    /// How often.
    pub times: &'static str,
    /// Sorted with the greatest first.
    pub down: &'static str,
    /// Sorted with the smallest first.
    pub up: &'static str,
    /// Below this one in a path of levels.
    pub into: &'static str,
    /// Full part of a gauge.
    pub full: &'static str,
    /// Empty part of a gauge.
    pub empty: &'static str,
    /// Heights of a bar, the lowest first.
    pub levels: [&'static str; 6],
    /// Box drawing.
    pub border: border::Set<'static>,
}

/// For UTF-8 terminals.
pub static UNICODE: GlyphSet = GlyphSet {
    critical: "✗",
    warning: "!",
    info: "·",
    ok: "✓",
    unknown: "?",
    marker: "▸",
    picked: "●",
    ellipsis: "…",
    dash: "–",
    dot: "·",
    branch: "└",
    arrow: "→",
    times: "×",
    down: "▼",
    up: "▲",
    into: "›",
    full: "━",
    empty: "─",
    levels: ["▁", "▂", "▃", "▅", "▇", "█"],
    border: border::PLAIN,
};

/// For every other terminal.
pub static ASCII: GlyphSet = GlyphSet {
    critical: "X",
    warning: "!",
    info: "-",
    ok: "+",
    unknown: "?",
    marker: ">",
    picked: "*",
    ellipsis: "...",
    dash: "-",
    dot: "-",
    branch: "`",
    arrow: "->",
    times: "x",
    down: "v",
    up: "^",
    into: ">",
    full: "=",
    empty: ".",
    levels: ["_", ".", "-", "=", "*", "#"],
    border: border::Set {
        top_left: "+",
        top_right: "+",
        bottom_left: "+",
        bottom_right: "+",
        vertical_left: "|",
        vertical_right: "|",
        horizontal_top: "-",
        horizontal_bottom: "-",
    },
};

/// The ASCII twin of one character, for text that was written elsewhere with a few typographic signs.
pub fn twin(c: char) -> char {
    match c {
        c if c.is_ascii() => c,
        '·' | '–' | '—' | '─' | '━' => '-',
        '…' => '.',
        '’' | '‘' => '\'',
        '“' | '”' => '"',
        '×' => 'x',
        '→' | '▸' | '›' | '≥' => '>',
        '←' | '≤' => '<',
        '↑' => '^',
        '↓' => 'v',
        '✗' => 'X',
        '✓' => '+',
        'µ' => 'u',
        _ => '?',
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_ascii_glyph_is_ascii_and_as_wide_as_its_place() {
        let set = &ASCII;
        let border = set.border;
        let singles =
            [set.critical, set.warning, set.info, set.ok, set.unknown, set.marker, set.picked, set.branch];
        for glyph in singles.iter().chain(&set.levels).chain([&set.full, &set.empty, &border.top_left]) {
            assert!(glyph.is_ascii() && glyph.len() == 1, "{glyph}");
        }
        for glyph in [set.ellipsis, set.dash, set.dot, set.arrow, set.times, set.down, set.up, set.into] {
            assert!(glyph.is_ascii(), "{glyph}");
        }
    }

    #[test]
    fn the_symbols_of_severity_differ_from_each_other_in_both_sets() {
        for set in [&UNICODE, &ASCII] {
            let mut all = vec![set.critical, set.warning, set.info, set.ok, set.unknown];
            all.sort_unstable();
            all.dedup();
            assert_eq!(all.len(), 5);
        }
    }
}
