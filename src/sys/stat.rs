//! statx(2) and statvfs(3) on handles and names: what an object is, and how much room its file system has.
//!
//! Always with `AT_STATX_DONT_SYNC` (a remote server is not asked) and `AT_NO_AUTOMOUNT` (nothing gets mounted by our
//! looking). Called by `sys::walk` and `collect`, which give the numbers their meaning.

use std::ffi::CStr;
use std::io;
use std::os::fd::BorrowedFd;

use rustix::fs::{AtFlags, FileType, StatVfsMountFlags, Statx, StatxAttributes, StatxFlags};
use rustix::io::Errno;
use rustix::path::Arg;
use serde::{Deserialize, Serialize};

/// What statx(2) says of one object. Times are nanoseconds since 1970.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stat {
    /// Type and permission bits, as in `st_mode`.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Link count.
    pub links: u64,
    /// Size in bytes.
    pub size: u64,
    /// Room that it takes, in bytes.
    pub taken: u64,
    /// Device of its file system.
    pub device: (u32, u32),
    /// For a device node: which.
    pub special: (u32, u32),
    /// Inode.
    pub inode: u64,
    /// Id of the mount through which it was reached, where the kernel tells (Linux 5.8).
    pub mount_id: Option<u64>,
    /// Whether it is the root of a mount, where the kernel tells (Linux 5.8).
    pub mount_root: Option<bool>,
    /// `chattr +i`.
    pub immutable: bool,
    /// `chattr +a`.
    pub append_only: bool,
    /// Last read.
    pub accessed: i64,
    /// Last change of content.
    pub modified: i64,
    /// Last change of the inode.
    pub changed: i64,
    /// Birth, where the file system knows.
    pub born: Option<i64>,
}

impl Stat {
    /// What kind of object it is.
    pub fn kind(&self) -> FileType {
        FileType::from_raw_mode(self.mode)
    }

    /// Whether it is a directory.
    pub fn is_directory(&self) -> bool {
        self.kind() == FileType::Directory
    }

    /// Whether it is a regular file.
    pub fn is_regular(&self) -> bool {
        self.kind() == FileType::RegularFile
    }

    /// Whether it is a symbolic link.
    pub fn is_link(&self) -> bool {
        self.kind() == FileType::Symlink
    }

    /// The newest of its stamps, as systemd-tmpfiles(8) reckons age.
    pub fn newest(&self) -> i64 {
        let newest = self.accessed.max(self.modified).max(self.changed);
        self.born.map_or(newest, |born| newest.max(born))
    }
}

/// Room on a file system, in bytes and inodes. Source: statvfs(3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Room {
    /// Size.
    pub total: u64,
    /// Free, the reserve of root included.
    pub free: u64,
    /// Free for everybody.
    pub available: u64,
    /// Inodes.
    pub inodes: u64,
    /// Free inodes.
    pub inodes_free: u64,
    /// ST_RDONLY.
    pub read_only: bool,
    /// ST_NOEXEC.
    pub no_exec: bool,
}

const LOOK: AtFlags = AtFlags::STATX_DONT_SYNC.union(AtFlags::NO_AUTOMOUNT);

/// Everything that [`Stat`] holds.
fn all() -> StatxFlags {
    StatxFlags::BASIC_STATS | StatxFlags::BTIME | StatxFlags::MNT_ID
}

/// Looks at the object behind a handle.
///
/// # Errors
/// Those of statx(2).
pub fn of(node: BorrowedFd<'_>) -> io::Result<Stat> {
    match rustix::fs::statx(node, c"", LOOK | AtFlags::EMPTY_PATH, all()) {
        Ok(found) => Ok(stat_of(&found)),
        // Some sandboxes do not know statx(2).
        Err(Errno::NOSYS) => Ok(plain(&rustix::fs::statat(node, c"", AtFlags::EMPTY_PATH)?)),
        Err(error) => Err(error.into()),
    }
}

/// Looks at `name` in `dir`, itself if it is a link. A name that has its NUL already costs no copy.
///
/// # Errors
/// Those of statx(2).
pub fn at(dir: BorrowedFd<'_>, name: &CStr) -> io::Result<Stat> {
    look(dir, name, AtFlags::SYMLINK_NOFOLLOW)
}

/// The same for a name that has no NUL behind it yet.
///
/// # Errors
/// Those of statx(2).
pub fn named(dir: BorrowedFd<'_>, name: &[u8]) -> io::Result<Stat> {
    look(dir, name, AtFlags::SYMLINK_NOFOLLOW)
}

/// Looks at what a magic link of procfs (`fd/7` below an opened `/proc/PID`) leads to: the open file itself.
///
/// # Errors
/// Those of statx(2).
pub fn through_magic(dir: BorrowedFd<'_>, link: &[u8]) -> io::Result<Stat> {
    look(dir, link, AtFlags::empty())
}

fn look<P: Arg + Copy>(dir: BorrowedFd<'_>, name: P, links: AtFlags) -> io::Result<Stat> {
    match rustix::fs::statx(dir, name, LOOK | links, all()) {
        Ok(found) => Ok(stat_of(&found)),
        Err(Errno::NOSYS) => Ok(plain(&rustix::fs::statat(dir, name, links | AtFlags::NO_AUTOMOUNT)?)),
        Err(error) => Err(error.into()),
    }
}

