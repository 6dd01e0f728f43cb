//! The outer process of a lab: makes the namespaces, starts the first process in them, and waits.
//!
//! It stays in the foreground of the terminal, so that the shell waits for it, and ends last of all that the user sees.
//! Single-threaded from beginning to end. Called by `cmd::lab`.

use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::Signal;

use super::build::find_tool;
use super::cgroup::Keeper;
use super::request::{Request, Users};
use super::trouble::{LabError, during};
use super::{freezer, home, init, ranges, systemd};
use crate::model::scenario::step::Step;
use crate::sys::init::{self as signals, Inbox, News};
use crate::sys::pidfd::Pidfd;
use crate::sys::space::{self, Kind, SetGroups};
use crate::sys::spawn::{self, Fate, Patience, Program, Streams};
use crate::sys::{child, make};

/// The name of the job that asks newuidmap(1), among the helpers.
pub const MAPPER: &str = "lab-mapper";
/// All but the user namespace.
const KINDS: &[Kind] = &[Kind::Mount, Kind::Pid, Kind::Uts, Kind::Ipc, Kind::Net];
/// SIGHUP and SIGTERM: what somebody sends to us alone is meant for the lab.
const PASSED_ON: &[i32] = &[1, 15];
/// How long everything in a lab with systemd may take to end.
const PATIENCE: Duration = Duration::from_secs(15);

/// Opens a lab and waits until it ends; gives its exit code. `say` tells the user what the first process has to say, why
/// the incident could not be built for instance.
///
/// # Errors
/// See [`LabError`].
pub fn open(request: &Request, say: &dyn Fn(&str)) -> Result<u8, LabError> {
    // What our caller left open would be open in every process of the lab.
    child::close_inherited();
    let lent = request.then.lend_terminal();
    let freezer = freezes(request).then(freezer::start).transpose().map_err(during("starting a helper"))?;
    let keeper = request.systemd.then(Keeper::start).transpose().map_err(during("starting a helper"))?;
    enter_namespaces(request.users).map_err(during("making namespaces"))?;
    let inbox = Inbox::open().map_err(during("blocking signals"))?;
    let (ears, voice) = UnixStream::pair().map_err(during("making a socket"))?;
    // Before anybody else: it must be process 1.
    let manager = request.systemd.then(systemd::start).transpose().map_err(during("starting systemd"))?;
    let start = || -> io::Result<u32> {
        let note = make::note(&request.to_bytes()?)?;
        let program = Program::new("/proc/self/exe", &[home::NAME, "__helper", init::KIND], &[]);
        let mut descriptors = vec![note.as_fd(), voice.as_fd()];
        descriptors.extend(freezer.as_ref().map(AsFd::as_fd));
        descriptors.extend(keeper.as_ref().map(|keeper| keeper.socket().as_fd()));
        descriptors.extend(manager.as_ref().map(|(call, _)| call.as_fd()));
        program.start(Streams::Ours, &descriptors)
    };
    let first = start().map_err(during("starting its first process"))?;
    if let Some(freezer) = &freezer {
        freezer::introduce(freezer, first).map_err(during("starting a helper"))?;
    }
    let leftover = match (keeper, manager) {
        (Some(keeper), Some((_, manager))) => Some(Leftover::of(keeper, (first, manager))),
        _ => None,
    };
    let leftover = leftover.transpose().map_err(during("moving it into a cgroup"))?;
    // From here on only the first process has them: its end is their end.
    drop((voice, freezer));
    let code = wait_for(first, &inbox, Some(Ears { socket: ears, say }));
    if let Some(leftover) = leftover {
        leftover.clear().map_err(during("ending systemd"))?;
    }
    drop(lent);
    Ok(code)
}

/// What does not end with the first process, where systemd is process 1.
struct Leftover {
    manager: Pidfd,
    keeper: Pidfd,
}

impl Leftover {
    /// Has the first process and systemd moved into their cgroup.
    fn of(keeper: Keeper, (first, manager): (u32, u32)) -> io::Result<Self> {
        let held = Self { manager: Pidfd::open(manager)?, keeper: Pidfd::open(keeper.pid)? };
        keeper.admit(&[first, manager])?;
        Ok(held)
    }

    /// With process 1 the kernel ends everything else; then the cgroup goes.
    fn clear(&self) -> io::Result<()> {
        match self.manager.signal(Signal::KILL) {
            Err(why) if why.raw_os_error() != Some(Errno::SRCH.raw_os_error()) => return Err(why),
            _ => {}
        }
        let all = [&self.manager, &self.keeper];
        let ended = all
            .iter()
            .try_fold(true, |so_far, one| Ok::<_, io::Error>(so_far && one.has_ended_within(PATIENCE)?))?;
        if ended { Ok(()) } else { Err(Errno::TIMEDOUT.into()) }
    }
}

