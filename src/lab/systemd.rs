//! A real systemd as process 1 of a lab, beside the first process that builds.
//!
//! It is started before anything else in the PID namespace, because only that one is process 1 there, and waits until the
//! ground is laid. Then it enters where everybody else in the lab lives, the user namespace included, and becomes systemd:
//! root of the lab, as the resident is, with the same privileges and no more. Called by `open`, `init` and `cmd::helper`.

use std::collections::BTreeSet;
use std::io::{self, BufRead, BufReader, Write};
use std::os::fd::AsFd;
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::path::Path;
use std::time::Duration;

use rustix::io::Errno;

use super::cast::casts;
use super::home;
use super::resident::Resident;
use super::trouble::{LabError, during};
use crate::model::scenario::Scenario;
use crate::sys::clock::Stopwatch;
use crate::sys::space::{self, Kind};
use crate::sys::spawn::{self, Program, Streams};
use crate::sys::{child, make, mount};

/// The name of the job among the helpers.
pub const KIND: &str = "lab-systemd";
/// Where distributions have it.
const FILES: &[&str] = &["/usr/lib/systemd/systemd", "/lib/systemd/systemd"];
/// What it starts: nothing of the host's own units.
const TARGET: &str = "lab.target";
const TARGET_TEXT: &str = "[Unit]\nDescription=What a lab has\nDefaultDependencies=no\nAllowIsolate=yes\n";
/// A third of a second on an idle machine.
const PATIENCE: Duration = Duration::from_mins(1);
/// What systemd says when it is up. Source: sd_notify(3).
const READY: &[u8] = b"READY=1";

/// The file of this machine's systemd.
pub(super) fn file() -> Option<&'static str> {
    FILES.iter().copied().find(|path| rustix::fs::stat(*path).is_ok())
}

/// Starts the one who will be systemd, as process 1 of the PID namespace of our children; gives its number as we count, and
/// the socket by which it is called.
pub(super) fn start() -> io::Result<(UnixStream, u32)> {
    let (ours, theirs) = UnixStream::pair()?;
    let program = Program::new("/proc/self/exe", &["tmpmedic", "__helper", KIND], &[]);
    let pid = program.start(Streams::Nowhere, &[theirs.as_fd()])?;
    Ok((ours, pid))
}

/// systemd starts a service only as a user who has a name: those who have none on this machine get one in the lab.
pub(super) fn name_users(scenario: &Scenario) -> io::Result<()> {
    let services = || casts(scenario).filter(|cast| cast.unit.is_some());
    let users: BTreeSet<u32> = services().map(|cast| cast.uid).collect();
    let groups: BTreeSet<u32> = services().map(|cast| cast.gid).collect();
    name("passwd", &users, |id| format!("lab{id}:x:{id}:{id}::/:/bin/sh\n"))?;
    name("group", &groups, |id| format!("lab{id}:x:{id}:\n"))
}

/// Mounts a longer table over that of the host, where it lacks some of these ids. Source: passwd(5), group(5).
fn name(table: &str, ids: &BTreeSet<u32>, line: impl Fn(&u32) -> String) -> io::Result<()> {
    let at = Path::new("/etc").join(table);
    let mut text = std::fs::read_to_string(&at)?;
    let known: BTreeSet<u32> = text.lines().filter_map(|line| line.split(':').nth(2)?.parse().ok()).collect();
    let missing: String = ids.difference(&known).map(line).collect();
    if missing.is_empty() {
        return Ok(());
    }
    if !text.ends_with('\n') {
        text.push('\n');
    }
    let longer = Path::new(home::HOME).join(table);
    make::file(&longer)?.write_all((text + &missing).as_bytes())?;
    mount::bind(&longer, &at, mount::Depth::One)?;
    mount::make_read_only(&at)
}

/// Has it become systemd, in our mount and cgroup namespaces, and waits until that is up.
pub(super) fn boot(mut call: UnixStream) -> Result<(), LabError> {
    let units = Path::new(home::UNITS);
    let ears = || -> io::Result<UnixDatagram> {
        make::dirs(units)?;
        make::file(&units.join(TARGET))?.write_all(TARGET_TEXT.as_bytes())?;
        UnixDatagram::bind(home::NOTIFY)
    };
    let ears = ears().map_err(during("preparing systemd"))?;
    let own = rustix::process::getpid().as_raw_nonzero();
    call.write_all(format!("{own}\n").as_bytes()).map_err(during("calling systemd"))?;
    drop(call);
    let came_up = || -> io::Result<()> {
        let watch = Stopwatch::start();
        let mut bytes = [0; 4096];
        loop {
            let left = watch.left_of(PATIENCE);
            if left.is_zero() {
                return Err(Errno::TIMEDOUT.into());
            }
            ears.set_read_timeout(Some(left))?;
            let length = ears.recv(&mut bytes)?;
            let mut lines = bytes.get(..length).unwrap_or_default().split(|byte| *byte == b'\n');
            if lines.any(|line| line == READY) {
                return Ok(());
            }
        }
    };
    came_up().map_err(during("waiting for systemd"))?;
    rustix::fs::unlink(home::NOTIFY).map_err(|errno| during("preparing systemd")(errno.into()))
}

/// The side of the helper: waits for the call, and becomes systemd.
///
/// # Errors
/// Where it was not started as it should be, and where it cannot become systemd.
pub fn serve() -> io::Result<()> {
    child::die_with_parent()?;
    // What the terminal sends to the foreground is not meant for a manager of services: SIGINT would be Ctrl-Alt-Del.
    rustix::process::setsid()?;
    let socket = UnixStream::from(spawn::inherited(3).ok_or(io::ErrorKind::NotConnected)?);
    let mut line = String::new();
    BufReader::new(socket).read_line(&mut line)?;
    let first: u32 = line.trim_end().parse().map_err(io::Error::other)?;
    let mounts = space::open(first, Kind::Mount)?;
    let cgroups = space::open(first, Kind::Cgroup)?;
    let user_ns = space::owner(mounts.as_fd())?;
    space::join(&cgroups, Kind::Cgroup)?;
    space::join(&mounts, Kind::Mount)?;
    let target = format!("--unit={TARGET}");
    let words = [file().ok_or(Errno::NOENT)?, "--system", &target, "--log-target=null"];
    let container = "container=tmpmedic-lab".to_owned();
    let manager = Resident::manager(&words, &[container, format!("NOTIFY_SOCKET={}", home::NOTIFY)]);
    Err(manager.become_it(user_ns)?)
}
