//! Clean-up and undo, end to end on a real file system.

#![expect(clippy::disallowed_methods, reason = "a test looks at its own private directory by path")]

use std::os::fd::AsFd;

use super::journal::Journal;
use super::stage::{Says, Stage};
use super::sweep::{Flow, Progress};
use super::undo;
use super::{object, recover};
use crate::model::journal::{Act, Change, Done, Record, WorkId};
use crate::model::plan::{ObjectId, Plan};
use crate::model::surroundings::{Claim, ClaimKind};

fn on(_: Progress) -> Flow {
    Flow::On
}

fn tree(stage: &Stage, name: &str) {
    std::fs::create_dir_all(stage.path(name).join("b001")).unwrap();
    std::fs::write(stage.path(name).join("b001/x"), name).unwrap();
}

fn undo(stage: &Stage) -> undo::Undone {
    let (mut journal, records) = stage.journal();
    let taken = undo::still_taken(&records, WorkId(1));
    stage.begin(&mut journal, WorkId(2));
    undo::give_back(&mut journal, &taken, WorkId(2), (stage.place.as_fd(), &stage.quarantine)).unwrap()
}

#[test]
fn what_is_cleaned_can_be_taken_back_and_is_the_same() {
    let stage = Stage::new();
    for name in ["go-build1", "go-build2"] {
        tree(&stage, name);
    }
    let plan = stage.plan(&["go-build1", "go-build2"]);
    let swept = stage.sweep(&plan, &mut Says::default(), &mut on);
    assert_eq!((swept.taken.len(), swept.kept.len(), swept.failed.len()), (2, 0, 0));
    assert!(!stage.path("go-build1").exists());
    let undone = undo(&stage);
    assert_eq!((undone.back.len(), undone.left.len()), (2, 0));
    for planned in &plan.entries {
        let name = planned.candidate.name.as_bytes();
        assert_eq!(object::at(stage.place.as_fd(), name).unwrap(), planned.candidate.object);
    }
    assert_eq!(std::fs::read_to_string(stage.path("go-build2/b001/x")).unwrap(), "go-build2");
}

#[test]
fn a_second_undo_has_nothing_left_to_do() {
    let stage = Stage::new();
    tree(&stage, "a");
    stage.sweep(&stage.plan(&["a"]), &mut Says::default(), &mut on);
    undo(&stage);
    assert_eq!(undo::still_taken(&stage.records(), WorkId(1)), []);
}

#[test]
fn what_a_guard_keeps_at_the_last_moment_stays() {
    let stage = Stage::new();
    tree(&stage, "a");
    tree(&stage, "b");
    let plan = stage.plan(&["a", "b"]);
    let mut says = Says::default();
    says.keeps.insert("a".into(), "pid 812 is in it".into());
    let swept = stage.sweep(&plan, &mut says, &mut on);
    assert_eq!(swept.kept, [("a".into(), "pid 812 is in it".to_owned())]);
    assert!(stage.path("a/b001/x").exists());
    assert!(!stage.path("b").exists());
}

#[test]
fn what_was_exchanged_since_the_plan_stays() {
    let stage = Stage::new();
    tree(&stage, "a");
    let plan = stage.plan(&["a"]);
    std::fs::rename(stage.path("a"), stage.path("moved")).unwrap();
    std::fs::create_dir(stage.path("a")).unwrap();
    std::fs::write(stage.path("a/precious"), "kept").unwrap();
    let swept = stage.sweep(&plan, &mut Says::default(), &mut on);
    assert!(swept.kept[0].1.contains("another object"), "{:?}", swept.kept);
    assert_eq!(std::fs::read_to_string(stage.path("a/precious")).unwrap(), "kept");
}

#[test]
fn who_took_hold_of_it_in_the_meantime_gets_it_back() {
    let stage = Stage::new();
    tree(&stage, "a");
    let plan = stage.plan(&["a"]);
    let claim =
        Claim { kind: ClaimKind::Cwd, pid: Some(812), program: None, party: None, shown: "/tmp/a".into() };
    let mut says = Says::default();
    says.claims.insert("1-0".into(), vec![claim]);
    let swept = stage.sweep(&plan, &mut says, &mut on);
    assert_eq!(swept.taken, []);
    assert!(swept.kept[0].1.contains("pid 812"), "{:?}", swept.kept);
    assert!(stage.path("a/b001/x").exists());
    assert_eq!(undo::still_taken(&stage.records(), WorkId(1)), [], "it does not lie in the quarantine");
}

