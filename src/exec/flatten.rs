//! Removal for good, inside the quarantine: any depth, any width, with three descriptors and no recursion.
//!
//! A directory that is not empty gives its sub-directories up to the quarantine, one level at a time, where each waits as
//! a number. Nothing outside the quarantine is ever named, so nobody can lead us there.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use rustix::io::Errno;

use super::quarantine::Quarantine;
use crate::sys::getdents::{EntryKind, Listing, PIECE};
use crate::sys::{enter, hands, stat};

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

/// Removes things from a quarantine.
pub struct Flattener<'q> {
    quarantine: &'q Quarantine,
    /// What the numbers of waiting directories begin with.
    job: &'q str,
    next: u64,
    waiting: Vec<Vec<u8>>,
    buffer: Vec<u8>,
    removed: Removed,
}

impl<'q> Flattener<'q> {
    /// For one job; no other name in the quarantine may begin with `job-d`.
    pub fn new(quarantine: &'q Quarantine, job: &'q str) -> Self {
        let buffer = Vec::with_capacity(PIECE);
        Self { quarantine, job, next: 0, waiting: Vec::new(), buffer, removed: Removed::default() }
    }

    /// Removes `slot` with everything below it. `goes_on` is asked before each change.
    pub fn remove(&mut self, slot: &[u8], goes_on: &dyn Fn() -> bool) -> Removed {
        self.waiting.push(slot.to_vec());
        while let Some(name) = self.waiting.pop() {
            if !goes_on() {
                self.removed.stopped = true;
                break;
            }
            self.remove_one(&name, goes_on);
        }
        std::mem::take(&mut self.removed)
    }

