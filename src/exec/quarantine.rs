//! A directory of our own on the same mount, into which an entry is renamed before anything else happens to it.
//!
//! Whatever lies in it has no name that anybody else could use, so what is checked there stays true. A process that holds
//! the entry keeps it; a service whose `/tmp` it is does not notice. It frees no room.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;

use super::object;
use crate::model::mode::{GROUP_OTHERS, GROUP_OTHERS_WRITE, STICKY};
use crate::model::plan::ObjectId;
use crate::sys::{enter, hands, stat};

/// A quarantine that is open.
#[derive(Debug)]
pub struct Quarantine {
    dir: OwnedFd,
    id: ObjectId,
}

/// Why there can be none.
#[derive(Debug, thiserror::Error)]
pub enum NoQuarantine {
    /// Anybody could rename it away.
    #[error(
        "everybody may rename what lies in this directory, for it has no sticky bit (mode {mode:04o}): mend that first"
    )]
    NotSticky {
        /// The mode of the directory.
        mode: u32,
    },
    /// Its owner could rename it away.
    #[error("this directory belongs to uid {uid}, who may rename whatever lies in it")]
    ForeignOwner {
        /// The owner of the directory.
        uid: u32,
    },
    /// Somebody else made it, or may enter it.
    #[error("the quarantine there is not ours alone (uid {uid}, mode {mode:04o})")]
    NotOurs {
        /// Its owner.
        uid: u32,
        /// Its mode.
        mode: u32,
    },
    /// A step that the kernel refused.
    #[error("{what}")]
    Os {
        /// Which.
        what: &'static str,
        /// What it answered.
        #[source]
        source: io::Error,
    },
}

/// What became of an entry that was to be taken.
#[derive(Debug)]
pub enum Taken {
    /// It is in the quarantine, and it is the one.
    Ours,
    /// Another object had its name by then; that one has its name back.
    PutBack,
    /// Another object had its name by then and has it back, in exchange for what the owner of the planned one had put
    /// there meanwhile: that lies in the quarantine, unharmed.
    Swapped,
    /// Another object had its name by then, and somebody else took the name again before it could go back: it lies in
    /// the quarantine, unharmed.
    Displaced,
    /// There is nothing of that name any more.
    Gone,
    /// The kernel refused, and nothing has changed.
    Refused(io::Error),
}

impl NoQuarantine {
    /// Why nobody can have one in a directory like this, as `own`.
    pub fn of(around: &stat::Stat, own: u32) -> Option<Self> {
        if around.uid != 0 && around.uid != own {
            return Some(Self::ForeignOwner { uid: around.uid });
        }
        let is_loose = around.mode & GROUP_OTHERS_WRITE != 0 && around.mode & STICKY == 0;
        is_loose.then_some(Self::NotSticky { mode: around.mode & 0o7777 })
    }
}

impl Quarantine {
    /// Opens the quarantine `name` of a directory, and makes it where it is missing. `own` is the uid that we act as.
    ///
    /// # Errors
    /// See [`NoQuarantine`].
    pub fn open(place: BorrowedFd<'_>, name: &[u8], own: u32) -> Result<Self, NoQuarantine> {
        let at = |what| move |source: io::Error| NoQuarantine::Os { what, source };
        let (_, around) = object::of(place).map_err(at("cannot look at the directory"))?;
        if let Some(why) = NoQuarantine::of(&around, own) {
            return Err(why);
        }
        match hands::make_private_dir(place, name) {
            Err(error) if error.raw_os_error() != Some(Errno::EXIST.raw_os_error()) => {
                return Err(at("cannot make the quarantine")(error));
            }
            _ => {}
        }
        // Whoever made it: what counts is what is there now, seen through the handle that will be used.
        Self::existing(place, name, own)
    }

    /// Opens a quarantine that is there already: the one of a journal, whatever became of the directory around it.
    ///
    /// # Errors
    /// See [`NoQuarantine`]; nothing is made.
    pub fn existing(place: BorrowedFd<'_>, name: &[u8], own: u32) -> Result<Self, NoQuarantine> {
        let at = |what| move |source: io::Error| NoQuarantine::Os { what, source };
        let dir = enter::listing(place, name).map_err(at("cannot enter the quarantine"))?;
        let (id, stat) = object::of(dir.as_fd()).map_err(at("cannot look at the quarantine"))?;
        if stat.uid != own || stat.mode & GROUP_OTHERS != 0 {
            return Err(NoQuarantine::NotOurs { uid: stat.uid, mode: stat.mode & 0o7777 });
        }
        Ok(Self { dir, id })
    }

