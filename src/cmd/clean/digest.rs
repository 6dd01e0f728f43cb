//! The digests by which plans are named; several at once have one, over those of each.

use sha2::{Digest, Sha256};

use crate::model::plan::Plan;

/// Digits of a digest that stand for it in a command.
const DIGITS: usize = 12;

/// The seal of these plans.
pub fn sealed<'p>(plans: impl IntoIterator<Item = &'p Plan>) -> String {
    joined(plans.into_iter().map(|plan| plan.seal.as_str()))
}

/// The digest by which these plans are agreed to.
pub fn agreed<'p>(plans: impl IntoIterator<Item = &'p Plan>) -> String {
    joined(plans.into_iter().map(|plan| plan.digest.as_str()))
}

/// The digits of a digest that stand for it.
pub fn short(digest: &str) -> String {
    digest.chars().take(DIGITS).collect()
}

fn joined<'p>(all: impl Iterator<Item = &'p str>) -> String {
    let all: Vec<&str> = all.collect();
    match all.as_slice() {
        [one] => (*one).to_owned(),
        several => Sha256::digest(several.concat()).iter().map(|byte| format!("{byte:02x}")).collect(),
    }
}
