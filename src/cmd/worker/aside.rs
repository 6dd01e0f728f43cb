//! Earlier work taken back, and what it put aside removed: planned from the journal, done if that says the same by then.

use crate::cmd::clean::{Bar, StopSignal};
use crate::cmd::undo::{self as undoing, TakenBack};
use crate::cmd::workshop::{Actor, WithoutUndo, Workshop, homes, journals, unreadable};
use crate::cmd::{Refusal, purge as purging};
use crate::exec::treat::back;
use crate::exec::{chronicle, journal, seal, undo as exec_undo};
use crate::exit::Exit;
use crate::model::journal::{Begin, Change, Record, WorkId};
use crate::model::units::{Bytes, Entries};
use crate::model::work::{Changed, Ending, Outcome, Prospect, Told, Wish, headline};

/// What the journal takes of the beginning and the end of a work; entries are reserved for when they are known.
const ROOM: u64 = 64 << 10;
/// The word before what cannot be taken back.
const PURGE: &str = "purge";

/// Which work, and what the journal said of it.
pub struct Aside {
    begin: Begin,
    digest: String,
}

/// What taking a work back would do.
pub fn undo(wish: Wish, id: Option<WorkId>) -> anyhow::Result<(Prospect, Aside)> {
    let records = records()?;
    let begin = undoing::choose(&records, id.map(|id| id.0))?;
    let digest = digest("undo", &records, &begin);
    let taken = exec_undo::still_taken(&records, begin.work).len();
    let line = format!("tmpmedic undo {}", begin.work.0);
    let root = begin.place.as_ref().map(|(path, _)| path.shown()).unwrap_or_default();
    let steps: Vec<Told> = if taken > 0 {
        let does = format!("{} go back to {root}; whatever has such a name by now keeps it", entries(taken));
        vec![Told { does, by_hand: line }]
    } else {
        back::open_steps(&records, begin.work).iter().map(|(_, change)| inverse(change, &line)).collect()
    };
    let prospect = Prospect {
        title: format!("Take back #{}: {}", begin.work.0, headline(&begin.title)),
        does: format!("work {} ({}) taken back", begin.work.0, begin.action),
        facts: vec!["interrupts nothing".to_owned(), "overwrites nothing".to_owned()],
        steps,
        notes: caveat(&begin).into_iter().collect(),
        ..empty(wish, digest.clone())
    };
    Ok((prospect, Aside { begin, digest }))
}

/// What the title of a sheet leaves out of that of the work.
fn caveat(begin: &Begin) -> Option<String> {
    let is_cut = begin.title.contains("; ");
    is_cut.then(|| format!("work {} was: {}", begin.work.0, begin.title))
}

/// What freeing a work's quarantine would do.
pub fn purge(wish: Wish, id: WorkId) -> anyhow::Result<(Prospect, Aside)> {
    let records = records()?;
    let begin = purging::named(&records, id.0)?;
    let digest = digest(PURGE, &records, &begin);
    let aside = exec_undo::all_aside(&records).remove(&begin.work).unwrap_or_default();
    let bytes = Bytes(aside.iter().filter_map(|aside| aside.bytes).map(|bytes| bytes.0).sum());
    let root = begin.place.as_ref().map(|(path, _)| path.shown()).unwrap_or_default();
    let prospect = Prospect {
        title: format!("Purge #{}: {}", begin.work.0, headline(&begin.title)),
        does: format!("{} of {root}, {bytes}, removed for good", entries(aside.len())),
        facts: vec![
            "interrupts nothing".to_owned(),
            "removes data".to_owned(),
            "cannot be taken back".to_owned(),
        ],
        steps: vec![Told {
            does: format!("{} in the quarantine of {root} are removed", entries(aside.len())),
            by_hand: format!("tmpmedic purge {}", begin.work.0),
        }],
        word: Some(PURGE.to_owned()),
        ..empty(wish, digest.clone())
    };
    Ok((prospect, Aside { begin, digest }))
}

fn empty(wish: Wish, digest: String) -> Prospect {
    Prospect {
        wish,
        digest,
        expires: None,
        title: String::new(),
        does: String::new(),
        facts: Vec::new(),
        steps: Vec::new(),
        going: Vec::new(),
        staying: Vec::new(),
        ends: Vec::new(),
        notes: Vec::new(),
        word: None,
        barred: None,
    }
}

/// The journals of all homes, read without taking part.
fn records() -> anyhow::Result<Vec<Record>> {
    let us = Actor::find();
    let mut all = Vec::new();
    for (home, read) in journals(&homes(us.uid), us.uid, journal::records) {
        all.push(read.map_err(|why| unreadable(&home, &why))?.records);
    }
    let mut all = all.into_iter();
    let own = all.next().unwrap_or_default();
    Ok(chronicle::join(own, all.collect()))
}

/// Over everything that would be done.
fn digest(what: &str, records: &[Record], begin: &Begin) -> String {
    let taken = exec_undo::still_taken(records, begin.work);
    let deeds: Vec<Change> =
        back::open_steps(records, begin.work).into_iter().map(|(_, change)| change).collect();
    seal::hash(&(what, begin, taken, deeds))
}

