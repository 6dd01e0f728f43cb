//! How much room a vantage has: blocks and inodes, for the credentials in question.
//!
//! Called by the rules about full file systems. Source of the figures: statfs(2).

use std::collections::BTreeSet;

use crate::model::errno::Errno;
use crate::model::finding::Evidence;
use crate::model::mount::Mount;
use crate::model::raw_path::RawText;
use crate::model::reading::{Gap, GapWhy};
use crate::model::snapshot::Snapshot;
use crate::model::thresholds::Thresholds;
use crate::model::units::{Bytes, per_cent};
use crate::model::vantage::{Can, HowKnown, Space, Vantage};
use crate::rules::cohort::{self, Cohort};
use crate::rules::{place, unseen};

/// How full something is for one vantage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Room {
    /// Plenty.
    Enough,
    /// Enough now, not for another build.
    Nearly,
    /// What is left is kept for root.
    Reserved,
    /// Nothing.
    Full,
}

/// Families of file systems that count room in different ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backing {
    /// tmpfs and its like: memory with a limit.
    Memory,
    /// ext2, ext3, ext4: a fixed number of inodes and a reserve for root.
    Ext,
    /// Anything else: most make inodes as they need them.
    Other,
}

/// What stores the entries of a vantage.
pub fn backing(now: &Snapshot, vantage: &Vantage) -> Backing {
    match place::backing(now, vantage).map(|m| m.fs_type.as_str()) {
        Some("tmpfs" | "ramfs" | "devtmpfs") => Backing::Memory,
        Some("ext2" | "ext3" | "ext4") => Backing::Ext,
        _ => Backing::Other,
    }
}

/// The room of a vantage, where it says anything: read-only file systems (a snap's squashfs is always full) and those
/// that name no size (overlay on some kernels, many FUSE ones) say nothing.
pub fn space(now: &Snapshot, vantage: &Vantage) -> Option<Space> {
    let space = *vantage.space.as_ref().ok()?;
    let read_only = space.read_only || place::mount(now, vantage).is_some_and(Mount::is_read_only);
    (!read_only && space.total.0 > 0).then_some(space)
}

/// Blocks. Where a probe has just written, what is left is little but not nothing.
pub fn blocks(now: &Snapshot, vantage: &Vantage, t: &Thresholds) -> Room {
    let Some(space) = space(now, vantage) else { return Room::Enough };
    let room = usable(now, vantage, &space);
    if room < t.full_below && is_proved_wrong(vantage) {
        return Room::Nearly;
    }
    if room < t.full_below || is_refused_room(vantage, &space) {
        let for_root = Bytes(space.free.0.saturating_sub(held_back(&space).0));
        let kept = for_root >= t.full_below && space.available < t.full_below;
        let bound = room < t.full_below;
        let reserve = backing(now, vantage) == Backing::Ext && kept && bound;
        return if reserve { Room::Reserved } else { Room::Full };
    }
    let nearly = used_percent(&space) >= t.nearly_full_percent && space.available < t.roomy_from;
    if nearly { Room::Nearly } else { Room::Enough }
}

/// What these credentials may take. Only where nothing is left for users does the kernel's own share bind root as well.
fn usable(now: &Snapshot, vantage: &Vantage, space: &Space) -> Bytes {
    let room = space.room_for(&vantage.credentials);
    let on_reserve = backing(now, vantage) == Backing::Ext && space.available.0 == 0;
    if on_reserve { Bytes(room.0.saturating_sub(held_back(space).0)) } else { room }
}

/// ext4 holds back clusters from everybody, root included: 2 % of the file system, at most 4,096 of them. They count as
/// free. Source: the kernel's documentation of ext4, `reserved_clusters`.
fn held_back(space: &Space) -> Bytes {
    const MOST: u64 = 4096 * 4096;
    Bytes((space.total.0 / 50).min(MOST))
}

/// Inodes. 0 of 0 is a file system that makes them as needed, or a tmpfs without a limit.
///
/// XFS, ZFS and others work their inode figures out of the free blocks, so there a lack of both is a lack of blocks.
pub fn inodes(now: &Snapshot, vantage: &Vantage, t: &Thresholds) -> Room {
    let Some(space) = space(now, vantage) else { return Room::Enough };
    let derived = backing(now, vantage) == Backing::Other && blocks(now, vantage, t) != Room::Enough;
    if space.inodes.0 == 0 || derived {
        return Room::Enough;
    }
    if space.inodes_free.0 == 0 {
        return if is_proved_wrong(vantage) { Room::Nearly } else { Room::Full };
    }
    let nearly = inodes_percent(&space) >= t.nearly_full_percent && space.inodes_free < t.roomy_inodes;
    if nearly { Room::Nearly } else { Room::Enough }
}

fn is_proved_wrong(vantage: &Vantage) -> bool {
    vantage.can_create.can == Can::Yes && vantage.can_create.how == HowKnown::Probed
}

