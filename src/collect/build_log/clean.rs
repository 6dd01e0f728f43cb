//! What a tool printed, freed of what terminals and CI systems put around it.

use std::borrow::Cow;

const ESC: u8 = 0x1b;

/// The line without colours, cursor movements and other escape sequences. Source: ECMA-48, section 5.4 and 8.3.
pub(super) fn without_escapes(line: &[u8]) -> Cow<'_, [u8]> {
    if !line.contains(&ESC) {
        return Cow::Borrowed(line);
    }
    let mut out = Vec::with_capacity(line.len());
    let mut rest = line;
    while let Some((&byte, after)) = rest.split_first() {
        rest = if byte == ESC {
            after_escape(after)
        } else {
            out.push(byte);
            after
        };
    }
    Cow::Owned(out)
}

fn after_escape(after: &[u8]) -> &[u8] {
    match after.split_first() {
        Some((b'[', sequence)) => skip_to(sequence, |b| (0x40..=0x7e).contains(&b)),
        // Strings for the terminal or the CI system (titles, links, time stamps) end in BEL or ESC \.
        Some((b']' | b'P' | b'_' | b'^' | b'X', string)) => {
            let left = skip_to(string, |b| b == 0x07 || b == ESC);
            left.strip_prefix(b"\\").unwrap_or(left)
        }
        Some((_, left)) => left,
        None => after,
    }
}

fn skip_to(bytes: &[u8], end: impl Fn(u8) -> bool) -> &[u8] {
    let at = bytes.iter().position(|b| end(*b)).map_or(bytes.len(), |at| at + 1);
    bytes.get(at..).unwrap_or_default()
}

/// The line as text to search in; bytes that are not UTF-8 become characters from which [`bytes`] makes them again.
pub(super) fn text(line: &[u8]) -> Cow<'_, str> {
    match str::from_utf8(line) {
        Ok(text) if !text.contains(stands_for_byte) => Cow::Borrowed(text),
        _ => Cow::Owned(line.utf8_chunks().fold(String::new(), |mut text, chunk| {
            for c in chunk.valid().chars() {
                // A character of ours that a tool did print is taken for bytes too, so that the way back is exact.
                if stands_for_byte(c) {
                    text.extend(c.encode_utf8(&mut [0; 4]).bytes().filter_map(stand_in));
                } else {
                    text.push(c);
                }
            }
            text.extend(chunk.invalid().iter().copied().filter_map(stand_in));
            text
        })),
    }
}

fn stand_in(byte: u8) -> Option<char> {
    char::from_u32(PRIVATE + u32::from(byte))
}

fn stands_for_byte(c: char) -> bool {
    (PRIVATE + 0x80..=PRIVATE + 0xff).contains(&u32::from(c))
}

/// The bytes of a piece of such a text.
pub(super) fn bytes(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for c in text.chars() {
        match u8::try_from(u32::from(c).wrapping_sub(PRIVATE)) {
            Ok(byte) if stands_for_byte(c) => out.push(byte),
            _ => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    out
}

/// Start of 256 characters of the private-use area, which no tool prints.
const PRIVATE: u32 = 0xf700;

/// One line as a tool printed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Line<'a> {
    /// When the CI system says that it came.
    pub stamp: Option<&'a str>,
    /// The text, without prefixes and blanks at either end.
    pub body: &'a str,
    /// Whether the tool had indented it.
    pub indented: bool,
}

impl<'a> Line<'a> {
    /// Takes time stamps, stream marks and the like off the front, in whatever order they stand.
    pub(super) fn of(text: &'a str) -> Self {
        let mut stamp = None;
        let mut rest = text;
        for _ in 0..6 {
            let trimmed = rest.trim_start();
            if let Some((found, after)) = time_stamp(trimmed) {
                stamp = stamp.or(Some(found));
                rest = after;
            } else if let Some(after) = mark(trimmed) {
                rest = after;
            } else {
                break;
            }
        }
        let indented = rest.starts_with([' ', '\t']);
        let body = rest.trim().trim_start_matches("= note: ").trim_start();
        Self { stamp, body, indented }
    }
}

/// `2026-01-22T20:40:00.123Z `, `[2026-01-22 20:40:00] `, `[20:40:00] `, `20:40:00.5 `: the stamp and what follows.
fn time_stamp(text: &str) -> Option<(&str, &str)> {
    let open = text.strip_prefix('[');
    let inner = open.unwrap_or(text);
    let stamp_char = |c: char| c.is_ascii_digit() || "-:.,+TZ".contains(c);
    // A date and a time may have a blank between them.
    let mut end = inner.find(|c: char| !stamp_char(c)).unwrap_or(inner.len());
    if is_date(inner.get(..end)?) && inner.get(end..)?.starts_with(' ') {
        let time = inner.get(end + 1..)?;
        end += 1 + time.find(|c: char| !stamp_char(c)).unwrap_or(time.len());
    }
    let (stamp, after) = (inner.get(..end)?, inner.get(end..)?);
    let clock = stamp.rsplit(['T', ' ']).next()?;
    let is_stamp = clock.matches(':').count() >= 2 && clock.starts_with(|c: char| c.is_ascii_digit());
    let after = if open.is_some() { after.strip_prefix(']')? } else { after };
    let after = after.strip_prefix(' ').or_else(|| after.is_empty().then_some(after))?;
    is_stamp.then_some((stamp, after))
}

fn is_date(text: &str) -> bool {
    text.len() == 10 && text.matches('-').count() == 2
}

/// Marks of CI systems and container engines before the text of a tool.
fn mark(text: &str) -> Option<&str> {
    const PLAIN: &[&str] =
        &["##[error]", "::error::", "stdout F ", "stderr F ", "00O ", "00E ", "01O ", "01E ", "00O+", "01E+"];
    if let Some(after) = PLAIN.iter().find_map(|mark| text.strip_prefix(mark)) {
        return Some(after);
    }
    if let Some(after) = text.strip_prefix("::error ") {
        return after.split_once("::").map(|(_, message)| message);
    }
    step_of_image_build(text).or_else(|| name_and_bar(text))
}

/// `#12 0.543 ` of BuildKit.
fn step_of_image_build(text: &str) -> Option<&str> {
    let (step, rest) = text.strip_prefix('#')?.split_once(' ')?;
    let (seconds, after) = rest.split_once(' ')?;
    let digits = |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_digit() || c == '.');
    (digits(step) && seconds.contains('.') && digits(seconds)).then_some(after)
}

