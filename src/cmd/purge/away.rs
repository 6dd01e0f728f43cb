//! What lies aside goes for good: only what the journal says we put there, by identity, and the rests of our own interrupted
//! removals.

use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::AsFd;

use crate::cmd::Refusal;
use crate::cmd::workshop::{Ends, Workshop, chain};
use crate::exec::flatten::{self, Flattener, Shape};
use crate::exec::undo::Aside;
use crate::exec::{object, sweep};
use crate::exit::Exit;
use crate::model::journal::{Act, Begin, Came, Change, Done, Figures, Record, WorkId};
use crate::model::raw_path::RawPath;
use crate::model::units::Bytes;
use crate::sys::dirfd;
use crate::sys::getdents::{Listing, PIECE};

/// What was freed of one work.
#[derive(Default)]
pub struct Freed {
    /// Of which.
    pub of: WorkId,
    /// Under which number of its own.
    pub id: WorkId,
    /// The directory.
    pub root: RawPath,
    /// How many entries lay aside.
    pub wanted: u64,
    /// How many are gone.
    pub entries: u64,
    /// With everything below them.
    pub objects: u64,
    /// The room that they held.
    pub bytes: Bytes,
    /// What is left, and why.
    pub left: Vec<(String, String)>,
    /// Whether somebody stopped it.
    pub stopped: bool,
    /// How the directory was, and how it is; nothing where it could not be entered.
    pub figures: Option<(Figures, Figures)>,
}

/// Frees a few: written down before, and after.
///
/// # Errors
/// Where the journal cannot be written.
pub fn batch_away(
    shop: &mut Workshop,
    freed: &mut Freed,
    (ends, flattener, id): (&Ends, &mut Flattener<'_>, WorkId),
    (batch, first): (&[Aside], u64),
    goes_on: &dyn Fn() -> bool,
) -> anyhow::Result<()> {
    let steps = batch.iter().zip(first..).map(|(aside, step)| Act {
        step,
        change: Change::Purge { slot: aside.slot.clone(), object: aside.object },
    });
    // Nobody asks the shop for these: there may be hundreds of thousands.
    shop.journal.add(&Record::Intent { work: id, steps: steps.collect() })?;
    let mut outcome = Vec::new();
    for (aside, step) in batch.iter().zip(first..) {
        let done = if freed.stopped {
            Done::Kept { why: "stopped before it".to_owned() }
        } else {
            one_away(freed, ends, flattener, aside, goes_on)
        };
        outcome.push(Came { step, done });
    }
    shop.journal.add(&Record::Outcome { work: id, steps: outcome }).map_err(|why| {
        let message = format!("the journal cannot be written any more: {}", chain(&why));
        anyhow::Error::from(Refusal { exit: Exit::Failed, message })
    })
}

fn one_away(
    freed: &mut Freed,
    ends: &Ends,
    flattener: &mut Flattener<'_>,
    aside: &Aside,
    goes_on: &dyn Fn() -> bool,
) -> Done {
    let (name, slot) = (aside.name.shown(), aside.slot.as_bytes());
    match object::at(ends.quarantine.dir(), slot) {
        Ok(found) if found == aside.object => {}
        Ok(_) => return left(freed, name, "another object lies in its place in the quarantine"),
        // Whoever else removed it did the same.
        Err(why) if why.kind() == std::io::ErrorKind::NotFound => return Done::Done { changed: None },
        Err(why) => return left(freed, name, &why.to_string()),
    }
    let gone = flattener.remove(slot, Shape::Any, goes_on);
    freed.objects = freed.objects.saturating_add(gone.objects);
    freed.stopped |= gone.stopped;
    let why = match gone.left.first() {
        _ if gone.stopped => Some("stopped before all of it was removed".to_owned()),
        left => left.map(sweep::leftover),
    };
    if let Some(why) = why {
        freed.left.push((name, why.clone()));
        return gone.unfinished(&why);
    }
    freed.entries += 1;
    freed.bytes.0 = freed.bytes.0.saturating_add(aside.bytes.unwrap_or_default().0);
    Done::Done { changed: None }
}

fn left(freed: &mut Freed, name: String, why: &str) -> Done {
    freed.left.push((name, why.to_owned()));
    Done::Kept { why: why.to_owned() }
}

/// How many directories wait in the quarantines of this journal since their removal was interrupted, by its work.
pub fn waiting(shop: &Workshop) -> BTreeMap<WorkId, u64> {
    let mut last: BTreeMap<(&RawPath, &RawPath), &Begin> = BTreeMap::new();
    for begin in shop.begins() {
        if let (Some((place, _)), Some((name, _))) = (&begin.place, &begin.quarantine) {
            last.insert((place, name), begin);
        }
    }
    let mut waiting = BTreeMap::new();
    for begin in last.into_values() {
        // What cannot be entered now is as far away as what lies aside there.
        let Ok(ends) = shop.ends(begin) else { continue };
        for (work, _) in flatten::rests(&ends.quarantine).unwrap_or_default() {
            *waiting.entry(work).or_default() += 1;
        }
    }
    waiting
}

/// Directories that an interrupted removal had moved up: `WORK-dN`, of a work of this journal. What else is there and
/// belongs to no work is named.
pub fn rests(
    ends: &Ends,
    known: &BTreeSet<RawPath>,
    flattener: &mut Flattener<'_>,
    freed: &mut Freed,
    goes_on: &dyn Fn() -> bool,
) {
    let Ok(dir) = dirfd::reopen_listing(ends.quarantine.dir()) else { return };
    let mut buffer = Vec::with_capacity(PIECE);
    let mut listing = Listing::new(dir.as_fd(), &mut buffer);
    let mut names = Vec::new();
    while let Some(Ok(entry)) = listing.next() {
        let name = RawPath::new(entry.name().to_bytes());
        let is_listed = freed.left.iter().any(|(left, _)| *left == name.shown());
        if !entry.is_dot() && !known.contains(&name) && !is_listed {
            names.push(name);
        }
    }
    for name in names {
        if flatten::rest_of(name.as_bytes()).is_none() {
            left(
                freed,
                name.shown(),
                "lies in the quarantine, but not because of any work: look at it yourself",
            );
            continue;
        }
        let gone = flattener.remove(name.as_bytes(), Shape::Any, goes_on);
        freed.objects = freed.objects.saturating_add(gone.objects);
        freed.stopped |= gone.stopped;
        if let Some(first) = gone.left.first() {
            left(freed, name.shown(), &sweep::leftover(first));
        }
    }
}
