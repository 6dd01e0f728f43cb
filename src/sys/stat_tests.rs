//! Tests of [`super`]: what the functions of `stat` promise.

use std::fs::File;
use std::os::fd::AsFd;

use super::*;
use crate::sys::{dirfd, scratch};

#[test]
fn tells_kinds_owners_and_links_apart() {
    let dir = scratch::dir();
    std::os::unix::fs::symlink("nowhere", dir.path().join("link")).unwrap();
    File::create(dir.path().join("file")).unwrap();
    let handle = dirfd::open_trusted_dir(scratch::bytes(&dir)).unwrap();
    assert!(of(handle.as_fd()).unwrap().is_directory());
    assert!(at(handle.as_fd(), c"link").unwrap().is_link());
    let file = at(handle.as_fd(), c"file").unwrap();
    assert!(file.is_regular());
    assert_eq!((file.links, file.size), (1, 0));
    assert_eq!(at(handle.as_fd(), c"none").unwrap_err().raw_os_error(), Some(Errno::NOENT.raw_os_error()));
}

#[test]
fn the_fallback_agrees_with_statx() {
    let dir = scratch::dir();
    let handle = dirfd::open_trusted_dir(scratch::bytes(&dir)).unwrap();
    let new = of(handle.as_fd()).unwrap();
    let old = plain(&rustix::fs::statat(&handle, c"", AtFlags::EMPTY_PATH).unwrap());
    assert_eq!((new.mode, new.uid, new.device, new.inode), (old.mode, old.uid, old.device, old.inode));
    assert_eq!((new.modified, new.changed, new.links), (old.modified, old.changed, old.links));
}

#[test]
fn a_removed_directory_has_no_links_left() {
    let dir = scratch::dir();
    let inner = dir.path().join("inner");
    std::fs::create_dir(&inner).unwrap();
    let parent = dirfd::open_trusted_dir(scratch::bytes(&dir)).unwrap();
    let handle = dirfd::open_node(parent.as_fd(), b"inner").unwrap();
    rustix::fs::unlinkat(&parent, "inner", AtFlags::REMOVEDIR).unwrap();
    assert_eq!(of(handle.as_fd()).unwrap().links, 0);
}

#[test]
fn the_brief_look_takes_the_newest_stamp() {
    let dir = scratch::dir();
    let file = File::create(dir.path().join("old")).unwrap();
    let past = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_000);
    file.set_times(std::fs::FileTimes::new().set_accessed(past).set_modified(past)).unwrap();
    let handle = dirfd::open_trusted_dir(scratch::bytes(&dir)).unwrap();
    let full = at(handle.as_fd(), c"old").unwrap();
    assert_eq!(full.modified, 1_000_000_000_000);
    assert!(full.changed > full.modified, "extraction keeps the mtime, but not the ctime");
    assert_eq!(brief_at(handle.as_fd(), c"old").unwrap().newest, full.newest());
}

#[test]
fn measures_room_through_a_path_handle() {
    let handle = dirfd::open_trusted_dir(b"/").unwrap();
    let room = room(handle.as_fd()).unwrap();
    assert!(room.free <= room.total);
    assert!(room.available <= room.free);
}
