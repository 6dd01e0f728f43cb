//! `root-owned-bind-dir`: the engine made the missing source of a bind mount, as root, and the container's user may not
//! write in it.
//!
//! A directory that root owns in a container is usual (certificates, configuration, data of a service that starts as root),
//! so ownership alone says nothing: somebody must work there, or the engine must be seen to have made it.

use crate::model::errno::Errno;
use crate::model::finding::{Action, Confidence, Evidence, Finding, Risk, Severity, SubjectKind};
use crate::model::mount::Mount;
use crate::model::process::{Pid, Process};
use crate::model::raw_path::{RawPath, RawText};
use crate::model::snapshot::Snapshot;
use crate::model::thresholds::Thresholds;
use crate::model::treatment::{Aim, Inode};
use crate::model::units::{WallNanos, count};
use crate::model::vantage::{Can, Facts, HowKnown, Kind, Reason, Vantage};
use crate::rules::cohort::{self, Cohort};
use crate::rules::{Rule, RuleCard, Verdict, evidence, on_mount, place, rights, unseen};

/// An engine makes the directory right before it starts the container's first process.
const AROUND_START_NANOS: i64 = 10_000_000_000;
/// A directory changed this soon after its birth was never filled.
const NEVER_FILLED_NANOS: i64 = 2_000_000_000;
/// Variables that name directories in which builds write.
const WORK_VARIABLES: [&str; 8] = [
    "TMPDIR",
    "TMP",
    "TEMP",
    "TEMPDIR",
    "GOTMPDIR",
    "CARGO_TARGET_DIR",
    "CARGO_BUILD_TARGET_DIR",
    "RUNNER_TEMP",
];
/// Names by which directories tell that work is done in them.
const WORK_NAMES: [&[u8]; 10] =
    [b"workspace", b"work", b"_work", b"target", b"build", b"builds", b"cache", b".cache", b"tmp", b"out"];
/// Where root is the right owner.
const SYSTEM_DIRS: [&str; 9] =
    ["/etc", "/usr", "/lib", "/run", "/var/run", "/proc", "/sys", "/dev", "/var/lib/docker"];

/// See the module's header.
pub struct RootOwnedBindDir;

static CARD: RuleCard = RuleCard {
    id: "root-owned-bind-dir",
    title: "A directory bound into a container belongs to root",
    yields_to: &["acl-deny", "bind-source-deleted"],
};

impl Rule for RootOwnedBindDir {
    fn card(&self) -> &'static RuleCard {
        &CARD
    }

    fn check(&self, now: &Snapshot, _before: Option<&Snapshot>, _: &Thresholds) -> Verdict {
        let wanted = |v: &Vantage| sign_of(now, v).is_some();
        let key = |v: &'_ Vantage| (container_of(now, v), v.path.clone());
        let found = cohort::gather(now, wanted, key).iter().filter_map(finding).collect();
        unseen::verdict(now, found, unseen::vantages_that_matter(now), || {
            let all = now.vantages.items().iter();
            let bound = all.filter(|v| v.reasons.contains(&Reason::BindMount)).count();
            let bound = count(bound, ("directory", "directories"));
            format!("{bound} bound into containers: each writable for whoever works there, or not worked in")
        })
    }
}

/// Why a bound directory that its user may not write is a fault and not a choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sign {
    /// A process works there.
    WorkedIn(Pid),
    /// A probe was refused, and the name tells that work is done there.
    Refused,
    /// Born with the container, never filled, and nobody in the container is root.
    MadeByEngine,
}

fn sign_of(now: &Snapshot, vantage: &Vantage) -> Option<Sign> {
    let facts = refusing(now, vantage)?;
    let processes: Vec<&Process> = vantage.pids.iter().filter_map(|pid| now.process(*pid)).collect();
    if let Some(process) = processes.iter().find(|p| works_in(p, &vantage.path)) {
        return Some(Sign::WorkedIn(process.pid));
    }
    let refused =
        vantage.can_create.how == HowKnown::Probed && vantage.can_create.errno == Some(Errno::EACCES);
    if refused && is_work_name(&vantage.path) {
        return Some(Sign::Refused);
    }
    let container = container_of(now, vantage)?;
    made_by_engine(now, facts, &container).then_some(Sign::MadeByEngine)
}

