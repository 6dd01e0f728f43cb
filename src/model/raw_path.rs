//! Bytes from the machine under diagnosis: paths, names, command lines, values of variables.
//!
//! They need not be UTF-8 and may hold anything that drives a terminal, so the only way to a screen or a report is
//! [`RawPath::shown`], and the only way into a command that the user may paste is [`RawPath::quoted`].

use std::ffi::OsStr;
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A byte string that some process or file system gave us.
///
/// Serialised as a string where it is UTF-8, and as `{"hex": "…"}` where it is not, so that a capture keeps every byte.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RawPath(Vec<u8>);

/// The same guarantees for text that is not a path: names, arguments, values.
pub type RawText = RawPath;

impl RawPath {
    /// Wraps bytes as they came.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into())
    }

    /// The bytes, unchanged.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The bytes as a path for a system call.
    pub fn as_path(&self) -> &Path {
        Path::new(OsStr::from_bytes(&self.0))
    }

    /// Whether there are no bytes at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether it starts with `/`.
    pub fn is_absolute(&self) -> bool {
        self.0.first() == Some(&b'/')
    }

    /// Whether `self` is `dir` or lies below it, by whole components.
    pub fn is_below(&self, dir: &Self) -> bool {
        let dir = dir.trimmed();
        let own = self.trimmed();
        own == dir
            || dir == b"/" && self.is_absolute()
            || own.starts_with(dir) && own.get(dir.len()) == Some(&b'/')
    }

    fn trimmed(&self) -> &[u8] {
        let mut bytes = self.0.as_slice();
        while bytes.len() > 1 && bytes.last() == Some(&b'/') {
            bytes = bytes.get(..bytes.len() - 1).unwrap_or_default();
        }
        bytes
    }

    /// `self/name`, or `name` alone where it is absolute.
    pub fn join(&self, name: &[u8]) -> Self {
        if name.first() == Some(&b'/') {
            return Self::new(name);
        }
        let mut bytes = self.0.clone();
        if bytes.last() != Some(&b'/') && !bytes.is_empty() {
            bytes.push(b'/');
        }
        bytes.extend_from_slice(name);
        Self(bytes)
    }

    /// The last component, or everything where there is no `/`.
    pub fn file_name(&self) -> &[u8] {
        self.trimmed().rsplit(|b| *b == b'/').next().unwrap_or_default()
    }

    /// Text that cannot drive a terminal or reorder what stands beside it.
    ///
    /// Control characters (C0, DEL, C1) and bytes that are not UTF-8 become `\xNN` (`\n`, `\t`, `\r` keep their letters);
    /// bidirectional and zero-width controls, tags and variation selectors become `\u{…}`.
    pub fn shown(&self) -> String {
        shown_bytes(&self.0)
    }

    /// A word that a shell reads back as exactly these bytes.
    pub fn quoted(&self) -> String {
        let plain = |b: &u8| b.is_ascii_alphanumeric() || b"/._-+,:@%=".contains(b);
        if !self.0.is_empty() && self.0.iter().all(plain) {
            return self.shown();
        }
        if let Ok(text) = std::str::from_utf8(&self.0)
            && shown_bytes(&self.0) == text
        {
            return format!("'{}'", text.replace('\'', r"'\''"));
        }
        let mut out = String::from("$'");
        for byte in &self.0 {
            match byte {
                b'\'' | b'\\' => {
                    out.push('\\');
                    out.push(char::from(*byte));
                }
                0x20..=0x7e => out.push(char::from(*byte)),
                _ => out.push_str(&format!("\\x{byte:02x}")),
            }
        }
        out.push('\'');
        out
    }
}

/// [`RawPath::shown`] for a borrowed slice.
pub fn shown_bytes(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            push_shown(&mut out, c);
        }
        for byte in chunk.invalid() {
            out.push_str(&format!("\\x{byte:02x}"));
        }
    }
    out
}

fn push_shown(out: &mut String, c: char) {
    match c {
        '\n' => out.push_str("\\n"),
        '\t' => out.push_str("\\t"),
        '\r' => out.push_str("\\r"),
        c if is_control(c) => out.push_str(&format!("\\x{:02x}", u32::from(c))),
        c if is_invisible(c) => out.push_str(&format!("\\u{{{:x}}}", u32::from(c))),
        c => out.push(c),
    }
}

