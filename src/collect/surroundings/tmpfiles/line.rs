//! One line of tmpfiles.d. What is not understood in it makes it protect more, never less.

use std::path::Path;

use super::glob;
use crate::collect::parse::lines;
use crate::model::raw_path::RawPath;
use crate::sys::plainfile;

/// A line `x` or `X`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Exclusion {
    /// Each component of its path, a pattern.
    parts: Vec<Vec<u8>>,
    /// `x`: everything below is excluded too.
    below: bool,
    /// The line, for people.
    pub(super) line: RawPath,
}

/// What stands for specifiers.
#[derive(Debug, Default)]
pub(super) struct Specifiers {
    boot_id: Option<Vec<u8>>,
    machine_id: Option<Vec<u8>>,
    host: Option<Vec<u8>>,
    release: Option<Vec<u8>>,
}

impl Specifiers {
    pub(super) fn of_this_machine() -> Self {
        let first_line = |path: &str| {
            let text = plainfile::read(Path::new(path), 256).ok()?;
            let line = lines(&text).next()?.trim_ascii().to_vec();
            (!line.is_empty()).then_some(line)
        };
        let boot_id = first_line("/proc/sys/kernel/random/boot_id");
        Self {
            boot_id: boot_id.map(|id| id.into_iter().filter(|b| *b != b'-').collect()),
            machine_id: first_line("/etc/machine-id"),
            host: first_line("/proc/sys/kernel/hostname"),
            release: first_line("/proc/sys/kernel/osrelease"),
        }
    }

    /// The text of a specifier; what is unknown may be anything within one component.
    fn text(&self, letter: u8) -> Vec<u8> {
        let literal = |value: &Option<Vec<u8>>| value.as_deref().map(glob::literal);
        let known = match letter {
            b'b' => literal(&self.boot_id),
            b'm' => literal(&self.machine_id),
            b'H' => literal(&self.host),
            b'l' => literal(
                &self
                    .host
                    .as_ref()
                    .map(|host| host.split(|b| *b == b'.').next().unwrap_or_default().to_vec()),
            ),
            b'v' => literal(&self.release),
            b'T' => Some(b"/tmp".to_vec()),
            b'V' => Some(b"/var/tmp".to_vec()),
            b't' => Some(b"/run".to_vec()),
            b'S' => Some(b"/var/lib".to_vec()),
            b'C' => Some(b"/var/cache".to_vec()),
            b'L' => Some(b"/var/log".to_vec()),
            b'h' => Some(b"/root".to_vec()),
            b'u' | b'g' => Some(b"root".to_vec()),
            b'U' | b'G' => Some(b"0".to_vec()),
            b'%' => Some(b"%".to_vec()),
            _ => None,
        };
        known.unwrap_or_else(|| b"*".to_vec())
    }
}

/// The exclusion that a line is, if it is one.
pub(super) fn parse(line: &[u8], specifiers: &Specifiers) -> Option<Exclusion> {
    let line = line.trim_ascii();
    let (kind, rest) = word(line)?;
    // Modifiers follow the letter.
    let below = match kind.first()? {
        b'x' => true,
        b'X' => false,
        _ => return None,
    };
    let (path, _) = word(rest)?;
    let path = expand(&path, specifiers);
    let parts = path.split(|b| *b == b'/').filter(|part| !part.is_empty() && *part != b".");
    let parts: Vec<Vec<u8>> = parts.map(<[u8]>::to_vec).collect();
    path.starts_with(b"/").then(|| Exclusion { parts, below, line: RawPath::from(line) })
}

fn expand(path: &[u8], specifiers: &Specifiers) -> Vec<u8> {
    let mut out = Vec::with_capacity(path.len());
    let mut rest = path.iter().copied();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            out.extend(rest.next().map_or_else(|| b"*".to_vec(), |letter| specifiers.text(letter)));
        } else {
            out.push(byte);
        }
    }
    out
}

/// The next word, quotes and escapes undone, and what follows. An escape that is none may be any byte.
fn word(text: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut rest = text.trim_ascii_start();
    if rest.is_empty() || rest.starts_with(b"#") {
        return None;
    }
    let mut out = Vec::new();
    let mut quote = None;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match (byte, quote) {
            (b'\\', _) => {
                let (bytes, after) = escape(rest);
                out.extend(bytes);
                rest = after;
            }
            (b'"' | b'\'', None) => quote = Some(byte),
            (byte, Some(open)) if byte == open => quote = None,
            (byte, None) if byte.is_ascii_whitespace() => break,
            (byte, _) => out.push(byte),
        }
    }
    Some((out, rest))
}

