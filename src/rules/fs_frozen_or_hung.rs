//! `fs-frozen-or-hung`: calls on the file system of a temp dir do not return: frozen, or its server or daemon is gone.

use std::collections::BTreeMap;

use crate::model::errno::Errno;
use crate::model::finding::{Action, Confidence, Evidence, Finding, Risk, Severity, Subject, SubjectKind};
use crate::model::mount::Mount;
use crate::model::probe::ProbeResult;
use crate::model::process::{Pid, Process};
use crate::model::raw_path::RawText;
use crate::model::reading::{Gap, GapWhy};
use crate::model::snapshot::Snapshot;
use crate::model::thresholds::Thresholds;
use crate::model::vantage::Vantage;
use crate::rules::cohort::{self, Cohort};
use crate::rules::room::{self, Backing};
use crate::rules::{Rule, RuleCard, Verdict, offers, place, unseen};

/// See the module's header.
pub struct FsFrozenOrHung;

static CARD: RuleCard = RuleCard {
    id: "fs-frozen-or-hung",
    title: "Calls on the file system of a temp dir do not return",
    yields_to: &[],
};

/// What a writer to a frozen file system sleeps in.
const FROZEN: [&str; 4] = ["percpu_rwsem_wait", "mnt_want_write", "sb_start_write", "__sb_start_write"];
/// What a caller of a file system sleeps in whose server or daemon does not answer.
const REMOTE: [&str; 8] =
    ["request_wait_answer", "fuse_", "rpc_wait_bit", "nfs", "wait_for_response", "cifs_", "p9_client", "autofs_wait"];

impl Rule for FsFrozenOrHung {
    fn card(&self) -> &'static RuleCard {
        &CARD
    }

    fn check(&self, now: &Snapshot, before: Option<&Snapshot>, _: &Thresholds) -> Verdict {
        let hung = |v: &Vantage| {
            !is_in_memory(now, v) && (hung_probe(now, v).is_some() || hung_field(v).is_some())
        };
        let served_by = |v: &Vantage| {
            let mount = place::mount(now, v).map(|m| m.id);
            (v.mount_ns, mount, mount.is_none().then(|| place::path(v)))
        };
        let mut found: Vec<Finding> = cohort::gather(now, hung, served_by).iter().map(unanswered).collect();
        if found.is_empty() {
            found.extend(unseen::vantages(now).iter().filter(|gap| is_hung(&gap.why)).map(unnamed));
        }
        let explained: Vec<Pid> = found.iter().flat_map(|f| f.subject.pids.iter().copied()).collect();
        let stuck: Vec<&Process> =
            now.all_processes().filter(|p| channel(p).is_some() && !explained.contains(&p.pid)).collect();
        let twice: Vec<&Process> = stuck.iter().copied().filter(|p| was_stuck(before, p)).collect();
        found.extend(stuck_processes(now, &twice));
        let gaps = gaps(now);
        if found.is_empty() && gaps.is_empty() && before.is_none() && !stuck.is_empty() {
            return Verdict::Wait;
        }
        Verdict::of(found, gaps, || {
            let answered = now.probes.iter().filter(|p| !p.hung).count();
            let asleep = now.all_processes().filter(|p| p.state == 'D').count();
            format!("{answered} probes answered, {asleep} processes in state D, none stays on a dead file system")
        })
    }
}

/// Without processes or temp dirs nothing was looked at. A probe of memory that does not return speaks of a busy machine.
fn gaps(now: &Snapshot) -> Vec<Gap> {
    let mut gaps = if now.processes.value().is_none() { now.processes.gaps().to_vec() } else { Vec::new() };
    gaps.extend(now.vantages.value().is_none().then(|| unseen::vantages(now)).into_iter().flatten());
    let busy = now.vantages.items().iter().find(|v| hung_probe(now, v).is_some() && is_in_memory(now, v));
    gaps.extend(busy.map(|v| Gap {
        remedy: Some("look again when the machine has less to do: cat /proc/pressure/cpu".to_owned()),
        ..Gap::new(format!("the answer of {}, which is memory and cannot hang", v.path), GapWhy::Os(Errno::ETIMEDOUT))
    }));
    gaps
}