    fn remove_one(&mut self, name: &[u8], goes_on: &dyn Fn() -> bool) {
        let dir = self.quarantine.dir();
        match hands::unlink(dir, name) {
            Err(error) if is(&error, Errno::ISDIR) => {}
            other => return self.account(other, dir, name, b""),
        }
        for _ in 0..ROUNDS {
            match hands::remove_dir(dir, name) {
                Err(error) if is(&error, Errno::NOTEMPTY) => {}
                other => return self.account(other, dir, name, b""),
            }
            if let Err(error) = self.empty(name, goes_on) {
                return self.leave(name.to_vec(), &error);
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
        let mut listing = Listing::new(dir.as_fd(), &mut buffer);
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
                EntryKind::Directory => self.move_up(dir.as_fd(), inner, name),
                EntryKind::Other | EntryKind::Unknown => match hands::unlink(dir.as_fd(), inner) {
                    Err(error) if is(&error, Errno::ISDIR) => self.move_up(dir.as_fd(), inner, name),
                    other => self.account(other, dir.as_fd(), inner, name),
                },
            }
        }
        self.buffer = buffer;
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
            Ok(()) => self.waiting.push(slot),
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
mod tests {
    #![expect(clippy::disallowed_methods, reason = "a test looks at its own private directory by path")]

    use std::os::fd::OwnedFd;
    use std::os::unix::fs::PermissionsExt;

    use rustix::fs::{CWD, FileType, Mode};

    use super::*;
    use crate::sys::{dirfd, scratch};

    fn quarantine(dir: &tempfile::TempDir) -> (Quarantine, OwnedFd) {
        let handle = dirfd::open_trusted_dir(scratch::bytes(dir)).unwrap();
        let own = rustix::process::geteuid().as_raw();
        (Quarantine::open(handle.as_fd(), b".q", own).unwrap(), handle)
    }

    fn always() -> bool {
        true
    }

    #[test]
    fn removes_whatever_there_is_and_nothing_beside_it() {
        let dir = scratch::dir();
        let (quarantine, _handle) = quarantine(&dir);
        let tree = dir.path().join(".q/1");
        std::fs::create_dir_all(tree.join("a/b/c")).unwrap();
        std::fs::create_dir_all(tree.join("a/empty")).unwrap();
        std::fs::write(dir.path().join("beside"), "kept").unwrap();
        std::os::unix::fs::symlink(dir.path(), tree.join("a/b/out")).unwrap();
        std::fs::hard_link(dir.path().join("beside"), tree.join("a/b/c/hard")).unwrap();
        rustix::fs::mknodat(CWD, tree.join("fifo"), FileType::Fifo, Mode::RUSR, 0).unwrap();
        let removed = Flattener::new(&quarantine, "j").remove(b"1", &always);
        assert_eq!(removed, Removed { objects: 8, left: Vec::new(), stopped: false });
        assert_eq!(std::fs::read_dir(dir.path().join(".q")).unwrap().count(), 0);
        assert_eq!(std::fs::read_to_string(dir.path().join("beside")).unwrap(), "kept");
    }

    #[test]
    fn goes_as_deep_as_it_gets_with_few_descriptors() {
        let dir = scratch::dir();
        let (quarantine, _handle) = quarantine(&dir);
        let mut at = enter::listing(quarantine.dir(), {
            hands::make_private_dir(quarantine.dir(), b"1").unwrap();
            b"1"
        })
        .unwrap();
        for _ in 0..3_000 {
            hands::make_private_dir(at.as_fd(), b"deeper").unwrap();
            at = enter::listing(at.as_fd(), b"deeper").unwrap();
        }
        drop(at);
        let removed = Flattener::new(&quarantine, "j").remove(b"1", &always);
        assert_eq!((removed.objects, removed.left.len()), (3_001, 0));
        assert_eq!(std::fs::read_dir(dir.path().join(".q")).unwrap().count(), 0);
    }

    #[test]
    fn a_directory_that_its_owner_made_unwritable_goes_too() {
        let dir = scratch::dir();
        let (quarantine, _handle) = quarantine(&dir);
        let module = dir.path().join(".q/1/mod@v1");
        std::fs::create_dir_all(module.join("pkg")).unwrap();
        std::fs::write(module.join("pkg/file.go"), "package pkg").unwrap();
        for path in [module.join("pkg"), module] {
            std::fs::set_permissions(path, PermissionsExt::from_mode(0o555)).unwrap();
        }
        let removed = Flattener::new(&quarantine, "j").remove(b"1", &always);
        assert_eq!(removed.left, []);
        assert!(!dir.path().join(".q/1").exists());
    }

    #[test]
    fn stops_between_two_steps_and_can_go_on() {
        let dir = scratch::dir();
        let (quarantine, _handle) = quarantine(&dir);
        let tree = dir.path().join(".q/1");
        std::fs::create_dir(&tree).unwrap();
        for n in 0..10 {
            std::fs::write(tree.join(format!("f{n}")), "").unwrap();
        }
        let left = std::cell::Cell::new(5_u32);
        let some = || left.replace(left.get().saturating_sub(1)) > 0;
        let first = Flattener::new(&quarantine, "j").remove(b"1", &some);
        assert!(first.stopped);
        let rest = Flattener::new(&quarantine, "k").remove(b"1", &always);
        assert_eq!(first.objects + rest.objects, 11);
    }

    #[test]
    fn what_an_earlier_removal_left_is_in_nobodys_way() {
        let dir = scratch::dir();
        let (quarantine, _handle) = quarantine(&dir);
        std::fs::create_dir_all(dir.path().join(".q/j-d0/left")).unwrap();
        std::fs::create_dir_all(dir.path().join(".q/1/a/b")).unwrap();
        let removed = Flattener::new(&quarantine, "j").remove(b"1", &always);
        assert_eq!((removed.objects, removed.left.len()), (3, 0), "{removed:?}");
        assert!(dir.path().join(".q/j-d0/left").exists());
    }

    #[test]
    fn what_is_already_gone_is_no_failure() {
        let dir = scratch::dir();
        let (quarantine, _handle) = quarantine(&dir);
        assert_eq!(Flattener::new(&quarantine, "j").remove(b"none", &always), Removed::default());
    }
}
