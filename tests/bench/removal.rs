//! The limits of a clean-up: each job with as little as the kernel allows, to measure ours against.

use std::ffi::{CStr, CString};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, RawDir, RenameFlags, StatxFlags};

const DIRECTORY: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);
const BELOW: OFlags = DIRECTORY.union(OFlags::NOFOLLOW);
/// How many names a thread takes at once.
const SHARE: usize = 64;

struct Named {
    name: CString,
    inode: u64,
    is_dir: bool,
}

fn open(path: &Path) -> OwnedFd {
    rustix::fs::open(path, DIRECTORY, Mode::empty()).expect("the directory opens")
}

fn names(dir: BorrowedFd<'_>) -> Vec<Named> {
    let mut buffer = vec![MaybeUninit::uninit(); 256 << 10];
    let mut reader = RawDir::new(dir, &mut buffer);
    let mut names = Vec::new();
    while let Some(entry) = reader.next() {
        let entry = entry.expect("the directory reads");
        if !matches!(entry.file_name().to_bytes(), b"." | b"..") {
            let is_dir = entry.file_type() == FileType::Directory;
            names.push(Named { name: entry.file_name().to_owned(), inode: entry.ino(), is_dir });
        }
    }
    names
}

/// Renames every entry into another directory: one thread, because both directories are locked for each.
pub fn quarantine(dir: &Path, into: &Path) -> usize {
    let (dir, into) = (open(dir), open(into));
    let names = names(dir.as_fd());
    for entry in &names {
        let done = rustix::fs::renameat_with(&dir, &entry.name, &into, &entry.name, RenameFlags::NOREPLACE);
        done.expect("the entry moves");
    }
    names.len()
}

/// Removes every entry with everything below it, each top-level one looked at once more just before it goes.
pub fn safe(dir: &Path, threads: usize) {
    let dir = open(dir);
    let names = names(dir.as_fd());
    let next = AtomicUsize::new(0);
    let work = || {
        loop {
            let start = next.fetch_add(SHARE, Ordering::Relaxed);
            let Some(share) = names.get(start..names.len().min(start + SHARE)) else { return };
            for entry in share {
                let mask = StatxFlags::TYPE | StatxFlags::INO | StatxFlags::UID | StatxFlags::MTIME;
                let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::STATX_DONT_SYNC;
                let found = rustix::fs::statx(&dir, &entry.name, flags, mask).expect("it is there");
                assert_eq!(found.stx_ino, entry.inode, "it is the same");
                remove(dir.as_fd(), entry);
            }
        }
    };
    in_threads(threads, &work);
}

/// What becomes of an entry that was claimed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Claimed {
    /// It stays where it was put.
    Stays,
    /// It is removed there.
    Goes,
}

/// What the rules of a clean-up ask of the kernel at least: each entry looked at where it lies, renamed into another directory,
/// looked at there, and then removed if that is the plan.
pub fn claimed(dir: &Path, into: &Path, then: Claimed, threads: usize) {
    let (dir, into) = (open(dir), open(into));
    let names = names(dir.as_fd());
    let next = AtomicUsize::new(0);
    let look = |at: &OwnedFd, entry: &Named| {
        let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::STATX_DONT_SYNC;
        let found = rustix::fs::statx(at, &entry.name, flags, StatxFlags::ALL).expect("it is there");
        assert_eq!(found.stx_ino, entry.inode, "it is the same");
    };
    let work = || {
        loop {
            let start = next.fetch_add(SHARE, Ordering::Relaxed);
            let Some(share) = names.get(start..names.len().min(start + SHARE)) else { return };
            for entry in share {
                look(&dir, entry);
                let done =
                    rustix::fs::renameat_with(&dir, &entry.name, &into, &entry.name, RenameFlags::NOREPLACE);
                done.expect("the entry moves");
                look(&into, entry);
                if then == Claimed::Goes {
                    remove(into.as_fd(), entry);
                }
            }
        }
    };
    in_threads(threads, &work);
}

fn remove(dir: BorrowedFd<'_>, entry: &Named) {
    let name = &entry.name;
    let flags = if entry.is_dir { AtFlags::REMOVEDIR } else { AtFlags::empty() };
    if rustix::fs::unlinkat(dir, name, flags).is_ok() {
        return;
    }
    let inner = rustix::fs::openat(dir, name, BELOW, Mode::empty()).expect("the directory opens");
    for entry in names(inner.as_fd()) {
        remove(inner.as_fd(), &entry);
    }
    rustix::fs::unlinkat(dir, name, AtFlags::REMOVEDIR).expect("it is empty");
}

/// Looks at everything below once, with four stamps and blocks; threads share the top directory by its entries.
pub fn walk(dir: &Path, threads: usize) -> u64 {
    let top = open(dir);
    let lock = Mutex::new(());
    let sum = std::sync::atomic::AtomicU64::new(0);
    let work = || {
        let mut seen = 0;
        let mut buffer = vec![MaybeUninit::uninit(); 128 << 10];
        let mut reader = RawDir::new(&top, &mut buffer);
        loop {
            let guard = reader.is_buffer_empty().then(|| lock.lock());
            let Some(entry) = reader.next() else { break };
            drop(guard);
            let entry = entry.expect("the directory reads");
            if !matches!(entry.file_name().to_bytes(), b"." | b"..") {
                seen += below(top.as_fd(), entry.file_name());
            }
        }
        sum.fetch_add(seen, Ordering::Relaxed);
    };
    in_threads(threads, &work);
    sum.into_inner()
}

fn below(dir: BorrowedFd<'_>, name: &CStr) -> u64 {
    let mask = StatxFlags::TYPE
        | StatxFlags::ATIME
        | StatxFlags::MTIME
        | StatxFlags::CTIME
        | StatxFlags::BTIME
        | StatxFlags::UID
        | StatxFlags::BLOCKS;
    let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::STATX_DONT_SYNC | AtFlags::NO_AUTOMOUNT;
    let found = rustix::fs::statx(dir, name, flags, mask).expect("it is there");
    if FileType::from_raw_mode(found.stx_mode.into()) != FileType::Directory {
        return 1;
    }
    let inner = rustix::fs::openat(dir, name, BELOW, Mode::empty()).expect("the directory opens");
    let mut buffer = [MaybeUninit::uninit(); 16 << 10];
    let mut reader = RawDir::new(&inner, &mut buffer);
    let mut seen = 1;
    while let Some(entry) = reader.next() {
        let entry = entry.expect("the directory reads");
        if !matches!(entry.file_name().to_bytes(), b"." | b"..") {
            seen += below(inner.as_fd(), entry.file_name());
        }
    }
    seen
}

fn in_threads(threads: usize, work: &(impl Fn() + Sync)) {
    std::thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(work);
        }
        work();
    });
}
