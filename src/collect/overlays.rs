//! Looks whether the directories that overlay mounts write to still exist.
//!
//! The mount table of a container shows the same line whether its writable layer lives or was removed. The paths in the
//! line are those of the mounter, so each is looked up in the root of a namespace where the same overlay is mounted
//! somewhere below `/`: the engine's. Called by `collect` after the mount tables were read.

use std::collections::BTreeMap;
use std::path::Path;

use crate::model::mount::{Device, Mount, MountNamespace, OverlayState};
use crate::model::process::Pid;
use crate::model::raw_path::RawPath;
use crate::model::reading::{GapWhy, Seen};
use crate::sys::presence;

/// Fills `overlays` of every namespace. `proc` is the procfs to go through.
///
/// Bounds: one look for each overlay, however many namespaces have it; nothing on remote or user-space file systems.
pub fn look(namespaces: &mut [MountNamespace], proc: &Path) {
    let mut layers: BTreeMap<Device, Layers> = BTreeMap::new();
    for mount in namespaces.iter().flat_map(|ns| ns.mounts.items()).filter(|m| m.fs_type == "overlay") {
        layers.entry(mount.device).or_insert_with(|| Layers::of(mount, namespaces, proc));
    }
    for namespace in namespaces {
        let overlays = namespace.mounts.items().iter().filter(|m| m.super_option("upperdir").is_some());
        let state = |m: &Mount| layers.get(&m.device).map(|all| all.state(m.id));
        namespace.overlays = overlays.filter_map(state).collect();
    }
}

/// What was seen of one overlay.
struct Layers {
    upper: Seen<bool>,
    work: Seen<bool>,
    seen_by: Option<Pid>,
}

impl Layers {
    fn of(mount: &Mount, namespaces: &[MountNamespace], proc: &Path) -> Self {
        let (Some(upper), Some(work)) = (mount.super_path("upperdir"), mount.super_path("workdir")) else {
            return Self::unseen(GapWhy::Absent);
        };
        // The kernel makes `work` in it at mount time, and every new entry in there.
        let work = work.join(b"work");
        let mut best = Self::unseen(GapWhy::Absent);
        for namespace in namespaces.iter().filter(|ns| is_mounters(ns, mount.device)) {
            let eyes = Eyes { namespace, proc };
            let seen =
                Self { upper: eyes.look(&upper), work: eyes.look(&work), seen_by: Some(namespace.witness) };
            if seen.upper == Ok(true) && seen.work == Ok(true) {
                return seen;
            }
            // What is missing counts only where the place that holds such layers exists: elsewhere it is another path.
            let is_its_place = eyes.look(&place_of(&upper)) == Ok(true);
            if is_its_place || (best.seen_by.is_none() && seen.upper.is_err()) {
                best = seen;
            }
        }
        best
    }

    fn unseen(why: GapWhy) -> Self {
        Self { upper: Err(why.clone()), work: Err(why), seen_by: None }
    }

    fn state(&self, mount_id: u64) -> OverlayState {
        OverlayState { mount_id, upper: self.upper.clone(), work: self.work.clone(), seen_by: self.seen_by }
    }
}

/// A live system's root is an overlay that was mounted before its root was `/`: its paths mean nothing any more.
fn is_mounters(namespace: &MountNamespace, device: Device) -> bool {
    let mut mounts = namespace.mounts.items().iter();
    mounts.any(|m| m.device == device && m.fs_type == "overlay" && m.point != "/".into())
}

/// The directory that holds the layers of many containers: two up from `upperdir`.
fn place_of(upper: &RawPath) -> RawPath {
    let up =
        |path: &[u8]| path.iter().rposition(|b| *b == b'/').and_then(|at| path.get(..at)).map(<[u8]>::to_vec);
    let two_up = up(upper.as_bytes()).and_then(|dir| up(&dir)).filter(|dir| !dir.is_empty());
    two_up.map_or_else(|| RawPath::from("/"), RawPath::new)
}

/// A view into one namespace.
struct Eyes<'a> {
    namespace: &'a MountNamespace,
    proc: &'a Path,
}

