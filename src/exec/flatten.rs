//! Removal for good, inside the quarantine: any depth, any width, with three descriptors and no recursion.
//!
//! A directory that is not empty gives its sub-directories up to the quarantine, one level at a time, where each waits as
//! a number. Nothing outside the quarantine is ever named, so nobody can lead us there.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use rustix::io::Errno;

use super::object;
use super::quarantine::Quarantine;
use crate::model::errno;
use crate::model::journal::{Done, WorkId};
use crate::model::raw_path::RawPath;
use crate::sys::getdents::{EntryKind, Listing, PIECE};
use crate::sys::{dirfd, enter, hands, stat};

/// How often one directory is read from its start: whoever still has a handle on it may go on filling it.
const ROUNDS: u32 = 3;
/// What the owner needs to empty a directory.
const OPEN_TO_OWNER: u32 = 0o700;

/// What a removal came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Removed {
    /// Objects that are gone.
    pub objects: u64,
    /// What could not be removed; it lies in the quarantine.
    pub left: Vec<Left>,
    /// Whether it was stopped before it was done.
    pub stopped: bool,
    /// Whether it has no name any more although not all of it is gone: directories of it wait beside, and nothing of it can
    /// be given back.
    pub rests: bool,
}

/// Something that could not be removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    /// Its name in the quarantine, or in the directory of it that is named before the `/`.
    pub name: Vec<u8>,
    /// What the kernel answered.
    pub errno: Option<i32>,
    /// Whether it is immutable or append-only, which is what EPERM means then.
    pub locked: bool,
}

/// What something is known to be, which saves questions that the kernel would answer with no.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Anything.
    Any,
    /// A directory.
    Directory,
    /// A directory that had something in it.
    Full,
}

/// Removes things from a quarantine.
pub struct Flattener<'q> {
    quarantine: &'q Quarantine,
    /// What the numbers of waiting directories begin with.
    job: &'q str,
    next: u64,
    waiting: Vec<(Vec<u8>, Shape)>,
    buffer: Vec<u8>,
    removed: Removed,
}

impl Removed {
    /// What the journal says where not all of it is gone, and `why`. What has no name any more is not there to an undo, and
    /// what waits of it goes with the next purge: see [`super::undo::has_no_name`].
    pub fn unfinished(&self, why: &str) -> Done {
        let no_name = Errno::NOENT.raw_os_error();
        if self.rests {
            let why = format!("{why}; what is left of it lies in the quarantine, tmpmedic purge frees it");
            return Done::Failed { errno: Some(errno::Errno(no_name)), why };
        }
        let why = why.to_owned();
        match self.left.first() {
            // What something inside answered says nothing of the name of the whole.
            Some(left) => {
                Done::Failed { errno: left.errno.filter(|errno| *errno != no_name).map(errno::Errno), why }
            }
            None => Done::Kept { why },
        }
    }
}

impl<'q> Flattener<'q> {
    /// For one job; no other name in the quarantine may begin with `job-d`.
    pub fn new(quarantine: &'q Quarantine, job: &'q str) -> Self {
        Self::numbered_from(quarantine, job, 0)
    }

    /// The same with other numbers, for a second one that works beside it.
    pub fn numbered_from(quarantine: &'q Quarantine, job: &'q str, next: u64) -> Self {
        let buffer = Vec::with_capacity(PIECE);
        Self { quarantine, job, next, waiting: Vec::new(), buffer, removed: Removed::default() }
    }

    /// Removes `slot` with everything below it. `goes_on` is asked before each change.
    pub fn remove(&mut self, slot: &[u8], shape: Shape, goes_on: &dyn Fn() -> bool) -> Removed {
        self.waiting.push((slot.to_vec(), shape));
        while let Some((name, shape)) = self.waiting.pop() {
            if !goes_on() {
                self.removed.stopped = true;
                break;
            }
            self.remove_one(&name, shape, goes_on);
        }
        let mut removed = std::mem::take(&mut self.removed);
        if removed.stopped || !removed.left.is_empty() {
            let named = object::at(self.quarantine.dir(), slot);
            removed.rests = named.is_err_and(|error| is(&error, Errno::NOENT));
        }
        removed
    }

