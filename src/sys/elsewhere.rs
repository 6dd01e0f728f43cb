//! Joining a namespace for good: for single-threaded helpers that only look around there and end. Called by `collect`.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use rustix::fs::{CWD, FsWord, Mode, OFlags, fstatfs, openat};
use rustix::io::Errno;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

/// File system magic of namespaces. Source: the kernel's include/uapi/linux/magic.h.
const NSFS: FsWord = 0x6e73_6673;

/// Kinds of namespaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Of the network.
    Net,
    /// Of mounts.
    Mount,
}

/// Joins the namespace at `way` and gives its inode: relative to `proc` a magic link (`4514/ns/net`), absolute a file on which one is mounted.
///
/// # Errors
/// EINVAL for what is no namespace or one of another kind, which is not even opened; EPERM without the right; else those of
/// openat(2) and setns(2).
pub fn join(proc: BorrowedFd<'_>, way: &[u8], kind: Kind) -> io::Result<u64> {
    let start = if way.starts_with(b"/") { CWD } else { proc };
    let node = openat(start, way, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
    if fstatfs(&node)?.f_type != NSFS {
        return Err(Errno::INVAL.into());
    }
    let again = format!("self/fd/{}", node.as_raw_fd());
    let namespace = openat(proc, again, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    let kind = match kind {
        Kind::Net => LinkNameSpaceType::Network,
        Kind::Mount => LinkNameSpaceType::Mount,
    };
    move_into_link_name_space(namespace.as_fd(), Some(kind))?;
    Ok(super::stat::of(namespace.as_fd())?.inode)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::dirfd;

    #[test]
    fn what_is_no_namespace_is_not_opened() {
        let proc = dirfd::open_trusted_dir(b"/proc").unwrap();
        for way in [&b"self/exe"[..], b"self/cwd", b"/dev/null"] {
            let error = join(proc.as_fd(), way, Kind::Net).unwrap_err();
            assert_eq!(error.raw_os_error(), Some(Errno::INVAL.raw_os_error()), "{error}");
        }
    }
}
