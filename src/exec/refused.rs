//! What a refusal of the kernel means here, in words: its own are true of too much.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use rustix::io::Errno;

use crate::sys::{enter, stat};

/// Why `name` of a directory could not be renamed into the quarantine beside it.
pub fn to_take(dir: BorrowedFd<'_>, name: &[u8], error: &io::Error) -> String {
    match error.raw_os_error().map(Errno::from_raw_os_error) {
        Some(Errno::PERM) => match attributes(dir, name) {
            Some(what) => format!("{what}; chattr -i -a takes that away"),
            None => error.to_string(),
        },
        // Both ends are on one mount. Source: rename(2); the kernel's Documentation/filesystems/overlayfs.rst.
        Some(Errno::XDEV) => {
            "it lies in a lower layer of an overlay, or under another project quota than the quarantine: no \
                              rename takes it out of the way; remove it by hand, or where that layer is made"
                .to_owned()
        }
        _ => error.to_string(),
    }
}

/// What makes the kernel refuse even root, where that is so.
fn attributes(dir: BorrowedFd<'_>, name: &[u8]) -> Option<&'static str> {
    let itself = enter::node(dir, name).and_then(|node| stat::of(node.as_fd())).ok();
    let around = stat::of(dir).ok();
    let on = |found: Option<stat::Stat>| found.is_some_and(|found| found.immutable || found.append_only);
    if on(itself) {
        return Some("it is immutable or append-only (lsattr -d)");
    }
    on(around).then_some("the directory around it is immutable or append-only (lsattr -d)")
}
