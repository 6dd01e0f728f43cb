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
use crate::model::standing::{self, Wait};
use crate::model::thresholds::Thresholds;
use crate::model::units::count;
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

impl Rule for FsFrozenOrHung {
    fn card(&self) -> &'static RuleCard {
        &CARD
    }

    fn check(&self, now: &Snapshot, before: Option<&Snapshot>, _: &Thresholds) -> Verdict {
        let hung = |v: &Vantage| {
            !is_in_memory(now, v) && (held_probe(now, before, v).is_some() || hung_field(v).is_some())
        };
        let served_by = |v: &Vantage| {
            let mount = place::mount(now, v).map(|m| m.id);
            (v.mount_ns, mount, mount.is_none().then(|| place::path(v)))
        };
        let mut found: Vec<Finding> =
            cohort::gather(now, hung, served_by).iter().map(|c| unanswered(c, before)).collect();
        if found.is_empty() && now.vantages.value().is_some() {
            found.extend(unseen::vantages(now).iter().filter(|gap| is_hung(&gap.why)).map(unnamed));
        }
        let explained: Vec<Pid> = found.iter().flat_map(|f| f.subject.pids.iter().copied()).collect();
        let others = |p: &&Process| !is_own(now, p) && !explained.contains(&p.pid);
        let stuck: Vec<&Process> =
            now.all_processes().filter(|p| stays(p).is_some()).filter(others).collect();
        let twice: Vec<&Process> = stuck.iter().copied().filter(|p| was_stuck(before, p)).collect();
        found.extend(stuck_processes(now, &twice));
        let gaps = gaps(now, before);
        if found.is_empty() && gaps.is_empty() && before.is_none() && !stuck.is_empty() {
            return Verdict::Wait;
        }
        Verdict::of(found, gaps, || {
            let answered = now.probes.iter().filter(|p| !p.hung && !p.is_late()).count();
            let asleep = now.all_processes().filter(|p| p.state == 'D').count();
            let (probes, processes) =
                (count(answered, ("probe", "probes")), count(asleep, ("process", "processes")));
            format!("{probes} answered, {processes} in state D, none stays on a dead file system")
        })
    }
}

/// Without processes or temp dirs nothing was looked at. A probe that was awake at its deadline, or one of memory, speaks of a
/// busy machine.
fn gaps(now: &Snapshot, before: Option<&Snapshot>) -> Vec<Gap> {
    let mut gaps = if now.processes.value().is_none() { now.processes.gaps().to_vec() } else { Vec::new() };
    gaps.extend(now.vantages.value().is_none().then(|| unseen::vantages(now)).into_iter().flatten());
    let is_late = |v: &&Vantage| probe_of(now, v).is_some_and(|p| p.hung || p.is_late());
    gaps.extend(now.vantages.items().iter().find(is_late).map(|v| late(now, v)));
    let unclear = |p: &&Process| wait_of(p) == Wait::Lock && !is_own(now, p) && was_stuck(before, p);
    gaps.extend(now.all_processes().find(unclear).map(|p| {
        let why = if now.eyes.credentials.uid == 0 { GapWhy::Absent } else { GapWhy::Denied };
        Gap::new(format!("what pid {} waits for: /proc/{}/stack", p.pid, p.pid), why)
    }));
    gaps
}

fn late(now: &Snapshot, vantage: &Vantage) -> Gap {
    let memory = if is_in_memory(now, vantage) { ", which is memory and cannot hang" } else { "" };
    Gap {
        remedy: Some("look again when the machine has less to do: cat /proc/pressure/cpu".to_owned()),
        ..Gap::new(format!("the answer of {}{memory}", vantage.path), GapWhy::Os(Errno::ETIMEDOUT))
    }
}

/// tmpfs waits for no disk and cannot be frozen. Source: ioctl_fsfreeze(2), EOPNOTSUPP.
fn is_in_memory(now: &Snapshot, vantage: &Vantage) -> bool {
    room::backing(now, vantage) == Backing::Memory
}

fn is_hung(why: &GapWhy) -> bool {
    matches!(why, GapWhy::Hung { .. } | GapWhy::Os(Errno::ETIMEDOUT))
}

fn probe_of<'a>(now: &'a Snapshot, v: &Vantage) -> Option<&'a ProbeResult> {
    now.probes.iter().find(|p| p.is_of(v))
}

/// A probe that the kernel held, or one whose wait proves something because it was no other at the look before.
fn held_probe<'a>(now: &'a Snapshot, before: Option<&Snapshot>, v: &Vantage) -> Option<&'a ProbeResult> {
    probe_of(now, v).filter(|p| p.hung || is_asleep(p) && asleep_before(before, p))
}

fn is_asleep(probe: &ProbeResult) -> bool {
    probe.standing.as_ref().is_some_and(|s| s.state == 'D' && s.wait() != Wait::Other)
}

