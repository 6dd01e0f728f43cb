//! Removing a tree of our own as `rm -rf --one-file-system` would, without following a link or crossing a mount.
//!
//! Descriptor by descriptor: each directory is opened below the one before and removed by name from it. Called by `lab`.

use std::ffi::CString;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, ResolveFlags, openat2, statat, unlinkat};
use rustix::io::Errno;

/// A directory on the way, and what is left of it.
struct Level {
    dir: OwnedFd,
    name: CString,
    left: Vec<CString>,
}

/// Removes what lies there.
///
/// # Errors
/// What unlinkat(2) answers; EBUSY or EXDEV where something is mounted inside.
pub fn tree(path: &Path) -> io::Result<()> {
    use std::os::unix::ffi::OsStrExt;
    let (Some(above), Some(name)) = (path.parent(), path.file_name()) else { return Err(Errno::BUSY.into()) };
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let above = rustix::fs::openat(CWD, above, flags, Mode::empty())?;
    let name = CString::new(name.as_bytes())?;
    if !is_dir(above.as_fd(), &name)? {
        return Ok(unlinkat(&above, &name, AtFlags::empty())?);
    }
    let mut levels = vec![open(above.as_fd(), name)?];
    while let Some(level) = levels.last_mut() {
        let Some(name) = level.left.pop() else {
            let Some(done) = levels.pop() else { break };
            let parent = levels.last().map_or(above.as_fd(), |level| level.dir.as_fd());
            unlinkat(parent, &done.name, AtFlags::REMOVEDIR)?;
            continue;
        };
        if is_dir(level.dir.as_fd(), &name)? {
            let below = open(level.dir.as_fd(), name)?;
            levels.push(below);
        } else {
            unlinkat(&level.dir, &name, AtFlags::empty())?;
        }
    }
    Ok(())
}

fn is_dir(dir: BorrowedFd<'_>, name: &CString) -> io::Result<bool> {
    let found = statat(dir, name, AtFlags::SYMLINK_NOFOLLOW)?;
    Ok(FileType::from_raw_mode(found.st_mode) == FileType::Directory)
}

fn open(above: BorrowedFd<'_>, name: CString) -> io::Result<Level> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let resolve = ResolveFlags::NO_XDEV | ResolveFlags::NO_SYMLINKS | ResolveFlags::BENEATH;
    let dir = openat2(above, &name, flags, Mode::empty(), resolve)?;
    let mut left = Vec::new();
    for entry in Dir::read_from(&dir)? {
        let entry = entry?;
        if !matches!(entry.file_name().to_bytes(), b"." | b"..") {
            left.push(entry.file_name().to_owned());
        }
    }
    Ok(Level { dir, name, left })
}
