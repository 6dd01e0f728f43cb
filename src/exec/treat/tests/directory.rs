//! Directories: made with those above them, and removed again while they are ours and empty.

use super::{at, rights};
use crate::exec::stage::Stage;
use crate::model::journal::Done;
use crate::model::treatment::{Deed, Rights};

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
