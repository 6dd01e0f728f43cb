//! Where one vantage lies: its directory, the mounts that serve it, how it is reached by hand, and whom it matters to.
//!
//! Questions about a single vantage that more than one rule asks. Where its way stops is `way`, how much room it has `room`,
//! and who is let in `rights`; vantages that stand or fall together are a `cohort`.

use crate::model::mount::Mount;
use crate::model::raw_path::RawPath;
use crate::model::snapshot::Snapshot;
use crate::model::vantage::{Facts, Kind, Reason, Vantage};
use crate::rules::{evidence, scope};

/// The mount that serves a vantage: by its id, or where a kernel does not tell that (before 5.8) by the longest prefix.
pub fn mount<'a>(now: &'a Snapshot, vantage: &Vantage) -> Option<&'a Mount> {
    match vantage.mount_id {
        Some(_) => now.mount_of(vantage),
        None => now.namespace(vantage.mount_ns)?.serving(&end(vantage)),
    }
}

/// The mount that stores what is created at a vantage: for overlayfs the one below its upper directory, where our own
/// namespace shows it.
pub fn backing<'a>(now: &'a Snapshot, vantage: &Vantage) -> Option<&'a Mount> {
    let mount = mount(now, vantage)?;
    if mount.fs_type != "overlay" {
        return Some(mount);
    }
    let below = mount
        .super_path("upperdir")
        .and_then(|upper| now.our_namespace()?.serving(&upper).filter(|m| m.fs_type != "overlay"));
    Some(below.unwrap_or(mount))
}

/// The directory of a vantage, absolute.
pub fn path(vantage: &Vantage) -> RawPath {
    match &vantage.based_on {
        Some(cwd) => cwd.join(vantage.path.as_bytes()),
        None => vantage.path.clone(),
    }
}

/// Where the way of a vantage ends, symlinks followed; its own path where the way is broken.
pub fn end(vantage: &Vantage) -> RawPath {
    match vantage.end() {
        Some(end) if vantage.stops_at().is_none() && !end.path.is_empty() => end.path.clone(),
        _ => path(vantage),
    }
}

/// `path` of a vantage's processes as a shell of ours reaches it: plain where both share namespace and root.
pub fn reach(now: &Snapshot, vantage: &Vantage, path: &RawPath) -> RawPath {
    if is_ours(now, vantage) {
        return path.clone();
    }
    match scope::witness(now, &vantage.pids) {
        Some(pid) => evidence::inside(pid, path),
        None => path.clone(),
    }
}

/// Whether a vantage is a place where somebody's temp files really go: named by TMPDIR or by default, `/var/tmp`, asked
/// about, or used by a build. Other variables, `/dev/shm` and bound directories alone are not.
pub fn is_temp_dir(now: &Snapshot, vantage: &Vantage) -> bool {
    let counts = |reason: &Reason| match reason {
        Reason::Default | Reason::TmpDir | Reason::Asked => true,
        Reason::Fallback => vantage.path.as_bytes() == b"/var/tmp",
        Reason::Variable(_) | Reason::BindMount => false,
    };
    vantage.is_build || is_asked(now, vantage) || vantage.reasons.iter().any(counts)
}

/// Whether the caller asked about one of its processes or about its directory.
pub fn is_asked(now: &Snapshot, vantage: &Vantage) -> bool {
    vantage.pids.iter().any(|pid| now.asked.pids.contains(pid)) || is_asked_dir(now, vantage)
}

/// Whether the caller asked about its directory.
pub fn is_asked_dir(now: &Snapshot, vantage: &Vantage) -> bool {
    now.asked.dirs.iter().any(|dir| is_same(dir, &vantage.path))
}

/// Whether two spellings name the same place: a trailing slash makes no difference.
pub fn is_same(one: &RawPath, other: &RawPath) -> bool {
    one.is_below(other) && other.is_below(one)
}

/// Whether all its processes live in containers.
pub fn is_contained(now: &Snapshot, vantage: &Vantage) -> bool {
    let mut known = vantage.pids.iter().filter_map(|pid| now.process(*pid)).peekable();
    known.peek().is_some() && known.all(|p| p.container.is_some())
}

/// Whether it lies in our own namespace and root, so that a path means the same there as in our shell.
pub fn is_ours(now: &Snapshot, vantage: &Vantage) -> bool {
    now.namespace(vantage.mount_ns).is_some_and(|ns| ns.ours) && vantage.root.as_bytes() == b"/"
}

/// What is known of the directory at the end of its way, where there is one.
pub fn directory(vantage: &Vantage) -> Option<&Facts> {
    let end = vantage.end().filter(|_| vantage.stops_at().is_none())?;
    end.facts.as_ref().filter(|facts| facts.kind == Kind::Directory)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::stage::Stage;

    #[test]
    fn reaches_into_foreign_namespaces_only_where_they_are_foreign() {
        let stage = Stage::healthy().runner(70, "ci.service");
        let at = |pid: u32| stage.now.vantages.items().iter().find(|v| v.pids.contains(&pid)).unwrap();
        assert_eq!(reach(&stage.now, at(70), &"/tmp".into()), "/proc/70/root/tmp".into());
        assert_eq!(reach(&stage.now, at(100), &"/tmp".into()), "/tmp".into());
    }
}
