//! What an interrupted run left: told from what lies there now, or left for the next one.

use std::os::fd::AsFd;
use std::path::Path;

use super::{FAILED, at, rights};
use crate::exec::object;
use crate::exec::stage::Stage;
use crate::exec::treat::{settle, way};
use crate::model::journal::{Act, Change, Done, Record, WorkId};
use crate::model::raw_path::RawPath;

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
    let steps = vec![Act { step: 0, change }];
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
    let steps = vec![Act { step: 0, change }];
    journal.add(&Record::Intent { work: WorkId(1), steps }).unwrap();
    drop(journal);
    let settled = settled(&stage);
    assert!(settled.steps.is_empty() && settled.open.is_some(), "{settled:?}");
}
