//! Sparklines and histograms: a row of bars, one column a value.

use crate::tui::glyphs::GlyphSet;
use crate::tui::text;

/// One bar a value, scaled between the least and the greatest; where all are the same, the lowest bar.
pub fn spark(values: &[u64], glyphs: &GlyphSet) -> String {
    let least = values.iter().min().copied().unwrap_or(0);
    let span = values.iter().max().copied().unwrap_or(0) - least;
    values.iter().map(|v| level(v - least, span, glyphs)).collect()
}

/// One bar a class, as wide as the label above it; an empty class is blank, so that "few" and "none" differ.
pub fn histogram(counts: &[u64], labels: &[&str], glyphs: &GlyphSet) -> String {
    let most = counts.iter().max().copied().unwrap_or(0);
    let bars = counts.iter().zip(labels).map(|(count, label)| {
        let glyph = if *count == 0 { " " } else { level(*count, most, glyphs) };
        glyph.repeat(text::width(label))
    });
    bars.collect::<Vec<_>>().join(" ")
}

fn level(value: u64, most: u64, glyphs: &GlyphSet) -> &'static str {
    let steps = glyphs.levels.len() - 1;
    let scaled = match most {
        0 => 0,
        most => u128::from(value) * u128::try_from(steps).unwrap_or(0) / u128::from(most),
    };
    // What is there at all shows at least the lowest bar.
    glyphs.levels.get(usize::try_from(scaled).unwrap_or(steps)).copied().unwrap_or(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::glyphs::{ASCII, UNICODE};

    #[test]
    fn shows_growth_from_the_lowest_to_the_highest_bar() {
        assert_eq!(spark(&[10, 11, 12, 13, 14, 15], &UNICODE), "▁▂▃▅▇█");
        assert_eq!(spark(&[10, 11, 12, 13, 14, 15], &ASCII), "_.-=*#");
        assert_eq!(spark(&[7, 7, 7], &UNICODE), "▁▁▁");
        assert_eq!(spark(&[], &UNICODE), "");
        assert_eq!(spark(&[0, u64::MAX], &UNICODE), "▁█");
    }

    #[test]
    fn tells_few_from_none() {
        assert_eq!(histogram(&[1000, 1, 0], &["1h", "1d", "+"], &UNICODE), "██ ▁▁  ");
        assert_eq!(histogram(&[0, 0], &["1h", "+"], &ASCII), "    ");
    }
}
