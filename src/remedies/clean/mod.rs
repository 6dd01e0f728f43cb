//! Which entries of a temp dir may go: an entry goes only if every guard lets it.

mod guards;
mod scene;

use crate::model::plan::{Candidate, Planned, Verdict};
pub use guards::{FOREIGN, GUARDS, Guard, Reasons, UNREAD, strangers};
pub use scene::Scene;

/// What becomes of an entry, and why: the first guard that keeps it says so.
pub fn judge(candidate: Candidate, scene: &Scene<'_>) -> Planned {
    judged_by(candidate, scene).0
}

/// The same, with the guard that keeps it.
pub fn judged_by(candidate: Candidate, scene: &Scene<'_>) -> (Planned, Option<&'static Guard>) {
    let kept = GUARDS.iter().find_map(|guard| Some((guard, (guard.keeps)(&candidate, scene)?)));
    if let Some((guard, reason)) = kept {
        return (Planned { candidate, verdict: Verdict::Keep, reason }, Some(guard));
    }
    let reason = scene.in_favour(&candidate);
    (Planned { candidate, verdict: Verdict::Remove, reason }, None)
}
