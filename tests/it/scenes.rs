//! The machines that the frames show: a healthy one, two dead runners, one seen without rights, a hostile one.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "test support: a panic is its failure")]

use std::sync::Arc;

use tmpmedic::model::errno::Errno;
use tmpmedic::model::finding::{
    Action, Confidence, Evidence, Finding, Risk, RuledOut, Severity, Status, Subject, SubjectKind, Unseen,
};
use tmpmedic::model::holder::{Holders, Holding, How, Pinned};
use tmpmedic::model::mount::Device;
use tmpmedic::model::probe::{ProbeResult, Step, StepResult};
use tmpmedic::model::process::{Container, MountNs, Pid, Role, RoleKind};
use tmpmedic::model::raw_path::RawPath;
use tmpmedic::model::reading::{Gap, GapWhy, Reading};
use tmpmedic::model::units::{Bytes, Micros};
use tmpmedic::model::vantage::{Acl, AclEntry, AclWho, HowKnown, Reason, Vantage};
use tmpmedic::tui::msg::Look;

use crate::staged::{
    HOST_NS, Staged, ago, blind, component, fails, family, identity, mount, process, proved, runner_role,
    space, temp_dir, user, vantage, whole, with,
};

const DISK: (&str, &str) = ("ext4", "/dev/vda1");

fn private(n: u32, mark: &str) -> String {
    format!(
        "/tmp/systemd-private-0123456789abcdef0123456789abcdef-forgejo-runner@{n}.service-k2Xq9{n}/tmp{mark}"
    )
}

fn runner_ns(n: u32) -> MountNs {
    MountNs::Inode(4_026_532_200 + u64::from(n))
}

/// The host, its shell with tmpmedic in it, and six runners with private temp dirs, of which some are dead.
fn machine(dead: &[u32]) -> Staged {
    let host = vec![mount(25, 1, "/", "/", DISK), mount(31, 25, "/", "/dev/shm", ("tmpfs", "tmpfs"))];
    let mut staged = Staged::new().namespace(HOST_NS, 1, host);
    staged = staged
        .process(process(1, 0, "systemd", user(0, "root")))
        .process(process(700, 1, "sshd", user(0, "root")))
        .process(process(900, 700, "bash", user(1001, "anna")))
        .process(process(901, 900, "tmpmedic", user(0, "root")));
    for n in 1..=6 {
        staged = runner(staged, n, if dead.contains(&n) { Life::Dead } else { Life::Alive });
    }
    let names = ["systemd", "sshd.service", "cron.service"];
    let root = user(0, "root");
    let host_tmp = vantage("/tmp", HOST_NS, root.clone(), &(1..=142).collect::<Vec<_>>(), &names);
    let var_tmp = vantage("/var/tmp", HOST_NS, root, &(1..=142).collect::<Vec<_>>(), &names);
    let mut var_tmp = proved(var_tmp, 120);
    var_tmp.identity = Ok(identity(131_090));
    var_tmp.reasons = vec![Reason::Fallback];
    staged.vantage(proved(host_tmp, 100)).vantage(var_tmp)
}

/// Whether the directory behind a private /tmp still has a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    Alive,
    Dead,
}

