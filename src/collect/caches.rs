//! Failures that cargo recorded in the target directories in use, and replays without running anything.
//!
//! Reads `.rustc_info.json` of the target dirs of build processes and of the directories that were named. Called by
//! `collect`.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use serde::Deserialize;

use crate::collect::claims::lives;
use crate::collect::fenced::{Fence, in_namespace};
use crate::collect::way::{self, End, Request};
use crate::model::asked::Asked;
use crate::model::cache::{RecordedFailure, RustcInfo};
use crate::model::errno::Errno;
use crate::model::mount::MountNamespace;
use crate::model::process::{Pid, Process, ProcessTable};
use crate::model::raw_path::{RawPath, RawText};
use crate::model::reading::{Gap, GapWhy, Reading};
use crate::model::units::{Entries, Micros, WallNanos};
use crate::sys::clock::Stopwatch;
use crate::sys::dirfd::{self, Cut};
use crate::sys::stat;

/// Cargo's own file is some kilobytes.
const FILE_MAX: usize = 4 << 20;
/// More target dirs than this are in use on no machine; each costs some system calls a look.
const PLACES_MAX: usize = 256;
const NAME: &[u8] = b".rustc_info.json";

/// One directory in which the file may lie.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Candidate {
    dir: RawPath,
    /// The process that names it so; `None` for ourselves.
    pid: Option<Pid>,
}

/// What cargo writes, as far as it matters here; whatever else is in it is left alone.
#[derive(Deserialize)]
struct Recorded {
    #[serde(default)]
    outputs: BTreeMap<String, Output>,
}

#[derive(Deserialize)]
struct Output {
    success: bool,
    #[serde(default)]
    status: String,
    #[serde(default)]
    stderr: String,
}

/// Finds and reads the files, each once.
pub fn find(
    table: &ProcessTable,
    namespaces: &[MountNamespace],
    asked: &Asked,
    fence: &Fence,
) -> Reading<Vec<RustcInfo>> {
    let watch = Stopwatch::start();
    let (candidates, beyond) = candidates(table, asked);
    let mut seen = BTreeSet::new();
    let (mut found, mut gaps) = (Vec::new(), Vec::new());
    if beyond > 0 {
        let seen = Entries(u64::try_from(PLACES_MAX).unwrap_or(u64::MAX));
        gaps.push(Gap::new("target dirs of all build processes", GapWhy::OverBudget { seen }));
    }
    for candidate in candidates {
        match look(&candidate, table, namespaces, fence) {
            Ok(Some((id, info))) if seen.insert(id) => found.push(info),
            Ok(_) => {}
            Err(why) => gaps.push(Gap::new(format!("recorded failures in {}", candidate.dir.shown()), why)),
        }
    }
    gaps.dedup();
    Reading::of(found, Micros(watch.micros()), gaps)
}

/// Target dirs by process, and how many were too many.
fn candidates(table: &ProcessTable, asked: &Asked) -> (BTreeSet<Candidate>, usize) {
    let mut all = BTreeSet::new();
    for dir in &asked.dirs {
        all.insert(Candidate { dir: dir.clone(), pid: None });
        all.insert(Candidate { dir: dir.join(b"target"), pid: None });
    }
    let builds = table.by_pid.values().filter(|p| lives(p) && p.is_build());
    let mut places = BTreeSet::new();
    for process in builds {
        for (dir, owner) in of_process(process, table) {
            // Processes that share namespace and root find the same directory; one of them is enough.
            let root = owner.root.as_ref().ok().map(|root| root.path.clone());
            if places.insert((dir.clone(), owner.mount_ns.clone().ok(), root)) {
                all.insert(Candidate { dir, pid: Some(owner.pid) });
            }
        }
    }
    let beyond = all.len().saturating_sub(PLACES_MAX);
    (all.into_iter().take(PLACES_MAX).collect(), beyond)
}

