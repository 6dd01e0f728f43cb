//! Which error a message names, in the words of each language.

use crate::model::errno::Errno;

/// The error that a message names.
pub(super) fn of(text: &str) -> Option<Errno> {
    numbered(text, "(os error ", ')')
        .or_else(|| numbered(text, "[Errno ", ']'))
        .or_else(|| node_code(text))
        .or_else(|| by_exception(text))
        .or_else(|| by_message(text))
}

fn numbered(text: &str, before: &str, after: char) -> Option<Errno> {
    let (_, rest) = text.split_once(before)?;
    let (number, _) = rest.split_once(after)?;
    number.parse().ok().filter(|code| *code > 0).map(Errno)
}

/// Node's `ENOENT: no such file …` and npm's `npm error code ENOSPC`; not the dump of an error's fields (`code: …`), which
/// follows a line that says the same.
pub(super) fn node_code(text: &str) -> Option<Errno> {
    let known = |word: &str| {
        let is_code = word.len() >= 3 && word.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
        // `E131` is how a nameless errno is written here, and no code of Node's.
        let named = is_code && word.bytes().skip(1).any(|b| b.is_ascii_uppercase());
        named.then(|| Errno::from_name(word)).flatten()
    };
    let codes = text.split(' ').filter_map(|word| word.strip_suffix(':'));
    let npm = || text.strip_prefix("npm ")?.split_once(" code ").and_then(|(_, code)| known(code.trim()));
    codes.map(|word| word.trim_matches(|c: char| "'\",;[]()".contains(c))).find_map(known).or_else(npm)
}

/// Exceptions of Java and .NET whose class is the error.
fn by_exception(text: &str) -> Option<Errno> {
    const CLASSES: &[(&str, Errno)] = &[
        ("NoSuchFileException", Errno::ENOENT),
        ("DirectoryNotFoundException", Errno::ENOENT),
        ("AccessDeniedException", Errno::EACCES),
        ("UnauthorizedAccessException", Errno::EACCES),
        ("FileAlreadyExistsException", Errno::EEXIST),
        ("NotDirectoryException", Errno::ENOTDIR),
        ("ReadOnlyFileSystemException", Errno::EROFS),
        ("FileSystemLoopException", Errno::ELOOP),
        ("Insufficient space for shared memory file", Errno::ENOSPC),
    ];
    CLASSES.iter().find(|(class, _)| text.contains(class)).map(|(_, errno)| *errno)
}

/// The C library's text, where it stands as a message does: at the start, or after `: `, `(` or `, `.
fn by_message(text: &str) -> Option<Errno> {
    let errno = Errno::from_message(text)?;
    let lower = text.to_ascii_lowercase();
    let (before, _) = lower.split_once(&errno.text().to_ascii_lowercase())?;
    let before = before.trim_end_matches([' ', '\'', '"', '`', '‘', '“']);
    (before.is_empty() || before.ends_with([':', '(', ',', '-', '–', '—', '='])).then_some(errno)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_has_its_own_words_for_it() {
        for (text, errno) in [
            ("No such file or directory (os error 2) at path", Errno::ENOENT),
            ("something else (os error 28)", Errno::ENOSPC),
            ("OSError: [Errno 28] No space left on device: '/tmp/x'", Errno::ENOSPC),
            ("Error: EROFS: read-only file system, mkdir '/tmp/x'", Errno::EROFS),
            ("npm ERR! code ENOSPC", Errno::ENOSPC),
            ("npm error code EACCES", Errno::EACCES),
            ("ELOOP: too many symbolic links encountered, mkdtemp '/a/x-XXXXXX'", Errno::ELOOP),
            ("java.nio.file.AccessDeniedException: /tmp/x", Errno::EACCES),
            ("java.nio.file.FileSystemException: /tmp/x: Read-only file system", Errno::EROFS),
            (
                "System.IO.DirectoryNotFoundException: Could not find a part of the path '/tmp/x'.",
                Errno::ENOENT,
            ),
            ("mkdir /tmp/go-build1: too many levels of symbolic links", Errno::ELOOP),
            ("/usr/bin/ld: final link failed: No space left on device", Errno::ENOSPC),
            ("No such file or directory", Errno::ENOENT),
            ("mount: /mnt: Transport endpoint is not connected", Errno::ENOTCONN),
        ] {
            assert_eq!(of(text), Some(errno), "{text}");
        }
    }

    #[test]
    fn a_sentence_that_mentions_an_error_names_none() {
        for text in [
            "checks that no such file or directory is reported as an error",
            "test tempdir_not_found ... ok",
            "retry when the resource temporarily unavailable flag is set",
            "EXAMPLE: how to build",
            "(os error x)",
            "see E2E: tests",
            "code: 'EACCES',",
            "errno: -28,",
        ] {
            assert_eq!(of(text), None, "{text}");
        }
    }
}
