//! One component deeper, and nowhere else: across no mount, through no link, never up.
//!
//! openat2(2) promises that in one call. Where it is missing (Linux < 5.6) or a sandbox refuses it (EPERM of an old
//! container engine), a handle on the name itself and the id of its mount promise the same, because a name is a single
//! component. Where neither can be had, nothing is entered. Called by `exec`.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{Mode, OFlags, ResolveFlags, openat, openat2};
use rustix::io::Errno;

use super::stat::{self, Stat};

/// How often a rename that races with us may make the kernel ask for another try. Source: openat2(2), EAGAIN.
const TRIES: u32 = 16;

const INSIDE: ResolveFlags = ResolveFlags::BENEATH
    .union(ResolveFlags::NO_SYMLINKS)
    .union(ResolveFlags::NO_XDEV)
    .union(ResolveFlags::NO_MAGICLINKS);

const LISTING: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// Why a directory of somebody else is not listed.
const NOTICED: &str = "it is of another user, and to list it would make it look used";

/// A handle on `name` in `dir`, whatever it is; it can be looked at and changed, not read.
///
/// # Errors
/// EINVAL for a name that is no single component; EXDEV where a mount begins at it; EAGAIN where somebody renames faster
/// than we look; else those of openat2(2).
pub fn node(dir: BorrowedFd<'_>, name: &[u8]) -> io::Result<OwnedFd> {
    check(name)?;
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    match inside(dir, name, flags) {
        Err(Errno::NOSYS | Errno::PERM) => by_handle(dir, name),
        other => Ok(other?),
    }
}

/// Looks at `name` in `dir` without a handle on it: whatever begins at that name, a mount included, which its id tells.
///
/// # Errors
/// EINVAL for a name that is no single component; else those of statx(2).
pub fn look(dir: BorrowedFd<'_>, name: &[u8]) -> io::Result<Stat> {
    check(name)?;
    stat::named(dir, name)
}

/// The regular file `name` in `dir`, to be locked. What it is was looked at before; what it is now, the caller looks at.
///
/// # Errors
/// As [`node`]; EAGAIN at once where somebody has a lease on it. Source: fcntl(2), leases and `O_NONBLOCK`.
pub fn regular(dir: BorrowedFd<'_>, name: &[u8]) -> io::Result<OwnedFd> {
    check(name)?;
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    match openat2(dir, name, flags, Mode::empty(), INSIDE) {
        Err(Errno::NOSYS | Errno::PERM) => {
            by_handle(dir, name)?;
            Ok(super::dirfd::open_regular(dir, name)?.into())
        }
        other => Ok(other?),
    }
}

/// The directory `name` in `dir`, to be listed by whoever only looks: refused where the look would show.
///
/// Of a directory of somebody else the kernel keeps when it was last listed, whoever did that: it would count as touched
/// just now, for us, for its owner and for systemd-tmpfiles.
///
/// # Errors
/// As [`listing`]; `PermissionDenied` where only its owner may ask the kernel not to keep that. Source: open(2), O_NOATIME.
pub fn unnoticed(dir: BorrowedFd<'_>, name: &[u8]) -> io::Result<OwnedFd> {
    check(name)?;
    let flags = LISTING | OFlags::NOATIME;
    match inside(dir, name, flags) {
        // A sandbox that refuses openat2(2) gives the same: by the other way it is asked again.
        Err(Errno::NOSYS | Errno::PERM) => {
            let node = node(dir, name)?;
            if !stat::of(node.as_fd())?.is_directory() {
                return Err(Errno::NOTDIR.into());
            }
            match openat(&node, ".", flags, Mode::empty()) {
                Err(Errno::PERM) => Err(io::Error::new(io::ErrorKind::PermissionDenied, NOTICED)),
                other => Ok(other?),
            }
        }
        other => Ok(other?),
    }
}

/// The directory `name` in `dir`, to be listed and changed. Looking at it does not make it younger where we may ask that.
///
/// # Errors
/// As [`node`]; ENOTDIR or ELOOP for what is no directory.
pub fn listing(dir: BorrowedFd<'_>, name: &[u8]) -> io::Result<OwnedFd> {
    check(name)?;
    // EPERM is also what a file of somebody else answers to O_NOATIME. Source: open(2).
    let opened = match inside(dir, name, LISTING | OFlags::NOATIME) {
        Err(Errno::PERM) => inside(dir, name, LISTING),
        other => other,
    };
    match opened {
        Err(Errno::NOSYS | Errno::PERM) => {
            let node = by_handle(dir, name)?;
            if !stat::of(node.as_fd())?.is_directory() {
                return Err(Errno::NOTDIR.into());
            }
            super::dirfd::reopen_listing(node.as_fd())
        }
        other => Ok(other?),
    }
}

