//! A user namespace for a lab of root, in which root of the lab is nobody to the host.
//!
//! Root who only had a mount namespace could make the mounts of the host writable again. So everything that is not the
//! first process lives in a user namespace that knows all ids as they are but has no privileges over the host, and in a
//! mount namespace that belongs to it: what was read-only when that was copied is locked. The first process stays outside
//! as long as there are steps that only root of the host can take. Source: mount_namespaces(7), "Restrictions on mount
//! namespaces". Called by `init`.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;

use super::ground;
use super::trouble::{LabError, during};
use crate::sys::space::{self, Kind};
use crate::sys::spawn::{self, Patience, Program, Streams};

/// The name of the job among the helpers.
pub const KIND: &str = "lab-users";
/// Every id as it is.
const IDENTITY: &str = "0 0 4294967295\n";
/// Namespaces that the lab cannot make: through a cgroup namespace it could mount the cgroup tree of the host.
const FORBIDDEN: &[&str] = &["max_cgroup_namespaces"];

/// What the first process of a lab of root keeps hold of.
#[derive(Debug)]
pub struct Founded {
    /// The user namespace of everybody else.
    pub user_ns: OwnedFd,
    /// The mount namespace from which that of the lab was copied. It still belongs to the host, so that there, and only
    /// there, what reveals more than the lab shows can be mounted for a moment.
    pub outside: OwnedFd,
}

/// Moves this process into a mount namespace of a new user namespace.
pub fn found() -> Result<Founded, LabError> {
    let (mut ours, theirs) = UnixStream::pair().map_err(during("making a socket"))?;
    let program = Program::new("/proc/self/exe", &["tmpmedic", "__helper", KIND], &[]);
    let founder = program.start(Streams::Ours, &[theirs.as_fd()]).map_err(during("starting a helper"))?;
    drop(theirs);
    let mut founding = || -> io::Result<()> {
        expect(&mut ours)?;
        space::write_maps(&founder.to_string(), IDENTITY, IDENTITY, space::SetGroups::Allow)?;
        ours.write_all(b"m")?;
        expect(&mut ours)
    };
    founding().map_err(during("making a user namespace"))?;
    ground::seal()?;
    let entering = || -> io::Result<Founded> {
        ours.write_all(b"n")?;
        expect(&mut ours)?;
        let outside = space::open_own(Kind::Mount)?;
        let user_ns = space::open(founder, Kind::User)?;
        let mounts = space::open(founder, Kind::Mount)?;
        drop(ours);
        spawn::wait(Some(founder), Patience::Endless)?;
        space::join(&mounts, Kind::Mount)?;
        Ok(Founded { user_ns, outside })
    };
    entering().map_err(during("entering its mount namespace"))
}

fn expect(from: &mut UnixStream) -> io::Result<()> {
    let mut byte = [0];
    if from.read(&mut byte)? == 1 && byte == *b"." {
        return Ok(());
    }
    let mut text = String::from_utf8_lossy(&byte).into_owned();
    from.read_to_string(&mut text)?;
    Err(io::Error::other(text.trim_matches('\0').to_owned()))
}

/// The side of the helper: founds, and waits until the first process has taken hold of it.
pub fn serve() -> io::Result<()> {
    let socket = spawn::inherited(3).ok_or(io::ErrorKind::NotConnected)?;
    let mut socket = UnixStream::from(socket);
    let done = serve_on(&mut socket);
    if let Err(why) = &done {
        socket.write_all(why.to_string().as_bytes())?;
    }
    done
}

fn serve_on(socket: &mut UnixStream) -> io::Result<()> {
    space::leave(&[Kind::User])?;
    socket.write_all(b".")?;
    socket.read_exact(&mut [0])?;
    for limit in FORBIDDEN {
        std::fs::write(format!("/proc/sys/user/{limit}"), "0")?;
    }
    socket.write_all(b".")?;
    socket.read_exact(&mut [0])?;
    space::leave(&[Kind::Mount])?;
    socket.write_all(b".")?;
    // Until the other side has hold of our namespaces.
    socket.read(&mut [0]).map(drop)
}