/// The directory, where it is bound read-write into a container, root's, and closed to that user by its mode.
fn refusing<'a>(now: &Snapshot, vantage: &'a Vantage) -> Option<&'a Facts> {
    let bound = vantage.reasons.contains(&Reason::BindMount) && container_of(now, vantage).is_some();
    let system = SYSTEM_DIRS.iter().any(|dir| vantage.path.is_below(&RawPath::from(*dir)));
    let read_only = place::mount(now, vantage).is_some_and(Mount::is_read_only)
        || vantage.space.as_ref().is_ok_and(|s| s.read_only);
    if !bound || system || read_only || vantage.can_create.can == Can::Yes || vantage.stops_at().is_some() {
        return None;
    }
    let who = &vantage.credentials;
    let facts = vantage.end()?.facts.as_ref()?;
    let closed = facts.kind == Kind::Directory && facts.uid == 0 && facts.links > 0;
    let binds = who.uid != 0 && !who.overrides_modes();
    (closed && binds && !rights::mode_allows(facts, who, rights::WRITE_SEARCH)).then_some(facts)
}

fn container_of(now: &Snapshot, vantage: &Vantage) -> Option<String> {
    let mut known = vantage.pids.iter().filter_map(|pid| now.process(*pid));
    known.find_map(|p| p.container.as_ref().map(|c| c.id.clone()))
}

/// A build stands in it, or a variable sends output there. A service that only stands there may just read.
fn works_in(process: &Process, dir: &RawPath) -> bool {
    let stands = process.is_build() && process.cwd.as_ref().is_ok_and(|cwd| cwd.path.is_below(dir));
    let variables = process.variables.as_ref().map_or(&[][..], Vec::as_slice);
    let sends = variables.iter().any(|v| WORK_VARIABLES.contains(&v.name.as_str()) && v.value.is_below(dir));
    stands || sends
}

fn is_work_name(path: &RawPath) -> bool {
    path.as_bytes().split(|b| *b == b'/').any(|name| WORK_NAMES.contains(&name))
}

fn made_by_engine(now: &Snapshot, facts: &Facts, container: &str) -> bool {
    let members = || now.all_processes().filter(|p| p.container.as_ref().is_some_and(|c| c.id == container));
    // Who starts as root and drops it afterwards has written there, or will give it away.
    let has_root = members().any(|p| p.credentials.as_ref().map_or(true, |c| c.uid == 0));
    let (Some(born), Some(start)) = (facts.born, members().map(|p| p.started).min()) else { return false };
    let Ok(ago) = i64::try_from(now.boot.0.saturating_sub(start.0)) else { return false };
    let started = WallNanos(now.taken.0.saturating_sub(ago));
    let with_it = born.0.abs_diff(started.0) <= AROUND_START_NANOS.unsigned_abs();
    let unfilled = facts.links == 2 && facts.modified.0.saturating_sub(born.0) <= NEVER_FILLED_NANOS;
    !has_root && with_it && unfilled
}

