//! Deeds on real directories, and taking them back.
#![expect(clippy::disallowed_methods, reason = "tests make, change and remove what they look at by path")]

use std::os::fd::AsFd;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use super::*;
use crate::exec::object;
use crate::exec::stage::Stage;
use crate::model::finding::Risk;
use crate::model::journal::{Change, Record};
use crate::model::mount::Device;
use crate::model::raw_path::{RawPath, RawText};
use crate::model::treatment::{Inode, Rights, Step, Way};
use crate::sys::stat;

fn plan(action: &str, deed: Deed) -> Treatment {
    seal(Treatment {
        schema: SCHEMA.to_owned(),
        digest: String::new(),
        boot_id: "b".to_owned(),
        made: WallNanos(0),
        expires: WallNanos(100),
        action: action.to_owned(),
        finding: String::new(),
        subject: String::new(),
        title: String::new(),
        risk: Risk::None,
        reversible: true,
        lasts: None,
        ends: Vec::new(),
        notes: Vec::new(),
        steps: vec![Step { does: String::new(), by_hand: "true".to_owned(), deed }],
        proofs: Vec::new(),
    })
}

fn at(path: &Path) -> Way {
    Way { by: None, path: RawPath::from(path.as_os_str()) }
}

fn inode(path: &Path) -> Inode {
    let found = std::fs::symlink_metadata(path).unwrap();
    let (major, minor) = (rustix::fs::major(found.dev()), rustix::fs::minor(found.dev()));
    Inode { device: Device { major, minor }, inode: found.ino() }
}

fn rights(path: &Path) -> Rights {
    let found = std::fs::symlink_metadata(path).unwrap();
    Rights { mode: found.mode() & 0o7777, uid: found.uid(), gid: found.gid() }
}

impl Stage {
    fn treat(&self, action: &str, deed: Deed) -> Came {
        let (mut journal, _) = self.journal();
        self.begin(&mut journal, WorkId(1));
        let own = rustix::process::geteuid().as_raw();
        let plan = plan(action, deed);
        treat(&plan, (&mut journal, WorkId(1)), own, &mut |_, _| {}).unwrap().remove(0)
    }

    fn back(&self) -> crate::exec::undo::Undone {
        let (mut journal, records) = self.journal();
        assert!(back::can(&records, WorkId(1)));
        self.begin(&mut journal, WorkId(2));
        back::take_back(&mut journal, &records, WorkId(1), WorkId(2)).unwrap()
    }

    fn set(&self, path: &Path, to: u32) -> Came {
        let from = rights(path);
        let to = Rights { mode: to, ..from };
        self.treat("repair-mode", Deed::SetRights { at: at(path), inode: inode(path), from, to })
    }
}

#[test]
fn a_sealed_plan_is_good_within_its_boot_and_its_time_and_unchanged() {
    let plan = plan("x", Deed::ReloadManager);
    assert_eq!(check(&plan, "b", WallNanos(50)), Ok(()));
    assert!(matches!(check(&plan, "c", WallNanos(50)), Err(Stale::Boot(_))));
    assert_eq!(check(&plan, "b", WallNanos(100)), Err(Stale::Expired));
    let other = Treatment { steps: Vec::new(), ..plan };
    assert!(matches!(check(&other, "b", WallNanos(50)), Err(Stale::Digest { .. })));
}

#[test]
fn a_mode_is_repaired_and_comes_back() {
    let stage = Stage::new();
    let dir = stage.path("t");
    std::fs::create_dir(&dir).unwrap();
    let before = rights(&dir);
    assert!(stage.set(&dir, 0o1777).is_done());
    assert_eq!(rights(&dir).mode, 0o1777);
    assert_eq!(stage.back().left, []);
    assert_eq!(rights(&dir), before);
}

#[test]
fn what_is_not_what_was_planned_is_left_alone() {
    let stage = Stage::new();
    let (dir, other) = (stage.path("t"), stage.path("other"));
    for path in [&dir, &other] {
        std::fs::create_dir(path).unwrap();
    }
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
    let dir = stage.path("t");
    std::fs::create_dir(&dir).unwrap();
    assert!(stage.set(&dir, 0o1777).is_done());
    std::fs::set_permissions(&dir, PermissionsExt::from_mode(0o750)).unwrap();
    let undone = stage.back();
    assert_eq!((undone.back.len(), undone.left.len()), (0, 1), "{undone:?}");
    assert_eq!(rights(&dir).mode, 0o750);
}

