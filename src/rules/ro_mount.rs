//! `ro-mount`: the temp dir lies on a read-only mount: a sandboxed unit, a read-only container, a read-only file system.

use crate::model::errno::Errno;
use crate::model::finding::{Action, Confidence, Evidence, Finding, Risk, Severity};
use crate::model::mount::Mount;
use crate::model::snapshot::Snapshot;
use crate::model::thresholds::Thresholds;
use crate::model::units::count;
use crate::model::vantage::{Can, Vantage};
use crate::rules::cohort::{self, Cohort};
use crate::rules::ro_after_fs_error::has_stopped;
use crate::rules::{Rule, RuleCard, Verdict, offers, place, unseen};

/// See the module's header.
pub struct RoMount;

static CARD: RuleCard = RuleCard {
    id: "ro-mount",
    title: "The temp dir lies on a read-only mount",
    yields_to: &[
        "ro-after-fs-error",
        "private-tmp-readonly-fallback",
        "private-tmp-deleted",
        "tmpdir-literal-syntax",
        "tmpdir-relative",
    ],
};

impl Rule for RoMount {
    fn card(&self) -> &'static RuleCard {
        &CARD
    }

    fn check(&self, now: &Snapshot, _before: Option<&Snapshot>, _: &Thresholds) -> Verdict {
        let wanted = |v: &Vantage| is_read_only(now, v) && matters(now, v);
        // One mount for each unit: the same read-only root may be the sandbox of several.
        let by_mount = |v: &Vantage| (v.mount_id, v.mount_ns, place::path(v));
        let found = cohort::gather(now, wanted, by_mount).iter().map(finding).collect();
        unseen::verdict(now, found, gaps(now), || {
            let all = now.vantages.items();
            let sealed = all.iter().filter(|v| is_read_only(now, v)).count();
            let all = count(all.len(), ("vantage", "vantages"));
            match sealed {
                0 => format!("{all}, no temp dir on a read-only mount"),
                n => format!("{n} of {all} read-only, by policy: no build lives there"),
            }
        })
    }
}

fn gaps(now: &Snapshot) -> Vec<crate::model::reading::Gap> {
    let mut gaps = unseen::vantages_that_matter(now);
    gaps.extend(
        now.namespaces.value().is_none().then(|| now.namespaces.gaps().to_vec()).into_iter().flatten(),
    );
    gaps
}

fn is_read_only(now: &Snapshot, vantage: &Vantage) -> bool {
    let refused = vantage.can_create.can == Can::No && vantage.can_create.errno == Some(Errno::EROFS);
    let by_space = vantage.space.as_ref().is_ok_and(|s| s.read_only);
    let works = vantage.can_create.can == Can::Yes;
    // A file system that stopped by itself serves more paths than its own finding names.
    let stopped = has_stopped(now, vantage);
    !works && !stopped && (refused || by_space || place::mount(now, vantage).is_some_and(Mount::is_read_only))
}

/// Read-only services (ProtectSystem=strict) and containers are a policy, and many healthy machines are full of them. What
/// matters is a build in there, and the `/tmp` of the host itself.
fn matters(now: &Snapshot, vantage: &Vantage) -> bool {
    let ours = place::is_ours(now, vantage);
    let of_host = ours && place::is_temp_dir(now, vantage) && !place::is_contained(now, vantage);
    vantage.is_build || place::is_asked(now, vantage) || of_host
}

fn finding(cohort: &Cohort<'_>) -> Finding {
    let mount = cohort.mount();
    let whole = mount.is_some_and(|m| m.has_super_option("ro"));
    let means = if whole {
        "`ro` in the last field: the whole file system is read-only; mkdir gives EROFS"
    } else {
        "`ro` in field 6 and `rw` in the last: only this mount is read-only, the file system is not; mkdir gives EROFS"
    };
    let mut evidence: Vec<Evidence> = cohort.mount_line(means).into_iter().collect();
    evidence.extend(cohort.probe());
    if evidence.is_empty() {
        evidence.push(flag_seen(cohort));
    }
    let kind = if whole { "a read-only file system" } else { "a read-only mount" };
    Finding {
        id: CARD.id.to_owned(),
        severity: cohort.severity().max(Severity::Warning),
        confidence: Confidence::Proven,
        title: format!("{} of {} lies on {kind}", cohort.path(), cohort.who()),
        errno: Some(Errno::EROFS),
        evidence,
        actions: actions(cohort),
        subject: cohort.subject(),
    }
}

fn flag_seen(cohort: &Cohort<'_>) -> Evidence {
    let reached = cohort.reach();
    Evidence {
        source: format!("statfs of {reached}"),
        observed: "ST_RDONLY".into(),
        means: "the mount is read-only: mkdir gives EROFS".to_owned(),
        by_hand: format!("awk '{{print $5, $6}}' /proc/{}/mountinfo", cohort.pid()),
    }
}

