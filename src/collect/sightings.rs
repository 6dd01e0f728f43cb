//! Under which paths each temp dir is visible in each mount namespace, and which mounts have their source inside one.
//!
//! A container sees the machine's /tmp under another name, a service sees a part of it as its own /tmp: mount tables tell,
//! without a single system call. Called by `collect::holders`.

use std::collections::{BTreeMap, BTreeSet};

use crate::collect::fenced::in_namespace;
use crate::model::holder::{Holding, How};
use crate::model::mount::{Mount, MountNamespace};
use crate::model::process::MountNs;
use crate::model::raw_path::RawPath;
use crate::model::temp_dir::TempDir;
use crate::model::vantage::Vantage;

/// A mount that came into many namespaces by copying is listed for so many of them.
const COPIES_MAX: usize = 8;

/// The paths of one namespace at which temp dirs are visible.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sights {
    /// With the position of the temp dir among those that were given.
    paths: Vec<(RawPath, usize)>,
    /// Mount points on which nothing may be touched.
    doubtful: Vec<RawPath>,
}

impl Sights {
    /// Of one directory under several paths, `/` included.
    pub fn of(paths: impl IntoIterator<Item = RawPath>, doubtful: impl IntoIterator<Item = RawPath>) -> Self {
        let bare = |path: RawPath| if path == "/".into() { RawPath::default() } else { path };
        Self {
            paths: paths.into_iter().map(|path| (bare(path), 0)).collect(),
            doubtful: doubtful.into_iter().collect(),
        }
    }

    /// The temp dir in which a path of this namespace lies, by its path and position: the longest that fits.
    pub fn holding(&self, path: &[u8]) -> Option<(&RawPath, usize)> {
        let mut best: Option<(&RawPath, usize)> = None;
        for (dir, at) in &self.paths {
            let fits = path.strip_prefix(dir.as_bytes()).is_some_and(|r| r.is_empty() || r.starts_with(b"/"));
            if fits && best.is_none_or(|(found, _)| found.as_bytes().len() < dir.as_bytes().len()) {
                best = Some((dir, *at));
            }
        }
        best
    }

    /// Whether a path lies where nothing may be touched.
    pub fn is_doubtful(&self, path: &RawPath) -> bool {
        self.doubtful.iter().any(|point| path.is_below(point))
    }

    /// Where somebody takes `/` for a temp dir, everything would lie in it; that says nothing.
    fn add(&mut self, path: RawPath, at: usize) {
        if path != "/".into() && !self.paths.iter().any(|(known, _)| *known == path) {
            self.paths.push((path, at));
        }
    }
}

/// A temp dir on its file system.
struct Origin<'a> {
    dir: &'a TempDir,
    at: usize,
    mount: &'a Mount,
    /// Its path from the root of that file system, as field 4 of a mount table would give it.
    inside: RawPath,
}

/// The sights of every namespace.
pub fn sights(
    namespaces: &[MountNamespace],
    vantages: &[Vantage],
    dirs: &[TempDir],
) -> BTreeMap<MountNs, Sights> {
    let origins = origins(dirs, vantages, namespaces);
    let mut all: BTreeMap<MountNs, Sights> = BTreeMap::new();
    for namespace in namespaces {
        let doubtful = namespace.mounts.items().iter().filter(|m| m.is_doubtful());
        let doubtful = doubtful.map(|m| m.point.clone()).collect();
        let sights = all.entry(namespace.id).or_insert_with(|| Sights { paths: Vec::new(), doubtful });
        for mount in namespace.mounts.items() {
            for (path, at) in origins.iter().filter_map(|o| Some((o.seen_through(mount)?, o.at))) {
                // What a later mount hides is not seen.
                if namespace.serving(&path).is_some_and(|serving| serving.id == mount.id) {
                    sights.add(path, at);
                }
            }
        }
    }
    // A dead directory has no path on its file system any more; those who live in it still name it as ever.
    for (at, dir) in dirs.iter().enumerate() {
        for vantage in dir.vantages.iter().filter_map(|position| vantage_at(vantages, *position)) {
            if let (Some(path), Some(sights)) = (end_of(vantage), all.get_mut(&vantage.mount_ns)) {
                sights.add(path, at);
            }
        }
    }
    all
}

