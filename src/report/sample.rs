//! A machine with one broken runner, for the tests of the forms.

use crate::model::asked::Asked;
use crate::model::errno::Errno;
use crate::model::finding::{
    Action, Confidence, Diagnosis, Evidence, Finding, Risk, RuledOut, Severity, Status, Subject, SubjectKind,
    Unseen,
};
use crate::model::host::Eyes;
use crate::model::log_line::LogLine;
use crate::model::mount::Device;
use crate::model::process::{Credentials, MountNs, Place, Process};
use crate::model::reading::{Gap, GapWhy, Reading};
use crate::model::snapshot::{SCHEMA, Snapshot};
use crate::model::units::{BootNanos, Bytes, Entries, Micros, WallNanos};
use crate::model::vantage::{Ability, Can, Identity, Reason, Space, Vantage};

const NOW: WallNanos = WallNanos(1_769_114_400_000_000_000);

/// One dead private /tmp, one healthy /tmp, holders not readable, a build log.
pub fn sick() -> (Snapshot, Diagnosis) {
    let eyes = Eyes {
        credentials: Credentials::default(),
        mount_ns: Ok(MountNs::Inode(4_026_531_841)),
        pid: 4242,
        processes: Entries(300),
        readable: Entries(212),
        hidepid: None,
        taken: NOW,
        boot: BootNanos(1),
    };
    let dead = Ability::predicted(Can::No, Some(Errno::ENOENT), Some("mkdir"));
    let fine = Ability::predicted(Can::Yes, None, None);
    let not_asked = "the machine";
    let snapshot = Snapshot {
        schema: SCHEMA.to_owned(),
        taken: NOW,
        boot: BootNanos(1),
        eyes,
        asked: Asked::default(),
        host: Reading::not_asked(not_asked),
        processes: Reading::not_asked(not_asked),
        namespaces: Reading::not_asked(not_asked),
        vantages: Reading::Whole {
            value: vec![
                vantage(vec![4514], "forgejo-runner@1.service", dead),
                vantage((1..=142).collect(), "host", fine),
            ],
            took: Micros(1),
        },
        temp_dirs: Reading::not_asked(not_asked),
        holders: Reading::Blind { gap: Gap::new("open files of 88 processes", GapWhy::Denied) },
        caches: Reading::not_asked(not_asked),
        probes: vec![],
        log: vec![log_line()],
        strains: vec![],
        listings: vec![],
    };
    (snapshot, diagnosis())
}

fn vantage(pids: Vec<u32>, name: &str, can_create: Ability) -> Vantage {
    let device = Device { major: 254, minor: 1 };
    Vantage {
        path: "/tmp".into(),
        reasons: vec![Reason::Default],
        mount_ns: MountNs::Inode(4_026_532_201),
        root: "/".into(),
        based_on: None,
        credentials: Credentials::default(),
        pids,
        names: vec![name.to_owned()],
        is_build: true,
        walked: vec![],
        identity: Ok(Identity { device, inode: 131_073, mount_id: Some(25) }),
        mount_id: Some(209),
        space: Ok(Space {
            total: Bytes(1 << 30),
            free: Bytes(1 << 29),
            available: Bytes(1 << 29),
            inodes: Entries(1000),
            inodes_free: Entries(900),
            read_only: false,
            no_exec: false,
        }),
        can_create,
    }
}

/// A process of root that shows nothing but its name.
pub fn process(pid: u32) -> Process {
    let place = || Ok(Place { path: "/".into(), deleted: false });
    Process {
        pid,
        parent: 1,
        started: BootNanos(u64::from(pid)),
        session: 1,
        state: 'S',
        kernel: false,
        comm: "forgejo-runner".into(),
        arguments: Ok(vec![]),
        credentials: Ok(Credentials::default()),
        umask: Ok(0o022),
        limits: Err(GapWhy::NotAsked),
        open_files: Ok(Entries(3)),
        unit: None,
        container: None,
        cgroup: Ok("0::/".into()),
        mount_ns: Ok(MountNs::Inode(4_026_532_201)),
        pid_ns: Ok(1),
        root: place(),
        cwd: place(),
        exe: place(),
        variables: Ok(vec![]),
        role: None,
        wait_channel: None,
        stack: Vec::new(),
        filtered: Ok(false),
    }
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
