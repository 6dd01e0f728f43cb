//! statvfs(3) on handles: how much room a file system has.

use std::io;
use std::os::fd::BorrowedFd;

use rustix::fs::StatVfsMountFlags;
use serde::{Deserialize, Serialize};

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

/// Room on the file system of the object behind a handle.
///
/// # Errors
/// Those of fstatfs(2), which answers for `O_PATH` handles since Linux 3.12.
pub fn of(node: BorrowedFd<'_>) -> io::Result<Room> {
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

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;

    use super::*;
    use crate::sys::dirfd;

    #[test]
    fn measures_room_through_a_path_handle() {
        let handle = dirfd::open_trusted_dir(b"/").unwrap();
        let room = of(handle.as_fd()).unwrap();
        assert!(room.free <= room.total);
        assert!(room.available <= room.free);
    }
}
