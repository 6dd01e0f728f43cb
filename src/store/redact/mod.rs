//! Pseudonyms in the place of names: what a capture may tell to strangers.
//!
//! Every text of a snapshot is taken apart into words (letters and digits), and each word that is not public becomes
//! another of the same length: `/home/anna/shop` is `/home/qwmx/tpdi` wherever it stands, in paths, units, mount tables
//! and command lines alike, so whatever was equal stays equal and a path too long stays too long. Public is what every
//! machine has or this program knows: see `words`. Whatever is not known to be public is replaced.
//!
//! The pseudonyms come from a key that is random and never written, so a guess cannot be tried against them.

mod pseudonyms;
mod words;

use serde::Deserialize;
use serde_json::Value;

use crate::model::snapshot::Snapshot;

use super::bounds::unhex;
use super::error::StoreError;
use pseudonyms::Pseudonyms;
use words::{Piece, pieces};

/// Replaces names, the same ones alike for as long as it lives.
#[derive(Debug)]
pub struct Redactor {
    pseudonyms: Pseudonyms,
}

/// How a text is treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Text {
    /// Names: everything that is not public.
    Names,
    /// Command lines: numbers too, because one may be a password.
    Arguments,
    /// Our own sentences, or those of a tool: what looks like a name, and words that are names elsewhere.
    Prose,
    /// Words of the kernel.
    Public,
}

impl Text {
    /// By the name of the field that the text stands in.
    fn of(field: &str, outer: Self) -> Self {
        match field {
            "schema" | "errno" | "error" | "os" | "kernel" | "fs_type" | "wait_channel" | "stack"
            | "function" | "propagation" | "tool" | "points_to" | "excludes" => Self::Public,
            "arguments" | "text" => Self::Arguments,
            "what" | "remedy" | "means" | "stderr" | "status" | "asked" | "title" | "not_imitated" => {
                Self::Prose
            }
            // The wrappers of what was read or not.
            "Ok" | "Err" | "hex" => outer,
            _ => Self::Names,
        }
    }
}

impl Redactor {
    /// Knows no name yet. `public` are more words, and beginnings of file names, that may stay.
    pub fn new(public: impl IntoIterator<Item = String>) -> Self {
        Self { pseudonyms: Pseudonyms::new(public) }
    }

    /// The same snapshot under other names.
    ///
    /// # Errors
    /// A defect: it is no snapshot any more.
    pub fn redact(&mut self, snapshot: &Snapshot) -> Result<Snapshot, StoreError> {
        let mut value = serde_json::to_value(snapshot).map_err(StoreError::Form)?;
        // Sentences last: by then it is known which words are names.
        self.walk(&mut value, Text::Names, &|text| text != Text::Prose);
        self.walk(&mut value, Text::Names, &|text| text == Text::Prose);
        Snapshot::deserialize(&value).map_err(StoreError::Form)
    }