/// `web-1  | ` of compose, `[CI/build]   | ` of act; not `12 | let x` of a compiler.
fn name_and_bar(text: &str) -> Option<&str> {
    let (name, after) = text.split_once("| ")?;
    let name = name.trim_end();
    let inner = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c) || inner.is_some() && c == ' ';
    let word = inner.unwrap_or(name);
    let is_name =
        word.len() <= 80 && word.chars().all(plain) && word.contains(|c: char| c.is_ascii_alphabetic());
    is_name.then_some(after)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn body(text: &str) -> &str {
        Line::of(text).body
    }

    #[test]
    fn colours_titles_and_time_marks_are_gone() {
        let line = b"\x1b_bk;t=1769114400000\x07\x1b[31merror\x1b[0m: \x1b]0;title\x1b\\x \x1b(By";
        assert_eq!(without_escapes(line).as_ref(), b"error: x By");
        assert_eq!(without_escapes(b"\x1b[").as_ref(), b"");
    }

    #[test]
    fn prefixes_of_ci_systems_are_taken_off() {
        for line in [
            "error: x",
            "2026-01-22T20:40:00.1234567Z error: x",
            "2026-01-22T20:40:00+01:00   error: x",
            "[2026-01-22 20:40:00] error: x",
            "2026-01-22 20:40:00,123 error: x",
            "[20:40:00] error: x",
            "20:40:00.5 error: x",
            "2026-01-22T20:40:00Z ##[error]error: x",
            "2026-01-22T20:40:00.962646Z 00O error: x",
            "::error file=a.rs,line=1::error: x",
            "#12 0.543 error: x",
            "[CI/build job]   | error: x",
            "web-1  | error: x",
            "  = note: error: x",
        ] {
            assert_eq!(body(line), "error: x", "{line}");
        }
        assert_eq!(Line::of("[20:40:00] x").stamp, Some("20:40:00"));
    }

    #[test]
    fn what_only_looks_like_a_prefix_stays() {
        for line in
            ["12 | let x = 1;", "127.0.0.1:4226 refused", "10:3 x", "1.2.3 x", "#12 is open", "a b | c"]
        {
            assert_eq!(body(line), line);
        }
    }

    #[test]
    fn bytes_that_are_no_text_come_back_as_they_were() {
        let line = b"/tmp/\xff\xfe/\xc3\xa9";
        assert_eq!(bytes(&text(line)), line);
    }

    #[test]
    fn characters_that_stand_for_bytes_survive_where_a_tool_prints_them() {
        let line = "x\u{f780}\u{f7ff}".as_bytes();
        assert_eq!(bytes(&text(line)), line);
    }

    proptest! {
        #[test]
        fn any_bytes_survive_the_way_there_and_back(line: Vec<u8>) {
            prop_assert_eq!(bytes(&text(&line)), line);
        }

        #[test]
        fn nothing_panics(line: Vec<u8>) {
            let plain = without_escapes(&line);
            Line::of(&text(&plain));
        }
    }
}
