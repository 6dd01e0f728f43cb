//! Where in the directory objects lie of which only the inode is known: sockets whose name does not tell, locks of the
//! kernel's own.
//!
//! One walk by descriptors, across no mount and through no link, for the first time that such an object turns up; whoever
//! was not found then lies elsewhere and is not looked for again.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;

use super::Place;
use crate::collect::budget::Until;
use crate::model::raw_path::RawPath;
use crate::model::surroundings::About;
use crate::sys::getdents::{EntryKind, Listing};
use crate::sys::{dirfd, enter};

/// Deeper trees are searched in part; each level costs a descriptor.
const LEVELS: usize = 128;
/// Pieces in which directories are listed.
const PIECE: usize = 32 << 10;
/// So many entries are listed between two looks at the watch.
const BATCH: usize = 64;

/// What a walk gave.
#[derive(Debug, Default)]
pub struct Found {
    /// By the low 32 bits of the inode: where, below the directory.
    pub at: BTreeMap<u32, BTreeSet<RawPath>>,
    /// Entries that could not be searched to their end, and why.
    pub unsearched: BTreeMap<RawPath, String>,
    /// Whether there was no time for the rest.
    pub late: bool,
}

/// The inode as sock_diag shows it.
pub fn low(inode: u64) -> u32 {
    u32::try_from(inode & u64::from(u32::MAX)).unwrap_or_default()
}

/// Walks the entries that are asked about for objects of those inodes.
///
/// # Errors
/// Where not even the directory itself can be listed.
pub fn seek(place: &Place<'_>, wanted: &BTreeSet<u32>, until: Until<'_>) -> io::Result<Found> {
    let mut walk = Walk { wanted, until, found: Found::default(), path: Vec::new() };
    let top = dirfd::reopen_listing(place.dir)?;
    let inner = match place.about {
        About::All => walk.level(top.as_fd())?,
        About::These(names) | About::Taken(names) => walk.these(top.as_fd(), names),
    };
    let mut levels = vec![Level { dir: top, inner, length: 0 }];
    while let Some(level) = levels.last_mut() {
        walk.path.truncate(level.length);
        let Some(name) = level.inner.pop() else {
            levels.pop();
            continue;
        };
        if until.is_over() {
            walk.found.late = true;
            break;
        }
        let opened = enter::unnoticed(level.dir.as_fd(), &name);
        walk.path.extend_from_slice(&name);
        walk.path.push(b'/');
        if levels.len() > LEVELS {
            walk.unsearched("it is too deep");
            continue;
        }
        match opened.and_then(|dir| walk.level(dir.as_fd()).map(|inner| (dir, inner))) {
            Ok((dir, inner)) => levels.push(Level { dir, inner, length: walk.path.len() }),
            Err(error) if is_nothing(&error) => {}
            Err(error) => walk.unsearched(&error.to_string()),
        }
    }
    Ok(walk.found)
}

/// Gone meanwhile, no directory after all, or a mount, which is claimed as one.
pub fn is_nothing(error: &io::Error) -> bool {
    let codes = [Errno::NOENT, Errno::NOTDIR, Errno::LOOP, Errno::XDEV].map(Errno::raw_os_error);
    error.raw_os_error().is_some_and(|code| codes.contains(&code))
}

struct Level {
    dir: OwnedFd,
    /// Names of directories that remain.
    inner: Vec<Vec<u8>>,
    /// How much of the path leads here.
    length: usize,
}

struct Walk<'a> {
    wanted: &'a BTreeSet<u32>,
    until: Until<'a>,
    found: Found,
    path: Vec<u8>,
}

