//! Whether the root, cwd and program of a process still have a name.
//!
//! The kernel writes ` (deleted)` behind a link to an object without a name, but a name may itself end so; so the mark is
//! believed only where the link count or the missing name bears it out. That touches the file system, and is left alone
//! where it might not answer. Called by `collect::Eyes` once the mount tables are known.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use crate::collect::processes::DELETED;
use crate::model::errno::Errno;
use crate::model::mount::{Device, Mount, MountNamespace};
use crate::model::process::{MountNs, Place, Process, ProcessTable};
use crate::model::raw_path::RawPath;
use crate::sys::inside::Object;
use crate::sys::procfile::{PidDir, Proc};

/// Which mount serves which path, for paths in terms of a namespace.
///
/// A mount table is relative to the root of the process that showed it, which for almost all namespaces is `/`.
#[derive(Debug)]
pub struct Ground<'a> {
    all: BTreeMap<MountNs, (&'a MountNamespace, Option<RawPath>)>,
}

impl<'a> Ground<'a> {
    /// The ground of a look.
    pub fn new(namespaces: &'a [MountNamespace], processes: &ProcessTable) -> Self {
        let root_of = |namespace: &MountNamespace| {
            let root = &processes.get(namespace.witness)?.root.as_ref().ok()?.path;
            (root.as_bytes() != b"/").then(|| root.clone())
        };
        Self { all: namespaces.iter().map(|ns| (ns.id, (ns, root_of(ns)))).collect() }
    }

    /// The mount that serves a path, where that is known.
    pub fn serving(&self, namespace: MountNs, path: &RawPath) -> Option<&'a Mount> {
        self.table_and_path(namespace, path).and_then(|(table, path)| table.serving(&path))
    }

    /// Which object of which file system a path is, by the mount table alone; symlinks are not followed.
    pub fn backing(&self, namespace: MountNs, path: &RawPath) -> Option<(Device, RawPath)> {
        let (table, path) = self.table_and_path(namespace, path)?;
        let mount = table.serving(&path)?;
        Some((mount.device, mount.root.join(below(&path, &mount.point)?.as_bytes())))
    }

    /// The table of a namespace, and a path as that table names it.
    fn table_and_path(&self, namespace: MountNs, path: &RawPath) -> Option<(&'a MountNamespace, RawPath)> {
        let (table, root) = self.all.get(&namespace)?;
        let path = match root {
            None => path.clone(),
            Some(root) => RawPath::from("/").join(below(path, root)?.as_bytes()),
        };
        Some((table, path))
    }

    /// Whether a path lies on a file system that answers; false also where nobody knows.
    pub fn answers(&self, namespace: MountNs, path: &RawPath) -> bool {
        self.serving(namespace, path).is_some_and(|mount| !mount.is_doubtful())
    }
}

/// Judges every link that carries the mark.
pub fn settle(proc: &Proc, processes: &mut ProcessTable, namespaces: &[MountNamespace]) {
    let ground = Ground::new(namespaces, processes);
    for process in processes.by_pid.values_mut().filter(|process| is_marked(process)).map(Arc::make_mut) {
        let Ok(namespace) = process.mount_ns else { continue };
        let Ok(dir) = proc.pid(process.pid) else { continue };
        let root = process.root.as_ref().map(|place| place.path.clone()).ok();
        let places = [("root", &mut process.root), ("cwd", &mut process.cwd), ("exe", &mut process.exe)];
        for (link, place) in places {
            let Ok(place) = place else { continue };
            let Some(bare) = place.path.as_bytes().strip_suffix(DELETED).map(RawPath::from) else { continue };
            if ground.answers(namespace, &bare) && is_gone(&dir, link, &place.path, root.as_ref()) {
                *place = Place { path: bare, deleted: true };
            }
        }
    }
}

fn is_marked(process: &Process) -> bool {
    let places = [&process.root, &process.cwd, &process.exe];
    places.into_iter().flatten().any(|place| place.path.as_bytes().ends_with(DELETED))
}

fn is_gone(dir: &PidDir, link: &str, text: &RawPath, root: Option<&RawPath>) -> bool {
    dir.object(link).is_ok_and(|object| object.links == 0 || names_another(dir, text, root, object))
}

/// Whether the whole text, mark included, does not name that object: then the mark is the kernel's.
///
/// Merged directories of overlayfs count one link even when removed, so the count alone does not clear them.
fn names_another(dir: &PidDir, text: &RawPath, root: Option<&RawPath>, object: Object) -> bool {
    let Some(inner) = root.and_then(|root| below(text, root)) else { return false };
    match dir.object_inside(inner.as_path()) {
        Ok(named) => (named.device, named.inode) != (object.device, object.inode),
        Err(error) => is_missing(error),
    }
}

fn is_missing(error: io::Error) -> bool {
    matches!(Errno::from(error), Errno::ENOENT | Errno::ENOTDIR)
}

/// `path` relative to `root`, where it lies in it.
pub fn below(path: &RawPath, root: &RawPath) -> Option<RawPath> {
    if !path.is_below(root) {
        return None;
    }
    let root = if root.as_bytes() == b"/" { &b""[..] } else { root.as_bytes() };
    let rest = path.as_bytes().strip_prefix(root)?;
    let start = rest.iter().position(|b| *b != b'/').unwrap_or(rest.len());
    let rest = rest.get(start..)?;
    Some(if rest.is_empty() { RawPath::from(".") } else { RawPath::from(rest) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_a_path_apart_at_the_root() {
        let of = |path: &str, root: &str| below(&path.into(), &root.into()).map(|p| p.shown());
        assert_eq!(of("/etc/passwd", "/").as_deref(), Some("etc/passwd"));
        assert_eq!(of("/srv/a/etc", "/srv/a").as_deref(), Some("etc"));
        assert_eq!(of("/srv/a", "/srv/a").as_deref(), Some("."));
        assert_eq!(of("/srv/ab", "/srv/a"), None);
    }
}
