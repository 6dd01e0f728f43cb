//! The journal for a screen.

use super::book::{Book, Counts, Entry, Then};
use super::words::{is_done, rows, sentence, title};
use super::{Unread, read};
use crate::cmd::workshop::{Actor, Names, homes};
use crate::exec::journal::JournalError;
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
    let (book, all) = read(&homes(us.uid), us.uid);
    let told = |unread: &Unread| Gap::new(unread.what(), GapWhy::Malformed { line: unread.why.clone() });
    let mut gaps: Vec<Gap> = all.iter().filter(|unread| !unread.is_torn).map(told).collect();
    let mut works: Vec<Worked> = Vec::new();
    let whole = book.works(&mut |entry| {
        works.push(worked(&book, &entry, &names)?);
        Ok(())
    });
    if let Err(why) = whole {
        gaps.push(Gap::new("the journal".to_owned(), GapWhy::Malformed { line: format!("{why:#}") }));
    }
    works.sort_by_key(|work: &Worked| std::cmp::Reverse((work.time, work.work)));
    let took = Micros(watch.micros());
    match gaps.pop() {
        Some(gap) if works.is_empty() => Reading::Blind { gap },
        gap => Reading::of(works, took, gaps.into_iter().chain(gap).collect()),
    }
}

fn worked(book: &Book, entry: &Entry<'_>, names: &Names) -> Result<Worked, JournalError> {
    let begin = entry.begin;
    let login = begin.login_uid.filter(|uid| *uid != begin.uid);
    let login = login.map(|uid| format!(" (login {})", names.of(uid))).unwrap_or_default();
    // What did not go well is never among those that are left out.
    let (mut done, mut rest) = (Vec::new(), Vec::new());
    book.steps(entry.home, begin.work, &mut |number, step| {
        let some = if is_done(step) { &mut done } else { &mut rest };
        if some.len() < STEPS {
            some.push((number, told(step)));
        }
    })?;
    let mut some: Vec<_> = rest.into_iter().chain(done).take(STEPS).collect();
    some.sort_by_key(|(number, _)| *number);
    Ok(Worked {
        work: begin.work,
        time: begin.time,
        who: format!("{}{login}", names.of(begin.uid)),
        action: begin.action.clone(),
        title: title(entry),
        finding: begin.finding.clone(),
        digest: begin.digest.clone(),
        steps: some.into_iter().map(|(_, told)| told).collect(),
        came: came(entry),
        table: entry.end.map(|(_, before, after)| table(before, after)).unwrap_or_default(),
        aside: entry.aside,
        aside_bytes: entry.aside_bytes,
        can_undo: entry.then == Then::CanUndo,
        undone_by: match entry.then {
            Then::UndoneBy(by) => Some(by),
            Then::CanUndo | Then::Final => None,
        },
        purged: entry.purged,
    })
}

/// A step, and what became of it.
fn told(step: &Step) -> (String, Option<Fate>) {
    let fate = step.done.as_ref().map(|done| match done {
        Done::Done { .. } => Fate::Done,
        Done::Kept { why } => Fate::Kept(why.clone()),
        Done::Failed { why, .. } => Fate::Failed(why.clone()),
    });
    (sentence(step), fate)
}

/// Of all steps, however many are told one by one.
fn came(entry: &Entry<'_>) -> Came {
    let Counts { all, done, stopped, unknown, .. } = entry.counts;
    Came { all, done, stopped, unknown }
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
