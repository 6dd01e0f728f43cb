//! Locks on what is open in temp dirs: a task keeps its directory by one, and a cleaner must honour it.
//!
//! Called by `collect::holders`. Source: proc_locks(5).

use std::os::fd::AsFd;

use crate::collect::owners;
use crate::collect::parse::{decimal, lines, words};
use crate::model::holder::{Holding, How};
use crate::model::process::{Pid, ProcessTable};
use crate::sys::{dirfd, stat};

/// More locks than this are looked at by nobody.
const TABLE_MAX: usize = 4 << 20;
/// How many open files are compared with the locks.
const COMPARED_MAX: usize = 4096;

/// One lock that is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Lock {
    /// Who took it; children may hold it on after the taker is gone, and locks of open files name nobody.
    pid: Option<Pid>,
    inode: u64,
}

/// Adds a hold for each lock on a file that is held in a temp dir already.
pub fn add(table: &ProcessTable, holdings: &mut Vec<(Holding, usize)>) {
    let Ok(proc) = dirfd::open_trusted_dir(b"/proc") else { return };
    let text = dirfd::open_procfs_file(proc.as_fd(), b"locks")
        .and_then(|file| dirfd::read_bounded(&file, TABLE_MAX));
    let Ok((text, _)) = text else { return };
    let locks = parse(&text);
    let is_known = |pid: Pid| table.by_pid.contains_key(&pid);
    let mut found = Vec::new();
    for (holding, dir) in
        holdings.iter().filter(|(h, _)| may_be_locked(h, &locks, is_known)).take(COMPARED_MAX)
    {
        let How::Fd(number) = holding.how else { continue };
        let link = format!("{}/fd/{number}", holding.pid);
        // The file itself is open there, so its inode is known without asking its file system.
        let Ok(stat) = stat::through_magic(proc.as_fd(), link.as_bytes()) else { continue };
        let fits = |lock: &Lock| {
            lock.inode == stat.inode && lock.pid.is_none_or(|p| p == holding.pid || !is_known(p))
        };
        if locks.iter().any(fits) {
            let object = Some((owners::device(stat.device), stat.inode));
            found.push((Holding { how: How::Lock, object, pins: None, ..holding.clone() }, *dir));
        }
    }
    holdings.extend(found);
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
    let inode = fields.next()?.rsplit(|b| *b == b':').next().and_then(decimal)?;
    let pid = decimal(pid).and_then(|pid| Pid::try_from(pid).ok()).filter(|pid| *pid != 0);
    Some(Lock { pid, inode })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_held_locks_and_leaves_out_those_that_wait() {
        let text = b"1: FLOCK  ADVISORY  WRITE 1234 fe:01:131 0 EOF\n\
            1: -> FLOCK  ADVISORY  WRITE 1300 fe:01:131 0 EOF\n\
            2: OFDLCK ADVISORY  READ -1 00:1d:77 0 EOF\n\
            3: POSIX  ADVISORY  WRITE 0 00:1d:78 128 128\n\
            garbage\n";
        let lock = |pid, inode| Lock { pid, inode };
        assert_eq!(parse(text), [lock(Some(1234), 131), lock(None, 77), lock(None, 78)]);
    }
}
