//! Locks on what is open in temp dirs: a task keeps its directory by one, and a cleaner must honour it.
//!
//! Called by `collect::holders` and `collect::surroundings`. Source: proc_locks(5).

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use crate::collect::owners;
use crate::collect::parse::{decimal, fdinfo, lines, number, words};
use crate::model::holder::{Holding, How};
use crate::model::mount::Device;
use crate::model::process::{Pid, ProcessTable};
use crate::sys::{dirfd, stat};

/// More locks than this are looked at by nobody.
const TABLE_MAX: usize = 4 << 20;
/// More than an fdinfo with a hundred locks has.
const INFO_MAX: usize = 16 << 10;
/// How many open files are compared with the locks.
const COMPARED_MAX: usize = 4096;

/// One lock that is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lock {
    /// Who took it; children may hold it on after the taker is gone, and locks of open files name nobody.
    pub pid: Option<Pid>,
    /// The device of the file system; on btrfs not that of stat(2).
    pub device: Device,
    /// The inode of the file.
    pub inode: u64,
}

/// All locks of this machine that are held.
///
/// # Errors
/// Where the table cannot be read, ENOENT on a kernel without locks.
pub fn held(proc: BorrowedFd<'_>) -> io::Result<Vec<Lock>> {
    let file = dirfd::open_procfs_file(proc, b"locks")?;
    Ok(parse(&dirfd::read_bounded(&file, TABLE_MAX)?.0))
}

/// Adds a hold for each lock on a file that is held in a temp dir already.
pub fn add(table: &ProcessTable, holdings: &mut Vec<(Holding, usize)>) {
    let Ok(proc) = dirfd::open_trusted_dir(b"/proc") else { return };
    let Ok(locks) = held(proc.as_fd()) else { return };
    let is_known = |pid: Pid| table.by_pid.contains_key(&pid);
    let mut found = Vec::new();
    for (holding, dir) in
        holdings.iter().filter(|(h, _)| may_be_locked(h, &locks, is_known)).take(COMPARED_MAX)
    {
        let How::Fd(number) = holding.how else { continue };
        let link = format!("{}/fd/{number}", holding.pid);
        // The file itself is open there, so its inode is known without asking its file system.
        let Ok(stat) = stat::through_magic(proc.as_fd(), link.as_bytes()) else { continue };
        let object = (owners::device(stat.device), stat.inode);
        let by = |lock: &&Lock| lock.pid.is_none_or(|pid| pid == holding.pid || !is_known(pid));
        let info = format!("{}/fdinfo/{number}", holding.pid);
        let told = || tells_of_lock(proc.as_fd(), info.as_bytes());
        if is_locked(locks.iter().filter(by), object, told) {
            found.push((
                Holding { how: How::Lock, object: Some(object), pins: None, ..holding.clone() },
                *dir,
            ));
        }
    }
    holdings.extend(found);
}

/// Whether one of these locks is on that object. Inode numbers are those of one file system only; where the devices differ,
/// as on btrfs they always do, the descriptor itself tells.
fn is_locked<'a>(
    locks: impl Iterator<Item = &'a Lock>,
    (device, inode): (Device, u64),
    told: impl Fn() -> bool,
) -> bool {
    let mut same_inode = locks.filter(|lock| lock.inode == inode).peekable();
    same_inode.peek().is_some() && (same_inode.any(|lock| lock.device == device) || told())
}

/// Since Linux 4.1 fdinfo has a line for each lock that is held through the descriptor.
fn tells_of_lock(proc: BorrowedFd<'_>, info: &[u8]) -> bool {
    let text = dirfd::open_procfs_file(proc, info).and_then(|file| dirfd::read_bounded(&file, INFO_MAX));
    text.is_ok_and(|(text, _)| fdinfo::parse(&text).locked)
}

fn may_be_locked(holding: &Holding, locks: &[Lock], is_known: impl Fn(Pid) -> bool) -> bool {
    matches!(holding.how, How::Fd(_))
        && locks.iter().any(|lock| lock.pid.is_none_or(|pid| pid == holding.pid || !is_known(pid)))
}

/// Held locks; lines with `->` are of those who wait.
fn parse(text: &[u8]) -> Vec<Lock> {
    lines(text).filter_map(parse_line).collect()
}

fn parse_line(line: &[u8]) -> Option<Lock> {
    let mut fields = words(line).skip(1);
    let kind = fields.next()?;
    if kind == b"->" {
        return None;
    }
    let pid = fields.nth(2)?;
    // The device in hexadecimal, the inode in decimal. Source: the kernel's fs/locks.c, lock_get_status.
    let mut object = fields.next()?.split(|b| *b == b':');
    let mut part = || object.next().and_then(|digits| number(digits, 16)).and_then(|n| u32::try_from(n).ok());
    let device = Device { major: part()?, minor: part()? };
    let inode = object.next().and_then(decimal)?;
    let pid = decimal(pid).and_then(|pid| Pid::try_from(pid).ok()).filter(|pid| *pid != 0);
    Some(Lock { pid, device, inode })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DISK: Device = Device { major: 0xfe, minor: 1 };
    const TMPFS: Device = Device { major: 0, minor: 0x1d };

    #[test]
    fn reads_held_locks_and_leaves_out_those_that_wait() {
        let text = b"1: FLOCK  ADVISORY  WRITE 1234 fe:01:131 0 EOF\n\
            1: -> FLOCK  ADVISORY  WRITE 1300 fe:01:131 0 EOF\n\
            2: OFDLCK ADVISORY  READ -1 00:1d:77 0 EOF\n\
            3: POSIX  ADVISORY  WRITE 0 00:1d:78 128 128\n\
            garbage\n4: FLOCK ADVISORY WRITE 7 fe:01 0 EOF\n";
        let lock = |pid, device, inode| Lock { pid, device, inode };
        assert_eq!(parse(text), [lock(Some(1234), DISK, 131), lock(None, TMPFS, 77), lock(None, TMPFS, 78)]);
    }

    #[test]
    fn a_lock_on_the_same_inode_of_another_file_system_is_none() {
        let locks = [Lock { pid: Some(7), device: DISK, inode: 131 }];
        assert!(is_locked(locks.iter(), (DISK, 131), || false));
        assert!(!is_locked(locks.iter(), (TMPFS, 131), || false));
        assert!(is_locked(locks.iter(), (TMPFS, 131), || true), "the descriptor says that it holds one");
        assert!(!is_locked(locks.iter(), (DISK, 132), || true), "somebody else's question");
    }

    proptest! {
        #[test]
        fn never_panics(text: Vec<u8>) {
            parse(&text);
        }
    }
}
