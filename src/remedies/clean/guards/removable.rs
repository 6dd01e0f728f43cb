//! `removable`: whose it is, and whether we could remove it at all.

use super::super::scene::Scene;
use super::{Guard, Reasons};
use crate::model::plan::Candidate;

/// See the module's header.
pub const GUARD: Guard = Guard {
    id: "removable",
    holds: "it is of the user who cleans up, or that is root",
    kept: "of other users",
    why: "of other users: root alone may remove them",
    reasons: Reasons::Few,
    keeps: foreign,
};

/// What belongs to others, root alone removes from a sticky directory. Before whatever was not looked at for that: who
/// lists a directory of somebody else makes it look used.
fn foreign(candidate: &Candidate, scene: &Scene<'_>) -> Option<String> {
    let is_chosen = scene.is_picked(candidate) || scene.wishes.owner == Some(candidate.uid);
    (scene.own != 0 && candidate.uid != scene.own && !is_chosen)
        .then(|| format!("it belongs to uid {}", candidate.uid))
}

#[cfg(test)]
mod tests {
    use super::super::stage::{Stage, stage, stale};
    use super::*;
    use crate::model::plan::{Tree, Tried, Wishes};

    #[test]
    fn that_it_is_of_another_user_comes_before_what_nobody_looked_at_for_that() {
        let tree = Tree { unseen: Some("it is of another user".into()), ..stale().tree };
        let shut = Candidate { tree, locked: Tried::Unknown("it is of another user".into()), ..stale() };
        Stage { own: 4242, ..stage() }.keeps(shut.clone(), "it belongs to uid 1000");
        let wishes = Wishes { owner: Some(1000), ..stage().wishes };
        Stage { own: 4242, wishes, ..stage() }.keeps(shut, "not known whether it is locked");
    }
}
