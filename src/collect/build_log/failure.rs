//! One failing line, taken apart: which tool, which errno, which path, doing what.

use super::tool::Tool;
use super::{errno, path};
use crate::model::errno::Errno;

/// A failing line, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Failure<'a> {
    /// Who printed it.
    pub tool: Tool,
    /// Which error it names.
    pub errno: Option<Errno>,
    /// Which path it names.
    pub path: Option<&'a str>,
    /// The text, freed of prefixes.
    pub text: &'a str,
    /// Whether it stands under a failed query of cargo for the compiler's version.
    pub in_query: bool,
}

impl<'a> Failure<'a> {
    /// Takes a text apart.
    pub(super) fn of(text: &'a str) -> Self {
        let (errno, path) = (errno::of(text), path::of(text));
        Self { tool: Tool::of(text, path), errno, path, text, in_query: false }
    }

    /// Whether any of the words stands in the text.
    pub(super) fn says(&self, words: &[&str]) -> bool {
        words.iter().any(|word| self.text.contains(word))
    }

    /// Whether the error is that one.
    pub(super) fn is(&self, errno: Errno) -> bool {
        self.errno == Some(errno)
    }

    /// Whether it is one of those.
    pub(super) fn is_any(&self, all: &[Errno]) -> bool {
        self.errno.is_some_and(|errno| all.contains(&errno))
    }

    /// The path, or nothing.
    pub(super) fn path_text(&self) -> &'a str {
        self.path.unwrap_or_default()
    }

    /// The directory in which something was to be made: the path itself where the message names the directory.
    pub(super) fn dir(&self) -> &'a str {
        let path = self.path_text();
        let names_the_dir = self.says(&["temporary file in "]) || self.is_go_stat();
        if names_the_dir { path::trimmed(path) } else { path::parent(path) }
    }

    /// Go looked for the directory and did not find it, rather than fail to make something in it.
    pub(super) fn is_go_stat(&self) -> bool {
        self.tool == Tool::Go && (self.text.contains(": stat ") || self.text.starts_with("stat "))
    }

    /// Whether it speaks of temp files, or of a path where builds keep what they make.
    pub(super) fn is_about_temp(&self) -> bool {
        let by_words = self.tool == Tool::Mktemp || self.says(TEMP);
        by_words || path::is_temp(self.path_text())
    }
}

/// Words by which a message speaks of temp files.
const TEMP: &[&str] = &[
    "temp dir",
    "temporary",
    "temp file",
    "temp-file",
    "tempfile",
    "tmpdir",
    "TMPDIR",
    "work dir",
    "go-build",
    "mkdtemp",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_directory_is_the_parent_except_where_the_message_names_it() {
        assert_eq!(
            Failure::of("Cannot create temporary file in /tmp/: No such file or directory").dir(),
            "/tmp"
        );
        assert_eq!(
            Failure::of("go: creating work dir: stat /nope/d: no such file or directory").dir(),
            "/nope/d"
        );
        assert_eq!(
            Failure::of("go: creating work dir: mkdir /tmp/go-build1: no such file or directory").dir(),
            "/tmp"
        );
    }
}
