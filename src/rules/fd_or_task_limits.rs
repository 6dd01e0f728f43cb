//! `fd-or-task-limits`: no descriptor, process or thread is left, for a process, a cgroup, a user or the machine.
//!
//! Not a defect of a temp dir: mkdir itself needs no descriptor. But what fails around it is taken for one.

use std::collections::BTreeMap;

use crate::model::errno::Errno;
use crate::model::finding::{Action, Confidence, Evidence, Finding, Risk, Severity, Subject, SubjectKind};
use crate::model::host::TaskLimit;
use crate::model::process::{Pid, Process};
use crate::model::raw_path::{RawPath, RawText};
use crate::model::reading::{Gap, GapWhy};
use crate::model::snapshot::Snapshot;
use crate::model::thresholds::Thresholds;
use crate::model::units::{Entries, per_cent};
use crate::rules::{Rule, RuleCard, Verdict, builds, cohort, offers, scope, unseen};

/// See the module's header.
pub struct FdOrTaskLimits;

static CARD: RuleCard =
    RuleCard { id: "fd-or-task-limits", title: "No descriptor, process or thread is left", yields_to: &[] };

impl Rule for FdOrTaskLimits {
    fn card(&self) -> &'static RuleCard {
        &CARD
    }

    fn check(&self, now: &Snapshot, before: Option<&Snapshot>, t: &Thresholds) -> Verdict {
        let processes = builds::of(now);
        let mut found = of_processes(now, &processes, t);
        found.extend(of_machine(now, t));
        found.extend(of_cgroups(now, before, &processes, t));
        found.extend(of_users(now, &processes, t));
        found.extend(of_ourselves(now));
        let mut gaps = unseen::processes(now);
        let unread = |p: &&&Process| p.limits.is_err() || p.open_files.is_err();
        let missing: Vec<(Pid, GapWhy)> = processes.iter().filter(unread).map(|p| (p.pid, why(p))).collect();
        gaps.extend(unseen::of_builds("descriptors", &missing));
        match now.host.value().map(|h| &h.open_files) {
            Some(Ok(_)) => {}
            Some(Err(why)) => gaps.push(Gap::new("/proc/sys/fs/file-nr", why.clone())),
            None => gaps.extend(now.host.gaps().iter().cloned()),
        }
        Verdict::of(found, gaps, || figures(now, &processes))
    }
}

fn why(process: &Process) -> GapWhy {
    let limits = process.limits.as_ref().err();
    limits.or_else(|| process.open_files.as_ref().err()).cloned().unwrap_or(GapWhy::Absent)
}

fn figures(now: &Snapshot, processes: &[&Process]) -> String {
    let most =
        processes.iter().filter_map(|p| descriptors(p)).max_by_key(|(open, limit)| per_cent(*open, *limit));
    let own = most.map_or_else(
        || builds::counted(processes),
        |(open, limit)| format!("at most {} of {} descriptors in use", Entries(open), Entries(limit)),
    );
    let machine = now.host.value().and_then(|h| h.open_files.as_ref().ok());
    match machine {
        Some((open, limit)) => format!("{own}; {} % of the machine's open files", per_cent(open.0, limit.0)),
        None => own,
    }
}

fn descriptors(process: &Process) -> Option<(u64, u64)> {
    Some((process.open_files.as_ref().ok()?.0, process.limits.as_ref().ok()?.open_files?))
}

fn grade(used: u64, limit: u64, t: &Thresholds) -> Option<Severity> {
    match used {
        _ if limit == 0 => None,
        used if used >= limit => Some(Severity::Critical),
        used if per_cent(used, limit) >= t.limit_percent => Some(Severity::Warning),
        _ => None,
    }
}

fn confidence(severity: Severity) -> Confidence {
    if severity == Severity::Critical { Confidence::Proven } else { Confidence::Likely }
}

fn of_processes(now: &Snapshot, processes: &[&Process], t: &Thresholds) -> Vec<Finding> {
    let graded = |p: &&&Process| descriptors(p).is_some_and(|(open, limit)| grade(open, limit, t).is_some());
    let pids: Vec<Pid> = processes.iter().filter(graded).map(|p| p.pid).collect();
    let worst = |group: Vec<Pid>| {
        let known = group.iter().filter_map(|pid| now.process(*pid));
        let each =
            known.filter_map(|p| descriptors(p).map(|(open, limit)| (per_cent(open, limit), open, limit, p)));
        let (_, open, limit, process) = each.max_by_key(|(percent, ..)| *percent)?;
        let severity = grade(open, limit, t)?;
        let pid = process.pid;
        let evidence = Evidence {
            source: format!("/proc/{pid}/fd, /proc/{pid}/limits"),
            observed: text(&format!("{open} open, limit {limit}")),
            means:
                "at the limit each open gives EMFILE; mkdir itself needs no descriptor, the file in it does"
                    .into(),
            by_hand: format!(
                "echo \"$(ls /proc/{pid}/fd | wc -l) open, limit $(awk '/^Max open files/ {{print $4}}' /proc/{pid}/limits)\""
            ),
        };
        let mut actions = vec![offers::guide_back(
            format!("raise the limit of pid {pid} while it runs"),
            Risk::None,
            vec![format!("prlimit --pid {pid} --nofile={}:", limit.saturating_mul(4))],
        )];
        actions.extend(offers::drop_in(process, "nofile", ("LimitNOFILE", "65536")));
        let label = scope::label_of(process);
        Some(Finding {
            title: format!("{label} has {open} of {limit} descriptors open"),
            ..claim(severity, Errno::EMFILE, evidence, actions, cohort::subject(now, &group, None))
        })
    };
    scope::group_pids(now, &pids).into_iter().filter_map(|(_, _, _, group)| worst(group)).collect()
}

