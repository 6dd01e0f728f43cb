//! Locks behind which no process stands that was seen: the kernel's own (a file server), those of processes that have ended
//! while a child keeps the file open, and those of open files, which name nobody.
//!
//! All others are told by the descriptors of their holders.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::fd::AsFd;

use super::Scene;
use super::claims::Claims;
use super::seek::low;
use crate::collect::locks;
use crate::model::raw_path::RawPath;
use crate::model::reading::Gap;
use crate::model::surroundings::ClaimKind;
use crate::sys::dirfd;

/// The inodes on the file system of the directory that are locked by nobody in particular.
pub fn of_nobody(scene: &Scene<'_>, claims: &mut Claims) -> BTreeSet<u32> {
    let held = dirfd::open_trusted_dir(b"/proc").and_then(|proc| locks::held(proc.as_fd()));
    let held = match held {
        Ok(held) => held,
        // A kernel without locks.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => {
            claims.unseen(Gap::new("/proc/locks", error.into()));
            Vec::new()
        }
    };
    let of_nobody = held.iter().filter(|lock| {
        lock.device == scene.ground.device && lock.pid.is_none_or(|pid| scene.table.get(pid).is_none())
    });
    of_nobody.map(|lock| low(lock.inode)).collect()
}

/// Claims the entries in which they were found.
pub fn claim(locked: &BTreeSet<u32>, found: &BTreeMap<u32, BTreeSet<RawPath>>, claims: &mut Claims) {
    for path in found.iter().filter(|(inode, _)| locked.contains(*inode)).flat_map(|(_, paths)| paths) {
        let entry = path.as_bytes().split(|b| *b == b'/').next().unwrap_or_default();
        claims.add(entry, ClaimKind::Lock, None, path);
    }
}
