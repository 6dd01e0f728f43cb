//! Whose it is, and whether it was asked for.

use super::super::scene::Scene;
use crate::model::plan::Candidate;

/// What belongs to others, root alone removes from a sticky directory. Before whatever was not looked at for that: who
/// lists a directory of somebody else makes it look used.
pub fn foreign(candidate: &Candidate, scene: &Scene<'_>) -> Option<String> {
    let is_chosen = scene.is_picked(candidate) || scene.wishes.owner == Some(candidate.uid);
    (scene.own != 0 && candidate.uid != scene.own && !is_chosen)
        .then(|| format!("it belongs to uid {}", candidate.uid))
}

pub fn unexpected(candidate: &Candidate, scene: &Scene<'_>) -> Option<String> {
    if scene.is_picked(candidate) || scene.wishes.owner == Some(candidate.uid) {
        return None;
    }
    if candidate.family.is_empty() {
        let chosen = scene.wishes.families.iter().any(|family| family == "other");
        return (!chosen).then(|| "in no known family; --family other or --owner takes such in".to_owned());
    }
    let expected = scene.builders.contains(&candidate.uid) || candidate.uid == scene.own;
    (!expected).then(|| {
        let uid = candidate.uid;
        format!("it belongs to uid {uid}, under whom nothing builds here; --owner {uid} takes it in")
    })
}

pub fn unwanted(candidate: &Candidate, scene: &Scene<'_>) -> Option<String> {
    let wishes = scene.wishes;
    if !wishes.names.is_empty() && !scene.is_picked(candidate) {
        return Some("not picked".to_owned());
    }
    if wishes.owner.is_some_and(|uid| uid != candidate.uid) {
        return Some(format!("it belongs to uid {}", candidate.uid));
    }
    let family = if candidate.family.is_empty() { "other" } else { &candidate.family };
    let named = wishes.families.is_empty() || wishes.families.iter().any(|wanted| wanted == family);
    (!named).then(|| format!("family {family} was not asked for"))
}

#[cfg(test)]
mod tests {
    use super::super::stage::{Stage, stage, stale};
    use super::*;
    use crate::model::plan::{Tree, Tried, Wishes};

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
    fn that_it_is_of_another_user_comes_before_what_nobody_looked_at_for_that() {
        let tree = Tree { unseen: Some("it is of another user".into()), ..stale().tree };
        let shut = Candidate { tree, locked: Tried::Unknown("it is of another user".into()), ..stale() };
        Stage { own: 4242, ..stage() }.keeps(shut.clone(), "it belongs to uid 1000");
        let wishes = Wishes { owner: Some(1000), ..stage().wishes };
        Stage { own: 4242, wishes, ..stage() }.keeps(shut, "not known whether it is locked");
    }

    #[test]
    fn what_is_in_no_family_must_be_asked_for() {
        let unknown = Candidate { family: String::new(), name: "x".into(), ..stale() };
        stage().keeps(unknown.clone(), "in no known family");
        let wishes = Wishes { families: vec!["other".into()], ..stage().wishes };
        Stage { wishes, ..stage() }.removes(unknown);
    }

    #[test]
    fn only_what_was_asked_for_goes() {
        let wishes = |change: fn(&mut Wishes)| {
            let mut wishes = stage().wishes;
            change(&mut wishes);
            Stage { wishes, ..stage() }
        };
        wishes(|w| w.families = vec!["rustc".into()]).keeps(stale(), "was not asked for");
        wishes(|w| w.owner = Some(1001)).keeps(stale(), "belongs to uid 1000");
        wishes(|w| w.names = vec!["other".into()]).keeps(stale(), "not picked");
    }
}
