//! Parsers of the kernel's and the C library's tables: bytes in, model types or borrowed fields out.
//!
//! They never fail as a whole and never panic: what is not of the documented form is left out and said, so that one
//! hostile name cannot blind a table. No file is opened here. Called by the rest of `collect`.

pub mod cgroup;
pub mod environ;
pub mod fdinfo;
pub mod fstab;
pub mod limits;
pub mod maps;
pub mod mountinfo;
pub mod passwd;
pub mod stat;
pub mod status;
pub mod unix_sockets;

use crate::model::raw_path::shown_bytes;

/// How much of an offending line a gap quotes.
const QUOTED: usize = 120;

/// The lines of a text; an empty rest after the last newline is none.
pub fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    pieces(text, b'\n').filter(|line| !line.is_empty())
}

/// What stands between the separators, as [`slice::split`] gives it, but found by whole machine words: some kilobytes of
/// every process are split at each look.
pub fn pieces(text: &[u8], separator: u8) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let (piece, after) = match split_once(text, separator) {
            Some((piece, after)) => (piece, Some(after)),
            None => (text, None),
        };
        rest = after;
        Some(piece)
    })
}

/// The words of a line, separated by any number of blanks and tabs.
pub fn words(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(|b| *b == b' ' || *b == b'\t').filter(|word| !word.is_empty())
}

/// A decimal number without sign; `None` for anything else, overflow included.
pub fn decimal(digits: &[u8]) -> Option<u64> {
    number(digits, 10)
}

/// A number of that base without sign or prefix.
pub fn number(digits: &[u8], base: u32) -> Option<u64> {
    if digits.first() == Some(&b'+') {
        return None;
    }
    u64::from_str_radix(std::str::from_utf8(digits).ok()?, base).ok()
}

/// `rest` of `label:rest` without the blanks around it, where the line carries that label.
pub fn labelled<'a>(line: &'a [u8], label: &str) -> Option<&'a [u8]> {
    Some(line.strip_prefix(label.as_bytes())?.strip_prefix(b":")?.trim_ascii())
}

/// Splits at the first `separator`.
pub fn split_once(text: &[u8], separator: u8) -> Option<(&[u8], &[u8])> {
    let position = memchr::memchr(separator, text)?;
    Some((text.get(..position)?, text.get(position + 1..)?))
}

/// Undoes the octal escapes by which the kernel and fstab(5) keep blanks and newlines out of fields: `\040`, `\012`, `\134`.
///
/// A backslash that no three octal digits follow stands for itself.
pub fn unescape(field: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((first, after)) = rest.split_first() {
        if let Some(byte) = escaped(rest) {
            out.push(byte);
            rest = rest.get(4..).unwrap_or_default();
        } else {
            out.push(*first);
            rest = after;
        }
    }
    out
}

fn escaped(text: &[u8]) -> Option<u8> {
    let digits = text.strip_prefix(b"\\")?.get(..3)?;
    u8::try_from(number(digits, 8)?).ok()
}

/// The beginning of an offending line, fit to be shown.
pub fn quote(line: &[u8]) -> String {
    match line.get(..QUOTED) {
        Some(head) => format!("{}…", shown_bytes(head)),
        None => shown_bytes(line),
    }
}

/// A kernel word that is ASCII by construction; anything else is escaped rather than lost.
pub fn text(word: &[u8]) -> String {
    shown_bytes(word)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn undoes_octal_escapes_and_nothing_else() {
        assert_eq!(unescape(br"a\040b\011\012\134"), b"a b\t\n\\");
        assert_eq!(unescape(br"\04"), br"\04");
        assert_eq!(unescape(br"\999\777x"), br"\999\777x");
        assert_eq!(unescape(b"\xff\\"), b"\xff\\");
    }

    #[test]
    fn takes_only_plain_numbers() {
        assert_eq!(decimal(b"4514"), Some(4514));
        for odd in [&b""[..], b"+1", b"-1", b"1 ", b"\xff", b"99999999999999999999"] {
            assert_eq!(decimal(odd), None, "{}", quote(odd));
        }
        assert_eq!(number(b"1777", 8), Some(0o1777));
    }

    proptest! {
        #[test]
        fn pieces_are_those_of_a_plain_split(text in "[ab\n]{0,40}") {
            let plain: Vec<&[u8]> = text.as_bytes().split(|b| *b == b'\n').collect();
            prop_assert_eq!(pieces(text.as_bytes(), b'\n').collect::<Vec<_>>(), plain);
        }

        #[test]
        fn unescaping_gives_back_what_the_kernel_escaped(name: Vec<u8>) {
            let mut escaped = Vec::new();
            for byte in &name {
                match byte {
                    b' ' | b'\t' | b'\n' | b'\\' | b'#' => escaped.extend(format!("\\{byte:03o}").bytes()),
                    other => escaped.push(*other),
                }
            }
            prop_assert_eq!(unescape(&escaped), name);
        }
    }
}
