//! The console as a user meets it: exec to first frame and first verdict in a pty, then what an idle screen costs; htop
//! beside it. And `check` of the same machine.
#![expect(clippy::disallowed_methods, reason = "a benchmark starts programs and reads clocks")]
#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]
#![expect(clippy::exit, reason = "a member of the crowd ends at once")]
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    reason = "a benchmark that cannot measure stops, and ratios need no last digit"
)]

#[path = "crowd.rs"]
mod crowd;
#[expect(dead_code, reason = "other benchmarks use the rest")]
#[path = "side_by_side.rs"]
mod side_by_side;

use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crowd::Crowd;
use side_by_side::{has, median, number, private_dir, shown};

const TMPMEDIC: &str = env!("CARGO_BIN_EXE_tmpmedic");
const WIDTH: u16 = 200;
const HEIGHT: u16 = 50;

fn main() {
    crowd::join_if_asked();
    let dir = private_dir("console");
    let crowd = Crowd::start(number("PROCESSES", 240), 20, &dir);
    let entries = number("ENTRIES", 0);
    for n in 0..entries {
        std::fs::File::create(dir.join(format!("go-build{n}"))).expect("room");
    }
    let watched = Seconds(number("SECONDS", 30));
    println!("{} processes on this machine, {WIDTH}x{HEIGHT}", count_processes());
    println!(
        "\n| | first frame | first verdict | CPU idle | bytes/s | wake-ups/s | memory |\n|---|---|---|---|---|---|---|"
    );
    println!("| goal | 15.0 ms | 120.0 ms | 0.3 % | 60 | 3 | 16 MiB |");
    println!("| {} |", measure("tmpmedic", &[TMPMEDIC], &dir, &["CRITICAL", "WARNING", " OK "], &watched));
    if has("htop") {
        println!("| {} |", measure("htop -d 10", &["htop", "-d", "10"], &dir, &["Load"], &watched));
    }
    let mut times: Vec<f64> = (0..9).map(|_| time_check(&dir)).collect();
    println!("\n`check` of the same machine: {} (goal 60.0 ms)", shown(median(&mut times)));
    drop(crowd);
    std::fs::remove_dir_all(&dir).ok();
}

struct Seconds(usize);

fn count_processes() -> usize {
    let names = std::fs::read_dir("/proc").expect("/proc").flatten().map(|e| e.file_name());
    names.filter(|n| n.to_string_lossy().bytes().all(|b| b.is_ascii_digit())).count()
}

fn time_check(dir: &Path) -> f64 {
    let start = Instant::now();
    Command::new(TMPMEDIC)
        .arg("check")
        .env("TMPDIR", dir)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .expect("runs");
    start.elapsed().as_secs_f64()
}

/// A program in a pty.
struct Screen {
    child: Child,
    master: OwnedFd,
    parser: vt100::Parser,
    bytes: u64,
    started: Instant,
}

impl Screen {
    fn open(command: &[&str], dir: &Path) -> Self {
        let pty = nix::pty::openpty(
            &nix::pty::Winsize { ws_row: HEIGHT, ws_col: WIDTH, ws_xpixel: 0, ws_ypixel: 0 },
            None,
        )
        .expect("a pty");
        let slave = || Stdio::from(pty.slave.try_clone().expect("a descriptor"));
        let started = Instant::now();
        let child = Command::new("setsid")
            .arg("-c")
            .args(command)
            .env("TERM", "xterm-256color")
            .env("LC_ALL", "C.UTF-8")
            .env("TMPDIR", dir)
            .stdin(slave())
            .stdout(slave())
            .stderr(Stdio::null())
            .spawn()
            .expect("setsid runs");
        Self { child, master: pty.master, parser: vt100::Parser::new(HEIGHT, WIDTH, 0), bytes: 0, started }
    }

