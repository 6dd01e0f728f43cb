//! The journal for a screen.

use super::book::{Book, Entry, Then};
use super::words::{is_done, is_stopped, rows, sentence, title};
use crate::cmd::workshop::{Actor, Names, chain, homes, journals};
use crate::exec::journal;
use crate::exec::undo::Step;
use crate::model::journal::{Done, Figures};
use crate::model::reading::{Gap, GapWhy, Reading};
use crate::model::units::Micros;
use crate::model::work::{Came, Changed, Fate, Worked};
use crate::sys::clock::Stopwatch;

/// How many steps a screen gets: more than anybody scrolls through.
const STEPS: usize = 2_000;

/// What was done, for a screen: the newest first.
pub fn works() -> Reading<Vec<Worked>> {
    let (us, names, watch) = (Actor::find(), Names::read(), Stopwatch::start());
    let (mut all, mut gaps) = (Vec::new(), Vec::new());
    for (home, read) in journals(&homes(us.uid), us.uid, journal::history) {
        let what = format!("the journal in {}", home.shown());
        match read {
            Ok(content) => {
                if content.is_newer {
                    let line = "a newer tmpmedic wrote in it".to_owned();
                    gaps.push(Gap::new(what, GapWhy::Malformed { line }));
                }
                all.push((home, content.records));
            }
            Err(why) => gaps.push(Gap::new(what, GapWhy::Malformed { line: chain(&why) })),
        }
    }
    let book = Book::of(all);
    let mut works: Vec<Worked> = book.works().iter().map(|entry| worked(entry, &names)).collect();
    works.sort_by_key(|work: &Worked| std::cmp::Reverse((work.time, work.work)));
    let took = Micros(watch.micros());
    match gaps.pop() {
        Some(gap) if works.is_empty() => Reading::Blind { gap },
        gap => Reading::of(works, took, gaps.into_iter().chain(gap).collect()),
    }
}

fn worked(entry: &Entry<'_>, names: &Names) -> Worked {
    let begin = entry.begin;
    let login = begin.login_uid.filter(|uid| *uid != begin.uid);
    let login = login.map(|uid| format!(" (login {})", names.of(uid))).unwrap_or_default();
    // What did not go well is never among those that are left out.
    let (done, rest): (Vec<_>, Vec<_>) = entry.steps.iter().partition(|(_, step)| is_done(step));
    let mut some: Vec<_> = rest.into_iter().chain(done).take(STEPS).collect();
    some.sort_by_key(|(number, _)| **number);
    let steps = some.into_iter().map(|(_, step)| {
        let fate = step.done.as_ref().map(|done| match done {
            Done::Done { .. } => Fate::Done,
            Done::Kept { why } => Fate::Kept(why.clone()),
            Done::Failed { why, .. } => Fate::Failed(why.clone()),
        });
        (sentence(step), fate)
    });
    Worked {
        work: begin.work,
        time: begin.time,
        who: format!("{}{login}", names.of(begin.uid)),
        action: begin.action.clone(),
        title: title(entry),
        finding: begin.finding.clone(),
        digest: begin.digest.clone(),
        steps: steps.collect(),
        came: came(entry),
        table: entry.end.map(|(_, before, after)| table(before, after)).unwrap_or_default(),
        aside: u64::try_from(entry.aside).unwrap_or(u64::MAX),
        aside_bytes: entry.aside_bytes,
        can_undo: entry.then == Then::CanUndo,
        undone_by: match entry.then {
            Then::UndoneBy(by) => Some(by),
            Then::CanUndo | Then::Final => None,
        },
        purged: entry.purged,
    }
}

/// Of all steps, however many are told one by one.
fn came(entry: &Entry<'_>) -> Came {
    let count = |which: fn(&Step) -> bool| {
        u64::try_from(entry.steps.values().filter(|step| which(step)).count()).unwrap_or(u64::MAX)
    };
    Came {
        all: count(|_| true),
        done: count(is_done),
        stopped: count(is_stopped),
        unknown: count(|step| step.done.is_none()),
    }
}

/// Before → after.
fn table(before: &[Figures], after: &[Figures]) -> Vec<Changed> {
    let mut all = Vec::new();
    for (before, after) in before.iter().zip(after) {
        all.extend(rows(before, after).map(|(what, before_it, after_it, change)| Changed {
            what: format!("{}: {what}", before.path.shown()),
            before: before_it,
            after: after_it,
            change,
        }));
    }
    all
}
