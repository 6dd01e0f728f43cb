//! The calls that change a file system: each relative to a directory handle, on a single name, following nothing.
//!
//! Nothing here decides; `exec` does, and it is the only room that may call this file.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, FlockOperation, Gid, Mode, OFlags, RenameFlags, Uid};
use rustix::io::Errno;

/// Renames `name` of `from` to `new` of `to`, and never onto anything.
///
/// # Errors
/// EEXIST where `new` is taken; EXDEV across mounts, even of one file system; else those of renameat2(2). EINVAL where the
/// file system cannot promise it: see [`move_plainly`].
pub fn move_aside(from: BorrowedFd<'_>, name: &[u8], to: BorrowedFd<'_>, new: &[u8]) -> io::Result<()> {
    Ok(rustix::fs::renameat_with(from, name, to, new, RenameFlags::NOREPLACE)?)
}

/// Renames without that promise: only into a directory in which nobody else can make names.
///
/// # Errors
/// Those of renameat(2).
pub fn move_plainly(from: BorrowedFd<'_>, name: &[u8], to: BorrowedFd<'_>, new: &[u8]) -> io::Result<()> {
    Ok(rustix::fs::renameat(from, name, to, new)?)
}

/// Renames, never onto anything, where the file system cannot promise that for a rename: the new name is made first, which
/// fails where it is taken. What is no directory has both names for a moment; for a directory an empty one of ours holds
/// the place, and a directory replaces nothing but an empty one. Source: rename(2), link(2).
///
/// # Errors
/// EEXIST where `new` is taken; else those of linkat(2), mkdirat(2) and renameat(2).
pub fn move_in_two_steps(
    from: BorrowedFd<'_>,
    name: &[u8],
    to: BorrowedFd<'_>,
    new: &[u8],
) -> io::Result<()> {
    if !is_directory(from, name) {
        rustix::fs::linkat(from, name, to, new, AtFlags::empty())?;
        return unlink(from, name);
    }
    make_private_dir(to, new)?;
    let moved = move_plainly(from, name, to, new);
    if moved.is_err() {
        remove_dir(to, new).ok();
    }
    moved
}

/// Gives what is no directory a second name, never in the place of another.
///
/// # Errors
/// EEXIST where `new` is taken; else those of linkat(2).
pub fn give_second_name(dir: BorrowedFd<'_>, name: &[u8], new: &[u8]) -> io::Result<()> {
    Ok(rustix::fs::linkat(dir, name, dir, new, AtFlags::empty())?)
}

/// Exchanges two names in one step.
///
/// # Errors
/// Those of renameat2(2).
pub fn exchange(from: BorrowedFd<'_>, name: &[u8], to: BorrowedFd<'_>, other: &[u8]) -> io::Result<()> {
    Ok(rustix::fs::renameat_with(from, name, to, other, RenameFlags::EXCHANGE)?)
}

/// Makes a directory that only its owner may enter, whatever the umask.
///
/// # Errors
/// Those of mkdirat(2).
pub fn make_private_dir(dir: BorrowedFd<'_>, name: &[u8]) -> io::Result<()> {
    Ok(rustix::fs::mkdirat(dir, name, Mode::RWXU)?)
}

