//! Which path a message names, and what its name tells.

use super::errno;

/// The path that a message names.
pub(super) fn of(text: &str) -> Option<&str> {
    at_path(text)
        .or_else(|| go_form(text))
        .or_else(|| dir_of_sort(text))
        .or_else(|| after_phrase(text))
        .or_else(|| quoted(text))
        .or_else(|| after_verb(text).filter(|path| path.contains('/')))
        .or_else(|| bare(text))
        .filter(|path| path.len() <= 4096)
}

/// `… at path "/tmp/rustcVAIpSt"`: the Rust crate tempfile.
fn at_path(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("at path \"")?;
    rest.rsplit_once('"').map(|(path, _)| path)
}

/// `cannot create temporary file in 'rel': …`: the directory, whatever it looks like.
fn dir_of_sort(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("temporary file in '")?;
    rest.rsplit_once("': ").map(|(dir, _)| dir)
}

/// Messages that name their path without quotes up to the error.
fn after_phrase(text: &str) -> Option<&str> {
    const PHRASES: &[&str] = &[
        "temporary file in ",
        "error closing ",
        "error writing to ",
        "failed to write ",
        "error creating ",
        "set up mount namespacing: ",
        "Insufficient space for shared memory file: ",
        "Exception: ",
        "shared library: ",
        "cannot create ",
    ];
    PHRASES.iter().find_map(|phrase| {
        let (_, rest) = text.split_once(phrase)?;
        let end = rest.find(": ").or_else(|| rest.find(" (")).unwrap_or(rest.len());
        rest.get(..end).map(str::trim).filter(|path| path.starts_with('/'))
    })
}

/// The first quoted word that is a path, quotes of another kind inside of it included.
fn quoted(text: &str) -> Option<&str> {
    const QUOTES: &[(char, char)] = &[('`', '`'), ('‘', '’'), ('“', '”'), ('"', '"'), ('\'', '\'')];
    let words = QUOTES.iter().filter_map(|(open, close)| quoted_by(text, *open, *close));
    let (_, word) = words.min_by_key(|(at, _)| *at)?;
    Some(word.split_once(' ').map_or(word, |(program, _)| program))
}

/// Where the first path in these quotes starts, and the path.
fn quoted_by(text: &str, open: char, close: char) -> Option<(usize, &str)> {
    text.match_indices(open).find_map(|(at, quote)| {
        let (before, rest) = (text.get(..at)?, text.get(at + quote.len()..)?);
        let (word, _) = rest.split_once(close)?;
        // `couldn't` opens nothing.
        let opens = !before.ends_with(char::is_alphanumeric);
        let is_path = word.starts_with('/') || word.contains('/') && !word.contains(' ');
        (opens && is_path).then_some((at, word))
    })
}

/// What stands between a verb of a system call and the error: `mkdir /tmp/go-build1: …`.
fn after_verb(text: &str) -> Option<&str> {
    const VERBS: &[&str] = &[
        "mkdir",
        "stat",
        "lstat",
        "open",
        "write",
        "fork/exec",
        "chdir",
        "rename",
        "unlinkat",
        "symlink",
        "link",
        "creat",
        "remove",
        "copyfile",
        "scandir",
        "mkdirat",
        "openat",
        "chmod",
    ];
    VERBS.iter().find_map(|verb| {
        let (before, rest) = text.split_once(verb)?;
        let (path, _) = rest.strip_prefix(' ')?.split_once(": ")?;
        // A lone name is a path only where nothing but the speaker stands before the verb.
        let speaks = before.is_empty() || before.ends_with(": ");
        let is_word = speaks || before.ends_with([' ', '(']);
        let is_path = path.contains('/') || speaks && !path.contains(' ') && !path.is_empty();
        (is_word && is_path).then_some(path)
    })
}

/// Go's errors are verb, path and a text in lower case: `mkdir /tmp/go-build1: no such file or directory`. The path is
/// verbatim, so quotes around it are part of a wrong TMPDIR.
pub(super) fn go_form(text: &str) -> Option<&str> {
    let last = text.rsplit(": ").next()?;
    let is_go = last.starts_with(|c: char| c.is_ascii_lowercase()) && errno::of(last).is_some();
    after_verb(text).filter(|_| is_go && !text.contains("os error"))
}

/// The first word that starts with `/` and is no program that speaks (`/usr/bin/ld: …`).
fn bare(text: &str) -> Option<&str> {
    let mut words = text.split([' ', '(', '=', '\t', '[', ',']).enumerate();
    words.find_map(|(place, word)| {
        let is_speaker = place == 0 && word.ends_with(':');
        let path = word.trim_end_matches(|c: char| ":,.;)'\"]".contains(c)).trim_start_matches(['\'', '"']);
        (path.starts_with('/') && path.len() > 1 && !is_speaker).then_some(path)
    })
}

