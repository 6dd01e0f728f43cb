//! The cast from its own side: how a process of this program plays itself into its part, and then only sleeps.
//!
//! It was executed with the arguments and the environment of its part. Everything else it does itself, while it still may:
//! its mount namespace, its root, its user, what it holds, its limits. Called by `cmd` before anything else is set up.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;

use rustix::fs::{CWD, FlockOperation, Mode, OFlags};
use rustix::process::{Resource, Rlimit};
use serde::{Deserialize, Serialize};

use super::build::Builder;
use super::home::{self, Stage};
use super::request::Users;
use crate::model::scenario::cast::{Cast, Hold, How};
use crate::sys::guise::{self, Groups, Privileges};
use crate::sys::space::{self, Kind};
use crate::sys::spawn::{self, Program, Streams};
use crate::sys::{init, make, mount};

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
    let (Some(socket), Some(users)) = (spawn::inherited(SOCKET), spawn::inherited(USERS)) else { return };
    let mut socket = UnixStream::from(socket);
    let mut text = Vec::new();
    let played = socket.read_to_end(&mut text).and_then(|_| {
        let part: Part = serde_json::from_slice(&text)?;
        part.take(users)
    });
    match played {
        Ok(mut props) => {
            let pid = rustix::process::getpid().as_raw_nonzero();
            if props.exhausts {
                props.take_every_descriptor();
            }
            socket.write_all(format!("playing {pid}").as_bytes()).ok();
            drop(socket);
            if props.exhausts {
                props.take_every_descriptor();
            }
            drop(text);
            init::sleep_for_ever();
        }
        Err(why) => {
            socket.write_all(why.to_string().as_bytes()).ok();
        }
    }
}

/// What a process holds while it plays.
#[derive(Debug, Default)]
struct Props {
    open: Vec<OwnedFd>,
    exhausts: bool,
}

impl Props {
    fn take_every_descriptor(&mut self) {
        while let Ok(fd) =
            rustix::fs::openat(CWD, "/dev/null", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
        {
            self.open.push(fd);
        }
    }
}

impl Part {
    fn take(&self, users: OwnedFd) -> io::Result<Props> {
        rustix::process::setsid()?;
        self.fill_wings(&users)?;
        if self.users == Users::All {
            space::join(&users, Kind::User)?;
        }
        drop(users);
        self.arrange_mounts()?;
        let cast = &self.cast;
        if let Some(root) = &cast.root {
            rustix::process::chroot(root.as_str())?;
        }
        rustix::process::chdir(cast.cwd.as_deref().unwrap_or("/"))?;
        self.become_user()?;
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

    /// Those who will be its children are made now, with nothing of what it becomes itself.
    fn fill_wings(&self, users: &OwnedFd) -> io::Result<()> {
        let mut sockets = Vec::new();
        for number in (WINGS..).take(self.wings.iter().sum()) {
            sockets.push(spawn::inherited(number).ok_or(rustix::io::Errno::BADF)?);
        }
        let file = home::wings();
        let mut rest = sockets.as_slice();
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

impl Hold {
    /// Takes hold, as the user of the process. What is made for it is open to all, so that others can use it too.
    fn take(&self, into: &mut Vec<OwnedFd>) -> io::Result<()> {
        let path = Path::new(&self.path);
        let open = |flags: OFlags| {
            rustix::fs::openat(CWD, path, flags | OFlags::CLOEXEC, Mode::from_raw_mode(0o644))
        };
        match self.how {
            How::Read => into.push(open(OFlags::RDONLY).or_else(|_| open(OFlags::RDONLY | OFlags::CREATE))?),
            How::Write => into.push(open(OFlags::RDWR | OFlags::CREATE)?),
            How::Lock => {
                let file = open(OFlags::RDWR | OFlags::CREATE)?;
                rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive)?;
                into.push(file);
            }
            How::Socket => into.push(UnixListener::bind(path)?.into()),
            How::Deleted => {
                let file = match open(OFlags::RDWR) {
                    Ok(file) => file,
                    Err(_) => {
                        let file = File::from(open(OFlags::RDWR | OFlags::CREATE)?);
                        make::fill(&file, DELETED)?;
                        file.into()
                    }
                };
                rustix::fs::unlink(path)?;
                into.push(file);
            }
        }
        Ok(())
    }
}

/// So much a deleted file takes that the process made itself; one that a step made keeps its own size.
const DELETED: u64 = 1 << 20;

fn limit(resource: Resource, value: Option<u64>) -> io::Result<()> {
    let Some(value) = value else { return Ok(()) };
    Ok(rustix::process::setrlimit(resource, Rlimit { current: Some(value), maximum: Some(value) })?)
}
