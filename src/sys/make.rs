//! Making and changing things in a tree of our own: directories, files, links, owners, modes, stamps.
//!
//! By path, because nobody else works in that tree yet; never on file systems of the machine. Called by `lab`.

use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, Timespec, Timestamps, XattrFlags};
use rustix::io::Errno;
use rustix::process::{Gid, Uid};

use super::clock;

/// Owner, group and permission bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rights {
    /// Permission bits, set without regard to the umask.
    pub mode: u32,
    /// The owner.
    pub uid: u32,
    /// The group.
    pub gid: u32,
}

/// Makes a directory, and those above it that are missing; an existing one only gets the rights.
///
/// # Errors
/// What mkdir(2), chown(2) and chmod(2) answer.
pub fn dir(path: &Path, rights: Rights) -> io::Result<()> {
    dirs(path)?;
    set_rights(path, rights)
}

/// Makes a directory and those above it, 0755, where they are missing.
///
/// # Errors
/// What mkdir(2) answers.
pub fn dirs(path: &Path) -> io::Result<()> {
    if let Some(above) = path.parent()
        && rustix::fs::stat(above).is_err_and(|errno| errno == Errno::NOENT)
    {
        dirs(above)?;
    }
    match rustix::fs::mkdir(path, Mode::from_raw_mode(0o755)) {
        Ok(()) => chmod(path, 0o755),
        Err(Errno::EXIST) => Ok(()),
        Err(other) => Err(other.into()),
    }
}

/// Makes a regular file, or empties the one that is there, and opens it for writing.
///
/// # Errors
/// What open(2) answers.
pub fn file(path: &Path) -> io::Result<std::fs::File> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::TRUNC | OFlags::CLOEXEC;
    Ok(rustix::fs::openat(CWD, path, flags, Mode::from_raw_mode(0o644))?.into())
}

/// Writes zeros until so many are written; really, so that they take room.
///
/// # Errors
/// What write(2) answers.
pub fn fill(mut file: &std::fs::File, mut bytes: u64) -> io::Result<()> {
    const PIECE: &[u8] = &[0; 1 << 16];
    while bytes > 0 {
        let length = usize::try_from(bytes).unwrap_or(PIECE.len()).min(PIECE.len());
        let piece = PIECE.get(..length).unwrap_or(PIECE);
        file.write_all(piece)?;
        bytes = bytes.saturating_sub(piece.len() as u64);
    }
    Ok(())
}

/// Sets owner, then mode: changing the owner takes special bits away.
///
/// # Errors
/// What chown(2) and chmod(2) answer: EINVAL for an id that this user namespace does not know.
pub fn set_rights(path: &Path, rights: Rights) -> io::Result<()> {
    own(path, rights.uid, rights.gid)?;
    chmod(path, rights.mode)
}

/// Changes owner and group of what lies there, not of what a link leads to.
///
/// # Errors
/// What chown(2) answers.
pub fn own(path: &Path, uid: u32, gid: u32) -> io::Result<()> {
    let owner = (Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)));
    Ok(rustix::fs::chownat(CWD, path, owner.0, owner.1, AtFlags::SYMLINK_NOFOLLOW)?)
}

/// Changes permission bits.
///
/// # Errors
/// What chmod(2) answers.
pub fn chmod(path: &Path, mode: u32) -> io::Result<()> {
    Ok(rustix::fs::chmod(path, Mode::from_raw_mode(mode))?)
}

/// Makes a symbolic link.
///
/// # Errors
/// What symlink(2) answers.
pub fn link(path: &Path, to: &Path) -> io::Result<()> {
    Ok(rustix::fs::symlink(to, path)?)
}

/// Gives a file one more name.
///
/// # Errors
/// What link(2) answers.
pub fn second_name(path: &Path, name: &Path) -> io::Result<()> {
    Ok(rustix::fs::link(path, name)?)
}

/// Makes a named pipe that anybody may use.
///
/// # Errors
/// What mkfifo(2) answers.
pub fn fifo(path: &Path) -> io::Result<()> {
    rustix::fs::mkfifoat(CWD, path, Mode::from_raw_mode(0o666))?;
    chmod(path, 0o666)
}

/// Makes a device file.
///
/// # Errors
/// What mknod(2) answers: EPERM in a user namespace.
pub fn device(path: &Path, kind: Device, mode: u32, numbers: (u32, u32)) -> io::Result<()> {
    let kind = match kind {
        Device::Character => FileType::CharacterDevice,
        Device::Block => FileType::BlockDevice,
    };
    let numbers = rustix::fs::makedev(numbers.0, numbers.1);
    rustix::fs::mknodat(CWD, path, kind, Mode::from_raw_mode(mode), numbers)?;
    chmod(path, mode)
}

/// Kinds of device files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Device {
    /// `c`.
    Character,
    /// `b`.
    Block,
}

/// Renames.
///
/// # Errors
/// What rename(2) answers.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    Ok(rustix::fs::rename(from, to)?)
}

/// Sets atime and mtime so many seconds back; ctime and btime are the kernel's own.
///
/// # Errors
/// What utimensat(2) answers.
pub fn date_back(path: &Path, seconds: u64) -> io::Result<()> {
    let now = clock::wall_nanos() / 1_000_000_000;
    let then = now.saturating_sub(i64::try_from(seconds).unwrap_or(i64::MAX));
    let stamp = Timespec { tv_sec: then, tv_nsec: 0 };
    let stamps = Timestamps { last_access: stamp, last_modification: stamp };
    Ok(rustix::fs::utimensat(CWD, path, &stamps, AtFlags::SYMLINK_NOFOLLOW)?)
}

/// Sets an extended attribute.
///
/// # Errors
/// What setxattr(2) answers.
pub fn set_attribute(path: &Path, name: &str, value: &[u8]) -> io::Result<()> {
    Ok(rustix::fs::setxattr(path, name, value, XattrFlags::empty())?)
}

/// Permission bits of what lies there.
///
/// # Errors
/// What stat(2) answers.
pub fn mode_of(path: &Path) -> io::Result<u32> {
    Ok(rustix::fs::stat(path)?.st_mode & 0o7777)
}

/// A file without a name that a program started by us reads: requests too long for an argument.
///
/// # Errors
/// What memfd_create(2) and write(2) answer.
pub fn note(bytes: &[u8]) -> io::Result<OwnedFd> {
    let fd = rustix::fs::memfd_create("request", rustix::fs::MemfdFlags::CLOEXEC)?;
    let mut file = std::fs::File::from(fd);
    file.write_all(bytes)?;
    io::Seek::rewind(&mut file)?;
    Ok(file.into())
}