/// Whether builds keep temp files or outputs there.
pub(super) fn is_temp(path: &str) -> bool {
    const ROOTS: &[&str] = &["/tmp", "/var/tmp", "/usr/tmp", "/dev/shm", "/run/user"];
    let below =
        |root: &&str| path.strip_prefix(*root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    ROOTS.iter().any(below)
        || path.split('/').any(|part| matches!(part, "tmp" | "temp" | ".tmp" | "_temp" | "target" | "_work"))
        || random_suffix(path).is_some()
        || is_of_cargo(path)
}

/// Whether cargo keeps its own things there.
pub(super) fn is_of_cargo(path: &str) -> bool {
    path.contains("/registry/src/")
        || path.contains("/registry/cache/")
        || path.contains("/.cargo/")
        || path.contains("/target/")
        || path.ends_with("/target")
}

/// The name with its random suffix, by which one failure is told from the next: `rustcVAIpSt`.
pub(super) fn random_suffix(path: &str) -> Option<&str> {
    let with =
        |part: &&str| ["rustc", "rmeta", "sccache", ".tmp"].iter().any(|tool| suffix(part, tool).is_some());
    path.split('/').find(with)
}

/// The six letters and digits after the prefix of a tool.
pub(super) fn suffix<'a>(name: &'a str, tool: &str) -> Option<&'a str> {
    let suffix = name.strip_prefix(tool)?;
    (suffix.len() == 6 && suffix.bytes().all(|b| b.is_ascii_alphanumeric())).then_some(suffix)
}

/// The last component.
pub(super) fn file_name(path: &str) -> &str {
    trimmed(path).rsplit('/').next().unwrap_or_default()
}

/// Without its last component; `/` for what lies there, nothing for a lone name.
pub(super) fn parent(path: &str) -> &str {
    match trimmed(path).rsplit_once('/') {
        Some(("", _)) => "/",
        Some((parent, _)) => parent,
        None => "",
    }
}

/// Without slashes at its end.
pub(super) fn trimmed(path: &str) -> &str {
    let short = path.trim_end_matches('/');
    if short.is_empty() && !path.is_empty() { "/" } else { short }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_is_found_wherever_the_tool_puts_it() {
        for (text, path) in [
            (
                r#"error: couldn't create a temp dir: No such file or directory (os error 2) at path "/tmp/rustctFhuO8""#,
                "/tmp/rustctFhuO8",
            ),
            ("Cannot create temporary file in /tmp/: No such file or directory", "/tmp/"),
            ("error closing /tmp/ccAbCdEf.s: No space left on device", "/tmp/ccAbCdEf.s"),
            ("go: creating work dir: mkdir /tmp/go-build12: no such file or directory", "/tmp/go-build12"),
            ("go: creating work dir: stat \"/tmp\": no such file or directory", "\"/tmp\""),
            ("go: creating work dir: stat ~/tmp: no such file or directory", "~/tmp"),
            ("fork/exec /tmp/go-build1/b001/exe/m: permission denied", "/tmp/go-build1/b001/exe/m"),
            ("error: failed to create directory `/workspace/target/debug`", "/workspace/target/debug"),
            ("error: failed to create directory '/workspace/target/debug'", "/workspace/target/debug"),
            (
                "mktemp: failed to create directory via template ‘/nope/tmp.XXXXXXXXXX’: No such file or directory",
                "/nope/tmp.XXXXXXXXXX",
            ),
            (
                "error: couldn't read '/c/registry/src/x/lib.rs': No such file or directory (os error 2)",
                "/c/registry/src/x/lib.rs",
            ),
            (
                "failed to write /tmp/rustcA1b2C3/lib.rmeta: No space left on device (os error 28)",
                "/tmp/rustcA1b2C3/lib.rmeta",
            ),
            ("Error: ENOENT: no such file or directory, mkdtemp '/nope/x-XXXXXX'", "/nope/x-XXXXXX"),
            ("java.nio.file.NoSuchFileException: /tmp/x123", "/tmp/x123"),
            ("java.nio.file.FileSystemException: /tmp/x: Read-only file system", "/tmp/x"),
            ("bash: /dev/null: Permission denied", "/dev/null"),
            (
                "could not execute process `/tmp/cargo-installA1b2C3/x/build-script-build` (never executed)",
                "/tmp/cargo-installA1b2C3/x/build-script-build",
            ),
            (
                "process didn't exit successfully: `/usr/bin/sccache rustc -vV` (exit status: 2)",
                "/usr/bin/sccache",
            ),
            ("error creating /nope/tmux-0/default (No such file or directory)", "/nope/tmux-0/default"),
        ] {
            assert_eq!(of(text), Some(path), "{text}");
        }
    }

    #[test]
    fn a_message_without_a_path_has_none() {
        for text in [
            "/usr/bin/ld: final link failed: No space left on device",
            "No space left on device (os error 28)",
            "couldn't do it, wasn't there",
        ] {
            assert_eq!(of(text), None, "{text}");
        }
    }

    #[test]
    fn random_names_are_told_from_others() {
        assert_eq!(random_suffix("/tmp/rustcVAIpSt"), Some("rustcVAIpSt"));
        assert_eq!(random_suffix("/w/target/debug/deps/rmetaA1b2C3/x"), Some("rmetaA1b2C3"));
        for other in ["/tmp/rustc", "/tmp/rustc-analyzer", "/tmp/rustcVAIp_t", "/usr/bin/sccache"] {
            assert_eq!(random_suffix(other), None, "{other}");
        }
    }

    #[test]
    fn parents_of_short_paths_are_sane() {
        assert_eq!(parent("/tmp/x"), "/tmp");
        assert_eq!(parent("/x/"), "/");
        assert_eq!(parent("x"), "");
        assert_eq!(file_name("/tmp/x/"), "x");
    }
}
