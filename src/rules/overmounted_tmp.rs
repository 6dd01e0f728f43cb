//! `overmounted-tmp`: something was mounted over a temp dir while processes used what lies underneath.

use std::collections::BTreeSet;

use crate::model::finding::{Action, Confidence, Evidence, Finding, Risk, Severity, Subject, SubjectKind};
use crate::model::holder::{Holding, How};
use crate::model::mount::{Device, Mount, MountNamespace};
use crate::model::process::Pid;
use crate::model::raw_path::{RawPath, RawText};
use crate::model::reading::Gap;
use crate::model::snapshot::Snapshot;
use crate::model::thresholds::Thresholds;
use crate::model::units::count;
use crate::model::vantage::Vantage;
use crate::rules::heading::titled;
use crate::rules::way::{self, Stop};
use crate::rules::{
    Rule, RuleCard, Verdict, evidence, offers, on_mount, private_tmp_deleted, scope, spot, unseen,
};

/// See the module's header.
pub struct OvermountedTmp;

static CARD: RuleCard = RuleCard {
    id: "overmounted-tmp",
    title: "Something was mounted over a temp dir that was in use",
    yields_to: &["bind-source-deleted"],
};

/// Further holders say the same again.
const HOLDERS_SHOWN: usize = 3;

impl Rule for OvermountedTmp {
    fn card(&self) -> &'static RuleCard {
        &CARD
    }

    // A mount over a directory is ordinary (tmp.mount, PrivateTmp, `unshare` sandboxes). It is a cause only where a
    // process of that very namespace still uses the layer below: one that started before, and whose files the others
    // cannot see any more.
    fn check(&self, now: &Snapshot, _: Option<&Snapshot>, _: &Thresholds) -> Verdict {
        let covers: Vec<Cover<'_>> = now.namespaces.items().iter().flat_map(|ns| covers(now, ns)).collect();
        let found: Vec<Finding> = covers.iter().filter_map(|cover| finding(now, cover)).collect();
        Verdict::of(found, gaps(now, &covers), || {
            let covers = count(covers.len(), ("mount", "mounts"));
            format!("{covers} over temp dirs of the host and of containers, nobody uses what lies below")
        })
    }
}

/// A mount on a temp dir, with what it hides.
struct Cover<'a> {
    namespace: &'a MountNamespace,
    top: &'a Mount,
    /// The mounts below, the highest first: those on the same point, then the one that holds the directory.
    below: Vec<&'a Mount>,
}

fn covers<'a>(now: &'a Snapshot, namespace: &'a MountNamespace) -> Vec<Cover<'a>> {
    if !is_common(now, namespace) {
        return Vec::new();
    }
    let here = now.vantages.items().iter().filter(|v| v.mount_ns == namespace.id && v.root == "/".into());
    let temp: Vec<&RawPath> = here.map(|v| &v.path).collect();
    let points: BTreeSet<&RawPath> = namespace.mounts.items().iter().map(|m| &m.point).collect();
    let for_temp =
        points.into_iter().filter(|p| **p != "/".into() && temp.iter().any(|path| path.is_below(p)));
    for_temp.filter_map(|point| cover(namespace, point)).collect()
}

/// The namespace of the machine or of a container; a private one of a sandbox covers /tmp on purpose.
fn is_common(now: &Snapshot, namespace: &MountNamespace) -> bool {
    let contained = |pid: &Pid| now.process(*pid).is_some_and(|p| p.container.is_some());
    namespace.pids.contains(&1) || namespace.pids.iter().any(contained)
}

fn cover<'a>(namespace: &'a MountNamespace, point: &RawPath) -> Option<Cover<'a>> {
    let mut stack = namespace.stacked_on(point);
    let top = stack.pop()?;
    if private_tmp_deleted::is_private_tmp(top) {
        return None;
    }
    let holds = |m: &&Mount| point.is_below(&m.point) && m.point != *point;
    let base =
        namespace.mounts.items().iter().filter(holds).max_by_key(|m| (m.point.as_bytes().len(), m.order));
    Some(Cover { namespace, top, below: stack.into_iter().rev().chain(base).collect() })
}

impl Cover<'_> {
    fn hides(&self, device: Device) -> bool {
        device != self.top.device && self.below.iter().any(|m| m.device == device)
    }

    /// Living uses of the hidden layer: only by links of procfs, which show the object and not what now has its name.
    fn users<'h>(&self, now: &'h Snapshot) -> Vec<&'h Holding> {
        let all = now.holders.value().map_or(&[][..], |h| h.holdings.as_slice());
        let hidden = |h: &&Holding| {
            let by_link = matches!(h.how, How::Cwd | How::Root | How::Exe | How::Fd(_));
            let object = h.object.is_some_and(|(device, _)| self.hides(device));
            by_link
                && object
                && !h.deleted
                && h.path.is_below(&self.top.point)
                && self.namespace.pids.contains(&h.pid)
        };
        all.iter().filter(hidden).collect()
    }
}

