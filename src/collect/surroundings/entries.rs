//! What the names of the entries themselves say: lines of tmpfiles.d that exclude them, pids in them, bare names on command
//! lines.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use super::claims::Claims;
use super::named::Words;
use super::pids::Numbers;
use super::{Memory as AllMemory, Place, Scene};
use crate::collect::parse::pieces;
use crate::model::raw_path::RawPath;
use crate::model::reading::{Gap, GapWhy};
use crate::model::surroundings::{About, ClaimKind};
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
    /// Of which directory, and its stamps; none where they may be older than the names.
    of: Option<((u32, u32), u64, i64, i64)>,
}

/// Looks at each name.
pub fn look(
    scene: &Scene<'_>,
    place: &Place<'_>,
    words: &Words,
    memory: &mut AllMemory,
    claims: &mut Claims,
) {
    memory.tmpfiles.refresh(claims);
    if let About::All = place.about
        && let Err(error) = memory.entries.refresh(place.dir)
    {
        return claims.unseen(Gap::new("list of entries", error.into()));
    }
    let ours = scene.namespaces.iter().find(|namespace| namespace.ours);
    let dirs: Vec<RawPath> = ours.into_iter().flat_map(|ns| scene.ground.paths_in(ns.id)).cloned().collect();
    let book = memory.tmpfiles.concerning(&dirs);
    let numbers = Numbers::of(scene, &mut memory.pids);
    let names: &mut dyn Iterator<Item = &[u8]> = match place.about {
        About::All => &mut memory.entries.names(),
        About::These(names) => &mut names.iter().map(|name| name.as_bytes()),
    };
    for (seen, name) in names.enumerate() {
        if seen % BATCH == 0 && scene.until.is_over() {
            let seen = Entries(u64::try_from(seen).unwrap_or(u64::MAX));
            return claims.unseen(Gap::new("what names of entries say", GapWhy::OverBudget { seen }));
        }
        book.look(&dirs, name, claims);
        numbers.look(scene, place.dir, name, claims);
        if let Some((pid, shown)) = words.get(name) {
            claims.add(name, ClaimKind::CommandLine, Some(*pid), shown);
        }
    }
}

impl Memory {
    fn names(&self) -> impl Iterator<Item = &[u8]> {
        pieces(&self.names, 0).filter(|name| !name.is_empty())
    }

    fn refresh(&mut self, dir: BorrowedFd<'_>) -> io::Result<()> {
        let found = stat::of(dir)?;
        let stamps = (found.device, found.inode, found.modified, found.changed);
        if self.of == Some(stamps) {
            return Ok(());
        }
        self.of = None;
        self.names.clear();
        let newest = found.modified.max(found.changed);
        let settled = clock::wall_nanos().saturating_sub(newest) > SETTLED;
        let opened = dirfd::reopen_listing(dir)?;
        let mut buffer = Vec::with_capacity(PIECE);
        let mut listing = Listing::new(opened.as_fd(), &mut buffer);
        while let Some(entry) = listing.next() {
            let entry = entry?;
            if !entry.is_dot() {
                self.names.extend_from_slice(entry.name().to_bytes_with_nul());
            }
        }
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
