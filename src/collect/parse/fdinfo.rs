//! One open descriptor. Source: proc_pid_fdinfo(5).

use crate::collect::parse::{decimal, labelled, lines, number};

/// What the kernel tells of a descriptor; fields that it does not write are `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FdInfo {
    /// Offset.
    pub position: Option<u64>,
    /// Flags of open(2).
    pub flags: Option<u64>,
    /// Id of the mount that it was opened on, since Linux 3.15.
    pub mount_id: Option<u64>,
    /// Inode, since Linux 5.14.
    pub inode: Option<u64>,
    /// Whether a lock (flock, POSIX) or a lease is held through it, since Linux 4.1.
    pub locked: bool,
}

/// Parses the file; the lines that kinds of files add of their own are passed over.
pub fn parse(text: &[u8]) -> FdInfo {
    let mut out = FdInfo::default();
    for line in lines(text) {
        if let Some(value) = labelled(line, "pos") {
            out.position = decimal(value);
        } else if let Some(value) = labelled(line, "flags") {
            out.flags = number(value, 8);
        } else if let Some(value) = labelled(line, "mnt_id") {
            out.mount_id = decimal(value);
        } else if let Some(value) = labelled(line, "ino") {
            out.inode = decimal(value);
        } else if labelled(line, "lock").is_some() {
            out.locked = true;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_the_common_lines() {
        let text = b"pos:\t12\nflags:\t02100002\nmnt_id:\t29\nino:\t131073\nlock:\t1: FLOCK  ADVISORY  WRITE 7 fe:01:131073 0 EOF\n";
        let found = parse(text);
        assert_eq!((found.position, found.flags), (Some(12), Some(0o2_100_002)));
        assert_eq!((found.mount_id, found.inode, found.locked), (Some(29), Some(131_073), true));
        let old = parse(b"pos:\t0\nflags:\t0100000\n");
        assert_eq!((old.mount_id, old.inode, old.locked), (None, None, false));
    }

    proptest! {
        #[test]
        fn never_panics(text: Vec<u8>) {
            parse(&text);
        }

        #[test]
        fn reads_back_numbers(position: u64, mount: u64, inode: u64) {
            let found = parse(format!("pos:\t{position}\nflags:\t0\nmnt_id:\t{mount}\nino:\t{inode}\n").as_bytes());
            prop_assert_eq!((found.position, found.mount_id, found.inode), (Some(position), Some(mount), Some(inode)));
        }
    }
}