fn runner(staged: Staged, n: u32, life: Life) -> Staged {
    let pid = 4514 + 100 * (n - 1);
    let ns = runner_ns(n);
    let unit = format!("forgejo-runner@{n}.service");
    let mark = if life == Life::Dead { "//deleted" } else { "" };
    let id = 200 + u64::from(n);
    let mounts =
        vec![mount(1000 + id, 1, "/", "/", DISK), mount(id, 1000 + id, &private(n, mark), "/tmp", DISK)];
    let value = if n == 4 { "/tmp" } else { "/var/tmp" };
    let member = |pid: Pid, parent: Pid, comm: &str, variables: &[(&str, &str)]| {
        let mut process = with(process(pid, parent, comm, user(1000, "runner")), variables);
        process.unit = Some(unit.clone());
        process.mount_ns = Ok(ns);
        process
    };
    let set = [("TMPDIR", "/var/tmp"), ("RUSTC_WRAPPER", "sccache")];
    let mut daemon = member(pid, 1, "forgejo-runner", &set);
    daemon.role = Some(runner_role());
    let mut shell = member(pid + 1, pid, "bash", &[("TMPDIR", value), ("RUSTC_WRAPPER", "sccache")]);
    shell.role = Some(Role { id: "shell".into(), kind: RoleKind::BuildTool, title: "step shell".into() });
    let staged = staged.namespace(ns, pid, mounts).process(daemon);
    let staged = if n == 4 { staged.process(shell) } else { staged };
    staged.vantage(runner_vantage(n, ns, &[pid, pid + 1, pid + 2, pid + 3], life))
}

fn runner_vantage(n: u32, ns: MountNs, pids: &[Pid], life: Life) -> Vantage {
    let unit = format!("forgejo-runner@{n}.service");
    let mut seen = vantage("/tmp", ns, user(1000, "runner"), pids, &[&unit]);
    seen.is_build = true;
    seen.mount_id = Some(200 + u64::from(n));
    seen.identity = Ok(identity(262_200 + u64::from(n)));
    let end = seen.walked.last_mut().unwrap();
    end.mount_point = true;
    if life == Life::Dead {
        end.facts.as_mut().unwrap().links = 0;
        return fails(seen, Errno::ENOENT, "mkdir", HowKnown::Probed);
    }
    proved(seen, 180)
}

fn with_entries(staged: Staged) -> Staged {
    let ages = |n: [u64; 5]| n;
    let mut go = family(612, 401, (18 << 30) + (1 << 28), (14, 19 * 86_400), ages([90, 121, 200, 201, 0]));
    go.held = Some(3);
    let mut rustc = family(288, 97, 3 << 30, (120, 9 * 86_400), ages([150, 41, 60, 37, 0]));
    rustc.owners.insert(0, 12);
    rustc.held = Some(1);
    let mktemp = family(301, 190, 41 << 20, (300, 30 * 86_400), ages([10, 101, 80, 60, 50]));
    let mut private = family(6, 0, 24 << 10, (90, 8 * 86_400), ages([1, 2, 3, 0, 0]));
    private.held = Some(4);
    let mut rest = family(284, 1, 2 << 20, (60, 2 * 86_400), ages([260, 23, 1, 0, 0]));
    for uid in 1001..1005 {
        rest.owners.insert(uid, 2);
    }
    rest.held = None;
    let tmp = vec![
        ("rustc", rustc),
        ("mktemp", mktemp),
        ("systemd-private", private),
        ("go-build", go),
        ("", rest),
    ];
    let var = vec![("", family(6, 2, 9 << 20, (4000, 40 * 86_400), [0, 4, 0, 0, 2]))];
    let one = vec![("rustc", family(2, 0, 1 << 20, (20, 40), [2, 0, 0, 0, 0]))];
    let mut third = temp_dir("/tmp", 262_203, 2, one);
    third.reached = "/proc/4714/root/tmp".into();
    staged
        .temp_dir(temp_dir("/tmp", 131_073, 6, tmp))
        .temp_dir(temp_dir("/var/tmp", 131_090, 7, var))
        .temp_dir(third)
}

