//! The next entries, made ready in another thread while the ones before are taken: looked at once more, judged by every
//! guard, and written down as they will stand in the journal.

use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::Judge;
use super::recheck::{self, Around, Kept, Looked};
use crate::exec::journal::JournalError;
use crate::exec::journal::codec::Written;
use crate::model::journal::{Act, Change, Record, WorkId};
use crate::model::plan::{Candidate, Planned, Verdict};
use crate::model::raw_path::RawPath;
use crate::model::surroundings::Surroundings;
use crate::model::units::WallNanos;
use crate::sys::clock;

/// The numbers of the steps of a work, each given once, to either thread.
#[derive(Debug, Default)]
pub struct Steps(AtomicU64);

impl Steps {
    /// The first of so many.
    pub fn take(&self, count: usize) -> u64 {
        self.0.fetch_add(u64::try_from(count).unwrap_or(u64::MAX), Ordering::Relaxed)
    }
}

/// What it takes to make entries ready.
#[derive(Clone, Copy)]
pub struct Desk<'a> {
    pub place: BorrowedFd<'a>,
    pub judge: &'a dyn Judge,
    pub work: WorkId,
    pub steps: &'a Steps,
    /// Whether somebody wanted it to end.
    pub stop: &'a AtomicBool,
}

/// How far some entries are.
pub enum Found {
    /// Looked at; who has to do with them is still to be seen.
    Looked(Vec<Looked>),
    /// All but taken.
    Ready(Box<Ready>),
}

/// Entries to be taken now.
pub struct Ready {
    /// What every guard lets go.
    pub going: Vec<Going>,
    /// What stays.
    pub kept: Vec<Kept>,
    /// That they will be taken, to be added to the journal before.
    pub intent: Option<Written>,
}

/// One entry to be taken.
pub struct Going {
    pub entry: Candidate,
    /// Its name in the quarantine.
    pub slot: RawPath,
    pub step: u64,
}

impl Desk<'_> {
    /// As far as possible: where nobody has looked yet who has to do with them, they are only looked at themselves.
    pub fn find(&self, batch: &[&Planned], around: Option<&Surroundings>) -> Result<Found, JournalError> {
        let looked = recheck::look(self.place, batch, self.stop);
        match around {
            Some(around) => self.judged(looked, Some(around)).map(|ready| Found::Ready(Box::new(ready))),
            None => Ok(Found::Looked(looked)),
        }
    }

    /// The rest of it. What was judged by an older look at the machine is judged again where there is a newer one.
    pub fn finish(&self, found: Found, around: &Around) -> Result<Ready, JournalError> {
        match found {
            Found::Ready(ready) if !around.is_new() => Ok(*ready),
            Found::Ready(ready) => {
                let Ready { going, kept, .. } = *ready;
                let again = going.into_iter().map(|going| Ok(going.entry)).chain(kept.into_iter().map(Err));
                self.judged(again.collect(), around.seen())
            }
            Found::Looked(looked) => self.judged(looked, around.seen()),
        }
    }

    fn judged(&self, looked: Vec<Looked>, around: Option<&Surroundings>) -> Result<Ready, JournalError> {
        let (mut ready, mut kept) = (Vec::with_capacity(looked.len()), Vec::new());
        for entry in looked {
            match (entry, around) {
                (Ok(now), Some(seen)) => {
                    let judged = self.judge.judge(now, seen, WallNanos(clock::wall_nanos()));
                    match judged.verdict {
                        Verdict::Remove => ready.push(judged.candidate),
                        Verdict::Keep => kept.push((judged.candidate.name, judged.reason)),
                    }
                }
                (Ok(now), None) => kept.push((now.name, "nobody looked who holds it".to_owned())),
                (Err(stays), _) => kept.push(stays),
            }
        }
        self.written(ready, kept)
    }

    fn written(&self, ready: Vec<Candidate>, kept: Vec<Kept>) -> Result<Ready, JournalError> {
        let first = self.steps.take(ready.len());
        let going: Vec<Going> = ready
            .into_iter()
            .zip(first..)
            .map(|(entry, step)| Going { entry, slot: slot(self.work, step), step })
            .collect();
        let acts = going.iter().map(|Going { entry, slot, step }| Act {
            step: *step,
            change: Change::Quarantine {
                name: entry.name.clone(),
                object: entry.object,
                slot: slot.clone(),
                bytes: Some(entry.tree.bytes),
            },
        });
        let intent = Record::Intent { work: self.work, steps: acts.collect() };
        let intent = if going.is_empty() { None } else { Some(Written::new(intent)?) };
        Ok(Ready { going, kept, intent })
    }
}

/// The name of an entry in the quarantine.
fn slot(work: WorkId, step: u64) -> RawPath {
    RawPath::from(format!("{}-{step}", work.0).as_str())
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;

    use super::*;
    use crate::exec::stage::Stage;

    /// Lets go what nobody has to do with.
    struct Claims;

    impl Judge for Claims {
        fn judge(&self, candidate: Candidate, around: &Surroundings, _: WallNanos) -> Planned {
            let is_held = around.claims.contains_key(&candidate.name);
            let verdict = if is_held { Verdict::Keep } else { Verdict::Remove };
            Planned { candidate, verdict, reason: "held".to_owned() }
        }
    }

    fn around(held: &[&str]) -> Surroundings {
        Surroundings {
            claims: held.iter().map(|name| (RawPath::from(*name), Vec::new())).collect(),
            ..Surroundings::default()
        }
    }

    #[test]
    fn what_is_held_by_the_newest_look_is_not_taken_whatever_an_older_one_said() {
        let stage = Stage::new();
        for name in ["a", "b", "c"] {
            std::fs::write(stage.path(name), name).unwrap();
        }
        let plan = stage.plan(&["a", "b", "c"]);
        let batch: Vec<&Planned> = plan.entries.iter().collect();
        let (steps, stop) = (Steps::default(), AtomicBool::new(false));
        let (place, work) = (stage.place.as_fd(), WorkId(1));
        let desk = Desk { place, judge: &Claims, work, steps: &steps, stop: &stop };
        let names = |ready: &Ready| {
            let Some(Record::Intent { steps, .. }) = ready.intent.as_ref().map(Written::record) else {
                return Vec::new();
            };
            let going = ready.going.iter().map(|going| (going.step, going.entry.name.shown()));
            assert!(going.eq(steps.iter().map(|act| match &act.change {
                Change::Quarantine { name, .. } => (act.step, name.shown()),
                other => panic!("{other:?}"),
            })));
            ready.going.iter().map(|going| going.entry.name.shown()).collect::<Vec<_>>()
        };
        let older = around(&["a"]);
        let found = || desk.find(&batch, Some(&older)).unwrap();
        let same = desk.finish(found(), &Around::default()).unwrap();
        assert_eq!(names(&same), ["b", "c"]);
        let newer = Around::of(around(&["b"]));
        let ready = desk.finish(found(), &newer).unwrap();
        assert_eq!(names(&ready), ["c"]);
        assert_eq!(ready.kept.len(), 2);
        let ready = desk.finish(desk.find(&batch, None).unwrap(), &newer).unwrap();
        assert_eq!(names(&ready), ["a", "c"]);
        let unseen = desk.finish(desk.find(&batch, None).unwrap(), &Around::default()).unwrap();
        assert!(names(&unseen).is_empty(), "nobody looked");
    }
}
