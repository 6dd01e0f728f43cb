//! The names of the entries, and what they themselves say: lines of tmpfiles.d that exclude them, pids in them.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use super::claims::Claims;
use super::pids::Numbers;
use super::tmpfiles::Book;
use super::{Place, Scene};
use crate::collect::parse::pieces;
use crate::model::raw_path::RawPath;
use crate::model::reading::{Gap, GapWhy};
use crate::model::surroundings::About;
use crate::model::units::Entries;
use crate::sys::getdents::{Listing, PIECE};
use crate::sys::{clock, dirfd, stat};

/// A directory whose stamp is younger than this when it is listed may change again within the same tick of its clock.
const SETTLED: i64 = 1_000_000_000;
/// Between two looks at the watch.
const BATCH: usize = 1024;

/// The names of the last look.
#[derive(Debug, Default)]
pub struct Memory {
    /// One after the other, each ended by NUL.
    names: Vec<u8>,
    /// Where each begins, in order of the names.
    sorted: Vec<u32>,
    /// Of which directory, and its stamps; none where they may be older than the names.
    of: Option<((u32, u32), u64, i64, i64)>,
}

/// The names that are asked about.
pub enum Names<'a> {
    /// Everything in the directory.
    All(&'a Memory),
    /// Some, in order.
    These(Vec<&'a [u8]>),
}

/// The names that are asked about; those of the whole directory are listed anew where it changed.
///
/// # Errors
/// Where it cannot be listed.
pub fn names<'a>(place: &Place<'a>, memory: &'a mut Memory) -> io::Result<Names<'a>> {
    match place.about {
        About::All => {
            memory.refresh(place.dir)?;
            Ok(Names::All(memory))
        }
        About::These(names) | About::Taken(names) => {
            let mut names: Vec<&[u8]> = names.iter().map(|name| name.as_bytes()).collect();
            names.sort_unstable();
            Ok(Names::These(names))
        }
    }
}

impl Names<'_> {
    /// Whether it is one of them.
    pub fn has(&self, name: &[u8]) -> bool {
        match self {
            Self::All(memory) => memory.has(name),
            Self::These(names) => names.binary_search(&name).is_ok(),
        }
    }

    fn each(&self) -> Box<dyn Iterator<Item = &[u8]> + '_> {
        match self {
            Self::All(memory) => Box::new(memory.names()),
            Self::These(names) => Box::new(names.iter().copied()),
        }
    }
}

/// Looks at each name.
pub fn look(
    scene: &Scene<'_>,
    place: &Place<'_>,
    (names, numbers, tmpfiles): (&Names<'_>, &Numbers, &mut Book),
    claims: &mut Claims,
) {
    tmpfiles.refresh(claims);
    let ours = scene.namespaces.iter().find(|namespace| namespace.ours);
    let dirs: Vec<RawPath> = ours.into_iter().flat_map(|ns| scene.ground.paths_in(ns.id)).cloned().collect();
    let book = tmpfiles.concerning(&dirs);
    for (seen, name) in names.each().enumerate() {
        if seen % BATCH == 0 && scene.until.is_over() {
            let seen = Entries(u64::try_from(seen).unwrap_or(u64::MAX));
            return claims.unseen(Gap::new("what names of entries say", GapWhy::OverBudget { seen }));
        }
        book.look(&dirs, name, claims);
        numbers.look(scene, place.dir, name, claims);
    }
}

impl Memory {
    fn names(&self) -> impl Iterator<Item = &[u8]> {
        pieces(&self.names, 0).filter(|name| !name.is_empty())
    }

    fn at(&self, start: u32) -> &[u8] {
        let rest = usize::try_from(start).ok().and_then(|start| self.names.get(start..)).unwrap_or_default();
        rest.split(|byte| *byte == 0).next().unwrap_or_default()
    }

    fn has(&self, name: &[u8]) -> bool {
        self.sorted.binary_search_by(|start| self.at(*start).cmp(name)).is_ok()
    }

    fn refresh(&mut self, dir: BorrowedFd<'_>) -> io::Result<()> {
        let found = stat::of(dir)?;
        let stamps = (found.device, found.inode, found.modified, found.changed);
        if self.of == Some(stamps) {
            return Ok(());
        }
        *self = Self::default();
        let newest = found.modified.max(found.changed);
        let settled = clock::wall_nanos().saturating_sub(newest) > SETTLED;
        let opened = dirfd::reopen_listing(dir)?;
        let mut buffer = Vec::with_capacity(PIECE);
        let mut listing = Listing::new(opened.as_fd(), &mut buffer);
        let mut sorted = Vec::new();
        while let Some(entry) = listing.next() {
            let entry = entry?;
            if !entry.is_dot() {
                let start = u32::try_from(self.names.len());
                sorted.push(start.or(Err(io::ErrorKind::OutOfMemory))?);
                self.names.extend_from_slice(entry.name().to_bytes_with_nul());
            }
        }
        sorted.sort_unstable_by(|one, other| self.at(*one).cmp(self.at(*other)));
        self.sorted = sorted;
        self.of = settled.then_some(stamps);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::scratch;

    #[test]
    fn a_directory_that_changed_is_listed_again() {
        let dir = scratch::dir();
        let handle = dirfd::open_trusted_dir(scratch::bytes(&dir)).unwrap();
        let mut memory = Memory::default();
        memory.refresh(handle.as_fd()).unwrap();
        assert_eq!(memory.names().count(), 0);
        std::fs::write(dir.path().join("a"), b"").unwrap();
        memory.refresh(handle.as_fd()).unwrap();
        assert_eq!(memory.names().collect::<Vec<_>>(), [b"a"]);
        assert!(memory.of.is_none(), "what changed this second may change again without a new stamp");
    }
}
