//! `expected`: whether its owner builds here, or was chosen.

use super::super::scene::Scene;
use super::{Guard, Reasons};
use crate::model::plan::{Candidate, OTHER};

/// See the module's header.
pub const GUARD: Guard = Guard {
    id: "expected",
    holds: "its owner builds here, or the user chose it",
    kept: "nobody chose them",
    why: "of a user who builds nothing here",
    reasons: Reasons::Few,
    keeps: unexpected,
};

fn unexpected(candidate: &Candidate, scene: &Scene<'_>) -> Option<String> {
    if scene.is_picked(candidate) || scene.wishes.owner == Some(candidate.uid) {
        return None;
    }
    if candidate.family.is_empty() {
        let chosen = scene.wishes.families.iter().any(|family| family == OTHER);
        return (!chosen).then(|| "in no known family; --family other or --owner takes such in".to_owned());
    }
    let expected = scene.builders.contains(&candidate.uid) || candidate.uid == scene.own;
    (!expected).then(|| {
        let uid = candidate.uid;
        format!("it belongs to uid {uid}, under whom nothing builds here; --owner {uid} takes it in")
    })
}

#[cfg(test)]
mod tests {
    use super::super::stage::{Stage, stage, stale};
    use super::*;
    use crate::model::plan::Wishes;

    #[test]
    fn an_owner_under_whom_nothing_builds_must_be_chosen() {
        let foreign = Candidate { uid: 4242, ..stale() };
        stage().keeps(foreign.clone(), "--owner 4242");
        let wishes = Wishes { owner: Some(4242), ..stage().wishes };
        Stage { wishes, ..stage() }.removes(foreign.clone());
        Stage { own: 4242, ..stage() }.removes(foreign);
        Stage { own: 4242, ..stage() }.keeps(stale(), "belongs to uid 1000");
    }

    #[test]
    fn what_is_in_no_family_must_be_asked_for() {
        let unknown = Candidate { family: String::new(), name: "x".into(), ..stale() };
        stage().keeps(unknown.clone(), "in no known family");
        let wishes = Wishes { families: vec!["other".into()], ..stage().wishes };
        Stage { wishes, ..stage() }.removes(unknown);
    }
}
