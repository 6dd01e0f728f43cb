//! Tests of [`super`]: what the functions of `tallies` promise.

use std::fs::{File, FileTimes};
use std::time::UNIX_EPOCH;

use super::*;
use crate::sys::{clock, dirfd, scratch};

fn pass(dir: &tempfile::TempDir, now: WallNanos, untouchable: Vec<Vec<u8>>) -> Pass {
    let handle = dirfd::open_resolved(scratch::bytes(dir)).unwrap();
    let handle = dirfd::reopen_listing(handle.as_fd()).unwrap();
    Pass::new(handle, Arc::new(Catalog::builtin()), now, untouchable)
}

/// A clock so far ahead that what is made now is `days` old: birth and change of an inode cannot be set.
fn in_days(days: i64) -> WallNanos {
    WallNanos(clock::wall_nanos() + days * 86_400_000_000_000)
}

fn file(dir: &tempfile::TempDir, name: &str) -> File {
    File::create(dir.path().join(name)).unwrap()
}

#[test]
fn counts_by_family_kind_and_age() {
    let dir = scratch::dir();
    for name in ["rustcVAIpSt", "rustcVAIpSu", "go-build123"] {
        std::fs::create_dir(dir.path().join(name)).unwrap();
    }
    file(&dir, "somebody's notes");
    std::os::unix::fs::symlink("nowhere", dir.path().join("dangling")).unwrap();
    let mut pass = pass(&dir, in_days(8), vec![]);
    assert_eq!(pass.run(Duration::MAX), Ended::Finished);
    let (total, families) = pass.counted();
    assert_eq!((total.entries.0, total.directories.0), (5, 3));
    assert_eq!((total.old.0, total.old_directories.0, total.ages), (5, 3, [0, 0, 0, 5, 0]));
    assert_eq!(families["rustc"].tally.entries.0, 2);
    assert_eq!(families["go-build"].tally.directories.0, 1);
    assert_eq!(families[NO_FAMILY].tally.entries.0, 2);
    assert_eq!(families["rustc"].owners.values().sum::<u64>(), 2);
    assert_eq!((families["rustc"].held, families["rustc"].removable), (None, true));
    assert!(!families[NO_FAMILY].removable, "what nobody knows is looked at first");
}

#[test]
fn an_old_mtime_alone_makes_nothing_old() {
    let dir = scratch::dir();
    let long_ago = UNIX_EPOCH + Duration::from_secs(1_000_000);
    file(&dir, "extracted")
        .set_times(FileTimes::new().set_modified(long_ago).set_accessed(long_ago))
        .unwrap();
    let mut pass = pass(&dir, in_days(0), vec![]);
    pass.run(Duration::MAX);
    assert_eq!((pass.counted().0.old.0, pass.counted().0.ages[0]), (0, 1));
}

#[test]
fn a_stamp_in_the_future_has_no_age() {
    let dir = scratch::dir();
    let ahead = UNIX_EPOCH + Duration::from_secs(4_000_000_000);
    file(&dir, "ahead").set_times(FileTimes::new().set_modified(ahead)).unwrap();
    file(&dir, "now");
    let mut pass = pass(&dir, WallNanos(clock::wall_nanos() - 1_000_000_000), vec![]);
    pass.run(Duration::MAX);
    let total = pass.counted().0;
    assert_eq!((total.entries.0, total.future.0, total.ages), (2, 1, [1, 0, 0, 0, 0]));
}

#[test]
fn what_may_not_be_touched_is_counted_but_not_looked_at() {
    let dir = scratch::dir();
    std::fs::create_dir(dir.path().join("hung")).unwrap();
    file(&dir, "plain");
    let mut pass = pass(&dir, in_days(0), vec![b"hung".to_vec()]);
    pass.run(Duration::MAX);
    let total = pass.counted().0;
    assert_eq!((total.entries.0, total.directories.0, total.unknown.0), (2, 1, 1));
    assert_eq!(total.ages.iter().sum::<u64>(), 1);
}

#[test]
fn an_interrupted_pass_counts_every_entry_once() {
    let dir = scratch::dir();
    let names: u64 = 20_000;
    for n in 0..names {
        file(&dir, &format!("an entry with a rather long name so that pieces fill up early {n:08}"));
    }
    let mut pass = pass(&dir, in_days(0), vec![]);
    let mut runs = 0;
    while pass.run(Duration::ZERO) == Ended::Paused {
        runs += 1;
        assert!(runs < 1_000, "each run makes progress");
    }
    assert!(runs > 2, "a million bytes of names are several pieces");
    assert_eq!(pass.counted().0.entries.0, names);
    let mut whole = self::pass(&dir, in_days(0), vec![]);
    assert_eq!(whole.run(Duration::MAX), Ended::Finished);
    assert_eq!(whole.counted().0.entries.0, names, "two threads share the pieces");
}

#[test]
fn a_removed_directory_is_empty_for_good() {
    let dir = scratch::dir();
    std::fs::create_dir(dir.path().join("inner")).unwrap();
    let parent = dirfd::open_resolved(scratch::bytes(&dir)).unwrap();
    let handle = dirfd::open_listing(parent.as_fd(), b"inner").unwrap();
    rustix::fs::unlinkat(&parent, "inner", rustix::fs::AtFlags::REMOVEDIR).unwrap();
    let mut pass = Pass::new(handle, Arc::new(Catalog::builtin()), in_days(0), vec![]);
    assert_eq!(pass.run(Duration::MAX), Ended::Finished);
    assert_eq!(pass.counted().0.entries.0, 0);
}

#[test]
fn counts_are_merged_field_by_field() {
    let one = Tally {
        entries: Entries(1),
        ages: [1, 0, 0, 0, 0],
        oldest: Some(WallNanos(5)),
        newest: Some(WallNanos(5)),
        bytes: Bytes(u64::MAX),
        ..Tally::default()
    };
    let mut into = Tally { entries: Entries(2), ages: [0, 2, 0, 0, 0], ..Tally::default() };
    merge_tally(&mut into, &one);
    assert_eq!((into.entries.0, into.ages, into.oldest), (3, [1, 2, 0, 0, 0], Some(WallNanos(5))));
    merge_tally(&mut into, &Tally { oldest: Some(WallNanos(3)), bytes: Bytes(9), ..Tally::default() });
    assert_eq!((into.oldest, into.newest, into.bytes.0), (Some(WallNanos(3)), Some(WallNanos(5)), u64::MAX));
}
