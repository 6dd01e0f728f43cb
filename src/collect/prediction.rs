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
#[path = "prediction_tests.rs"]
mod tests;