fn actions(cohort: &Cohort<'_>) -> Vec<Action> {
    let whole = cohort.mount().is_some_and(|m| m.has_super_option("ro"));
    let pid = cohort.pid();
    let process = cohort.now.process(pid);
    let path = cohort.path();
    if process.is_some_and(|p| p.container.is_some()) {
        return vec![offers::guide(
            "start the container with a writable temp dir",
            Risk::Interrupts,
            vec![format!("docker run --tmpfs {}:rw,exec,size=2g IMAGE", path.quoted())],
        )];
    }
    let mut actions = Vec::new();
    if whole {
        actions.push(offers::guide(
            "find out why before anything else: a file system that went read-only by itself must not be remounted",
            Risk::None,
            vec![
                "dmesg | grep -iE 'remount|I/O error|EXT4-fs error|XFS .*shut'".to_owned(),
                "grep . /sys/fs/ext4/*/errors_count".to_owned(),
                format!("findmnt --fstab -T {}", path.quoted()),
            ],
        ));
    } else if let Some(service) = process.filter(|p| offers::service_of(p).is_some()) {
        actions.extend(offers::drop_in(service, "tmp", ("PrivateTmp", "yes")));
        actions.extend(offers::drop_in(service, "writable", ("ReadWritePaths", &path.shown())));
    } else {
        actions.push(offers::guide_back(
            "make this mount writable again",
            Risk::None,
            cohort.mount().map(|m| offers::remount(pid, &m.point, "bind,rw")).into_iter().collect(),
        ));
    }
    actions
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::stage::{Stage, mount, process};

    fn sealed(mut stage: Stage, pid: u32, options: &str, super_options: &str) -> Stage {
        let mut ro = mount(60, 25, "/", "/", "ext4", "/dev/vda1");
        ro.options = options.to_owned();
        ro.super_options = super_options.into();
        stage = stage.mount(pid, ro);
        let stage = stage.change_vantages(move |v| v.pids.contains(&pid), |v| v.mount_id = Some(60));
        stage.fails(pid, "/tmp", Errno::EROFS, "mkdir").fails(pid, "/var/tmp", Errno::EROFS, "mkdir")
    }

    #[test]
    fn is_critical_where_a_runner_is_sealed_in() {
        let stage = sealed(Stage::healthy().runner(70, "ci.service"), 70, "ro,relatime", "rw");
        let Verdict::Found(found) = stage.check(&RoMount) else { panic!("must be found") };
        assert_eq!(found.len(), 1, "/var/tmp is nobody's temp dir");
        assert_eq!((found[0].severity, found[0].confidence), (Severity::Critical, Confidence::Proven));
        assert_eq!(found[0].title, "/tmp of ci.service lies on a read-only mount");
        assert!(found[0].evidence[0].means.contains("only this mount"));
        assert!(found[0].actions[1].by_hand[0].contains("ReadWritePaths=/tmp"));
    }

    #[test]
    fn warns_where_the_host_s_own_tmp_is_read_only_and_never_advises_a_remount_unseen() {
        let stage = sealed(Stage::healthy(), 100, "ro,relatime", "ro");
        let Verdict::Found(found) = stage.check(&RoMount) else { panic!("must be found") };
        assert!(found.iter().all(|f| f.severity == Severity::Warning));
        let commands: Vec<&String> = found.iter().flat_map(|f| &f.actions).flat_map(|a| &a.by_hand).collect();
        assert!(commands.iter().all(|c| !c.contains("remount,")), "{commands:?}");
    }

    #[test]
    fn leaves_sandboxed_services_alone_that_build_nothing() {
        let stage = Stage::healthy().runner(70, "networkd.service").change(70, |p| p.role = None);
        let stage = stage.change_vantages(|v| v.pids == [70], |v| v.is_build = false);
        let Verdict::RuledOut(because) = sealed(stage, 70, "ro", "rw").check(&RoMount) else {
            panic!("a policy")
        };
        assert_eq!(because, "2 of 6 vantages read-only, by policy: no build lives there");
    }

    #[test]
    fn is_critical_for_a_sandboxed_service_that_was_asked_about() {
        let stage = Stage::healthy().runner(70, "x.service").change(70, |p| p.role = None);
        let mut stage =
            sealed(stage.change_vantages(|v| v.pids == [70], |v| v.is_build = false), 70, "ro", "rw");
        stage.now.asked.pids.insert(70);
        let Verdict::Found(found) = stage.check(&RoMount) else { panic!("must be found") };
        assert_eq!(found[0].severity, Severity::Critical);
    }

    #[test]
    fn leaves_a_writable_temp_dir_on_a_read_only_root_alone() {
        let stage = sealed(Stage::healthy().put(process(300, 1, "x", 1)), 100, "ro", "ro")
            .change_vantages(|_| true, |v| v.can_create.can = Can::Yes);
        assert!(matches!(stage.check(&RoMount), Verdict::RuledOut(_)));
    }

    #[test]
    fn leaves_the_lead_to_the_value_that_should_not_point_there() {
        for (value, leader) in [("\"/var/tmp\"", "tmpdir-literal-syntax"), ("t", "tmpdir-relative")] {
            let stage = Stage::healthy().runner(70, "ci.service").variable(70, "TMPDIR", value);
            let stage = sealed(stage, 70, "ro", "rw").fails(70, value, Errno::EROFS, "mkdir");
            let stage = stage.change_vantages(|v| v.path == value.into(), |v| v.based_on = Some("/".into()));
            let found = crate::rules::diagnose(&stage.now, None, &Thresholds::default()).found;
            let ids: Vec<&str> =
                found.iter().filter(|f| f.severity > Severity::Info).map(|f| f.id.as_str()).collect();
            assert_eq!(ids, [leader], "{value}");
        }
    }

    #[test]
    fn is_ruled_out_with_its_figures() {
        let Verdict::RuledOut(because) = Stage::healthy().check(&RoMount) else { panic!("all is well") };
        assert_eq!(because, "4 vantages, no temp dir on a read-only mount");
    }

    #[test]
    fn is_blind_without_vantages() {
        assert!(matches!(Stage::healthy().without_vantages().check(&RoMount), Verdict::Blind(_)));
    }
}
