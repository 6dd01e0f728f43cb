//! The machines that the frames show: a healthy one, two dead runners, one seen without rights, a hostile one.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "test support: a panic is its failure")]

mod findings;
mod machine;

use std::sync::Arc;

use tmpmedic::model::errno::Errno;
use tmpmedic::model::finding::{RuledOut, Severity, Status, Unseen};
use tmpmedic::model::holder::Holders;
use tmpmedic::model::probe::{ProbeResult, Step, StepResult};
use tmpmedic::model::raw_path::RawPath;
use tmpmedic::model::reading::{Gap, GapWhy, Reading};
use tmpmedic::model::units::Micros;
use tmpmedic::model::vantage::HowKnown;
use tmpmedic::tui::msg::Look;

use self::findings::{dead_finding, finding, ruled_out};
use self::machine::{cache_server, container, machine, runner_ns, with_entries, with_holders};
use crate::staged::{
    HOST_NS, Staged, ago, blind, component, fails, family, mount, process, runner_role, space, temp_dir,
    user, vantage, with,
};

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