    fn walk(&mut self, value: &mut Value, text: Text, now: &dyn Fn(Text) -> bool) {
        match value {
            Value::String(string) if now(text) => {
                // Pseudonyms are ASCII and replace whole words, so the rest stays UTF-8.
                *string = String::from_utf8_lossy(&self.text(string.as_bytes(), text)).into_owned();
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.walk(item, text, now)),
            Value::Object(fields) => {
                if let Some(Value::String(hex)) = fields.get_mut("hex")
                    && let Some(bytes) = unhex(hex)
                {
                    if now(text) {
                        *hex = self.text(&bytes, text).iter().map(|b| format!("{b:02x}")).collect();
                    }
                    return;
                }
                for (field, value) in fields.iter_mut() {
                    self.walk(value, Text::of(field, text), now);
                }
                if now(Text::Names)
                    && let Some(Value::Object(families)) = fields.get_mut("families")
                {
                    *families = std::mem::take(families)
                        .into_iter()
                        .map(|(id, tally)| {
                            (
                                String::from_utf8_lossy(&self.text(id.as_bytes(), Text::Names)).into_owned(),
                                tally,
                            )
                        })
                        .collect();
                }
            }
            Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn text(&mut self, bytes: &[u8], text: Text) -> Vec<u8> {
        match text {
            Text::Public => bytes.to_vec(),
            Text::Names => self.names(bytes, Numbers::Stay),
            Text::Arguments => self.names(bytes, Numbers::Go),
            Text::Prose => {
                let mut out = Vec::with_capacity(bytes.len());
                for word in bytes.split_inclusive(u8::is_ascii_whitespace) {
                    let is_plain = |b: &u8| b.is_ascii_alphabetic() || b" \n\t,;:.()-!?".contains(b);
                    if word.iter().all(is_plain) {
                        self.known(word, &mut out);
                    } else {
                        out.extend(self.names(word, Numbers::Stay));
                    }
                }
                out
            }
        }
    }

    fn names(&mut self, bytes: &[u8], numbers: Numbers) -> Vec<u8> {
        let mut out = Vec::with_capacity(bytes.len());
        for component in bytes.split_inclusive(|b| *b == b'/') {
            // A name that begins as a known one does keeps that beginning: `rustcVAIpSt`, `go-build1234`.
            let kept = self.pseudonyms.public_beginning(component);
            let (beginning, rest) = component.split_at_checked(kept).unwrap_or((component, &[]));
            out.extend_from_slice(beginning);
            for piece in pieces(rest) {
                match piece {
                    Piece::Between(between) => out.extend_from_slice(between),
                    Piece::Word(word)
                        if words::is_number(word) && (numbers == Numbers::Stay || word.len() < 3) =>
                    {
                        out.extend_from_slice(word);
                    }
                    Piece::Word(word) => out.extend_from_slice(&self.pseudonyms.of(word)),
                }
            }
        }
        out
    }

    /// Only words that are names elsewhere.
    fn known(&self, bytes: &[u8], out: &mut Vec<u8>) {
        for piece in pieces(bytes) {
            match piece {
                Piece::Between(between) => out.extend_from_slice(between),
                Piece::Word(word) => out.extend_from_slice(self.pseudonyms.known(word).unwrap_or(word)),
            }
        }
    }
}

/// Whether numbers are names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Numbers {
    Stay,
    Go,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redacted(redactor: &mut Redactor, text: &str) -> String {
        String::from_utf8(redactor.names(text.as_bytes(), Numbers::Stay)).unwrap()
    }

    fn redactor() -> Redactor {
        Redactor::new(["rustc".to_owned(), "go-build".to_owned()])
    }

    #[test]
    fn the_same_name_is_replaced_alike_wherever_it_stands() {
        let mut all = redactor();
        let (home, unit) = (redacted(&mut all, "/home/anna/tmp"), redacted(&mut all, "anna@1.service"));
        let name = home.strip_prefix("/home/").unwrap().strip_suffix("/tmp").unwrap();
        assert_ne!(name, "anna");
        assert_eq!(name.len(), 4);
        assert_eq!(unit, format!("{name}@1.service"));
        assert_ne!(redacted(&mut redactor(), "/home/anna/tmp"), home, "another capture has other pseudonyms");
    }

    #[test]
    fn what_judging_needs_stays() {
        let mut all = redactor();
        for text in [
            "/tmp",
            "/var/tmp",
            "/run/user/1000",
            "/proc/4514/root",
            "/dev/vda1",
            "/tmp//deleted",
            "${TMPDIR}/%h",
            "rw,nosuid,size=65536k,nr_inodes=100,mode=1777",
            "go-build1234",
            r"\040\011",
        ] {
            assert_eq!(redacted(&mut all, text), text);
        }
        let private = redacted(
            &mut all,
            "/tmp/systemd-private-0123456789abcdef0123456789abcdef-shop.service-k2Xq91/tmp",
        );
        assert!(private.starts_with("/tmp/systemd-private-") && private.ends_with("/tmp"), "{private}");
        assert!(private.contains(".service-") && !private.contains("shop"), "{private}");
        assert!(redacted(&mut all, "/tmp/rustcVAIpSt").starts_with("/tmp/rustc"));
    }

    #[test]
    fn sentences_lose_only_names() {
        let mut all = redactor();
        redacted(&mut all, "anna");
        let text = b"environment of 88 processes of anna: see /srv/shop, run as root";
        let out = String::from_utf8(all.text(text, Text::Prose)).unwrap();
        assert!(
            out.starts_with("environment of 88 processes of ") && out.ends_with(", run as root"),
            "{out}"
        );
        assert!(!out.contains("anna") && !out.contains("shop") && out.contains("/srv/"), "{out}");
    }

    #[test]
    fn a_number_among_arguments_may_be_a_password() {
        let mut all = redactor();
        let out = String::from_utf8(all.text(b"--pin 48151623 -j 8", Text::Arguments)).unwrap();
        assert!(!out.contains("48151623") && out.ends_with("-j 8"), "{out}");
    }
}
