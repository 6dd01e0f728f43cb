//! Whether a path exists in the root directory of a process, without following a symlink and without waiting for more
//! than the lookup itself.
//!
//! Called by `collect::overlays`, which asks only for paths on mounts that answer.

use std::io;
use std::path::Path;

use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat, openat2};
use rustix::io::Errno;

/// Whether `path` exists inside `root`, which may be a magic link like `/proc/PID/root`.
///
/// A symlink anywhere on the way is an error (ELOOP), because it may lead to a mount that nobody judged.
pub fn is_there(root: &Path, path: &Path) -> io::Result<bool> {
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    let root = openat(CWD, root, flags | OFlags::DIRECTORY, Mode::empty())?;
    let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    // EAGAIN is the kernel's answer where something was renamed meanwhile: openat2(2).
    for _ in 0..4 {
        match openat2(&root, path, flags | OFlags::NOFOLLOW, Mode::empty(), resolve) {
            Ok(_) => return Ok(true),
            Err(Errno::NOENT | Errno::NOTDIR) => return Ok(false),
            Err(Errno::AGAIN) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
    Err(Errno::AGAIN.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_what_is_there_from_what_is_not() {
        let root = Path::new("/proc/self/root");
        assert!(is_there(root, Path::new("/proc")).unwrap());
        assert!(!is_there(root, Path::new("/no-directory-of-that-name/below")).unwrap());
        assert!(is_there(Path::new("/no-directory-of-that-name"), Path::new("/")).is_err());
    }

    #[test]
    fn follows_no_symlink() {
        let error = is_there(Path::new("/"), Path::new("/proc/self/status")).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(Errno::LOOP.raw_os_error()));
    }
}
