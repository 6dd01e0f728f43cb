//! Which plans are good: within their boot and their time, unchanged, about what is still there.

use super::{FAILED, at, inode, plan, rights};
use crate::exec::seal::Stale;
use crate::exec::stage::Stage;
use crate::exec::treat::{check, seal};
use crate::model::raw_path::RawText;
use crate::model::treatment::{Deed, Ends, GOOD_FOR_NANOS, Rights, Treatment, Whom};
use crate::model::units::{BootNanos, WallNanos};

#[test]
fn a_sealed_plan_is_good_within_its_boot_and_its_time_and_unchanged() {
    let plan = plan("x", Deed::ReloadManager);
    assert_eq!(check(&plan, "b", WallNanos(50)), Ok(()));
    assert!(matches!(check(&plan, "c", WallNanos(50)), Err(Stale::Boot(_))));
    assert_eq!(check(&plan, "b", WallNanos(100)), Err(Stale::Expired));
    let other = Treatment { steps: Vec::new(), ..plan };
    assert!(matches!(check(&other, "b", WallNanos(50)), Err(Stale::Altered { .. })));
}

#[test]
fn a_plan_about_something_that_is_gone_is_stale_before_anything_is_begun() {
    let stage = Stage::new();
    let (dir, file) = (stage.directory("t"), stage.path(".rustc_info.json"));
    std::fs::write(&file, FAILED).unwrap();
    let whom = Whom { pid: std::process::id(), started: BootNanos(0) };
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
    restart.ends = vec![Ends { pid: u32::MAX >> 2, program: "gone".to_owned() }];
    assert!(matches!(check(&seal(restart), "b", WallNanos(50)), Err(Stale::Changed(_))));
}

#[test]
fn whoever_hands_a_plan_in_makes_it_neither_last_nor_aim_at_others() {
    let stage = Stage::new();
    let dir = stage.directory("t");
    let from = rights(&dir);
    let deed =
        Deed::SetRights { at: at(&dir), inode: inode(&dir), from, to: Rights { mode: 0o1777, ..from } };
    let good = plan("repair-mode", deed);
    let late = WallNanos(GOOD_FOR_NANOS);
    let lasting = Treatment { expires: WallNanos(i64::MAX), ..good.clone() };
    assert_eq!(check(&lasting, "b", late), Err(Stale::Expired));
    let ends = vec![Ends { pid: 1, program: "init".to_owned() }];
    let other = Treatment { ends, ..good };
    assert!(matches!(check(&other, "b", WallNanos(50)), Err(Stale::Altered { .. })));
}