/// `CARGO_TARGET_DIR`, and `target` in the working directory of the process and of each of its ancestors: cargo itself has
/// often gone into a member of the workspace whose root its parent stands in.
fn of_process<'a>(process: &'a Process, table: &'a ProcessTable) -> Vec<(RawPath, &'a Process)> {
    let cwd = |p: &Process| p.cwd.as_ref().ok().filter(|cwd| !cwd.deleted).map(|cwd| cwd.path.clone());
    let mut dirs = Vec::new();
    let named = process.variable("CARGO_TARGET_DIR").ok().flatten().filter(|value| !value.is_empty());
    if let Some(named) = named {
        let dir = if named.is_absolute() {
            Some(named.clone())
        } else {
            cwd(process).map(|c| c.join(named.as_bytes()))
        };
        dirs.extend(dir.map(|dir| (dir, process)));
    }
    for ancestor in table.ancestors(process.pid) {
        // The first process of the machine or of a container stands in `/`, where nobody builds.
        let home = cwd(ancestor).filter(|cwd| *cwd != "/".into());
        dirs.extend(home.map(|home| (home.join(b"target"), ancestor)));
    }
    dirs
}

type Id = ((u32, u32), u64);

/// Reads the file of one candidate; `Ok(None)` where there is none.
fn look(
    candidate: &Candidate,
    table: &ProcessTable,
    namespaces: &[MountNamespace],
    fence: &Fence,
) -> Result<Option<(Id, RustcInfo)>, GapWhy> {
    let process = candidate.pid.and_then(|pid| table.get(pid));
    let namespace = match process {
        Some(process) => namespaces.iter().find(|ns| process.mount_ns.as_ref() == Ok(&ns.id)),
        None => namespaces.iter().find(|ns| ns.ours),
    };
    let root = process.and_then(|p| p.root.as_ref().ok()).map_or_else(|| "/".into(), |r| r.path.clone());
    // Nobody knows what lies on the way.
    let Some(namespace) = namespace.filter(|ns| ns.mounts.value().is_some()) else { return Ok(None) };
    let request = Request { pid: candidate.pid, path: candidate.dir.clone(), cwd: None };
    let (way, dir) = way::walk_into(&request, &fence.ground(namespace, &root));
    match (way.end, dir) {
        (End::Fenced(_), _) => Err(GapWhy::NotAsked),
        (End::Unseen(GapWhy::Vanished) | End::Broken, _) | (End::Arrived(_), None) => Ok(None),
        (End::Unseen(why), _) => Err(why),
        (End::Arrived(_), Some(dir)) => {
            let path = candidate.dir.join(NAME);
            let prefix = candidate.pid.map(|pid| RawPath::from(format!("/proc/{pid}/root").as_str()));
            let end = way.steps.last().map(|s| s.path.clone()).unwrap_or_default();
            let reached = in_namespace(&prefix.unwrap_or_default(), &end).join(NAME);
            read(
                dir.as_fd(),
                RustcInfo { path, reached, pid: candidate.pid, modified: WallNanos(0), failures: vec![] },
            )
        }
    }
}

