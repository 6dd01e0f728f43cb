//! Tests of [`super`]: whatever became of the file, nothing in it is lost and nothing is acted on that does not hold.

#![expect(clippy::disallowed_methods, reason = "a test looks at its own private directory by path")]

use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::model::journal::{Act, Change, WorkId};
use crate::sys::{dirfd, scratch};

pub(super) fn place() -> (tempfile::TempDir, OwnedFd, u32) {
    let dir = scratch::dir();
    std::fs::set_permissions(dir.path(), PermissionsExt::from_mode(0o700)).unwrap();
    let handle = dirfd::open_trusted_dir(scratch::bytes(&dir)).unwrap();
    (dir, handle, rustix::process::geteuid().as_raw())
}

pub(super) fn record(n: u64) -> Record {
    let change = Change::Call { line: "true".to_owned() };
    Record::Intent { work: WorkId(n), steps: vec![Act { step: 0, change }] }
}

#[test]
fn goes_on_where_the_last_one_stopped() {
    let (_dir, handle, own) = place();
    for n in 0..3 {
        let mut opened = Journal::open(handle.as_fd(), own).unwrap();
        assert_eq!(opened.records, (0..n).map(record).collect::<Vec<_>>());
        opened.journal.add(&record(n)).unwrap();
    }
    assert_eq!(records(handle.as_fd(), own).unwrap().records.len(), 3);
}

#[test]
fn a_torn_tail_is_cut_off_and_the_rest_goes_on() {
    let (dir, handle, own) = place();
    let mut opened = Journal::open(handle.as_fd(), own).unwrap();
    opened.journal.add(&record(0)).unwrap();
    opened.journal.add(&record(1)).unwrap();
    drop(opened);
    let path = dir.path().join(NAME);
    let length = std::fs::read(&path).unwrap().len() as u64;
    File::options().write(true).open(&path).unwrap().set_len(length - 3).unwrap();
    let mut opened = Journal::open(handle.as_fd(), own).unwrap();
    assert_eq!(opened.records, [record(0)]);
    assert!(opened.torn > 0);
    opened.journal.add(&record(2)).unwrap();
    assert_eq!(records(handle.as_fd(), own).unwrap().records, [record(0), record(2)]);
}

#[test]
fn whatever_byte_is_damaged_the_records_behind_it_are_kept_beside() {
    let (dir, handle, own) = place();
    let mut opened = Journal::open(handle.as_fd(), own).unwrap();
    for n in 0..3 {
        opened.journal.add(&record(n)).unwrap();
    }
    drop(opened);
    let path = dir.path().join(NAME);
    let whole = std::fs::read(&path).unwrap();
    for at in (0..whole.len() / 3 * 2).step_by(7) {
        let mut bad = whole.clone();
        bad[at] ^= 1;
        std::fs::write(&path, &bad).unwrap();
        let opened = Journal::open(handle.as_fd(), own).unwrap();
        assert!(opened.records.len() < 2 + usize::from(at >= whole.len() / 3), "byte {at}");
        let copy = dir.path().join(opened.copy.expect("more than a tail is cut off"));
        assert_eq!(std::fs::read(copy).unwrap(), bad);
    }
}

#[test]
fn a_torn_tail_leaves_no_copy() {
    let (dir, handle, own) = place();
    let mut opened = Journal::open(handle.as_fd(), own).unwrap();
    opened.journal.add(&record(0)).unwrap();
    opened.journal.add(&record(1)).unwrap();
    drop(opened);
    let path = dir.path().join(NAME);
    let whole = std::fs::read(&path).unwrap();
    for length in (0..=whole.len()).rev() {
        std::fs::write(&path, &whole[..length]).unwrap();
        assert_eq!(Journal::open(handle.as_fd(), own).unwrap().copy, None, "cut at {length}");
    }
}

#[test]
fn what_could_not_be_read_again_is_not_begun() {
    let (dir, handle, own) = place();
    let mut opened = Journal::open(handle.as_fd(), own).unwrap();
    assert!(matches!(opened.journal.reserve(LARGEST + 1), Err(JournalError::TooLarge(_))));
    drop(opened);
    let path = dir.path().join(NAME);
    File::options().write(true).open(&path).unwrap().set_len(LARGEST + 1).unwrap();
    assert!(matches!(Journal::open(handle.as_fd(), own), Err(JournalError::TooLarge(_))));
    assert_eq!(std::fs::metadata(&path).unwrap().len(), LARGEST + 1, "nothing of it is cut off");
}

#[test]
fn two_instances_exclude_each_other() {
    let (_dir, handle, own) = place();
    let first = Journal::open(handle.as_fd(), own).unwrap();
    assert!(matches!(Journal::open(handle.as_fd(), own), Err(JournalError::Busy)));
    drop(first);
    assert!(Journal::open(handle.as_fd(), own).is_ok());
}

#[test]
fn a_directory_that_others_may_enter_is_refused() {
    let (dir, handle, own) = place();
    std::fs::set_permissions(dir.path(), PermissionsExt::from_mode(0o755)).unwrap();
    let refused = Journal::open(handle.as_fd(), own).unwrap_err();
    assert!(matches!(refused, JournalError::NotOurs { mode: 0o755, .. }));
}

#[test]
fn a_link_in_its_place_is_not_followed() {
    let (dir, handle, own) = place();
    let target = dir.path().join("target");
    std::fs::write(&target, "kept").unwrap();
    std::os::unix::fs::symlink(&target, dir.path().join(NAME)).unwrap();
    assert!(Journal::open(handle.as_fd(), own).is_err());
    assert_eq!(std::fs::read_to_string(&target).unwrap(), "kept");
}

#[test]
fn steps_with_names_that_are_all_escapes_are_written_down_in_as_many_records_as_it_takes() {
    let (_dir, handle, own) = place();
    let act = |step: u64| {
        let line = format!("{}{step:06}", "\u{1}".repeat(249));
        Act { step, change: Change::Call { line } }
    };
    let steps: Vec<Act> = (0..6_000).map(act).collect();
    let mut opened = Journal::open(handle.as_fd(), own).unwrap();
    opened.journal.add(&Record::Intent { work: WorkId(1), steps: steps.clone() }).unwrap();
    opened.journal.add(&record(2)).unwrap();
    let read = records(handle.as_fd(), own).unwrap().records;
    assert!(read.len() > 2, "it fits into one");
    let all = read.iter().flat_map(|record| match record {
        Record::Intent { work: WorkId(1), steps } => steps.clone(),
        _ => Vec::new(),
    });
    assert_eq!(all.collect::<Vec<_>>(), steps);
}
