//! The console in a real terminal: a pty with a screen emulator behind it.
//!
//! The terminal must be as it was after every way of ending, and the main screen must be back.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, OutputModes, Termios, Winsize, tcgetattr, tcsetwinsize};

use crate::sandbox::{self, TMPMEDIC, has};
use crate::skip;

/// Long enough for a loaded machine; nothing waits that long where all is well.
const PATIENCE: Duration = Duration::from_secs(20);

/// A terminal, the program in it, and what stands on its screen.
pub struct Pty {
    master: OwnedFd,
    child: Child,
    parser: vt100::Parser,
    before: Termios,
    bytes: Vec<u8>,
}

impl Pty {
    /// Starts a program as the leader of a session whose terminal this is.
    pub fn start(columns: u16, rows: u16, command: &[&str], variables: &[(&str, &str)]) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&master, size).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap().into_string().unwrap();
        let slave = std::fs::OpenOptions::new().read(true).write(true).open(name).unwrap();
        let before = tcgetattr(&slave).unwrap();
        let mut setsid = Command::new("setsid");
        setsid.arg("--ctty").args(command);
        setsid.env_clear().envs([
            ("PATH", "/usr/bin:/bin"),
            ("TERM", "xterm-256color"),
            ("LC_ALL", "C.UTF-8"),
        ]);
        setsid.envs(variables.iter().copied());
        setsid.stdin(Stdio::from(slave.try_clone().unwrap()));
        setsid.stdout(Stdio::from(slave.try_clone().unwrap())).stderr(Stdio::from(slave));
        let child = setsid.spawn().unwrap();
        let parser = vt100::Parser::new(rows, columns, 0);
        Self { master, child, parser, before, bytes: Vec::new() }
    }

    /// The console at 80×24.
    fn console() -> Self {
        let mut pty = Self::start(80, 24, &[TMPMEDIC], &[]);
        pty.wait_for_console();
        pty
    }

    /// Starts a script as the first process of a sandbox, and waits for the console that it starts.
    pub fn in_sandbox(columns: u16, rows: u16, script: &str) -> Self {
        let command = sandbox::command(script);
        let command: Vec<&str> = command.iter().map(String::as_str).collect();
        let variables = sandbox::variables();
        let variables: Vec<(&str, &str)> =
            variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let mut pty = Self::start(columns, rows, &command, &variables);
        pty.wait_for_console();
        pty
    }

    /// Waits for the first frame.
    pub fn wait_for_console(&mut self) {
        self.wait("the console on the alternate screen", |pty| {
            let screen = pty.parser.screen();
            screen.alternate_screen() && !screen.contents().trim().is_empty()
        });
        assert!(!self.modes().local_modes.intersects(LocalModes::ICANON | LocalModes::ECHO), "raw mode");
    }

    fn modes(&self) -> Termios {
        tcgetattr(&self.master).unwrap()
    }

    pub fn pid(&self) -> rustix::process::Pid {
        rustix::process::Pid::from_child(&self.child)
    }

    pub fn signal(&self, signal: rustix::process::Signal) {
        rustix::process::kill_process(self.pid(), signal).unwrap();
    }

    /// Types.
    pub fn type_keys(&self, keys: &str) {
        assert_eq!(rustix::io::write(&self.master, keys.as_bytes()), Ok(keys.len()));
    }

    fn resize(&mut self, columns: u16, rows: u16) {
        let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&self.master, size).unwrap();
        self.parser.screen_mut().set_size(rows, columns);
    }

    /// Reads what the program wrote, for a moment; `false` when the other end is closed.
    fn read(&mut self, moment: Duration) -> bool {
        let mut ready = [PollFd::from_borrowed_fd(self.master.as_fd(), PollFlags::IN)];
        let timeout = Timespec { tv_sec: 0, tv_nsec: i64::from(moment.subsec_nanos()) };
        if poll(&mut ready, Some(&timeout)).unwrap_or(0) == 0 {
            return true;
        }
        let mut buffer = vec![0; 65_536];
        let Ok(count) = rustix::io::read(&self.master, &mut buffer) else { return false };
        self.parser.process(&buffer[..count]);
        self.bytes.extend_from_slice(&buffer[..count]);
        count > 0
    }

    pub fn wait(&mut self, what: &str, is_so: impl Fn(&mut Self) -> bool) {
        let started = Instant::now();
        while !is_so(self) {
            let left = PATIENCE.saturating_sub(started.elapsed());
            assert!(
                !left.is_zero(),
                "waited in vain for {what}; on screen:\n{}",
                self.parser.screen().contents()
            );
            self.read(Duration::from_millis(20));
        }
    }

    /// Waits until that stands on the screen.
    pub fn wait_for_text(&mut self, text: &str) {
        self.wait(text, |pty| pty.parser.screen().contents().contains(text));
    }

    /// What stands on the screen.
    pub fn screen(&self) -> String {
        self.parser.screen().contents()
    }

    /// Waits for the end of the program and gives its exit code, or 128 + the signal.
    pub fn end(&mut self) -> i32 {
        use std::os::unix::process::ExitStatusExt;
        let started = Instant::now();
        loop {
            self.read(Duration::from_millis(10));
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0));
            }
            assert!(
                started.elapsed() < PATIENCE,
                "it does not end; on screen:\n{}",
                self.parser.screen().contents()
            );
        }
    }

    /// The terminal is as it was: modes, main screen, cursor, no paste marks.
    fn is_given_back(&mut self) -> bool {
        let screen = self.parser.screen();
        let is_main = !screen.alternate_screen() && !screen.hide_cursor() && !screen.bracketed_paste();
        is_main && same_modes(&self.modes(), &self.before)
    }

    /// Fails unless the terminal is as it was.
    pub fn demand_given_back(&mut self, after: &str) {
        self.wait(&format!("the terminal after {after}"), Self::is_given_back);
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        // A test that failed leaves nothing behind.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn same_modes(one: &Termios, other: &Termios) -> bool {
    (one.input_modes, one.output_modes, one.control_modes, one.local_modes)
        == (other.input_modes, other.output_modes, other.control_modes, other.local_modes)
}