#[test]
fn a_temp_dir_is_made_with_those_above_it_and_goes_again_while_it_is_empty() {
    let stage = Stage::new();
    let (above, dir) = (stage.path("a"), stage.path("a/b"));
    let rights_wanted = Rights { mode: 0o700, ..rights(&stage.path("")) };
    let make = || stage.treat("make-temp-dir", Deed::MakeDir { at: at(&dir), rights: rights_wanted });
    assert!(make().is_done());
    assert_eq!((rights(&above).mode, rights(&dir).mode), (0o755, 0o700));
    assert!(matches!(make().done, Done::Kept { .. }), "it is there already");
    std::fs::write(dir.join("of a build"), "x").unwrap();
    assert_eq!(stage.back().back, []);
    assert!(dir.join("of a build").exists());
    std::fs::remove_file(dir.join("of a build")).unwrap();
    assert_eq!(stage.back().back.len(), 2);
    assert!(!above.exists());
}

#[test]
fn another_directory_of_that_name_is_not_removed_by_an_undo() {
    let stage = Stage::new();
    let dir = stage.path("t");
    let wanted = Rights { mode: 0o700, ..rights(&stage.path("")) };
    assert!(stage.treat("make-temp-dir", Deed::MakeDir { at: at(&dir), rights: wanted }).is_done());
    std::fs::rename(&dir, stage.path("kept")).unwrap();
    std::fs::create_dir(&dir).unwrap();
    assert_eq!(stage.back().back, []);
    assert!(dir.exists() && stage.path("kept").exists());
}

const FAILED: &str =
    r#"{"rustc_fingerprint":1,"outputs":{"2":{"success":false,"status":"exit status: 2"}},"successes":{}}"#;

#[test]
fn a_recorded_failure_goes_and_comes_back_byte_for_byte() {
    let stage = Stage::new();
    let file = stage.path(".rustc_info.json");
    std::fs::write(&file, FAILED).unwrap();
    let before = rights(&file);
    assert!(stage.treat("heal-cargo-replay", Deed::RemoveRecord { at: at(&file) }).is_done());
    assert!(
        std::fs::read_dir(stage.path("")).unwrap().all(|e| e.unwrap().file_name() == ".q"),
        "nothing is left aside"
    );
    assert_eq!(stage.back().left, []);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), FAILED);
    assert_eq!(rights(&file), before);
}

#[test]
fn a_record_without_a_failure_stays_and_an_undo_replaces_nothing() {
    let stage = Stage::new();
    let file = stage.path(".rustc_info.json");
    std::fs::write(&file, FAILED.replace("false", "true")).unwrap();
    let came = stage.treat("heal-cargo-replay", Deed::RemoveRecord { at: at(&file) });
    assert!(matches!(came.done, Done::Kept { .. }), "{came:?}");
    std::fs::write(&file, FAILED).unwrap();
    assert!(stage.treat("heal-cargo-replay", Deed::RemoveRecord { at: at(&file) }).is_done());
    std::fs::write(&file, "of cargo, anew").unwrap();
    assert_eq!(stage.back().left.len(), 1);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "of cargo, anew");
}

#[test]
fn a_drop_in_is_the_old_one_or_the_new_one() {
    let stage = Stage::new();
    let dir = crate::sys::dirfd::reopen_listing(AsFd::as_fd(&stage.place)).unwrap();
    units::replace(&dir, "a.conf", b"one").unwrap();
    units::replace(&dir, "a.conf", b"two").unwrap();
    assert_eq!(units::content(&dir, "a.conf").unwrap(), Some("two".into()));
    assert_eq!(rights(&stage.path("a.conf")).mode, 0o644);
    std::os::unix::fs::symlink("a.conf", stage.path("link.conf")).unwrap();
    assert!(units::content(&dir, "link.conf").is_err(), "a link is not read");
    assert_eq!(std::fs::read_dir(stage.path("")).unwrap().count(), 3, "nothing is left aside");
}

