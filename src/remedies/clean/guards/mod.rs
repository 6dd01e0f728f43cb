//! The conditions under which an entry may go. Each is a small pure function that says why an entry stays, or nothing;
//! unknown means that it stays. A new one is a file with its [`Guard`], named after its id, and one line in the registry.

#[cfg(test)]
mod stage;

use super::scene::Scene;
use crate::model::plan::Candidate;
use crate::model::raw_path::RawPath;
use crate::model::surroundings::{Claim, ClaimKind};
pub use read::strangers;

/// The guard that keeps what stays only because not every process could be read.
pub const UNREAD: &str = read::GUARD.id;
/// The guard that keeps what root alone may remove.
pub const FOREIGN: &str = removable::GUARD.id;

/// One condition.
pub struct Guard {
    /// Stable id.
    pub id: &'static str,
    /// The condition, in one sentence.
    pub holds: &'static str,
    /// What an entry is that stays for it, in a few words.
    pub kept: &'static str,
    /// Why it stays, where it has a row of its own.
    pub why: &'static str,
    /// What of the reasons of all that stay is told.
    pub reasons: Reasons,
    /// Why exactly this entry stays, if it does.
    pub keeps: fn(&Candidate, &Scene<'_>) -> Option<String>,
}

/// What a page tells of the reasons for which entries stay by one guard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reasons {
    /// They name somebody, or what is wrong: each is worth a line.
    Each,
    /// They differ by age, owner or family: a few, or how long ago.
    Few,
    /// They are one and the same, and told apart from the entries.
    One,
}

/// Declares the modules of the guards and their registry in one list.
macro_rules! registry {
    ($($module:ident,)*) => {
        $(mod $module;)*
        /// All conditions, in the order in which they are asked: what protects others comes before what the user wishes,
        /// and what names a process before what only names a rule.
        pub const GUARDS: &[Guard] = &[$($module::GUARD),*];
    };
}

registry! {
    here,
    clock,
    unmounted,
    unprotected,
    unheld,
    removable,
    unlocked,
    old,
    expected,
    wanted,
    read,
}

fn claim<'a>(candidate: &Candidate, scene: &Scene<'a>, is: impl Fn(ClaimKind) -> bool) -> Option<&'a Claim> {
    scene.surroundings.claims.get(&candidate.name)?.iter().find(|claim| is(claim.kind))
}

/// ` WORD pid 812 (go, runner@1.service)`; nothing where no process stands behind it.
fn party(word: &str, claim: &Claim) -> String {
    let Some(pid) = claim.pid else { return String::new() };
    let names = [&claim.program, &claim.party].into_iter().flatten();
    let names: Vec<String> = names.map(|name| RawPath::from(name.as_str()).shown()).collect();
    let names = if names.is_empty() { String::new() } else { format!(" ({})", names.join(", ")) };
    format!(" {word} pid {pid}{names}")
}

fn at(below: &RawPath) -> String {
    if below.is_empty() { String::new() } else { format!(", at {}", below.shown()) }
}

#[cfg(test)]
mod tests {
    use super::stage::{stage, stale};

    #[test]
    fn what_is_stale_in_every_respect_goes() {
        stage().removes(stale());
    }
}
