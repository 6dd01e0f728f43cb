//! The directories that vantages lead to, each once: by which ways it is reached, and what in it must not be touched.
//!
//! Called by `collect::temp_dirs`, which counts what is in them.

use std::collections::BTreeMap;
use std::os::fd::{AsFd, OwnedFd};

use crate::collect::fenced::in_namespace;
use crate::model::mount::{Device, Mount, MountNamespace};
use crate::model::raw_path::RawPath;
use crate::model::reading::{Gap, GapWhy};
use crate::model::units::Entries;
use crate::model::vantage::{Facts, Identity, Kind, Reason, Vantage};
use crate::sys::{dirfd, stat};

/// How many processes of a vantage are tried as ways to the directory.
const TRIES: usize = 4;

/// Which directory, whatever leads there.
pub type Id = (Device, u64);

/// One directory of this look, with the vantages that lead to it.
pub struct Target<'a> {
    /// Which.
    pub id: Id,
    /// The same, with the mount of its first vantage.
    pub identity: Identity,
    /// What it is like.
    pub facts: &'a Facts,
    /// Positions in the list of vantages, and the vantages.
    pub vantages: Vec<(u32, &'a Vantage)>,
    /// Where it can be reached from here, best first.
    pub ways: Vec<RawPath>,
    /// Whether it lies on a file system that may never answer.
    pub doubtful: bool,
    /// Names in it that must not even be looked at: mount points of such file systems.
    pub untouchable: Vec<Vec<u8>>,
}

/// The directories that these vantages lead to, each once, in the order of the first vantage of each.
pub fn targets<'a>(vantages: &'a [Vantage], namespaces: &[MountNamespace]) -> Vec<Target<'a>> {
    let mut targets: Vec<Target<'a>> = Vec::new();
    let mut at_id: BTreeMap<Id, usize> = BTreeMap::new();
    for (position, vantage) in (0_u32..).zip(vantages) {
        let Some((identity, facts)) = counted(vantage) else { continue };
        let namespace = namespaces.iter().find(|ns| ns.id == vantage.mount_ns);
        let id = (identity.device, identity.inode);
        let at = *at_id.entry(id).or_insert(targets.len());
        if at == targets.len() {
            let (vantages, ways) = (Vec::new(), Vec::new());
            let (doubtful, untouchable) = (false, Vec::new());
            targets.push(Target { id, identity, facts, vantages, ways, doubtful, untouchable });
        }
        let Some(target) = targets.get_mut(at) else { continue };
        target.vantages.push((position, vantage));
        target.add_ways(vantage, namespace);
        // Without a table nobody knows on what it lies.
        target.doubtful |= namespace.is_none_or(|ns| serves(ns, vantage).is_none_or(Mount::is_doubtful));
        if let Some(namespace) = namespace {
            target.add_untouchable(vantage, namespace);
        }
    }
    targets
}

/// The directory at the end of a vantage, if it is to be counted.
fn counted(vantage: &Vantage) -> Option<(Identity, &Facts)> {
    let identity = *vantage.identity.as_ref().ok()?;
    let facts = vantage.end()?.facts.as_ref()?;
    let is_temp_dir = vantage.reasons.iter().any(|reason| *reason != Reason::BindMount);
    (is_temp_dir && facts.kind == Kind::Directory).then_some((identity, facts))
}

fn serves<'a>(namespace: &'a MountNamespace, vantage: &Vantage) -> Option<&'a Mount> {
    namespace.mounts.items().iter().find(|m| Some(m.id) == vantage.mount_id)
}

impl Target<'_> {
    /// Our own path first: it outlives every process.
    fn add_ways(&mut self, vantage: &Vantage, namespace: Option<&MountNamespace>) {
        let Some(end) = vantage.end() else { return };
        if namespace.is_some_and(|ns| ns.ours) && vantage.root == "/".into() {
            if !self.ways.contains(&end.path) {
                self.ways.insert(0, end.path.clone());
            }
            return;
        }
        for pid in &vantage.pids {
            if self.ways.len() >= TRIES {
                break;
            }
            let root = RawPath::from(format!("/proc/{pid}/root").as_str());
            self.ways.push(in_namespace(&root, end.path.as_bytes()));
        }
    }

    /// Mount points of doubtful file systems directly in this directory: to look at one is to touch it.
    fn add_untouchable(&mut self, vantage: &Vantage, namespace: &MountNamespace) {
        let Some(end) = vantage.end() else { return };
        let dir = in_namespace(&vantage.root, end.path.as_bytes());
        let doubtful = namespace.mounts.items().iter().filter(|m| m.is_doubtful() && m.point.is_below(&dir));
        for mount in doubtful {
            let name = mount.point.file_name().to_vec();
            if dir.join(&name) == mount.point && !self.untouchable.contains(&name) {
                self.untouchable.push(name);
            }
        }
    }

    /// Opens the directory, making sure that it still is the one that was meant.
    ///
    /// # Errors
    /// Why none of the ways leads there.
    pub fn open(&self) -> Result<OwnedFd, GapWhy> {
        let mut why = GapWhy::Vanished;
        for way in &self.ways {
            match self.open_at(way) {
                Ok(Some(dir)) => return Ok(dir),
                Ok(None) => {}
                Err(error) => why = error.into(),
            }
        }
        Err(why)
    }

    fn open_at(&self, way: &RawPath) -> std::io::Result<Option<OwnedFd>> {
        let node = dirfd::open_resolved(way.as_bytes())?;
        let found = stat::of(node.as_fd())?;
        let same = (found.device, found.inode) == ((self.id.0.major, self.id.0.minor), self.id.1);
        if same { dirfd::reopen_listing(node.as_fd()).map(Some) } else { Ok(None) }
    }

    /// Why its entries were not counted, with what would show them.
    pub fn gap(&self, path: &RawPath, why: GapWhy) -> Gap {
        let mut gap = Gap::new(format!("entries of {}", path.shown()), why);
        if self.doubtful {
            gap.what.push_str(", which lies on a file system that may never answer");
            let way = self.ways.first().unwrap_or(path);
            gap.remedy = Some(format!("timeout 5 ls -U {} | wc -l", way.quoted()));
        } else if matches!(gap.why, GapWhy::OverBudget { seen: Entries(0) }) {
            gap.remedy = Some("wait for the next look, or allow more time".to_owned());
        }
        gap
    }
}