/// The mounts whose source lies inside a temp dir, with its position: removing that entry kills them.
pub fn mount_sources(
    namespaces: &[MountNamespace],
    vantages: &[Vantage],
    dirs: &[TempDir],
) -> Vec<(Holding, usize)> {
    let origins = origins(dirs, vantages, namespaces);
    let mut found = BTreeSet::new();
    let mut copies: BTreeMap<RawPath, usize> = BTreeMap::new();
    for namespace in namespaces {
        for mount in namespace.mounts.items() {
            for (origin, path) in origins.iter().filter_map(|o| Some((o, o.source_of(mount)?))) {
                let copies = copies.entry(path.clone()).or_default();
                *copies += 1;
                if *copies > COPIES_MAX {
                    continue;
                }
                let holding = Holding {
                    pid: namespace.witness,
                    how: How::MountSource,
                    path,
                    object: None,
                    deleted: mount.root_deleted,
                    pins: None,
                    temp_dir: origin.dir.path.clone(),
                };
                found.insert((holding, origin.at));
            }
        }
    }
    found.into_iter().collect()
}

fn vantage_at(vantages: &[Vantage], at: u32) -> Option<&Vantage> {
    vantages.get(usize::try_from(at).ok()?)
}

/// The end of a way as its namespace names it.
fn end_of(vantage: &Vantage) -> Option<RawPath> {
    let end = vantage.end()?;
    Some(in_namespace(&vantage.root, end.path.as_bytes()))
}

fn origins<'a>(
    dirs: &'a [TempDir],
    vantages: &[Vantage],
    namespaces: &'a [MountNamespace],
) -> Vec<Origin<'a>> {
    dirs.iter().enumerate().filter_map(|(at, dir)| origin(at, dir, vantages, namespaces)).collect()
}

fn origin<'a>(
    at: usize,
    dir: &'a TempDir,
    vantages: &[Vantage],
    namespaces: &'a [MountNamespace],
) -> Option<Origin<'a>> {
    dir.vantages.iter().filter_map(|position| vantage_at(vantages, *position)).find_map(|vantage| {
        let namespace = namespaces.iter().find(|ns| ns.id == vantage.mount_ns)?;
        let mount = namespace.mounts.items().iter().find(|m| Some(m.id) == vantage.mount_id)?;
        let inside = moved(&end_of(vantage)?, &mount.point, &mount.root)?;
        (!mount.root_deleted).then_some(Origin { dir, at, mount, inside })
    })
}

impl Origin<'_> {
    /// Where the temp dir is seen through a mount, if it is.
    fn seen_through(&self, mount: &Mount) -> Option<RawPath> {
        let same = mount.device == self.mount.device && !mount.root_deleted;
        same.then(|| moved(&self.inside, &mount.root, &mount.point)).flatten()
    }

    /// The path, by the name of the temp dir, of the directory inside it that is the source of a mount.
    fn source_of(&self, mount: &Mount) -> Option<RawPath> {
        let same = mount.device == self.mount.device && mount.root != self.inside;
        same.then(|| moved(&mount.root, &self.inside, &self.dir.path)).flatten()
    }
}

