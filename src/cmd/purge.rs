//! `purge`: frees for good what earlier clean-ups put aside.
//!
//! Only what the journal says we put there, by identity, and the rests of our own interrupted removals. Anything else in a
//! quarantine is named and stays.

use std::os::fd::AsFd;
use std::process::ExitCode;

use serde_json::{Value, json};

use crate::cli::{Global, PurgeArgs};
use crate::cmd::clean::{Bar, StopSignal};
use crate::cmd::workshop::{
    Actor, Ends, WithoutUndo, Workshop, begin_of, chain, now, refuse_where_read_only,
};
use crate::cmd::{Refusal, config, explain_failure, out};
use crate::exec::flatten::Flattener;
use crate::exec::undo::{self, Aside};
use crate::exec::{object, sweep};
use crate::exit::Exit;
use crate::model::journal::{Act, Begin, Came, Change, Done, Record, WorkId};
use crate::model::raw_path::RawPath;
use crate::model::units::{Bytes, Entries, Seconds};
use crate::report::{safe, safe_json};
use crate::sys::dirfd;
use crate::sys::getdents::{Listing, PIECE};

const SCHEMA: &str = "tmpmedic.purge/1";
/// As many as share one sync of the journal when they are taken.
const BATCH: usize = 64;
const ROOM_EACH: u64 = 800;
const ROOM: u64 = 64 << 10;

/// What was freed of one work.
#[derive(Default)]
pub struct Freed {
    /// Of which work.
    pub of: WorkId,
    /// Under which number of its own.
    pub id: WorkId,
    /// In which directory.
    pub root: RawPath,
    /// How many entries.
    pub entries: u64,
    /// How many objects those were.
    pub objects: u64,
    /// What they held.
    pub bytes: Bytes,
    /// What stayed, and why.
    pub left: Vec<(String, String)>,
    /// Whether it was stopped before its end.
    pub stopped: bool,
}

/// Runs the command.
///
/// # Errors
/// A refusal, with the exit code that goes with it.
pub fn run(args: &PurgeArgs, global: &Global) -> anyhow::Result<ExitCode> {
    let done = free(args, global);
    if let (Err(why), true) = (&done, global.json) {
        let (exit, message) = explain_failure(why);
        out::write(&safe_json::to_line(&json!({ "schema": SCHEMA, "exit": exit, "error": message }))?)?;
    }
    done
}

fn free(args: &PurgeArgs, global: &Global) -> anyhow::Result<ExitCode> {
    let (catalog, _gaps) = config::load(global)?;
    refuse_where_read_only(global, &catalog)?;
    let signal = StopSignal::listen();
    let mut bar = Bar::new(&signal, global);
    let mut shop = Workshop::open(Actor::find(), ROOM, WithoutUndo::Never)?;
    let (chosen, young) = choose(&shop.records, args)?;
    let mut freed = Vec::new();
    for begin in chosen {
        if signal.is_asked() {
            break;
        }
        freed.push(one(&begin, &mut shop, &mut bar)?);
    }
    report(&freed, young, Seconds(args.older_than.as_secs()), global)
}

/// The works of which something lies aside and is old enough, and how many are too young.
fn choose(records: &[Record], args: &PurgeArgs) -> anyhow::Result<(Vec<Begin>, usize)> {
    if let Some(id) = args.id {
        return Ok((vec![named(records, id)?], 0));
    }
    let aside = undo::all_aside(records);
    let now = now();
    let is_old = |begin: &Begin| begin.time.age_at(now).is_some_and(|age| age.0 >= args.older_than.as_secs());
    let all = records.iter().filter_map(begin_of).filter(|begin| aside.contains_key(&begin.work));
    let (old, young): (Vec<&Begin>, Vec<&Begin>) = all.partition(|begin| is_old(begin));
    Ok((old.into_iter().cloned().collect(), young.len()))
}

/// The work of that number, if something of it lies aside.
///
/// # Errors
/// Where there is none.
pub fn named(records: &[Record], id: u64) -> anyhow::Result<Begin> {
    let begin = records.iter().filter_map(begin_of).find(|begin| begin.work == WorkId(id));
    let begin = begin.ok_or_else(|| {
        Refusal::usage(format!("there is no work {id} in the journal; `tmpmedic journal` lists them"))
    })?;
    if !undo::all_aside(records).contains_key(&begin.work) {
        let message = format!("nothing of work {id} lies in a quarantine");
        return Err(Refusal { exit: Exit::Failed, message }.into());
    }
    Ok(begin.clone())
}

