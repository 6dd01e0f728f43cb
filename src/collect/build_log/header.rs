//! Failures that are told over several lines: what failed first, the error below it.
//!
//! ```text
//! error: failed to create directory `/workspace/target/debug`
//!
//! Caused by:
//!   No such file or directory (os error 2)
//! ```

use super::failure::Failure;
use super::tool::Tool;

/// How many lines below it an error still belongs to a header.
const REACH: u64 = 12;

/// The first line of such a failure.
#[derive(Debug)]
pub(super) struct Header {
    number: u64,
    body: String,
    raw: Vec<u8>,
    /// The innermost text below it that names a path, where there is one.
    deepest: Option<String>,
    in_query: bool,
    used: bool,
}

/// How a failure belongs to the header above it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Joined {
    /// It does not.
    Alone,
    /// It speaks for itself, and the header says in which deed it happened.
    Under {
        /// Whether that was a query for the compiler's version.
        in_query: bool,
        /// Who failed.
        tool: Tool,
    },
    /// It is the bare error of the header.
    Cause,
}

/// Whether such a failure begins with this text.
pub(super) fn opens(body: &str) -> bool {
    const WORDS: &[&str] = &[
        "failed to create directory",
        "failed to write",
        "failed to open",
        "failed to read",
        "failed to unpack",
        "failed to remove",
        "failed to download",
        "could not execute process",
        "current directory of the process",
        "locate working directory",
        "process didn't exit successfully",
        "failed to run `rustc`",
        "failed to start server",
        "Failed to create temp dir",
        "couldn't read",
        "error creating temp directory",
        "failed to create temp dir",
        "could not create temp dir",
    ];
    WORDS.iter().any(|word| body.contains(word))
}

impl Header {
    pub(super) fn new(number: u64, body: &str, raw: &[u8]) -> Self {
        Self {
            number,
            body: body.to_owned(),
            raw: raw.to_vec(),
            deepest: None,
            in_query: is_query(body),
            used: false,
        }
    }

    /// Takes a text that stands between the header and its error.
    pub(super) fn deepen(&mut self, body: &str) {
        self.in_query |= is_query(body);
        if Failure::of(body).path.is_some() {
            self.deepest = Some(body.to_owned());
        }
    }

    pub(super) fn lives_at(&self, number: u64) -> bool {
        number <= self.number + REACH
    }

    pub(super) fn number(&self) -> u64 {
        self.number
    }

    pub(super) fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// Whether an error was found that belongs to it.
    pub(super) fn used(&self) -> bool {
        self.used
    }

    /// How a failure below it belongs to it.
    pub(super) fn join(&mut self, below: &Failure<'_>) -> Joined {
        if below.errno.is_none() {
            return Joined::Alone;
        }
        if below.path.is_none() && !self.used && is_bare(below.text) {
            self.used = true;
            return Joined::Cause;
        }
        let own = self.failure();
        let tool = if below.tool == Tool::Other { own.tool } else { below.tool };
        let belongs = self.in_query || own.tool == below.tool || below.tool == Tool::Other;
        if !belongs || below.text.starts_with("error") {
            return Joined::Alone;
        }
        self.used = true;
        Joined::Under { in_query: self.in_query, tool }
    }

    /// What it says by itself: its tool, and the innermost path.
    pub(super) fn failure(&self) -> Failure<'_> {
        let own = Failure::of(&self.body);
        let inner = self.deepest.as_deref().map(Failure::of);
        match inner {
            Some(inner) => Failure {
                tool: if own.tool == Tool::Other { inner.tool } else { own.tool },
                in_query: self.in_query,
                ..inner
            },
            None => Failure { in_query: self.in_query, ..own },
        }
    }
}

/// Whether cargo asked the compiler about itself, whose answer it records.
fn is_query(body: &str) -> bool {
    let runs = body.contains("process didn't exit successfully");
    runs && ["-vV`", " -vV ", "--print=", "--crate-name ___"].iter().any(|word| body.contains(word))
        || body.contains("failed to run `rustc` to learn")
}

/// An error and nothing else: `No such file or directory (os error 2)`, with or without who says so.
fn is_bare(text: &str) -> bool {
    let text = text
        .strip_prefix("sccache: caused by: ")
        .or_else(|| text.strip_prefix("caused by: "))
        .unwrap_or(text);
    !text.contains(": ") || text.starts_with("Caused by: ")
}
