//! What has changed since a plan was written to a file: then nothing of it is done.

use std::os::fd::AsFd;

use super::Job;
use crate::cmd::Refusal;
use crate::cmd::clean::document::Totals;
use crate::cmd::clean::page::wanted;
use crate::cmd::clean::progress::Progress;
use crate::cmd::workshop::now;
use crate::exec::examine::{Budget, examine_while};
use crate::exec::sweep::Eyes;
use crate::exit::Exit;
use crate::model::plan::{Candidate, Plan, Verdict};
use crate::model::surroundings::About;
use crate::model::units::Bytes;

/// How many changes are named where a plan is stale.
const CHANGES: usize = 20;

/// What is no longer as a plan that came from a file says; nothing has been changed then.
///
/// # Errors
/// A refusal that names the changes.
pub fn refuse_changes(plan: &Plan, job: &Job<'_>, progress: &mut Progress<'_>) -> anyhow::Result<()> {
    let place = job.place_of(plan)?;
    let mut watch = job.ground.watch(&plan.wishes, &place)?;
    let goes_on = || !job.stop.is_asked();
    let surroundings = watch
        .looks
        .surroundings_while(place.dir.as_fd(), &place.path, About::All, &goes_on)
        .ok_or_else(Refusal::stopped)?;
    progress.begin(
        &format!("{}: comparing", place.path.shown()),
        Some(Totals::of(std::slice::from_ref(plan)).remove),
    );
    let mut changes = Vec::new();
    for (done, planned) in (0..).zip(wanted(&plan.entries)) {
        let candidate = &planned.candidate;
        let change =
            match examine_while(place.dir.as_fd(), candidate.name.as_bytes(), Budget::default(), &goes_on) {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => Some("it is gone".to_owned()),
                Err(error) => Some(error.to_string()),
                Ok(found) if found.object != candidate.object => {
                    Some("another object has its name".to_owned())
                }
                Ok(found) => {
                    let change = changed(&found, candidate);
                    let (judged, _) = watch.jury.judged(found, &surroundings, now());
                    if judged.verdict == Verdict::Keep { Some(judged.reason) } else { change }
                }
            };
        changes.extend(change.map(|why| format!("  {}: {why}", candidate.name.shown())));
        if !progress.tell(done, Bytes(0)) {
            return Err(Refusal::stopped());
        }
    }
    progress.end();
    if changes.is_empty() {
        return Ok(());
    }
    let count = changes.len();
    changes.truncate(CHANGES);
    if count > CHANGES {
        changes.push(format!("  and {} more", count - CHANGES));
    }
    let message = format!(
        "{}: nothing was changed, because {count} of its entries are not as the plan says; make it anew\n{}",
        plan.root.shown(),
        changes.join("\n")
    );
    Err(Refusal { exit: Exit::NotNow, message }.into())
}

/// What is another one than was shown, though its age may still do. That it was read is no change.
fn changed(found: &Candidate, planned: &Candidate) -> Option<String> {
    let (now, then) = (&found.tree, &planned.tree);
    let what = if (found.uid, found.mode) != (planned.uid, planned.mode) {
        "its owner or mode"
    } else if (now.entries, now.bytes) != (then.entries, then.bytes) {
        "what lies in it"
    } else {
        return None;
    };
    Some(format!("{what} has changed"))
}
