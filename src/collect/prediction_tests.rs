//! Tests of [`super`]: what the functions of `prediction` promise.

use super::*;
use crate::collect::owners::Mapped;
use crate::collect::specimen;
use crate::model::reading::GapWhy;
use crate::model::units::Entries;
use crate::model::vantage::{Acl, AclEntry, AclWho};

struct Scene {
    walked: Vec<Component>,
    arrived: bool,
    mount: Option<Mount>,
    overlay: Option<OverlayState>,
    space: Seen<Space>,
    credentials: Credentials,
}

impl Scene {
    fn healthy() -> Self {
        let tmp = specimen::component("/tmp", 0o1777);
        let root = specimen::component("/", 0o755);
        Self {
            walked: vec![root, tmp],
            arrived: true,
            mount: Some(specimen::mount(25, "/", b"/", "ext4")),
            overlay: None,
            space: Ok(specimen::space()),
            credentials: Credentials { uid: 1000, gid: 1000, ..Credentials::default() },
        }
    }

    fn end(&mut self) -> &mut Facts {
        self.walked.last_mut().unwrap().facts.as_mut().unwrap()
    }

    fn room(&mut self) -> &mut Space {
        self.space.as_mut().unwrap()
    }

    fn root(&mut self) {
        self.credentials = Credentials { capabilities: u64::MAX, ..Credentials::default() };
    }

    fn answer(&self) -> (Can, Option<Errno>, Option<String>) {
        let mapped = Mapped::all();
        let ability = predict(&Case {
            path: &"/tmp".into(),
            walked: &self.walked,
            arrived: self.arrived,
            mount: self.mount.as_ref(),
            overlay: self.overlay.as_ref(),
            space: &self.space,
            who: Who { credentials: &self.credentials, mapped: &mapped },
        });
        (ability.can, ability.errno, ability.step)
    }
}

fn refused(errno: Errno, step: &str) -> (Can, Option<Errno>, Option<String>) {
    (Can::No, Some(errno), Some(step.to_owned()))
}

const YES: (Can, Option<Errno>, Option<String>) = (Can::Yes, None, None);
const UNKNOWN: (Can, Option<Errno>, Option<String>) = (Can::Unknown, None, None);

fn with(change: impl FnOnce(&mut Scene)) -> (Can, Option<Errno>, Option<String>) {
    let mut scene = Scene::healthy();
    change(&mut scene);
    scene.answer()
}

#[test]
fn a_healthy_tmp_works() {
    assert_eq!(with(|_| {}), YES);
    assert_eq!(with(Scene::root), YES);
    assert_eq!(with(|s| s.mount = None), YES, "without a mount table the flags of statfs still tell");
}

#[test]
fn a_way_that_ends_early_gives_its_errno() {
    for errno in [Errno::ENOENT, Errno::ENOTDIR, Errno::ELOOP, Errno::EACCES, Errno::ENAMETOOLONG] {
        let answer = with(|s| {
            s.walked[1].error = Some(errno);
            s.arrived = false;
        });
        assert_eq!(answer, refused(errno, "mkdir"));
    }
}

#[test]
fn a_removed_directory_is_dead_for_root_too() {
    let by_links = with(|s| {
        s.root();
        s.end().links = 0;
    });
    assert_eq!(by_links, refused(Errno::ENOENT, "mkdir"));
    let by_mark = with(|s| s.mount.as_mut().unwrap().root_deleted = true);
    assert_eq!(by_mark, refused(Errno::ENOENT, "mkdir"));
    let both = with(|s| {
        s.end().links = 0;
        s.mount.as_mut().unwrap().options = "ro".into();
    });
    assert_eq!(both, refused(Errno::ENOENT, "mkdir"), "the dead directory is met first");
}

#[test]
fn an_overlay_without_its_layers_is_dead_although_nothing_else_shows_it() {
    let layers = |upper, work| OverlayState { mount_id: 25, upper, work, seen_by: Some(1) };
    let answer = |upper, work| with(|s| s.overlay = Some(layers(upper, work)));
    assert_eq!(answer(Ok(false), Ok(true)), refused(Errno::ENOENT, "mkdir"));
    assert_eq!(answer(Ok(true), Ok(false)), refused(Errno::ENOENT, "mkdir"));
    assert_eq!(answer(Ok(true), Ok(true)), YES);
    assert_eq!(answer(Err(GapWhy::Absent), Err(GapWhy::Denied)), YES, "unseen layers are no dead layers");
}

#[test]
fn read_only_counts_wherever_it_is_written() {
    let options = with(|s| s.mount.as_mut().unwrap().options = "ro,relatime".into());
    let file_system = with(|s| s.mount.as_mut().unwrap().super_options = "ro".into());
    let emergency =
        with(|s| s.mount.as_mut().unwrap().super_options = "rw,errors=remount-ro,emergency_ro".into());
    let flag = with(|s| {
        s.mount = None;
        s.room().read_only = true;
    });
    for answer in [options, file_system, emergency, flag] {
        assert_eq!(answer, refused(Errno::EROFS, "mkdir"));
    }
    let policy = with(|s| s.mount.as_mut().unwrap().super_options = "rw,errors=remount-ro".into());
    assert_eq!(policy, YES, "the policy alone is no defect");
    let shut = with(|s| s.mount.as_mut().unwrap().super_options = "rw,shutdown".into());
    assert_eq!(shut, refused(Errno::EIO, "mkdir"));
}

