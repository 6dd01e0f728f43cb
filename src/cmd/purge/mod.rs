//! `purge`: frees for good what earlier clean-ups put aside.
//!
//! Without `--yes` it only tells what that would be. Anything in a quarantine that no work put there is named and stays.

mod away;
mod due;
mod page;

use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;
use std::sync::Arc;

use serde_json::json;

use crate::cli::{Global, PurgeArgs};
use crate::cmd::clean::{Bar, Place, StopSignal};
use crate::cmd::workshop::{Actor, WithoutUndo, Workshop, begin_of, now, refuse_where_read_only};
use crate::cmd::{Refusal, check, config, explain_failure, out};
use crate::exec::flatten::Flattener;
use crate::exec::{shelter, undo};
use crate::exit::Exit;
use crate::model::journal::{Begin, Record, WorkId};
use crate::model::raw_path::RawPath;
use crate::model::units::{Bytes, Micros, Seconds};
use crate::report::safe_json;
pub use away::Freed;
pub use due::due_here;

const SCHEMA: &str = "tmpmedic.purge/1";
/// So many share two syncs of the journal.
const BATCH: usize = 512;
const ROOM_EACH: u64 = 800;
const ROOM: u64 = 64 << 10;

/// A work of which something lies aside.
pub struct Lying {
    /// Which.
    pub begin: Begin,
    /// How many entries of it.
    pub entries: u64,
    /// What they hold, as far as that was known.
    pub bytes: Bytes,
    /// Directories that its removal for good had moved up when it was interrupted.
    pub rests: u64,
    /// For how long.
    pub age: Seconds,
}

/// What is to be freed, and what is not yet.
pub struct Choice {
    /// By number, or older than `older_than`.
    pub chosen: Vec<Lying>,
    /// Younger.
    pub young: Vec<Lying>,
    /// The limit between them.
    pub older_than: Seconds,
    /// Whether a number was named.
    pub by_id: bool,
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
    let (catalog, gaps) = config::load(global)?;
    refuse_where_read_only(global, &catalog)?;
    let signal = StopSignal::listen();
    let mut bar = Bar::new(&signal, global);
    let mut shop = Workshop::open(Actor::find(), ROOM, WithoutUndo::Never, &signal)?;
    let older_than = args.older_than.map_or(catalog.clean.purge_after_s, |time| Seconds(time.as_secs()));
    let (id, waiting) = (args.id, away::waiting(&shop));
    let choice = shop.go_through(&signal, move |records| choose(records, &waiting, id, older_than))??;
    let options = check::options(global, gaps, Micros(0));
    if !args.yes {
        let text = if global.json {
            page::document(&choice, None)?
        } else {
            page::proposal(&choice, args, &options)
        };
        out::write(&text)?;
        return Ok(ExitCode::SUCCESS);
    }
    if !global.json {
        out::write(&page::told(&choice, &options))?;
    }
    let mut freed = Vec::new();
    for lying in &choice.chosen {
        let one =
            if signal.is_asked() { Err(Refusal::stopped()) } else { one(&lying.begin, &mut shop, &mut bar) };
        match one {
            Err(why) if Refusal::is_stop(&why) && !freed.is_empty() => {
                freed.push(untouched(lying));
                break;
            }
            one => freed.push(one?),
        }
    }
    if shop.us.uid == 0 {
        // A line that protects nothing any more does no harm either, and goes with the next boot.
        shelter::forget().ok();
    }
    let text =
        if global.json { page::document(&choice, Some(&freed))? } else { page::done(&freed, &options) };
    out::write(&text)?;
    Ok(ExitCode::from(page::exit(&freed)))
}

/// What a stop before its first step leaves of a work.
fn untouched(lying: &Lying) -> Freed {
    let root = lying.begin.place.as_ref().map(|(path, _)| path.clone()).unwrap_or_default();
    Freed { of: lying.begin.work, root, wanted: lying.entries, stopped: true, ..Freed::default() }
}

/// The works of which something lies aside, by whether they are to be freed now.
fn choose(
    records: &[Record],
    waiting: &BTreeMap<WorkId, u64>,
    id: Option<u64>,
    older_than: Seconds,
) -> anyhow::Result<Choice> {
    let aside = undo::all_aside(records);
    let now = now();
    let lying = |begin: &Begin| {
        let rests = waiting.get(&begin.work).copied().unwrap_or_default();
        let aside = aside.get(&begin.work).map(Vec::as_slice).unwrap_or_default();
        (rests > 0 || !aside.is_empty()).then(|| Lying {
            rests,
            begin: begin.clone(),
            entries: u64::try_from(aside.len()).unwrap_or(u64::MAX),
            bytes: Bytes(aside.iter().filter_map(|aside| aside.bytes).map(|bytes| bytes.0).sum()),
            age: begin.time.age_at(now).unwrap_or_default(),
        })
    };
    let Some(id) = id else {
        let (chosen, young) = records
            .iter()
            .filter_map(begin_of)
            .filter_map(lying)
            .partition(|lying: &Lying| lying.age >= older_than);
        return Ok(Choice { chosen, young, older_than, by_id: false });
    };
    let chosen =
        match records.iter().filter_map(begin_of).find(|begin| begin.work == WorkId(id)).and_then(lying) {
            Some(lying) => vec![lying],
            None => lying(&named(records, id)?).into_iter().collect(),
        };
    Ok(Choice { chosen, young: Vec::new(), older_than, by_id: true })
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
/// Where the journal cannot be written; or it was stopped before anything was removed.
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
    let place = Place { path: freed.root.clone(), dir: Arc::new(ends.place.try_clone()?), id: ends.id };
    let goes_on = || !signal.is_asked();
    let before = place.figures(now(), &goes_on);
    let (of, today) = (begin.clone(), ends.id);
    let (aside, slots): (Vec<_>, BTreeSet<RawPath>) = shop.go_through(signal, move |records| {
        // In quarantines lies what works put there, and nothing else.
        let slots = undo::all_aside(records).into_values().flatten().map(|aside| aside.slot).collect();
        (undo::aside_today(records, &of, &today), slots)
    })?;
    let count = u64::try_from(aside.len()).unwrap_or(u64::MAX);
    freed.wanted = count;
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
        let many = u64::try_from(batch.len()).unwrap_or(u64::MAX);
        shop.journal.reserve(ROOM.saturating_add(ROOM_EACH.saturating_mul(many)))?;
        let at = (&ends, &mut flattener, id);
        away::batch_away(shop, &mut freed, at, (batch, first), &goes_on)?;
        bar.tell(freed.entries, freed.bytes);
    }
    bar.end();
    if !freed.stopped {
        away::rests(&ends, &slots, &mut flattener, &mut freed, &goes_on);
    }
    let after = place.figures(now(), &goes_on);
    let table = (vec![before.clone()], vec![after.clone()]);
    shop.add(Record::End { work: id, time: now(), before: table.0, after: table.1 })?;
    freed.figures = Some((before, after));
    Ok(freed)
}
