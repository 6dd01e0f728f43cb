//! Modes and owners: changed on the object that was seen, written down before, and given back.

use std::os::fd::AsFd;
use std::os::unix::fs::PermissionsExt;

use super::{at, inode, rights};
use crate::exec::stage::Stage;
use crate::exec::treat::way;
use crate::model::journal::{Change, Done, Record};
use crate::model::treatment::{Deed, Rights};
use crate::sys::stat;

#[test]
fn a_mode_is_repaired_and_comes_back() {
    let stage = Stage::new();
    let dir = stage.directory("t");
    let before = rights(&dir);
    assert!(stage.set(&dir, 0o1777).is_done());
    assert_eq!(rights(&dir).mode, 0o1777);
    assert_eq!(stage.back().left, []);
    assert_eq!(rights(&dir), before);
}

#[test]
fn what_is_not_what_was_planned_is_left_alone() {
    let stage = Stage::new();
    let (dir, other) = (stage.directory("t"), stage.directory("other"));
    let (seen, from) = (inode(&dir), rights(&dir));
    std::fs::rename(&other, stage.path("aside")).unwrap();
    std::fs::rename(&dir, &other).unwrap();
    std::os::unix::fs::symlink(&other, &dir).unwrap();
    let to = Rights { mode: 0o777, ..from };
    let came = stage.treat("repair-mode", Deed::SetRights { at: at(&dir), inode: seen, from, to });
    assert!(matches!(came.done, Done::Kept { .. }), "{came:?}");
    assert_eq!(rights(&other), from, "a link is not followed");
}

#[test]
fn an_undo_leaves_what_somebody_changed_since() {
    let stage = Stage::new();
    let dir = stage.directory("t");
    assert!(stage.set(&dir, 0o1777).is_done());
    std::fs::set_permissions(&dir, PermissionsExt::from_mode(0o750)).unwrap();
    let undone = stage.back();
    assert_eq!((undone.back.len(), undone.left.len()), (0, 1), "{undone:?}");
    assert_eq!(rights(&dir).mode, 0o750);
}

#[test]
fn every_step_is_written_down_before_it_is_done() {
    let stage = Stage::new();
    let dir = stage.directory("t");
    assert!(stage.set(&dir, 0o1777).is_done());
    let records = stage.records();
    let [Record::Begin(_), Record::Intent { steps, .. }, Record::Outcome { steps: came, .. }] = &records[..]
    else {
        panic!("{records:?}")
    };
    assert!(matches!(steps[0].change, Change::Mode { to: 0o1777, .. }));
    let Done::Done { changed: Some(changed) } = came[0].done else { panic!("{came:?}") };
    let node = way::node(&at(&dir)).unwrap();
    assert_eq!(changed.0, stat::of(AsFd::as_fd(&node)).unwrap().changed);
}
