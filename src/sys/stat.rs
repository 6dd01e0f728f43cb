//! statx(2) on handles and names: what an object is.
//!
//! Always with `AT_STATX_DONT_SYNC` (a remote server is not asked) and `AT_NO_AUTOMOUNT` (nothing gets mounted by our
//! looking). Called by `sys::walk` and `collect`, which give the numbers their meaning.

use std::ffi::CStr;
use std::io;
use std::os::fd::BorrowedFd;

use rustix::fs::{AtFlags, FileType, Statx, StatxAttributes, StatxFlags};
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
mod tests {
    use std::fs::File;
    use std::os::fd::AsFd;

    use super::*;
    use crate::sys::{dirfd, scratch};

    #[test]
    fn tells_kinds_owners_and_links_apart() {
        let dir = scratch::dir();
        std::os::unix::fs::symlink("nowhere", dir.path().join("link")).unwrap();
        File::create(dir.path().join("file")).unwrap();
        let handle = dirfd::open_trusted_dir(scratch::bytes(&dir)).unwrap();
        assert!(of(handle.as_fd()).unwrap().is_directory());
        assert!(at(handle.as_fd(), c"link").unwrap().is_link());
        let file = at(handle.as_fd(), c"file").unwrap();
        assert!(file.is_regular());
        assert_eq!((file.links, file.size), (1, 0));
        assert_eq!(
            at(handle.as_fd(), c"none").unwrap_err().raw_os_error(),
            Some(Errno::NOENT.raw_os_error())
        );
    }

    #[test]
    fn the_fallback_agrees_with_statx() {
        let dir = scratch::dir();
        let handle = dirfd::open_trusted_dir(scratch::bytes(&dir)).unwrap();
        let new = of(handle.as_fd()).unwrap();
        let old = plain(&rustix::fs::statat(&handle, c"", AtFlags::EMPTY_PATH).unwrap());
        assert_eq!((new.mode, new.uid, new.device, new.inode), (old.mode, old.uid, old.device, old.inode));
        assert_eq!((new.modified, new.changed, new.links), (old.modified, old.changed, old.links));
    }

    #[test]
    fn a_removed_directory_has_no_links_left() {
        let dir = scratch::dir();
        let inner = dir.path().join("inner");
        std::fs::create_dir(&inner).unwrap();
        let parent = dirfd::open_trusted_dir(scratch::bytes(&dir)).unwrap();
        let handle = dirfd::open_node(parent.as_fd(), b"inner").unwrap();
        rustix::fs::unlinkat(&parent, "inner", AtFlags::REMOVEDIR).unwrap();
        assert_eq!(of(handle.as_fd()).unwrap().links, 0);
    }

    #[test]
    fn the_brief_look_takes_the_newest_stamp() {
        let dir = scratch::dir();
        let file = File::create(dir.path().join("old")).unwrap();
        let past = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_000);
        file.set_times(std::fs::FileTimes::new().set_accessed(past).set_modified(past)).unwrap();
        let handle = dirfd::open_trusted_dir(scratch::bytes(&dir)).unwrap();
        let full = at(handle.as_fd(), c"old").unwrap();
        assert_eq!(full.modified, 1_000_000_000_000);
        assert!(full.changed > full.modified, "extraction keeps the mtime, but not the ctime");
        assert_eq!(brief_at(handle.as_fd(), c"old").unwrap().newest, full.newest());
    }
}
