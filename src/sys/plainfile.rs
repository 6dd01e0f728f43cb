//! Small files and directories at paths that we trust: below `/sys`, `/etc` and `/proc`.
//!
//! Links are followed, so never give it a path that somebody else chose. Called by `collect`.

use std::ffi::OsString;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;

use rustix::fs::{CWD, FileType, Mode, OFlags, RawDir, fstat, openat};
use rustix::io::Errno;

use super::procfile::read_to_end;

/// Reads a regular file, at most `cap` bytes of it, without waiting for whoever holds a lease on it.
///
/// # Errors
/// What open(2) and read(2) answer; EINVAL where it is no regular file.
pub fn read(path: &Path, cap: usize) -> io::Result<Vec<u8>> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = openat(CWD, path, flags, Mode::empty())?;
    if FileType::from_raw_mode(fstat(&file)?.st_mode) != FileType::RegularFile {
        return Err(Errno::INVAL.into());
    }
    let mut bytes = Vec::new();
    read_to_end(&file, cap, &mut bytes)?;
    Ok(bytes)
}

/// By what a file is known to be still the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    object: (u64, u64),
    size: i64,
    modified: (i64, i64),
    changed: (i64, i64),
}

/// The stamp of the file at a path.
///
/// # Errors
/// What stat(2) answers.
pub fn stamp(path: &Path) -> io::Result<Stamp> {
    let found = rustix::fs::stat(path)?;
    let fraction = |part| i64::try_from(part).unwrap_or_default();
    Ok(Stamp {
        object: (found.st_dev, found.st_ino),
        size: found.st_size,
        modified: (found.st_mtime, fraction(found.st_mtime_nsec)),
        changed: (found.st_ctime, fraction(found.st_ctime_nsec)),
    })
}

/// The names in a directory, ascending, without `.` and `..`.
///
/// # Errors
/// What open(2) and getdents(2) answer.
pub fn names(path: &Path) -> io::Result<Vec<OsString>> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let dir = openat(CWD, path, flags, Mode::empty())?;
    let mut buffer = [MaybeUninit::<u8>::uninit(); 4096];
    let mut entries = RawDir::new(dir.as_fd(), &mut buffer);
    let mut names = Vec::new();
    while let Some(entry) = entries.next() {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if name != b"." && name != b".." {
            names.push(OsString::from_vec(name.to_vec()));
        }
    }
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_regular_files_only() {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join("b"), b"abc").unwrap();
        std::fs::write(home.path().join("a"), b"").unwrap();
        assert_eq!(read(&home.path().join("b"), 2).unwrap(), b"ab");
        let before = stamp(&home.path().join("b")).unwrap();
        assert_eq!(stamp(&home.path().join("b")).unwrap(), before);
        assert_ne!(stamp(&home.path().join("a")).unwrap(), before);
        assert!(read(home.path(), 10).is_err(), "a directory is no file");
        assert!(read(Path::new("/dev/null"), 10).is_err(), "a device is no file");
        assert_eq!(names(home.path()).unwrap(), ["a", "b"]);
    }
}
