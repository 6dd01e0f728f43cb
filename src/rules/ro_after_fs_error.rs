//! `ro-after-fs-error`: the file system stopped writing by itself after an error. Never to be remounted.
//!
//! On current kernels ext4 then still says `rw` and statfs has no ST_RDONLY; the words `emergency_ro` or `shutdown` in the
//! last field of mountinfo tell it.

use crate::model::errno::Errno;
use crate::model::finding::{Action, Confidence, Evidence, Finding, Risk};
use crate::model::host::FsErrors;
use crate::model::mount::Mount;
use crate::model::raw_path::RawText;
use crate::model::reading::Gap;
use crate::model::snapshot::Snapshot;
use crate::model::thresholds::Thresholds;
use crate::model::vantage::{Can, HowKnown, Vantage};
use crate::rules::cohort::{self, Cohort};
use crate::rules::{Rule, RuleCard, Verdict, offers, place, unseen};

/// See the module's header.
pub struct RoAfterFsError;

static CARD: RuleCard = RuleCard {
    id: "ro-after-fs-error",
    title: "The file system stopped writing after an error",
    yields_to: &[],
};

impl Rule for RoAfterFsError {
    fn card(&self) -> &'static RuleCard {
        &CARD
    }

    fn check(&self, now: &Snapshot, _before: Option<&Snapshot>, _: &Thresholds) -> Verdict {
        let wanted = |v: &Vantage| mark_of(now, v).is_some();
        let found = cohort::by_file_system(now, wanted).iter().filter_map(finding).collect();
        unseen::verdict(now, found, gaps(now), || figures(now))
    }
}

fn gaps(now: &Snapshot) -> Vec<Gap> {
    let mut gaps = unseen::vantages_that_matter(now);
    gaps.extend(now.host.gaps().iter().cloned());
    gaps.extend(unseen::mounts(now));
    gaps
}

fn figures(now: &Snapshot) -> String {
    let errors = now.host.value().map_or(&[][..], |h| &h.fs_errors);
    let counted: Vec<String> =
        errors.iter().filter(|e| e.count > 0).map(|e| format!("{} recorded {}", e.device, e.count)).collect();
    match counted.as_slice() {
        [] => "no file system of a temp dir recorded an error or shut down".to_owned(),
        all => format!(
            "{} errors since the last fsck, but no temp dir is on a file system that stopped",
            all.join(", ")
        ),
    }
}

/// What tells that a file system stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mark {
    EmergencyRo,
    Shutdown,
    /// Read-only as a whole, with errors recorded: older kernels.
    ErrorsAndRo,
    /// A probe got EIO.
    Eio,
}

/// Whether the file system of a vantage stopped writing by itself.
pub fn has_stopped(now: &Snapshot, vantage: &Vantage) -> bool {
    mark_of(now, vantage).is_some()
}

fn mark_of(now: &Snapshot, vantage: &Vantage) -> Option<Mark> {
    let mount = place::backing(now, vantage)?;
    let ability = &vantage.can_create;
    let refused = |errno| ability.can == Can::No && ability.errno == Some(errno);
    if mount.has_super_option("emergency_ro") {
        Some(Mark::EmergencyRo)
    } else if mount.has_super_option("shutdown") {
        Some(Mark::Shutdown)
    } else if mount.has_super_option("ro") && errors_of(now, mount).is_some() && !mounted_so(now, mount) {
        Some(Mark::ErrorsAndRo)
    } else if refused(Errno::EIO) && ability.how == HowKnown::Probed && !mount.is_doubtful() {
        Some(Mark::Eio)
    } else {
        None
    }
}

/// The errors that ext4 recorded for the device of a mount. `/sys/fs/ext4` names device-mapper devices `dm-MINOR`.
fn errors_of<'a>(now: &'a Snapshot, mount: &Mount) -> Option<&'a FsErrors> {
    let name = String::from_utf8_lossy(mount.source.file_name()).into_owned();
    let mapped = format!("dm-{}", mount.device.minor);
    let errors = &now.host.value()?.fs_errors;
    errors
        .iter()
        .find(|e| e.count > 0 && mount.fs_type.starts_with("ext") && (e.device == name || e.device == mapped))
}