fn of_machine(now: &Snapshot, t: &Thresholds) -> Option<Finding> {
    let (open, limit) = now.host.value()?.open_files.as_ref().ok()?;
    let severity = grade(open.0, limit.0, t)?;
    let evidence = Evidence {
        source: "/proc/sys/fs/file-nr".to_owned(),
        observed: text(&format!("{} {}", open.0, limit.0)),
        means: "open files of the whole machine and their limit; at the limit every open gives ENFILE"
            .to_owned(),
        by_hand: "awk '{print $1, $3}' /proc/sys/fs/file-nr".to_owned(),
    };
    let actions = vec![offers::guide_back(
        "raise the limit of the machine; lasts until the next boot",
        Risk::None,
        vec![format!("sysctl -w fs.file-max={}", limit.0.saturating_mul(2))],
    )];
    Some(Finding {
        title: format!("the machine has {open} of {limit} files open"),
        ..claim(severity, Errno::ENFILE, evidence, actions, machine(now))
    })
}

fn of_cgroups(
    now: &Snapshot,
    before: Option<&Snapshot>,
    processes: &[&Process],
    t: &Thresholds,
) -> Vec<Finding> {
    let limits = now.host.value().map_or(&[][..], |h| &h.task_limits);
    limits.iter().filter_map(|limit| of_cgroup(now, before, processes, (limit, t))).collect()
}

fn of_cgroup(
    now: &Snapshot,
    before: Option<&Snapshot>,
    processes: &[&Process],
    (limit, t): (&TaskLimit, &Thresholds),
) -> Option<Finding> {
    let members: Vec<Pid> = processes.iter().filter(|p| lives_in(p, &limit.cgroup)).map(|p| p.pid).collect();
    let first = now.process(*members.first()?)?;
    let earlier = before.and_then(|b| b.host.value()?.task_limits.iter().find(|l| l.cgroup == limit.cgroup));
    let refuses_now = earlier.is_some_and(|e| limit.refused > e.refused);
    let near = grade(limit.current, limit.max, t);
    let severity = match near {
        _ if refuses_now => Severity::Critical,
        Some(severity) => severity,
        None if limit.refused > 0 => Severity::Warning,
        None => return None,
    };
    let TaskLimit { cgroup, current, max, refused } = limit;
    let hierarchy = hierarchy_of(now);
    let inner = cgroup.as_bytes().strip_prefix(b"/").unwrap_or(cgroup.as_bytes());
    let file = |name: &str| hierarchy.join(inner).join(name.as_bytes()).quoted();
    let (now_file, max_file, events) = (file("pids.current"), file("pids.max"), file("pids.events"));
    let evidence = Evidence {
        source: format!("pids controller of {cgroup}"),
        observed: text(&format!("current {current} max {max} refused {refused}")),
        means: "at the limit fork and thread creation give EAGAIN; a compiler cannot start its linker"
            .to_owned(),
        by_hand: format!(
            "echo \"current $(cat {now_file}) max $(cat {max_file}) refused $(awk '$1 == \"max\" {{print $2}}' {events})\""
        ),
    };
    let raise = offers::service_of(first).map(|unit| {
        let unit = RawPath::from(unit).quoted();
        format!("systemctl set-property --runtime {unit} TasksMax={}", max.saturating_mul(2))
    });
    let actions = vec![offers::guide_back(
        "raise the limit while it runs",
        Risk::None,
        vec![raise.unwrap_or_else(|| format!("echo {} > {max_file}", max.saturating_mul(2)))],
    )];
    let subject = cohort::subject(now, &members, None);
    let title = match near {
        Some(_) => format!("{} has {current} of {max} tasks: no room for more", subject.name),
        None => format!("{} was refused a task {} (limit {max})", subject.name, times(*refused)),
    };
    Some(Finding { title, ..claim(severity, Errno::EAGAIN, evidence, actions, subject) })
}

/// Where the pids controller is mounted: a hierarchy of its own with cgroup v1, the only one with v2.
fn hierarchy_of(now: &Snapshot) -> RawPath {
    let ours = now.our_namespace();
    let mounts = || ours.map_or(&[][..], |ns| ns.mounts.items()).iter();
    let first = mounts().find(|m| m.fs_type == "cgroup" && m.has_super_option("pids"));
    let found = first.or_else(|| mounts().find(|m| m.fs_type == "cgroup2"));
    found.map_or_else(|| RawPath::from("/sys/fs/cgroup"), |m| m.point.clone())
}

