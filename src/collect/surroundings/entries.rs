//! What the names of the entries themselves say: lines of tmpfiles.d that exclude them, pids in them, bare names on command
//! lines.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use super::claims::Claims;
use super::named::Words;
use super::pids::Numbers;
use super::{Memory as AllMemory, Scene};
use crate::model::raw_path::RawPath;
use crate::model::reading::{Gap, GapWhy};
use crate::model::surroundings::ClaimKind;
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
    names: Vec<Vec<u8>>,
    /// Of which directory, and its stamps; none where they may be older than the names.
    of: Option<((u32, u32), u64, i64, i64)>,
}

/// Looks at each name.
pub fn look(
    scene: &Scene<'_>,
    dir: BorrowedFd<'_>,
    words: &Words,
    memory: &mut AllMemory,
    claims: &mut Claims,
) {
    memory.tmpfiles.refresh(claims);
    if let Err(error) = memory.entries.refresh(dir) {
        return claims.unseen(Gap::new("list of entries", error.into()));
    }
    let ours = scene.namespaces.iter().find(|namespace| namespace.ours);
    let dirs: Vec<RawPath> = ours.into_iter().flat_map(|ns| scene.ground.paths_in(ns.id)).cloned().collect();
    let book = memory.tmpfiles.concerning(&dirs);
    let numbers = Numbers::of(scene, &mut memory.pids);
    for (batch, names) in memory.entries.names.chunks(BATCH).enumerate() {
        if scene.until.is_over() {
            let seen = Entries(u64::try_from(batch * BATCH).unwrap_or(u64::MAX));
            return claims.unseen(Gap::new("what names of entries say", GapWhy::OverBudget { seen }));
        }
        for name in names {
            book.look(&dirs, name, claims);
            numbers.look(scene, dir, name, claims);
            if let Some((pid, shown)) = words.get(name) {
                claims.add(name, ClaimKind::CommandLine, Some(*pid), shown);
            }
        }
    }
}

impl Memory {
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
                self.names.push(entry.name().to_bytes().to_vec());
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
        assert!(memory.names.is_empty());
        std::fs::write(dir.path().join("a"), b"").unwrap();
        memory.refresh(handle.as_fd()).unwrap();
        assert_eq!(memory.names, [b"a"]);
        assert!(memory.of.is_none(), "what changed this second may change again without a new stamp");
    }
}