/// Whether another probe of the same place slept as deep at the look before.
fn asleep_before(before: Option<&Snapshot>, probe: &ProbeResult) -> bool {
    let earlier = before.into_iter().flat_map(|b| &b.probes);
    earlier.into_iter().any(|p| p.repeats(probe) && p.at != probe.at && is_asleep(p))
}

fn hung_field(vantage: &Vantage) -> Option<&GapWhy> {
    let errors = [vantage.identity.as_ref().err(), vantage.space.as_ref().err()];
    errors.into_iter().flatten().find(|why| is_hung(why))
}

/// What a process in state D waits for.
fn wait_of(process: &Process) -> Wait {
    if process.kernel || process.state != 'D' {
        return Wait::Other;
    }
    standing::wait(process.state, process.wait_channel.as_deref(), &process.stack)
}

/// What a process in state D waits for, if it is a file system that does not answer.
fn stays(process: &Process) -> Option<Wait> {
    Some(wait_of(process)).filter(|wait| matches!(wait, Wait::Thaw | Wait::Server))
}

fn is_frozen(process: &Process) -> bool {
    stays(process) == Some(Wait::Thaw)
}

/// Ourselves and our helpers: where those stand their probes tell.
fn is_own(now: &Snapshot, process: &Process) -> bool {
    process.pid == now.eyes.pid || process.parent == now.eyes.pid
}

/// In the same sleep at the look before: a process that only passes through it is healthy.
fn was_stuck(before: Option<&Snapshot>, process: &Process) -> bool {
    let earlier = before.and_then(|b| b.process(process.pid));
    earlier.is_some_and(|e| {
        let same = e.started == process.started && e.wait_channel == process.wait_channel;
        same && wait_of(e) == wait_of(process)
    })
}

fn unanswered(cohort: &Cohort<'_>, before: Option<&Snapshot>) -> Finding {
    let now = cohort.now;
    let reached = cohort.reach();
    let mut evidence = Vec::new();
    for vantage in &cohort.vantages {
        if let Some(probe) = held_probe(now, before, vantage) {
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
    evidence.extend(frozen.or_else(|| sleepers.iter().find(|p| stays(p).is_some())).map(|p| sleep_seen(p)));
    let probes: Vec<_> = cohort.vantages.iter().filter_map(|v| held_probe(now, before, v)).collect();
    let asleep = probes.iter().filter(|p| is_asleep(p)).count();
    let again = probes.iter().filter(|p| is_asleep(p) && asleep_before(before, p)).count();
    // Two records that agree: two probes in that sleep, or one and a process that sleeps there by itself.
    let proven = asleep + again >= 2 || !probes.is_empty() && frozen.is_some();
    Finding {
        id: CARD.id.to_owned(),
        severity: cohort.severity(),
        confidence: if proven { Confidence::Proven } else { Confidence::Likely },
        title: format!("{} does not answer: calls of {} hang in it", cohort.path(), cohort.who()),
        errno: None,
        evidence,
        actions: actions_on(cohort.mount()),
        subject: cohort.subject(),
    }
}

fn probe_seen(probe: &ProbeResult) -> Evidence {
    let done = probe.steps.last().map_or("nothing", |s| s.step.word());
    let stands = probe.standing.as_ref().filter(|_| is_asleep(probe) || probe.hung);
    let stands = stands.map_or_else(String::new, |s| format!("; held in state {}", s.shown()));
    let pid = probe.pid.map_or_else(String::new, |pid| format!(" --pid {pid}"));
    Evidence {
        source: "probe".to_owned(),
        observed: RawText::from(format!("no answer in {} after {done}{stands}", probe.path).as_str()),
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
        by_channel.entry(process.wait_channel.as_deref().unwrap_or_default()).or_default().push(process);
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
            title: format!("calls of {} hang in {channel}: {what}", cohort::who(now, &pids)),
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
    let (file, by_hand) = if process.stack.is_empty() {
        ("wchan", format!("echo \"$(ps -o state= -p {pid}) $(cat /proc/{pid}/wchan)\""))
    } else {
        ("stack", format!("ps -o state= -p {pid}; cat /proc/{pid}/stack"))
    };
    let seen = standing::shown(process.state, process.wait_channel.as_deref(), &process.stack);
    Evidence {
        source: format!("/proc/{pid}/{file}"),
        observed: RawText::from(seen.as_str()),
        means: "in uninterruptible sleep in that kernel function; not even SIGKILL ends it".to_owned(),
        by_hand,
    }
}

fn actions_on(mount: Option<&Mount>) -> Vec<Action> {
    let point = mount.map(|m| m.point.quoted());
    if mount.is_some_and(Mount::is_doubtful) {
        vec![revive(point.as_deref())]
    } else {
        vec![thaw(point.as_deref())]
    }
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