fn check(name: &[u8]) -> io::Result<()> {
    let single = !name.is_empty() && name != b"." && name != b".." && !name.contains(&b'/');
    if single { Ok(()) } else { Err(Errno::INVAL.into()) }
}

fn inside(dir: BorrowedFd<'_>, name: &[u8], flags: OFlags) -> Result<OwnedFd, Errno> {
    let mut left = TRIES;
    loop {
        match openat2(dir, name, flags, Mode::empty(), INSIDE) {
            Err(Errno::AGAIN) if left > 0 => left -= 1,
            other => return other,
        }
    }
}

/// Without openat2(2): the handle first, then whether it lies on the same mount.
fn by_handle(dir: BorrowedFd<'_>, name: &[u8]) -> io::Result<OwnedFd> {
    let node = openat(dir, name, OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())?;
    let (outer, inner) = (stat::of(dir)?, stat::of(node.as_fd())?);
    match (outer.mount_id, inner.mount_id) {
        (Some(outer), Some(inner)) if outer == inner => Ok(node),
        (Some(_), Some(_)) => Err(Errno::XDEV.into()),
        // A bind mount of the same file system would go unseen (Linux < 5.8): better not at all.
        _ => Err(Errno::NOSYS.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::sys::{dirfd, scratch};

    fn errno(result: io::Result<OwnedFd>) -> Option<i32> {
        result.err().and_then(|error| error.raw_os_error())
    }

    #[test]
    fn a_name_of_two_components_is_refused() {
        let dir = scratch::dir();
        let handle = dirfd::open_trusted_dir(scratch::bytes(&dir)).unwrap();
        for name in [&b""[..], b".", b"..", b"a/b", b"/etc"] {
            assert_eq!(errno(node(handle.as_fd(), name)), Some(Errno::INVAL.raw_os_error()));
            assert_eq!(errno(regular(handle.as_fd(), name)), Some(Errno::INVAL.raw_os_error()));
            let looked = look(handle.as_fd(), name).err().and_then(|error| error.raw_os_error());
            assert_eq!(looked, Some(Errno::INVAL.raw_os_error()));
            assert_eq!(errno(listing(handle.as_fd(), name)), Some(Errno::INVAL.raw_os_error()));
        }
    }

    #[test]
    fn a_link_is_taken_itself_and_never_listed() {
        let dir = scratch::dir();
        symlink("/etc", dir.path().join("link")).unwrap();
        let handle = dirfd::open_trusted_dir(scratch::bytes(&dir)).unwrap();
        let link = node(handle.as_fd(), b"link").unwrap();
        assert!(stat::of(link.as_fd()).unwrap().is_link());
        assert!(listing(handle.as_fd(), b"link").is_err(), "a link leads out");
    }

    #[test]
    fn a_mount_is_not_entered_with_either_primitive() {
        let root = dirfd::open_trusted_dir(b"/").unwrap();
        assert_eq!(errno(node(root.as_fd(), b"proc")), Some(Errno::XDEV.raw_os_error()));
        assert_eq!(errno(by_handle(root.as_fd(), b"proc")), Some(Errno::XDEV.raw_os_error()));
    }

    #[test]
    fn both_primitives_reach_the_same_directory() {
        let dir = scratch::dir();
        std::fs::create_dir(dir.path().join("inner")).unwrap();
        let handle = dirfd::open_trusted_dir(scratch::bytes(&dir)).unwrap();
        let one = stat::of(node(handle.as_fd(), b"inner").unwrap().as_fd()).unwrap();
        let other = stat::of(by_handle(handle.as_fd(), b"inner").unwrap().as_fd()).unwrap();
        let listed = stat::of(listing(handle.as_fd(), b"inner").unwrap().as_fd()).unwrap();
        assert_eq!((one.inode, one.mount_id), (other.inode, other.mount_id));
        assert_eq!(one.inode, listed.inode);
    }
}