/// ENOSPC although some room shows: even root may not take the last clusters of ext4. Inodes are another matter, and with
/// plenty of room the refusal has another cause than a full disk.
fn is_refused_room(vantage: &Vantage, space: &Space) -> bool {
    let refused = vantage.can_create.can == Can::No && vantage.can_create.errno == Some(Errno::ENOSPC);
    let inodes = space.inodes.0 == 0 || space.inodes_free.0 > 0;
    refused && inodes && used_percent(space) >= 99
}

/// The worst that a cohort has by that measure, with the vantages that have it. Being nearly full counts only where
/// somebody's temp files really go.
pub fn worst<'a>(cohort: &Cohort<'a>, measure: impl Fn(&Vantage) -> Room) -> Option<(Room, Cohort<'a>)> {
    for level in [Room::Full, Room::Reserved] {
        if let Some(those) = cohort.only(|v| measure(v) == level) {
            return Some((level, those));
        }
    }
    let nearly = |v: &Vantage| measure(v) == Room::Nearly && place::is_temp_dir(cohort.now, v);
    cohort.only(nearly).map(|those| (Room::Nearly, those))
}

/// Per cent used, as df reckons: of what users may ever have.
pub fn used_percent(space: &Space) -> u64 {
    let used = space.total.0.saturating_sub(space.free.0);
    per_cent(used, used.saturating_add(space.available.0))
}

/// Per cent of inodes used.
pub fn inodes_percent(space: &Space) -> u64 {
    per_cent(space.inodes.0.saturating_sub(space.inodes_free.0), space.inodes.0)
}

/// What the lead of a cohort has: nothing where it is not known, which a caller has ruled out by judging it.
pub fn space_of(cohort: &Cohort<'_>) -> Option<Space> {
    cohort.lead.space.as_ref().ok().copied()
}

/// The room that the lead's processes may use.
pub fn room_of(cohort: &Cohort<'_>) -> Bytes {
    space_of(cohort).map_or(Bytes(0), |s| s.room_for(&cohort.lead.credentials))
}

/// The blocks, in the words of a command that prints exactly the same.
pub fn blocks_seen(cohort: &Cohort<'_>, means: &str) -> Option<Evidence> {
    let space = space_of(cohort)?;
    let path = cohort.reach().quoted();
    Some(Evidence {
        source: format!("statfs of {}", cohort.reach()),
        observed: text(&format!(
            "size {} free {} available {}",
            space.total.0, space.free.0, space.available.0
        )),
        means: means.to_owned(),
        by_hand: format!(
            "stat -f -c '%S %b %f %a' {path} | (read s b f a; echo \"size $((s*b)) free $((s*f)) available $((s*a))\")"
        ),
    })
}

/// The inodes, likewise.
pub fn inodes_seen(cohort: &Cohort<'_>, means: &str) -> Option<Evidence> {
    let space = space_of(cohort)?;
    Some(Evidence {
        source: format!("statfs of {}", cohort.reach()),
        observed: text(&format!("inodes {} free {}", space.inodes.0, space.inodes_free.0)),
        means: means.to_owned(),
        by_hand: format!("stat -f -c 'inodes %c free %d' {}", cohort.reach().quoted()),
    })
}

/// What kept the room of temp dirs from being known. A way that stops has no file system to ask.
pub fn gaps(now: &Snapshot) -> Vec<Gap> {
    let mut gaps = unseen::vantages_that_matter(now);
    let mut told: BTreeSet<String> = BTreeSet::new();
    for vantage in now.vantages.items().iter().filter(|v| v.stops_at().is_none()) {
        let Err(why) = &vantage.space else { continue };
        let what = format!("room on the file system of {}", vantage.path);
        if !matches!(why, GapWhy::Vanished | GapWhy::Absent) && told.insert(what.clone()) {
            gaps.push(Gap::new(what, why.clone()));
        }
    }
    gaps
}

/// `/tmp 42 % of 387 G used, 5 % of inodes` for the file systems of the vantages that `wanted` holds for, three at most.
pub fn figures(now: &Snapshot, wanted: impl Fn(&Vantage) -> bool) -> String {
    let cohorts = cohort::by_file_system(now, |v| space(now, v).is_some() && wanted(v));
    let mut parts: Vec<String> = cohorts
        .iter()
        .filter_map(|c| {
            let space = space_of(c)?;
            let inodes = match space.inodes.0 {
                0 => "no limit of inodes".to_owned(),
                _ => format!("{} % of inodes", inodes_percent(&space)),
            };
            Some(format!("{} {} % of {} used, {inodes}", c.path(), used_percent(&space), space.total))
        })
        .collect();
    let more = parts.len().saturating_sub(3);
    parts.truncate(3);
    match (parts.is_empty(), more) {
        (true, _) => "no such file system serves a temp dir".to_owned(),
        (false, 0) => parts.join("; "),
        (false, n) => format!("{}; and {n} more", parts.join("; ")),
    }
}

fn text(text: &str) -> RawText {
    RawText::from(text)
}
