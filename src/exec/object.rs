//! Which object a handle is on, as a plan names it.

use std::io;
use std::os::fd::BorrowedFd;

use rustix::fs::FileType;
use rustix::io::Errno;

use crate::model::mount::Device;
use crate::model::plan::ObjectId;
use crate::model::units::WallNanos;
use crate::model::vantage::Kind;
use crate::sys::enter;
use crate::sys::stat::{self, Stat};

/// Looks at the object behind a handle.
///
/// # Errors
/// ENOSYS where the kernel does not tell mounts apart (Linux < 5.8); else those of statx(2).
pub fn of(node: BorrowedFd<'_>) -> io::Result<(ObjectId, Stat)> {
    let stat = stat::of(node)?;
    Ok((id_of(&stat)?, stat))
}

/// The identity of `name` in a directory, in one call: a mount at that name has another one.
///
/// # Errors
/// As [`of`].
pub fn at(dir: BorrowedFd<'_>, name: &[u8]) -> io::Result<ObjectId> {
    id_of(&enter::look(dir, name)?)
}

/// The identity in what statx(2) said.
///
/// # Errors
/// As [`of`].
pub fn id_of(stat: &Stat) -> io::Result<ObjectId> {
    let mount_id = stat.mount_id.ok_or(Errno::NOSYS)?;
    Ok(ObjectId {
        mount_id,
        device: Device { major: stat.device.0, minor: stat.device.1 },
        inode: stat.inode,
        kind: kind_of(stat).ok_or(Errno::INVAL)?,
        born: stat.born.map(WallNanos),
    })
}

fn kind_of(stat: &Stat) -> Option<Kind> {
    Some(match stat.kind() {
        FileType::Directory => Kind::Directory,
        FileType::RegularFile => Kind::File,
        FileType::Symlink => Kind::Link,
        FileType::Socket => Kind::Socket,
        FileType::Fifo => Kind::Fifo,
        FileType::CharacterDevice => Kind::CharDevice,
        FileType::BlockDevice => Kind::BlockDevice,
        FileType::Unknown => return None,
    })
}
