//! What is found on these machines, and what is ruled out.

use tmpmedic::model::errno::Errno;
use tmpmedic::model::finding::{
    Action, Confidence, Evidence, Finding, Risk, RuledOut, Severity, Subject, SubjectKind,
};
use tmpmedic::model::raw_path::RawPath;

use super::machine::{DISK, private};
use crate::staged::mount;

pub fn ruled_out() -> Vec<RuledOut> {
    let rows = [
        ("disk-full", "42 % of 387 G used, 5 % of inodes"),
        ("inodes-exhausted", "5 % of 25,800,000 inodes used"),
        ("tmp-wrong-mode-or-owner", "mode 1777 and owner root in 8 of 8 temp dirs"),
        ("ro-mount", "9 mounts under temp dirs, all writable"),
        ("noexec-tmp", "no temp dir is mounted noexec"),
        ("immutable-or-append", "no attribute set on 12 directories"),
        ("acl-deny", "no ACL on 12 directories"),
        ("tmpdir-missing", "every TMPDIR of 13 build processes exists"),
        ("fd-or-task-limits", "4,000 of 1,000,000 open files, no task limit near"),
        ("leaked-temp-accumulation", "689 old entries in removable families, below 5,000"),
        ("dir-too-many-entries", "1,491 entries at most, listing takes under 1 ms"),
        ("cargo-cached-failure", "2 recorded probes read, none of a failure"),
    ];
    rows.iter()
        .map(|(id, because)| RuledOut { id: (*id).to_owned(), because: (*because).to_owned() })
        .collect()
}

pub fn dead_finding(n: u32) -> Finding {
    let pid = 4514 + 100 * (n - 1);
    let unit = format!("forgejo-runner@{n}.service");
    let id = 200 + n;
    let line = mount(u64::from(id), u64::from(1000 + id), &private(n, "//deleted"), "/tmp", DISK).line;
    let fact = |source: String, observed: RawPath, means: &str, by_hand: String| Evidence {
        source,
        observed,
        means: means.to_owned(),
        by_hand,
    };
    let mounted =
        "the kernel marks the directory behind this mount as removed: nothing can be created in it any more";
    let links = "a directory without links has no name left";
    Finding {
        id: "private-tmp-deleted".into(),
        severity: Severity::Critical,
        confidence: Confidence::Proven,
        subject: Subject {
            kind: SubjectKind::Unit,
            name: unit.clone(),
            pids: vec![pid, pid + 1, pid + 2, pid + 3],
            path: Some("/tmp".into()),
        },
        title: format!("/tmp of {unit} is a deleted directory"),
        errno: Some(Errno::ENOENT),
        evidence: vec![
            fact(
                format!("/proc/{pid}/mountinfo"),
                line,
                mounted,
                format!("awk '$1 == {id}' /proc/{pid}/mountinfo"),
            ),
            fact(
                format!("/proc/{pid}/root/tmp"),
                "links 0".into(),
                links,
                format!("stat -L -c 'links %h' /proc/{pid}/root/tmp"),
            ),
            fact(
                format!("probe as pid {pid}"),
                "mkdir in /tmp: ENOENT (No such file or directory)".into(),
                "made for real in the view of that process: mkdir fails",
                format!("tmpmedic probe --pid {pid} --dir /tmp"),
            ),
        ],
        actions: vec![
            action(
                "restart-unit",
                &format!("restart {unit}: systemd makes a fresh private /tmp; its running jobs die"),
                Risk::Interrupts,
                &format!("systemctl restart {unit}"),
            ),
            action(
                "rebind-private-tmp",
                "mount a fresh /tmp into the running service; lasts until its restart",
                Risk::None,
                &format!(
                    "nsenter -t {pid} -m sh -c 'umount -l /tmp && mount -t tmpfs -o mode=1777,size=10% tmpfs /tmp'"
                ),
            ),
        ],
    }
}

fn action(id: &str, title: &str, risk: Risk, command: &str) -> Action {
    Action {
        id: id.into(),
        title: title.into(),
        risk,
        reversible: false,
        by_hand: vec![command.to_owned()],
        aim: None,
    }
}

pub fn finding(id: &str, severity: Severity, title: &str, path: &str) -> Finding {
    let means = "an entry of one family that nobody has touched for a day";
    Finding {
        id: id.into(),
        severity,
        confidence: Confidence::Likely,
        title: title.into(),
        errno: None,
        subject: Subject {
            kind: SubjectKind::Directory,
            name: path.into(),
            pids: vec![],
            path: Some(path.into()),
        },
        evidence: vec![Evidence {
            source: path.into(),
            observed: "go-build 612 entries, 401 older than a day".into(),
            means: means.into(),
            by_hand: format!("find {path} -maxdepth 1 -name 'go-build*' -mmin +1440 | wc -l"),
        }],
        actions: vec![],
    }
}