fn read(dir: BorrowedFd<'_>, mut info: RustcInfo) -> Result<Option<(Id, RustcInfo)>, GapWhy> {
    let file = match dirfd::open_regular(dir, NAME) {
        Ok(file) => file,
        // No such file, or something of that name that is no file: cargo would not read it either.
        Err(error) if is_no_file(&error) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let stat = stat::of(file.as_fd())?;
    let (text, cut) = dirfd::read_bounded(&file, FILE_MAX)?;
    if cut == Cut::Yes {
        return Err(GapWhy::OverBudget { seen: Entries(u64::try_from(text.len()).unwrap_or(u64::MAX)) });
    }
    let recorded = parse(&text).map_err(|line| GapWhy::Malformed { line })?;
    info.modified = WallNanos(stat.modified);
    info.failures = recorded;
    Ok(Some(((stat.device, stat.inode), info)))
}

fn is_no_file(error: &io::Error) -> bool {
    let errno = error.raw_os_error().map(Errno);
    [Errno::ENOENT, Errno::EINVAL, Errno::ENOTDIR, Errno::ESTALE].iter().any(|known| errno == Some(*known))
}

/// The failed probes of cargo's file.
fn parse(text: &[u8]) -> Result<Vec<RecordedFailure>, String> {
    let recorded: Recorded = serde_json::from_slice(text).map_err(|error| error.to_string())?;
    let failed = recorded.outputs.into_values().filter(|output| !output.success);
    Ok(failed
        .map(|output| RecordedFailure {
            status: output.status,
            stderr: RawText::from(output.stderr.as_str()),
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::specimen::{self, process, with_variable};
    use crate::model::process::{Role, RoleKind};
    use crate::sys::scratch;

    const FAILED: &str = r#"{"rustc_fingerprint":1,"outputs":{
        "11":{"success":true,"status":"","code":0,"stdout":"___\n","stderr":""},
        "22":{"success":false,"status":"exit status: 2","code":2,"stdout":"",
            "stderr":"sccache: error: No such file or directory (os error 2) at path \"/nope/sccachePgVrVp\"\n"}},
        "successes":{}}"#;

    fn asked(dir: &tempfile::TempDir) -> Reading<Vec<RustcInfo>> {
        let asked = Asked { dirs: vec![RawPath::from(scratch::bytes(dir))], ..Asked::default() };
        find(&specimen::table(vec![]), &[specimen::namespace(1, &[], vec![])], &asked, &Fence::new())
    }

    fn write(dir: &tempfile::TempDir, name: &str, text: &str) {
        let path = dir.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    #[test]
    fn finds_the_recorded_failure_below_a_named_directory() {
        let dir = scratch::dir();
        write(&dir, "target/.rustc_info.json", FAILED);
        let found = asked(&dir);
        assert!(found.is_whole());
        let info = &found.items()[0];
        assert_eq!(info.reached.file_name(), NAME);
        assert_eq!(info.failures.len(), 1, "successes are no failures");
        assert_eq!(info.failures[0].status, "exit status: 2");
        assert!(info.failures[0].stderr.shown().contains("sccachePgVrVp"));
        assert!(info.modified.0 > 0);
    }

    #[test]
    fn a_healthy_file_is_listed_without_failures_and_nonsense_is_a_gap() {
        let dir = scratch::dir();
        write(&dir, ".rustc_info.json", r#"{"rustc_fingerprint":1,"outputs":{},"successes":{}}"#);
        assert_eq!(asked(&dir).items()[0].failures, []);
        write(&dir, ".rustc_info.json", "{");
        let found = asked(&dir);
        assert!(matches!(found.gaps()[0].why, GapWhy::Malformed { .. }));
        assert!(found.items().is_empty());
    }

    #[test]
    fn links_and_fifos_of_that_name_are_not_opened() {
        let dir = scratch::dir();
        write(&dir, "elsewhere", FAILED);
        std::os::unix::fs::symlink("elsewhere", dir.path().join(".rustc_info.json")).unwrap();
        assert!(asked(&dir).is_whole() && asked(&dir).items().is_empty());
    }

    #[test]
    fn looks_where_build_processes_and_their_ancestors_work() {
        let role = || Some(Role { id: "cargo".into(), kind: RoleKind::BuildTool, title: "cargo".into() });
        let mut shell = process(5, 0);
        shell.cwd = Ok(specimen::place("/src/repo"));
        let mut cargo = with_variable(process(6, 0), "CARGO_TARGET_DIR", "out");
        cargo.parent = 5;
        cargo.role = role();
        cargo.cwd = Ok(specimen::place("/src/repo/member"));
        let mut other = process(7, 0);
        other.cwd = Ok(specimen::place("/home/somebody"));
        let table = specimen::table(vec![shell, cargo, other]);
        let (found, beyond) = candidates(&table, &Asked::default());
        let dirs: Vec<String> = found.iter().map(|c| c.dir.shown()).collect();
        assert_eq!(dirs, ["/src/repo/member/out", "/src/repo/member/target", "/src/repo/target"]);
        assert_eq!(beyond, 0);
    }

    #[test]
    fn nothing_behind_the_fence_is_opened() {
        let dir = scratch::dir();
        write(&dir, ".rustc_info.json", FAILED);
        let namespaces =
            [specimen::namespace(1, &[], vec![specimen::mount(9, "/", scratch::bytes(&dir), "nfs4")])];
        let asked = Asked { dirs: vec![RawPath::from(scratch::bytes(&dir))], ..Asked::default() };
        let found = find(&specimen::table(vec![]), &namespaces, &asked, &Fence::new());
        assert!(found.items().is_empty());
        assert_eq!(found.gaps()[0].why, GapWhy::NotAsked);
    }
}
