//! getdents64(2): directories read in large pieces, without a list of what is in them.
//!
//! Two threads may share one directory: each takes a piece under the lock of the caller. Called by `collect`.

use std::ffi::CStr;
use std::io;
use std::os::fd::BorrowedFd;
use std::sync::Mutex;

use rustix::fs::{FileType, RawDir, RawDirEntry};

/// Large pieces spare system calls; beyond this size nothing is gained, as measured with a million entries.
pub const PIECE: usize = 256 << 10;

/// One entry; `.` and `..` are among them.
pub struct Entry<'a>(RawDirEntry<'a>);

/// The kind of an entry as far as the directory itself knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A directory.
    Directory,
    /// Anything else that is known.
    Other,
    /// The file system does not say.
    Unknown,
}

impl Entry<'_> {
    /// Its name.
    pub fn name(&self) -> &CStr {
        self.0.file_name()
    }

    /// Its inode; where a mount covers the name, that of what is below.
    pub fn inode(&self) -> u64 {
        self.0.ino()
    }

    /// What the directory says it is.
    pub fn kind(&self) -> EntryKind {
        match self.0.file_type() {
            FileType::Directory => EntryKind::Directory,
            FileType::Unknown => EntryKind::Unknown,
            _ => EntryKind::Other,
        }
    }

    /// Whether it is the directory itself or its parent.
    pub fn is_dot(&self) -> bool {
        matches!(self.name().to_bytes(), b"." | b"..")
    }
}

/// A pass over one directory.
pub struct Listing<'b> {
    raw: RawDir<'b, BorrowedFd<'b>>,
}

impl<'b> Listing<'b> {
    /// Reads on from where `dir` stands, in pieces of the capacity of `buffer`.
    pub fn new(dir: BorrowedFd<'b>, buffer: &'b mut Vec<u8>) -> Self {
        buffer.clear();
        Self { raw: RawDir::new(dir, buffer.spare_capacity_mut()) }
    }

    /// Whether the next call asks the kernel: a reader may only be left at such a point, or entries are lost.
    pub fn is_between_pieces(&self) -> bool {
        self.raw.is_buffer_empty()
    }

    /// The next entry, `None` at the end.
    ///
    /// # Errors
    /// Those of getdents64(2): ENOENT on a removed directory.
    #[expect(
        clippy::should_implement_trait,
        reason = "an entry borrows from the listing, which Iterator cannot say"
    )]
    pub fn next(&mut self) -> Option<io::Result<Entry<'_>>> {
        Some(self.raw.next()?.map(Entry).map_err(io::Error::from))
    }

    /// As [`Listing::next`], but asks the kernel under a lock, so that threads can share the directory.
    ///
    /// # Errors
    /// As there.
    pub fn next_shared(&mut self, lock: &Mutex<()>) -> Option<io::Result<Entry<'_>>> {
        // A poisoned lock is as good: it guards no data, only the position in the directory.
        let guard = self.is_between_pieces().then(|| lock.lock());
        let entry = self.next();
        drop(guard);
        entry
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs::File;
    use std::os::fd::AsFd;

    use rustix::io::Errno;

    use super::*;
    use crate::sys::{dirfd, scratch};

    #[test]
    fn sees_every_entry_once_however_small_the_pieces() {
        let dir = scratch::dir();
        let names: BTreeSet<String> = (0..500).map(|n| format!("entry-with-a-longer-name-{n}")).collect();
        for name in &names {
            File::create(dir.path().join(name)).unwrap();
        }
        std::fs::create_dir(dir.path().join("inner")).unwrap();
        let handle = dirfd::open_trusted_dir(scratch::bytes(&dir)).unwrap();
        let handle = dirfd::reopen_listing(handle.as_fd()).unwrap();
        let mut buffer = Vec::with_capacity(1024);
        let (mut seen, mut pieces) = (BTreeSet::new(), 0);
        let mut listing = Listing::new(handle.as_fd(), &mut buffer);
        loop {
            pieces += u32::from(listing.is_between_pieces());
            let Some(entry) = listing.next() else { break };
            let entry = entry.unwrap();
            if entry.is_dot() {
                continue;
            }
            let name = entry.name().to_str().unwrap().to_owned();
            let is_inner = name == "inner";
            assert_eq!(entry.kind() == EntryKind::Directory, is_inner);
            assert!(seen.insert(name), "no entry comes twice");
        }
        assert!(pieces > 10, "the buffer holds a few entries only");
        assert!(seen.remove("inner"));
        assert_eq!(seen, names);
    }

    #[test]
    fn a_removed_directory_is_an_error_and_not_empty() {
        let dir = scratch::dir();
        std::fs::create_dir(dir.path().join("inner")).unwrap();
        let parent = dirfd::open_trusted_dir(scratch::bytes(&dir)).unwrap();
        let handle = dirfd::open_listing(parent.as_fd(), b"inner").unwrap();
        rustix::fs::unlinkat(&parent, "inner", rustix::fs::AtFlags::REMOVEDIR).unwrap();
        let mut buffer = Vec::with_capacity(1024);
        let error = Listing::new(handle.as_fd(), &mut buffer).next().unwrap().map(|_| ()).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(Errno::NOENT.raw_os_error()));
    }
}
