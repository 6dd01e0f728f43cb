//! `wanted`: whether it was asked for.

use super::super::scene::Scene;
use super::{Guard, Reasons};
use crate::model::plan::{Candidate, wished_family};

/// See the module's header.
pub const GUARD: Guard = Guard {
    id: "wanted",
    holds: "it is among what the user asked for",
    kept: "not asked for",
    why: "not among what was asked for",
    reasons: Reasons::Few,
    keeps: unwanted,
};

fn unwanted(candidate: &Candidate, scene: &Scene<'_>) -> Option<String> {
    let wishes = scene.wishes;
    if !wishes.names.is_empty() && !scene.is_picked(candidate) {
        return Some("not picked".to_owned());
    }
    if wishes.owner.is_some_and(|uid| uid != candidate.uid) {
        return Some(format!("it belongs to uid {}", candidate.uid));
    }
    let family = wished_family(&candidate.family);
    let named = wishes.families.is_empty() || wishes.families.iter().any(|wanted| wanted == family);
    (!named).then(|| format!("family {family} was not asked for"))
}

#[cfg(test)]
mod tests {
    use super::super::stage::{Stage, stage, stale};
    use crate::model::plan::Wishes;

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
