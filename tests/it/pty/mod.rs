//! The console in a real terminal: a pty with a screen emulator behind it.
//!
//! The terminal must be as it was after every way of ending, and the main screen must be back.

mod ends;
mod replays;
mod screen;

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Termios, Winsize, tcgetattr, tcsetwinsize};

use crate::sandbox::{self, TMPMEDIC};

/// Long enough for a loaded machine; nothing waits that long where all is well.
const PATIENCE: Duration = Duration::from_secs(20);

/// More than a frame has; who writes without end is read on at the next call.
const PIECES: u32 = 64;

/// So soon the next piece of a frame is there.
const NEXT_PIECE: Duration = Duration::from_millis(5);

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

    /// Reads what the program writes within a moment, and the rest of a frame that has begun: it comes in pieces of what a
    /// pty holds, and half of one shows what never was. `false` when the other end is closed.
    fn read(&mut self, moment: Duration) -> bool {
        let mut moment = moment;
        for _ in 0..PIECES {
            let mut ready = [PollFd::from_borrowed_fd(self.master.as_fd(), PollFlags::IN)];
            let timeout = Timespec { tv_sec: 0, tv_nsec: i64::from(moment.subsec_nanos()) };
            if poll(&mut ready, Some(&timeout)).unwrap_or(0) == 0 {
                return true;
            }
            let mut buffer = vec![0; 65_536];
            match rustix::io::read(&self.master, &mut buffer) {
                Ok(0) | Err(_) => return false,
                Ok(count) => {
                    self.parser.process(&buffer[..count]);
                    self.bytes.extend_from_slice(&buffer[..count]);
                }
            }
            moment = NEXT_PIECE;
        }
        true
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

/// Ends the test as skipped where no session of its own can be had.
#[macro_export]
macro_rules! needs_setsid {
    () => {
        if !$crate::sandbox::has("setsid") {
            $crate::skip!("needs the program setsid");
        }
    };
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
