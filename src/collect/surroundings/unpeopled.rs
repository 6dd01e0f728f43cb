//! Mount namespaces that no process shows in full: in which nobody lives, kept by a mount of their file (snaps keep theirs
//! between two starts) or by a descriptor, and in which everybody was put below a root of his own.

use std::collections::BTreeMap;

use super::claims::Claims;
use super::elsewhere::{Door, View};
use super::links::Links;
use super::ways::{self, Ways};
use crate::collect::budget::Until;
use crate::collect::parse::mountinfo;
use crate::model::mount::{Mount, MountNamespace};
use crate::model::process::{MountNs, Pid, ProcessTable};
use crate::model::raw_path::RawPath;
use crate::model::reading::{Gap, GapWhy, Reading};
use crate::model::units::Micros;

/// Adds those that files keep to those that have processes.
pub fn add(namespaces: &mut Vec<MountNamespace>, until: Until<'_>, claims: &mut Claims) {
    let mut ways = Ways::new();
    ways::mounted(namespaces, b"mnt", &mut ways);
    let found = read(namespaces, ways, until, claims);
    namespaces.extend(found);
}

/// Adds those in which only single threads live, each under the number of one of them.
pub fn of_threads(
    namespaces: &mut Vec<MountNamespace>,
    links: &Links,
    until: Until<'_>,
    claims: &mut Claims,
) {
    let mut ways = Ways::new();
    let mut tids: BTreeMap<MountNs, Vec<Pid>> = BTreeMap::new();
    for (tid, inode) in links.by_pid.iter().filter_map(|(tid, of)| of.mount_ns.map(|inode| (*tid, inode))) {
        ways.entry(inode).or_default().push(format!("{tid}/ns/mnt").as_str().into());
        tids.entry(MountNs::Inode(inode)).or_default().push(tid);
    }
    let mut found = read(namespaces, ways, until, claims);
    for namespace in &mut found {
        namespace.pids = tids.remove(&namespace.id).unwrap_or_default();
        namespace.witness = namespace.pids.first().copied().unwrap_or(0);
    }
    namespaces.extend(found);
}

/// Those that descriptors keep: the texts of their links, and the ways there.
pub fn held(
    known: &[MountNamespace],
    links: &[(RawPath, RawPath)],
    until: Until<'_>,
    claims: &mut Claims,
) -> Vec<MountNamespace> {
    let mut ways = Ways::new();
    for (text, way) in links {
        if let Some(inode) = ways::inode(text.as_bytes(), b"mnt") {
            ways.entry(inode).or_default().push(way.clone());
        }
    }
    read(known, ways, until, claims)
}

fn read(
    known: &[MountNamespace],
    mut ways: Ways,
    until: Until<'_>,
    claims: &mut Claims,
) -> Vec<MountNamespace> {
    ways.retain(|inode, _| known.iter().all(|namespace| namespace.id != MountNs::Inode(*inode)));
    let mut found = Vec::new();
    for (way, view) in ways::ask(&ways, Door::Mounts, until) {
        match view {
            Ok(View::Mounts(inode, text)) => {
                let (id, mounts) = (MountNs::Inode(inode), table(&way, text.as_bytes()));
                let (pids, overlays) = (Vec::new(), Vec::new());
                found.push(MountNamespace { id, witness: 0, pids, ours: false, mounts, overlays });
            }
            Ok(_) | Err(GapWhy::Vanished) => {}
            Err(why) => claims.unseen(Gap::new(format!("mount table of {}", way.shown()), why)),
        }
    }
    found
}

/// Reads the tables of those anew that were seen from below another root, and so only as far as what is mounted there.
pub fn complete(
    namespaces: &mut [MountNamespace],
    processes: &ProcessTable,
    until: Until<'_>,
    claims: &mut Claims,
) {
    let mut ways = Ways::new();
    for namespace in namespaces.iter().filter(|ns| !ns.ours && is_below(processes, ns.witness)) {
        if let MountNs::Inode(inode) = namespace.id {
            let way = |pid: &Pid| RawPath::from(format!("{pid}/ns/mnt").as_str());
            ways.insert(inode, namespace.pids.iter().map(way).collect());
        }
    }
    for (way, view) in ways::ask(&ways, Door::Mounts, until) {
        match view {
            Ok(View::Mounts(inode, text)) => {
                let id = MountNs::Inode(inode);
                let mounts = table(&way, text.as_bytes());
                namespaces.iter_mut().filter(|ns| ns.id == id).for_each(|ns| ns.mounts = mounts.clone());
            }
            Ok(_) | Err(GapWhy::Vanished) => {}
            Err(why) => claims.unseen(Gap::new(format!("mount table of {}", way.shown()), why)),
        }
    }
}

fn is_below(processes: &ProcessTable, witness: Pid) -> bool {
    let root = processes.get(witness).map(|process| &process.root);
    root.is_some_and(|root| !root.as_ref().is_ok_and(|place| place.path.as_bytes() == b"/"))
}

fn table(way: &RawPath, text: &[u8]) -> Reading<Vec<Mount>> {
    let table = mountinfo::parse(text);
    let malformed = table.malformed.into_iter().map(|line| GapWhy::Malformed { line });
    let gaps = malformed.map(|why| Gap::new(format!("mount table of {}", way.shown()), why));
    Reading::of(table.mounts, Micros(0), gaps.collect())
}
