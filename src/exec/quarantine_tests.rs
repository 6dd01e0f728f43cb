//! Tests of [`super`]: what goes into a quarantine, and what goes back.

#![expect(clippy::disallowed_methods, reason = "a test looks at its own private directory by path")]

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::*;
use crate::sys::{dirfd, scratch};

struct Bench {
    dir: tempfile::TempDir,
    handle: OwnedFd,
    own: u32,
}

fn bench(mode: u32) -> Bench {
    let dir = scratch::dir();
    std::fs::set_permissions(dir.path(), PermissionsExt::from_mode(mode)).unwrap();
    let handle = dirfd::open_trusted_dir(scratch::bytes(&dir)).unwrap();
    Bench { dir, handle, own: rustix::process::geteuid().as_raw() }
}

impl Bench {
    fn path(&self) -> &Path {
        self.dir.path()
    }

    fn open(&self) -> Result<Quarantine, NoQuarantine> {
        Quarantine::open(self.handle.as_fd(), b".q", self.own)
    }

    fn id(&self, name: &str) -> ObjectId {
        let node = enter::node(self.handle.as_fd(), name.as_bytes()).unwrap();
        object::of(node.as_fd()).unwrap().0
    }
}

#[test]
fn takes_the_planned_object_and_gives_it_back_unchanged() {
    let bench = bench(0o1777);
    std::fs::write(bench.path().join("old"), "text").unwrap();
    let (quarantine, id) = (bench.open().unwrap(), bench.id("old"));
    assert!(matches!(quarantine.take(bench.handle.as_fd(), b"old", (&id, bench.own), b"1"), Taken::Ours));
    assert!(!bench.path().join("old").exists());
    quarantine.give_back(b"1", bench.handle.as_fd(), b"old").unwrap();
    assert_eq!(bench.id("old"), id);
    assert_eq!(std::fs::read_to_string(bench.path().join("old")).unwrap(), "text");
}

#[test]
fn an_object_that_took_the_name_since_keeps_it() {
    let bench = bench(0o1777);
    std::fs::write(bench.path().join("name"), "planned").unwrap();
    let (quarantine, id) = (bench.open().unwrap(), bench.id("name"));
    std::fs::rename(bench.path().join("name"), bench.path().join("elsewhere")).unwrap();
    std::fs::write(bench.path().join("name"), "of a victim").unwrap();
    let victim = bench.id("name");
    assert!(matches!(quarantine.take(bench.handle.as_fd(), b"name", (&id, bench.own), b"1"), Taken::PutBack));
    assert_eq!(bench.id("name"), victim, "the victim's file has its name and its inode");
    assert_eq!(std::fs::read_to_string(bench.path().join("elsewhere")).unwrap(), "planned");
}

#[test]
fn whoever_takes_the_name_again_keeps_it_unless_he_is_the_owner_of_the_planned_one() {
    for (other, expected) in [(0, ("of a victim", "squatted")), (1, ("squatted", "of a victim"))] {
        let bench = bench(0o1777);
        let quarantine = bench.open().unwrap();
        std::fs::write(bench.path().join(".q/1"), "of a victim").unwrap();
        std::fs::write(bench.path().join("name"), "squatted").unwrap();
        let taken = quarantine.release(b"1", (bench.handle.as_fd(), b"name"), bench.own + other);
        assert_eq!(matches!(taken, Taken::Swapped), other == 0, "{taken:?}");
        let at = |path: &str| std::fs::read_to_string(bench.path().join(path)).unwrap();
        assert_eq!((&*at("name"), &*at(".q/1")), expected);
    }
}

#[test]
fn what_is_gone_is_gone_and_a_link_is_not_followed() {
    let bench = bench(0o1777);
    std::fs::write(bench.path().join("target"), "kept").unwrap();
    std::os::unix::fs::symlink("target", bench.path().join("link")).unwrap();
    let (quarantine, id) = (bench.open().unwrap(), bench.id("link"));
    assert!(matches!(quarantine.take(bench.handle.as_fd(), b"none", (&id, bench.own), b"1"), Taken::Gone));
    assert!(matches!(quarantine.take(bench.handle.as_fd(), b"link", (&id, bench.own), b"2"), Taken::Ours));
    assert_eq!(std::fs::read_to_string(bench.path().join("target")).unwrap(), "kept");
}

#[test]
fn refuses_a_place_from_which_others_could_take_it_away() {
    assert!(matches!(bench(0o777).open(), Err(NoQuarantine::NotSticky { mode: 0o777 })));
    assert!(bench(0o755).open().is_ok(), "nobody else can write there");
}

#[test]
fn refuses_a_quarantine_that_others_may_enter() {
    let bench = bench(0o1777);
    std::fs::create_dir(bench.path().join(".q")).unwrap();
    std::fs::set_permissions(bench.path().join(".q"), PermissionsExt::from_mode(0o755)).unwrap();
    assert!(matches!(bench.open(), Err(NoQuarantine::NotOurs { mode: 0o755, .. })));
}

#[test]
fn refuses_a_link_in_its_place() {
    let bench = bench(0o1777);
    std::os::unix::fs::symlink("/", bench.path().join(".q")).unwrap();
    assert!(matches!(bench.open(), Err(NoQuarantine::Os { .. })));
}