impl Walk<'_> {
    /// Looks through one directory; gives the names of those in it.
    fn level(&mut self, dir: BorrowedFd<'_>) -> io::Result<Vec<Vec<u8>>> {
        let mut buffer = Vec::with_capacity(PIECE);
        let mut listing = Listing::new(dir, &mut buffer);
        let (mut inner, mut seen) = (Vec::new(), 0_usize);
        while let Some(entry) = listing.next() {
            let entry = entry?;
            if entry.is_dot() {
                continue;
            }
            let name = entry.name().to_bytes();
            if self.wanted.contains(&low(entry.inode())) {
                let path = RawPath::new([&self.path[..], name].concat());
                self.found.at.entry(low(entry.inode())).or_default().insert(path);
            }
            if entry.kind() != EntryKind::Other {
                inner.push(name.to_vec());
            }
            seen += 1;
            if seen.is_multiple_of(BATCH) && self.until.is_over() {
                self.found.late = true;
                return Ok(Vec::new());
            }
        }
        Ok(inner)
    }

    /// Looks at entries by name; gives those that are directories.
    fn these(&mut self, dir: BorrowedFd<'_>, names: &[&RawPath]) -> Vec<Vec<u8>> {
        let mut inner = Vec::new();
        for name in names {
            match enter::look(dir, name.as_bytes()) {
                Ok(found) => {
                    if self.wanted.contains(&low(found.inode)) {
                        self.found.at.entry(low(found.inode)).or_default().insert((*name).clone());
                    }
                    if found.is_directory() {
                        inner.push(name.as_bytes().to_vec());
                    }
                }
                Err(error) if is_nothing(&error) => {}
                Err(error) => {
                    self.found.unsearched.entry((*name).clone()).or_insert_with(|| error.to_string());
                }
            }
            if self.until.is_over() {
                self.found.late = true;
                break;
            }
        }
        inner
    }

    fn unsearched(&mut self, why: &str) {
        let name = self.path.split(|b| *b == b'/').next().unwrap_or_default();
        self.found.unsearched.entry(RawPath::from(name)).or_insert_with(|| why.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{File, create_dir_all};
    use std::os::unix::fs::symlink;
    use std::time::Duration;

    use super::*;
    use crate::sys::{scratch, stat};

    fn look(dir: &tempfile::TempDir, about: About<'_>, wanted: &BTreeSet<u32>, deadline: Duration) -> Found {
        let handle = dirfd::open_trusted_dir(scratch::bytes(dir)).unwrap();
        seek(&Place { path: &RawPath::default(), dir: handle.as_fd(), about }, wanted, until(deadline))
            .unwrap()
    }

    fn until(deadline: Duration) -> Until<'static> {
        Until::within(deadline)
    }

    #[test]
    fn finds_what_is_wanted_at_any_depth_and_follows_no_link() {
        let dir = scratch::dir();
        create_dir_all(dir.path().join("a/b/c")).unwrap();
        File::create(dir.path().join("a/b/c/x")).unwrap();
        std::fs::hard_link(dir.path().join("a/b/c/x"), dir.path().join("y")).unwrap();
        symlink(".", dir.path().join("circle")).unwrap();
        let handle = dirfd::open_trusted_dir(scratch::bytes(&dir)).unwrap();
        let wanted = low(stat::at(handle.as_fd(), c"y").unwrap().inode);
        let wanted_here = [wanted].into();
        let found = look(&dir, About::All, &wanted_here, Duration::from_mins(1));
        assert_eq!(found.at[&wanted], ["a/b/c/x".into(), "y".into()].into());
        assert!(found.unsearched.is_empty() && !found.late);
        assert!(look(&dir, About::All, &wanted_here, Duration::ZERO).late);
        for (name, paths) in [("a", vec!["a/b/c/x"]), ("y", vec!["y"]), ("circle", vec![]), ("none", vec![])]
        {
            let name = RawPath::from(name);
            let found = look(&dir, About::These(&[&name]), &wanted_here, Duration::from_mins(1));
            let at: Vec<RawPath> = found.at.into_values().flatten().collect();
            assert_eq!(at, paths.into_iter().map(RawPath::from).collect::<Vec<_>>(), "{name:?}");
        }
    }

    #[test]
    fn a_tree_that_is_too_deep_is_named() {
        let dir = scratch::dir();
        create_dir_all(dir.path().join("deep").join("d/".repeat(LEVELS + 2))).unwrap();
        let found = look(&dir, About::All, &BTreeSet::new(), Duration::from_mins(1));
        assert_eq!(found.unsearched.keys().collect::<Vec<_>>(), [&RawPath::from("deep")]);
    }
}