/// Makes a directory that everybody may list, where it is missing.
///
/// # Errors
/// Those of mkdirat(2).
pub fn make_open_dir(dir: BorrowedFd<'_>, name: &[u8]) -> io::Result<()> {
    match rustix::fs::mkdirat(dir, name, Mode::from_raw_mode(0o755)) {
        Ok(()) | Err(Errno::EXIST) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Puts a whole file that everybody may read in the place of `name`, in one step: it is written under the name `aside`,
/// which must be free, synced, and renamed.
///
/// # Errors
/// Those of openat(2), write(2), fsync(2) and renameat(2); what was written aside is removed then.
pub fn put_file(dir: BorrowedFd<'_>, name: &[u8], aside: &[u8], content: &[u8]) -> io::Result<()> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = rustix::fs::openat(dir, aside, flags, Mode::from_raw_mode(0o644))?;
    let mut file = File::from(file);
    let written = file.write_all(content).and_then(|()| file.sync_all());
    let put = written.and_then(|()| move_plainly(dir, aside, dir, name));
    if put.is_err() {
        unlink(dir, aside).ok();
    }
    put
}

/// Makes a regular file that did not exist, with exactly that mode.
///
/// # Errors
/// Those of openat(2): EEXIST for whatever has that name, a link that leads nowhere included.
pub fn create_new(dir: BorrowedFd<'_>, name: &[u8], mode: u32) -> io::Result<File> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = rustix::fs::openat(dir, name, flags, Mode::RUSR | Mode::WUSR)?;
    rustix::fs::fchmod(&file, Mode::from_raw_mode(mode))?;
    Ok(file.into())
}

/// Waits until the names of a directory that is open for listing are on the disk.
///
/// # Errors
/// Those of fsync(2).
pub fn sync_names(dir: BorrowedFd<'_>) -> io::Result<()> {
    Ok(rustix::fs::fsync(dir)?)
}

/// Removes a name that is no directory.
///
/// # Errors
/// Those of unlinkat(2): EISDIR for a directory.
pub fn unlink(dir: BorrowedFd<'_>, name: &[u8]) -> io::Result<()> {
    match rustix::fs::unlinkat(dir, name, AtFlags::empty()) {
        // What POSIX lets a file system answer for a directory; Linux' own say EISDIR.
        Err(Errno::PERM) if is_directory(dir, name) => Err(Errno::ISDIR.into()),
        other => Ok(other?),
    }
}

fn is_directory(dir: BorrowedFd<'_>, name: &[u8]) -> bool {
    let node = super::dirfd::open_node(dir, name);
    node.and_then(|node| super::stat::of(node.as_fd())).is_ok_and(|found| found.is_directory())
}

/// Removes an empty directory.
///
/// # Errors
/// Those of unlinkat(2): ENOTEMPTY, EBUSY for a mount point of this namespace.
pub fn remove_dir(dir: BorrowedFd<'_>, name: &[u8]) -> io::Result<()> {
    Ok(rustix::fs::unlinkat(dir, name, AtFlags::REMOVEDIR)?)
}

/// Gives the object behind a handle to somebody else. The kernel takes set-user-id bits off files.
///
/// # Errors
/// Those of fchownat(2).
pub fn give(node: BorrowedFd<'_>, uid: u32, gid: u32) -> io::Result<()> {
    let (uid, gid) = (Uid::from_raw(uid), Gid::from_raw(gid));
    Ok(rustix::fs::chownat(node, c"", Some(uid), Some(gid), AtFlags::EMPTY_PATH)?)
}

/// Changes the permission bits of a directory that is open for listing.
///
/// # Errors
/// Those of fchmod(2).
pub fn set_mode(dir: BorrowedFd<'_>, mode: u32) -> io::Result<()> {
    Ok(rustix::fs::fchmod(dir, Mode::from_raw_mode(mode))?)
}

/// The same through a handle that can only be looked at, by its own link in procfs, which ends at the object whatever its
/// name is by now; fchmod(2) refuses such handles. Source: open(2), O_PATH.
///
/// # Errors
/// Those of chmod(2); ELOOP for a link, which has no mode; ENOENT where no procfs is mounted.
pub fn set_mode_of_node(node: BorrowedFd<'_>, mode: u32) -> io::Result<()> {
    if super::stat::of(node)?.is_link() {
        return Err(Errno::LOOP.into());
    }
    let path = format!("/proc/self/fd/{}", node.as_raw_fd());
    Ok(rustix::fs::chmod(path, Mode::from_raw_mode(mode))?)
}

/// Whether somebody else has a BSD lock on it, found out by trying: the lock is let go at once.
///
/// # Errors
/// Those of flock(2), but for the one that says yes.
pub fn is_locked(file: BorrowedFd<'_>) -> io::Result<bool> {
    match rustix::fs::flock(file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => {
            rustix::fs::flock(file, FlockOperation::Unlock)?;
            Ok(false)
        }
        Err(Errno::WOULDBLOCK) => Ok(true),
        Err(error) => Err(error.into()),
    }
}

/// The same of a file that is needed for nothing else: with its descriptor the lock goes.
///
/// # Errors
/// As [`is_locked`].
pub fn is_locked_once(file: OwnedFd) -> io::Result<bool> {
    let tried = rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive);
    drop(file);
    match tried {
        Ok(()) => Ok(false),
        Err(Errno::WOULDBLOCK) => Ok(true),
        Err(error) => Err(error.into()),
    }
}

/// Takes a lock that ends with the descriptor; at once or not at all.
///
/// # Errors
/// EWOULDBLOCK where somebody has it; else those of flock(2).
pub fn lock(file: &OwnedFd) -> io::Result<()> {
    Ok(rustix::fs::flock(file, FlockOperation::NonBlockingLockExclusive)?)
}

/// The same, together with others that only want to keep writers out; the handle may be one for reading.
///
/// # Errors
/// As [`lock`].
pub fn lock_shared(file: BorrowedFd<'_>) -> io::Result<()> {
    Ok(rustix::fs::flock(file, FlockOperation::NonBlockingLockShared)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::{dirfd, scratch};

    #[test]
    fn moving_aside_never_replaces() {
        let dir = scratch::dir();
        std::fs::write(dir.path().join("a"), "a").unwrap();
        std::fs::write(dir.path().join("b"), "b").unwrap();
        let handle = dirfd::open_trusted_dir(scratch::bytes(&dir)).unwrap();
        let error = move_aside(handle.as_fd(), b"a", handle.as_fd(), b"b").unwrap_err();
        assert_eq!(error.raw_os_error(), Some(Errno::EXIST.raw_os_error()));
        assert_eq!(std::fs::read_to_string(dir.path().join("b")).unwrap(), "b");
    }

    #[test]
    fn moving_in_two_steps_keeps_the_object_and_never_replaces() {
        let dir = scratch::dir();
        let path = |name: &str| dir.path().join(name);
        std::fs::create_dir_all(path("tree/inner")).unwrap();
        std::fs::write(path("file"), "a").unwrap();
        std::os::unix::fs::symlink("/etc", path("link")).unwrap();
        for taken in ["a-file", "another"] {
            std::fs::write(path(taken), "kept").unwrap();
        }
        std::fs::create_dir(path("a-dir")).unwrap();
        let handle = dirfd::open_trusted_dir(scratch::bytes(&dir)).unwrap();
        let handle = handle.as_fd();
        let inode = |name: &str| {
            crate::sys::stat::of(dirfd::open_node(handle, name.as_bytes()).unwrap().as_fd()).unwrap().inode
        };
        for name in ["tree", "file", "link"] {
            for taken in ["a-file", "another", "a-dir"] {
                let error = move_in_two_steps(handle, name.as_bytes(), handle, taken.as_bytes()).unwrap_err();
                assert_eq!(error.raw_os_error(), Some(Errno::EXIST.raw_os_error()), "{name} onto {taken}");
            }
            let before = inode(name);
            move_in_two_steps(handle, name.as_bytes(), handle, b"new").unwrap();
            assert_eq!(inode("new"), before);
            assert!(dirfd::open_node(handle, name.as_bytes()).is_err(), "{name} has gone");
            move_plainly(handle, b"new", handle, name.as_bytes()).unwrap();
        }
        assert_eq!(std::fs::read_to_string(path("a-file")).unwrap(), "kept");
        assert!(path("tree/inner").symlink_metadata().is_ok());
    }

    #[test]
    fn a_lock_of_somebody_else_is_seen_and_ours_is_not_kept() {
        let dir = scratch::dir();
        let one =
            dirfd::reopen_listing(dirfd::open_trusted_dir(scratch::bytes(&dir)).unwrap().as_fd()).unwrap();
        let other = dirfd::reopen_listing(one.as_fd()).unwrap();
        assert!(!is_locked(one.as_fd()).unwrap());
        lock(&other).unwrap();
        assert!(is_locked(one.as_fd()).unwrap());
        drop(other);
        assert!(!is_locked(one.as_fd()).unwrap());
    }
}