/// What a count of many entries needs of each, and no more.
#[derive(Clone, Copy, Debug)]
pub struct Brief {
    /// Type and permission bits.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Room that it takes, in bytes.
    pub taken: u64,
    /// The newest of its stamps.
    pub newest: i64,
}

/// The brief look at `name` in `dir`, itself if it is a link: a small mask spares file systems that must work for the rest.
///
/// # Errors
/// Those of statx(2).
pub fn brief_at(dir: BorrowedFd<'_>, name: &CStr) -> io::Result<Brief> {
    let mask = StatxFlags::TYPE
        | StatxFlags::UID
        | StatxFlags::ATIME
        | StatxFlags::MTIME
        | StatxFlags::CTIME
        | StatxFlags::BTIME
        | StatxFlags::BLOCKS;
    match rustix::fs::statx(dir, name, LOOK | AtFlags::SYMLINK_NOFOLLOW, mask) {
        Ok(found) => Ok(brief_of(&found)),
        Err(Errno::NOSYS) => {
            let stat = at(dir, name)?;
            Ok(Brief { mode: stat.mode, uid: stat.uid, taken: stat.taken, newest: stat.newest() })
        }
        Err(error) => Err(error.into()),
    }
}

/// Room on the file system of the object behind a handle.
///
/// # Errors
/// Those of fstatfs(2), which answers for `O_PATH` handles since Linux 3.12.
pub fn room(node: BorrowedFd<'_>) -> io::Result<Room> {
    let found = rustix::fs::fstatvfs(node)?;
    Ok(Room {
        total: found.f_blocks.saturating_mul(found.f_frsize),
        free: found.f_bfree.saturating_mul(found.f_frsize),
        available: found.f_bavail.saturating_mul(found.f_frsize),
        inodes: found.f_files,
        inodes_free: found.f_ffree,
        read_only: found.f_flag.contains(StatVfsMountFlags::RDONLY),
        no_exec: found.f_flag.contains(StatVfsMountFlags::NOEXEC),
    })
}

fn brief_of(found: &Statx) -> Brief {
    let nanos = |stamp: &rustix::fs::StatxTimestamp| nanos(stamp.tv_sec, stamp.tv_nsec.into());
    let mut newest = nanos(&found.stx_atime).max(nanos(&found.stx_mtime)).max(nanos(&found.stx_ctime));
    if found.stx_mask & StatxFlags::BTIME.bits() != 0 {
        newest = newest.max(nanos(&found.stx_btime));
    }
    Brief {
        mode: found.stx_mode.into(),
        uid: found.stx_uid,
        taken: found.stx_blocks.saturating_mul(512),
        newest,
    }
}

fn stat_of(found: &Statx) -> Stat {
    let nanos = |stamp: &rustix::fs::StatxTimestamp| nanos(stamp.tv_sec, stamp.tv_nsec.into());
    let knows = |flag: StatxFlags| found.stx_mask & flag.bits() != 0;
    let has = |flag: StatxAttributes| found.stx_attributes.contains(flag);
    let tells_root = found.stx_attributes_mask.contains(StatxAttributes::MOUNT_ROOT);
    Stat {
        mode: found.stx_mode.into(),
        uid: found.stx_uid,
        gid: found.stx_gid,
        links: found.stx_nlink.into(),
        size: found.stx_size,
        taken: found.stx_blocks.saturating_mul(512),
        device: (found.stx_dev_major, found.stx_dev_minor),
        special: (found.stx_rdev_major, found.stx_rdev_minor),
        inode: found.stx_ino,
        mount_id: knows(StatxFlags::MNT_ID).then_some(found.stx_mnt_id),
        mount_root: tells_root.then(|| has(StatxAttributes::MOUNT_ROOT)),
        immutable: has(StatxAttributes::IMMUTABLE),
        append_only: has(StatxAttributes::APPEND),
        accessed: nanos(&found.stx_atime),
        modified: nanos(&found.stx_mtime),
        changed: nanos(&found.stx_ctime),
        born: knows(StatxFlags::BTIME).then(|| nanos(&found.stx_btime)),
    }
}

/// What stat(2) knows: no birth, no mount, no attributes.
fn plain(found: &rustix::fs::Stat) -> Stat {
    let device = |number| (rustix::fs::major(number), rustix::fs::minor(number));
    let fraction = |part| i64::try_from(part).unwrap_or_default();
    Stat {
        mode: found.st_mode,
        uid: found.st_uid,
        gid: found.st_gid,
        links: whole(found.st_nlink),
        size: whole(found.st_size),
        taken: whole(found.st_blocks).saturating_mul(512),
        device: device(found.st_dev),
        special: device(found.st_rdev),
        inode: found.st_ino,
        accessed: nanos(found.st_atime, fraction(found.st_atime_nsec)),
        modified: nanos(found.st_mtime, fraction(found.st_mtime_nsec)),
        changed: nanos(found.st_ctime, fraction(found.st_ctime_nsec)),
        ..Stat::default()
    }
}

/// The fields of `struct stat` have another width on each architecture.
fn whole(number: impl TryInto<u64>) -> u64 {
    number.try_into().unwrap_or_default()
}

/// Saturates in the years 1677 and 2262, far outside what a sane clock writes.
fn nanos(seconds: i64, fraction: i64) -> i64 {
    seconds.saturating_mul(1_000_000_000).saturating_add(fraction)
}

#[cfg(test)]
#[path = "stat_tests.rs"]
mod tests;
