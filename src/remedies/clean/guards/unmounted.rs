//! `unmounted`: removing the source of a mount kills it, removing what it lies on takes it away from others.

use super::super::scene::Scene;
use super::{Guard, Reasons, claim, party};
use crate::model::plan::Candidate;
use crate::model::raw_path::RawPath;
use crate::model::surroundings::ClaimKind;

/// Whether a claim is one of this guard.
pub fn is_mount(kind: ClaimKind) -> bool {
    use ClaimKind::{BindSource, LoopFile, MountPoint, OverlayLayer, Swap};
    matches!(kind, BindSource | LoopFile | MountPoint | OverlayLayer | Swap)
}

/// See the module's header.
pub const GUARD: Guard = Guard {
    id: "unmounted",
    holds: "nothing is mounted in it or from it, in any namespace",
    kept: "mounts need them",
    why: "something is mounted in it or from it",
    reasons: Reasons::Each,
    keeps: mounted,
};

fn mounted(candidate: &Candidate, scene: &Scene<'_>) -> Option<String> {
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
    let place =
        point(&claim.shown).map_or_else(|| claim.shown.shown(), |point| format!("at {}", point.shown()));
    Some(format!("{what}{}: {place}", party(word, claim)))
}

/// The mount point, where a line of mountinfo shows the mount. Source: proc_pid_mountinfo(5).
fn point(shown: &RawPath) -> Option<RawPath> {
    let mut fields = shown.as_bytes().split(|byte| *byte == b' ');
    let is_number = |field: &[u8]| !field.is_empty() && field.iter().all(u8::is_ascii_digit);
    let is_line = is_number(fields.next()?) && is_number(fields.next()?);
    fields.nth(2).filter(|_| is_line).map(RawPath::new)
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
    fn of_a_line_of_mountinfo_the_mount_point_is_told() {
        let line = "327 321 7:0 /systemd-private-x/tmp /tmp rw,noatime - ext4 /dev/loop0 rw";
        assert_eq!(point(&line.into()), Some("/tmp".into()));
        for other in ["/tmp/go-build123", "/tmp/a b c d e f", "1 2", ""] {
            assert_eq!(point(&other.into()), None, "{other}");
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