/// fstab asks for read-only, so it did not turn so by itself.
fn mounted_so(now: &Snapshot, mount: &Mount) -> bool {
    let lines = now.host.value().and_then(|h| h.fstab.as_ref().ok());
    let asks = |options: &str| options.split(',').any(|o| o == "ro");
    lines.into_iter().flatten().any(|line| line.point == mount.point && asks(&line.options))
}

fn finding(cohort: &Cohort<'_>) -> Option<Finding> {
    let now = cohort.now;
    let mark = mark_of(now, cohort.lead)?;
    let mount = place::backing(now, cohort.lead)?;
    let (confidence, errno, word, means) = match mark {
        Mark::EmergencyRo => (
            Confidence::Proven,
            Errno::EROFS,
            "stopped writing after an error",
            "`emergency_ro`: ext4 met an error and refuses every change (EROFS), though `rw` still stands here and \
             access(2) says yes",
        ),
        Mark::Shutdown => (
            Confidence::Proven,
            Errno::EIO,
            "was shut down after an error",
            "`shutdown`: the file system was shut down, every change gives EIO while ls still works",
        ),
        Mark::ErrorsAndRo => (
            Confidence::Likely,
            Errno::EROFS,
            "turned read-only after errors",
            "the whole file system is read-only, and fstab does not ask for that",
        ),
        Mark::Eio => (
            Confidence::Likely,
            Errno::EIO,
            "gives I/O errors",
            "the file system below it: a probe got EIO, so it was shut down or its disk fails",
        ),
    };
    let mut evidence = vec![crate::rules::evidence::mount_line_of(cohort.pid(), mount, means)];
    evidence.extend(errors_of(now, mount).map(errors_seen));
    evidence.extend(cohort.probe());
    Some(Finding {
        id: CARD.id.to_owned(),
        severity: cohort.severity(),
        confidence,
        title: format!("the file system of {} {word}: {} {}", cohort.path(), cohort.who(), stuck(cohort)),
        errno: Some(errno),
        evidence,
        actions: actions(mount),
        subject: cohort.subject(),
    })
}

