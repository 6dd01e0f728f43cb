//! `unlocked`: who has a lock on an entry. What could not be tried counts as locked.

use super::super::scene::Scene;
use super::{Guard, Reasons};
use crate::model::plan::{Candidate, Tried};

/// See the module's header.
pub const GUARD: Guard = Guard {
    id: "unlocked",
    holds: "nobody has a BSD lock on it",
    kept: "locked",
    why: "somebody has a lock on it",
    reasons: Reasons::Each,
    keeps: locked,
};

fn locked(candidate: &Candidate, _: &Scene<'_>) -> Option<String> {
    match &candidate.locked {
        Tried::Free | Tried::NotLockable => None,
        // Whoever has it has it open, and is named by the guard before; what is left is out of sight.
        Tried::Taken => Some("somebody who cannot be seen has a lock on it".to_owned()),
        Tried::Unknown(why) => Some(format!("not known whether it is locked: {why}")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::stage::{stage, stale};
    use super::*;

    #[test]
    fn a_lock_keeps_it_and_so_does_one_that_could_not_be_tried() {
        stage().keeps(Candidate { locked: Tried::Taken, ..stale() }, "has a lock on it");
        stage().keeps(
            Candidate { locked: Tried::Unknown("EIO".into()), ..stale() },
            "not known whether it is locked",
        );
        stage().removes(Candidate { locked: Tried::NotLockable, ..stale() });
    }
}
