//! What the JSON documents write alike: who wrote them, and text that need not be UTF-8.

use serde::Serialize;

use crate::model::raw_path::RawPath;

/// Who wrote a document.
#[derive(Serialize)]
pub struct Tool {
    name: &'static str,
    version: &'static str,
}

impl Tool {
    /// We.
    pub fn ours() -> Self {
        Self { name: "tmpmedic", version: env!("CARGO_PKG_VERSION") }
    }
}

/// The characters themselves where they are UTF-8, the escaped form where not.
pub fn text(raw: &RawPath) -> String {
    std::str::from_utf8(raw.as_bytes()).map_or_else(|_| raw.shown(), str::to_owned)
}

/// The bytes, where they are not UTF-8.
pub fn hex(raw: &RawPath) -> Option<String> {
    let is_text = std::str::from_utf8(raw.as_bytes()).is_ok();
    (!is_text).then(|| raw.as_bytes().iter().map(|b| format!("{b:02x}")).collect())
}