fn stuck(cohort: &Cohort<'_>) -> &'static str {
    if cohort.is_vital() { "cannot build" } else { "cannot write" }
}

fn errors_seen(errors: &FsErrors) -> Evidence {
    let FsErrors { device, count, function, last } = errors;
    let met = if function.is_empty() { String::new() } else { format!(", the last met in {function}") };
    Evidence {
        source: format!("/sys/fs/ext4/{device}/errors_count"),
        observed: RawText::from(count.to_string().as_str()),
        means: format!("errors recorded since the last fsck{met} (time {last}, seconds since 1970)"),
        by_hand: format!("cat /sys/fs/ext4/{device}/errors_count"),
    }
}

fn actions(mount: &Mount) -> Vec<Action> {
    let device = mount.source.quoted();
    vec![
        offers::guide(
            "stop the jobs and save the logs elsewhere; do not remount it, that risks what is left",
            Risk::Interrupts,
            vec![
                "dmesg | grep -iE 'EXT4-fs|XFS|I/O error|journal' > /dev/shm/fs-error.log".to_owned(),
                format!("smartctl -H {device}"),
            ],
        ),
        offers::guide(
            "check it while it is not mounted, from a rescue system if it is the root; replace a failing disk first",
            Risk::Interrupts,
            vec![format!("e2fsck -f {device}   # xfs: xfs_repair {device}")],
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::finding::Severity;
    use crate::model::host::FstabLine;
    use crate::model::vantage::Ability;
    use crate::rules::stage::Stage;

    fn with_super(options: &str) -> Stage {
        let mut stage = Stage::healthy().runner(70, "ci.service");
        for namespace in stage.now.namespaces.value_mut().unwrap() {
            let pid = u64::from(namespace.witness);
            for mount in namespace.mounts.value_mut().unwrap() {
                mount.super_options = options.into();
                if pid == 70 {
                    mount.id = 1070;
                }
            }
        }
        stage.change_vantages(|v| v.pids == [70], |v| v.mount_id = Some(1070))
    }

    fn with_errors(mut stage: Stage) -> Stage {
        stage.now.host.value_mut().unwrap().fs_errors = vec![FsErrors {
            device: "vda1".into(),
            count: 3,
            function: "ext4_find_entry".into(),
            last: 1_769_000_000,
        }];
        stage
    }

    fn found(stage: &Stage) -> Vec<Finding> {
        match stage.check(&RoAfterFsError) {
            Verdict::Found(found) => found,
            other => panic!("must be found, not {other:?}"),
        }
    }

    #[test]
    fn fires_on_emergency_ro_although_rw_stands_there() {
        let found = found(&with_errors(with_super("rw,errors=remount-ro,emergency_ro")));
        assert_eq!(found.len(), 1, "one file system");
        assert_eq!((found[0].severity, found[0].confidence), (Severity::Critical, Confidence::Proven));
        assert_eq!(found[0].errno, Some(Errno::EROFS));
        assert!(found[0].evidence[1].means.contains("ext4_find_entry"));
        let commands = found[0].actions.iter().flat_map(|a| &a.by_hand);
        assert!(commands.into_iter().all(|c| !c.contains("remount,")), "a remount is never advised");
    }

    #[test]
    fn fires_on_a_shut_down_file_system_with_eio() {
        assert_eq!(found(&with_super("rw,shutdown"))[0].errno, Some(Errno::EIO));
    }

    #[test]
    fn fires_on_older_kernels_by_ro_and_recorded_errors() {
        let found = found(&with_errors(with_super("ro,errors=remount-ro")));
        assert_eq!(found[0].confidence, Confidence::Likely);
    }

    #[test]
    fn fires_where_a_probe_got_eio() {
        let stage = with_super("rw").change_vantages(
            |v| v.pids == [70],
            |v| {
                v.can_create = Ability {
                    how: HowKnown::Probed,
                    ..Ability::predicted(Can::No, Some(Errno::EIO), Some("mkdir"))
                };
            },
        );
        assert_eq!(found(&stage)[0].errno, Some(Errno::EIO));
    }

    #[test]
    fn is_ruled_out_with_its_figures_where_errors_were_recorded_and_writing_goes_on() {
        let Verdict::RuledOut(because) = with_errors(with_super("rw,errors=continue")).check(&RoAfterFsError)
        else {
            panic!("it is written to")
        };
        assert_eq!(
            because,
            "vda1 recorded 3 errors since the last fsck, but no temp dir is on a file system that stopped"
        );
        let Verdict::RuledOut(because) = Stage::healthy().check(&RoAfterFsError) else {
            panic!("all is well")
        };
        assert_eq!(because, "no file system of a temp dir recorded an error or shut down");
    }

    #[test]
    fn leaves_a_file_system_alone_that_fstab_wants_read_only() {
        let mut stage = with_errors(with_super("ro"));
        stage.now.host.value_mut().unwrap().fstab = Ok(vec![FstabLine {
            line: 3,
            device: "/dev/vda1".into(),
            point: "/".into(),
            fs_type: "ext4".into(),
            options: "ro,noatime".into(),
        }]);
        assert!(matches!(stage.check(&RoAfterFsError), Verdict::RuledOut(_)));
    }

    #[test]
    fn is_blind_without_mount_tables() {
        assert!(matches!(Stage::healthy().without_mounts().check(&RoAfterFsError), Verdict::Blind(_)));
    }
}