#[test]
fn a_number_in_the_name_that_we_gave_it_is_nobodys_pid() {
    let stage = Stage::new();
    tree(&stage, "a");
    let kind = ClaimKind::NamedPid;
    let claim = Claim { kind, pid: Some(1), program: None, party: None, shown: "1-0".into() };
    let mut says = Says::default();
    says.claims.insert("1-0".into(), vec![claim]);
    let swept = stage.sweep(&stage.plan(&["a"]), &mut says, &mut on);
    assert_eq!(swept.taken.len(), 1, "{:?}", swept.kept);
}

#[test]
fn stops_between_two_entries_and_what_was_taken_can_be_taken_back() {
    let stage = Stage::new();
    let names: Vec<String> = (0..10).map(|n| format!("e{n}")).collect();
    for name in &names {
        std::fs::write(stage.path(name), name).unwrap();
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut third = |progress: Progress| if progress.done == 3 { Flow::Stop } else { Flow::On };
    let swept = stage.sweep(&stage.plan(&names), &mut Says::default(), &mut third);
    assert!(swept.stopped);
    assert_eq!(swept.taken.len(), 3);
    assert_eq!(names.iter().filter(|name| stage.path(name).exists()).count(), 7);
    assert_eq!(undo(&stage).back.len(), 3);
    assert_eq!(names.iter().filter(|name| stage.path(name).exists()).count(), 10);
}

#[test]
fn removal_for_good_leaves_nothing_in_the_quarantine() {
    let stage = Stage::new();
    tree(&stage, "a");
    let mut plan: Plan = stage.plan(&["a"]);
    plan.wishes.delete = true;
    let swept = stage.sweep(&plan, &mut Says::default(), &mut on);
    assert_eq!(swept.removed, ["a".into()]);
    assert_eq!(swept.objects.0, 3);
    assert_eq!(std::fs::read_dir(stage.path(".q")).unwrap().count(), 0);
    assert_eq!(undo::still_taken(&stage.records(), WorkId(1)), [], "what is gone cannot be taken back");
}

#[test]
fn a_name_that_was_taken_again_keeps_its_new_owner() {
    let stage = Stage::new();
    tree(&stage, "a");
    stage.sweep(&stage.plan(&["a"]), &mut Says::default(), &mut on);
    std::fs::write(stage.path("a"), "new").unwrap();
    let undone = undo(&stage);
    assert_eq!(undone.back, []);
    assert!(undone.left[0].1.contains("taken again"));
    assert_eq!(std::fs::read_to_string(stage.path("a")).unwrap(), "new");
    assert!(stage.path(".q/1-0/b001/x").exists(), "the old one is not lost");
}

/// An intent for `name` whose outcome nobody wrote down.
fn interrupted(stage: &Stage, name: &str) -> (Journal, ObjectId) {
    tree(stage, name);
    let object = object::at(stage.place.as_fd(), name.as_bytes()).unwrap();
    let (mut journal, _) = stage.journal();
    stage.begin(&mut journal, WorkId(1));
    let change = Change::Quarantine { name: name.into(), object, slot: "1-0".into(), bytes: None };
    journal.add(&Record::Intent { work: WorkId(1), steps: vec![Act { step: 0, change }] }).unwrap();
    (journal, object)
}

#[test]
fn an_interrupted_run_is_known_by_where_the_object_is() {
    for is_taken in [false, true] {
        let stage = Stage::new();
        let (journal, object) = interrupted(&stage, "a");
        if is_taken {
            let taken = stage.quarantine.take(stage.place.as_fd(), b"a", (&object, 0), b"1-0");
            assert!(matches!(taken, super::quarantine::Taken::Ours));
        }
        drop(journal);
        let (mut journal, records) = stage.journal();
        let ends = (stage.place.as_fd(), &stage.quarantine);
        let found = recover::recover(&mut journal, &records, WorkId(1), ends).unwrap();
        assert_eq!(matches!(found.done[&0], Done::Done { .. }), is_taken);
        let again = recover::recover(&mut journal, &stage.records(), WorkId(1), ends).unwrap();
        assert!(again.records.is_empty(), "twice is once");
        drop(journal);
        assert_eq!(undo::still_taken(&stage.records(), WorkId(1)).len(), usize::from(is_taken));
    }
}

#[test]
fn what_went_back_before_anybody_wrote_that_down_is_back() {
    let stage = Stage::new();
    tree(&stage, "a");
    stage.sweep(&stage.plan(&["a"]), &mut Says::default(), &mut on);
    stage.quarantine.give_back(b"1-0", stage.place.as_fd(), b"a").unwrap();
    let undone = undo(&stage);
    assert_eq!((undone.back, undone.left), (vec!["a".into()], Vec::new()));
    assert_eq!(undo::still_taken(&stage.records(), WorkId(1)), []);
}

#[test]
fn what_an_interrupted_run_took_by_mistake_and_cannot_go_back_is_known_as_put_aside() {
    let stage = Stage::new();
    let (mut journal, _) = interrupted(&stage, "a");
    std::fs::rename(stage.path("a"), stage.path("away")).unwrap();
    std::fs::create_dir(stage.path(".q/1-0")).unwrap();
    std::fs::write(stage.path("a"), "taken again").unwrap();
    let ends = (stage.place.as_fd(), &stage.quarantine);
    let found = recover::recover(&mut journal, &stage.records(), WorkId(1), ends).unwrap();
    assert!(matches!(&found.done[&0], Done::Kept { why } if why.contains("lies in the quarantine as 1-0")));
    drop(journal);
    let aside = undo::still_taken(&stage.records(), WorkId(1));
    assert_eq!(aside[0].1, object::at(stage.quarantine.dir(), b"1-0").unwrap());
    std::fs::remove_file(stage.path("a")).unwrap();
    assert_eq!(undo(&stage).back.len(), 1);
    assert!(stage.path("a").is_dir());
}

#[test]
fn an_interrupted_removal_is_done_only_where_nothing_of_it_waits() {
    for rest in [false, true] {
        let stage = Stage::new();
        let (mut journal, object) = interrupted(&stage, "a");
        let wanted = (&object, 0);
        assert!(matches!(
            stage.quarantine.take(stage.place.as_fd(), b"a", wanted, b"1-0"),
            super::quarantine::Taken::Ours
        ));
        let change = Change::Purge { slot: "1-0".into(), object };
        journal.add(&Record::Intent { work: WorkId(1), steps: vec![Act { step: 1, change }] }).unwrap();
        std::fs::rename(stage.path(".q/1-0/b001"), stage.path(".q/1-d0")).unwrap();
        std::fs::remove_dir(stage.path(".q/1-0")).unwrap();
        if !rest {
            std::fs::remove_dir_all(stage.path(".q/1-d0")).unwrap();
        }
        let ends = (stage.place.as_fd(), &stage.quarantine);
        let found = recover::recover(&mut journal, &stage.records(), WorkId(1), ends).unwrap();
        assert_eq!(matches!(found.done[&1], Done::Done { .. }), !rest, "{:?}", found.done);
        drop(journal);
        assert_eq!(undo::still_taken(&stage.records(), WorkId(1)), [], "nothing of it could be given back");
    }
}

#[test]
fn what_cannot_be_looked_at_stays_open_for_the_next_run() {
    let stage = Stage::new();
    let (mut journal, object) = interrupted(&stage, "a");
    // Longer than any name: the kernel answers something else than that there is nothing.
    let slot = crate::model::raw_path::RawPath::from("x".repeat(300).as_str());
    let change = Change::Quarantine { name: "a".into(), object, slot, bytes: None };
    journal.add(&Record::Intent { work: WorkId(1), steps: vec![Act { step: 1, change }] }).unwrap();
    let ends = (stage.place.as_fd(), &stage.quarantine);
    let found = recover::recover(&mut journal, &stage.records(), WorkId(1), ends).unwrap();
    assert_eq!(found.done.keys().collect::<Vec<_>>(), [&0]);
    assert!(found.open.is_some_and(|why| why.contains("step 1")));
    assert_eq!(undo::steps_of(&stage.records(), WorkId(1))[&1].done, None);
}

#[test]
fn after_a_boot_what_lies_on_a_device_of_its_own_is_still_known() {
    let id = |mount_id, minor| ObjectId {
        mount_id,
        device: crate::model::mount::Device { major: 0, minor },
        inode: 1,
        kind: crate::model::vantage::Kind::File,
        born: None,
    };
    let (then, now) = (id(20, 30), id(25, 41));
    for (object, wanted) in [(id(20, 30), id(25, 41)), (id(20, 33), id(25, 33)), (id(21, 30), id(21, 30))] {
        assert_eq!(undo::today(object, &then, &now), wanted);
    }
}
