//! A recording of this machine, played in a terminal, from a pipe, and without a terminal.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tmpmedic::store::{Capture, Limits};

use super::Pty;
use crate::needs_setsid;
use crate::sandbox::TMPMEDIC;

/// A recording that the binary made of this machine, without probes, with three looks at least: how many there are in two
/// seconds is for the machine to say.
fn recorded(home: &Path) -> PathBuf {
    for seconds in [2, 8, 32] {
        let file = home.join(format!("{seconds}.tmc"));
        let mut capture = Command::new(TMPMEDIC);
        capture.args(["capture", "--no-probe", "--every", "500ms", "--for", &format!("{seconds}s"), "-o"]);
        let output = capture.arg(&file).stdin(Stdio::null()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let bytes = std::fs::read(&file).unwrap();
        if Capture::read(bytes.as_slice(), &Limits::default()).unwrap().len() >= 3 {
            return file;
        }
    }
    panic!("a look takes longer than ten seconds");
}

#[test]
fn a_recording_of_this_machine_is_replayed_step_by_step_and_gives_the_terminal_back() {
    needs_setsid!();
    let home = tempfile::tempdir().unwrap();
    let file = recorded(home.path());
    let mut pty = Pty::start(140, 40, &[TMPMEDIC, "replay", file.to_str().unwrap()], &[]);
    pty.wait_for_text("REPLAY 1/");
    assert!(!pty.parser.screen().contents().contains("looking"), "its first frame is the first look");
    pty.type_keys("]");
    pty.wait_for_text("REPLAY 2/");
    pty.type_keys("[");
    pty.wait_for_text("REPLAY 1/");
    pty.type_keys("[");
    pty.wait_for_text("this is the first look of the recording");
    pty.type_keys("T#3\r");
    pty.wait_for_text("REPLAY 3/");
    pty.type_keys("2p");
    pty.wait_for_text("not this machine");
    pty.type_keys("++++ ");
    pty.wait_for_text("this is the last look of the recording");
    pty.type_keys("Q");
    assert_eq!(pty.end(), 0);
    pty.demand_given_back("Q in a replay");
    pty.wait_for_text("processes");
}

#[test]
fn a_capture_that_comes_through_a_pipe_leaves_the_keys_to_the_terminal() {
    needs_setsid!();
    let home = tempfile::tempdir().unwrap();
    let file = recorded(home.path());
    let script = format!("cat {} | {TMPMEDIC} replay -; echo ended $?", file.display());
    let mut pty = Pty::start(100, 30, &["sh", "-c", &script], &[]);
    pty.wait_for_text("REPLAY 1/");
    pty.type_keys("]");
    pty.wait_for_text("REPLAY 2/");
    pty.type_keys("q");
    pty.wait_for_text("ended 0");
    pty.demand_given_back("a replay of a pipe");
}

#[test]
fn a_replay_without_a_terminal_prints_what_check_prints_and_refuses_what_is_no_capture() {
    needs_setsid!();
    let home = tempfile::tempdir().unwrap();
    let file = recorded(home.path());
    let run =
        |arguments: &[&str]| Command::new(TMPMEDIC).args(arguments).stdin(Stdio::null()).output().unwrap();
    let name = file.to_str().unwrap();
    let (replayed, checked) = (run(&["replay", name]), run(&["check", "--from", name]));
    assert_eq!((replayed.status.code(), replayed.stdout.is_empty()), (checked.status.code(), false));
    let verdict = |output: &std::process::Output| {
        String::from_utf8_lossy(&output.stdout).lines().next().unwrap_or_default().to_owned()
    };
    assert_eq!(verdict(&replayed), verdict(&checked));
    let mut dumb = Pty::start(80, 24, &[TMPMEDIC, "replay", name], &[("TERM", "dumb")]);
    assert_eq!(Some(dumb.end()), checked.status.code());
    assert!(!dumb.bytes.contains(&0x1b), "a dumb terminal gets no escape sequences");
    for odd in ["/dev/zero", "/etc/passwd", "/proc", "/nonexistent"] {
        let mut pty = Pty::start(80, 24, &[TMPMEDIC, "replay", odd], &[]);
        assert_eq!(pty.end(), 64, "{odd}");
        let told = String::from_utf8_lossy(&pty.bytes).into_owned();
        assert!(told.contains(odd) && !told.contains('\x1b'), "{told}");
    }
}
