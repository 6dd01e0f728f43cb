//! What would happen if a process made a temp dir there: worked out from what was seen, in the order of the kernel.
//!
//! Nothing is tried here; `probe` does that, and overrules this. Where anything that decides was not seen, the answer is
//! "unknown" and not a guess. Called by `collect::vantages`. Source: mkdir(2); filename_create() and may_create() of
//! fs/namei.c give the order in which the errors of several defects come.

use crate::collect::owners::{EXECUTE, WRITE, Who};
use crate::model::errno::Errno;
use crate::model::mount::{Mount, OverlayState};
use crate::model::process::Credentials;
use crate::model::raw_path::RawPath;
use crate::model::reading::Seen;
use crate::model::units::Bytes;
use crate::model::vantage::{Ability, Can, Component, Facts, Kind, Space};

/// Everything that decides.
pub struct Case<'a> {
    /// The directory, as the mount table names it.
    pub path: &'a RawPath,
    /// The way, each step judged for these credentials.
    pub walked: &'a [Component],
    /// Whether the way was walked to its end; if not and no component has an error, something could not be seen.
    pub arrived: bool,
    /// The mount that serves the end of the way.
    pub mount: Option<&'a Mount>,
    /// What is known of the layers of that mount, if it is an overlay.
    pub overlay: Option<&'a OverlayState>,
    /// Room there.
    pub space: &'a Seen<Space>,
    /// Who asks.
    pub who: Who<'a>,
}

/// One block of the smallest size that file systems on disks use today: what an entry or a first write takes.
const BLOCK: u64 = 4096;
/// Links at which ext4 without `dir_nlink` refuses another sub-directory. Source: EXT4_LINK_MAX.
const EXT4_LINKS: u64 = 65_000;

/// Predicts whether a temp dir can be made and written to.
pub fn predict(case: &Case<'_>) -> Ability {
    if let Some(errno) = case.walked.iter().find_map(|c| c.error) {
        return no(errno, "mkdir");
    }
    let end = case.walked.last().and_then(|c| c.facts.as_ref()).filter(|_| case.arrived);
    let by_mount = case.mount.and_then(|mount| refused_by_mount(case, mount));
    let Some(end) = end else {
        return by_mount.unwrap_or_else(Ability::unknown);
    };
    let refusal = dead(end, case)
        .or(by_mount)
        .or_else(|| refused_by_directory(end, case))
        .or_else(|| case.space.as_ref().ok().and_then(|space| refused_by_space(space, case)));
    match refusal {
        Some(ability) => ability,
        None if case.space.is_ok() => Ability::predicted(Can::Yes, None, None),
        None => Ability::unknown(),
    }
}

/// Nothing can be made in a removed directory. A merged directory of overlayfs has one link, dead or alive; there the
/// layers tell, which the kernel needs for every new entry.
fn dead(end: &Facts, case: &Case<'_>) -> Option<Ability> {
    let mount_gone = case.mount.is_some_and(|m| m.root_deleted);
    let layer_gone = case.overlay.is_some_and(|o| o.upper == Ok(false) || o.work == Ok(false));
    (end.links == 0 || mount_gone || layer_gone).then(|| no(Errno::ENOENT, "mkdir"))
}

/// What the mount alone decides, whatever the directory is like.
fn refused_by_mount(case: &Case<'_>, mount: &Mount) -> Option<Ability> {
    // Without any look at the way, only a mount on the directory itself is sure to serve it: further up, a link might lead
    // elsewhere.
    let at_end = case.arrived || case.walked.is_empty() && mount.point == *case.path;
    if !at_end {
        return None;
    }
    if mount.root_deleted {
        return Some(no(Errno::ENOENT, "mkdir"));
    }
    if mount.has_super_option("shutdown") {
        return Some(no(Errno::EIO, "mkdir"));
    }
    // ext4 after an error on recent kernels: no `ro` anywhere, and yet nothing can be made.
    let read_only = mount.is_read_only() || mount.has_super_option("emergency_ro");
    read_only.then(|| no(Errno::EROFS, "mkdir"))
}

fn refused_by_directory(end: &Facts, case: &Case<'_>) -> Option<Ability> {
    if end.kind != Kind::Directory {
        return Some(no(Errno::ENOTDIR, "mkdir"));
    }
    if case.space.as_ref().is_ok_and(|space| space.read_only) {
        return Some(no(Errno::EROFS, "mkdir"));
    }
    if end.immutable {
        return Some(no(Errno::EPERM, "mkdir"));
    }
    if !case.who.may(end, WRITE | EXECUTE) {
        return Some(no(Errno::EACCES, "mkdir"));
    }
    let on_ext4 = case.mount.is_some_and(|m| m.fs_type == "ext4");
    (on_ext4 && end.links >= EXT4_LINKS).then(|| no(Errno::EMLINK, "mkdir"))
}

fn refused_by_space(space: &Space, case: &Case<'_>) -> Option<Ability> {
    // Zero inodes or blocks in all: a file system that makes them as needed, or a tmpfs without limit.
    if space.inodes.0 > 0 && space.inodes_free.0 == 0 {
        return Some(no(Errno::ENOSPC, "mkdir"));
    }
    if space.total.0 == 0 {
        return None;
    }
    let room = room_for(space, case);
    // On tmpfs a directory costs no block, only an inode. Source: tmpfs(5).
    let in_memory = case.mount.is_some_and(|m| m.fs_type == "tmpfs");
    if room.0 < BLOCK && !in_memory {
        return Some(no(Errno::ENOSPC, "mkdir"));
    }
    let needed = if in_memory { BLOCK } else { 2 * BLOCK };
    (room.0 < needed).then(|| no(Errno::ENOSPC, "write"))
}

/// What these credentials may take.
///
/// ext4 holds back a few clusters even from root: 2 % of the file system, at most 4,096 of them. Source: the kernel's
/// documentation of ext4, `reserved_clusters`.
fn room_for(space: &Space, case: &Case<'_>) -> Bytes {
    let room = space.room_for(case.who.credentials);
    let on_ext4 = case.mount.is_some_and(|m| m.fs_type == "ext4");
    if on_ext4 && space.available.0 == 0 && takes_reserve(case.who.credentials) {
        let held_back = (space.total.0 / 50).min(4096 * BLOCK);
        return Bytes(room.0.saturating_sub(held_back));
    }
    room
}

fn takes_reserve(who: &Credentials) -> bool {
    const CAP_SYS_RESOURCE: u64 = 1 << 24;
    who.capabilities & CAP_SYS_RESOURCE != 0
}

fn no(errno: Errno, step: &str) -> Ability {
    Ability::predicted(Can::No, Some(errno), Some(step))
}

#[cfg(test)]
mod tests {
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
}