fn inverse(change: &Change, line: &str) -> Told {
    let (does, by_hand) = match change {
        Change::Mode { path, from, to, .. } => (
            format!("mode of {}: {to:04o} becomes {from:04o} again", path.shown()),
            format!("chmod {from:04o} {}", path.quoted()),
        ),
        Change::Owner { path, from, to, .. } => (
            format!("owner of {}: {}:{} becomes {}:{} again", path.shown(), to.0, to.1, from.0, from.1),
            format!("chown -h {}:{} {}", from.0, from.1, path.quoted()),
        ),
        Change::Made { path, .. } => (
            format!("{} is removed, if nothing lies in it", path.shown()),
            format!("rmdir {}", path.quoted()),
        ),
        Change::Write { path, from: None, .. } => {
            (format!("{} is removed", path.shown()), format!("rm {}", path.quoted()))
        }
        Change::Write { path, .. } | Change::Unlink { path, .. } => {
            (format!("{} gets back what stood in it", path.shown()), line.to_owned())
        }
        _ => (String::new(), line.to_owned()),
    };
    Told { does, by_hand }
}

impl Aside {
    /// The journal, if it still says what was planned.
    fn shop(&self, what: &'static str, signal: &StopSignal) -> anyhow::Result<Workshop> {
        let mut shop = Workshop::open(Actor::find(), ROOM, WithoutUndo::Never, signal)?;
        let begin = self.begin.clone();
        let found = shop.go_through(signal, move |records| digest(what, records, &begin))?;
        if found == self.digest {
            return Ok(shop);
        }
        let message = "the plan is stale: the journal says something else by now".to_owned();
        Err(Refusal { exit: Exit::NotNow, message }.into())
    }

    /// Takes it back.
    pub fn take_back(&self, bar: &mut Bar<'_>) -> anyhow::Result<Outcome> {
        let mut shop = self.shop("undo", bar.stop())?;
        let TakenBack { id, undone } = undoing::take_back(&mut shop, &self.begin, bar)?;
        let (back, left) = (undone.back.len(), undone.left.len());
        let root = self.begin.place.as_ref().map(|(path, _)| path.clone()).unwrap_or_default();
        // What was changed in its place lies below no one directory.
        let (words, still) = match self.begin.place {
            Some(_) => (ENTRIES, "not in their place"),
            None => (("change", "changes"), "not as they were"),
        };
        Ok(Outcome {
            ending: ending((undone.stopped, back > 0, left > 0)),
            headline: format!(
                "{} of {} of work {} {} back",
                Entries(u64::try_from(back).unwrap_or(u64::MAX)),
                counted(back + left, words),
                self.begin.work.0,
                if back + left == 1 { "is" } else { "are" }
            ),
            work: Some(id),
            can_undo: false,
            steps: Vec::new(),
            table: vec![changed(still, back + left, left)],
            refusals: undone
                .left
                .iter()
                .map(|(name, why)| (root.join(name.as_bytes()).shown(), why.clone()))
                .collect(),
            notes: std::mem::take(&mut shop.notes),
            report: String::new(),
        })
    }

    /// Frees what it put aside.
    pub fn free(&self, bar: &mut Bar<'_>) -> anyhow::Result<Outcome> {
        let mut shop = self.shop(PURGE, bar.stop())?;
        let work = self.begin.work;
        let aside = shop.go_through(bar.stop(), move |records| {
            exec_undo::all_aside(records).get(&work).map_or(0, Vec::len)
        })?;
        let freed = purging::one(&self.begin, &mut shop, bar)?;
        let gone = usize::try_from(freed.entries).unwrap_or(usize::MAX);
        let root = freed.root.shown();
        Ok(Outcome {
            ending: ending((freed.stopped, freed.objects > 0, !freed.left.is_empty())),
            headline: format!("{} of {root} are gone for good, {}", entries(gone), freed.bytes),
            work: Some(freed.id).filter(|id| id.0 > 0),
            can_undo: false,
            steps: Vec::new(),
            table: vec![changed("put aside", aside, aside.saturating_sub(gone))],
            refusals: freed.left,
            notes: std::mem::take(&mut shop.notes),
            report: String::new(),
        })
    }
}

/// Whether it was stopped, whether anything was done, whether anything is left.
fn ending(how: (bool, bool, bool)) -> Ending {
    match how {
        (true, ..) => Ending::Stopped,
        (false, _, false) => Ending::Whole,
        (false, true, true) => Ending::Part,
        (false, false, true) => Ending::Refused,
    }
}

fn changed(what: &str, before: usize, after: usize) -> Changed {
    let shown = |n: usize| Entries(u64::try_from(n).unwrap_or(u64::MAX)).to_string();
    let change =
        if before == after { "=".to_owned() } else { format!("-{}", shown(before.saturating_sub(after))) };
    Changed { what: what.to_owned(), before: shown(before), after: shown(after), change }
}

/// One and several.
const ENTRIES: (&str, &str) = ("entry", "entries");

fn entries(count: usize) -> String {
    counted(count, ENTRIES)
}

fn counted(count: usize, words: (&str, &str)) -> String {
    let count = u64::try_from(count).unwrap_or(u64::MAX);
    format!("{} {}", Entries(count), if count == 1 { words.0 } else { words.1 })
}
