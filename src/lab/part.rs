//! The cast from its own side: how a process of this program plays itself into its part, and then only sleeps.
//!
//! It was executed with the arguments and the environment of its part. Everything else it does itself, while it still may:
//! its mount namespace, its root, its user, what it holds, its limits. Called by `cmd` before anything else is set up.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;

use rustix::fs::{CWD, Mode, OFlags};
use rustix::io::Errno;
use rustix::process::{Resource, Rlimit};
use serde::{Deserialize, Serialize};

use super::build::Builder;
use super::holds::Props;
use super::home::{self, Stage};
use super::request::Users;
use crate::model::scenario::cast::Cast;
use crate::sys::guise::{self, Groups, Privileges};
use crate::sys::space::{self, Kind};
use crate::sys::spawn::{self, Program, Streams};
use crate::sys::{init, mount};

/// What a process is to play.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Part {
    /// As the scenario has it.
    pub cast: Cast,
    /// Whose users there are.
    pub users: Users,
    /// What lies over its `/tmp` and its `/var/tmp`.
    pub private: Option<[String; 2]>,
    /// For each of its children how many processes that stands for; their sockets follow the user namespace.
    pub wings: Vec<usize>,
    /// It lives in a service, and systemd has made it what it is but for what it holds.
    pub in_service: bool,
    /// Its own name and those of its descendants, where systemd starts it and it has to report.
    pub reports: Vec<String>,
}

/// What a process is executed with; a line of JSON for one in the wings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Opening {
    /// The file.
    pub file: String,
    /// With the name of the program.
    pub arguments: Vec<String>,
    /// In that order.
    pub environment: Vec<String>,
}

impl Opening {
    /// That of a member of the cast.
    pub(super) fn of(cast: &Cast, file: &Path) -> Self {
        let mut arguments = vec![cast.program.clone()];
        arguments.extend(cast.arguments.iter().cloned());
        Self { file: file.to_string_lossy().into_owned(), arguments, environment: cast.environment.clone() }
    }

    pub(super) fn to_line(&self) -> io::Result<Vec<u8>> {
        let mut line = serde_json::to_vec(self)?;
        line.push(b'\n');
        Ok(line)
    }
}

/// The first descriptor is the socket, the second the user namespace of the lab, then come the sockets of the wings.
const SOCKET: i32 = 3;
const USERS: i32 = 4;
const WINGS: i32 = 5;
/// What a process answers that plays; its number follows.
pub(super) const PLAYING: &str = "playing ";

/// Plays; returns only where there is nothing to play.
pub fn play(stage: Stage) {
    match stage {
        Stage::Cast => perform(),
        Stage::Wings => wait_in_the_wings(),
    }
}

fn wait_in_the_wings() {
    let Some(socket) = spawn::inherited(SOCKET) else { return };
    rustix::thread::set_name(c"tmpmedic-lab").ok();
    let mut socket = UnixStream::from(socket);
    let (mut line, mut byte) = (Vec::new(), [0]);
    while socket.read(&mut byte).is_ok_and(|n| n == 1) && byte != *b"\n" {
        line.extend(byte);
    }
    let Ok(opening) = serde_json::from_slice::<Opening>(&line) else { return };
    let arguments: Vec<&str> = opening.arguments.iter().map(String::as_str).collect();
    let program = Program::new(&opening.file, &arguments, &opening.environment);
    // It must stay open over the execve; the others were never marked.
    rustix::io::fcntl_setfd(&socket, rustix::io::FdFlags::empty()).ok();
    let why = program.replace_us();
    socket.write_all(why.to_string().as_bytes()).ok();
}

fn perform() {
    let Some((mut socket, part)) = part() else { return };
    match part.and_then(|(part, sockets)| part.take(&sockets)) {
        Ok(mut props) => {
            let pid = rustix::process::getpid().as_raw_nonzero();
            if props.exhausts {
                props.take_every_descriptor();
            }
            socket.report(&format!("{PLAYING}{pid}"));
            drop(socket);
            if props.exhausts {
                props.take_every_descriptor();
            }
            init::sleep_for_ever();
        }
        Err(why) => socket.report(&why.to_string()),
    }
}

/// Where a process reports; nowhere, where it is a service that somebody has restarted when all is built.
struct Reports(Option<UnixStream>);

impl Reports {
    fn report(&mut self, text: &str) {
        if let Some(socket) = &mut self.0 {
            // Whoever wanted to know is gone.
            socket.write_all(text.as_bytes()).ok();
        }
    }
}

/// The part, and the sockets of the wings with the user namespace of the lab before them.
type Given = (Part, Vec<OwnedFd>);

fn part() -> Option<(Reports, io::Result<Given>)> {
    let Some(socket) = spawn::inherited(SOCKET) else { return part_of_service() };
    let users = spawn::inherited(USERS)?;
    let mut socket = UnixStream::from(socket);
    let mut text = Vec::new();
    let given = socket.read_to_end(&mut text).and_then(|_| {
        let part: Part = serde_json::from_slice(&text)?;
        let mut sockets = vec![users];
        for number in (WINGS..).take(part.wings.iter().sum()) {
            sockets.push(spawn::inherited(number).ok_or(Errno::BADF)?);
        }
        Ok((part, sockets))
    });
    Some((Reports(Some(socket)), given))
}

