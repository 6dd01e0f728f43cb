//! Directory handles: whatever is opened on a foreign path is opened here, one component at a time.
//!
//! No call of this file follows a symbolic link, except the magic links of `/proc/PID`, each named by a function of its
//! own. `O_PATH` handles neither block on FIFOs and leases nor trigger automounts. Called by `sys::walk` and `collect`.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use rustix::fs::{CWD, Mode, OFlags};
use rustix::io::Errno;

/// The longest text of a link, and the longest path. Source: PATH_MAX, path_resolution(7).
pub const PATH_MAX: usize = 4096;

/// Opens `name` in `dir` as it is: a handle that can be looked at and walked through, not read.
///
/// # Errors
/// Those of openat(2); a link is opened itself.
pub fn open_node(dir: BorrowedFd<'_>, name: &[u8]) -> io::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(rustix::fs::openat(dir, name, flags, Mode::empty())?)
}

/// Opens the directory to which a magic link of procfs leads (`4514/root`, `4514/cwd`), without reading it.
///
/// # Errors
/// Those of openat(2): EACCES without the right to trace that process.
pub fn open_magic_dir(proc: BorrowedFd<'_>, link: &[u8]) -> io::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(rustix::fs::openat(proc, link, flags, Mode::empty())?)
}

/// Opens an absolute path of ours that the kernel or the caller vouches for: `/`, `/proc`.
///
/// # Errors
/// Those of openat(2).
pub fn open_trusted_dir(path: &[u8]) -> io::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(rustix::fs::openat(CWD, path, flags, Mode::empty())?)
}

/// Opens `name` in `dir` as a directory that can be listed; a link there is an error.
///
/// # Errors
/// Those of openat(2); ENOTDIR for anything but a directory, links included.
pub fn open_listing(dir: BorrowedFd<'_>, name: &[u8]) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    // Looking must not make things younger; only the owner of the inode may ask for that. Source: open(2), O_NOATIME.
    match rustix::fs::openat(dir, name, flags | OFlags::NOATIME, Mode::empty()) {
        Err(Errno::PERM) => Ok(rustix::fs::openat(dir, name, flags, Mode::empty())?),
        other => Ok(other?),
    }
}

/// Turns a handle on a directory into one that can be listed.
///
/// # Errors
/// Those of openat(2).
pub fn reopen_listing(dir: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    open_listing(dir, b".")
}

/// The directory above, to be listed, as it is now: whoever moved `dir` meanwhile chose it, so it is compared with the one
/// that was seen before anything in it is looked at, and nothing is ever changed through it.
///
/// # Errors
/// Those of openat(2).
pub fn reopen_above(dir: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    open_listing(dir, b"..")
}

/// Opens a regular file for reading; what is no regular file is refused before it is opened for real.
///
/// # Errors
/// EINVAL for a FIFO, device, directory, socket or link; else those of openat(2). A lease of somebody gives EAGAIN at
/// once instead of a wait. Source: fcntl(2), leases and `O_NONBLOCK`.
pub fn open_regular(dir: BorrowedFd<'_>, name: &[u8]) -> io::Result<File> {
    let node = open_node(dir, name)?;
    let before = super::stat::of(node.as_fd())?;
    if !before.is_regular() {
        return Err(Errno::INVAL.into());
    }
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = rustix::fs::openat(dir, name, flags, Mode::empty())?;
    let after = super::stat::of(file.as_fd())?;
    // Somebody may have exchanged the name between the two calls.
    if (before.device, before.inode) != (after.device, after.inode) {
        return Err(Errno::STALE.into());
    }
    Ok(File::from(file))
}

/// Opens a directory of procfs (`4514/fd`) for listing; its stamps mean nothing, so they are not spared.
///
/// # Errors
/// Those of openat(2): EACCES without the right to trace that process.
pub fn open_procfs_listing(proc: BorrowedFd<'_>, path: &[u8]) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(rustix::fs::openat(proc, path, flags, Mode::empty())?)
}

/// Opens a file of procfs (`4514/maps`) for reading.
///
/// # Errors
/// Those of openat(2), as above.
pub fn open_procfs_file(proc: BorrowedFd<'_>, path: &[u8]) -> io::Result<File> {
    Ok(File::from(rustix::fs::openat(proc, path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?))
}

/// Reads at most `cap` bytes; the flag says whether there would have been more.
///
/// # Errors
/// Those of read(2).
pub fn read_bounded(file: &File, cap: usize) -> io::Result<(Vec<u8>, Cut)> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(cap).unwrap_or(u64::MAX).saturating_add(1);
    file.take(limit).read_to_end(&mut bytes)?;
    let cut = if bytes.len() > cap { Cut::Yes } else { Cut::No };
    bytes.truncate(cap);
    Ok((bytes, cut))
}

/// Whether a bounded read left something unread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// It did.
    Yes,
    /// All was read.
    No,
}

/// The text of the link `name` in `dir`; with an empty name, of the link that `dir` itself is a handle on.
///
/// # Errors
/// Those of readlinkat(2): EINVAL or ENOENT for what is no link.
pub fn read_link(dir: BorrowedFd<'_>, name: &[u8]) -> io::Result<Vec<u8>> {
    Ok(rustix::fs::readlinkat(dir, name, Vec::new())?.into_bytes())
}

/// The text of a link into a buffer of the caller, cut at its length: for loops over many links.
///
/// # Errors
/// Those of readlinkat(2).
pub fn read_link_into<'b>(
    dir: BorrowedFd<'_>,
    name: &std::ffi::CStr,
    buffer: &'b mut [u8],
) -> io::Result<&'b [u8]> {
    let length = rustix::fs::readlinkat_raw(dir, name, &mut *buffer)?;
    Ok(buffer.get(..length).unwrap_or_default())
}