/// tmpfs waits for no disk and cannot be frozen. Source: ioctl_fsfreeze(2), EOPNOTSUPP.
fn is_in_memory(now: &Snapshot, vantage: &Vantage) -> bool {
    room::backing(now, vantage) == Backing::Memory
}

fn is_hung(why: &GapWhy) -> bool {
    matches!(why, GapWhy::Hung { .. } | GapWhy::Os(Errno::ETIMEDOUT))
}

fn hung_probe<'a>(now: &'a Snapshot, v: &Vantage) -> Option<&'a ProbeResult> {
    now.probes.iter().find(|p| p.hung && p.is_of(v))
}

fn hung_field(vantage: &Vantage) -> Option<&GapWhy> {
    let errors = [vantage.identity.as_ref().err(), vantage.space.as_ref().err()];
    errors.into_iter().flatten().find(|why| is_hung(why))
}

/// The kernel function that a process in state D sleeps in, if it is one of a file system that does not answer.
fn channel(process: &Process) -> Option<&str> {
    let channel = process.wait_channel.as_deref().filter(|_| process.state == 'D' && !process.kernel)?;
    let known = FROZEN.iter().chain(&REMOTE).any(|name| channel.starts_with(name));
    known.then_some(channel)
}

fn is_frozen(process: &Process) -> bool {
    channel(process).is_some_and(|c| FROZEN.iter().any(|name| c.starts_with(name)))
}

/// In the same sleep at the look before: a process that only passes through it is healthy.
fn was_stuck(before: Option<&Snapshot>, process: &Process) -> bool {
    let earlier = before.and_then(|b| b.process(process.pid));
    earlier.is_some_and(|e| e.started == process.started && channel(e) == channel(process))
}

fn unanswered(cohort: &Cohort<'_>) -> Finding {
    let now = cohort.now;
    let reached = cohort.reach();
    let mut evidence = Vec::new();
    for vantage in &cohort.vantages {
        if let Some(probe) = hung_probe(now, vantage) {
            evidence.push(probe_seen(probe));
        } else if let Some(why) = hung_field(vantage) {
            evidence.push(Evidence {
                source: format!("statx and statfs of {reached}"),
                observed: RawText::from(why.shown().as_str()),
                means: "a healthy file system answers within a millisecond".to_owned(),
                by_hand: format!("timeout -s KILL 5 stat -f {} || echo 'no answer'", reached.quoted()),
            });
        }
    }
    evidence.truncate(3);
    evidence.extend(cohort.mount_line("the mount that does not answer"));
    let sleepers: Vec<&Process> = cohort.pids().iter().filter_map(|pid| now.process(*pid)).collect();
    let frozen = sleepers.iter().find(|p| is_frozen(p));
    evidence.extend(frozen.or_else(|| sleepers.iter().find(|p| channel(p).is_some())).map(|p| sleep_seen(p)));
    let probed = cohort.vantages.iter().any(|v| hung_probe(now, v).is_some());
    Finding {
        id: CARD.id.to_owned(),
        severity: cohort.severity(),
        confidence: if probed && frozen.is_some() { Confidence::Proven } else { Confidence::Likely },
        title: format!("{} does not answer: {} hangs in it", cohort.path(), cohort.who()),
        errno: None,
        evidence,
        actions: actions_on(cohort.mount()),
        subject: cohort.subject(),
    }
}

fn probe_seen(probe: &ProbeResult) -> Evidence {
    let done = probe.steps.last().map_or("nothing", |s| s.step.word());
    let pid = probe.pid.map_or_else(String::new, |pid| format!(" --pid {pid}"));
    Evidence {
        source: "probe".to_owned(),
        observed: RawText::from(format!("no answer in {} after {done}", probe.path).as_str()),
        means: "a temp dir was made for real, and the call did not return within the deadline".to_owned(),
        by_hand: format!("tmpmedic probe{pid} --dir {}", probe.path.quoted()),
    }
}

