//! The way down into a tree that is looked at, with a few descriptors however deep it is.
//!
//! Only the deepest levels stay open. On the way back a level that was let go is reached through `..` and compared with what
//! it was: where somebody has moved a directory meanwhile that leads elsewhere, and what lies there is not looked at.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;

use crate::sys::{dirfd, enter, stat};

/// As many levels stay open: temp files of builds lie four or five deep.
const OPEN: usize = 8;

/// Which directory a level is.
type Id = ((u32, u32), u64, Option<u64>);

/// One directory on the way, and the names of directories in it that were not looked at yet.
struct Level {
    dir: Option<OwnedFd>,
    id: Id,
    left: Vec<Vec<u8>>,
    /// How long the path of this level is.
    length: usize,
}

/// The way from the top of a tree to where we are.
#[derive(Default)]
pub struct Ladder {
    levels: Vec<Level>,
}

impl Ladder {
    /// How many levels lie above and here.
    pub fn depth(&self) -> usize {
        self.levels.len()
    }

    /// Goes into a directory that was opened, and may let go of the level highest above.
    ///
    /// # Errors
    /// Those of statx(2).
    pub fn down(&mut self, dir: OwnedFd, left: Vec<Vec<u8>>, length: usize) -> io::Result<()> {
        let id = id_of(dir.as_fd())?;
        self.levels.push(Level { dir: Some(dir), id, left, length });
        let high = self.levels.len().checked_sub(OPEN + 1);
        if let Some(level) = high.and_then(|at| self.levels.get_mut(at)) {
            level.dir = None;
        }
        Ok(())
    }

    /// The next name to go into, with the length of the path so far; goes up where a level is done. `None` at the end.
    ///
    /// # Errors
    /// ESTALE where the directory above is not the one that it was; those of openat(2) and statx(2).
    pub fn next(&mut self) -> io::Result<Option<(Vec<u8>, usize)>> {
        while let Some(level) = self.levels.last_mut() {
            if let Some(name) = level.left.pop() {
                return Ok(Some((name, level.length)));
            }
            let Some(done) = self.levels.pop() else { break };
            if let (Some(above), Some(dir)) = (self.levels.last_mut(), done.dir)
                && above.dir.is_none()
            // Where nothing is left to go into there, its own turn to be left comes at once, and it is needed for that.
            {
                let reached = dirfd::reopen_above(dir.as_fd())?;
                if id_of(reached.as_fd())? != above.id {
                    return Err(Errno::STALE.into());
                }
                above.dir = Some(reached);
            }
        }
        Ok(None)
    }

    /// Opens `name` where we are. With no descriptor left, those of the levels above are let go.
    ///
    /// # Errors
    /// Those of [`enter::unnoticed`].
    pub fn open(&mut self, name: &[u8]) -> io::Result<OwnedFd> {
        match enter::unnoticed(self.here()?, name) {
            Err(error) if is_for_want_of_descriptors(&error) => {
                let above = self.levels.len().saturating_sub(1);
                self.levels.iter_mut().take(above).for_each(|level| level.dir = None);
                enter::unnoticed(self.here()?, name)
            }
            other => other,
        }
    }

    fn here(&self) -> io::Result<BorrowedFd<'_>> {
        let dir = self.levels.last().and_then(|level| level.dir.as_ref());
        Ok(dir.ok_or(Errno::STALE)?.as_fd())
    }
}

fn id_of(dir: BorrowedFd<'_>) -> io::Result<Id> {
    let found = stat::of(dir)?;
    Ok((found.device, found.inode, found.mount_id))
}

fn is_for_want_of_descriptors(error: &io::Error) -> bool {
    [Errno::MFILE, Errno::NFILE].iter().any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::scratch;

    fn opened(ladder: &mut Ladder, name: &str) -> OwnedFd {
        ladder.open(name.as_bytes()).unwrap()
    }

    /// A ladder at the bottom of `0/1/2/…` with a name left at each level.
    fn bottom(dir: &tempfile::TempDir, depth: usize) -> Ladder {
        let path: std::path::PathBuf = (0..depth).map(|n| n.to_string()).collect();
        std::fs::create_dir_all(dir.path().join(path)).unwrap();
        let mut ladder = Ladder::default();
        let top = dirfd::open_trusted_dir(scratch::bytes(dir)).unwrap();
        ladder.down(dirfd::reopen_listing(top.as_fd()).unwrap(), vec![b"left".to_vec()], 0).unwrap();
        for n in 0..depth {
            let next = opened(&mut ladder, &n.to_string());
            ladder.down(next, vec![b"left".to_vec()], n).unwrap();
        }
        ladder
    }

    #[test]
    fn every_level_is_come_back_to_and_few_are_open() {
        let dir = scratch::dir();
        let mut ladder = bottom(&dir, 100);
        assert_eq!(ladder.levels.iter().filter(|level| level.dir.is_some()).count(), OPEN);
        for level in (0..=100).rev() {
            assert!(ladder.next().unwrap().is_some());
            assert_eq!(ladder.depth(), level + 1);
            if level < 100 {
                opened(&mut ladder, &level.to_string());
            }
        }
        assert_eq!(ladder.next().unwrap(), None);
    }

    #[test]
    fn who_moves_a_directory_meanwhile_leads_us_nowhere() {
        let dir = scratch::dir();
        let mut ladder = bottom(&dir, 30);
        let deep: std::path::PathBuf = (0..20).map(|n| n.to_string()).collect();
        std::fs::create_dir(dir.path().join("elsewhere")).unwrap();
        std::fs::rename(dir.path().join(deep), dir.path().join("elsewhere/19")).unwrap();
        let error = loop {
            match ladder.next() {
                Ok(found) => assert!(found.is_some(), "the end is not reached"),
                Err(error) => break error,
            }
        };
        assert_eq!(error.raw_os_error(), Some(Errno::STALE.raw_os_error()));
        assert_eq!(ladder.depth(), 20);
    }
}
