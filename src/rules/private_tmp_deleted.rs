//! `private-tmp-deleted`: the directory behind a service's private /tmp was removed while the service runs.

use crate::model::errno::Errno;
use crate::model::finding::{Action, Confidence, Finding, Risk};
use crate::model::mount::Mount;
use crate::model::snapshot::Snapshot;
use crate::model::thresholds::Thresholds;
use crate::model::treatment::Aim;
use crate::model::units::count;
use crate::rules::party::{Party, Servers};
use crate::rules::scope::{self, Group};
use crate::rules::{Rule, RuleCard, Verdict, evidence, offers, unseen};

/// See the module's header.
pub struct PrivateTmpDeleted;

static CARD: RuleCard = RuleCard {
    id: "private-tmp-deleted",
    title: "The directory behind a service's private /tmp was removed",
    yields_to: &[],
};

impl Rule for PrivateTmpDeleted {
    fn card(&self) -> &'static RuleCard {
        &CARD
    }

    fn check(&self, now: &Snapshot, _before: Option<&Snapshot>, _: &Thresholds) -> Verdict {
        let groups = scope::groups_on_mount(now, is_dead_private_tmp);
        let found = groups.into_iter().map(named).map(|group| finding(now, &group)).collect();
        Verdict::of(found, unseen::mounts(now), || {
            let private = scope::mounts(now).filter(|m| is_private_tmp(m) && !m.root_deleted).count();
            let dirs = count(private, ("private temp dir", "private temp dirs"));
            let spaces = count(now.namespaces.items().len(), ("mount namespace", "mount namespaces"));
            format!("{dirs} seen in {spaces}, each alive")
        })
    }
}

/// A mount made by PrivateTmp=: systemd names its source `systemd-private-<boot>-<unit>-XXXXXX/tmp`.
pub fn is_private_tmp(mount: &Mount) -> bool {
    let named = mount.root.as_bytes().windows(17).any(|w| w == b"/systemd-private-");
    named && [b"/tmp".as_slice(), b"/var/tmp"].contains(&mount.point.as_bytes())
}

/// `//deleted` cannot occur in a real name, so the mark is proof.
fn is_dead_private_tmp(mount: &Mount) -> bool {
    mount.root_deleted && is_private_tmp(mount)
}

