//! Mounts: removing their source kills them, removing what they lie on takes them away from others.

use super::super::scene::Scene;
use super::{claim, party};
use crate::model::plan::Candidate;
use crate::model::surroundings::ClaimKind;

/// Whether a claim is one of this guard.
pub fn is_mount(kind: ClaimKind) -> bool {
    use ClaimKind::{BindSource, LoopFile, MountPoint, OverlayLayer, Swap};
    matches!(kind, BindSource | LoopFile | MountPoint | OverlayLayer | Swap)
}

pub fn mounted(candidate: &Candidate, scene: &Scene<'_>) -> Option<String> {
    if candidate.tree.crosses_mount {
        return Some("something is mounted in it".to_owned());
    }
    let claim = claim(candidate, scene, is_mount)?;
    let (what, word) = match claim.kind {
        ClaimKind::BindSource => ("it is mounted elsewhere", "by"),
        ClaimKind::OverlayLayer => ("it is a layer of an overlay", "of"),
        ClaimKind::MountPoint => ("something is mounted in it in another namespace", "of"),
        ClaimKind::LoopFile => ("a loop device is made of it", "by"),
        _ => ("it is swap space", "of"),
    };
    Some(format!("{what}{}: {}", party(word, claim), claim.shown.shown()))
}

#[cfg(test)]
mod tests {
    use super::super::stage::{Stage, stage, stale};
    use super::*;
    use crate::model::plan::Tree;

    #[test]
    fn a_mount_in_it_keeps_it() {
        let tree = Tree { crosses_mount: true, ..stale().tree };
        stage().keeps(Candidate { tree, ..stale() }, "mounted in it");
    }

    #[test]
    fn every_kind_of_mount_keeps_it_and_names_who() {
        use ClaimKind::{BindSource, LoopFile, MountPoint, OverlayLayer, Swap};
        for kind in [BindSource, LoopFile, MountPoint, OverlayLayer, Swap] {
            let stage = Stage::claimed(kind);
            stage.keeps(stale(), "pid 812 (go, runner@1.service): /tmp/go-build123/b001");
            stage.removes(Candidate { name: "go-build12".into(), ..stale() });
        }
    }

    #[test]
    fn a_mount_of_nobody_is_told_without_a_pid() {
        let mut stage = Stage::claimed(ClaimKind::BindSource);
        let claims = stage.surroundings.claims.values_mut().flatten();
        claims.for_each(|claim| claim.pid = None);
        stage.keeps(stale(), "it is mounted elsewhere: /tmp/go-build123/b001");
    }
}