fn finding(cohort: &Cohort<'_>) -> Option<Finding> {
    let now = cohort.now;
    let sign = cohort.vantages.iter().find_map(|v| sign_of(now, v))?;
    let end = cohort.lead.end()?;
    let facts = refusing(now, cohort.lead)?;
    let path = cohort.path();
    let pid = cohort.pid();
    let builds = cohort.pids().iter().filter_map(|pid| now.process(*pid)).any(Process::is_build);
    let host = cohort.mount().and_then(|mount| on_mount::path_here(now, mount));
    let means = "root's, and no write permission for the container's user: mkdir and open give EACCES";
    let mut evidence = vec![rights::refusal_seen(cohort, end, means)];
    evidence.push(rights::ids_of(pid, &cohort.lead.credentials, "the user of that process in the container"));
    let place = host.as_ref().map_or_else(
        || "field 4 is the directory on its file system, field 5 the place in the container".to_owned(),
        |host| format!("{host} on the host is {path} in the container"),
    );
    evidence.extend(cohort.mount_line(&place));
    evidence.extend(sign_seen(cohort, sign, facts));
    evidence.extend(cohort.probe());
    let probed = cohort.vantages.iter().any(|v| v.can_create.how == HowKnown::Probed);
    let proven = probed || matches!(sign, Sign::WorkedIn(_));
    let mut subject = cohort.subject();
    if let Some(container) = now.process(pid).and_then(|p| p.container.as_ref()) {
        (subject.kind, subject.name) = (SubjectKind::Container, container.label());
    }
    Some(Finding {
        id: CARD.id.to_owned(),
        severity: if builds { Severity::Critical } else { cohort.severity() },
        confidence: if proven { Confidence::Proven } else { Confidence::Likely },
        title: format!(
            "{path} in {} is root's: uid {} cannot write",
            subject.name, cohort.lead.credentials.uid
        ),
        errno: Some(Errno::EACCES),
        evidence,
        actions: vec![give(cohort, host.as_ref(), facts)],
        subject,
    })
}

fn sign_seen(cohort: &Cohort<'_>, sign: Sign, facts: &Facts) -> Option<Evidence> {
    let now = cohort.now;
    match sign {
        Sign::WorkedIn(pid) => {
            let process = now.process(pid)?;
            let variables = process.variables.as_ref().map_or(&[][..], Vec::as_slice);
            let named = |v: &&crate::model::process::Variable| {
                WORK_VARIABLES.contains(&v.name.as_str()) && v.value.is_below(&cohort.lead.path)
            };
            let cwd = || {
                let cwd = process.cwd.as_ref().ok()?;
                Some(Evidence {
                    source: format!("/proc/{pid}/cwd"),
                    observed: cwd.path.clone(),
                    means: "a build stands in it".to_owned(),
                    by_hand: format!("readlink /proc/{pid}/cwd"),
                })
            };
            let sent = variables.iter().find(named);
            sent.map(|v| evidence::variable(pid, &v.name, &v.value, "it is told to write there")).or_else(cwd)
        }
        Sign::MadeByEngine => {
            let age = facts.born?.age_at(now.taken)?;
            let path = cohort.reach().quoted();
            Some(Evidence {
                source: format!("statx of {}", cohort.reach()),
                observed: RawText::from(format!("born {} s ago, links {}", age.0, facts.links).as_str()),
                means: "made when the container started and never filled: the engine made the missing source, as root"
                    .to_owned(),
                by_hand: format!("echo \"born $(($(date +%s) - $(stat -c %W {path}))) s ago, links $(stat -c %h {path})\""),
            })
        }
        Sign::Refused => None,
    }
}

fn give(cohort: &Cohort<'_>, host: Option<&RawPath>, facts: &Facts) -> Action {
    let who = &cohort.lead.credentials;
    let by = host.is_none().then(|| cohort.pid());
    let aim = Aim::Tree {
        by,
        path: host.cloned().unwrap_or_else(|| cohort.path()),
        inode: Inode { device: facts.device, inode: facts.inode },
        old_uid: 0,
        uid: who.uid,
        gid: who.gid,
    };
    let place = host.cloned().unwrap_or_else(|| cohort.reach()).quoted();
    Action {
        id: "give-to-runner".to_owned(),
        title: format!(
            "give it to uid {}, what root left in it too; watch for root processes at work there",
            who.uid
        ),
        risk: Risk::None,
        reversible: true,
        by_hand: vec![
            format!("find {place} -xdev -uid 0 | head -n 20"),
            format!("chown -hR --from=0 {}:{} {place}", who.uid, who.gid),
        ],
        aim: Some(aim),
    }
}

#[cfg(test)]
#[path = "root_owned_bind_dir_tests.rs"]
mod tests;
