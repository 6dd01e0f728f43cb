//! `unprotected`: who protects an entry by its name: we, the user, the site, tmpfiles.d, the table of families.

use super::super::scene::Scene;
use super::{Guard, Reasons, claim};
use crate::model::family::Safety;
use crate::model::mode::GROUP_OTHERS;
use crate::model::plan::Candidate;
use crate::model::surroundings::ClaimKind;

/// See the module's header.
pub const GUARD: Guard = Guard {
    id: "unprotected",
    holds: "neither its family, the site nor the user protects it",
    kept: "protected",
    why: "protected by its family, the site or the user",
    reasons: Reasons::Few,
    keeps: protected,
};

fn protected(candidate: &Candidate, scene: &Scene<'_>) -> Option<String> {
    let name = candidate.name.as_bytes();
    // The name alone is anybody's, and would be a place to hide in.
    if (scene.is_ours)(name) && candidate.uid == scene.own && candidate.mode & GROUP_OTHERS == 0 {
        return Some("it is tmpmedic's own quarantine".to_owned());
    }
    if (scene.is_kept)(name) {
        return Some("its name is to be kept, by --keep or the site's configuration".to_owned());
    }
    if let Some(claim) = claim(candidate, scene, |kind| kind == ClaimKind::Tmpfiles) {
        return Some(format!("tmpfiles.d keeps it: {}", claim.shown.shown()));
    }
    let family = (scene.family)(&candidate.family)?;
    match family.safety {
        Safety::Never => Some(format!("never while the system is up: {}", family.why)),
        // Whoever picks it, or names its family, has looked.
        Safety::Ask if !scene.is_picked(candidate) && !scene.wishes.families.contains(&family.id) => {
            Some(format!("look first: {}; --family {} then takes it in", family.check, family.id))
        }
        Safety::Ask | Safety::Idle => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::stage::{Stage, stage, stale};
    use super::*;
    use crate::model::plan::Wishes;

    #[test]
    fn protected_names_and_families_stay_even_when_picked() {
        let picked = |name: &str| Wishes { names: vec![name.into()], ..stage().wishes };
        let kept = Candidate { name: ".testnet_password".into(), ..stale() };
        Stage { wishes: picked(".testnet_password"), ..stage() }.keeps(kept, "to be kept");
        let never = Stage { safety: Safety::Never, wishes: picked("go-build123"), ..stage() };
        never.keeps(stale(), "never while the system is up");
        let named = Wishes { families: vec!["go-build".into()], ..stage().wishes };
        Stage { safety: Safety::Never, wishes: named, ..stage() }.keeps(stale(), "never while");
        stage().keeps(Candidate { name: ".tmpmedic-0-x".into(), uid: 0, ..stale() }, "own quarantine");
    }

    #[test]
    fn the_name_of_a_quarantine_hides_nothing_that_is_not_ours_alone() {
        let named = || Candidate { name: ".tmpmedic-0-x".into(), uid: 0, ..stale() };
        stage().removes(Candidate { uid: 1000, ..named() });
        stage().removes(Candidate { mode: 0o755, ..named() });
    }

    #[test]
    fn a_name_that_only_resembles_a_protected_one_is_not_protected() {
        for name in [".testnet_password2", "testnet_password", "tmpmedic-0-x"] {
            stage().removes(Candidate { name: name.into(), ..stale() });
        }
    }

    #[test]
    fn a_family_that_needs_a_look_goes_only_when_picked_or_named() {
        let ask = Stage { safety: Safety::Ask, ..stage() };
        ask.keeps(stale(), "look first: whether go runs; --family go-build");
        let picked = Wishes { names: vec!["go-build123".into()], ..ask.wishes.clone() };
        Stage { wishes: picked, safety: Safety::Ask, ..stage() }.removes(stale());
        let named = Wishes { families: vec!["go-build".into()], ..ask.wishes.clone() };
        Stage { wishes: named, safety: Safety::Ask, ..stage() }.removes(stale());
        let another = Wishes { families: vec!["rustc".into()], ..ask.wishes };
        Stage { wishes: another, safety: Safety::Ask, ..stage() }.keeps(stale(), "look first");
    }

    #[test]
    fn a_line_of_tmpfiles_keeps_it_and_is_shown() {
        Stage::claimed(ClaimKind::Tmpfiles).keeps(stale(), "tmpfiles.d keeps it: /tmp/go-build123/b001");
    }
}
