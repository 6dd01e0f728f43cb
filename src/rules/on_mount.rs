//! Who lives with a mount: the processes whose temp dirs or working directories it serves.

use std::collections::BTreeSet;

use crate::model::mount::{Mount, MountNamespace};
use crate::model::process::{Container, Pid};
use crate::model::raw_path::RawPath;
use crate::model::snapshot::Snapshot;
use crate::model::vantage::{Kind, Vantage};

/// A process of a namespace whose files by-hand commands can name: not our own, which ends before they are pasted.
pub fn lasting(now: &Snapshot, namespace: &MountNamespace) -> Pid {
    let mut pids = namespace.pids.iter().copied().filter(|pid| *pid != now.eyes.pid);
    if namespace.pids.contains(&1) { 1 } else { pids.next().unwrap_or(namespace.witness) }
}

/// The vantages of a namespace that a mount serves.
pub fn served<'a>(
    now: &'a Snapshot,
    namespace: &'a MountNamespace,
    mount: &'a Mount,
) -> impl Iterator<Item = &'a Vantage> {
    let here = now.vantages.items().iter().filter(move |v| v.mount_ns == namespace.id);
    here.filter(move |v| match v.mount_id {
        Some(id) => id == mount.id,
        // In another root directory the same path is another place.
        None => v.root == "/".into() && namespace.serving(&v.path).is_some_and(|m| m.id == mount.id),
    })
}

/// The processes of a namespace whose working directory lies on a mount.
pub fn working_in<'a>(
    now: &'a Snapshot,
    namespace: &'a MountNamespace,
    mount: &'a Mount,
) -> impl Iterator<Item = Pid> + 'a {
    let lies_there = |path: &RawPath| namespace.serving(path).is_some_and(|m| m.id == mount.id);
    namespace.pids.iter().copied().filter(move |pid| {
        let cwd = now.process(*pid).and_then(|p| p.cwd.as_ref().ok());
        cwd.is_some_and(|place| lies_there(&place.path))
    })
}

/// The processes of a namespace that are in a container.
pub fn contained<'a>(
    now: &'a Snapshot,
    namespace: &'a MountNamespace,
) -> impl Iterator<Item = (Pid, &'a Container)> {
    let container = |pid: &Pid| now.process(*pid).and_then(|p| p.container.as_ref()).map(|c| (*pid, c));
    namespace.pids.iter().filter_map(container)
}

/// What a vantage of that namespace found at that path.
pub fn kind_at(now: &Snapshot, namespace: &MountNamespace, path: &RawPath) -> Option<Kind> {
    let here = now.vantages.items().iter().filter(|v| v.mount_ns == namespace.id && v.root == "/".into());
    let mut steps = here.flat_map(|v| v.walked.iter()).filter(|c| c.path == *path);
    steps.find_map(|c| c.facts.as_ref().map(|f| f.kind))
}

/// Where our own namespace has the directory that is mounted: its path here, or `None` where its file system is not
/// mounted here in a way that shows it.
pub fn path_here(now: &Snapshot, mount: &Mount) -> Option<RawPath> {
    let ours = now.our_namespace()?;
    let shows = |m: &&Mount| m.device == mount.device && !m.root_deleted && mount.root.is_below(&m.root);
    // The mount of the whole file system names it best; of several, the shortest.
    let best = ours.mounts.items().iter().filter(shows);
    let best = best.min_by_key(|m| (m.root.as_bytes().len(), m.point.as_bytes().len(), m.order))?;
    let below = mount.root.as_bytes().get(best.root.as_bytes().len()..).unwrap_or_default();
    let below = if best.root == "/".into() { mount.root.as_bytes() } else { below };
    let names = below.split(|b| *b == b'/').filter(|n| !n.is_empty());
    let path = names.fold(best.point.clone(), |path, name| path.join(name));
    // Something mounted over it later hides it.
    let hidden = ours.serving(&path).is_some_and(|top| top.device != mount.device);
    (!hidden).then_some(path)
}

/// All distinct processes of vantages.
pub fn pids_of<'a>(vantages: impl Iterator<Item = &'a Vantage>) -> BTreeSet<Pid> {
    vantages.flat_map(|v| v.pids.iter().copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::mount::Device;
    use crate::rules::stage::{self, Life, Stage};

    #[test]
    fn translates_a_path_of_a_file_system_that_is_not_mounted_at_the_root() {
        let mut data = stage::mount(60, 25, "/", "/mnt/data", "xfs", "/dev/vdb");
        data.device = Device { major: 254, minor: 16 };
        let mut bound = stage::mount(61, 25, "/ci/run-7", "/workspace", "xfs", "/dev/vdb");
        bound.device = data.device;
        let stage = Stage::healthy().mount(1, data);
        assert_eq!(path_here(&stage.now, &bound), Some("/mnt/data/ci/run-7".into()));
        bound.device = Device { major: 8, minor: 1 };
        assert_eq!(path_here(&stage.now, &bound), None);
    }

    #[test]
    fn finds_who_works_on_a_mount_and_what_it_serves() {
        let stage = Stage::healthy().runner(41, "r@1.service").bind(41, "/srv/w", "/workspace", Life::Alive);
        let stage = stage
            .variable(41, "TMPDIR", "/workspace/t")
            .change(41, |p| p.cwd.as_mut().unwrap().path = "/workspace/src".into())
            .change_vantages(|v| v.path == "/workspace/t".into(), |v| v.mount_id = Some(5041));
        let namespace = &stage.now.namespaces.items()[1];
        let mount = namespace.stacked_on(&"/workspace".into())[0];
        assert_eq!(served(&stage.now, namespace, mount).count(), 1);
        assert_eq!(working_in(&stage.now, namespace, mount).collect::<Vec<_>>(), [41]);
    }
}
