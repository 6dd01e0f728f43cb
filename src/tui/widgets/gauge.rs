//! A gauge: how much of something is used.

use crate::tui::glyphs::GlyphSet;
use crate::tui::theme::Tone;

/// The full and the empty part of a gauge of that many columns.
pub fn gauge(per_cent: u64, columns: usize, glyphs: &GlyphSet) -> (String, String) {
    let all = u64::try_from(columns).unwrap_or(0);
    // Something used shows at least one column, something free at least one empty.
    let full = match per_cent.min(100) {
        0 => 0,
        100 => all,
        used => (used * all / 100).clamp(1, all.saturating_sub(1).max(1)),
    };
    let full = usize::try_from(full).unwrap_or(0).min(columns);
    (glyphs.full.repeat(full), glyphs.empty.repeat(columns - full))
}

/// What a share in use means: dim while there is room, then a warning, then worse.
pub fn tone(per_cent: u64) -> Tone {
    match per_cent {
        0..90 => Tone::Dim,
        90..98 => Tone::Warning,
        _ => Tone::Critical,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::glyphs::UNICODE;

    #[test]
    fn is_never_full_before_it_is() {
        assert_eq!(gauge(99, 4, &UNICODE), ("━━━".into(), "─".into()));
        assert_eq!(gauge(100, 4, &UNICODE), ("━━━━".into(), String::new()));
        assert_eq!(gauge(1, 4, &UNICODE), ("━".into(), "───".into()));
        assert_eq!(gauge(0, 4, &UNICODE), (String::new(), "────".into()));
        assert_eq!(gauge(50, 0, &UNICODE), (String::new(), String::new()));
    }
}