/// `path` with the directory `from` at its beginning exchanged for `to`.
pub fn moved(path: &RawPath, from: &RawPath, to: &RawPath) -> Option<RawPath> {
    if !path.is_below(from) {
        return None;
    }
    let below = path.as_bytes().get(from.as_bytes().len()..).unwrap_or_default();
    let below = below.strip_prefix(b"/").unwrap_or(below);
    Some(if below.is_empty() { to.clone() } else { to.join(below) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::specimen::{self, mount};
    use crate::model::mount::Device;

    fn seen(namespaces: &[MountNamespace], vantages: &[Vantage], dirs: &[TempDir]) -> Vec<Vec<String>> {
        let paths = |s: Sights| {
            let mut paths: Vec<String> = s.paths.iter().map(|(path, _)| path.shown()).collect();
            paths.sort();
            paths
        };
        sights(namespaces, vantages, dirs).into_values().map(paths).collect()
    }

    fn scene(mounts: Vec<Mount>) -> (Vec<MountNamespace>, Vec<Vantage>, Vec<TempDir>) {
        let host = specimen::namespace(1, &[1], vec![]);
        let mut other = specimen::namespace(2, &[7], mounts);
        // A root of its own, as a container has.
        let root = &mut other.mounts.value_mut().unwrap()[0];
        root.device = Device { major: 0, minor: 50 };
        let vantage = specimen::vantage("/tmp", 1, &[1]);
        let dir = specimen::temp_dir("/tmp", &[0]);
        (vec![host, other], vec![vantage], vec![dir])
    }

    #[test]
    fn a_container_sees_the_hosts_tmp_under_another_name() {
        let (namespaces, vantages, dirs) = scene(vec![mount(9, "/tmp", b"/host-tmp", "ext4")]);
        assert_eq!(seen(&namespaces, &vantages, &dirs), [vec!["/tmp"], vec!["/host-tmp"]]);
    }

    #[test]
    fn a_bind_of_something_above_shows_it_further_down() {
        let (namespaces, vantages, dirs) = scene(vec![mount(9, "/", b"/host", "ext4")]);
        assert_eq!(seen(&namespaces, &vantages, &dirs), [vec!["/tmp"], vec!["/host/tmp"]]);
        assert!(mount_sources(&namespaces, &vantages, &dirs).is_empty());
    }

    #[test]
    fn another_file_system_or_a_hidden_mount_shows_nothing() {
        let elsewhere =
            Mount { device: Device { major: 254, minor: 2 }, ..mount(9, "/tmp", b"/host-tmp", "ext4") };
        let (namespaces, vantages, dirs) = scene(vec![elsewhere]);
        assert_eq!(seen(&namespaces, &vantages, &dirs), [vec!["/tmp"], vec![]]);
        let cover = Mount { device: Device { major: 0, minor: 51 }, ..mount(10, "/", b"/host-tmp", "tmpfs") };
        let (namespaces, vantages, dirs) = scene(vec![mount(9, "/tmp", b"/host-tmp", "ext4"), cover]);
        assert_eq!(seen(&namespaces, &vantages, &dirs), [vec!["/tmp"], vec![]]);
    }

    #[test]
    fn a_private_tmp_holds_its_directory_in_the_hosts_tmp() {
        let private = mount(9, "/tmp/systemd-private-x/tmp", b"/tmp", "ext4");
        let (namespaces, vantages, dirs) = scene(vec![private]);
        let found = mount_sources(&namespaces, &vantages, &dirs);
        assert_eq!(found.len(), 1);
        let (holding, at) = &found[0];
        assert_eq!((holding.pid, holding.how, *at), (7, How::MountSource, 0));
        assert_eq!(holding.path, "/tmp/systemd-private-x/tmp".into());
        assert_eq!((&holding.temp_dir, holding.deleted), (&"/tmp".into(), false));
    }

    #[test]
    fn a_mount_beside_the_temp_dir_is_no_source_inside() {
        let (namespaces, vantages, dirs) = scene(vec![mount(9, "/tmpx/a", b"/a", "ext4")]);
        assert!(mount_sources(&namespaces, &vantages, &dirs).is_empty());
    }

    #[test]
    fn a_temp_dir_on_its_own_mount_is_found_by_what_is_mounted() {
        let own = Mount { device: Device { major: 0, minor: 60 }, ..mount(30, "/", b"/tmp", "tmpfs") };
        let copy = Mount { id: 31, point: "/shared".into(), ..own.clone() };
        let part = Mount { id: 32, point: "/part".into(), root: "/job".into(), ..own.clone() };
        let host = specimen::namespace(1, &[1], vec![own]);
        let other = specimen::namespace(2, &[7], vec![copy, part]);
        let mut vantage = specimen::vantage("/tmp", 1, &[1]);
        vantage.mount_id = Some(30);
        let dirs = [specimen::temp_dir("/tmp", &[0])];
        let namespaces = [host, other];
        let vantages = [vantage];
        assert_eq!(seen(&namespaces, &vantages, &dirs), [vec!["/tmp"], vec!["/shared"]]);
        let sources = mount_sources(&namespaces, &vantages, &dirs);
        assert_eq!(sources[0].0.path, "/tmp/job".into());
    }

    #[test]
    fn a_dead_directory_is_still_named_by_those_in_it() {
        let dead = Mount { root_deleted: true, ..mount(9, "/tmp/systemd-private-x/tmp", b"/tmp", "ext4") };
        let (namespaces, mut vantages, _) = scene(vec![dead]);
        let mut inside = specimen::vantage("/tmp", 2, &[7]);
        inside.mount_id = Some(9);
        vantages.push(inside);
        let dirs = [specimen::temp_dir("/tmp", &[1])];
        assert_eq!(seen(&namespaces, &vantages, &dirs), [vec![], vec!["/tmp"]]);
    }

    #[test]
    fn the_longest_temp_dir_that_fits_holds_a_path() {
        let sights = Sights {
            paths: vec![("/tmp".into(), 0), ("/tmp/job".into(), 1), ("/var/tmp".into(), 2)],
            doubtful: vec!["/tmp/fuse".into()],
        };
        let holding = |path: &str| sights.holding(path.as_bytes()).map(|(dir, _)| dir.shown());
        assert_eq!(holding("/tmp/job/x").as_deref(), Some("/tmp/job"));
        assert_eq!(holding("/tmp/jobs/x").as_deref(), Some("/tmp"));
        assert_eq!(holding("/tmp").as_deref(), Some("/tmp"));
        assert_eq!(holding("/tmpx"), None);
        assert_eq!(holding("socket:[1]"), None);
        assert!(sights.is_doubtful(&"/tmp/fuse/x".into()));
        assert!(!sights.is_doubtful(&"/tmp/fused".into()));
    }
}
