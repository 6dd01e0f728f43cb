//! One look after another: which kind is next, when, and what the judge makes of it.
//!
//! Called by `source::live`, in its thread or in slices. A defect in a collector costs a look, not the console.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use crate::catalog::Catalog;
use crate::collect::{Budget, Depth, Eyes};
use crate::model::asked::Asked;
use crate::model::reading::{Gap, GapWhy, Strain};
use crate::model::snapshot::Snapshot;
use crate::source::nothing::nothing;
use crate::source::pace::{self, Costs, Mood};
use crate::sys::clock::Stopwatch;

/// How long one look may take while somebody watches.
const DEADLINE: Duration = Duration::from_secs(3);
/// So many looks without news, and the machine counts as calm.
const CALM_AFTER: u32 = 3;

/// What becomes of a snapshot. It may see an earlier one again: `None` asks for the last once more.
pub type Judge<T> = Box<dyn FnMut(Option<Snapshot>) -> Option<Judged<T>> + Send>;

/// What the judge says.
#[derive(Debug)]
pub struct Judged<T> {
    /// What is handed on.
    pub result: T,
    /// Whether it differs from the one before in anything but the time.
    pub news: News,
}

/// Whether a look showed anything new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// It did.
    Some,
    /// It did not.
    None,
}

/// What is to be done next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// A look, because it is time.
    Look(Watched),
    /// A whole look, because it was asked for.
    Rescan,
    /// No look: the judge knows more.
    JudgeAgain,
}

/// Whether somebody was there a moment ago.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Watched {
    /// A key was pressed.
    Yes,
    /// None for a while.
    No,
}

/// The eyes, the judge, and when they are next needed.
pub struct Looker<T> {
    eyes: Option<Eyes>,
    catalog: Arc<Catalog>,
    asked: Asked,
    judge: Judge<T>,
    /// What the machine refused, to be said with every look.
    pub strain: Option<Strain>,
    looks: u64,
    /// Looks in a row that showed nothing new.
    quiet: u32,
    /// When the last look of any kind ended, and what the quick ones cost.
    quick: (Stopwatch, Costs),
    /// The same of the whole ones.
    whole: (Stopwatch, Costs),
}

impl<T> Looker<T> {
    /// Has not looked yet.
    pub fn new(catalog: Arc<Catalog>, asked: Asked, judge: Judge<T>) -> Self {
        let never = (Stopwatch::start(), Costs::default());
        Self {
            eyes: None,
            catalog,
            asked,
            judge,
            strain: None,
            looks: 0,
            quiet: 0,
            quick: never,
            whole: never,
        }
    }

    /// How long until the next look; the first two come at once.
    pub fn left(&self, watched: Watched) -> Duration {
        if self.looks < 2 {
            return Duration::ZERO;
        }
        let mood = self.mood(watched);
        self.quick.0.left_of(pace::QUICK.rest(self.quick.1.usual(), mood))
    }

    fn mood(&self, watched: Watched) -> Mood {
        if watched == Watched::Yes || self.quiet < CALM_AFTER { Mood::Lively } else { Mood::Calm }
    }

    /// The first look is quick, the second whole; from then on a look is whole when it is time for that.
    fn depth(&self, watched: Watched) -> Depth {
        let rest = pace::WHOLE.rest(self.whole.1.usual(), self.mood(watched));
        let is_due = self.looks == 1 || self.looks > 1 && self.whole.0.left_of(rest).is_zero();
        if is_due { Depth::Whole } else { Depth::Quick }
    }

    /// Does it, and gives what the judge made of it.
    pub fn perform(&mut self, task: Task, counting: Duration) -> Option<T> {
        let depth = match task {
            Task::JudgeAgain => return Some((self.judge)(None)?.result),
            Task::Look(watched) => self.depth(watched),
            Task::Rescan => Depth::Whole,
        };
        let before = cpu_time();
        let now = self.look(depth, counting);
        let judged = (self.judge)(Some(now));
        let cost = cpu_time().saturating_sub(before);
        self.take_note(depth, cost);
        let judged = judged?;
        self.quiet = if judged.news == News::Some { 0 } else { self.quiet.saturating_add(1) };
        Some(judged.result)
    }

    fn take_note(&mut self, depth: Depth, cost: Duration) {
        match depth {
            // The first look reads everything anew; what later ones cost has nothing to do with that.
            Depth::Quick if self.looks == 0 => {}
            Depth::Quick => self.quick.1.add(cost),
            Depth::Whole => {
                self.whole.0 = Stopwatch::start();
                self.whole.1.add(cost);
            }
        }
        self.quick.0 = Stopwatch::start();
        self.looks += 1;
    }

    /// A defect in a collector costs this look, not the console.
    fn look(&mut self, depth: Depth, counting: Duration) -> Snapshot {
        let budget = Budget { deadline: DEADLINE, counting, depth };
        let eyes = self.eyes.take();
        let (catalog, asked) = (Arc::clone(&self.catalog), &self.asked);
        let looked = catch_unwind(AssertUnwindSafe(|| {
            let mut eyes = eyes.unwrap_or_else(|| Eyes::open(catalog));
            let now = eyes.look(asked, budget);
            (eyes, now)
        }));
        match looked {
            Ok((eyes, mut now)) => {
                self.eyes = Some(eyes);
                now.strains.extend(self.strain.clone());
                now
            }
            Err(_panic) => {
                let line = "a defect of tmpmedic ended the look".to_owned();
                nothing(self.asked.clone(), &Gap::new("this machine", GapWhy::Malformed { line }))
            }
        }
    }
}

/// Time that all our threads have worked; waiting for a disk is not work.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanos = u32::try_from(time.tv_nsec).unwrap_or(0);
    Duration::new(seconds, nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn looker() -> Looker<()> {
        Looker::new(Arc::new(Catalog::builtin()), Asked::default(), Box::new(|_| None))
    }

    #[test]
    fn the_first_look_is_quick_and_the_second_whole() {
        let mut looker = looker();
        assert_eq!(looker.depth(Watched::Yes), Depth::Quick);
        looker.looks = 1;
        assert_eq!(looker.depth(Watched::Yes), Depth::Whole);
        looker.looks = 2;
        assert_eq!(looker.depth(Watched::Yes), Depth::Quick, "the whole one was a moment ago");
    }

    #[test]
    fn the_first_look_does_not_delay_the_later_ones() {
        let mut looker = looker();
        looker.take_note(Depth::Quick, Duration::from_mins(1));
        looker.take_note(Depth::Whole, Duration::from_mins(1));
        assert!(looker.left(Watched::No) <= Duration::from_secs(1));
    }

    #[test]
    fn grows_calm_when_nothing_moves_and_nobody_touches_it() {
        let mut looker = looker();
        looker.quiet = CALM_AFTER;
        assert_eq!(looker.mood(Watched::No), Mood::Calm);
        assert_eq!(looker.mood(Watched::Yes), Mood::Lively);
        looker.quiet = 0;
        assert_eq!(looker.mood(Watched::No), Mood::Lively);
    }
}