    fn remove_one(&mut self, name: &[u8], shape: Shape, goes_on: &dyn Fn() -> bool) {
        let dir = self.quarantine.dir();
        if shape == Shape::Any {
            match hands::unlink(dir, name) {
                Err(error) if is(&error, Errno::ISDIR) => {}
                other => return self.account(other, dir, name, b""),
            }
        }
        for round in 0..ROUNDS {
            if round > 0 || shape != Shape::Full {
                match hands::remove_dir(dir, name) {
                    Err(error) if is(&error, Errno::NOTEMPTY) => {}
                    other => return self.account(other, dir, name, b""),
                }
            }
            match self.empty(name, goes_on) {
                Ok(()) => {}
                // Whoever else removed it did the same.
                Err(error) if is(&error, Errno::NOENT) => return,
                Err(error) => return self.leave(name.to_vec(), &error),
            }
            if self.removed.stopped {
                return;
            }
        }
        // Still not empty: somebody fills it faster, or something in it could not go, which is then listed itself.
        let last = hands::remove_dir(dir, name);
        self.account(last, dir, name, b"");
    }

    /// Unlinks what is no directory, and moves directories up; both stay below the handle of this one.
    fn empty(&mut self, name: &[u8], goes_on: &dyn Fn() -> bool) -> io::Result<()> {
        let dir = open_to_empty(self.quarantine.dir(), name)?;
        let mut buffer = std::mem::take(&mut self.buffer);
        let emptied = self.empty_listed(dir.as_fd(), Listing::new(dir.as_fd(), &mut buffer), name, goes_on);
        self.buffer = buffer;
        emptied
    }

    fn empty_listed(
        &mut self,
        dir: BorrowedFd<'_>,
        mut listing: Listing<'_>,
        name: &[u8],
        goes_on: &dyn Fn() -> bool,
    ) -> io::Result<()> {
        while let Some(entry) = listing.next() {
            let entry = entry?;
            if entry.is_dot() {
                continue;
            }
            if !goes_on() {
                self.removed.stopped = true;
                break;
            }
            let inner = entry.name().to_bytes();
            match entry.kind() {
                EntryKind::Directory => self.move_up(dir, inner, name),
                EntryKind::Other | EntryKind::Unknown => match hands::unlink(dir, inner) {
                    Err(error) if is(&error, Errno::ISDIR) => self.move_up(dir, inner, name),
                    other => self.account(other, dir, inner, name),
                },
            }
        }
        Ok(())
    }

    /// An empty directory goes at once; any other waits in the quarantine.
    fn move_up(&mut self, dir: BorrowedFd<'_>, inner: &[u8], of: &[u8]) {
        match hands::remove_dir(dir, inner) {
            Err(error) if is(&error, Errno::NOTEMPTY) => {}
            other => return self.account(other, dir, inner, of),
        }
        let (slot, moved) = loop {
            let slot = format!("{}-d{}", self.job, self.next).into_bytes();
            self.next += 1;
            match self.move_to(dir, inner, &slot) {
                // What an earlier removal of this job could not remove waits there.
                Err(error) if is(&error, Errno::EXIST) => {}
                moved => break (slot, moved),
            }
        };
        match moved {
            Ok(()) => self.waiting.push((slot, Shape::Full)),
            Err(error) => self.leave([of, b"/", inner].concat(), &error),
        }
    }

