//! One entry of a temp dir with everything below it: identity, newest stamp, size, mounts, lock.
//!
//! The same eyes at planning and at the moment of acting. Looks only: no stamp is touched, so what the kernel lets only its
//! owner list without a trace stays shut to others; nothing is followed, no mount is entered. Over budget is said, and means that the entry stays.

mod walk;

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::io::Errno;

use super::object;
use crate::model::plan::{Candidate, ObjectId, Tried};
use crate::model::raw_path::RawPath;
use crate::model::vantage::Kind;
use crate::sys::stat::Stat;
use crate::sys::{enter, hands, leases, stat};
use walk::Walk;

/// How much of a tree is looked at.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// Objects.
    pub objects: u64,
    /// Levels; a deeper tree is seen in part.
    pub levels: usize,
    /// Time.
    pub time: Duration,
}

impl Default for Budget {
    /// A million objects within ten seconds for one entry, and deeper than any path can name.
    fn default() -> Self {
        Self { objects: 1_000_000, levels: 65_536, time: Duration::from_secs(10) }
    }
}

/// Looks at the entry `name` of a directory. Its family is for the caller to tell.
///
/// # Errors
/// ENOENT where it is gone; EXDEV where a mount begins at it; else those of openat2(2) and statx(2).
pub fn examine(dir: BorrowedFd<'_>, name: &[u8], budget: Budget) -> io::Result<Candidate> {
    examine_while(dir, name, budget, &|| true)
}

/// The same, as long as `goes_on`; a tree that was left is said not to be seen.
///
/// # Errors
/// As [`examine`].
pub fn examine_while(
    dir: BorrowedFd<'_>,
    name: &[u8],
    budget: Budget,
    goes_on: &dyn Fn() -> bool,
) -> io::Result<Candidate> {
    let asked = Asked { name, known: None, top: Top::Stands };
    examined(dir, asked, (budget, goes_on))
}

/// The same of what was seen before: whether that still has its name is the caller's to see.
///
/// # Errors
/// As [`examine`].
pub fn examine_again(
    dir: BorrowedFd<'_>,
    name: &[u8],
    then: &ObjectId,
    goes_on: &dyn Fn() -> bool,
) -> io::Result<Candidate> {
    let asked = Asked { name, known: Some(then.kind), top: Top::Stands };
    examined(dir, asked, (Budget::default(), goes_on))
}

/// The same of what was just taken into a quarantine: that itself is no sign of life.
///
/// # Errors
/// As [`examine`].
pub fn examine_taken(
    quarantine: BorrowedFd<'_>,
    slot: &[u8],
    then: &ObjectId,
    goes_on: &dyn Fn() -> bool,
) -> io::Result<Candidate> {
    let asked = Asked { name: slot, known: Some(then.kind), top: Top::WasRenamed };
    examined(quarantine, asked, (Budget::default(), goes_on))
}

/// Whether somebody has a BSD lock on what was seen before and lies in a quarantine now.
///
/// Nobody else makes names there, so what has that name is what was seen.
pub fn lock_on(quarantine: BorrowedFd<'_>, slot: &[u8], then: &ObjectId) -> Tried {
    match then.kind {
        Kind::Directory => enter::listing(quarantine, slot)
            .map_or_else(|error| Tried::Unknown(error.to_string()), |top| tried(hands::is_locked_once(top))),
        Kind::File if leases::may_be_on(then.inode).unwrap_or(false) => Tried::Taken,
        Kind::File => file_and_lock(quarantine, slot).1,
        _ => Tried::NotLockable,
    }
}

/// What the stamps of an entry itself tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Top {
    /// When somebody last had to do with it.
    Stands,
    /// When we renamed it: some file systems write that into the mtime of a directory too. What came into that has stamps
    /// of its own, what went is missed in the count.
    WasRenamed,
}

impl Top {
    fn seen(self, found: &Stat) -> Stat {
        match self {
            Self::Stands => found.clone(),
            Self::WasRenamed => {
                let modified = if found.is_directory() { i64::MIN } else { found.modified };
                Stat { changed: i64::MIN, modified, ..found.clone() }
            }
        }
    }
}

/// What is looked at.
#[derive(Clone, Copy)]
struct Asked<'a> {
    name: &'a [u8],
    /// What it was when it was seen before. A directory is then opened without a look at the name, which tells no more.
    known: Option<Kind>,
    top: Top,
}

fn examined(
    dir: BorrowedFd<'_>,
    asked: Asked<'_>,
    (budget, goes_on): (Budget, &dyn Fn() -> bool),
) -> io::Result<Candidate> {
    let Asked { name, known, top: top_stamps } = asked;
    let at_once = known.filter(|kind| *kind == Kind::Directory);
    let at_once = at_once.and_then(|_| enter::unnoticed(dir, name).and_then(looked_at).ok());
    let mut found = match &at_once {
        Some((_, now)) => now.clone(),
        None => enter::look(dir, name)?,
    };
    if found.mount_root == Some(true) {
        return Err(Errno::XDEV.into());
    }
    let mut walk = Walk::new(budget, goes_on);
    let mut locked = Tried::NotLockable;
    let mut top = None;
    // Somebody may exchange the name between two calls: what was opened counts.
    if found.is_directory() {
        match at_once.map_or_else(|| enter::unnoticed(dir, name).and_then(looked_at), Ok) {
            Ok((listing, now)) => {
                locked = lock_of(listing.as_fd());
                found = now;
                top = Some(listing);
            }
            Err(error) => {
                walk.unseen(b"", &error);
                locked = Tried::Unknown(error.to_string());
            }
        }
    } else if found.is_regular() && leases::may_be_on(found.inode).unwrap_or(false) {
        locked = Tried::Taken;
    } else if found.is_regular() {
        let (now, tried) = file_and_lock(dir, name);
        found = now.unwrap_or(found);
        locked = tried;
    }
    walk.note(&top_stamps.seen(&found), b"");
    if let Some(top) = top {
        walk.below(top);
    }
    let object = object::id_of(&found)?;
    let (name, mode) = (RawPath::new(name), found.mode & 0o7777);
    Ok(Candidate {
        name,
        object,
        uid: found.uid,
        mode,
        family: String::new(),
        tree: walk.into_tree(),
        locked,
    })
}

/// A regular file as it was opened, if it still is one, and its lock.
fn file_and_lock(dir: BorrowedFd<'_>, name: &[u8]) -> (Option<Stat>, Tried) {
    match enter::regular(dir, name).and_then(looked_at) {
        Ok((file, now)) if now.is_regular() => (Some(now), tried(hands::is_locked_once(file))),
        Ok(_) => (None, Tried::Unknown("it was exchanged while it was looked at".to_owned())),
        // A lease of somebody: it is in use.
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => (None, Tried::Taken),
        Err(error) => (None, Tried::Unknown(error.to_string())),
    }
}

fn looked_at(node: OwnedFd) -> io::Result<(OwnedFd, Stat)> {
    let found = stat::of(node.as_fd())?;
    Ok((node, found))
}

fn lock_of(node: BorrowedFd<'_>) -> Tried {
    tried(hands::is_locked(node))
}

fn tried(answer: io::Result<bool>) -> Tried {
    match answer {
        Ok(false) => Tried::Free,
        Ok(true) => Tried::Taken,
        Err(error) => Tried::Unknown(error.to_string()),
    }
}

#[cfg(test)]
mod tests;
