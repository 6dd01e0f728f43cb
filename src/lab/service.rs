//! Services of a lab with systemd: members of the cast that systemd starts, from the side of the first process.
//!
//! Such a process gets its part as its standard input, from a file that only root of the lab can read, so that it can be
//! restarted by whoever works in the lab. It reports through a socket with a name, and so do those who wait in its wings.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::Signal;

use super::build::find_tool;
use super::home;
use super::part::Part;
use super::unit;
use crate::sys::clock::Stopwatch;
use crate::sys::make::{self, Rights};
use crate::sys::pidfd::Pidfd;
use crate::sys::spawn::{self, Fate, Patience, Program, Streams};

/// How long systemctl may take, and a service until it reports.
const PATIENCE: Duration = Duration::from_mins(1);
/// The program that talks to systemd.
pub const SYSTEMCTL: &str = "systemctl";

/// The stage of the services.
#[derive(Debug)]
pub struct Services {
    /// Where they report.
    door: UnixListener,
}

/// One that has been started.
#[derive(Debug)]
pub(super) struct Started {
    /// Its main process.
    pub pid: u32,
    /// Its descendants, who wait until they are called.
    pub wings: BTreeMap<String, UnixStream>,
}

impl Services {
    /// Opens it. Everybody may report, whatever user a service has.
    pub(super) fn open() -> io::Result<Self> {
        make::dir(Path::new(home::PARTS), Rights { mode: 0o700, uid: 0, gid: 0 })?;
        let door = UnixListener::bind(home::STAGE_DOOR)?;
        make::chmod(Path::new(home::STAGE_DOOR), 0o666)?;
        door.set_nonblocking(true)?;
        Ok(Self { door })
    }

    /// Writes the unit, has it started, and waits until the process plays its part.
    pub(super) fn start(&self, unit: &str, part: &Part) -> io::Result<Started> {
        let text = unit::text(&part.cast, unit).map_err(io::Error::other)?;
        let file = Path::new(home::PARTS).join(unit);
        make::file(&file)?.write_all(&serde_json::to_vec(part)?)?;
        make::chmod(&file, 0o600)?;
        let file = Path::new(home::UNITS).join(unit);
        make::file(&file)?.write_all(text.as_bytes())?;
        // Those who were restarted by somebody else have reported to nobody.
        while self.door.accept().is_ok() {}
        systemctl(&["daemon-reload"])?;
        systemctl(&["start", "--", unit])?;
        self.receive(&part.reports)
    }

    /// The main process reports first, then for each of its descendants.
    fn receive(&self, names: &[String]) -> io::Result<Started> {
        let watch = Stopwatch::start();
        let mut main = None;
        let mut wings = BTreeMap::new();
        for (number, expected) in names.iter().enumerate() {
            let socket = self.accept(watch.left_of(PATIENCE))?;
            socket.set_read_timeout(Some(PATIENCE))?;
            let mut socket = socket;
            let name = line(&mut socket)?;
            if name != *expected {
                return Err(io::Error::other(format!("`{name}` reported instead of `{expected}`")));
            }
            if number == 0 {
                main = Some(socket);
            } else {
                socket.set_read_timeout(None)?;
                wings.insert(name, socket);
            }
        }
        let mut answer = String::new();
        main.ok_or(Errno::SRCH)?.read_to_string(&mut answer)?;
        match answer.strip_prefix(super::part::PLAYING) {
            Some(number) => Ok(Started { pid: number.trim().parse().map_err(io::Error::other)?, wings }),
            None if answer.is_empty() => Err(io::Error::other("it died")),
            None => Err(io::Error::other(answer)),
        }
    }

    fn accept(&self, patience: Duration) -> io::Result<UnixStream> {
        let mut fds = [PollFd::from_borrowed_fd(self.door.as_fd(), PollFlags::IN)];
        let seconds = i64::try_from(patience.as_secs()).unwrap_or(i64::MAX);
        poll(&mut fds, Some(&Timespec { tv_sec: seconds, tv_nsec: patience.subsec_nanos().into() }))?;
        match self.door.accept() {
            Ok((socket, _)) => {
                socket.set_nonblocking(false)?;
                Ok(socket)
            }
            Err(why) if why.kind() == io::ErrorKind::WouldBlock => {
                Err(io::Error::other("its process has not reported"))
            }
            Err(why) => Err(why),
        }
    }

    /// Ends it, and everything in its cgroup.
    pub(super) fn stop(unit: &str, signal: Signal) -> io::Result<()> {
        if signal == Signal::KILL {
            systemctl(&["kill", "--signal=KILL", "--", unit])?;
        }
        systemctl(&["stop", "--", unit])
    }
}

/// A line, and not one byte more.
pub(super) fn line(from: &mut UnixStream) -> io::Result<String> {
    let (mut line, mut byte) = (Vec::new(), [0]);
    while from.read(&mut byte)? == 1 && byte != *b"\n" {
        line.extend(byte);
    }
    String::from_utf8(line).map_err(io::Error::other)
}

fn systemctl(arguments: &[&str]) -> io::Result<()> {
    let path = find_tool(SYSTEMCTL).ok_or_else(|| io::Error::other("systemctl is not installed"))?;
    let words: Vec<&str> = std::iter::once(SYSTEMCTL).chain(arguments.iter().copied()).collect();
    let child = Program::new(&path.to_string_lossy(), &words, &[]).start(Streams::Nowhere, &[])?;
    let process = Pidfd::open(child)?;
    if !process.has_ended_within(PATIENCE)? {
        process.signal(Signal::KILL)?;
        spawn::wait(Some(child), Patience::Endless)?;
        return Err(io::Error::other(format!("{} took more than {} s", words.join(" "), PATIENCE.as_secs())));
    }
    match spawn::wait(Some(child), Patience::Endless)? {
        Some((_, Fate::Ended(0))) => Ok(()),
        other => Err(io::Error::other(format!("{} failed: {other:?}", words.join(" ")))),
    }
}
