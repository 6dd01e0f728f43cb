//! What a member of the cast holds while it plays: files, locks, sockets, every descriptor.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::path::Path;

use rustix::fs::{CWD, FlockOperation, Mode, OFlags};

use crate::model::scenario::cast::{Hold, How};
use crate::sys::make;

/// What a process holds while it plays.
#[derive(Debug, Default)]
pub(super) struct Props {
    pub(super) open: Vec<OwnedFd>,
    pub(super) exhausts: bool,
}

impl Props {
    pub(super) fn take_every_descriptor(&mut self) {
        while let Ok(fd) =
            rustix::fs::openat(CWD, "/dev/null", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
        {
            self.open.push(fd);
        }
    }
}

impl Hold {
    /// Takes hold, as the user of the process. What is made for it is open to all, so that others can use it too.
    pub(super) fn take(&self, into: &mut Vec<OwnedFd>) -> io::Result<()> {
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
                let file = if let Ok(file) = open(OFlags::RDWR) {
                    file
                } else {
                    let file = File::from(open(OFlags::RDWR | OFlags::CREATE)?);
                    make::fill(&file, DELETED)?;
                    file.into()
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
