//! Once more before an entry is taken: is it what the plan saw, and does no guard keep it now?

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::Course;
use crate::exec::examine;
use crate::model::plan::{Candidate, Planned};
use crate::model::raw_path::RawPath;
use crate::model::surroundings::{About, Surroundings};
use crate::sys::clock::Stopwatch;

/// How old what is known of other processes may be when an entry is taken.
const FRESH: Duration = Duration::from_secs(2);
/// Of so many entries ahead the names are looked at together with the processes.
const AHEAD: usize = 64 << 10;

/// An entry that stays, and why.
pub type Kept = (RawPath, String);
/// One entry as it is now, or why it stays.
pub type Looked = Result<Candidate, Kept>;

/// Looks at each; none where somebody wanted it to end.
pub fn look(place: BorrowedFd<'_>, batch: &[&Planned], stop: &AtomicBool) -> Vec<Looked> {
    let goes_on = || !stop.load(Ordering::Relaxed);
    let mut looked = Vec::with_capacity(batch.len());
    for planned in batch {
        let name = &planned.candidate.name;
        let found = examine::examine_again(place, name.as_bytes(), &planned.candidate.object, &goes_on);
        if !goes_on() {
            return Vec::new();
        }
        looked.push(match found {
            Ok(now) if now.object == planned.candidate.object => {
                Ok(Candidate { family: planned.candidate.family.clone(), ..now })
            }
            Ok(_) => Err((name.clone(), "another object has its name since the plan was made".to_owned())),
            Err(error) => Err((name.clone(), changed(&error))),
        });
    }
    looked
}

fn changed(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "it is gone already".to_owned(),
        _ => format!("it cannot be looked at any more: {error}"),
    }
}

/// Who has to do with the entries that come next.
#[derive(Default)]
pub struct Around {
    seen: Option<Surroundings>,
    since: Option<Stopwatch>,
    /// How many of the entries that come next it is about.
    left: usize,
    is_new: bool,
}

impl Around {
    /// For tests: this was just seen.
    #[cfg(test)]
    pub fn of(seen: Surroundings) -> Self {
        Self { seen: Some(seen), is_new: true, ..Self::default() }
    }

    /// Looks anew where the last look is too old, or was not about this batch.
    pub fn renew(&mut self, course: &mut Course<'_, '_>, (batch, rest): (&[&Planned], &[&Planned])) {
        let is_fresh = self.since.is_some_and(|since| !since.left_of(FRESH).is_zero());
        self.is_new = !is_fresh || self.left < batch.len();
        if self.is_new {
            let next = batch.iter().chain(rest.iter().take(AHEAD.saturating_sub(batch.len())));
            let names: Vec<&RawPath> = next.map(|planned| &planned.candidate.name).collect();
            let (_, asked) = course.questions();
            let sweep = &mut course.sweep;
            // Before, so that its age is never taken for less than it is.
            self.since = Some(Stopwatch::start());
            let about = About::These(&names);
            let (dir, path) = (sweep.place.as_fd(), &course.plan.root);
            self.seen = sweep.eyes.surroundings_while(dir, path, about, &asked);
            self.left = names.len();
        }
        self.left = self.left.saturating_sub(batch.len());
    }

    /// Whether it was looked for this batch.
    pub fn is_new(&self) -> bool {
        self.is_new
    }

    /// What was seen, whatever it was about.
    pub fn seen(&self) -> Option<&Surroundings> {
        self.seen.as_ref()
    }

    /// What was seen, if it was about so many entries more.
    pub fn of_next(&self, count: usize) -> Option<&Surroundings> {
        self.seen.as_ref().filter(|_| count <= self.left)
    }
}