/// An extended attribute of an `O_PATH` handle; `None` where it has none, or the file system knows none.
///
/// Such handles refuse fgetxattr(2), so the way leads through their own link in `/proc/self/fd`, which ends at the
/// object itself whatever its name is by now. Source: open(2), O_PATH.
///
/// # Errors
/// Those of getxattr(2), and ENOENT where no procfs is mounted.
pub fn attribute(node: BorrowedFd<'_>, name: &str) -> io::Result<Option<Vec<u8>>> {
    /// XATTR_SIZE_MAX of the kernel; an ACL of 8,191 entries fills it. Source: xattr(7).
    const LARGEST: usize = 65_536;
    let path = format!("/proc/self/fd/{}", node.as_raw_fd());
    let mut value = vec![0_u8; 256];
    loop {
        match rustix::fs::getxattr(path.as_str(), name, value.as_mut_slice()) {
            Ok(length) => {
                value.truncate(length);
                return Ok(Some(value));
            }
            Err(Errno::NODATA | Errno::NOTSUP) => return Ok(None),
            Err(Errno::RANGE) if value.len() < LARGEST => value.resize(LARGEST, 0),
            Err(error) => return Err(error.into()),
        }
    }
}

/// Opens a path of our own, or one below `/proc/PID/root`, component by component, following no other link.
///
/// # Errors
/// ELOOP where a component has become a link since the path was resolved; EINVAL for a relative path; else those of
/// openat(2).
pub fn open_resolved(path: &[u8]) -> io::Result<OwnedFd> {
    let (start, rest) = match magic_root(path) {
        Some((link, rest)) => {
            let proc = open_trusted_dir(b"/proc")?;
            (open_magic_dir(proc.as_fd(), link)?, rest)
        }
        None => (open_trusted_dir(b"/")?, path.strip_prefix(b"/").ok_or(io::ErrorKind::InvalidInput)?),
    };
    let mut here = start;
    for name in rest.split(|b| *b == b'/').filter(|name| !name.is_empty()) {
        here = open_node(here.as_fd(), name)?;
        if super::stat::of(here.as_fd())?.is_link() {
            return Err(Errno::LOOP.into());
        }
    }
    Ok(here)
}

/// Splits `/proc/4514/root/tmp/x` into `4514/root` and `tmp/x`.
fn magic_root(path: &[u8]) -> Option<(&[u8], &[u8])> {
    let below = path.strip_prefix(b"/proc/")?;
    let digits = below.iter().take_while(|b| b.is_ascii_digit()).count();
    let after = below.get(digits..)?.strip_prefix(b"/root")?;
    let whole = digits > 0 && (after.is_empty() || after.starts_with(b"/"));
    whole.then(|| Some((below.get(..digits + b"/root".len())?, after))).flatten()
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::sys::scratch;

    #[test]
    fn splits_only_real_process_roots() {
        assert_eq!(magic_root(b"/proc/12/root/tmp"), Some((&b"12/root"[..], &b"/tmp"[..])));
        assert_eq!(magic_root(b"/proc/12/root"), Some((&b"12/root"[..], &b""[..])));
        for other in
            [&b"/proc/12/rootx/tmp"[..], b"/proc//root/tmp", b"/proc/12/cwd", b"/proc/self/root", b"/tmp"]
        {
            assert_eq!(magic_root(other), None, "{}", String::from_utf8_lossy(other));
        }
    }

    #[test]
    fn opens_through_our_own_root_link() {
        let dir = scratch::dir();
        let inside = [format!("/proc/{}/root", std::process::id()).as_bytes(), scratch::bytes(&dir)].concat();
        let through = crate::sys::stat::of(open_resolved(&inside).unwrap().as_fd()).unwrap();
        let plain = crate::sys::stat::of(open_resolved(scratch::bytes(&dir)).unwrap().as_fd()).unwrap();
        assert_eq!((through.device, through.inode), (plain.device, plain.inode));
    }

    #[test]
    fn refuses_a_component_that_became_a_link() {
        let dir = scratch::dir();
        symlink("/", dir.path().join("way")).unwrap();
        let path = [scratch::bytes(&dir), b"/way/proc"].concat();
        assert_eq!(open_resolved(&path).unwrap_err().raw_os_error(), Some(Errno::LOOP.raw_os_error()));
    }

    #[test]
    fn reads_no_fifo_link_or_directory_as_a_file() {
        let dir = scratch::dir();
        let path = dir.path();
        symlink("/etc/passwd", path.join("link")).unwrap();
        let fifo = path.join("fifo");
        rustix::fs::mknodat(CWD, &fifo, rustix::fs::FileType::Fifo, Mode::RUSR, 0).unwrap();
        File::create(path.join("plain")).unwrap().write_all(b"12345").unwrap();
        let handle = open_trusted_dir(scratch::bytes(&dir)).unwrap();
        for name in [&b"link"[..], b"fifo", b"."] {
            assert_eq!(
                open_regular(handle.as_fd(), name).unwrap_err().raw_os_error(),
                Some(Errno::INVAL.raw_os_error())
            );
        }
        let file = open_regular(handle.as_fd(), b"plain").unwrap();
        assert_eq!(read_bounded(&file, 3).unwrap(), (b"123".to_vec(), Cut::Yes));
        let file = open_regular(handle.as_fd(), b"plain").unwrap();
        assert_eq!(read_bounded(&file, 5).unwrap(), (b"12345".to_vec(), Cut::No));
    }

    #[test]
    fn an_object_without_attributes_has_none() {
        let dir = scratch::dir();
        let handle = open_trusted_dir(scratch::bytes(&dir)).unwrap();
        assert_eq!(attribute(handle.as_fd(), "user.tmpmedic-none").unwrap(), None);
    }
}