/// Any line of `/proc/PID/cgroup` whose path is that cgroup or below it: a limit binds everything below.
fn lives_in(process: &Process, cgroup: &RawPath) -> bool {
    let Ok(lines) = &process.cgroup else { return false };
    let paths = lines.as_bytes().split(|b| *b == b'\n').filter_map(|line| {
        let slash = line.iter().position(|b| *b == b'/')?;
        line.get(slash..).map(RawPath::from)
    });
    cgroup.as_bytes().len() > 1 && paths.into_iter().any(|path| path.is_below(cgroup))
}

/// RLIMIT_NPROC counts tasks of a user; processes are a lower bound, for threads count too. Root is not bound by it.
fn of_users(now: &Snapshot, processes: &[&Process], t: &Thresholds) -> Vec<Finding> {
    let uid_of = |p: &Process| p.credentials.as_ref().ok().map(|c| c.uid);
    let mut counts: BTreeMap<u32, u64> = BTreeMap::new();
    for uid in now.all_processes().filter(|p| !p.kernel).filter_map(uid_of) {
        *counts.entry(uid).or_default() += 1;
    }
    let mut by_user: BTreeMap<u32, (u64, Vec<&Process>)> = BTreeMap::new();
    for process in processes.iter().filter(|p| p.container.is_none()) {
        let limit = process.limits.as_ref().ok().and_then(|l| l.processes);
        let (Some(uid @ 1..), Some(limit)) = (uid_of(process), limit) else { continue };
        let entry = by_user.entry(uid).or_insert((limit, Vec::new()));
        entry.0 = entry.0.min(limit);
        entry.1.push(process);
    }
    let judged = by_user.into_iter().filter_map(|(uid, (limit, members))| {
        let count = counts.get(&uid).copied().unwrap_or(0);
        let severity = grade(count, limit, t)?;
        let pid = members.first()?.pid;
        let evidence = Evidence {
            source: format!("/proc/{pid}/limits"),
            observed: text(&format!("{count} processes, limit {limit}")),
            means: format!("at the limit of user {uid} fork and thread creation give EAGAIN; threads count too"),
            by_hand: format!(
                "echo \"$(ps -U {uid} --no-headers | wc -l) processes, limit $(awk '/^Max processes/ {{print $3}}' /proc/{pid}/limits)\""
            ),
        };
        let raise = format!("prlimit --pid {pid} --nproc={}:", limit.saturating_mul(4));
        let actions = vec![offers::guide_back("raise the limit while it runs", Risk::None, vec![raise])];
        let pids: Vec<Pid> = members.iter().map(|p| p.pid).collect();
        Some(Finding {
            title: format!("user {uid} has {count} of {limit} processes"),
            ..claim(severity, Errno::EAGAIN, evidence, actions, cohort::subject(now, &pids, None))
        })
    });
    judged.collect()
}

fn times(n: u64) -> String {
    if n == 1 { "once".to_owned() } else { format!("{} times", Entries(n)) }
}

/// What the machine refused to the tool itself it refuses to others in the same place.
fn of_ourselves(now: &Snapshot) -> Option<Finding> {
    let strain =
        now.strains.iter().find(|s| [Errno::EAGAIN, Errno::ENFILE, Errno::EMFILE].contains(&s.errno))?;
    let own_limit = strain.errno == Errno::EMFILE;
    let evidence = Evidence {
        source: "tmpmedic's own attempt".to_owned(),
        observed: text(&format!("{}: {}", strain.asked, strain.errno)),
        means: "the machine refused this to tmpmedic itself, so it refuses it to others of this user and cgroup".into(),
        by_hand: "grep -E '^Max (open files|processes)' /proc/self/limits; cat /proc/self/cgroup /proc/sys/fs/file-nr".to_owned(),
    };
    Some(Finding {
        title: format!("the machine refused {} to tmpmedic itself", strain.asked),
        confidence: Confidence::Likely,
        // A small descriptor limit of the shell that started us says nothing about others.
        severity: if own_limit { Severity::Info } else { Severity::Warning },
        ..claim(Severity::Warning, strain.errno, evidence, Vec::new(), machine(now))
    })
}

fn claim(
    severity: Severity,
    errno: Errno,
    evidence: Evidence,
    actions: Vec<Action>,
    subject: Subject,
) -> Finding {
    Finding {
        id: CARD.id.to_owned(),
        severity,
        confidence: confidence(severity),
        subject,
        title: String::new(),
        errno: Some(errno),
        evidence: vec![evidence],
        actions,
    }
}

fn machine(now: &Snapshot) -> Subject {
    let name = now.host.value().map_or_else(|| "this machine".to_owned(), |h| h.name.clone());
    Subject { kind: SubjectKind::Process, name, pids: Vec::new(), path: None }
}

fn text(text: &str) -> RawText {
    RawText::from(text)
}

#[cfg(test)]
#[path = "fd_or_task_limits_tests.rs"]
mod tests;