    /// Keeps every other instance out, whatever journal it writes in, until the handle is dropped.
    ///
    /// # Errors
    /// EWOULDBLOCK where another one is at work here.
    pub fn lock(&self) -> io::Result<()> {
        hands::lock(&self.dir)
    }

    /// The directory itself.
    pub fn dir(&self) -> BorrowedFd<'_> {
        self.dir.as_fd()
    }

    /// Which directory it is.
    pub fn id(&self) -> ObjectId {
        self.id
    }

    /// Takes the entry `name` of `from` in under the name `slot`, if it is the one that is wanted, which `owner` has.
    pub fn take(
        &self,
        from: BorrowedFd<'_>,
        name: &[u8],
        (wanted, owner): (&ObjectId, u32),
        slot: &[u8],
    ) -> Taken {
        match self.claim(from, name, slot) {
            Ok(()) => {}
            Err(error) if error.raw_os_error() == Some(Errno::NOENT.raw_os_error()) => return Taken::Gone,
            Err(error) => return Taken::Refused(error),
        }
        // Names here are ours alone, so one look at the name is a look at what was taken.
        match object::at(self.dir(), slot) {
            Ok(id) if id == *wanted => Taken::Ours,
            // Another one, or one that cannot be looked at, which is the same: not what was planned.
            _ => self.release(slot, (from, name), owner),
        }
    }

    fn claim(&self, from: BorrowedFd<'_>, name: &[u8], slot: &[u8]) -> io::Result<()> {
        match hands::move_aside(from, name, self.dir(), slot) {
            // This file system knows no such promise; here it is not needed, because only we make names here.
            Err(error) if error.raw_os_error() == Some(Errno::INVAL.raw_os_error()) => {
                hands::move_plainly(from, name, self.dir(), slot)
            }
            other => other,
        }
    }

    fn release(&self, slot: &[u8], (to, name): (BorrowedFd<'_>, &[u8]), owner: u32) -> Taken {
        match self.give_back(slot, to, name) {
            Ok(()) => Taken::PutBack,
            Err(error) if error.raw_os_error() == Some(Errno::EXIST.raw_os_error()) => {
                self.swap(slot, (to, name), owner)
            }
            Err(_) => Taken::Displaced,
        }
    }

    /// Whoever owns the planned entry made us take something else, and took the name again so that it could not go back.
    /// He does not gain by that: his goes for it. What anybody else has put there stays.
    fn swap(&self, slot: &[u8], (to, name): (BorrowedFd<'_>, &[u8]), owner: u32) -> Taken {
        let is_his = |dir, name| {
            let node = enter::node(dir, name).and_then(|node| stat::of(node.as_fd()));
            node.is_ok_and(|found| found.uid == owner)
        };
        let exchange = || hands::exchange(self.dir(), slot, to, name).is_ok();
        if !is_his(to, name) || !exchange() {
            return Taken::Displaced;
        }
        // Between the look and the exchange somebody else may have come.
        if is_his(self.dir(), slot) || !exchange() { Taken::Swapped } else { Taken::Displaced }
    }

    /// Gives what lies in `slot` its place back, never onto anything.
    ///
    /// # Errors
    /// EEXIST where the name is taken again; it stays in the quarantine then. Else those of renameat2(2).
    pub fn give_back(&self, slot: &[u8], to: BorrowedFd<'_>, name: &[u8]) -> io::Result<()> {
        match hands::move_aside(self.dir(), slot, to, name) {
            // This file system knows no such promise, and here it is needed: anybody makes names there.
            Err(error) if error.raw_os_error() == Some(Errno::INVAL.raw_os_error()) => {
                hands::move_in_two_steps(self.dir(), slot, to, name)
            }
            other => other,
        }
    }
}

#[cfg(test)]
#[path = "quarantine_tests.rs"]
mod tests;
