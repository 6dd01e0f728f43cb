//! `unheld`: who holds an entry or names it. What could not be looked at counts as held.

use super::super::scene::Scene;
use super::unmounted::is_mount;
use super::{Guard, Reasons, claim, party};
use crate::model::plan::{Candidate, Tried};
use crate::model::surroundings::{ClaimKind, Within};

/// See the module's header.
pub const GUARD: Guard = Guard {
    id: "unheld",
    holds: "no process of any namespace holds or names it",
    kept: "in use",
    why: "a process holds or names it",
    reasons: Reasons::Each,
    keeps: held,
};

fn held(candidate: &Candidate, scene: &Scene<'_>) -> Option<String> {
    if let Some(claim) = claim(candidate, scene, |kind| !is_mount(kind) && kind != ClaimKind::Tmpfiles) {
        let (how, word) = match claim.kind {
            ClaimKind::Cwd => ("it is a working directory", "of"),
            ClaimKind::Root => ("it is a root directory", "of"),
            ClaimKind::Exe => ("a program in it runs", "as"),
            ClaimKind::Fd => ("it is open", "in"),
            ClaimKind::Map => ("it is mapped into memory", "of"),
            ClaimKind::Lock => ("it is locked", "by"),
            ClaimKind::Socket => ("a bound socket lies in it", "of"),
            ClaimKind::Variable => ("it is named by a variable", "of"),
            ClaimKind::CommandLine => ("it is named by the command line", "of"),
            ClaimKind::NamedPid => ("its name holds the number of a live process", "of"),
            _ => ("it is in use", "by"),
        };
        // The lock itself names nobody.
        let locked = candidate.locked == Tried::Taken && claim.kind != ClaimKind::Lock;
        let locked = if locked { ", and locked" } else { "" };
        return Some(format!("{how}{}{locked}: {}", party(word, claim), claim.shown.shown()));
    }
    let gap = scene.surroundings.hidden_for_all(Within::of(&candidate.tree))?;
    Some(format!("not known whether it is held: {}: {}", gap.what, gap.why.shown()))
}

#[cfg(test)]
mod tests {
    use super::super::stage::{Stage, stage, stale};
    use super::*;
    use crate::model::reading::{Gap, GapWhy};

    #[test]
    fn every_kind_of_holder_keeps_it_and_is_named() {
        use ClaimKind::{CommandLine, Cwd, Exe, Fd, Lock, Map, NamedPid, Root, Socket, Variable};
        for kind in [Cwd, Root, Exe, Fd, Map, Lock, Socket, Variable, CommandLine, NamedPid] {
            Stage::claimed(kind).keeps(stale(), "pid 812 (go, runner@1.service): /tmp/go-build123/b001");
        }
    }

    #[test]
    fn a_claim_on_another_entry_says_nothing() {
        let held = Stage::claimed(ClaimKind::Cwd);
        for name in ["go-build124", "go-build12", "go-build1234"] {
            held.removes(Candidate { name: name.into(), ..stale() });
        }
    }

    #[test]
    fn whoever_has_the_lock_is_named_by_the_descriptor() {
        let held = Stage::claimed(ClaimKind::Fd);
        let locked = Candidate { locked: Tried::Taken, ..stale() };
        held.keeps(locked, "it is open in pid 812 (go, runner@1.service), and locked: /tmp/go-build123");
        Stage::claimed(ClaimKind::Lock).keeps(stale(), "it is locked by pid 812");
    }

    #[test]
    fn no_risk_is_taken_with_what_is_known_to_be_held() {
        let mut held = Stage::claimed(ClaimKind::Fd);
        held.wishes.assume_unheld = true;
        held.keeps(stale(), "it is open in pid 812");
    }

    #[test]
    fn what_could_not_be_looked_at_counts_as_held() {
        let mut stage = stage();
        stage.surroundings.gaps.push(Gap::new("mount table of pid 7", GapWhy::Denied));
        stage.keeps(stale(), "not known whether it is held: mount table of pid 7");
    }
}