fn ruled_out() -> Vec<RuledOut> {
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

fn dead_finding(n: u32) -> Finding {
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

fn finding(id: &str, severity: Severity, title: &str, path: &str) -> Finding {
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

/// Two of six runners have a private /tmp whose directory was removed; a container may not write; a cache server is lost.
pub fn two_dead_runners() -> Arc<Look> {
    let mut staged = with_entries(machine(&[1, 2]));
    staged = container(cache_server(staged));
    staged = with_holders(staged);
    staged.diagnosis.found = vec![
        dead_finding(1),
        dead_finding(2),
        finding("tmpdir-temp-tmp-disagree", Severity::Warning, "1 of 6 runners differs in TMPDIR", "/tmp"),
        finding(
            "leaked-temp-accumulation",
            Severity::Warning,
            "/tmp: 689 of 1,491 entries are older than 1 day",
            "/tmp",
        ),
        finding(
            "container-tmp",
            Severity::Info,
            "docker 3f2a91c04b7d has its /tmp in its writable layer",
            "/tmp",
        ),
    ];
    staged.diagnosis.ruled_out = ruled_out();
    staged.diagnosis.status = Status::Critical;
    staged.diagnosis.headline = "2 runners cannot create temp dirs (ENOENT)".into();
    staged.now.probes = vec![dead_probe()];
    staged.look()
}

/// What a probe of the first dead runner gives.
pub fn dead_probe() -> ProbeResult {
    ProbeResult {
        path: "/tmp".into(),
        based_on: None,
        pid: Some(4514),
        mount_ns: runner_ns(1),
        root: "/".into(),
        credentials: user(1000, "runner"),
        at: ago(2),
        steps: vec![
            StepResult { step: Step::Enter, errno: None, took: Micros(310) },
            StepResult { step: Step::Mkdir, errno: Some(Errno::ENOENT), took: Micros(20) },
        ],
        not_imitated: vec![],
        hung: false,
        standing: None,
        left_behind: vec![],
    }
}

fn container(staged: Staged) -> Staged {
    let ns = MountNs::Inode(4_026_532_400);
    let mut worker =
        with(process(6001, 1, "cargo", user(1000, "build")), &[("CARGO_TARGET_DIR", "/workspace/tgt")]);
    worker.container = Some(Container {
        engine: "docker".into(),
        id: "3f2a91c04b7d0011".into(),
        name: Some("web-1".into()),
    });
    worker.mount_ns = Ok(ns);
    worker.role = Some(Role { id: "cargo".into(), kind: RoleKind::BuildTool, title: "cargo".into() });
    let overlay = mount(400, 1, "/", "/", ("overlay", "overlay"));
    let bound = mount(401, 400, "/mnt/nvme/targets/1792", "/workspace/tgt", DISK);
    let mut seen =
        vantage("/workspace/tgt", ns, user(1000, "build"), &[6001, 6002], &["docker web-1 (3f2a91c04b7d)"]);
    seen.mount_id = Some(401);
    seen.reasons = vec![Reason::BindMount];
    seen.identity = Ok(identity(393_301));
    let end = seen.walked.last_mut().unwrap();
    end.mount_point = true;
    let facts = end.facts.as_mut().unwrap();
    facts.mode = 0o755;
    let entry = |who, permissions| AclEntry { who, permissions };
    facts.acl = Some(Acl {
        entries: vec![entry(AclWho::Owner, 7), entry(AclWho::User(1000), 5), entry(AclWho::Other, 5)],
    });
    let seen = fails(seen, Errno::EACCES, "mkdir", HowKnown::Probed);
    staged.namespace(ns, 6001, vec![overlay, bound]).process(worker).vantage(seen)
}

fn cache_server(staged: Staged) -> Staged {
    let mut server = with(process(812, 1, "sccache", user(1000, "runner")), &[("TMPDIR", "/var/tmp/ci")]);
    server.role =
        Some(Role { id: "sccache".into(), kind: RoleKind::CacheServer, title: "sccache server".into() });
    let mut seen = vantage("/var/tmp/ci", HOST_NS, user(1000, "runner"), &[812], &["sccache"]);
    let end = seen.walked.last_mut().unwrap();
    end.facts = None;
    end.search = None;
    end.error = Some(Errno::ENOENT);
    seen.reasons = vec![Reason::TmpDir];
    seen.identity = Err(GapWhy::Absent);
    seen.space = Err(GapWhy::Absent);
    staged.process(server).vantage(fails(seen, Errno::ENOENT, "mkdir", HowKnown::Predicted))
}

fn with_holders(mut staged: Staged) -> Staged {
    let held = |pid, how, path: &str, deleted, pins| Holding {
        pid,
        how,
        path: path.into(),
        object: None,
        deleted,
        pins,
        temp_dir: "/tmp".into(),
    };
    let device = Device { major: 254, minor: 1 };
    let holdings = vec![
        held(812, How::Cwd, "/tmp/sccache8XkQ2a", true, None),
        held(812, How::Fd(3), "/tmp/sccache8XkQ2a/sock", false, None),
        held(812, How::Fd(9), "/tmp/sccache8XkQ2a/log", true, Some(Bytes(41 << 30))),
        held(812, How::Socket, "/tmp/sccache8XkQ2a/sock", false, None),
        held(4814, How::Cwd, "/tmp/go-build2710349211/b001", false, None),
        held(4814, How::Exe, "/tmp/go-build2710349211/b001/exe/main", false, None),
        held(4514, How::Fd(7), "/tmp/rustcVAIpSt/lib.rmeta", true, Some(Bytes(220 << 20))),
        held(700, How::Lock, "/tmp/.X11-unix/X0", false, None),
    ];
    let pinned = |pid, bytes, biggest: &str, fd| Pinned {
        pid,
        device,
        files: 2,
        bytes: Bytes(bytes),
        biggest: biggest.into(),
        fd,
    };
    let pinned = vec![
        pinned(812, 41 << 30, "/tmp/sccache8XkQ2a/log", 9),
        pinned(4514, 220 << 20, "/tmp/rustcVAIpSt/lib.rmeta", 7),
    ];
    staged.now.holders = whole(Holders { holdings, pinned });
    staged
}

/// Nothing is wrong, and everything was proved a moment ago.
pub fn healthy() -> Arc<Look> {
    let mut staged = with_entries(machine(&[]));
    staged.diagnosis.ruled_out = ruled_out();
    staged.diagnosis.headline = "3 temp dirs seen from 8 vantages, none fails".into();
    let probe = ProbeResult { at: ago(3), ..dead_probe() };
    staged.now.probes = vec![ProbeResult { steps: vec![], ..probe }];
    staged.look()
}

/// The same machine with two dead runners, seen by uid 1001: other users' processes are closed.
pub fn not_root() -> Arc<Look> {
    let mut staged = machine(&[1, 2]);
    staged.now.eyes.credentials = user(1001, "anna");
    for process in staged.now.processes.value_mut().unwrap().by_pid.values_mut().map(Arc::make_mut) {
        if process.credentials.as_ref().is_ok_and(|c| c.uid != 1001) {
            process.variables = Err(GapWhy::Denied);
            process.cwd = Err(GapWhy::Denied);
        }
    }
    let closed = "environment, open files and links of 10 processes";
    let gaps = vec![Gap::new(closed, GapWhy::Denied)];
    let table = staged.now.processes.value().unwrap().clone();
    staged.now.processes = Reading::Part { value: table, took: Micros(900), gaps: gaps.clone() };
    staged.now.holders = Reading::Part { value: Holders::default(), took: Micros(10), gaps: gaps.clone() };
    staged.diagnosis.found = vec![dead_finding(1), dead_finding(2)];
    staged.diagnosis.ruled_out = ruled_out().into_iter().take(6).collect();
    staged.diagnosis.blind = ["tmpdir-missing", "cwd-deleted", "deleted-open-files", "duplicate-env-entry"]
        .map(|id| Unseen { id: id.to_owned(), gaps: gaps.clone() })
        .to_vec();
    staged.diagnosis.status = Status::Critical;
    staged.diagnosis.headline = "2 runners cannot create temp dirs (ENOENT)".into();
    staged.look()
}

/// Nothing could be looked at: /proc is closed.
pub fn all_blind() -> Arc<Look> {
    let mut staged = Staged::new();
    staged.now.processes = blind("the process list", GapWhy::Denied);
    staged.now.namespaces = blind("mount tables", GapWhy::Denied);
    staged.now.vantages = blind("temp dirs of processes", GapWhy::Denied);
    staged.now.temp_dirs = blind("temp dirs", GapWhy::Os(Errno::EIO));
    staged.now.holders = blind("open files", GapWhy::NoDescriptor);
    staged.diagnosis.status = Status::Unknown;
    staged.diagnosis.headline = "could not look at this machine".into();
    staged.look()
}

/// Counting of a large temp dir is not done.
pub fn still_counting() -> Arc<Look> {
    let mut staged = with_entries(machine(&[]));
    let dirs = staged.now.temp_dirs.value_mut().unwrap();
    let seen = tmpmedic::model::units::Entries(212_000);
    dirs[0].gaps = vec![Gap::new("entries of /tmp", GapWhy::OverBudget { seen })];
    dirs[0].total.entries = seen;
    staged.diagnosis.headline = "3 temp dirs seen from 8 vantages, none fails".into();
    staged.look()
}

/// Everything that a job can name carries controls, direction marks, line ends and wide characters.
pub fn hostile() -> Arc<Look> {
    let evil = "\u{1b}[2J\u{1b}]0;x\u{7}\u{9b}31m\u{202e}gpj\n│ fake row\r\u{200b}日本語\t";
    let mut staged = with_entries(container(cache_server(machine(&[1]))));
    staged = with_holders(staged);
    let named =
        with(process(7001, 1, evil, user(1000, evil)), &[("TMPDIR", evil), ("TMPDIR", "/tmp"), ("TMP", "")]);
    let named = tmpmedic::model::process::Process {
        unit: Some(evil.to_owned()),
        role: Some(runner_role()),
        arguments: Ok(vec![evil.into(), RawPath::new(&b"\xff\xfe\x1b[0m"[..])]),
        ..named
    };
    staged = staged.process(named);
    let mut seen = vantage("/tmp", HOST_NS, user(1000, evil), &[7001], &[evil]);
    seen.path = RawPath::new(format!("/tmp/{evil}").into_bytes());
    let mut last = component("/tmp/x", 0o755);
    last.path = seen.path.clone();
    last.link = Some(evil.into());
    seen.walked.push(last);
    seen.space = Ok(space(99));
    staged = staged.vantage(fails(seen, Errno::EACCES, evil, HowKnown::Probed));
    let odd = mount(77, 25, evil, &format!("/tmp/{evil}"), ("fuse.\u{1b}c", evil));
    if let Some(Reading::Whole { value, .. }) =
        staged.now.namespaces.value_mut().unwrap().first_mut().map(|n| &mut n.mounts)
    {
        value.push(odd);
    }
    let mut dir = temp_dir("/tmp", 999, 0, vec![(evil, family(1, 1, 1, (1, 1), [1, 0, 0, 0, 0]))]);
    dir.path = RawPath::new(evil);
    staged = staged.temp_dir(dir);
    if let Some(holders) = staged.now.holders.value_mut() {
        holders.holdings[0].path = evil.into();
        holders.pinned[0].biggest = evil.into();
    }
    if let Some(host) = staged.now.host.value_mut() {
        host.name = evil.into();
    }
    let mut finding = dead_finding(1);
    finding.title = evil.into();
    finding.evidence[0].observed = RawPath::new(evil);
    finding.evidence[0].by_hand = evil.into();
    finding.actions[0].by_hand = vec![evil.into()];
    staged.diagnosis.found = vec![finding];
    staged.diagnosis.ruled_out = vec![RuledOut { id: evil.into(), because: evil.into() }];
    staged.diagnosis.blind =
        vec![Unseen { id: evil.into(), gaps: vec![Gap::new(evil, GapWhy::Malformed { line: evil.into() })] }];
    staged.diagnosis.status = Status::Critical;
    staged.diagnosis.headline = evil.into();
    staged.look()
}
