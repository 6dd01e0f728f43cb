//! Whether it helped: the probes that failed before are made again, and what would not help is said aloud.

use std::sync::Arc;
use std::time::Duration;

use crate::catalog::Catalog;
use crate::model::asked::Asked;
use crate::model::errno::Errno;
use crate::model::finding::{Finding, Severity, SubjectKind};
use crate::model::plan::ObjectId;
use crate::model::probe::ProbeResult;
use crate::model::raw_path::RawPath;
use crate::model::snapshot::Snapshot;
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

/// What a clean-up of these directories will not help against.
pub fn no_help(now: &Snapshot, catalog: &Catalog, roots: &[RawPath]) -> Vec<String> {
    let found = rules::diagnose(now, None, &catalog.thresholds).found;
    let grave = found.iter().filter(|finding| finding.severity == Severity::Critical);
    grave
        .filter(|finding| !is_helped(finding))
        .map(|finding| {
            let path = finding.subject.path.as_ref();
            let place = path.or_else(|| roots.first()).map(RawPath::shown).unwrap_or_default();
            format!("cleaning {place} will not help here: {}", reason(finding))
        })
        .collect()
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
    Some(all.filter(|asking| asking.is_own || !asking.before.passed()).collect())
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