/// A hung place of which only a text is known.
fn unnamed(gap: &Gap) -> Finding {
    let evidence = Evidence {
        source: gap.what.clone(),
        observed: RawText::from(gap.why.shown().as_str()),
        means: "a file system that serves a temp dir does not answer".to_owned(),
        by_hand: "grep -E ' - (fuse|nfs|cifs|9p|autofs)' /proc/self/mountinfo".to_owned(),
    };
    Finding {
        id: CARD.id.to_owned(),
        severity: Severity::Warning,
        confidence: Confidence::Possible,
        title: format!("{}: {}", gap.what, gap.why.shown()),
        errno: None,
        evidence: vec![evidence],
        actions: vec![revive(None)],
        subject: Subject { kind: SubjectKind::Mount, name: gap.what.clone(), pids: Vec::new(), path: None },
    }
}

fn stuck_processes(now: &Snapshot, stuck: &[&Process]) -> Vec<Finding> {
    let mut by_channel: BTreeMap<&str, Vec<&Process>> = BTreeMap::new();
    for process in stuck {
        by_channel.entry(channel(process).unwrap_or_default()).or_default().push(process);
    }
    let each = by_channel.into_iter().filter_map(|(channel, members)| {
        let first = members.iter().copied().max_by_key(|p| p.is_build())?;
        let frozen = is_frozen(first);
        let vital = members.iter().any(|p| p.is_build() || now.asked.pids.contains(&p.pid));
        let pids: Vec<Pid> = members.iter().map(|p| p.pid).collect();
        let what = if frozen { "a frozen file system" } else { "a file system that does not answer" };
        Some(Finding {
            id: CARD.id.to_owned(),
            // A busy server also keeps its callers asleep, so only a freeze is called grave from this alone.
            severity: if vital && frozen { Severity::Critical } else { Severity::Warning },
            confidence: Confidence::Likely,
            title: format!("{} sleeps in {channel}: {what}", cohort::who(now, &pids)),
            errno: None,
            evidence: members.iter().take(3).map(|p| sleep_seen(p)).collect(),
            actions: vec![if frozen { thaw(None) } else { revive(None) }],
            subject: cohort::subject(now, &pids, None),
        })
    });
    each.collect()
}

fn sleep_seen(process: &Process) -> Evidence {
    let pid = process.pid;
    Evidence {
        source: format!("/proc/{pid}/wchan"),
        observed: RawText::from(format!("D {}", process.wait_channel.as_deref().unwrap_or("0")).as_str()),
        means: "in uninterruptible sleep in that kernel function; not even SIGKILL ends it".to_owned(),
        by_hand: format!("echo \"$(ps -o state= -p {pid}) $(cat /proc/{pid}/wchan)\""),
    }
}

fn actions_on(mount: Option<&Mount>) -> Vec<Action> {
    let point = mount.map(|m| m.point.quoted());
    if mount.is_some_and(Mount::is_doubtful) { vec![revive(point.as_deref())] } else { vec![thaw(point.as_deref())] }
}

fn revive(point: Option<&str>) -> Action {
    let mut by_hand = vec!["grep -E ' - (fuse|nfs|cifs|9p|autofs)' /proc/self/mountinfo".to_owned()];
    by_hand.extend(point.map(|point| format!("umount -l {point}")));
    offers::guide(
        "bring its server or daemon back; else detach the mount: its users get errors instead of hanging",
        Risk::Interrupts,
        by_hand,
    )
}

fn thaw(point: Option<&str>) -> Action {
    let mut by_hand = vec![
        "ps -eo pid,state,wchan:32,comm | awk '$2 ~ /D/'".to_owned(),
        "dmsetup info | grep -A1 -i suspended; cat /proc/pressure/io".to_owned(),
    ];
    by_hand.extend(point.map(|point| format!("fsfreeze -u {point}")));
    offers::guide(
        "thaw it, if the snapshot or backup that froze it is gone; else look at the disk below",
        Risk::None,
        by_hand,
    )
}

#[cfg(test)]
#[path = "fs_frozen_or_hung_tests.rs"]
mod tests;
