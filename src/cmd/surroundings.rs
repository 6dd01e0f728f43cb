//! What our own environment says about the terminal: the only place that reads variables.

use crate::cli::{ColorChoice, Global};
use crate::model::units::WallNanos;
use crate::report::{Colour, Glyphs};
use crate::sys::clock;
use crate::sys::term::Tty;
use crate::tui::theme::{self, Background, Depth};

/// Columns of a report, whatever the width of the terminal.
const REPORT_COLUMNS: usize = 80;

/// A variable as text; one that is not UTF-8 says nothing about a terminal.
#[expect(clippy::disallowed_methods, reason = "the one place where our environment is read")]
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Whether the terminal understands escape sequences.
pub fn is_dumb() -> bool {
    variable("TERM").is_none_or(|term| term == "dumb")
}

/// Whether standard output is to be coloured.
pub fn colour(global: &Global) -> Colour {
    let on = match global.color {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto => {
            rustix::termios::isatty(rustix::stdio::stdout()) && !is_dumb() && variable("NO_COLOR").is_none()
        }
    };
    if on { Colour::On } else { Colour::Off }
}

/// Which characters may be drawn with: ASCII where that is asked for or the locale is not UTF-8.
pub fn glyphs(global: &Global) -> Glyphs {
    if global.ascii || !is_utf8() { Glyphs::Ascii } else { Glyphs::Unicode }
}

/// The same for the console.
pub fn tui_glyphs(global: &Global) -> theme::Glyphs {
    match glyphs(global) {
        Glyphs::Unicode => theme::Glyphs::Unicode,
        Glyphs::Ascii => theme::Glyphs::Ascii,
    }
}

/// How many colours the terminal has.
pub fn depth(global: &Global) -> Depth {
    let wanted = match global.color {
        ColorChoice::Never => return Depth::Mono,
        ColorChoice::Always => true,
        ColorChoice::Auto => variable("NO_COLOR").is_none(),
    };
    let term = variable("TERM").unwrap_or_default();
    match (wanted, depth_of(&term, &variable("COLORTERM").unwrap_or_default())) {
        (false, _) => Depth::Mono,
        (true, Depth::Mono) if global.color == ColorChoice::Always => Depth::Sixteen,
        (true, depth) => depth,
    }
}

/// By the names that terminals go by; terminfo may be missing on a broken box, and says little of 24 bits anyway.
fn depth_of(term: &str, colorterm: &str) -> Depth {
    let is_mono = ["vt52", "vt100", "vt102", "vt220", "ansi-m"].iter().any(|name| term.starts_with(name));
    if is_mono || term.ends_with("-m") || term.ends_with("-mono") {
        Depth::Mono
    } else if ["truecolor", "24bit"].contains(&colorterm) || term.ends_with("-direct") {
        Depth::True
    } else if term.contains("256color") {
        Depth::Indexed
    } else {
        Depth::Sixteen
    }
}

/// What lies behind the text, where the terminal says so: `COLORFGBG` is `foreground;background` in its sixteen colours.
pub fn background() -> Background {
    background_of(&variable("COLORFGBG").unwrap_or_default())
}

fn background_of(colorfgbg: &str) -> Background {
    let number = colorfgbg.rsplit(';').next().and_then(|last| last.parse::<u8>().ok());
    match number {
        Some(7 | 9..=15) => Background::Light,
        _ => Background::Dark,
    }
}

/// Seconds that local time is ahead of UTC.
pub fn utc_offset_s() -> i32 {
    utc_offset_s_at(WallNanos(clock::wall_nanos()))
}

/// The same at another time, which summer time may make another number.
pub fn utc_offset_s_at(then: WallNanos) -> i32 {
    let then = jiff::Timestamp::from_second(then.0.div_euclid(1_000_000_000));
    then.map_or(0, |then| jiff::tz::TimeZone::system().to_offset(then).seconds())
}

/// The codeset of the locale; the first of these that is set decides. Source: locale(7).
fn is_utf8() -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(variable).unwrap_or_default();
    let locale = locale.to_ascii_lowercase();
    locale.ends_with("utf-8") || locale.ends_with("utf8")
}

/// Columns of a report: 80, or fewer on a narrower terminal.
pub fn report_columns() -> usize {
    Tty::output_size().map_or(REPORT_COLUMNS, |(columns, _)| usize::from(columns).clamp(40, REPORT_COLUMNS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_terminals_by_their_names() {
        assert_eq!(depth_of("xterm-256color", ""), Depth::Indexed);
        assert_eq!(depth_of("xterm-256color", "truecolor"), Depth::True);
        assert_eq!(depth_of("linux", ""), Depth::Sixteen);
        assert_eq!(depth_of("vt100", "truecolor"), Depth::Mono);
    }

    #[test]
    fn takes_a_background_for_dark_unless_told() {
        assert_eq!(background_of(""), Background::Dark);
        assert_eq!(background_of("15;0"), Background::Dark);
        assert_eq!(background_of("0;15"), Background::Light);
        assert_eq!(background_of("0;default;15"), Background::Light);
    }
}