/// What could not be seen matters only where a temp dir is covered at all.
fn gaps(now: &Snapshot, covers: &[Cover<'_>]) -> Vec<Gap> {
    let holders = if covers.is_empty() { &[][..] } else { now.holders.gaps() };
    unseen::mounts(now).into_iter().chain(holders.iter().cloned()).collect()
}

fn finding(now: &Snapshot, cover: &Cover<'_>) -> Option<Finding> {
    let users = cover.users(now);
    let first = users.first()?;
    let point = &cover.top.point;
    let failing: Vec<&Vantage> = now.vantages.items().iter().filter(|v| misses(cover, v)).collect();
    let lost: BTreeSet<Pid> = failing.iter().flat_map(|v| spot::users_of(now, v)).collect();
    let pids: BTreeSet<Pid> = users.iter().map(|h| h.pid).chain(lost).collect();
    let mut evidence = vec![line(now, cover, cover.top, "the mount that everybody sees now")];
    evidence.extend(cover.below.iter().filter(|m| m.device != cover.top.device).take(1).map(|m| {
        line(
            now,
            cover,
            m,
            "the mount below: what it holds at this path has no name any more that leads to it",
        )
    }));
    evidence.extend(users.iter().take(HOLDERS_SHOWN).flat_map(|h| use_of(cover, h)));
    evidence.extend(failing.iter().find_map(|v| evidence::probe_of(now, v)));
    let others = if pids.len() > 1 { format!(" and {} more", pids.len() - 1) } else { String::new() };
    let who = now.process(first.pid).map_or_else(|| format!("pid {}", first.pid), scope::label_of);
    Some(Finding {
        id: CARD.id.to_owned(),
        // That a build misses its temp dir is said by `tmpdir-missing`; this says why.
        severity: Severity::Warning,
        confidence: Confidence::Likely,
        subject: Subject {
            kind: SubjectKind::Mount,
            name: point.shown(),
            pids: pids.into_iter().collect(),
            path: Some(point.clone()),
        },
        title: titled("", point, &format!(" was mounted over while {who}{others} used it")),
        errno: failing.first().and_then(|v| v.can_create.errno),
        evidence,
        actions: actions(cover, first.pid),
    })
}

/// A temp dir below the covered point that does not exist in the layer on top.
fn misses(cover: &Cover<'_>, vantage: &Vantage) -> bool {
    let here = vantage.mount_ns == cover.namespace.id && vantage.path.is_below(&cover.top.point);
    here && matches!(way::stop_of(vantage), Some(Stop::Missing(_) | Stop::Dangling { .. }))
}

fn line(now: &Snapshot, cover: &Cover<'_>, mount: &Mount, means: &str) -> Evidence {
    evidence::mount_line_of(on_mount::lasting(now, cover.namespace), mount, means)
}

/// The link of a holder, and the device of what it leads to.
fn use_of(cover: &Cover<'_>, holding: &Holding) -> Vec<Evidence> {
    let name = match holding.how {
        How::Cwd => "cwd".to_owned(),
        How::Root => "root".to_owned(),
        How::Exe => "exe".to_owned(),
        How::Fd(n) => format!("fd/{n}"),
        How::Map | How::Lock | How::Socket | How::MountSource => return Vec::new(),
    };
    let link = format!("/proc/{}/{name}", holding.pid);
    let device = holding.object.map_or_else(String::new, |(device, _)| device.to_string());
    vec![
        Evidence {
            source: link.clone(),
            observed: holding.path.clone(),
            means: "a process uses this path".to_owned(),
            by_hand: format!("readlink {link}"),
        },
        Evidence {
            source: link.clone(),
            observed: RawText::from(device.as_str()),
            means: format!(
                "but on the hidden file system; what is on {} now is {}",
                cover.top.point.shown(),
                cover.top.device
            ),
            by_hand: format!("stat -L -c %Hd:%Ld {link}"),
        },
    ]
}

fn actions(cover: &Cover<'_>, pid: Pid) -> Vec<Action> {
    let point = cover.top.point.quoted();
    let base = cover.below.first().map_or_else(|| "/".to_owned(), |m| m.point.quoted());
    let look = if cover.below.first().is_some_and(|m| m.point != cover.top.point) {
        format!("mkdir -p /run/below && mount --bind {base} /run/below && ls -la /run/below{point}")
    } else {
        format!("ls -la /proc/{pid}/cwd /proc/{pid}/fd")
    };
    vec![
        offers::guide(
            "restart what still uses the layer below, then it works on the one on top",
            Risk::Interrupts,
            vec![look, format!("ps -o pid,lstart,args -p {pid}")],
        ),
        offers::guide(
            "or take the upper mount away again, where nothing uses it yet",
            Risk::Interrupts,
            vec![format!("fuser -vm {point}"), format!("umount {point}")],
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::errno::Errno;
    use crate::model::reading::{GapWhy, Reading};
    use crate::rules::stage::{Stage, mount};

    const SHM: Device = Device { major: 0, minor: 45 };
    const ROOT: Device = Device { major: 254, minor: 1 };

    fn covered(stage: Stage, pid: Pid) -> Stage {
        let mut top = mount(812, 25, "/", "/tmp", "tmpfs", "none");
        top.device = SHM;
        stage.mount(pid, top)
    }

    fn held(mut stage: Stage, pid: Pid, how: How, device: Device) -> Stage {
        let holding = Holding {
            pid,
            how,
            path: "/tmp/job-7/log".into(),
            object: Some((device, 77)),
            deleted: false,
            pins: None,
            temp_dir: "/tmp".into(),
        };
        stage.now.holders.value_mut().unwrap().holdings.push(holding);
        stage
    }

    fn one(stage: &Stage) -> Finding {
        let Verdict::Found(mut found) = stage.check(&OvermountedTmp) else { panic!("must be found") };
        assert_eq!(found.len(), 1);
        found.remove(0)
    }

    #[test]
    fn fires_where_a_process_uses_the_layer_below() {
        let finding = one(&held(covered(Stage::healthy(), 1), 100, How::Fd(4), ROOT));
        assert_eq!((finding.severity, finding.confidence), (Severity::Warning, Confidence::Likely));
        assert_eq!(finding.title, "/tmp was mounted over while bash (pid 100) used it");
        assert_eq!(finding.evidence[3].observed.shown(), "254:1");
        assert_eq!(finding.evidence[3].by_hand, "stat -L -c %Hd:%Ld /proc/100/fd/4");
    }

    #[test]
    fn counts_the_builds_whose_temp_dir_was_covered() {
        let stage = Stage::healthy().variable(100, "TMPDIR", "/tmp/job-7").build(100);
        let stage = stage.stops(100, "/tmp/job-7", "/tmp/job-7", Errno::ENOENT);
        let finding = one(&held(covered(stage, 1), 100, How::Cwd, ROOT));
        assert_eq!((finding.subject.pids, finding.errno), (vec![100], Some(Errno::ENOENT)));
    }

    #[test]
    fn stays_clear_of_mounts_that_hide_nothing_in_use() {
        let covered_only = covered(Stage::healthy(), 1);
        let Verdict::RuledOut(because) = covered_only.check(&OvermountedTmp) else {
            panic!("must be ruled out")
        };
        assert!(because.starts_with("1 mount over temp dirs"), "{because}");
        let on_top = held(covered(Stage::healthy(), 1), 100, How::Fd(4), SHM);
        assert!(matches!(on_top.check(&OvermountedTmp), Verdict::RuledOut(_)));
        let mut deleted = held(covered(Stage::healthy(), 1), 100, How::Fd(4), ROOT);
        deleted.now.holders.value_mut().unwrap().holdings[0].deleted = true;
        assert!(matches!(deleted.check(&OvermountedTmp), Verdict::RuledOut(_)));
    }

    #[test]
    fn stays_clear_of_private_tmp_and_of_sandboxes() {
        let private = Stage::healthy().private_tmp(100, "/tmp", crate::rules::stage::Life::Alive);
        let private = held(private, 100, How::Fd(4), SHM);
        assert!(matches!(private.check(&OvermountedTmp), Verdict::RuledOut(_)));
        // `unshare -m`, tmpfs on /tmp, output still going to a file of the host's /tmp.
        let sandbox = held(covered(Stage::healthy().runner(41, "r@1.service"), 41), 41, How::Fd(1), ROOT);
        assert!(matches!(sandbox.check(&OvermountedTmp), Verdict::RuledOut(_)));
    }

    #[test]
    fn is_blind_without_holders_only_where_something_is_covered() {
        let blind = |mut stage: Stage| {
            stage.now.holders = Reading::Blind { gap: Gap::new("holders", GapWhy::Denied) };
            stage.check(&OvermountedTmp)
        };
        assert!(matches!(blind(covered(Stage::healthy(), 1)), Verdict::Blind(_)));
        assert!(matches!(blind(Stage::healthy()), Verdict::RuledOut(_)));
        assert!(matches!(Stage::healthy().without_mounts().check(&OvermountedTmp), Verdict::Blind(_)));
    }
}
