//! Where the directory lies on its file system, and how what processes and tables name is put down to one of its entries.

use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::AsRawFd;

use super::Place;
use crate::collect::owners;
use crate::collect::sightings::{Sights, moved};
use crate::model::mount::{Device, Mount, MountNamespace};
use crate::model::process::MountNs;
use crate::model::raw_path::RawPath;
use crate::model::reading::{GapWhy, Seen};
use crate::sys::procfile::Proc;
use crate::sys::stat;

/// What the kernel appends to the link of a directory that was removed.
const DELETED: &[u8] = b" (deleted)";

/// The directory on its file system.
#[derive(Debug)]
pub struct Ground {
    /// Its device as mount tables, lock tables and mappings have it; on btrfs not that of stat(2).
    pub device: Device,
    /// Its device as stat(2) has it.
    pub stat_device: Device,
    /// The mount through which we reach it.
    pub mount: Mount,
    /// Its path from the root of its file system, as field 4 of a mount table would give it.
    inside: RawPath,
    /// All mounts of its file system, by id, and of all others only that they are others.
    mounts: BTreeMap<u64, Option<(RawPath, RawPath)>>,
    /// The paths under which each namespace sees it.
    paths: BTreeMap<MountNs, BTreeSet<RawPath>>,
    /// The paths of all of them, hidden ones included: what may be meant by a path of which nothing else is known.
    anywhere: Sights,
}

/// What is known of an object beside its path.
#[derive(Clone, Copy, Debug, Default)]
pub struct Traits {
    /// Through which mount it was opened.
    pub mount_id: Option<u64>,
    /// Its device as stat(2) has it.
    pub device: Option<Device>,
}

impl Ground {
    /// Finds the directory in the mount tables.
    pub fn find(proc: &Proc, place: &Place<'_>, namespaces: &[MountNamespace]) -> Seen<Self> {
        let found = stat::of(place.dir)?;
        let path = RawPath::new(proc.own()?.link(&format!("fd/{}", place.dir.as_raw_fd()))?);
        if found.links == 0 && path.as_bytes().ends_with(DELETED) {
            return Err(GapWhy::Vanished);
        }
        let ours = namespaces.iter().find(|ns| ns.ours).ok_or(GapWhy::Absent)?;
        let by_id = ours.mounts.items().iter().find(|m| found.mount_id == Some(m.id));
        let mount = by_id.or_else(|| ours.serving(&path)).ok_or(GapWhy::Absent)?;
        let inside = moved(&path, &mount.point, &mount.root).ok_or(GapWhy::Absent)?;
        Ok(Self::new(mount, inside, owners::device(found.device), namespaces))
    }

    /// As it is seen from those namespaces.
    pub fn new(mount: &Mount, inside: RawPath, stat_device: Device, namespaces: &[MountNamespace]) -> Self {
        let mut mounts = BTreeMap::new();
        let mut paths: BTreeMap<MountNs, BTreeSet<RawPath>> = BTreeMap::new();
        let (mut all, mut doubtful) = (BTreeSet::new(), BTreeSet::new());
        for namespace in namespaces {
            for other in namespace.mounts.items() {
                let same = other.device == mount.device;
                mounts.insert(other.id, same.then(|| (other.root.clone(), other.point.clone())));
                if other.is_doubtful() {
                    doubtful.insert(other.point.clone());
                }
                if !same || other.root_deleted {
                    continue;
                }
                let Some(path) = moved(&inside, &other.root, &other.point) else { continue };
                all.insert(path.clone());
                // What a later mount hides is not meant by whoever names it.
                if namespace.serving(&path).is_some_and(|serving| serving.id == other.id) {
                    paths.entry(namespace.id).or_default().insert(path);
                }
            }
        }
        let anywhere = Sights::of(all, doubtful);
        Self { device: mount.device, stat_device, mount: mount.clone(), inside, mounts, paths, anywhere }
    }

    /// What the tables say of a mount: that it is of this file system, or of another; nothing where it is in none of them.
    pub fn is_of_ours(&self, mount_id: u64) -> Option<bool> {
        self.mounts.get(&mount_id).map(Option::is_some)
    }

    /// Every path that may mean the directory, to pick candidates by.
    pub fn sights(&self) -> &Sights {
        &self.anywhere
    }

    /// The paths under which a namespace sees it.
    pub fn paths_in(&self, namespace: MountNs) -> impl Iterator<Item = &RawPath> {
        self.paths.get(&namespace).into_iter().flatten()
    }

    /// The paths under which any namespace sees it, hidden ones included.
    pub fn all_paths(&self) -> impl Iterator<Item = &RawPath> {
        self.paths.values().flatten()
    }