/// systemd has started it: its part is what it can read, and it reports by itself.
fn part_of_service() -> Option<(Reports, io::Result<Given>)> {
    let mut text = Vec::new();
    io::stdin().lock().read_to_end(&mut text).ok()?;
    let part: Part = serde_json::from_slice(&text).ok()?;
    let nothing = || rustix::fs::openat(CWD, "/dev/null", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty());
    let given = || -> io::Result<(Option<UnixStream>, Vec<OwnedFd>)> {
        rustix::stdio::dup2_stdin(nothing()?)?;
        let mut sockets = Vec::new();
        for name in &part.reports {
            let Ok(mut socket) = UnixStream::connect(home::STAGE_DOOR) else { break };
            socket.write_all(format!("{name}\n").as_bytes())?;
            sockets.push(socket);
        }
        let mut sockets = sockets.into_iter();
        let own = sockets.next();
        // It is in the user namespace already.
        let mut all = vec![nothing()?];
        all.extend(sockets.map(OwnedFd::from));
        Ok((own, all))
    };
    match given() {
        Ok((own, sockets)) => Some((Reports(own), Ok((part, sockets)))),
        Err(why) => Some((Reports(None), Err(why))),
    }
}

impl Part {
    /// That of a member of the cast, without a private `/tmp` and without children.
    pub(super) fn of(cast: &Cast, users: Users) -> Self {
        let (wings, reports) = (Vec::new(), Vec::new());
        Self { cast: cast.clone(), users, private: None, wings, in_service: false, reports }
    }

    fn take(&self, sockets: &[OwnedFd]) -> io::Result<Props> {
        if let Some((users, sockets)) = sockets.split_first() {
            self.fill_wings(users, sockets)?;
        }
        let cast = &self.cast;
        if !self.in_service {
            rustix::process::setsid()?;
            space::join(sockets.first().ok_or(Errno::BADF)?, Kind::User)?;
            self.arrange_mounts()?;
            if let Some(root) = &cast.root {
                rustix::process::chroot(root.as_str())?;
            }
        }
        rustix::process::chdir(cast.cwd.as_deref().unwrap_or("/"))?;
        if !self.in_service {
            self.become_user()?;
        }
        rustix::process::umask(Mode::from_raw_mode(0));
        let mut props = Props { exhausts: cast.exhausts_descriptors, ..Props::default() };
        for hold in &cast.holds {
            hold.take(&mut props.open)?;
        }
        rustix::process::umask(Mode::from_raw_mode(cast.umask.unwrap_or(0o022)));
        limit(Resource::Fsize, cast.file_size_limit)?;
        limit(Resource::Nofile, cast.open_files_limit)?;
        guise::be_visible()?;
        Ok(props)
    }

    /// Those who will be its children are made now, with nothing of what it becomes itself. A service that was restarted when
    /// all is built has none.
    fn fill_wings(&self, users: &OwnedFd, sockets: &[OwnedFd]) -> io::Result<()> {
        let file = home::wings();
        let mut rest = sockets;
        for size in &self.wings {
            let Some((own, next)) = rest.split_at_checked(*size) else { break };
            let mut descriptors: Vec<BorrowedFd<'_>> = own.iter().map(AsFd::as_fd).collect();
            descriptors.insert(1.min(descriptors.len()), users.as_fd());
            Program::new(&file.to_string_lossy(), &[home::NAME], &[])
                .start(Streams::Nowhere, &descriptors)?;
            rest = next;
        }
        Ok(())
    }

    fn arrange_mounts(&self) -> io::Result<()> {
        if self.private.is_none() && self.cast.inside.is_empty() {
            return Ok(());
        }
        space::leave(&[Kind::Mount])?;
        if let Some([tmp, var_tmp]) = &self.private {
            mount::bind(Path::new(tmp), Path::new("/tmp"), mount::Depth::One)?;
            mount::bind(Path::new(var_tmp), Path::new("/var/tmp"), mount::Depth::One)?;
        }
        let mut builder = Builder::inside(self.users);
        self.cast.inside.iter().try_for_each(|step| builder.take(step))
    }

    /// With one user only everybody has the id of root and nothing of its power.
    fn become_user(&self) -> io::Result<()> {
        let (uid, gid) = (self.cast.uid, self.cast.gid);
        if self.users == Users::One {
            return guise::become_user(0, 0, Groups::Keep, Privileges::None);
        }
        let privileges = if uid == 0 { Privileges::Root } else { Privileges::None };
        guise::become_user(uid, gid, Groups::Drop, privileges)
    }
}

fn limit(resource: Resource, value: Option<u64>) -> io::Result<()> {
    let Some(value) = value else { return Ok(()) };
    Ok(rustix::process::setrlimit(resource, Rlimit { current: Some(value), maximum: Some(value) })?)
}
