//! JSON that is harmless when printed to a terminal.
//!
//! RFC 8259 lets DEL, C1 controls and bidirectional or invisible characters stand raw in a string; a terminal acts on
//! them. They are escaped here as well, so that the text drives nothing and still reads back as the same characters.

use std::io;

use serde::Serialize;
use serde_json::ser::Formatter;

use crate::model::raw_path::{is_control, is_invisible};

/// One document on one line, newline included.
pub fn to_line<T: Serialize>(value: &T) -> serde_json::Result<String> {
    let mut bytes = Vec::with_capacity(4096);
    write(&mut bytes, value)?;
    bytes.push(b'\n');
    // serde_json writes UTF-8 only; should that ever change, the replacement character is harmless as well.
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The same as it is made, without the newline: for what is too long to be held.
pub fn write<T: Serialize>(out: &mut impl io::Write, value: &T) -> serde_json::Result<()> {
    value.serialize(&mut serde_json::Serializer::with_formatter(out, Harmless))
}

/// Compact form, with more escaped than JSON asks for.
struct Harmless;

impl Formatter for Harmless {
    fn write_string_fragment<W>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()>
    where
        W: ?Sized + io::Write,
    {
        let mut rest = fragment;
        while let Some(at) = rest.find(|c| is_control(c) || is_invisible(c)) {
            let (plain, tail) = rest.split_at(at);
            writer.write_all(plain.as_bytes())?;
            let mut chars = tail.chars();
            if let Some(c) = chars.next() {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    write!(writer, "\\u{unit:04x}")?;
                }
            }
            rest = chars.as_str();
        }
        writer.write_all(rest.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTILE: &str =
        "a\u{1b}[2J \u{7f} \u{9b}31m \u{202e}gpj \u{200b} \u{e0041} \u{fe0f} \"q\" \\ \n \u{1f600} é";

    #[test]
    fn prints_no_byte_that_drives_a_terminal() {
        let line = to_line(&HOSTILE).unwrap();
        let body = line.strip_suffix('\n').unwrap();
        assert!(body.chars().all(|c| !is_control(c) && !is_invisible(c)), "raw control in {body:?}");
        assert!(body.contains('é') && body.contains('\u{1f600}'), "ordinary characters stay as they are");
    }

    #[test]
    fn reads_back_as_the_same_text() {
        assert_eq!(serde_json::from_str::<String>(&to_line(&HOSTILE).unwrap()).unwrap(), HOSTILE);
    }
}