/// What stands behind a `\`; a star written so is still one. Source: systemd's src/basic/escape.c, `cunescape_one`.
fn escape(rest: &[u8]) -> (Vec<u8>, &[u8]) {
    let one = |byte: u8, length: usize| (vec![byte], rest.get(length..).unwrap_or_default());
    let coded = |from: usize, digits: usize, base: u32| {
        let text = std::str::from_utf8(rest.get(from..from + digits)?).ok()?;
        u8::from_str_radix(text, base).ok()
    };
    match rest.first() {
        Some(b'a') => one(7, 1),
        Some(b'b') => one(8, 1),
        Some(b'f') => one(12, 1),
        Some(b'n') => one(b'\n', 1),
        Some(b'r') => one(b'\r', 1),
        Some(b't') => one(b'\t', 1),
        Some(b'v') => one(11, 1),
        Some(b's') => one(b' ', 1),
        Some(byte @ (b'\\' | b'"' | b'\'')) => one(*byte, 1),
        Some(b'x') if let Some(byte) = coded(1, 2, 16) => one(byte, 3),
        Some(b'0'..=b'3') if let Some(byte) = coded(0, 3, 8) => one(byte, 3),
        Some(_) => (b"*".to_vec(), rest.get(1..).unwrap_or_default()),
        None => (b"*".to_vec(), rest),
    }
}

impl Exclusion {
    /// Whether it can concern anything in that directory.
    pub(super) fn concerns(&self, dir: &[u8]) -> bool {
        let dir = components(dir);
        let common = dir.len().min(self.parts.len());
        let fits = self.parts.iter().zip(&dir).take(common).all(|(part, name)| glob::matches(part, name));
        fits && (self.parts.len() > dir.len() || self.below)
    }

    /// Whether it keeps the entry of that name: it means the entry, something in it, or everything below the directory.
    pub(super) fn keeps(&self, dir: &[u8], name: &[u8]) -> bool {
        let depth = components(dir).len();
        self.concerns(dir) && self.parts.get(depth).is_none_or(|part| glob::matches(part, name))
    }
}

fn components(path: &[u8]) -> Vec<&[u8]> {
    path.split(|b| *b == b'/').filter(|part| !part.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn keeps(line: &str, name: &str) -> bool {
        let specifiers = Specifiers {
            boot_id: Some(b"0123abcd".to_vec()),
            machine_id: Some(b"feed".to_vec()),
            host: Some(b"ci-3.example".to_vec()),
            release: None,
        };
        parse(line.as_bytes(), &specifiers).is_some_and(|exclusion| exclusion.keeps(b"/tmp", name.as_bytes()))
    }

    #[test]
    fn keeps_what_is_excluded_and_what_it_is_excluded_in() {
        assert!(keeps("x /tmp/systemd-private-%b-*", "systemd-private-0123abcd-a.service-x"));
        assert!(!keeps("x /tmp/systemd-private-%b-*", "systemd-private-ffff-a.service-x"));
        assert!(keeps("X /tmp/job/tmp", "job"), "the whole entry would go");
        assert!(keeps("x\t%T/a-%m-%H-%l", "a-feed-ci-3.example-ci-3"));
        assert!(keeps("x!- /tmp/a 0700 root root 10d -", "a"));
        assert!(keeps("x /tmp", "anything") && !keeps("X /tmp", "anything"));
        assert!(keeps("x /t?p/[ab]c", "bc") && !keeps("x /t?p/[ab]c", "cc"));
    }

    #[test]
    fn other_lines_keep_nothing() {
        for line in [
            "d /tmp/a",
            "R! /tmp/a",
            "# x /tmp/a",
            "x",
            "x tmp/a",
            "",
            "x /var/tmp/a",
            "x /tmp/ab",
            "x /tmp/a/../b",
        ] {
            assert!(!keeps(line, "a") || line.ends_with("../b"), "{line}");
        }
    }

    #[test]
    fn undoes_quotes_and_escapes() {
        assert!(keeps("x \"/tmp/a b\"", "a b") && keeps("x '/tmp/a b' 0700", "a b"));
        assert!(
            keeps(r"x /tmp/a\x20b", "a b") && keeps(r"x /tmp/a\040b", "a b") && keeps(r"x /tmp/a\sb", "a b")
        );
        assert!(keeps(r"x /tmp/\x2ab", "ab"), "globs are told after escapes are undone");
        assert!(keeps("x \"/tmp/unended", "unended"));
    }

    #[test]
    fn what_is_not_understood_protects_more() {
        assert!(keeps("x /tmp/a-%q-z", "a-anything-z"));
        assert!(keeps("x /tmp/a%", "ab") && keeps(r"x /tmp/a\q", "ab") && keeps("x /tmp/%v-x", "6.1-x"));
    }

    proptest! {
        #[test]
        fn never_panics(line: Vec<u8>, dir: Vec<u8>, name: Vec<u8>) {
            if let Some(exclusion) = parse(&line, &Specifiers::default()) {
                exclusion.keeps(&dir, &name);
            }
        }

        #[test]
        fn a_plain_path_keeps_its_own_entry_and_no_other(name in "[a-z0-9_.-]{1,20}", other in "[a-z0-9_.-]{1,20}") {
            prop_assume!(name != "." && other != ".");
            let line = format!("x /tmp/{name}");
            prop_assert!(keeps(&line, &name));
            prop_assert_eq!(keeps(&line, &other), name == other);
        }
    }
}
