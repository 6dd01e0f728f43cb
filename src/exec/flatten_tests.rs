//! Tests of [`super`]: what removal for good takes, and what it leaves.

#![expect(clippy::disallowed_methods, reason = "a test looks at its own private directory by path")]

use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;

use rustix::fs::{CWD, FileType, Mode};

use super::*;
use crate::sys::{dirfd, scratch};

fn quarantine(dir: &tempfile::TempDir) -> (Quarantine, OwnedFd) {
    let handle = dirfd::open_trusted_dir(scratch::bytes(dir)).unwrap();
    let own = rustix::process::geteuid().as_raw();
    (Quarantine::open(handle.as_fd(), b".q", own).unwrap(), handle)
}

fn always() -> bool {
    true
}

#[test]
fn removes_whatever_there_is_and_nothing_beside_it() {
    let dir = scratch::dir();
    let (quarantine, _handle) = quarantine(&dir);
    let tree = dir.path().join(".q/1");
    std::fs::create_dir_all(tree.join("a/b/c")).unwrap();
    std::fs::create_dir_all(tree.join("a/empty")).unwrap();
    std::fs::write(dir.path().join("beside"), "kept").unwrap();
    std::os::unix::fs::symlink(dir.path(), tree.join("a/b/out")).unwrap();
    std::fs::hard_link(dir.path().join("beside"), tree.join("a/b/c/hard")).unwrap();
    rustix::fs::mknodat(CWD, tree.join("fifo"), FileType::Fifo, Mode::RUSR, 0).unwrap();
    let removed = Flattener::new(&quarantine, "j").remove(b"1", Shape::Any, &always);
    assert_eq!(removed, Removed { objects: 8, left: Vec::new(), stopped: false, rests: false });
    assert_eq!(std::fs::read_dir(dir.path().join(".q")).unwrap().count(), 0);
    assert_eq!(std::fs::read_to_string(dir.path().join("beside")).unwrap(), "kept");
}

#[test]
fn goes_as_deep_as_it_gets_with_few_descriptors() {
    let dir = scratch::dir();
    let (quarantine, _handle) = quarantine(&dir);
    let mut at = enter::listing(quarantine.dir(), {
        hands::make_private_dir(quarantine.dir(), b"1").unwrap();
        b"1"
    })
    .unwrap();
    for _ in 0..3_000 {
        hands::make_private_dir(at.as_fd(), b"deeper").unwrap();
        at = enter::listing(at.as_fd(), b"deeper").unwrap();
    }
    drop(at);
    let removed = Flattener::new(&quarantine, "j").remove(b"1", Shape::Any, &always);
    assert_eq!((removed.objects, removed.left.len()), (3_001, 0));
    assert_eq!(std::fs::read_dir(dir.path().join(".q")).unwrap().count(), 0);
}

#[test]
fn a_directory_that_its_owner_made_unwritable_goes_too() {
    let dir = scratch::dir();
    let (quarantine, _handle) = quarantine(&dir);
    let module = dir.path().join(".q/1/mod@v1");
    std::fs::create_dir_all(module.join("pkg")).unwrap();
    std::fs::write(module.join("pkg/file.go"), "package pkg").unwrap();
    for path in [module.join("pkg"), module] {
        std::fs::set_permissions(path, PermissionsExt::from_mode(0o555)).unwrap();
    }
    let removed = Flattener::new(&quarantine, "j").remove(b"1", Shape::Any, &always);
    assert_eq!(removed.left, []);
    assert!(!dir.path().join(".q/1").exists());
}

#[test]
fn stops_between_two_steps_and_can_go_on() {
    let dir = scratch::dir();
    let (quarantine, _handle) = quarantine(&dir);
    let tree = dir.path().join(".q/1");
    std::fs::create_dir(&tree).unwrap();
    for n in 0..10 {
        std::fs::write(tree.join(format!("f{n}")), "").unwrap();
    }
    let left = std::cell::Cell::new(5_u32);
    let some = || left.replace(left.get().saturating_sub(1)) > 0;
    let first = Flattener::new(&quarantine, "j").remove(b"1", Shape::Any, &some);
    assert!(first.stopped);
    let rest = Flattener::new(&quarantine, "k").remove(b"1", Shape::Any, &always);
    assert_eq!(first.objects + rest.objects, 11);
}

#[test]
fn what_an_earlier_removal_left_is_in_nobodys_way() {
    let dir = scratch::dir();
    let (quarantine, _handle) = quarantine(&dir);
    std::fs::create_dir_all(dir.path().join(".q/j-d0/left")).unwrap();
    std::fs::create_dir_all(dir.path().join(".q/1/a/b")).unwrap();
    let removed = Flattener::new(&quarantine, "j").remove(b"1", Shape::Any, &always);
    assert_eq!((removed.objects, removed.left.len()), (3, 0), "{removed:?}");
    assert!(dir.path().join(".q/j-d0/left").exists());
}

#[test]
fn what_is_already_gone_is_no_failure() {
    let dir = scratch::dir();
    let (quarantine, _handle) = quarantine(&dir);
    assert_eq!(Flattener::new(&quarantine, "j").remove(b"none", Shape::Any, &always), Removed::default());
}

#[test]
fn only_numbered_rests_are_ours() {
    for (ours, work) in [("3-d0", 3), ("12-d445", 12)] {
        assert_eq!(rest_of(ours.as_bytes()), Some(WorkId(work)), "{ours}");
    }
    for other in ["3-0", "3-dx", "x-d1", "-d1", "3-d", "precious", "3-d1\n"] {
        assert_eq!(rest_of(other.as_bytes()), None, "{other}");
    }
}
