//! What lies in the tree below one entry: how much, how many, and the youngest of it.
//!
//! Each directory of it leaves no trace of having been read, and no time but the budget is taken. Called by [`super::list`].

use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use crate::model::raw_path::RawPath;
use crate::sys::clock::Stopwatch;
use crate::sys::getdents::{self, Listing};
use crate::sys::{dirfd, enter, stat};

/// Directories that a walk of a tree may still have before it; a tree with more is left unmeasured.
const AHEAD_MAX: usize = 100_000;

/// What lies below a directory.
pub struct Tree {
    /// What it takes on the disk.
    pub bytes: u64,
    /// How many objects.
    pub count: u64,
    /// When the youngest of them changed.
    pub newest: i64,
    /// Whether a directory in it could not be listed.
    pub is_shut: bool,
}

/// How a walk went.
pub enum Walked {
    /// All of it.
    Whole(Tree),
    /// The budget ended first.
    Late,
    /// It cannot be read.
    Closed,
}

/// Sums a tree. No link is followed and no mount entered; a hard link counts each time that it is met.
///
/// Our own reading must not make it younger, for nobody: a directory that only its owner may list without a trace stays
/// shut to us.
pub fn tree(dir: &OwnedFd, name: &RawPath, budget: Duration, watch: Stopwatch) -> Walked {
    let Ok(top) = enter::unnoticed(dir.as_fd(), name.as_bytes()) else { return Walked::Closed };
    let Ok(own) = stat::of(top.as_fd()) else { return Walked::Closed };
    let mut tree = Tree { bytes: 0, count: 0, newest: i64::MIN, is_shut: false };
    let mut ahead: Vec<Vec<u8>> = vec![Vec::new()];
    let mut buffer = Vec::with_capacity(getdents::PIECE);
    while let Some(path) = ahead.pop() {
        let here = match open_below(&top, &path) {
            Ok(here) => here,
            Err(error) => {
                tree.is_shut |= error.kind() == std::io::ErrorKind::PermissionDenied;
                continue;
            }
        };
        let mut listing = Listing::new(here.as_fd(), &mut buffer);
        while let Some(Ok(entry)) = listing.next() {
            if entry.is_dot() {
                continue;
            }
            tree.count += 1;
            if tree.count.is_multiple_of(256) && watch.elapsed() >= budget || ahead.len() > AHEAD_MAX {
                return Walked::Late;
            }
            let Ok(found) = stat::at(here.as_fd(), entry.name()) else { continue };
            tree.bytes = tree.bytes.saturating_add(found.taken);
            let is_directory = found.is_directory();
            let newest = if is_directory { found.modified.max(found.changed) } else { found.newest() };
            tree.newest = tree.newest.max(newest);
            if is_directory && found.device == own.device && found.mount_root != Some(true) {
                ahead.push([&path, entry.name().to_bytes(), b"/"].concat());
            }
        }
    }
    Walked::Whole(tree)
}

/// Opens a directory of the tree for listing, name by name, so that nobody can put a link into the way.
fn open_below(top: &OwnedFd, path: &[u8]) -> std::io::Result<OwnedFd> {
    let mut names = path.split(|b| *b == b'/').filter(|name| !name.is_empty());
    let Some(mut name) = names.next() else { return dirfd::reopen_listing(top.as_fd()) };
    let mut here: Option<OwnedFd> = None;
    loop {
        let at = here.as_ref().unwrap_or(top).as_fd();
        match names.next() {
            None => return enter::unnoticed(at, name),
            Some(next) => {
                here = Some(dirfd::open_node(at, name)?);
                name = next;
            }
        }
    }
}