/// Whether a character is C0, DEL or C1.
pub fn is_control(c: char) -> bool {
    matches!(u32::from(c), 0..=0x1f | 0x7f..=0x9f)
}

/// Whether a character takes no room of its own but changes how its neighbours look.
pub fn is_invisible(c: char) -> bool {
    matches!(
        u32::from(c),
        0x00ad | 0x034f | 0x061c | 0x115f | 0x1160 | 0x17b4 | 0x17b5 | 0x180b..=0x180f | 0x200b..=0x200f
            | 0x2028..=0x202e | 0x2060..=0x206f | 0x3164 | 0xfe00..=0xfe0f | 0xfeff | 0xffa0 | 0xfff0..=0xfffb
            | 0x1_d173..=0x1_d17a | 0xe_0000..=0xe_0fff
    )
}

impl From<&str> for RawPath {
    fn from(text: &str) -> Self {
        Self(text.as_bytes().to_vec())
    }
}

impl From<&[u8]> for RawPath {
    fn from(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }
}

impl From<&OsStr> for RawPath {
    fn from(text: &OsStr) -> Self {
        Self(text.as_bytes().to_vec())
    }
}

impl fmt::Debug for RawPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.shown())
    }
}

impl fmt::Display for RawPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.shown())
    }
}

#[derive(Serialize, Deserialize)]
struct Hex {
    hex: String,
}

impl Serialize for RawPath {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match std::str::from_utf8(&self.0) {
            Ok(text) => serializer.serialize_str(text),
            Err(_) => Hex { hex: self.0.iter().map(|b| format!("{b:02x}")).collect() }.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for RawPath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Either)
    }
}

/// Reads either form as it comes: there are hundreds of thousands of them in a journal.
struct Either;

impl<'de> de::Visitor<'de> for Either {
    type Value = RawPath;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text, or bytes in `hex`")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<RawPath, E> {
        Ok(RawPath::from(text))
    }

    fn visit_string<E: de::Error>(self, text: String) -> Result<RawPath, E> {
        Ok(RawPath(text.into_bytes()))
    }

    fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<RawPath, A::Error> {
        let Hex { hex } = Hex::deserialize(de::value::MapAccessDeserializer::new(map))?;
        let digits = hex.as_bytes().chunks(2);
        digits
            .map(|pair| std::str::from_utf8(pair).ok().and_then(|p| u8::from_str_radix(p, 16).ok()))
            .collect::<Option<Vec<u8>>>()
            .map(RawPath)
            .ok_or_else(|| de::Error::custom("`hex` must hold pairs of hexadecimal digits"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_nothing_that_could_drive_a_terminal() {
        let hostile = RawPath::new(&b"a\x1b[2J\x9b\xc2\x9b\n\x7f\xe2\x80\xaeb"[..]);
        assert_eq!(hostile.shown(), "a\\x1b[2J\\x9b\\x9b\\n\\x7f\\u{202e}b");
    }

    #[test]
    fn quotes_so_that_a_shell_reads_the_same_bytes() {
        assert_eq!(RawPath::from("/tmp/a-b").quoted(), "/tmp/a-b");
        assert_eq!(RawPath::from("/tmp/it's $HOME").quoted(), r"'/tmp/it'\''s $HOME'");
        assert_eq!(RawPath::new(&b"/tmp/\x1b\xff"[..]).quoted(), r"$'/tmp/\x1b\xff'");
        assert_eq!(RawPath::default().quoted(), "''");
    }

    #[test]
    fn keeps_every_byte_through_json() {
        for bytes in [&b"/tmp/plain"[..], b"/tmp/\xff\x00", b""] {
            let raw = RawPath::from(bytes);
            let json = serde_json::to_string(&raw).unwrap();
            assert_eq!(serde_json::from_str::<RawPath>(&json).unwrap(), raw);
        }
        assert!(serde_json::from_str::<RawPath>("{\"hex\":\"zz\"}").is_err());
    }

    #[test]
    fn compares_whole_components() {
        assert!(RawPath::from("/tmp/a").is_below(&"/tmp".into()));
        assert!(RawPath::from("/tmp").is_below(&"/tmp/".into()));
        assert!(RawPath::from("/tmp").is_below(&"/".into()));
        assert!(!RawPath::from("/tmpx").is_below(&"/tmp".into()));
    }
}
