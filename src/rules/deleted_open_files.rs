//! `deleted-open-files`: room is held by files that have no name any more but are still open.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::model::finding::{Action, Confidence, Evidence, Finding, Risk, Severity, SubjectKind};
use crate::model::holder::Pinned;
use crate::model::mount::Device;
use crate::model::process::Pid;
use crate::model::reading::{Gap, GapWhy};
use crate::model::snapshot::Snapshot;
use crate::model::thresholds::Thresholds;
use crate::model::units::{Bytes, count};
use crate::rules::room::{self, Room};
use crate::rules::{Rule, RuleCard, Verdict, cohort, offers, place, scope};

/// How many holders are named, the biggest first.
const NAMED: usize = 5;
/// Holding one part in so many of a full file system.
const SHARE: u64 = 10;

/// See the module's header.
pub struct DeletedOpenFiles;

static CARD: RuleCard = RuleCard {
    id: "deleted-open-files",
    title: "Deleted files that are still open hold room",
    yields_to: &[],
};

impl Rule for DeletedOpenFiles {
    fn card(&self) -> &'static RuleCard {
        &CARD
    }

    fn check(&self, now: &Snapshot, _before: Option<&Snapshot>, t: &Thresholds) -> Verdict {
        let mut by_device: BTreeMap<Device, Vec<&Pinned>> = BTreeMap::new();
        for pinned in now.holders.value().map_or(&[][..], |h| &h.pinned).iter().filter(|p| is_on_disk(p)) {
            by_device.entry(pinned.device).or_default().push(pinned);
        }
        let found = by_device.iter().filter_map(|(device, all)| finding(now, t, *device, all)).collect();
        // Who may not be read may hold something too; where room is plenty that does no harm.
        let tight = now.vantages.items().iter().any(|v| room::blocks(now, v, t) != Room::Enough);
        let blind = now.holders.value().is_none();
        let matters = |gap: &&Gap| blind || tight || gap.why != GapWhy::Denied;
        let gaps: Vec<Gap> = now.holders.gaps().iter().filter(matters).cloned().collect();
        Verdict::of(found, gaps, || {
            let all: Vec<&Pinned> = by_device.values().flatten().copied().collect();
            let unread = if now.holders.is_whole() { "" } else { "; not all processes could be read" };
            let (sum, holders, floor) =
                (sum(&all), count(all.len(), ("process", "processes")), t.pinned_from);
            format!("{sum} held by deleted files of {holders}, {floor} are worth a word{unread}")
        })
    }
}

/// Anonymous memory objects look like deleted files and take no room on any disk.
fn is_on_disk(pinned: &Pinned) -> bool {
    let name = pinned.biggest.as_bytes();
    let anonymous = [&b"/memfd:"[..], b"/SYSV", b"/dev/zero", b"/[aio]", b"/i915", b"/drm", b"anon_inode:"];
    !anonymous.iter().any(|prefix| name.starts_with(prefix))
}

fn sum(all: &[&Pinned]) -> Bytes {
    Bytes(all.iter().fold(0, |sum, p| p.bytes.0.saturating_add(sum)))
}

fn finding(now: &Snapshot, t: &Thresholds, device: Device, all: &[&Pinned]) -> Option<Finding> {
    let bytes = sum(all);
    let place = cohort::by_file_system(now, |v| {
        let own = v.identity.as_ref().ok().map(|i| i.device);
        own == Some(device) || place::backing(now, v).is_some_and(|m| m.device == device)
    });
    let is_tight = place.iter().any(|c| c.vantages.iter().any(|v| room::blocks(now, v, t) != Room::Enough));
    // On a small file system that is full, a tenth of it is worth a word although it is little elsewhere.
    let total = place.first().and_then(room::space_of).map_or(u64::MAX, |space| space.total.0);
    if bytes < t.pinned_from && !(is_tight && bytes.0 >= total / SHARE) {
        return None;
    }
    let mut holders = all.to_vec();
    holders.sort_by_key(|p| (Reverse(p.bytes), p.pid));
    let pids: Vec<Pid> = {
        let mut pids: Vec<Pid> = holders.iter().map(|p| p.pid).collect();
        pids.sort_unstable();
        pids.dedup();
        pids
    };
    let path = place.first().map(cohort::Cohort::path);
    let at = path.as_ref().map_or_else(|| format!("device {device}"), |p| format!("the file system of {p}"));
    let labels = cohort::who(now, &pids);
    let mut subject = cohort::subject(now, &pids, path);
    if subject.kind == SubjectKind::Directory {
        subject.kind = SubjectKind::Mount;
    }
    Some(Finding {
        id: CARD.id.to_owned(),
        severity: if is_tight { Severity::Warning } else { Severity::Info },
        confidence: Confidence::Proven,
        title: format!("{bytes} on {at} are held by deleted files, open in {labels}"),
        errno: None,
        evidence: holders.iter().take(NAMED).map(|p| seen(now, p)).collect(),
        actions: holders.first().map_or_else(Vec::new, |p| actions(now, p)),
        subject,
    })
}

fn seen(now: &Snapshot, pinned: &Pinned) -> Evidence {
    let Pinned { pid, fd, files, bytes, biggest, .. } = pinned;
    let name = now.process(*pid).map_or_else(|| format!("pid {pid}"), scope::label_of);
    Evidence {
        source: format!("/proc/{pid}/fd/{fd}"),
        observed: biggest.clone(),
        means: format!("{name} keeps {files} deleted files open, {bytes} in all; this is the biggest"),
        by_hand: format!(
            "readlink /proc/{pid}/fd/{fd}; stat -L -c 'links %h, %b blocks of %B bytes' /proc/{pid}/fd/{fd}"
        ),
    }
}