    fn move_to(&self, dir: BorrowedFd<'_>, inner: &[u8], slot: &[u8]) -> io::Result<()> {
        match hands::move_aside(dir, inner, self.quarantine.dir(), slot) {
            // A directory of ours without write permission cannot get another parent. Source: rename(2), EACCES.
            Err(error) if is(&error, Errno::ACCESS) => open_to_empty(dir, inner)
                .and_then(|_| hands::move_aside(dir, inner, self.quarantine.dir(), slot)),
            // Without that promise: a name that is taken must not be tried.
            Err(error) if is(&error, Errno::INVAL) => match enter::node(self.quarantine.dir(), slot) {
                Ok(_) => Err(Errno::EXIST.into()),
                Err(_) => hands::move_plainly(dir, inner, self.quarantine.dir(), slot),
            },
            other => other,
        }
    }

    fn account(&mut self, done: io::Result<()>, dir: BorrowedFd<'_>, name: &[u8], of: &[u8]) {
        match done {
            Ok(()) => self.removed.objects += 1,
            // Whoever else removed it did the same.
            Err(error) if is(&error, Errno::NOENT) => {}
            Err(error) => {
                let locked = is(&error, Errno::PERM) && is_locked_by_attributes(dir, name);
                let whole = if of.is_empty() { name.to_vec() } else { [of, b"/", name].concat() };
                self.removed.left.push(Left { name: whole, errno: error.raw_os_error(), locked });
            }
        }
    }

    fn leave(&mut self, name: Vec<u8>, error: &io::Error) {
        self.removed.left.push(Left { name, errno: error.raw_os_error(), locked: false });
    }
}

/// What waits in a quarantine since a removal was interrupted, by the work that it belonged to.
///
/// # Errors
/// Those of getdents64(2).
pub fn rests(quarantine: &Quarantine) -> io::Result<Vec<(WorkId, RawPath)>> {
    let dir = dirfd::reopen_listing(quarantine.dir())?;
    let mut buffer = Vec::with_capacity(PIECE);
    let mut listing = Listing::new(dir.as_fd(), &mut buffer);
    let mut rests = Vec::new();
    while let Some(entry) = listing.next() {
        let entry = entry?;
        let name = entry.name().to_bytes();
        rests.extend(rest_of(name).map(|work| (work, RawPath::new(name))));
    }
    Ok(rests)
}

/// The work to whose removal a name in a quarantine belongs, as [`Flattener`] gives it.
pub fn rest_of(name: &[u8]) -> Option<WorkId> {
    let (work, number) = std::str::from_utf8(name).ok()?.split_once("-d")?;
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(number) || !digits(work) {
        return None;
    }
    work.parse().ok().map(WorkId)
}

/// Opens a directory so that it can be emptied; one that its own owner made unwritable is made writable first.
fn open_to_empty(dir: BorrowedFd<'_>, name: &[u8]) -> io::Result<std::os::fd::OwnedFd> {
    let opened = match enter::listing(dir, name) {
        Err(error) if is(&error, Errno::ACCESS) => {
            // Only its owner gets so far. Nobody else can exchange the name here: it lies below the quarantine.
            let node = enter::node(dir, name)?;
            let mode = stat::of(node.as_fd())?.mode & 0o7777;
            hands::set_mode_of_node(node.as_fd(), mode | OPEN_TO_OWNER)?;
            enter::listing(dir, name)?
        }
        other => other?,
    };
    let found = stat::of(opened.as_fd())?;
    if found.mode & OPEN_TO_OWNER != OPEN_TO_OWNER && found.uid == rustix::process::geteuid().as_raw() {
        hands::set_mode(opened.as_fd(), found.mode & 0o7777 | OPEN_TO_OWNER)?;
    }
    Ok(opened)
}

fn is_locked_by_attributes(dir: BorrowedFd<'_>, name: &[u8]) -> bool {
    let on = |found: &stat::Stat| found.immutable || found.append_only;
    let itself = enter::node(dir, name).and_then(|node| stat::of(node.as_fd()));
    itself.is_ok_and(|found| on(&found)) || stat::of(dir).is_ok_and(|found| on(&found))
}

fn is(error: &io::Error, errno: Errno) -> bool {
    error.raw_os_error() == Some(errno.raw_os_error())
}

#[cfg(test)]
#[path = "flatten_tests.rs"]
mod tests;