impl Eyes<'_> {
    fn look(&self, path: &RawPath) -> Seen<bool> {
        if !path.is_absolute() {
            return Err(GapWhy::Malformed { line: format!("relative path {}", path.shown()) });
        }
        let mut on_the_way = self.namespace.mounts.items().iter().filter(|m| path.is_below(&m.point));
        if on_the_way.any(Mount::is_doubtful) {
            return Err(GapWhy::NotAsked);
        }
        let root = self.proc.join(self.namespace.witness.to_string()).join("root");
        presence::is_there(&root, path.as_path()).map_err(GapWhy::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::process::MountNs;
    use crate::model::reading::Reading;
    use crate::model::units::Micros;

    fn overlay(point: &str, upper: &str) -> Mount {
        Mount {
            id: 70,
            parent: 1,
            device: Device { major: 0, minor: 60 },
            root: "/".into(),
            root_deleted: false,
            point: point.into(),
            options: "rw".into(),
            propagation: String::new(),
            fs_type: "overlay".into(),
            source: "overlay".into(),
            super_options: format!("rw,lowerdir=/l,upperdir={upper},workdir={upper}-w").as_str().into(),
            line: RawPath::default(),
            order: 0,
        }
    }

    fn namespace(id: u64, mounts: Vec<Mount>) -> MountNamespace {
        let mounts = Reading::Whole { value: mounts, took: Micros(1) };
        let witness = std::process::id();
        MountNamespace {
            id: MountNs::Inode(id),
            witness,
            pids: vec![],
            ours: id == 1,
            mounts,
            overlays: vec![],
        }
    }

    fn seen(upper: &str, engine: Option<Mount>) -> OverlayState {
        let container = namespace(2, vec![overlay("/", upper)]);
        let mut all = vec![container, namespace(1, engine.into_iter().collect())];
        look(&mut all, Path::new("/proc"));
        all.remove(0).overlays.remove(0)
    }

    #[test]
    fn finds_a_removed_layer_where_the_engine_mounted_it() {
        let upper = "/proc/no-layer-of-that-name/diff";
        let state = seen(upper, Some(overlay("/merged", upper)));
        assert_eq!((state.mount_id, state.upper, state.work), (70, Ok(false), Ok(false)));
        assert_eq!(state.seen_by, Some(std::process::id()));
        let alive = seen("/proc/sys/fs", Some(overlay("/merged", "/proc/sys/fs")));
        assert_eq!((alive.upper, alive.work), (Ok(true), Ok(false)));
    }

    #[test]
    fn knows_nothing_of_an_overlay_that_nobody_else_has() {
        // The root of a live system: mounted from an initramfs that is gone.
        assert_eq!(seen("/cow/upper", None).upper, Err(GapWhy::Absent));
    }

    #[test]
    fn does_not_judge_from_a_root_that_has_no_such_place() {
        let upper = "/no-storage-here/overlay/17/diff";
        assert_eq!(seen(upper, Some(overlay("/merged", upper))).upper, Err(GapWhy::Absent));
    }

    #[test]
    fn leaves_relative_paths_and_doubtful_mounts_alone() {
        let relative = seen("17/diff", Some(overlay("/merged", "17/diff")));
        assert!(matches!(relative.upper, Err(GapWhy::Malformed { .. })));
        let upper = "/srv/nfs/17/diff";
        let mut remote = overlay("/srv/nfs", upper);
        (remote.fs_type, remote.device) = ("nfs4".into(), Device { major: 0, minor: 99 });
        let mut all =
            vec![namespace(2, vec![overlay("/", upper)]), namespace(1, vec![remote, overlay("/m", upper)])];
        look(&mut all, Path::new("/proc"));
        assert_eq!(all[0].overlays[0].upper, Err(GapWhy::NotAsked));
    }

    #[test]
    fn knows_the_place_that_holds_the_layers() {
        assert_eq!(place_of(&"/var/lib/docker/overlay2/17/diff".into()), "/var/lib/docker/overlay2".into());
        assert_eq!(place_of(&"/upper".into()), "/".into());
    }
}