#[test]
fn every_step_is_written_down_before_it_is_done() {
    let stage = Stage::new();
    let dir = stage.path("t");
    std::fs::create_dir(&dir).unwrap();
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

#[test]
fn a_plan_about_something_that_is_gone_is_stale_before_anything_is_begun() {
    let stage = Stage::new();
    let (dir, file) = (stage.path("t"), stage.path(".rustc_info.json"));
    std::fs::create_dir(&dir).unwrap();
    std::fs::write(&file, FAILED).unwrap();
    let whom =
        crate::model::treatment::Whom { pid: std::process::id(), started: crate::model::units::BootNanos(0) };
    let from = rights(&dir);
    let to = Rights { mode: 0o1777, ..from };
    let good = [
        Deed::SetRights { at: at(&dir), inode: inode(&dir), from, to },
        Deed::GiveTree { at: at(&dir), inode: inode(&dir), old_uid: from.uid, uid: 1, gid: 1 },
        Deed::RemoveRecord { at: at(&file) },
        Deed::MakeDir { at: at(&stage.path("new")), rights: from },
    ];
    let is_good = |deed: &Deed| check(&plan("x", deed.clone()), "b", WallNanos(50));
    for deed in &good {
        assert_eq!(is_good(deed), Ok(()), "{deed:?}");
    }
    std::fs::create_dir(stage.path("new")).unwrap();
    std::fs::rename(&dir, stage.path("aside")).unwrap();
    std::fs::write(&file, "{}").unwrap();
    let line = RawText::from("9 1 0:5 /x//deleted /tmp rw - tmpfs tmpfs rw");
    let never = [
        Deed::Stop { whom, uid: 0, exe: None, patience_ms: 1, kill: true },
        Deed::Rebind { whom, point: "/tmp".into(), mount_id: 9, line },
    ];
    for deed in good.iter().chain(&never) {
        assert!(matches!(is_good(deed), Err(Stale::Changed(_))), "{deed:?}");
    }
    let mut restart = plan("restart-unit", Deed::RestartUnit { unit: "a.service".to_owned() });
    restart.ends = vec![crate::model::treatment::Ends { pid: u32::MAX >> 2, program: "gone".to_owned() }];
    assert!(matches!(check(&seal(restart), "b", WallNanos(50)), Err(Stale::Changed(_))));
}

#[test]
fn a_record_stays_while_a_cargo_builds_there() {
    let stage = Stage::new();
    let file = stage.path(".rustc_info.json");
    std::fs::write(&file, FAILED).unwrap();
    for profile in ["debug", "x86_64-unknown-linux-musl/release"] {
        let dir = stage.path(profile);
        std::fs::create_dir_all(&dir).unwrap();
        let lock = std::fs::File::create(dir.join(".cargo-lock")).unwrap();
        lock.lock().unwrap();
        let came = stage.treat("heal-cargo-replay", Deed::RemoveRecord { at: at(&file) });
        let Done::Kept { why } = &came.done else { panic!("{came:?}") };
        assert!(why.contains("a cargo builds there now") && why.contains(profile), "{why}");
    }
    assert_eq!(std::fs::read_to_string(&file).unwrap(), FAILED);
    assert!(
        stage.treat("heal-cargo-replay", Deed::RemoveRecord { at: at(&file) }).is_done(),
        "the builds have ended"
    );
}

/// An intent to remove that record, whose outcome nobody wrote down.
fn removal_begun(stage: &Stage, file: &Path) {
    let (mut journal, _) = stage.journal();
    stage.begin(&mut journal, WorkId(1));
    let id = |path: &Path| object::of(way::node(&at(path)).unwrap().as_fd()).unwrap().0;
    let change = Change::Unlink {
        path: RawPath::from(file.as_os_str()),
        object: id(file),
        parent: Some(id(file.parent().unwrap())),
        rights: rights(file),
        content: FAILED.into(),
    };
    let steps = vec![crate::model::journal::Act { step: 0, change }];
    journal.add(&Record::Intent { work: WorkId(1), steps }).unwrap();
}

fn settled(stage: &Stage) -> settle::Settled {
    let (mut journal, records) = stage.journal();
    settle::settle(&mut journal, &records, WorkId(1)).unwrap()
}

#[test]
fn a_record_counts_as_removed_only_where_its_own_directory_has_it_under_no_name() {
    type Happens = fn(&Path);
    let ways: [(Happens, &str); 5] = [
        (|_| {}, "it had not been done yet"),
        (
            |file| std::fs::rename(file, file.with_file_name(".rustc_info.tmpmedic-77")).unwrap(),
            "lies beside as",
        ),
        (|file| std::fs::remove_dir_all(file.parent().unwrap()).unwrap(), "No such file"),
        (
            |file| {
                let dir = file.parent().unwrap();
                std::fs::rename(dir, dir.with_extension("old")).unwrap();
                std::fs::create_dir(dir).unwrap();
            },
            "another directory has that path",
        ),
        (|file| std::fs::remove_file(file).unwrap(), ""),
    ];
    for (happens, why) in ways {
        let stage = Stage::new();
        std::fs::create_dir(stage.path("target")).unwrap();
        let file = stage.path("target/.rustc_info.json");
        std::fs::write(&file, FAILED).unwrap();
        removal_begun(&stage, &file);
        happens(&file);
        let settled = settled(&stage);
        match &settled.steps[0].done {
            Done::Done { .. } => assert_eq!(why, ""),
            Done::Kept { why: said } => assert!(!why.is_empty() && said.contains(why), "{said}"),
            failed @ Done::Failed { .. } => panic!("{failed:?}"),
        }
    }
}

#[test]
fn what_cannot_be_looked_at_now_is_left_for_the_next_run() {
    let stage = Stage::new();
    let (mut journal, _) = stage.journal();
    stage.begin(&mut journal, WorkId(1));
    let (object, _) = object::of(stage.place.as_fd()).unwrap();
    let path = RawPath::from(stage.path(&"x".repeat(300)).as_os_str());
    let change = Change::Mode { path, object, from: 0, to: 1 };
    let steps = vec![crate::model::journal::Act { step: 0, change }];
    journal.add(&Record::Intent { work: WorkId(1), steps }).unwrap();
    drop(journal);
    let settled = settled(&stage);
    assert!(settled.steps.is_empty() && settled.open.is_some(), "{settled:?}");
}

#[test]
fn a_removed_record_comes_back_in_its_own_directory_only() {
    let stage = Stage::new();
    let dir = stage.path("target");
    std::fs::create_dir(&dir).unwrap();
    let file = dir.join(".rustc_info.json");
    std::fs::write(&file, FAILED).unwrap();
    assert!(stage.treat("heal-cargo-replay", Deed::RemoveRecord { at: at(&file) }).is_done());
    std::fs::rename(&dir, stage.path("moved")).unwrap();
    std::fs::create_dir(&dir).unwrap();
    let undone = stage.back();
    assert!(undone.left[0].1.contains("another directory"), "{undone:?}");
    assert_eq!(std::fs::read_dir(&dir).unwrap().count(), 0);
}

#[test]
fn whoever_hands_a_plan_in_makes_it_neither_last_nor_aim_at_others() {
    let stage = Stage::new();
    let dir = stage.path("t");
    std::fs::create_dir(&dir).unwrap();
    let from = rights(&dir);
    let deed =
        Deed::SetRights { at: at(&dir), inode: inode(&dir), from, to: Rights { mode: 0o1777, ..from } };
    let good = plan("repair-mode", deed);
    let late = WallNanos(GOOD_FOR_NANOS);
    let lasting = Treatment { expires: WallNanos(i64::MAX), ..good.clone() };
    assert_eq!(check(&lasting, "b", late), Err(Stale::Expired));
    let ends = vec![crate::model::treatment::Ends { pid: 1, program: "init".to_owned() }];
    let other = Treatment { ends, ..good };
    assert!(matches!(check(&other, "b", WallNanos(50)), Err(Stale::Digest { .. })));
}
