//! Every way of ending or stopping gives the terminal back, and nobody outlives the console.

use std::time::{Duration, Instant};

use rustix::pty::{OpenptFlags, openpt};
use rustix::termios::OutputModes;

use super::{PATIENCE, Pty, child_of, is_running};
use crate::sandbox::{TMPMEDIC, has};
use crate::{needs_setsid, skip};

#[test]
fn q_gives_the_terminal_back() {
    needs_setsid!();
    let mut pty = Pty::console();
    pty.type_keys("q");
    assert_eq!(pty.end(), 0);
    pty.demand_given_back("q");
}

#[test]
fn q_with_shift_prints_the_report_on_the_main_screen() {
    needs_setsid!();
    let mut pty = Pty::console();
    pty.wait("the first look", |pty| {
        let text = pty.parser.screen().contents();
        ["✗ CRITICAL", "! WARNING", "✓ OK", "? UNKNOWN"].iter().any(|verdict| text.contains(verdict))
    });
    pty.type_keys("Q");
    assert_eq!(pty.end(), 0);
    pty.demand_given_back("Q");
    assert!(pty.modes().output_modes.contains(OutputModes::OPOST));
    pty.wait_for_text("processes");
}

#[test]
fn ctrl_c_leaves_and_is_no_signal() {
    needs_setsid!();
    let mut pty = Pty::console();
    pty.type_keys("\x03");
    assert_eq!(pty.end(), 0);
    pty.demand_given_back("Ctrl-C");
}

#[test]
fn a_signal_that_ends_it_gives_the_terminal_back() {
    use rustix::process::Signal;
    needs_setsid!();
    for (signal, code) in [(Signal::TERM, 143), (Signal::HUP, 129), (Signal::INT, 130), (Signal::QUIT, 131)] {
        let mut pty = Pty::console();
        pty.signal(signal);
        assert_eq!(pty.end(), code);
        pty.demand_given_back(&format!("{signal:?}"));
    }
}

#[test]
fn a_death_that_nothing_can_catch_gives_the_terminal_back() {
    use rustix::process::Signal;
    needs_setsid!();
    for signal in [Signal::KILL, Signal::ABORT] {
        // A shell around it that stays: the kernel hangs a terminal up when the leader of its session ends.
        let script = format!("{TMPMEDIC}; read -r line; echo shell goes on");
        let mut pty = Pty::start(80, 24, &["sh", "-c", &script], &[]);
        pty.wait_for_console();
        rustix::process::kill_process(child_of(pty.pid()), signal).unwrap();
        pty.demand_given_back(&format!("{signal:?}"));
        pty.type_keys("\n");
        pty.wait_for_text("shell goes on");
    }
}

#[test]
#[ignore = "an actor: the next test runs it in a pty"]
fn a_console_that_panics() {
    let mut session = tmpmedic::sys::term::Session::open().unwrap();
    session.enter().unwrap();
    panic!("as asked");
}

#[test]
fn a_panic_gives_the_terminal_back() {
    needs_setsid!();
    let actor = std::env::current_exe().unwrap();
    let command =
        [actor.to_str().unwrap(), "--exact", "pty::ends::a_console_that_panics", "--ignored", "--nocapture"];
    let mut pty = Pty::start(80, 24, &command, &[]);
    pty.end();
    let entered = pty.bytes.windows(8).any(|window| window == b"\x1b[?1049h");
    assert!(entered, "{:?}", String::from_utf8_lossy(&pty.bytes));
    pty.demand_given_back("a panic");
}

#[test]
fn no_guard_outlives_the_console() {
    needs_setsid!();
    let mut pty = Pty::console();
    let guard = child_of(pty.pid());
    pty.type_keys("q");
    pty.end();
    pty.wait("the end of the guard", |_| !is_running(guard));
}

#[test]
fn a_stop_gives_the_terminal_to_the_shell_and_going_on_redraws_everything() {
    if !has("setsid") || !has("bash") {
        skip!("needs the programs setsid and bash");
    }
    let again = "read -r line; fg >/dev/null";
    let script =
        format!("{TMPMEDIC}; echo stopped $?; {again}; echo stopped again $?; {again}; echo ended $?");
    let mut pty = Pty::start(80, 24, &["bash", "-mc", &script], &[]);
    pty.wait_for_console();
    pty.wait_for_text("Triage");
    pty.type_keys("\x1a");
    pty.wait_for_text("stopped 148");
    pty.demand_given_back("Ctrl-Z");
    pty.type_keys("\n");
    pty.wait_for_console();
    pty.wait_for_text("Triage");
    // A stop from outside is the same.
    rustix::process::kill_process(child_of(pty.pid()), rustix::process::Signal::TSTP).unwrap();
    pty.wait_for_text("stopped again 148");
    pty.demand_given_back("SIGTSTP");
    pty.type_keys("\n");
    pty.wait_for_console();
    pty.wait_for_text("Triage");
    pty.type_keys("q");
    pty.wait_for_text("ended 0");
    pty.demand_given_back("stop and go");
}

#[test]
fn a_stopped_console_that_is_killed_ends_without_taking_the_terminal() {
    if !has("setsid") || !has("bash") {
        skip!("needs the programs setsid and bash");
    }
    let script = format!("{TMPMEDIC}; kill %1; wait; echo ended $?");
    let mut pty = Pty::start(80, 24, &["bash", "-mc", &script], &[]);
    pty.wait_for_console();
    let console = child_of(pty.pid());
    pty.type_keys("\x1a");
    pty.wait_for_text("ended");
    pty.demand_given_back("a kill while stopped");
    pty.wait("the end of the console", |_| !is_running(console));
}

#[test]
fn a_reader_that_stopped_reading_does_not_keep_it_from_quitting() {
    needs_setsid!();
    let mut pty = Pty::console();
    // Nobody reads; every resize asks for a whole frame, far more than a pty holds.
    for turn in 0_u16..40 {
        pty.resize(180 + turn % 7, 50);
        std::thread::sleep(Duration::from_millis(5));
    }
    pty.type_keys("q");
    let started = Instant::now();
    while pty.child.try_wait().unwrap().is_none() {
        assert!(started.elapsed() < Duration::from_secs(2), "it waits for its reader");
        std::thread::sleep(Duration::from_millis(10));
    }
    pty.demand_given_back("a stalled reader");
}

#[test]
fn it_ends_quietly_when_the_terminal_goes_away() {
    needs_setsid!();
    // Not the leader of the session, which the kernel would tell by SIGHUP: only EIO tells it.
    let script = format!("trap '' HUP; {TMPMEDIC}; echo $? >&3");
    let (read, write) = rustix::pipe::pipe().unwrap();
    let fd = format!("/proc/{}/fd/{}", std::process::id(), std::os::fd::AsRawFd::as_raw_fd(&write));
    let mut pty = Pty::start(80, 24, &["sh", "-c", &format!("exec 3>{fd}; {script}")], &[]);
    pty.wait_for_console();
    let console = child_of(pty.pid());
    drop(write);
    pty.master = openpt(OpenptFlags::RDWR | OpenptFlags::CLOEXEC).unwrap();
    let started = Instant::now();
    while is_running(console) {
        assert!(started.elapsed() < PATIENCE, "it outlives its terminal");
        std::thread::sleep(Duration::from_millis(10));
    }
    let mut code = [0; 16];
    let count = rustix::io::read(&read, &mut code).unwrap();
    assert_eq!(std::str::from_utf8(&code[..count]).unwrap().trim(), "129");
}