fn actions(now: &Snapshot, biggest: &Pinned) -> Vec<Action> {
    let Pinned { pid, fd, .. } = biggest;
    let mut actions = Vec::new();
    let unit = now.process(*pid).and_then(offers::service_of);
    actions.extend(unit.map(|unit| offers::restart_unit(unit, "closing gives the room back")));
    actions.push(offers::guide(
        format!(
            "empty the biggest of pid {pid} while it stays open: whatever it holds is lost to that process"
        ),
        Risk::RemovesData,
        vec![format!("truncate -s 0 /proc/{pid}/fd/{fd}")],
    ));
    actions
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::reading::Reading;
    use crate::model::units::Micros;
    use crate::rules::stage::{Stage, space};

    fn pinning(bytes: u64, biggest: &str) -> Stage {
        let mut stage = Stage::healthy().runner(70, "ci.service");
        let device = Device { major: 254, minor: 1 };
        stage.now.holders.value_mut().unwrap().pinned =
            vec![Pinned { pid: 70, device, files: 3, bytes: Bytes(bytes), biggest: biggest.into(), fd: 9 }];
        stage
    }

    #[test]
    fn is_context_while_there_is_room() {
        let Verdict::Found(found) = pinning(41 << 30, "/tmp/big (deleted)").check(&DeletedOpenFiles) else {
            panic!("must be found")
        };
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].severity, Severity::Info);
        assert_eq!(
            found[0].title,
            "41.0 G on the file system of /tmp are held by deleted files, open in ci.service"
        );
        assert!(found[0].evidence[0].by_hand.contains("/proc/70/fd/9"));
        assert_eq!(found[0].actions[0].by_hand, ["systemctl restart ci.service"]);
    }

    #[test]
    fn warns_where_the_disk_is_nearly_full_as_well() {
        let mut room = space();
        room.available = Bytes(2 << 30);
        room.free = Bytes(2 << 30);
        let stage =
            pinning(41 << 30, "/tmp/big (deleted)").change_vantages(|_| true, move |v| v.space = Ok(room));
        let Verdict::Found(found) = stage.check(&DeletedOpenFiles) else { panic!("must be found") };
        assert_eq!(found[0].severity, Severity::Warning);
    }

    #[test]
    fn warns_of_a_large_share_of_a_small_full_file_system() {
        let mut room = space();
        (room.total, room.free, room.available) = (Bytes(8 << 20), Bytes(0), Bytes(0));
        let stage =
            pinning(7 << 20, "/tmp/big (deleted)").change_vantages(|_| true, move |v| v.space = Ok(room));
        assert!(matches!(stage.check(&DeletedOpenFiles), Verdict::Found(_)));
        let stage =
            pinning(1 << 18, "/tmp/big (deleted)").change_vantages(|_| true, move |v| v.space = Ok(room));
        assert!(matches!(stage.check(&DeletedOpenFiles), Verdict::RuledOut(_)), "not what fills it");
    }

    #[test]
    fn is_ruled_out_with_its_figures() {
        let Verdict::RuledOut(because) = pinning(5 << 20, "/tmp/x (deleted)").check(&DeletedOpenFiles) else {
            panic!("5 M is nothing")
        };
        assert!(because.starts_with("5.00 M held by deleted files of 1 process,"), "{because}");
    }

    #[test]
    fn does_not_take_memory_objects_for_files() {
        let stage = pinning(41 << 30, "/memfd:wayland (deleted)");
        assert!(matches!(stage.check(&DeletedOpenFiles), Verdict::RuledOut(_)));
    }

    #[test]
    fn is_blind_where_descriptors_cannot_be_read_and_room_is_short() {
        let mut room = space();
        (room.available, room.free) = (Bytes(1 << 30), Bytes(1 << 30));
        let mut stage = Stage::healthy();
        let gap = Gap::new("open files of 88 processes", GapWhy::Denied);
        stage.now.holders = Reading::Part {
            value: crate::model::holder::Holders::default(),
            took: Micros(1),
            gaps: vec![gap],
        };
        let Verdict::RuledOut(because) = stage.check(&DeletedOpenFiles) else { panic!("there is room") };
        assert!(because.ends_with("not all processes could be read"), "{because}");
        let stage = stage.change_vantages(|_| true, move |v| v.space = Ok(room));
        assert!(matches!(stage.check(&DeletedOpenFiles), Verdict::Blind(_)));
    }

    #[test]
    fn offers_to_restart_nothing_but_a_service_of_the_system() {
        let restarts = |unit: &str, cgroup: &str| {
            let stage = pinning(41 << 30, "/tmp/big (deleted)").change(70, |p| {
                p.unit = Some(unit.to_owned());
                p.cgroup = Ok(cgroup.into());
            });
            let Verdict::Found(found) = stage.check(&DeletedOpenFiles) else { panic!("must be found") };
            found[0].actions.iter().any(|a| a.id == "restart-unit")
        };
        assert!(restarts("ci.service", "0::/system.slice/ci.service"));
        assert!(!restarts("session-3.scope", "0::/user.slice/user-1000.slice/session-3.scope"));
        assert!(!restarts(
            "ci.service",
            "0::/user.slice/user-1000.slice/user@1000.service/app.slice/ci.service"
        ));
    }
}
