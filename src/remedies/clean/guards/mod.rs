//! The conditions under which an entry may go. Each is a small pure function that says why an entry stays, or nothing;
//! unknown means that it stays. A new one is a function in the file of its group and one line in [`GUARDS`].

mod age;
mod choice;
mod ground;
mod hold;
mod mounts;
mod protection;
#[cfg(test)]
mod stage;
mod unread;

use super::scene::Scene;
use crate::model::plan::Candidate;
use crate::model::raw_path::RawPath;
use crate::model::surroundings::{Claim, ClaimKind};
pub use unread::strangers;

/// The guard that keeps what stays only because not every process could be read.
pub const UNREAD: &str = "read";

/// One condition.
pub struct Guard {
    /// Stable id.
    pub id: &'static str,
    /// The condition, in one sentence.
    pub holds: &'static str,
    /// What an entry is that stays for it, in a few words.
    pub kept: &'static str,
    /// Why the entry stays, if it does.
    pub keeps: fn(&Candidate, &Scene<'_>) -> Option<String>,
}

/// All conditions, in the order in which they are asked: what protects others comes before what the user wishes, and what
/// names a process before what only names a rule.
pub const GUARDS: &[Guard] = &[
    Guard {
        id: "here",
        holds: "it lies on the mount of the temp dir itself",
        kept: "mount points",
        keeps: ground::elsewhere,
    },
    Guard {
        id: "clock",
        holds: "the clock can be believed",
        kept: "of unknown age",
        keeps: ground::bad_clock,
    },
    Guard {
        id: "unmounted",
        holds: "nothing is mounted in it or from it, in any namespace",
        kept: "mounts need them",
        keeps: mounts::mounted,
    },
    Guard {
        id: "unprotected",
        holds: "neither its family, the site nor the user protects it",
        kept: "protected",
        keeps: protection::protected,
    },
    Guard {
        id: "unheld",
        holds: "no process of any namespace holds or names it",
        kept: "in use",
        keeps: hold::held,
    },
    Guard {
        id: "removable",
        holds: "it is of the user who cleans up, or that is root",
        kept: "of other users",
        keeps: choice::foreign,
    },
    Guard { id: "unlocked", holds: "nobody has a BSD lock on it", kept: "locked", keeps: hold::locked },
    Guard {
        id: "old",
        holds: "the newest stamp in its whole tree is older than asked for",
        kept: "touched too lately",
        keeps: age::young,
    },
    Guard {
        id: "expected",
        holds: "its owner builds here, or the user chose it",
        kept: "nobody chose them",
        keeps: choice::unexpected,
    },
    Guard {
        id: "wanted",
        holds: "it is among what the user asked for",
        kept: "not asked for",
        keeps: choice::unwanted,
    },
    Guard {
        id: UNREAD,
        holds: "whoever may hold it could be read, or the user takes that upon himself",
        kept: "perhaps held: not seen",
        keeps: unread::unread,
    },
];

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
    use std::collections::BTreeSet;

    use super::stage::{stage, stale};
    use super::*;

    #[test]
    fn what_is_stale_in_every_respect_goes() {
        stage().removes(stale());
    }

    #[test]
    fn ids_are_unique_and_each_says_its_condition() {
        let ids: BTreeSet<&str> = GUARDS.iter().map(|guard| guard.id).collect();
        assert_eq!(ids.len(), GUARDS.len());
        assert!(GUARDS.iter().all(|guard| !guard.holds.is_empty() && !guard.kept.is_empty()));
    }
}