macro_rules! needs_setsid {
    () => {
        if !has("setsid") {
            skip!("needs the program setsid");
        }
    };
}

#[test]
fn q_gives_the_terminal_back() {
    needs_setsid!();
    let mut pty = Pty::console();
    pty.type_keys("q");
    assert_eq!(pty.end(), 0);
    pty.demand_given_back("q");
}

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
        [actor.to_str().unwrap(), "--exact", "pty::a_console_that_panics", "--ignored", "--nocapture"];
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
fn a_locale_without_utf_8_gets_ascii() {
    needs_setsid!();
    let mut pty = Pty::start(100, 30, &[TMPMEDIC], &[("LC_ALL", "C")]);
    pty.wait_for_console();
    pty.read(Duration::from_millis(300));
    assert!(pty.bytes.is_ascii(), "{:?}", String::from_utf8_lossy(&pty.bytes));
    pty.type_keys("q");
    pty.end();
}

/// The youngest child that is no guard comes first in neither order, so: the only child, or the console among them.
fn child_of(parent: rustix::process::Pid) -> rustix::process::Pid {
    let raw = parent.as_raw_nonzero();
    let text = std::fs::read_to_string(format!("/proc/{raw}/task/{raw}/children")).unwrap();
    let child = text.split_whitespace().next().and_then(|pid| pid.parse().ok());
    rustix::process::Pid::from_raw(child.unwrap_or_else(|| panic!("{raw} has no child"))).unwrap()
}

fn is_running(pid: rustix::process::Pid) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).or_else(gone).unwrap();
    !stat.is_empty() && !stat.rsplit(')').next().unwrap_or_default().starts_with(" Z")
}

fn gone(why: io::Error) -> io::Result<String> {
    match why.kind() {
        io::ErrorKind::NotFound => Ok(String::new()),
        _ => Err(why),
    }
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

/// A recording that the binary made of this machine, without probes.
fn recorded(home: &std::path::Path) -> std::path::PathBuf {
    let file = home.join("rec.tmc");
    let mut capture = Command::new(TMPMEDIC);
    capture.args(["capture", "--no-probe", "--for", "2s", "--every", "500ms", "-o"]).arg(&file);
    let output = capture.stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    file
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