/// A group whose cgroups name no unit (a container without systemd's, a foreign cgroup namespace) by the one in the path.
fn named(group: Group<'_>) -> Group<'_> {
    let unit = unit_of(group.mount).filter(|_| group.unit.is_none() && group.container.is_none());
    match unit {
        Some(unit) => Group { label: unit.clone(), unit: Some(unit), ..group },
        None => group,
    }
}

/// `forgejo-runner@1.service` of `systemd-private-<boot>-forgejo-runner@1.service-k2Xq91`.
fn unit_of(mount: &Mount) -> Option<String> {
    let mut parts = mount.root.as_bytes().split(|b| *b == b'/');
    let (_boot, rest) = split_at_dash(parts.find_map(|part| part.strip_prefix(b"systemd-private-"))?)?;
    let end = rest.iter().rposition(|b| *b == b'-')?;
    let unit = std::str::from_utf8(rest.get(..end)?).ok()?;
    unit.contains('.').then(|| unit.to_owned())
}

fn split_at_dash(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = text.iter().position(|b| *b == b'-')?;
    Some((text.get(..at)?, text.get(at + 1..)?))
}

fn finding(now: &Snapshot, group: &Group<'_>) -> Finding {
    let path = group.mount.point.clone();
    let pids = group.pids.iter().copied().collect();
    let parties = Party::all_of(now, &pids);
    let mut evidence = vec![evidence::mount_line(
        group,
        "the kernel marks the directory behind this mount as removed (`//deleted`): nothing can be created in it any more",
    )];
    evidence.extend(evidence::dead_links(now, group));
    evidence.extend(evidence::probe(now, group));
    let left = parties.iter().find(|party| party.servers() == Servers::Beside);
    let (label, subject) = match left {
        Some(party) => (&party.label, party.subject(&path)),
        None => (&group.label, group.subject(path.clone())),
    };
    let actions = match left {
        // Its service has a live one by now, or has ended: this mount will be nobody's.
        Some(party) => offers::restart(party, ""),
        None => actions(now, group, &parties),
    };
    Finding {
        id: CARD.id.to_owned(),
        severity: scope::severity(now, &group.pids, &path),
        confidence: Confidence::Proven,
        title: format!("{path} of {label} is a deleted directory"),
        errno: Some(Errno::ENOENT),
        evidence,
        actions,
        subject,
    }
}

fn actions(now: &Snapshot, group: &Group<'_>, parties: &[Party<'_>]) -> Vec<Action> {
    let restart = |party| offers::restart(party, "systemd makes a fresh private one");
    let restart = parties.iter().map(restart).find(|actions| !actions.is_empty());
    let mut actions = Vec::new();
    let point = group.mount.point.quoted();
    if let Some(pid) = scope::witness(now, &group.pids) {
        actions.push(Action {
            id: "rebind-private-tmp".to_owned(),
            title: format!("mount a fresh {point} into the running service; lasts until its restart"),
            risk: Risk::None,
            reversible: false,
            by_hand: vec![format!(
                "nsenter -t {pid} -m sh -c 'umount -l {point} && mount -t tmpfs -o mode=1777,size=10% tmpfs {point}'"
            )],
            aim: Some(Aim::DeadMount { pid, mount_id: group.mount.id }),
        });
    }
    actions.extend(restart.into_iter().flatten());
    actions
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::finding::{Severity, SubjectKind};
    use crate::model::process::{Process, Role, RoleKind};
    use crate::rules::stage::{Life, Stage};

    #[test]
    fn fires_on_a_dead_private_tmp_and_names_the_unit() {
        let stage =
            Stage::healthy().runner(4514, "forgejo-runner@1.service").private_tmp(4514, "/tmp", Life::Dead);
        let Verdict::Found(found) = stage.check(&PrivateTmpDeleted) else { panic!("must be found") };
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].subject.name, "forgejo-runner@1.service");
        assert_eq!(found[0].severity, Severity::Critical);
        assert!(found[0].evidence[0].observed.shown().contains("//deleted"));
    }

    #[test]
    fn takes_the_unit_from_the_path_where_no_cgroup_names_one() {
        let from =
            "/tmp/systemd-private-0123456789abcdef0123456789abcdef-forgejo-runner@1.service-k2Xq91/tmp";
        let stage =
            Stage::healthy().runner(41, "x").change(41, |p| p.unit = None).bind(41, from, "/tmp", Life::Dead);
        let Verdict::Found(found) = stage.check(&PrivateTmpDeleted) else { panic!("must be found") };
        assert_eq!(found[0].title, "/tmp of forgejo-runner@1.service is a deleted directory");
        assert_eq!(
            (found[0].subject.kind, found[0].subject.name.as_str()),
            (SubjectKind::Unit, "forgejo-runner@1.service")
        );
        let known = stage.change(41, |p| p.unit = Some("ci.service".to_owned()));
        let Verdict::Found(found) = known.check(&PrivateTmpDeleted) else { panic!("must be found") };
        assert_eq!(found[0].subject.name, "ci.service", "the cgroup knows better");
    }

    #[test]
    fn a_server_that_outlived_a_restart_of_its_unit_ends_and_the_unit_is_left_alone() {
        let server = |p: &mut Process| {
            p.role =
                Some(Role { id: "sccache".into(), kind: RoleKind::CacheServer, title: "sccache".into() });
        };
        let unit = "r@1.service";
        let stage = Stage::healthy().runner(41, unit).private_tmp(41, "/tmp", Life::Dead).change(41, server);
        let one = |stage: &Stage| {
            let Verdict::Found(mut found) = stage.check(&PrivateTmpDeleted) else { panic!("must be found") };
            found.remove(0)
        };
        let ids = |finding: &Finding| finding.actions.iter().map(|a| a.id.clone()).collect::<Vec<_>>();
        let alone = one(&stage);
        assert_eq!(
            ids(&alone),
            ["rebind-private-tmp", "restart-unit", "restart-daemon"],
            "it may be its unit's own"
        );
        let beside = one(&stage.runner(42, unit));
        assert_eq!(ids(&beside), ["restart-daemon"], "a restart would end the others' work, and not it");
        assert_eq!(beside.subject.kind, SubjectKind::Process);
        assert!(beside.title.contains("(pid 41) of r@1.service"), "{}", beside.title);
    }

    #[test]
    fn stays_clear_of_a_live_private_tmp() {
        let stage =
            Stage::healthy().runner(4514, "forgejo-runner@1.service").private_tmp(4514, "/tmp", Life::Alive);
        assert!(matches!(stage.check(&PrivateTmpDeleted), Verdict::RuledOut(_)));
    }

    #[test]
    fn leaves_other_dead_mounts_to_other_rules() {
        let stage = Stage::healthy().runner(7, "x.service").bind(7, "/srv/work", "/workspace", Life::Dead);
        assert!(matches!(stage.check(&PrivateTmpDeleted), Verdict::RuledOut(_)));
    }

    #[test]
    fn is_blind_without_mount_tables() {
        let stage = Stage::healthy().without_mounts();
        assert!(matches!(stage.check(&PrivateTmpDeleted), Verdict::Blind(_)));
    }
}
