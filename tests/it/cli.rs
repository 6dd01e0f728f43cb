//! The command line: bad input is named, output is never lost in silence, JSON is one document.

use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::needs;
use crate::sandbox::TMPMEDIC;

fn run(arguments: &[&str]) -> Output {
    let mut command = Command::new(TMPMEDIC);
    command.args(arguments).env_clear().env("LC_ALL", "C.UTF-8").stdin(Stdio::null());
    command.output().expect("it starts")
}

fn talk(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// What is wrong, and what the message must name.
const BAD: &[(&[&str], &str)] = &[
    (&["--nonsense"], "--nonsense"),
    (&["nonsense"], "nonsense"),
    (&["check", "--pid"], "--pid"),
    (&["check", "--pid", "0"], "--pid"),
    (&["check", "--pid", "-1"], "-1"),
    (&["check", "--pid", "one"], "one"),
    (&["check", "--pid", "99999999999"], "99999999999"),
    (&["check", "--pid", "4194305"], "4194305"),
    (&["check", "--pid", "1.5"], "1.5"),
    (&["check", "--pid", ""], "--pid"),
    (&["check", "--unit", ""], "--unit"),
    (&["check", "--unit", "no-such-unit.service", "--no-probe"], "no-such-unit.service"),
    (&["check", "--unit", "\u{1b}[2J", "--no-probe"], "\\x1b[2J"),
    (&["check", "--user", ""], "--user"),
    (&["check", "--user", "no-such-user", "--no-probe"], "no-such-user"),
    (&["check", "--user", "4294967296", "--no-probe"], "4294967296"),
    (&["check", "--dir", ""], "--dir"),
    (&["check", "--log", "/nonexistent/build.log"], "/nonexistent/build.log"),
    (&["check", "--log", "/proc"], "/proc"),
    (&["check", "--log", ""], "--log"),
    (&["check", "--log", "/etc/passwd/x"], "/etc/passwd/x"),
    (&["check", "--deadline", "0"], "--deadline"),
    (&["check", "--deadline", "soon"], "soon"),
    (&["check", "--deadline", "10parsecs"], "parsecs"),
    (&["check", "--deadline", "-1s"], "-1"),
    (&["check", "--deadline", "99999999999999999999h"], "99999999999999999999h"),
    (&["check", "--format", "yaml"], "yaml"),
    (&["check", "--json", "--format", "text"], "--json"),
    (&["check", "--json", "--format", "openmetrics"], "--json"),
    (&["check", "--verbose", "--quiet"], "--quiet"),
    (&["check", "stray"], "stray"),
    (&["check", "--color", "sometimes"], "sometimes"),
    (&["check", "--config", "/nonexistent/config.toml"], "/nonexistent/config.toml"),
    (&["check", "--config", "/proc"], "/proc"),
    (&["check", "--config", "/dev/zero"], "/dev/zero"),
    (&["check", "--config", "/dev/tty"], "/dev/tty"),
    (&["check", "--config", ""], "--config"),
    (&["explain", "no-such-cause"], "no-such-cause"),
    (&["explain", "private-tmp-delete"], "private-tmp-deleted"),
    (&["explain", ""], "explain"),
    (&["explain", "a", "b"], "b"),
    (&["probe", "--pid", "0"], "--pid"),
    (&["probe", "--pid", "4194305"], "4194305"),
    (&["probe", "--pid", "1", "--unit", "x"], "--unit"),
    (&["probe", "--user", "no-such-user"], "no-such-user"),
    (&["probe", "--exec", "mktemp -d", "--json"], "before --exec"),
    (&["__lesson", "no-such-scenario"], "no-such-scenario"),
    (&["__lesson", "0"], "`0`"),
    (&["__lesson", "private-tmp-deleted"], "needs a terminal"),
    (&["__lesson", "private-tmp-deleted", "--json"], "needs a terminal"),
    (&["completions", "klingon"], "klingon"),
];

#[test]
fn bad_input_is_named_with_code_64_and_without_a_word_of_panic() {
    for (arguments, named) in BAD {
        let output = run(arguments);
        let talk = talk(&output);
        assert_eq!(output.status.code(), Some(64), "{arguments:?}: {talk}");
        assert!(talk.contains(named), "{arguments:?} does not name {named}: {talk}");
        assert!(!talk.contains("panicked") && !talk.contains("RUST_BACKTRACE"), "{arguments:?}: {talk}");
        assert!(!talk.chars().any(|c| c.is_control() && c != '\n'), "{arguments:?}: {talk:?}");
    }
}

#[test]
fn a_log_that_may_not_be_read_is_no_usage_error() {
    needs!("setpriv");
    // Of root alone, on every machine.
    let args =
        ["--reuid", "65534", "--regid", "65534", "--clear-groups", TMPMEDIC, "check", "--log", "/proc/kmsg"];
    let output = Command::new("setpriv").args(args).output().unwrap();
    assert_eq!(output.status.code(), Some(77));
    let talk = talk(&output);
    assert!(talk.contains("/proc/kmsg") && talk.contains("root may"), "{talk}");
}

#[test]
fn a_log_of_failures_is_not_answered_by_none_fails() {
    let script = format!(
        "echo \"mktemp: failed to create file via template '/nope/tmp.XX': No such file or directory\" | {TMPMEDIC} check --json --no-probe --log -"
    );
    let output = Command::new("sh").args(["-c", &script]).output().unwrap();
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    let headline = document["verdict"]["headline"].as_str().unwrap();
    assert!(
        document["verdict"]["status"] != "ok" || headline.contains("the build log names 1 failure"),
        "{headline}"
    );
}

#[test]
fn a_broken_configuration_is_named_with_its_line() {
    let dir = crate::sandbox::scratch();
    let path = dir.path().join("config.toml");
    std::fs::write(&path, "# a comment\nnonsense = [\n").unwrap();
    let name = path.to_str().unwrap();
    let output = run(&["check", "--config", name]);
    assert_eq!(output.status.code(), Some(64));
    let talk = talk(&output);
    assert!(talk.contains(name) && talk.contains("line 2"), "{talk}");
}

#[test]
fn json_is_one_document_whatever_happens() {
    let tables: &[&[&str]] = &[
        &["check", "--json", "--no-probe"],
        &["check", "--format", "json"],
        &["--json", "check", "--deadline", "1ms"],
        &["check", "--json", "--pid", "4194305"],
        &["check", "--json", "--pid", "nonsense"],
        &["check", "--json", "--log", "/nonexistent"],
        &["check", "--json", "--config", "/nonexistent"],
        &["check", "--json", "--unit", "no-such-unit.service"],
        &["check", "--format=json", "--nonsense"],
        &["--json"],
    ];
    for arguments in tables {
        let output = run(arguments);
        let text = String::from_utf8_lossy(&output.stdout);
        let document: Value = serde_json::from_str(&text)
            .unwrap_or_else(|why| panic!("{arguments:?}: {why}: {text}; {}", talk(&output)));
        assert_eq!(document["schema"], "tmpmedic.check/1", "{arguments:?}");
        assert_eq!(text.lines().count(), 1, "{arguments:?}");
        let refused = output.status.code() == Some(64);
        assert_eq!(refused, document["incomplete"][0]["what"] == "everything", "{arguments:?}: {text}");
        if refused {
            assert_eq!(document["verdict"]["status"], "unknown", "{arguments:?}");
        }
    }
}

#[test]
fn help_and_version_are_output_and_no_error() {
    for arguments in
        [&["--help"][..], &["-h"], &["check", "--help"], &["help", "check"], &["-V"], &["--version"]]
    {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        assert!(!output.stdout.is_empty() && output.stderr.is_empty(), "{arguments:?}");
    }
    assert_eq!(run(&["-V"]).stdout, format!("tmpmedic {}\n", env!("CARGO_PKG_VERSION")).into_bytes());
    let long = String::from_utf8(run(&["--version"]).stdout).unwrap();
    assert!(long.contains(std::env::consts::ARCH), "{long}");
}

#[test]
fn output_that_is_lost_is_an_error_of_every_command() {
    let full = || std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    for arguments in [
        &["check", "--no-probe"][..],
        &["check", "--json"],
        &["explain"],
        &["--help"],
        &["--version"],
        &["man"],
    ] {
        let status =
            Command::new(TMPMEDIC).args(arguments).stdin(Stdio::null()).stdout(full()).output().unwrap();
        assert_eq!(status.status.code(), Some(74), "{arguments:?} to a full disk: {}", talk(&status));
        assert!(talk(&status).contains("No space left on device"), "{arguments:?}");
        let closed = format!("exec {TMPMEDIC} {} >&-", arguments.join(" "));
        let status = Command::new("sh").args(["-c", &closed]).stdin(Stdio::null()).output().unwrap();
        assert_eq!(status.status.code(), Some(74), "{arguments:?} to a closed output: {}", talk(&status));
    }
}

#[test]
fn output_thrown_away_on_purpose_is_not_lost() {
    let null = || std::fs::OpenOptions::new().read(true).write(true).open("/dev/null").unwrap();
    let status =
        Command::new(TMPMEDIC).arg("explain").stdin(null()).stdout(null()).stderr(null()).status().unwrap();
    assert_eq!(status.code(), Some(0), "read and write, as some callers open it");
}

#[test]
fn a_reader_that_goes_away_is_no_error_worth_a_word() {
    for arguments in ["check --json --no-probe", "explain private-tmp-deleted", "man"] {
        let script = format!("{TMPMEDIC} {arguments} | true");
        let output = Command::new("sh").args(["-c", &script]).stdin(Stdio::null()).output().unwrap();
        assert_eq!(talk(&output), "", "{arguments}");
    }
}

#[test]
fn every_form_is_harmless_to_a_terminal() {
    for format in ["text", "json", "markdown", "github", "openmetrics"] {
        let output = run(&["check", "--no-probe", "--format", format]);
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        assert!(!text.is_empty() && text.ends_with('\n'), "{format}");
        let bad = text.chars().find(|c| c.is_control() && *c != '\n');
        assert_eq!(bad, None, "{format}");
    }
}

#[test]
fn text_fits_eighty_columns() {
    let output = run(&["check", "--no-probe"]);
    let text = String::from_utf8(output.stdout).unwrap();
    for line in text.lines() {
        assert!(line.chars().count() <= 80, "{line:?}");
    }
}

#[test]
fn colour_comes_when_it_is_asked_for_and_only_then() {
    let has_colour = |arguments: &[&str]| run(arguments).stdout.contains(&0x1b);
    assert!(!has_colour(&["check", "--no-probe"]));
    assert!(has_colour(&["check", "--no-probe", "--color", "always"]));
    assert!(!has_colour(&["check", "--no-probe", "--color", "never"]));
}

#[test]
fn completions_and_the_man_page_come_from_the_definition() {
    for shell in ["bash", "zsh", "fish"] {
        let script = String::from_utf8(run(&["completions", shell]).stdout).unwrap();
        assert!(script.contains("no-probe"), "{shell}");
    }
    let man = String::from_utf8(run(&["man"]).stdout).unwrap();
    assert!(man.starts_with(".ie") && man.contains(".TH"), "{man}");
}

#[test]
fn the_course_goes_by_numbers_and_its_list_gives_no_cause_away() {
    let course: Value = serde_json::from_slice(&run(&["lab", "--course", "--json"]).stdout).unwrap();
    assert_eq!(course["schema"], "tmpmedic.course/1");
    let lessons = course["lessons"].as_array().unwrap();
    let numbers: Vec<u64> = lessons.iter().filter_map(|lesson| lesson["number"].as_u64()).collect();
    assert!(numbers.is_sorted() && numbers.len() == lessons.len() && !numbers.is_empty(), "{course:#}");
    let text = String::from_utf8(run(&["lab", "--course"]).stdout).unwrap();
    let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for lesson in lessons {
        assert!(flat.contains(lesson["title"].as_str().unwrap()), "{lesson} is missing: {text}");
        assert!(!flat.contains(lesson["id"].as_str().unwrap()), "{lesson} is told: {text}");
    }
}

#[test]
fn explain_knows_every_cause_as_text_and_as_json() {
    let list: Value = serde_json::from_slice(&run(&["explain", "--json"]).stdout).unwrap();
    assert_eq!(list["schema"], "tmpmedic.explain/1");
    for cause in list["causes"].as_array().unwrap() {
        let id = cause["id"].as_str().unwrap();
        let page: Value = serde_json::from_slice(&run(&["explain", id, "--json"]).stdout).unwrap();
        assert_eq!(page["id"], id);
        assert!(page["body"].as_str().unwrap().starts_with("# "), "{id}");
        let text = String::from_utf8(run(&["explain", id]).stdout).unwrap();
        assert!(text.starts_with(page["title"].as_str().unwrap()) || text.contains("What you see"), "{id}");
    }
}

#[test]
fn a_log_may_come_from_a_pipe_and_need_not_end() {
    let log = "error: couldn't create a temp dir: No such file or directory (os error 2) at path \\\"/tmp/rustcVAIpSt\\\"";
    let script = format!("printf \"{log}\\n\" | {TMPMEDIC} check --json --no-probe --log -");
    let output = Command::new("sh").args(["-c", &script]).output().unwrap();
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["log"][0]["tool"], "rustc", "{document:#}");
    assert_eq!(document["log"][0]["errno"], "ENOENT");
    let mut child = Command::new(TMPMEDIC);
    child.args(["check", "--json", "--no-probe", "--deadline", "1s", "--log", "-"]);
    let child = child.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    // The writing end stays open in `child` until the output is read.
    let mut child = child;
    let input = child.stdin.take();
    let output = child.wait_with_output().unwrap();
    drop(input);
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(document["incomplete"].to_string().contains("build log"), "{document:#}");
}
