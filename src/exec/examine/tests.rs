//! Tests of [`super`].

use std::fs::{File, FileTimes};
use std::time::{Duration, UNIX_EPOCH};

use rustix::fs::FileType;

use super::*;
use crate::model::units::WallNanos;
use crate::sys::{dirfd, scratch};

fn look(dir: &tempfile::TempDir, name: &str, budget: Budget) -> Candidate {
    let handle = dirfd::open_trusted_dir(scratch::bytes(dir)).unwrap();
    examine(handle.as_fd(), name.as_bytes(), budget).unwrap()
}

#[test]
fn a_fresh_file_deep_inside_makes_the_whole_entry_fresh() {
    let dir = scratch::dir();
    let deep = dir.path().join("old/a/b/c");
    std::fs::create_dir_all(&deep).unwrap();
    std::fs::write(deep.join("fresh"), "x").unwrap();
    let future = UNIX_EPOCH + Duration::from_secs(4_000_000_000);
    File::options()
        .write(true)
        .open(deep.join("fresh"))
        .unwrap()
        .set_times(FileTimes::new().set_modified(future))
        .unwrap();
    let seen = look(&dir, "old", Budget::default());
    assert_eq!(seen.tree.newest, WallNanos(4_000_000_000_000_000_000));
    assert_eq!(seen.tree.newest_at, RawPath::new(*b"a/b/c/fresh"));
    assert_eq!((seen.tree.entries.0, seen.object.kind, seen.tree.unseen), (5, Kind::Directory, None));
}

#[test]
fn what_is_beyond_the_budget_is_said() {
    let dir = scratch::dir();
    std::fs::create_dir_all(dir.path().join("e/1/2/3/4/5")).unwrap();
    let levels = look(&dir, "e", Budget { levels: 3, ..Budget::default() });
    assert_eq!(levels.tree.unseen.as_deref(), Some("1/2/3: deeper than 3 levels"));
    let objects = look(&dir, "e", Budget { objects: 3, ..Budget::default() });
    assert!(objects.tree.unseen.is_some_and(|why| why.contains("more than 3 objects")));
}

#[test]
fn a_lock_on_the_directory_or_the_file_is_seen() {
    let dir = scratch::dir();
    std::fs::create_dir(dir.path().join("task")).unwrap();
    std::fs::write(dir.path().join("file"), "").unwrap();
    for name in ["task", "file"] {
        assert_eq!(look(&dir, name, Budget::default()).locked, Tried::Free);
        let other = OwnedFd::from(File::open(dir.path().join(name)).unwrap());
        hands::lock(&other).unwrap();
        assert_eq!(look(&dir, name, Budget::default()).locked, Tried::Taken);
    }
}

#[test]
fn a_link_or_a_pipe_is_looked_at_itself() {
    let dir = scratch::dir();
    std::os::unix::fs::symlink("/etc", dir.path().join("link")).unwrap();
    rustix::fs::mknodat(rustix::fs::CWD, dir.path().join("pipe"), FileType::Fifo, rustix::fs::Mode::RUSR, 0)
        .unwrap();
    let link = look(&dir, "link", Budget::default());
    assert_eq!((link.object.kind, link.tree.entries.0, link.locked), (Kind::Link, 1, Tried::NotLockable));
    assert_eq!(look(&dir, "pipe", Budget::default()).object.kind, Kind::Fifo);
}
