//! What a terminal gets to see, of which size and with which letters, and what it says that is no key.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::Pty;
use crate::sandbox::TMPMEDIC;
use crate::{needs_setsid, sandbox};

#[test]
fn the_first_frame_does_not_wait_for_a_look() {
    needs_setsid!();
    let started = Instant::now();
    let mut pty = Pty::console();
    // The goal is 15 ms on an idle machine; a loaded one gets a second.
    assert!(started.elapsed() < Duration::from_secs(1), "the first frame took {:?}", started.elapsed());
    pty.type_keys("q");
    pty.end();
}

#[test]
fn it_follows_the_size_of_the_window() {
    needs_setsid!();
    let mut pty = Pty::console();
    for (columns, rows) in [(140, 40), (40, 15), (1, 1), (200, 50), (80, 24)] {
        pty.resize(columns, rows);
        pty.bytes.clear();
        pty.wait("a redraw", |pty| pty.bytes.windows(4).any(|w| w == b"\x1b[2J"));
    }
    pty.wait("something on screen", |pty| !pty.parser.screen().contents().trim().is_empty());
    pty.type_keys("q");
    assert_eq!(pty.end(), 0);
    pty.demand_given_back("resizing");
}

#[test]
fn an_idle_screen_writes_little_more_than_the_clock() {
    needs_setsid!();
    let mut pty = Pty::console();
    // The first looks and probes come in; then it is quiet.
    let settled = Instant::now();
    while settled.elapsed() < Duration::from_secs(6) {
        pty.read(Duration::from_millis(50));
    }
    pty.type_keys(".");
    pty.read(Duration::from_millis(500));
    pty.bytes.clear();
    let started = Instant::now();
    while started.elapsed() < Duration::from_secs(4) {
        pty.read(Duration::from_millis(50));
    }
    let each_second = pty.bytes.len() / 4;
    assert!(each_second <= 80, "{each_second} bytes a second: {:?}", String::from_utf8_lossy(&pty.bytes));
    pty.type_keys("q");
    pty.end();
}

#[test]
fn nothing_that_a_terminal_answers_presses_a_key() {
    needs_setsid!();
    let mut pty = Pty::console();
    pty.type_keys(
        "\x1b[24;80R\x1b[?62;22c\x1b]11;rgb:0000/0000/0000\x07\x1bP1$r q\x1b\\\x1b[200~qqq\x1b[201~",
    );
    pty.type_keys("\x1b[<0;1;1M\x1b[I");
    pty.read(Duration::from_millis(200));
    assert!(pty.child.try_wait().unwrap().is_none(), "an answer or a paste made it leave");
    pty.type_keys("q");
    assert_eq!(pty.end(), 0);
}

#[test]
fn without_a_terminal_it_prints_what_check_prints() {
    needs_setsid!();
    let alone = Command::new(TMPMEDIC).stdin(Stdio::null()).output().unwrap();
    let text = String::from_utf8_lossy(&alone.stdout).into_owned();
    let verdicts = ["OK", "WARNING", "CRITICAL", "UNKNOWN"];
    assert!(verdicts.iter().any(|word| text.starts_with(word)), "{text}");
    let mut pty = Pty::start(80, 24, &[TMPMEDIC], &[("TERM", "dumb")]);
    assert!((0..=3).contains(&pty.end()));
    pty.read(Duration::from_millis(50));
    let text = String::from_utf8_lossy(&pty.bytes).into_owned();
    assert!(verdicts.iter().any(|word| text.starts_with(word)), "{text}");
    assert!(!text.contains('\x1b'), "a dumb terminal gets no escape sequences: {text}");
}

#[test]
fn a_locale_without_utf_8_gets_ascii() {
    needs_setsid!();
    let mut pty = Pty::start(100, 30, &[TMPMEDIC], &[("LC_ALL", "C")]);
    pty.wait_for_console();
    pty.read(Duration::from_millis(300));
    assert!(pty.bytes.is_ascii(), "{:?}", String::from_utf8_lossy(&pty.bytes));
    pty.type_keys("q");
    pty.end();
}

#[test]
fn an_open_directory_shows_what_comes_and_goes_by_itself() {
    needs_setsid!();
    let dir = sandbox::scratch();
    std::fs::write(dir.path().join("was-there"), b"x").unwrap();
    let path = dir.path().to_str().unwrap();
    // Without probes, whose own entries come and go there as well.
    let mut pty = Pty::start(140, 40, &[TMPMEDIC, "--read-only"], &[("TMPDIR", path)]);
    pty.wait_for_console();
    pty.type_keys("3");
    let name = dir.path().file_name().unwrap().to_str().unwrap().to_owned();
    pty.wait_for_text("older than 1 d");
    // The line that names the temp dir.
    let title = |pty: &Pty| pty.screen().lines().nth(2).unwrap_or_default().to_owned();
    for _ in 0..64 {
        let before = title(&pty);
        if before.contains(&format!("{name} ")) {
            break;
        }
        pty.type_keys("]");
        pty.wait("the next temp dir", |pty| title(pty) != before);
    }
    for _ in 0..64 {
        pty.type_keys("\r");
        pty.wait("an open family", |pty| title(pty).contains(" \u{203a} "));
        // Another console on this machine may be probing there just now.
        if !title(&pty).contains("tmpmedic-probe") {
            break;
        }
        pty.type_keys("\x1b");
        pty.wait("the families", |pty| !title(pty).contains(" \u{203a} "));
    }
    pty.wait_for_text("was-there");
    std::fs::write(dir.path().join("came-later"), b"x").unwrap();
    pty.wait_for_text("came-later");
    std::fs::remove_file(dir.path().join("was-there")).unwrap();
    pty.wait("what is gone to go", |pty| !pty.parser.screen().contents().contains("was-there"));
    // The Escape and the key right after it arrive in one read.
    pty.type_keys("\x1b1");
    pty.wait_for_text("Findings");
    pty.type_keys("q");
    assert_eq!(pty.end(), 0);
}