#[test]
fn immutable_stops_root_and_append_only_nobody() {
    let answer = with(|s| {
        s.root();
        s.end().immutable = true;
    });
    assert_eq!(answer, refused(Errno::EPERM, "mkdir"));
    assert_eq!(with(|s| s.end().append_only = true), YES);
}

#[test]
fn modes_and_acls_stop_users_only() {
    let closed = |s: &mut Scene| s.end().mode = 0o755;
    assert_eq!(with(closed), refused(Errno::EACCES, "mkdir"));
    let as_root = with(|s| {
        closed(s);
        s.root();
    });
    assert_eq!(as_root, YES);
    let denied = with(|s| {
        let entries = vec![AclEntry { who: AclWho::User(1000), permissions: 0 }];
        s.end().acl = Some(Acl { entries });
    });
    assert_eq!(denied, refused(Errno::EACCES, "mkdir"));
    let no_search = with(|s| s.end().mode = 0o1666);
    assert_eq!(no_search, refused(Errno::EACCES, "mkdir"));
}

#[test]
fn a_full_disk_stops_the_directory_and_a_full_tmpfs_only_the_write() {
    let disk = with(|s| s.room().available = Bytes(0));
    assert_eq!(disk, refused(Errno::ENOSPC, "mkdir"));
    let memory = with(|s| {
        s.mount.as_mut().unwrap().fs_type = "tmpfs".into();
        s.room().available = Bytes(0);
    });
    assert_eq!(memory, refused(Errno::ENOSPC, "write"));
    let last_block = with(|s| s.room().available = Bytes(BLOCK));
    assert_eq!(last_block, refused(Errno::ENOSPC, "write"));
    assert_eq!(with(|s| s.room().available = Bytes(2 * BLOCK)), YES);
}

#[test]
fn the_reserve_is_for_root_and_not_all_of_it() {
    let reserve_left = |s: &mut Scene| s.room().available = Bytes(0);
    assert_eq!(with(reserve_left), refused(Errno::ENOSPC, "mkdir"));
    let as_root = with(|s| {
        reserve_left(s);
        s.root();
    });
    assert_eq!(as_root, YES);
    let exhausted = with(|s| {
        reserve_left(s);
        s.root();
        s.room().free = Bytes(16 << 20);
    });
    assert_eq!(exhausted, refused(Errno::ENOSPC, "mkdir"), "what ext4 holds back from everybody");
}

#[test]
fn inodes_count_only_where_they_are_counted() {
    assert_eq!(with(|s| s.room().inodes_free = Entries(0)), refused(Errno::ENOSPC, "mkdir"));
    let made_as_needed = with(|s| {
        s.room().inodes = Entries(0);
        s.room().inodes_free = Entries(0);
    });
    assert_eq!(made_as_needed, YES);
    let unlimited = with(|s| {
        s.room().total = Bytes(0);
        s.room().available = Bytes(0);
    });
    assert_eq!(unlimited, YES);
}

#[test]
fn too_many_sub_directories_stop_ext4() {
    assert_eq!(with(|s| s.end().links = 65_000), refused(Errno::EMLINK, "mkdir"));
    assert_eq!(with(|s| s.end().links = 64_999), YES);
    let elsewhere = with(|s| {
        s.end().links = 200_000;
        s.mount.as_mut().unwrap().fs_type = "xfs".into();
    });
    assert_eq!(elsewhere, YES);
}

#[test]
fn no_exec_does_not_stop_creation() {
    assert_eq!(with(|s| s.room().no_exec = true), YES);
}

#[test]
fn what_was_not_seen_is_not_guessed() {
    assert_eq!(with(|s| s.space = Err(GapWhy::Denied)), UNKNOWN);
    let halfway = with(|s| {
        s.walked.pop();
        s.arrived = false;
    });
    assert_eq!(halfway, UNKNOWN);
    let nothing = with(|s| {
        s.walked.clear();
        s.arrived = false;
        s.mount = None;
    });
    assert_eq!(nothing, UNKNOWN);
}

#[test]
fn a_mark_in_the_mount_table_is_proof_without_a_walk() {
    let unseen = |s: &mut Scene| {
        s.walked.clear();
        s.arrived = false;
        s.mount = Some(specimen::mount(9, "/x", b"/tmp", "ext4"));
    };
    assert_eq!(with(unseen), UNKNOWN);
    let dead = with(|s| {
        unseen(s);
        s.mount.as_mut().unwrap().root_deleted = true;
    });
    assert_eq!(dead, refused(Errno::ENOENT, "mkdir"));
    let further_up = with(|s| {
        unseen(s);
        s.mount = Some(Mount { options: "ro".into(), ..specimen::mount(9, "/", b"/", "ext4") });
    });
    assert_eq!(further_up, UNKNOWN, "/tmp may be a link to somewhere else");
}
