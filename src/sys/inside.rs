//! What a process' links and paths lead to, looked at inside its own root.
//!
//! Unlike the reads of `sys::procfile` these touch the file systems that the links lead to, so the caller first makes sure
//! that those answer. Called by `collect`.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, ResolveFlags, StatxFlags, fstat, openat, openat2, statx};
use rustix::io::Errno;

use super::procfile::{PidDir, read_to_end};

/// Which object a link leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Object {
    /// Device, major and minor.
    pub device: (u32, u32),
    /// Inode.
    pub inode: u64,
    /// Link count.
    pub links: u64,
}

impl PidDir {
    /// What the link `name` leads to. May block where that lies on a file system that does not answer.
    ///
    /// # Errors
    /// What open(2) and statx(2) answer.
    pub fn object(&self, name: &str) -> io::Result<Object> {
        let fd = openat(self.as_fd(), name, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
        object_of(&fd)
    }

    /// What `path` names inside the root of the process. May block, as [`PidDir::object`].
    ///
    /// # Errors
    /// What open(2) and statx(2) answer; ELOOP where only openat2(2) could follow a link safely and there is none.
    pub fn object_inside(&self, path: &Path) -> io::Result<Object> {
        object_of(&self.open_inside(path, OFlags::PATH)?)
    }

    /// Reads a regular file inside the root of the process, at most `cap` bytes. May block, as [`PidDir::object`].
    ///
    /// # Errors
    /// As [`PidDir::object_inside`]; EINVAL where it is no regular file.
    pub fn read_inside(&self, path: &Path, cap: usize) -> io::Result<Vec<u8>> {
        // Non-blocking, because a lease or a FIFO of a stranger would hold up a plain open. Source: fcntl(2), F_SETLEASE.
        let file = self.open_inside(path, OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY)?;
        let found = fstat(&file)?;
        if FileType::from_raw_mode(found.st_mode) != FileType::RegularFile {
            return Err(Errno::INVAL.into());
        }
        let mut bytes = Vec::new();
        read_to_end(&file, cap, &mut bytes)?;
        Ok(bytes)
    }

    fn open_inside(&self, path: &Path, flags: OFlags) -> io::Result<OwnedFd> {
        let flags = flags | OFlags::CLOEXEC;
        let root =
            openat(self.as_fd(), "root", OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
        for _ in 0..4 {
            match openat2(&root, path, flags, Mode::empty(), resolve) {
                // Something was renamed or mounted meanwhile. Source: openat2(2).
                Err(Errno::AGAIN) => {}
                // Before Linux 5.6, or behind a seccomp filter that does not know the call.
                Err(Errno::NOSYS | Errno::PERM) => return open_by_steps(root, path, flags),
                other => return Ok(other?),
            }
        }
        Err(Errno::AGAIN.into())
    }
}

/// Component by component without following any link, so that nothing leads out of `root`.
fn open_by_steps(root: OwnedFd, path: &Path, flags: OFlags) -> io::Result<OwnedFd> {
    let names: Vec<_> = path
        .components()
        .filter_map(|c| if let Component::Normal(name) = c { Some(name) } else { None })
        .collect();
    let Some((last, parents)) = names.split_last() else { return Ok(root) };
    let step = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut dir = root;
    for name in parents {
        dir = openat(&dir, name.as_bytes(), step, Mode::empty())?;
    }
    Ok(openat(&dir, last.as_bytes(), flags | OFlags::NOFOLLOW, Mode::empty())?)
}

fn object_of(fd: &OwnedFd) -> io::Result<Object> {
    let flags = AtFlags::EMPTY_PATH | AtFlags::STATX_DONT_SYNC;
    match statx(fd, "", flags, StatxFlags::INO | StatxFlags::NLINK) {
        Ok(found) => Ok(Object {
            device: (found.stx_dev_major, found.stx_dev_minor),
            inode: found.stx_ino,
            links: u64::from(found.stx_nlink),
        }),
        // Before Linux 4.11.
        Err(Errno::NOSYS) => {
            let found = fstat(fd)?;
            let device = (rustix::fs::major(found.st_dev), rustix::fs::minor(found.st_dev));
            // Its width differs between targets.
            let links = u64::try_from(u128::from(found.st_nlink)).unwrap_or(u64::MAX);
            Ok(Object { device, inode: found.st_ino, links })
        }
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use rustix::fs::CWD;

    use super::*;
    use crate::sys::procfile::Proc;

    fn own() -> PidDir {
        Proc::open(Path::new("/proc")).unwrap().own().unwrap()
    }

    #[test]
    fn finds_the_same_object_by_link_and_by_path() {
        let own = own();
        let cwd = own.link("cwd").unwrap();
        let path = Path::new(std::ffi::OsStr::from_bytes(&cwd));
        assert_eq!(own.object("cwd").unwrap(), own.object_inside(path).unwrap());
    }

    #[test]
    fn follows_no_link_out_of_the_root_without_openat2() {
        let home = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/etc", home.path().join("away")).unwrap();
        std::fs::write(home.path().join("plain"), b"x").unwrap();
        let open = |name: &str| {
            let root = openat(CWD, home.path(), OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).unwrap();
            open_by_steps(root, Path::new(name), OFlags::RDONLY | OFlags::CLOEXEC)
        };
        assert!(open("plain").is_ok());
        assert!(open("away/passwd").is_err(), "the link must not be followed");
    }
}