/// Frees what one work put aside.
///
/// # Errors
/// Where the journal cannot be written.
pub fn one(begin: &Begin, shop: &mut Workshop, bar: &mut Bar<'_>) -> anyhow::Result<Freed> {
    let signal = bar.stop();
    let root = begin.place.as_ref().map(|(path, _)| path.clone()).unwrap_or_default();
    let mut freed = Freed { of: begin.work, root, ..Freed::default() };
    let ends = match shop.ends(begin) {
        Ok(ends) => ends,
        Err(why) => {
            freed.left.push((format!("work {}", begin.work.0), why));
            return Ok(freed);
        }
    };
    let records = shop.records_today(begin, &ends);
    let aside = undo::all_aside(&records).remove(&begin.work).unwrap_or_default();
    let count = u64::try_from(aside.len()).unwrap_or(u64::MAX);
    shop.journal.reserve(ROOM.saturating_add(ROOM_EACH.saturating_mul(count)))?;
    let work = Begin {
        place: begin.place.as_ref().map(|(path, _)| (path.clone(), ends.id)),
        quarantine: begin.quarantine.as_ref().map(|(name, _)| (name.clone(), ends.quarantine.id())),
        ..shop.begin("purge", format!("what work {} put aside is freed for good", begin.work.0))
    };
    let id = work.work;
    freed.id = id;
    shop.add(Record::Begin(work))?;
    bar.begin(&format!("{}:", freed.root.shown()), Some(count));
    let job = id.0.to_string();
    let mut flattener = Flattener::new(&ends.quarantine, &job);
    for (batch, first) in aside.chunks(BATCH).zip((0_u64..).step_by(BATCH)) {
        if freed.stopped {
            break;
        }
        batch_away(shop, &mut freed, (&ends, &mut flattener, id), (batch, first), &|| !signal.is_asked())?;
        bar.tell(freed.entries, freed.bytes);
    }
    bar.end();
    if !freed.stopped {
        rests(&ends, &records, &mut flattener, &mut freed, &|| !signal.is_asked());
    }
    shop.add(Record::End { work: id, time: now(), before: Vec::new(), after: Vec::new() })?;
    Ok(freed)
}

fn batch_away(
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
    shop.add(Record::Intent { work: id, steps: steps.collect() })?;
    let mut outcome = Vec::new();
    for (aside, step) in batch.iter().zip(first..) {
        let done = if freed.stopped {
            Done::Kept { why: "stopped before it".to_owned() }
        } else {
            one_away(freed, ends, flattener, aside, goes_on)
        };
        outcome.push(Came { step, done });
    }
    shop.add(Record::Outcome { work: id, steps: outcome }).map_err(|why| {
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
    let gone = flattener.remove(slot, goes_on);
    freed.objects = freed.objects.saturating_add(gone.objects);
    if gone.stopped {
        freed.stopped = true;
        return left(freed, name, "stopped before all of it was removed");
    }
    if let Some(first) = gone.left.first() {
        return left(freed, name, &sweep::leftover(first));
    }
    freed.entries += 1;
    freed.bytes.0 = freed.bytes.0.saturating_add(aside.bytes.unwrap_or_default().0);
    Done::Done { changed: None }
}

fn left(freed: &mut Freed, name: String, why: &str) -> Done {
    freed.left.push((name, why.to_owned()));
    Done::Kept { why: why.to_owned() }
}

/// Directories that an interrupted removal had moved up: `WORK-dN`, of a work of this journal. What else is there and
/// belongs to no work is named.
fn rests(
    ends: &Ends,
    records: &[Record],
    flattener: &mut Flattener<'_>,
    freed: &mut Freed,
    goes_on: &dyn Fn() -> bool,
) {
    let known: std::collections::BTreeSet<RawPath> =
        undo::all_aside(records).into_values().flatten().map(|aside| aside.slot).collect();
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
        if !is_rest(name.as_bytes()) {
            left(
                freed,
                name.shown(),
                "lies in the quarantine, but not because of any work: look at it yourself",
            );
            continue;
        }
        let gone = flattener.remove(name.as_bytes(), goes_on);
        freed.objects = freed.objects.saturating_add(gone.objects);
        freed.stopped |= gone.stopped;
        if let Some(first) = gone.left.first() {
            left(freed, name.shown(), &sweep::leftover(first));
        }
    }
}

fn is_rest(name: &[u8]) -> bool {
    let Ok(name) = std::str::from_utf8(name) else { return false };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    name.split_once("-d").is_some_and(|(work, number)| digits(work) && digits(number))
}

fn report(freed: &[Freed], young: usize, older: Seconds, global: &Global) -> anyhow::Result<ExitCode> {
    let is_whole = freed.iter().all(|freed| freed.left.is_empty() && !freed.stopped);
    let exit = match (is_whole, freed.iter().any(|freed| freed.objects > 0)) {
        (true, _) => 0,
        (false, true) => 1,
        (false, false) => Exit::Failed.code(),
    };
    let text = if global.json {
        let works: Vec<Value> = freed.iter().map(document).collect();
        safe_json::to_line(&json!({ "schema": SCHEMA, "exit": exit, "works": works, "too_young": young }))?
    } else {
        let mut text = String::new();
        for freed in freed {
            text.push_str(&format!(
                "{}: {} entries of work {} are gone for good: {}, {} objects\n",
                freed.root.shown(),
                Entries(freed.entries),
                freed.of.0,
                freed.bytes,
                Entries(freed.objects)
            ));
            for (name, why) in &freed.left {
                text.push_str(&format!("  left  {name}: {}\n", safe(why)));
            }
        }
        if freed.is_empty() && young == 0 {
            text.push_str("nothing lies in any quarantine\n");
        }
        if young > 0 {
            text.push_str(&format!("{young} works are younger than {older}; name one to free it now\n"));
        }
        text
    };
    out::write(&text)?;
    Ok(ExitCode::from(exit))
}

fn document(freed: &Freed) -> Value {
    let left = freed.left.iter().map(|(name, why)| json!({ "name": name, "reason": why }));
    json!({
        "id": freed.of.0,
        "root": freed.root.shown(),
        "entries": freed.entries,
        "objects": freed.objects,
        "bytes": freed.bytes.0,
        "left": left.collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_numbered_rests_are_ours() {
        for ours in ["3-d0", "12-d445"] {
            assert!(is_rest(ours.as_bytes()), "{ours}");
        }
        for other in ["3-0", "3-dx", "x-d1", "-d1", "3-d", "precious", "3-d1\n"] {
            assert!(!is_rest(other.as_bytes()), "{other}");
        }
    }
}
