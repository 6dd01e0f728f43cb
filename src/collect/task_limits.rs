//! Limits of tasks on the cgroups of runners and build tools, and on our own. Called by `collect::host`.
//!
//! Every cgroup on the way up can refuse a fork, so each of them with a limit is reported. Source: the kernel's
//! Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/pids.rst.

use std::collections::BTreeSet;

use crate::collect::parse::cgroup::{PidsPath, pids_path};
use crate::collect::parse::{decimal, lines, words};
use crate::collect::places::below;
use crate::model::host::TaskLimit;
use crate::model::mount::{Mount, MountNamespace};
use crate::model::process::{Pid, ProcessTable};
use crate::model::raw_path::RawPath;
use crate::sys::plainfile;

/// More cgroups than this are not looked at: a few hundred jobs at once.
const MAX: usize = 1024;
const SMALL: usize = 4096;

/// Finds the limits that bind processes with a role, and ourselves.
pub fn find(processes: &ProcessTable, ours: Option<&MountNamespace>, own: Pid) -> Vec<TaskLimit> {
    let Some(ours) = ours else { return Vec::new() };
    let mut wanted: BTreeSet<(Version, RawPath)> = BTreeSet::new();
    for process in processes.by_pid.values().filter(|p| p.is_build() || p.pid == own) {
        let Ok(table) = &process.cgroup else { continue };
        match pids_path(table.as_bytes()) {
            Some(PidsPath::V1(path)) => wanted.extend(upwards(path).map(|path| (Version::V1, path))),
            Some(PidsPath::V2(path)) => wanted.extend(upwards(path).map(|path| (Version::V2, path))),
            None => {}
        }
    }
    let found = wanted.into_iter().take(MAX).filter_map(|(version, path)| {
        let mount = ours.mounts.items().iter().rev().find(|mount| version.is_on(mount))?;
        read(mount, path)
    });
    found.collect()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Version {
    V1,
    V2,
}

impl Version {
    fn is_on(self, mount: &Mount) -> bool {
        match self {
            Self::V1 => mount.fs_type == "cgroup" && mount.has_super_option("pids"),
            Self::V2 => mount.fs_type == "cgroup2",
        }
    }
}

/// The cgroup and all above it but the root, which has no limit.
fn upwards(path: &[u8]) -> impl Iterator<Item = RawPath> {
    let ends =
        path.iter().enumerate().filter(|(position, b)| **b == b'/' && *position > 0).map(|(end, _)| end);
    let whole = (path.len() > 1).then_some(path.len());
    ends.chain(whole).filter_map(|end| path.get(..end)).map(RawPath::from)
}

/// `None` where there is no limit, or where the cgroup lies outside of what is mounted here.
fn read(mount: &Mount, cgroup: RawPath) -> Option<TaskLimit> {
    let inner = below(&cgroup, &mount.root)?;
    let dir = mount.point.join(inner.as_bytes());
    let read = |file: &str| plainfile::read(dir.join(file.as_bytes()).as_path(), SMALL).ok();
    let max = decimal(read("pids.max")?.trim_ascii())?;
    let current = decimal(read("pids.current")?.trim_ascii())?;
    let refused = read("pids.events").and_then(|text| refused(&text)).unwrap_or(0);
    Some(TaskLimit { cgroup, current, max, refused })
}

/// The number behind `max`.
fn refused(events: &[u8]) -> Option<u64> {
    lines(events).find_map(|line| {
        let mut words = words(line);
        (words.next()? == b"max").then(|| words.next().and_then(decimal))?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_at_every_cgroup_on_the_way_up() {
        let of = |path: &[u8]| upwards(path).map(|p| p.shown()).collect::<Vec<_>>();
        assert_eq!(of(b"/a.slice/b.service"), ["/a.slice", "/a.slice/b.service"]);
        assert_eq!(of(b"/"), [] as [String; 0]);
        assert_eq!(of(b"/x"), ["/x"]);
    }

    #[test]
    fn reads_how_often_a_fork_was_refused() {
        assert_eq!(refused(b"max 3\n"), Some(3));
        assert_eq!(refused(b"max.imposed 1\nmax 7\n"), Some(7));
        assert_eq!(refused(b"max\n"), None);
    }
}
