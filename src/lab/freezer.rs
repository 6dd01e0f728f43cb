//! Freezes file systems for a lab, and thaws them when the lab is gone, however it went.
//!
//! A frozen file system outlives its last mount, and with it its loop device; and a process that writes to it cannot even
//! be killed. So this is a process outside of the lab, in a session of its own: it ends after everything else. Its socket
//! closes when the last process ends that could ask. Called by `cmd::helper`.

use std::io::{self, BufRead, BufReader, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;

use nix::sys::signal::SigSet;

use super::build::open_place;
use crate::sys::device;
use crate::sys::spawn::{self, Program, Streams};

/// The name of the job among the helpers.
pub const KIND: &str = "lab-freezer";

/// Begins the line that names the first process; all others are paths.
const INTRODUCTION: &str = "init ";

/// Starts one; gives the socket for the first process of the lab. Whoever has it tells with [`introduce`] whose tree the
/// paths are of.
pub(super) fn start() -> io::Result<UnixStream> {
    let (ours, theirs) = UnixStream::pair()?;
    let program = Program::new("/proc/self/exe", &["tmpmedic", "__helper", KIND], &[]);
    program.start(Streams::Nowhere, &[theirs.as_fd()])?;
    Ok(ours)
}

/// Tells under which number the first process of the lab is known here.
pub(super) fn introduce(mut socket: &UnixStream, init: u32) -> io::Result<()> {
    socket.write_all(format!("{INTRODUCTION}{init}\n").as_bytes())
}

/// Does what it is asked, and thaws when nobody is left to ask.
///
/// # Errors
/// Where it was not started as it should be.
pub fn serve() -> io::Result<()> {
    rustix::process::setsid()?;
    SigSet::all().thread_block()?;
    let socket = UnixStream::from(spawn::inherited(3).ok_or(io::ErrorKind::NotConnected)?);
    let mut answers = socket.try_clone()?;
    let (mut frozen, mut waiting, mut init) = (Vec::new(), Vec::new(), None);
    for line in BufReader::new(socket).lines().map_while(Result::ok) {
        match line.strip_prefix(INTRODUCTION) {
            Some(number) => init = Some(number.to_owned()),
            None => waiting.push(line),
        }
        let Some(init) = &init else { continue };
        for path in waiting.drain(..) {
            let place = open_place(&format!("/proc/{init}/root{path}"));
            let done = place.and_then(|place| device::freeze(place.as_fd()).map(|()| place));
            let errno = match done {
                Ok(place) => {
                    frozen.push(place);
                    0
                }
                Err(why) => why.raw_os_error().unwrap_or(5),
            };
            // Whoever asked is gone; then the loop ends as well.
            answers.write_all(&i32::to_le_bytes(errno)).ok();
        }
    }
    for place in frozen {
        // Thawed by hand already.
        device::thaw(&place).ok();
    }
    Ok(())
}
