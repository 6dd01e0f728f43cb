//! Mount namespaces in which nobody lives, kept by a mount of their file: snaps keep theirs between two starts.

use super::claims::Claims;
use super::elsewhere::{self, Door, View};
use crate::collect::budget::Until;
use crate::collect::parse::{decimal, mountinfo};
use crate::model::mount::MountNamespace;
use crate::model::process::MountNs;
use crate::model::raw_path::RawPath;
use crate::model::reading::{Gap, GapWhy, Reading};
use crate::model::units::Micros;

/// Adds them to those that have processes.
pub fn add(namespaces: &mut Vec<MountNamespace>, until: Until, claims: &mut Claims) {
    let kept = kept(namespaces);
    let doors: Vec<Door> = kept.iter().map(|(_, point)| Door::Mounts(point.clone())).collect();
    for ((id, point), view) in kept.iter().zip(elsewhere::ask(&doors, until.left())) {
        match view {
            Ok(View::Mounts(text)) => {
                let table = mountinfo::parse(text.as_bytes());
                let malformed = table.malformed.into_iter().map(|line| GapWhy::Malformed { line });
                let gaps = malformed.map(|why| Gap::new(format!("mount table of {}", point.shown()), why));
                let mounts = Reading::of(table.mounts, Micros(0), gaps.collect());
                let id = MountNs::Inode(*id);
                let (pids, overlays) = (Vec::new(), Vec::new());
                namespaces.push(MountNamespace { id, witness: 0, pids, ours: false, mounts, overlays });
            }
            Ok(_) | Err(GapWhy::Vanished) => {}
            Err(why) => claims.unseen(Gap::new(format!("mount table of {}", point.shown()), why)),
        }
    }
}

fn kept(namespaces: &[MountNamespace]) -> Vec<(u64, RawPath)> {
    let ours = namespaces.iter().filter(|namespace| namespace.ours);
    let mut found: Vec<(u64, RawPath)> = Vec::new();
    for mount in ours.flat_map(|ns| ns.mounts.items()).filter(|m| m.fs_type == "nsfs") {
        let digits = mount.root.as_bytes().strip_prefix(b"mnt:[").and_then(|rest| rest.strip_suffix(b"]"));
        let Some(id) = digits.and_then(decimal) else { continue };
        let lives = namespaces.iter().any(|ns| ns.id == MountNs::Inode(id));
        if !lives && found.iter().all(|(known, _)| *known != id) {
            found.push((id, mount.point.clone()));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::specimen::{self, mount};

    #[test]
    fn only_namespaces_without_a_process_are_asked_for() {
        let nsfs = |id, root: &str, point: &[u8]| mount(id, root, point, "nsfs");
        let mounts = vec![
            nsfs(5, "mnt:[2]", b"/run/ns/lives"),
            nsfs(6, "mnt:[77]", b"/run/ns/kept"),
            nsfs(7, "mnt:[77]", b"/run/ns/copy"),
            nsfs(8, "net:[78]", b"/run/netns/x"),
        ];
        let all = [specimen::namespace(1, &[1], mounts), specimen::namespace(2, &[7], vec![])];
        assert_eq!(kept(&all), [(77, "/run/ns/kept".into())]);
    }
}