    /// The entry to which a path from the root of that file system belongs.
    pub fn entry_inside<'p>(&self, path: &'p RawPath) -> Option<Below<'p>> {
        below(path.as_bytes(), self.inside.as_bytes())
    }

    /// The entry that a path of a namespace names.
    pub fn entry_in<'p>(&self, namespace: MountNs, path: &'p [u8]) -> Option<Below<'p>> {
        self.paths_in(namespace).find_map(|dir| below(path, dir.as_bytes()))
    }

    /// The entry that a path names in one namespace or other.
    pub fn entry_anywhere<'p>(&self, path: &'p [u8]) -> Option<Below<'p>> {
        let (dir, _) = self.anywhere.holding(path)?;
        below(path, dir.as_bytes())
    }

    /// The entry to which an open object belongs. Its mount tells for certain; where that is none of the tables (unmounted
    /// since, or of a namespace that nobody lives in), device and path have to do, and where nothing is known, the path.
    pub fn entry_of(&self, path: &RawPath, known: Traits) -> Option<(RawPath, Depth)> {
        let owned = |found: Below<'_>| (RawPath::from(found.name), found.depth);
        match known.mount_id.and_then(|id| self.mounts.get(&id)) {
            Some(None) => None,
            Some(Some((root, point))) => match moved(path, point, root) {
                Some(inside) => self.entry_inside(&inside).map(owned),
                None => self.entry_anywhere(path.as_bytes()).map(owned),
            },
            None if known.device.is_some_and(|device| device != self.stat_device) => None,
            None => self.entry_anywhere(path.as_bytes()).map(owned),
        }
    }
}

/// An entry, and whether something below it is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Below<'p> {
    /// Its name.
    pub name: &'p [u8],
    /// How deep.
    pub depth: Depth,
}

/// Whether an entry itself is meant or something in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Itself.
    Itself,
    /// Something in it.
    Within,
}

/// The first component of `path` below `dir`.
pub fn below<'p>(path: &'p [u8], dir: &[u8]) -> Option<Below<'p>> {
    let dir = if dir == b"/" { b"" } else { dir };
    let rest = path.strip_prefix(dir)?.strip_prefix(b"/")?;
    let mut parts = rest.split(|b| *b == b'/').filter(|part| !part.is_empty());
    let name = parts.next()?;
    Some(Below { name, depth: if parts.next().is_some() { Depth::Within } else { Depth::Itself } })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::specimen::{self, mount};

    fn ground(others: Vec<Mount>) -> Ground {
        let mut other = specimen::namespace(2, &[7], others);
        other.mounts.value_mut().unwrap()[0] =
            Mount { id: 50, device: Device { major: 0, minor: 50 }, ..mount(50, "/", b"/", "overlay") };
        let host = specimen::namespace(1, &[1], vec![]);
        let device = Device { major: 254, minor: 1 };
        Ground::new(&host.mounts.items()[0].clone(), "/tmp".into(), device, &[host, other])
    }

    fn entry(ground: &Ground, path: &str, mount_id: Option<u64>) -> Option<String> {
        let known = Traits { mount_id, device: None };
        ground.entry_of(&path.into(), known).map(|(name, _)| name.shown())
    }

    #[test]
    fn an_object_belongs_to_the_entry_in_which_its_mount_puts_it() {
        let ground =
            ground(vec![mount(9, "/tmp", b"/host-tmp", "ext4"), mount(10, "/tmp/a/b", b"/deep", "ext4")]);
        assert_eq!(entry(&ground, "/tmp/go-build1/x", Some(1)).as_deref(), Some("go-build1"));
        assert_eq!(entry(&ground, "/host-tmp/go-build12", Some(9)).as_deref(), Some("go-build12"));
        assert_eq!(
            entry(&ground, "/deep/c", Some(10)).as_deref(),
            Some("a"),
            "bound from below the directory"
        );
        assert_eq!(entry(&ground, "/tmp/go-build1", Some(50)), None, "another file system of that path");
        assert_eq!(entry(&ground, "/tmp", Some(1)), None, "the directory itself is no entry");
        assert_eq!(entry(&ground, "/tmpx/a", Some(1)), None);
    }

    #[test]
    fn where_the_mount_is_unknown_path_and_device_decide_and_unknown_is_held() {
        let ground = ground(vec![mount(9, "/tmp", b"/host-tmp", "ext4")]);
        assert_eq!(entry(&ground, "/host-tmp/a", Some(99)).as_deref(), Some("a"));
        assert_eq!(entry(&ground, "/host-tmp/a", None).as_deref(), Some("a"));
        let elsewhere = Traits { mount_id: None, device: Some(Device { major: 0, minor: 50 }) };
        assert_eq!(ground.entry_of(&"/tmp/a".into(), elsewhere), None);
    }

    #[test]
    fn each_namespace_names_the_directory_in_its_own_way() {
        let ground = ground(vec![mount(9, "/tmp", b"/host-tmp", "ext4")]);
        let named =
            |ns, path: &'static str| ground.entry_in(MountNs::Inode(ns), path.as_bytes()).map(|b| b.name);
        assert_eq!(named(1, "/tmp/a/b"), Some(&b"a"[..]));
        assert_eq!(named(2, "/tmp/a"), None, "its own /tmp is another one");
        assert_eq!(named(2, "/host-tmp//a/"), Some(&b"a"[..]));
    }

    #[test]
    fn a_directory_that_is_a_root_has_entries_too() {
        assert_eq!(below(b"/a/b", b"/"), Some(Below { name: b"a", depth: Depth::Within }));
        assert_eq!(below(b"/", b"/"), None);
        let whole = ground(vec![mount(9, "/tmp", b"/", "ext4")]);
        assert_eq!(whole.entry_anywhere(b"/a/b").map(|b| b.name), Some(&b"a"[..]));
    }
}
