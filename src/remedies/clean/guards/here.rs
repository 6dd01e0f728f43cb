//! `here`: an entry on another mount is not of this temp dir.

use super::super::scene::Scene;
use super::{Guard, Reasons};
use crate::model::plan::Candidate;

/// See the module's header.
pub const GUARD: Guard = Guard {
    id: "here",
    holds: "it lies on the mount of the temp dir itself",
    kept: "mount points",
    why: "on another mount",
    reasons: Reasons::Few,
    keeps: elsewhere,
};

fn elsewhere(candidate: &Candidate, scene: &Scene<'_>) -> Option<String> {
    (candidate.object.mount_id != scene.place.mount_id).then(|| "a mount begins at it".to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::stage::{object, stage, stale};
    use super::*;

    #[test]
    fn what_lies_on_another_mount_stays() {
        stage().keeps(Candidate { object: object(2), ..stale() }, "a mount begins at it");
    }
}
