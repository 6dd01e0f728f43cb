//! Whether it helped: the probes that failed before are made again, and what would not help is said aloud.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use crate::catalog::Catalog;
use crate::model::asked::Asked;
use crate::model::errno::Errno;
use crate::model::finding::{Finding, Severity, SubjectKind};
use crate::model::mount::Device;
use crate::model::plan::ObjectId;
use crate::model::probe::ProbeResult;
use crate::model::process::{Pid, Process};
use crate::model::raw_path::RawPath;
use crate::model::snapshot::Snapshot;
use crate::model::vantage::{Reason, Vantage};
use crate::probe::{self, ProbeRequest};
use crate::report::safe;
use crate::rules;
use crate::source::look_once;

/// How long the look may take.
const LOOK: Duration = Duration::from_secs(10);
/// As in `check`.
const PATIENCE: Duration = Duration::from_secs(2);
const AT_ONCE: usize = 4;
/// Causes that room, inodes or fewer entries cure: against all others a clean-up does nothing.
const HELPED: [&str; 9] = [
    "dir-too-many-entries",
    "disk-full",
    "emlink",
    "inodes-exhausted",
    "leaked-temp-accumulation",
    "reserved-blocks",
    "tmpfs-inodes",
    "tmpfs-size",
    "var-tmp-full",
];

/// The machine as it is now; nothing is made or removed for it.
pub fn look(catalog: &Arc<Catalog>, roots: &[RawPath]) -> Snapshot {
    look_once(catalog, &Asked { dirs: roots.to_vec(), ..Asked::default() }, LOOK)
}

/// What a clean-up of these directories will not help against: what is wrong with them themselves, and why builds fail
/// elsewhere.
pub fn no_help(now: &Snapshot, catalog: &Catalog, roots: &[RawPath]) -> Vec<String> {
    let found = rules::diagnose(now, None, &catalog.thresholds).found;
    found.iter().filter_map(|finding| against(now, finding, roots)).collect()
}

fn against(now: &Snapshot, finding: &Finding, roots: &[RawPath]) -> Option<String> {
    if finding.severity != Severity::Critical || is_helped(finding) && !is_elsewhere(now, finding, roots) {
        return None;
    }
    let path = finding.subject.path.as_ref();
    // One of them, or a directory on the way to it.
    if let Some(root) = roots.iter().find(|root| path.is_some_and(|path| root.is_below(path))) {
        return Some(format!("cleaning {} will not help here: {}", root.shown(), reason(finding)));
    }
    let is_build = |pid: &Pid| now.process(*pid).is_some_and(Process::is_build);
    let pids = &finding.subject.pids;
    let all: Vec<String> = roots.iter().map(RawPath::shown).collect();
    (pids.is_empty() || pids.iter().any(is_build))
        .then(|| format!("cleaning {} does nothing against this: {}", all.join(" and "), reason(finding)))
}

/// Whether what a finding is about is known to lie on none of the file systems that are cleaned.
fn is_elsewhere(now: &Snapshot, finding: &Finding, roots: &[RawPath]) -> bool {
    let on = |wanted: &dyn Fn(&Vantage) -> bool| -> BTreeSet<Device> {
        let all = now.vantages.items().iter().filter(|vantage| wanted(vantage));
        all.filter_map(|vantage| vantage.identity.as_ref().ok()).map(|identity| identity.device).collect()
    };
    let subject = &finding.subject;
    let theirs = on(&|vantage| {
        Some(&vantage.path) == subject.path.as_ref()
            && vantage.pids.iter().any(|pid| subject.pids.contains(pid))
    });
    let ours = on(&|vantage| vantage.reasons.contains(&Reason::Asked) && roots.contains(&vantage.path));
    !theirs.is_empty() && !ours.is_empty() && theirs.is_disjoint(&ours)
}

fn is_helped(finding: &Finding) -> bool {
    HELPED.contains(&finding.id.as_str())
}

/// That a clean-up does nothing against a finding, where that is so.
pub fn vain(finding: &Finding) -> Option<String> {
    use SubjectKind::{CargoHome, TargetDir, Task, Variable};
    let is_elsewhere = matches!(finding.subject.kind, CargoHome | TargetDir | Task | Variable);
    let path = finding.subject.path.as_ref().filter(|_| !is_elsewhere && !is_helped(finding))?;
    Some(format!("Cleaning {} will not help here: {}", path.shown(), reason(finding)))
}

fn reason(finding: &Finding) -> String {
    let (path, name) = (finding.subject.path.as_ref().map(RawPath::shown), safe(&finding.subject.name));
    match (finding.id.as_str(), path) {
        ("private-tmp-deleted", Some(path)) => {
            format!(
                "the directory behind this service's {path} is gone ({name}); see tmpmedic explain {}",
                finding.id
            )
        }
        _ => format!("{}; see tmpmedic explain {}", safe(&finding.title), finding.id),
    }
}

/// A vantage that is asked before and after.
pub struct Asking {
    request: ProbeRequest,
    /// Who it is, for people.
    pub who: String,
    /// Whether it is the cleaned directory as our own process sees it.
    is_own: bool,
    /// What came of it before.
    pub before: ProbeResult,
    /// And after; nothing where nobody asked again.
    pub after: Option<ProbeResult>,
}

