//! A machine with one broken runner, for the tests of the forms.

use crate::model::errno::Errno;
use crate::model::finding::{
    Action, Confidence, Diagnosis, Evidence, Finding, Risk, RuledOut, Severity, Status, Subject, SubjectKind,
    Unseen,
};
use crate::model::host::Eyes;
use crate::model::log_line::LogLine;
use crate::model::process::{MountNs, Process};
use crate::model::reading::{Gap, GapWhy, Reading};
use crate::model::snapshot::Snapshot;
use crate::model::specimen::{self, unseen, user, whole};
use crate::model::units::Entries;
use crate::model::vantage::{Ability, Can, Vantage};

/// The mount namespace of the runners.
const RUNNERS: MountNs = MountNs::Inode(4_026_532_201);

/// One dead private /tmp, one healthy /tmp, holders not readable, a build log.
pub fn sick() -> (Snapshot, Diagnosis) {
    let unseen = unseen();
    let eyes = Eyes { pid: 4242, processes: Entries(300), readable: Entries(212), ..unseen.eyes };
    let dead = Ability::predicted(Can::No, Some(Errno::ENOENT), Some("mkdir"));
    let fine = Ability::predicted(Can::Yes, None, None);
    let vantages = vec![
        vantage(vec![4514], "forgejo-runner@1.service", dead),
        vantage((1..=142).collect(), "host", fine),
    ];
    let snapshot = Snapshot {
        eyes,
        vantages: whole(vantages),
        holders: Reading::Blind { gap: Gap::new("open files of 88 processes", GapWhy::Denied) },
        log: vec![log_line()],
        ..unseen
    };
    (snapshot, diagnosis())
}

fn vantage(pids: Vec<u32>, name: &str, can_create: Ability) -> Vantage {
    Vantage {
        names: vec![name.to_owned()],
        is_build: true,
        mount_id: Some(209),
        can_create,
        ..specimen::vantage("/tmp".into(), RUNNERS, user(0), pids)
    }
}

/// A runner's daemon, run by root, that shows nothing but its name.
pub fn process(pid: u32) -> Process {
    Process { mount_ns: Ok(RUNNERS), ..specimen::process(pid, 1, "forgejo-runner", user(0)) }
}

fn log_line() -> LogLine {
    LogLine {
        line: 12,
        tool: "rustc".into(),
        errno: Some(Errno::ENOENT),
        path: Some("/tmp/rustcVAIpSt".into()),
        replayed: false,
        means: "rustc could not make its temp dir: the directory above it is missing or dead".into(),
        points_to: vec!["private-tmp-deleted".into()],
        excludes: vec![],
        text: "error: couldn't create a temp dir".into(),
    }
}

fn diagnosis() -> Diagnosis {
    let title = "/tmp of forgejo-runner@1.service is a deleted directory".to_owned();
    let line = "209 170 254:1 /tmp/systemd-private-0123456789abcdef-forgejo-runner@1.service-AbCdEf/tmp//deleted \
                /tmp rw,relatime shared:1 - ext4 /dev/vda1 rw";
    let finding = Finding {
        id: "private-tmp-deleted".into(),
        severity: Severity::Critical,
        confidence: Confidence::Proven,
        subject: Subject {
            kind: SubjectKind::Unit,
            name: "forgejo-runner@1.service".into(),
            pids: vec![4514],
            path: Some("/tmp".into()),
        },
        title: title.clone(),
        errno: Some(Errno::ENOENT),
        evidence: vec![Evidence {
            source: "/proc/4514/mountinfo".into(),
            observed: line.into(),
            means:
                "the kernel marks the directory behind this mount as removed: nothing can be created in it"
                    .into(),
            by_hand: "awk '$1 == 209' /proc/4514/mountinfo".into(),
        }],
        actions: vec![Action {
            aim: None,
            id: "restart-unit".into(),
            title: "restart the unit: systemd makes a fresh private /tmp; its running jobs die".into(),
            risk: Risk::Interrupts,
            reversible: false,
            by_hand: vec!["systemctl restart forgejo-runner@1.service".into()],
        }],
    };
    Diagnosis {
        found: vec![finding],
        ruled_out: vec![RuledOut {
            id: "disk-full".into(),
            because: "42 % of 387 G used, 5 % of inodes".into(),
        }],
        blind: vec![Unseen {
            id: "deleted-open-files".into(),
            gaps: vec![Gap::new("open files", GapWhy::Denied)],
        }],
        status: Status::Critical,
        headline: title,
    }
}