/// Waits for a child that has the terminal now, and passes on what it says.
pub(super) fn wait_for(child: u32, inbox: &Inbox, mut heard: Option<Ears<'_>>) -> u8 {
    loop {
        match inbox.next(None, heard.as_ref().map(|ears| ears.socket.as_fd())) {
            // Before the news of its end, so that its last words are not lost.
            News::Readable => heard = heard.and_then(Ears::listen),
            News::Child => {
                while let Ok(Some((pid, fate))) = spawn::wait(None, Patience::None) {
                    match fate {
                        Fate::Ended(code) if pid == child => return code,
                        Fate::Stopped if pid == child => {
                            // One who joined was stopped; then so are we.
                            signals::stop_our_job().ok();
                        }
                        Fate::Ended(_) | Fate::Stopped => {}
                    }
                }
            }
            News::Signal(number) if PASSED_ON.contains(&number) => {
                // It has ended meanwhile; its end is the next news.
                signals::signal_child(child, number).ok();
            }
            // The terminal has sent it to the lab as well.
            News::Signal(_) | News::Nothing => {}
        }
    }
}

/// Where the first process is heard.
pub(super) struct Ears<'a> {
    socket: UnixStream,
    say: &'a dyn Fn(&str),
}

impl Ears<'_> {
    /// Passes on what there is; nothing is left to hear at the end.
    fn listen(mut self) -> Option<Self> {
        let mut bytes = [0; 4096];
        let length = self.socket.read(&mut bytes).unwrap_or(0);
        for line in bytes.get(..length).unwrap_or_default().split(|byte| *byte == b'\n') {
            if !line.is_empty() {
                signals::take_terminal();
                (self.say)(&String::from_utf8_lossy(line));
            }
        }
        (length > 0).then_some(self)
    }
}

pub(super) fn freezes(request: &Request) -> bool {
    let steps = request.scenario.chapters.iter().flat_map(|chapter| &chapter.steps);
    steps.into_iter().any(|step| matches!(step, Step::Freeze { .. }))
}

/// Leaves the namespaces of the host for new ones.
pub(super) fn enter_namespaces(users: Users) -> io::Result<()> {
    match users {
        Users::All => {}
        Users::One => {
            let (uid, gid) = own_ids();
            space::leave(&[Kind::User])?;
            space::write_maps("self", &format!("0 {uid} 1\n"), &format!("0 {gid} 1\n"), SetGroups::Deny)?;
        }
        Users::Range => {
            let mut mapper = Mapper::start()?;
            space::leave(&[Kind::User])?;
            mapper.map()?;
        }
    }
    space::leave(KINDS)
}

fn own_ids() -> (u32, u32) {
    (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw())
}

/// A helper outside of the new user namespace, where newuidmap(1) still has the privileges of its file.
struct Mapper {
    socket: UnixStream,
}

impl Mapper {
    fn start() -> io::Result<Self> {
        let (ours, theirs) = UnixStream::pair()?;
        let program = Program::new("/proc/self/exe", &["tmpmedic", "__helper", MAPPER], &[]);
        program.start(Streams::Nowhere, &[theirs.as_fd()])?;
        Ok(Self { socket: ours })
    }

    fn map(&mut self) -> io::Result<()> {
        self.socket.write_all(format!("{}\n", rustix::process::getpid().as_raw_nonzero()).as_bytes())?;
        self.socket.shutdown(std::net::Shutdown::Write)?;
        let mut answer = String::new();
        self.socket.read_to_string(&mut answer)?;
        if answer == "mapped" { Ok(()) } else { Err(io::Error::other(answer)) }
    }
}

/// The side of the helper: maps our own ids to root, and from 1 on what `/etc/subuid` grants.
///
/// # Errors
/// Where it was not started as it should be.
pub fn serve_mapper() -> io::Result<()> {
    let mut socket = UnixStream::from(spawn::inherited(3).ok_or(io::ErrorKind::NotConnected)?);
    let mut pid = String::new();
    socket.read_to_string(&mut pid)?;
    let answer = match map(pid.trim()) {
        Ok(()) => "mapped".to_owned(),
        Err(why) => why.to_string(),
    };
    socket.write_all(answer.as_bytes())
}

fn map(pid: &str) -> io::Result<()> {
    let (uid, gid) = own_ids();
    for (tool, file, own) in [("newuidmap", ranges::SUBUID, uid), ("newgidmap", ranges::SUBGID, gid)] {
        let (first, count) = ranges::granted(file, uid)
            .ok_or_else(|| io::Error::other(format!("{file} grants no range of ids")))?;
        let path = find_tool(tool).ok_or_else(|| io::Error::other(format!("{tool} is not installed")))?;
        let numbers = ["0".to_owned(), own.to_string(), "1".to_owned(), "1".to_owned()];
        let mut arguments = vec![tool.to_owned(), pid.to_owned()];
        arguments.extend(numbers);
        arguments.extend([first.to_string(), count.to_string()]);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let child = Program::new(&path.to_string_lossy(), &arguments, &[]).start(Streams::Nowhere, &[])?;
        match spawn::wait(Some(child), Patience::Endless)? {
            Some((_, Fate::Ended(0))) => {}
            other => return Err(io::Error::other(format!("{tool} failed: {other:?}"))),
        }
    }
    Ok(())
}
