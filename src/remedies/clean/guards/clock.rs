//! `clock`: without a clock that can be believed no age means anything.

use super::super::scene::Scene;
use super::{Guard, Reasons, at};
use crate::model::plan::Candidate;
use crate::model::units::{Seconds, WallNanos};

/// Clocks of a file server and its clients differ by so much without harm.
const SLACK: i64 = 2_000_000_000;
/// What a clock is stepped by when it is first synchronised does not change what is a day old.
const STEP: u64 = 60_000_000_000;
/// The clock of a machine may be slewed by so much while it is up.
const BOOT: i64 = 3_600_000_000_000;

/// See the module's header.
pub const GUARD: Guard = Guard {
    id: "clock",
    holds: "the clock can be believed",
    kept: "of unknown age",
    why: "stamped in the future: the clock cannot be believed",
    reasons: Reasons::Each,
    keeps: bad_clock,
};

/// A clock that was set back makes everything look young or of the future; one that was set ahead, old.
fn bad_clock(candidate: &Candidate, scene: &Scene<'_>) -> Option<String> {
    let booted = scene.surroundings.booted;
    if scene.now < booted {
        return Some("the clock stands before this boot: no age can be believed".to_owned());
    }
    let step = booted.0.abs_diff(scene.booted_before.0);
    if step > STEP {
        let step = Seconds(step / 1_000_000_000);
        return Some(format!("the clock was set by {step} while this ran: no age can be believed"));
    }
    let boot = WallNanos(booted.0.saturating_sub(BOOT));
    if scene.surroundings.in_memory && candidate.tree.unseen.is_none() && candidate.tree.newest < boot {
        let why = "its stamps are older than this boot, and it lies in memory: the clock was set since";
        return Some(format!("{why}, no age can be believed"));
    }
    let ahead = candidate.tree.newest > WallNanos(scene.now.0.saturating_add(SLACK));
    ahead
        .then(|| format!("it has a stamp in the future{}: its age is unknown", at(&candidate.tree.newest_at)))
}

#[cfg(test)]
mod tests {
    use super::super::stage::{DAY, NOW, Stage, stage, stale};
    use super::*;
    use crate::model::plan::{Tree, Wishes};

    #[test]
    fn an_age_that_nobody_knows_keeps_it() {
        let tree = Tree { newest: WallNanos(NOW + DAY), newest_at: "b001".into(), ..stale().tree };
        let wishes = Wishes { older_than: Seconds(0), ..Wishes::default() };
        Stage { wishes, ..stage() }.keeps(Candidate { tree, ..stale() }, "in the future, at b001");
        Stage { now: NOW - 400 * DAY, ..stage() }.keeps(stale(), "before this boot");
    }

    #[test]
    fn what_lies_in_memory_and_looks_older_than_the_boot_has_no_age() {
        let tree = Tree { newest: WallNanos(NOW - 400 * DAY), ..stale().tree };
        let old = Candidate { tree, ..stale() };
        stage().removes(old.clone());
        let mut in_memory = stage();
        in_memory.surroundings.in_memory = true;
        in_memory.keeps(old, "older than this boot");
        in_memory.removes(stale());
    }

    #[test]
    fn a_file_server_that_is_a_second_ahead_is_no_harm() {
        let tree = Tree { newest: WallNanos(NOW + 1_000_000_000), ..stale().tree };
        let wishes = Wishes { older_than: Seconds(0), ..Wishes::default() };
        Stage { wishes, ..stage() }.removes(Candidate { tree, ..stale() });
    }

    #[test]
    fn a_clock_that_was_set_meanwhile_keeps_everything() {
        let booted = stage().surroundings.booted.0;
        for days in [-400, 400] {
            let moved = Stage { booted_before: booted + days * DAY, ..stage() };
            moved.keeps(stale(), "the clock was set by 400 d");
        }
        Stage { booted_before: booted + 500_000_000, ..stage() }.removes(stale());
    }
}
