//! The walk below one entry: depth first, within a budget, without following or entering anything that is not its own.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::FileType;
use rustix::io::Errno;

use super::Budget;
use crate::exec::ladder::Ladder;
use crate::model::plan::Tree;
use crate::model::raw_path::RawPath;
use crate::model::units::WallNanos;
use crate::sys::clock::Stopwatch;
use crate::sys::getdents::{EntryKind, Listing};
use crate::sys::stat::{self, Stat};

/// As much of a path below an entry is told.
const LONGEST: usize = 1024;
/// Pieces in which directories are listed here.
const PIECE: usize = 32 << 10;

/// A walk below one entry, and what it has seen.
pub(super) struct Walk<'a> {
    watch: Stopwatch,
    budget: Budget,
    goes_on: &'a dyn Fn() -> bool,
    tree: Tree,
    path: Vec<u8>,
    buffer: Vec<u8>,
}

impl<'a> Walk<'a> {
    /// A walk that begins now and lasts as long as `goes_on`.
    pub(super) fn new(budget: Budget, goes_on: &'a dyn Fn() -> bool) -> Self {
        let (watch, path, buffer) = (Stopwatch::start(), Vec::new(), Vec::new());
        Self { watch, budget, goes_on, tree: Tree::default(), path, buffer }
    }

    /// What it has seen.
    pub(super) fn into_tree(self) -> Tree {
        self.tree
    }

    /// Counts an object in.
    pub(super) fn note(&mut self, found: &Stat, at: &[u8]) {
        self.tree.entries.0 += 1;
        self.tree.bytes.0 = self.tree.bytes.0.saturating_add(found.taken);
        self.tree.has_sockets |= found.kind() == FileType::Socket;
        let newest = WallNanos(found.newest());
        if newest > self.tree.newest {
            self.tree.newest = newest;
            self.tree.newest_at = self.place_of(at);
        }
    }

    /// For people: of what lies deeper than any path can name, only the way there.
    fn place_of(&self, at: &[u8]) -> RawPath {
        match self.path.get(..LONGEST) {
            None => RawPath::new([&self.path[..], at].concat()),
            Some(way) => RawPath::new([way, b"..."].concat()),
        }
    }

    /// Says where something was not seen; the first of all is told.
    pub(super) fn unseen(&mut self, at: &[u8], why: &dyn std::fmt::Display) {
        let place = self.place_of(at);
        self.tree.unseen.get_or_insert_with(|| format!("{}: {why}", place.shown()));
    }

    /// Walks what lies below an opened directory, depth first.
    pub(super) fn below(&mut self, top: OwnedFd) {
        let Some(first) = self.level(top.as_fd()) else { return };
        if first.is_empty() {
            return;
        }
        let mut ladder = Ladder::default();
        if let Err(error) = ladder.down(top, first, 0).and_then(|()| self.climb(&mut ladder)) {
            self.unseen(b"", &error);
        }
    }

    /// Until all is seen, or the budget is spent.
    ///
    /// # Errors
    /// Where the way back is lost.
    fn climb(&mut self, ladder: &mut Ladder) -> io::Result<()> {
        while let Some((name, length)) = ladder.next()? {
            self.path.truncate(length);
            match ladder.open(&name) {
                Ok(_) if ladder.depth() >= self.budget.levels => {
                    self.unseen(&name, &format!("deeper than {} levels", self.budget.levels));
                    return Ok(());
                }
                Ok(next) => {
                    self.path.extend_from_slice(&name);
                    self.path.push(b'/');
                    let Some(inner) = self.level(next.as_fd()) else { return Ok(()) };
                    ladder.down(next, inner, self.path.len())?;
                }
                Err(error) if error.raw_os_error() == Some(Errno::XDEV.raw_os_error()) => {
                    self.tree.crosses_mount = true;
                }
                // It went while we looked.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => self.unseen(&name, &error),
            }
        }
        Ok(())
    }

    /// Looks at every entry of one directory, and gives the names of its directories; `None` where the budget is spent.
    fn level(&mut self, dir: BorrowedFd<'_>) -> Option<Vec<Vec<u8>>> {
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.reserve(PIECE);
        let inner = self.listed(dir, Listing::new(dir, &mut buffer));
        self.buffer = buffer;
        inner
    }

    fn listed(&mut self, dir: BorrowedFd<'_>, mut listing: Listing<'_>) -> Option<Vec<Vec<u8>>> {
        let mut inner = Vec::new();
        while let Some(entry) = listing.next() {
            let entry = match entry {
                Ok(entry) if entry.is_dot() => continue,
                Ok(entry) => entry,
                Err(error) => {
                    self.unseen(b"", &error);
                    break;
                }
            };
            if self.tree.entries.0 >= self.budget.objects {
                self.unseen(b"", &format!("more than {} objects", self.budget.objects));
                return None;
            }
            if !(self.goes_on)() {
                self.unseen(b"", &"stopped");
                return None;
            }
            if self.watch.left_of(self.budget.time).is_zero() {
                self.unseen(b"", &format!("not done within {} s", self.budget.time.as_secs()));
                return None;
            }
            match stat::at(dir, entry.name()) {
                Ok(found) => {
                    self.tree.crosses_mount |= found.mount_root == Some(true);
                    self.note(&found, entry.name().to_bytes());
                    let is_dir = entry.kind() == EntryKind::Directory || found.is_directory();
                    if is_dir && found.mount_root != Some(true) {
                        inner.push(entry.name().to_bytes().to_vec());
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => self.unseen(entry.name().to_bytes(), &error),
            }
        }
        Some(inner)
    }
}