    /// Reads what comes until `wanted` holds of the screen or the time is over; gives how long that took.
    fn until(&mut self, limit: Duration, wanted: impl Fn(&str) -> bool) -> Option<f64> {
        let end = Instant::now() + limit;
        let mut buffer = vec![0; 64 << 10];
        loop {
            let left = end.checked_duration_since(Instant::now())?;
            let timeout = rustix::event::Timespec {
                tv_sec: i64::try_from(left.as_secs()).ok()?,
                tv_nsec: i64::from(left.subsec_nanos()),
            };
            let mut polled = [rustix::event::PollFd::new(&self.master, rustix::event::PollFlags::IN)];
            rustix::event::poll(&mut polled, Some(&timeout)).ok()?;
            if polled[0].revents().is_empty() {
                return None;
            }
            let n = rustix::io::read(self.master.as_fd(), &mut buffer).ok()?;
            self.bytes += n as u64;
            self.parser.process(&buffer[..n]);
            if wanted(&self.parser.screen().contents()) {
                return Some(self.started.elapsed().as_secs_f64());
            }
        }
    }
}

fn measure(name: &str, command: &[&str], dir: &Path, verdict: &[&str], watched: &Seconds) -> String {
    let mut frames = Vec::new();
    let mut verdicts = Vec::new();
    let mut idle = String::new();
    for round in 0..5 {
        let mut screen = Screen::open(command, dir);
        let full =
            |text: &str| text.lines().filter(|l| !l.trim().is_empty()).count() >= usize::from(HEIGHT) / 2;
        frames.extend(screen.until(Duration::from_secs(10), full));
        verdicts.extend(
            screen.until(Duration::from_secs(10), |text| verdict.iter().any(|word| text.contains(word))),
        );
        if round == 4 {
            idle = cost(&mut screen, watched);
        }
        rustix::io::write(&screen.master, b"q").ok();
        screen.until(Duration::from_millis(500), |_| false);
        screen.child.kill().ok();
        screen.child.wait().ok();
    }
    format!("{name} | {} | {} | {idle}", shown(median(&mut frames)), shown(median(&mut verdicts)))
}

/// CPU, bytes, wake-ups and memory of an idle screen, once it has seen that nothing happens.
fn cost(screen: &mut Screen, watched: &Seconds) -> String {
    settle(screen);
    let pid = screen.child.id();
    let (cpu, switches, bytes) = (cpu_ticks(pid), wakeups(pid), screen.bytes);
    let start = Instant::now();
    let length = Duration::from_secs(watched.0 as u64);
    while let Some(left) = length.checked_sub(start.elapsed()) {
        screen.until(left, |_| false);
    }
    let seconds = start.elapsed().as_secs_f64();
    let per_second = |n: u64| n as f64 / seconds;
    format!(
        "{:.2} % | {:.0} | {:.1} | {:.1} MiB",
        per_second(cpu_ticks(pid) - cpu),
        per_second(screen.bytes - bytes),
        per_second(wakeups(pid) - switches),
        status(pid, "VmRSS:") as f64 / 1024.0
    )
}

fn settle(screen: &mut Screen) {
    let (start, length) = (Instant::now(), Duration::from_secs(12));
    while let Some(left) = length.checked_sub(start.elapsed()) {
        screen.until(left, |_| false);
    }
}

/// User and system time in hundredths of a second.
fn cpu_ticks(pid: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let after = stat.rsplit(')').next().unwrap_or_default();
    after.split_ascii_whitespace().skip(11).take(2).filter_map(|t| t.parse::<u64>().ok()).sum()
}

/// Voluntary context switches of all threads.
fn wakeups(pid: u32) -> u64 {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let ids = threads.filter_map(|t| t.file_name().to_string_lossy().parse().ok());
    ids.map(|id: u32| status_of(&format!("/proc/{pid}/task/{id}/status"), "voluntary_ctxt_switches:")).sum()
}

fn status(pid: u32, field: &str) -> u64 {
    status_of(&format!("/proc/{pid}/status"), field)
}

fn status_of(path: &str, field: &str) -> u64 {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let line = text.lines().find_map(|l| l.strip_prefix(field));
    line.and_then(|l| l.split_ascii_whitespace().next()?.parse().ok()).unwrap_or(0)
}
