//! Leases: whoever opens such a file for a mere look asks its holder to give it up, even where the open itself is refused.
//!
//! So the kernel's table is asked first, at most a few times a second. Devices are not compared, for that of the table need
//! not be that of stat(2); a lease on the same inode elsewhere only makes a look more careful. Sources: fcntl(2), "Leases";
//! proc_locks(5). Called by `exec`.

use std::collections::BTreeSet;
use std::io;
use std::os::fd::AsFd;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::clock::Stopwatch;
use super::dirfd;

/// So long a table counts as the present one.
const FRESH: Duration = Duration::from_millis(250);
/// More than any machine has locks.
const TABLE_MAX: usize = 4 << 20;

/// The inodes of one look, and when that was.
static LAST: Mutex<Option<(Stopwatch, BTreeSet<u64>)>> = Mutex::new(None);

/// Whether somebody may have a lease on an object of that inode.
///
/// # Errors
/// Where the table cannot be read; a kernel without one has no leases.
pub fn may_be_on(inode: u64) -> io::Result<bool> {
    let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    let is_fresh = last.as_ref().is_some_and(|(watch, _)| !watch.left_of(FRESH).is_zero());
    if !is_fresh {
        *last = Some((Stopwatch::start(), table()?));
    }
    Ok(last.as_ref().is_some_and(|(_, inodes)| inodes.contains(&inode)))
}

fn table() -> io::Result<BTreeSet<u64>> {
    let proc = dirfd::open_trusted_dir(b"/proc")?;
    match dirfd::open_procfs_file(proc.as_fd(), b"locks") {
        Ok(file) => Ok(parse(&dirfd::read_bounded(&file, TABLE_MAX)?.0)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(BTreeSet::new()),
        Err(error) => Err(error),
    }
}

fn parse(text: &[u8]) -> BTreeSet<u64> {
    let lines = text.split(|byte| *byte == b'\n').filter_map(|line| std::str::from_utf8(line).ok());
    lines.filter_map(lease).collect()
}

/// `4: LEASE  ACTIVE    WRITE 4514 fe:01:131 0 EOF`
fn lease(line: &str) -> Option<u64> {
    let mut words = line.split_ascii_whitespace().skip(1).filter(|word| *word != "->");
    matches!(words.next()?, "LEASE" | "DELEG").then_some(())?;
    words.nth(3)?.rsplit(':').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_leases_among_locks() {
        let text =
            b"1: FLOCK  ADVISORY  WRITE 1234 fe:01:131 0 EOF\n2: LEASE  ACTIVE    WRITE 77 fe:01:132 0 EOF\n\
            3: DELEG  BREAKING  READ 77 00:2a:133 0 EOF\nLEASE\n5: LEASE \xff\n";
        assert_eq!(parse(text), [132, 133].into());
    }
}
