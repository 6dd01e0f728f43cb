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
#[path = "sightings_tests.rs"]
mod tests;
