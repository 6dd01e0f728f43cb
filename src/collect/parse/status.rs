//! Credentials, mask and filters of a process. Source: proc_pid_status(5).
//!
//! The kernel escapes newlines and backslashes in `Name`, so a line that starts with a label is genuine.

use crate::collect::parse::{lines, number, split_once, words};
use crate::model::process::Credentials;

/// SECCOMP_MODE_FILTER. Source: seccomp(2).
const FILTER: u64 = 2;

/// What a status file says; `None` for lines that this kernel does not write.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Uid and Gid (the file system ones), Groups, CapEff.
    pub credentials: Option<Credentials>,
    /// Umask, since Linux 4.7.
    pub umask: Option<u32>,
    /// Whether seccomp filters are in force.
    pub filtered: Option<bool>,
}

/// Parses the file. The user name is left open: it takes the passwd file of the process.
pub fn parse(text: &[u8]) -> Status {
    let mut out = Status::default();
    let (mut uid, mut gid, mut capabilities) = (None, None, None);
    let mut groups: Vec<u32> = Vec::new();
    // One look at the label a line: of some sixty lines six are wanted.
    for (label, rest) in lines(text).filter_map(|line| split_once(line, b':')) {
        let value = rest.trim_ascii();
        match label {
            b"Uid" => uid = fs_id(value),
            b"Gid" => gid = fs_id(value),
            b"Groups" => groups = words(value).filter_map(|id| small(id, 10)).collect(),
            b"CapEff" => capabilities = number(value, 16),
            b"Umask" => out.umask = small(value, 8),
            b"Seccomp" => out.filtered = number(value, 10).map(|mode| mode == FILTER),
            _ => {}
        }
    }
    groups.sort_unstable();
    groups.dedup();
    if let (Some(uid), Some(gid), Some(capabilities)) = (uid, gid, capabilities) {
        out.credentials = Some(Credentials { uid, gid, groups, capabilities, user: None });
    }
    out
}

/// Real, effective, saved, file system: the last decides about files.
fn fs_id(ids: &[u8]) -> Option<u32> {
    small(words(ids).nth(3)?, 10)
}

fn small(digits: &[u8], base: u32) -> Option<u32> {
    number(digits, base).and_then(|n| u32::try_from(n).ok())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_what_decides_about_files() {
        let text = b"Name:\tx\\nUid:\t0\t0\t0\t0\nUmask:\t0027\nState:\tS (sleeping)\nUid:\t1\t2\t3\t1000\nGid:\t1\t2\t3\t1001\n\
                     FDSize:\t64\nGroups:\t27 4 1001 \nCapEff:\t00000000a80425fb\nSeccomp:\t2\nSeccomp_filters:\t1\n";
        let status = parse(text);
        let credentials = status.credentials.unwrap();
        assert_eq!((credentials.uid, credentials.gid), (1000, 1001));
        assert_eq!(credentials.groups, [4, 27, 1001]);
        assert_eq!(credentials.capabilities, 0xa804_25fb);
        assert_eq!((status.umask, status.filtered), (Some(0o027), Some(true)));
    }

    #[test]
    fn says_what_an_older_kernel_does_not_write() {
        let status = parse(b"Name:\tx\nUid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\nGroups:\t\nCapEff:\t0\n");
        assert_eq!((status.umask, status.filtered), (None, None));
        assert!(status.credentials.is_some());
        assert_eq!(parse(b"Uid:\t1\n"), Status::default());
    }

    proptest! {
        #[test]
        fn never_panics(text: Vec<u8>) {
            parse(&text);
        }

        #[test]
        fn reads_back_ids(uid: u32, gid: u32, groups: Vec<u32>, caps: u64) {
            let list: Vec<String> = groups.iter().map(u32::to_string).collect();
            let text = format!("Uid:\t9\t9\t9\t{uid}\nGid:\t9\t9\t9\t{gid}\nGroups:\t{} \nCapEff:\t{caps:016x}\n", list.join(" "));
            let found = parse(text.as_bytes()).credentials.unwrap();
            prop_assert_eq!((found.uid, found.gid, found.capabilities), (uid, gid, caps));
            prop_assert!(groups.iter().all(|g| found.groups.contains(g)));
        }
    }
}
