//! The digests by which plans are named; several at once have one, over those of each.

use sha2::{Digest, Sha256};

use super::page::wanted;
use crate::exec::seal;
use crate::model::plan::Plan;

/// Digits of a digest that stand for it in a command.
const DIGITS: usize = 12;

/// The digest under which these plans are sealed.
pub fn sealed(plans: &[Plan]) -> String {
    joined(plans, |plan| plan.digest.clone())
}

/// The digest that whoever plans the same removals has, whenever and with whatever rights: over the boot, the directory, the
/// wishes, and exactly which objects go. Why others stay, and since when, is no part of it.
pub fn agreed(plans: &[Plan]) -> String {
    joined(plans, |plan| {
        let going: Vec<_> = wanted(&plan.entries).map(|e| (&e.candidate.name, &e.candidate.object)).collect();
        seal::hash(&(&plan.boot_id, &plan.root, &plan.place, &plan.wishes, going))
    })
}

/// The digits of a digest that stand for it.
pub fn short(digest: &str) -> String {
    digest.chars().take(DIGITS).collect()
}

fn joined(plans: &[Plan], one: impl Fn(&Plan) -> String) -> String {
    match plans {
        [plan] => one(plan),
        all => {
            let text: String = all.iter().map(one).collect();
            Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
        }
    }
}