/// Makes the probes, and keeps those that failed and those of the directories themselves; nothing where somebody wants an
/// end before all are there.
pub fn before(
    now: &Snapshot,
    places: &[(RawPath, ObjectId)],
    goes_on: &dyn Fn() -> bool,
) -> Option<Vec<Asking>> {
    let requests = probe::requests(now);
    let results: Option<Vec<ProbeResult>> =
        probe::run_while(&requests, PATIENCE, AT_ONCE, Some(goes_on)).into_iter().collect();
    let all = requests.into_iter().zip(results?).map(|(request, before)| {
        let vantage = now.vantages.items().iter().find(|vantage| before.is_of(vantage));
        let label = vantage.and_then(|vantage| vantage.names.first()).map(|name| safe(name));
        let is_same = vantage.and_then(|vantage| vantage.identity.as_ref().ok()).is_some_and(|identity| {
            places.iter().any(|(_, id)| (id.device, id.inode) == (identity.device, identity.inode))
        });
        let who = label.unwrap_or_else(|| format!("pid {}", request.pid));
        Asking { request, who, is_own: is_same, before, after: None }
    });
    let mut asked: Vec<Asking> = all.filter(|asking| asking.is_own || !asking.before.passed()).collect();
    tell_apart(&mut asked);
    Some(asked)
}

/// Those of one name at one path are told by a process of each.
fn tell_apart(asked: &mut [Asking]) {
    let mut seen: BTreeMap<(RawPath, String), usize> = BTreeMap::new();
    let key = |asking: &Asking| (asking.before.path.clone(), asking.who.clone());
    for asking in asked.iter() {
        *seen.entry(key(asking)).or_default() += 1;
    }
    for asking in asked {
        if seen.get(&key(asking)).is_some_and(|count| *count > 1) {
            asking.who = format!("{} (pid {})", asking.who, asking.request.pid);
        }
    }
}

/// Asks all of them again, for as long as somebody wants that.
pub fn again(asked: &mut [Asking], goes_on: &dyn Fn() -> bool) {
    let requests: Vec<ProbeRequest> = asked.iter().map(|asking| asking.request.clone()).collect();
    let results = probe::run_while(&requests, PATIENCE, AT_ONCE, Some(goes_on));
    for (asking, result) in asked.iter_mut().zip(results) {
        asking.after = result;
    }
}

impl Asking {
    /// The answers of before and after, in a word each.
    pub fn answers(&self) -> (String, Option<String>) {
        (answer(&self.before), self.after.as_ref().map(answer))
    }

    /// The same for people, who are told that nobody asked again.
    pub fn told(&self) -> (String, String) {
        let (before, after) = self.answers();
        (before, after.unwrap_or_else(|| "not asked".to_owned()))
    }
}

/// `yes`, or the errno of the step that failed.
pub fn answer(result: &ProbeResult) -> String {
    match result.failure() {
        _ if result.passed() => "yes".to_owned(),
        _ if result.hung => "no answer".to_owned(),
        Some(failure) => failure.errno.map_or_else(|| "no".to_owned(), |errno: Errno| errno.name()),
        None => "unknown".to_owned(),
    }
}

/// The worst answer for one directory, of those who use it as it is.
pub fn worst<'a>(
    asked: &'a [Asking],
    path: &RawPath,
    which: impl Fn(&'a Asking) -> Option<&'a ProbeResult>,
) -> Option<String> {
    let own = asked.iter().filter(|asking| asking.is_own && asking.before.path == *path);
    let results: Vec<&ProbeResult> = own.filter_map(which).collect();
    let failed = results.iter().find(|result| !result.passed());
    failed.or_else(|| results.first()).map(|result| answer(result))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::process::{Credentials, MountNs};
    use crate::model::units::WallNanos;

    fn asking(pid: Pid, path: &str, who: &str) -> Asking {
        let request = ProbeRequest {
            path: path.into(),
            based_on: None,
            pid,
            started: None,
            ids: None,
            mount_ns: MountNs::Inode(1),
            root: "/".into(),
            credentials: Credentials::default(),
        };
        let before = ProbeResult {
            path: path.into(),
            based_on: None,
            pid: Some(pid),
            mount_ns: request.mount_ns,
            root: "/".into(),
            credentials: Credentials::default(),
            at: WallNanos(0),
            steps: vec![],
            not_imitated: vec![],
            hung: false,
            standing: None,
            left_behind: vec![],
        };
        Asking { request, who: who.to_owned(), is_own: false, before, after: None }
    }

    #[test]
    fn what_a_clean_up_helps_against_are_causes_that_rules_name() {
        for id in HELPED {
            assert!(rules::RULES.iter().any(|rule| rule.card().id == id), "no rule is called {id}");
        }
    }

    #[test]
    fn two_of_one_name_at_one_path_are_told_apart() {
        let mut asked = vec![
            asking(41, "/tmp", "forgejo-runner"),
            asking(42, "/tmp", "forgejo-runner"),
            asking(43, "/var/tmp", "forgejo-runner"),
            asking(44, "/tmp", "cargo"),
        ];
        tell_apart(&mut asked);
        let who: Vec<&str> = asked.iter().map(|asking| asking.who.as_str()).collect();
        assert_eq!(who, ["forgejo-runner (pid 41)", "forgejo-runner (pid 42)", "forgejo-runner", "cargo"]);
    }
}
