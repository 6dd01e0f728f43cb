//! Records of cargo: removed where they hold a failure and nobody builds, and put back where they were.

use super::{FAILED, at, rights};
use crate::exec::stage::Stage;
use crate::model::journal::Done;
use crate::model::treatment::Deed;

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

#[test]
fn a_removed_record_comes_back_in_its_own_directory_only() {
    let stage = Stage::new();
    let dir = stage.directory("target");
    let file = dir.join(".rustc_info.json");
    std::fs::write(&file, FAILED).unwrap();
    assert!(stage.treat("heal-cargo-replay", Deed::RemoveRecord { at: at(&file) }).is_done());
    std::fs::rename(&dir, stage.path("moved")).unwrap();
    std::fs::create_dir(&dir).unwrap();
    let undone = stage.back();
    assert!(undone.left[0].1.contains("another directory"), "{undone:?}");
    assert_eq!(std::fs::read_dir(&dir).unwrap().count(), 0);
}
