//! Which lines are worth a second look: a log has a million lines and a dozen of interest.

use std::sync::OnceLock;

/// Words of which every failure of interest has one, whatever their case.
const WORDS: &[&str] = &[
    "os error",
    "errno",
    "no such file",
    "denied",
    "not permitted",
    "no space",
    "quota",
    "read-only",
    "not a directory",
    "too many",
    "input/output error",
    "too long",
    "too large",
    "stale",
    "not connected",
    "cross-device",
    "temp",
    "current directory",
    "working directory",
    "uv_cwd",
    "exception",
    "never executed",
    "corrupt",
    "226/namespace",
    "mount namespacing",
    "sigkill",
    "code 137",
    "code: 137",
    "sun_",
    "shared object",
    "failed to",
    "didn't exit",
    "could not execute",
    "couldn't",
    "eacces",
    "enoent",
    "enospc",
    "erofs",
    "eperm",
    "unavailable",
    "not owned",
    "sigxfsz",
    "file exists",
    "prepare context",
    "absolute path",
    "shared memory file",
];

/// Whether the text may tell of a failure of interest.
pub(super) fn may_fail(body: &str) -> bool {
    has_word(body.as_bytes()) && !is_no_failure(body, &body.to_ascii_lowercase())
}

/// Looks for all words in one pass: a word can only start where three bytes do with which one starts, and few do.
/// A search for each word would take most of the time that a log takes.
fn has_word(body: &[u8]) -> bool {
    static STARTS: OnceLock<Vec<bool>> = OnceLock::new();
    let starts = STARTS.get_or_init(|| {
        let mut starts = vec![false; 1 << 15];
        for word in WORDS {
            if let Some(slot) = word.as_bytes().first_chunk().and_then(|three| starts.get_mut(slot(*three))) {
                *slot = true;
            }
        }
        starts
    });
    let is_start = |three: [u8; 3]| starts.get(slot(three)).copied().unwrap_or_default();
    let is_word = |at: usize| {
        let rest = body.get(at..).unwrap_or_default();
        let fits = |word: &str| {
            rest.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word.as_bytes()))
        };
        WORDS.iter().any(|word| fits(word))
    };
    (0..)
        .zip(body.windows(3))
        .any(|(at, window)| window.first_chunk().is_some_and(|three| is_start(*three)) && is_word(at))
}

/// Five bits of each byte, which fold the case of letters.
fn slot(three: [u8; 3]) -> usize {
    three.iter().fold(0, |slot, byte| slot << 5 | usize::from(byte & 31))
}

/// A step's script as the CI system shows it before it runs, in a colour of its own.
pub(super) fn is_script_echo(line: &[u8]) -> bool {
    line.split(|b| *b == 0x1b).skip(1).any(|after| after.starts_with(b"[36;1m"))
}

/// Traces of commands, passed tests, excerpts of sources and warnings, whatever words they contain.
fn is_no_failure(body: &str, lower: &str) -> bool {
    const TRACES: &[&str] = &[
        "+ ",
        "++ ",
        "$ ",
        "##[command]",
        "##[group]",
        "##[debug]",
        "::group::",
        "::debug::",
        "[command]",
        "> ",
        "--> ",
    ];
    const WARNINGS: &[&str] =
        &["warning", "npm warn", "warn ", "warn:", "note:", "help:", "debug", "trace ", "info "];
    // These are warnings to the tool that prints them, and the failure itself to us.
    const GRAVE: &[&str] = &["could not open directory", "java.io.tmpdir directory", "shared memory file"];
    let starts = |words: &[&str], text: &str| words.iter().any(|word| text.starts_with(word));
    starts(TRACES, body)
        || is_passed_test(body)
        || is_excerpt(body)
        || starts(WARNINGS, lower) && !GRAVE.iter().any(|word| lower.contains(word))
}

fn is_passed_test(body: &str) -> bool {
    let ends = ["... ok", "... ignored", " PASSED", " passed", " PASS"].iter().any(|end| body.ends_with(end));
    ends || ["--- PASS", "ok ", "PASS ", "✓ ", "✔ "].iter().any(|start| body.starts_with(start))
}

/// `12 | let x = …` of a compiler that shows the source.
fn is_excerpt(body: &str) -> bool {
    let number = body.split_once('|').map(|(number, _)| number.trim());
    number.is_some_and(|number| number.len() <= 6 && number.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passed_tests_warnings_traces_and_sources_are_no_failures() {
        for body in [
            "test tempdir_not_found ... ok",
            "tests/test_x.py::test_no_space_left PASSED",
            "warning: unused variable: `temp_dir`",
            "npm WARN deprecated temp@0.9.4: no longer maintained",
            "+ rm -rf /tmp/x: No such file or directory",
            "12 |     panic!(\"No such file or directory\");",
            "|         temp",
            "##[group]Run mktemp -d",
            "Compiling errno v0.3.8-not",
        ] {
            assert!(!may_fail(body) || body.starts_with("Compiling"), "{body}");
        }
    }

    #[test]
    fn failures_are_worth_a_second_look() {
        for body in [
            "error: couldn't create a temp dir: No such file or directory (os error 2)",
            "OpenJDK 64-Bit Server VM warning: Insufficient space for shared memory file: /tmp/hsperfdata_x/1",
            "warning: could not open directory 'x/': Permission denied",
        ] {
            assert!(may_fail(body), "{body}");
        }
    }

    #[test]
    fn a_script_that_is_shown_before_it_runs_is_known_by_its_colour() {
        assert!(is_script_echo(b"\x1b[36;1mecho 'No such file or directory'\x1b[0m"));
        assert!(!is_script_echo(b"\x1b[31merror\x1b[0m"));
    }
}
