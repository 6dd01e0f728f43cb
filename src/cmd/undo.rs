//! `undo`: takes back what an action did: gives back what was put aside, and undoes what was changed in its place.

use std::collections::BTreeMap;
use std::os::fd::AsFd;
use std::process::ExitCode;

use serde_json::json;

use crate::cli::{Global, UndoArgs};
use crate::cmd::clean::{Bar, StopSignal};
use crate::cmd::workshop::{Actor, WithoutUndo, Workshop, begin_of, chain, now, refuse_where_read_only};
use crate::cmd::{Refusal, config, explain_failure, out};
use crate::exec::journal::JournalError;
use crate::exec::undo::{self, Aside, Undone};
use crate::exec::{chronicle, treat};
use crate::exit::Exit;
use crate::model::journal::{Begin, Done, Record, WorkId};
use crate::model::raw_path::RawPath;
use crate::model::units::{Bytes, Entries};
use crate::report::{safe, safe_json};

const SCHEMA: &str = "tmpmedic.undo/1";
/// What the journal takes of beginning and end; of the entries it is taken as they come.
const ROOM: u64 = 64 << 10;

/// Runs the command.
///
/// # Errors
/// A refusal, with the exit code that goes with it.
pub fn run(args: &UndoArgs, global: &Global) -> anyhow::Result<ExitCode> {
    let done = from_here(args, global);
    if let (Err(why), true) = (&done, global.json) {
        let (exit, message) = explain_failure(why);
        out::write(&safe_json::to_line(&json!({ "schema": SCHEMA, "exit": exit, "error": message }))?)?;
    }
    done
}

fn from_here(args: &UndoArgs, global: &Global) -> anyhow::Result<ExitCode> {
    let (catalog, _gaps) = config::load(global)?;
    refuse_where_read_only(global, &catalog)?;
    let signal = StopSignal::listen();
    let mut shop = Workshop::open(Actor::find(), ROOM, WithoutUndo::Never, &signal)?;
    let id = args.id;
    let begin = shop.go_through(&signal, move |records| choose(records, id))??;
    let taken = take_back(&mut shop, &begin, &mut Bar::new(&signal, global))?;
    report(&begin, &taken, global)
}

/// What was taken back, under which number.
pub struct TakenBack {
    /// Of the undo.
    pub id: WorkId,
    /// What came of it.
    pub undone: Undone,
}

/// Takes a piece of work back.
///
/// # Errors
/// A refusal where nothing was changed, or where the journal cannot be written any more.
pub fn take_back(shop: &mut Workshop, begin: &Begin, bar: &mut Bar<'_>) -> anyhow::Result<TakenBack> {
    if treat::back::can(&shop.records, begin.work) {
        return take_deeds_back(shop, begin, bar);
    }
    let ends = shop.ends(begin).map_err(|why| Refusal {
        exit: Exit::Failed,
        message: format!("work {} cannot be taken back: {why}", begin.work.0),
    })?;
    let (of, today) = (begin.clone(), ends.id);
    let taken = shop.go_through(bar.stop(), move |records| {
        let aside = undo::aside_today(records, &of, &today).into_iter();
        aside.map(|aside| (aside.slot, aside.object, aside.name)).collect::<Vec<_>>()
    })?;
    let count = u64::try_from(taken.len()).unwrap_or(u64::MAX);
    let back = Begin {
        place: begin.place.as_ref().map(|(path, _)| (path.clone(), ends.id)),
        quarantine: begin.quarantine.as_ref().map(|(name, _)| (name.clone(), ends.quarantine.id())),
        ..self::of(shop, begin)
    };
    let id = back.work;
    shop.add(Record::Begin(back))?;
    bar.begin("giving back", Some(count));
    let ends = (ends.place.as_fd(), &ends.quarantine);
    let undone =
        undo::give_back_while(&mut shop.journal, &taken, id, ends, &mut |done| bar.tell(done, Bytes(0)));
    ended(shop, (id, count), undone, bar)
}

/// What `fix` changed in its place: modes, owners, directories and files.
fn take_deeds_back(shop: &mut Workshop, begin: &Begin, bar: &mut Bar<'_>) -> anyhow::Result<TakenBack> {
    let back = of(shop, begin);
    let id = back.work;
    shop.add(Record::Begin(back))?;
    let count = treat::back::open_steps(&shop.records, begin.work).len();
    let count = u64::try_from(count).unwrap_or(u64::MAX);
    bar.begin("taking back", Some(count));
    let undone =
        treat::back::take_back_while(&mut shop.journal, &shop.records, (begin.work, id), &mut |done| {
            bar.tell(done, Bytes(0))
        });
    ended(shop, (id, count), undone, bar)
}

fn of(shop: &Workshop, begin: &Begin) -> Begin {
    Begin {
        digest: begin.digest.clone(),
        undoes: Some(begin.work),
        ..shop.begin("undo", format!("work {} taken back", begin.work.0))
    }
}

fn ended(
    shop: &mut Workshop,
    (id, count): (WorkId, u64),
    undone: Result<Undone, JournalError>,
    bar: &mut Bar<'_>,
) -> anyhow::Result<TakenBack> {
    let undone = undone.map_err(|why| {
        let message = format!("the journal cannot be written any more: {}", chain(&why));
        Refusal { exit: Exit::Failed, message }
    })?;
    if !undone.stopped {
        bar.tell(count, Bytes(0));
    }
    bar.end();
    shop.add(Record::End { work: id, time: now(), before: Vec::new(), after: Vec::new() })?;
    Ok(TakenBack { id, undone })
}

/// Whether something of a piece of work can still be taken back. One that was taken back is not taken back twice, unless
/// that was stopped in the middle.
pub fn is_open(records: &[Record], aside: &BTreeMap<WorkId, Vec<Aside>>, work: WorkId) -> bool {
    aside.contains_key(&work) || treat::back::can(records, work) && undone_by(records, work).is_none()
}

/// The work that took it back whole.
pub fn undone_by(records: &[Record], work: WorkId) -> Option<WorkId> {
    let wanted = treat::back::open_steps(records, work).len();
    let is_whole = |undo: &&Begin| {
        let steps = undo::steps_of(records, undo.work);
        // An interrupted one is settled: what it had not done is kept.
        let stopped = |step: &undo::Step| match &step.done {
            None => true,
            Some(Done::Kept { why }) => why.starts_with("stopped") || why.starts_with("interrupted"),
            Some(_) => false,
        };
        steps.len() >= wanted && !steps.values().any(stopped)
    };
    let all = records.iter().filter_map(begin_of).filter(|begin| begin.undoes == Some(work));
    all.into_iter().find(is_whole).map(|begin| begin.work)
}

/// The named work, or the last of which something can still be taken back.
///
/// # Errors
/// Where there is none.
pub fn choose(records: &[Record], id: Option<u64>) -> anyhow::Result<Begin> {
    let nothing = |message: String| anyhow::Error::from(Refusal { exit: Exit::Failed, message });
    // Once for all: it goes through the whole journal.
    let aside = undo::all_aside(records);
    let mut begins = records.iter().filter_map(begin_of);
    let Some(id) = id else {
        let last = begins.rfind(|begin| begin.undoes.is_none() && is_open(records, &aside, begin.work));
        return last.cloned().ok_or_else(|| nothing("nothing that was done can be taken back".to_owned()));
    };
    let begin = begins.find(|begin| begin.work == WorkId(id));
    let Some(begin) = begin.filter(|begin| is_open(records, &aside, begin.work)) else {
        // What an archive remembers has nothing left either.
        return Err(if (1..=chronicle::last(records).0).contains(&id) {
            let action = begin.map(|begin| format!(" ({})", safe(&begin.action))).unwrap_or_default();
            nothing(format!(
                "nothing of work {id}{action} can be taken back: it is back already, gone for good, or was never reversible"
            ))
        } else {
            Refusal::usage(format!("there is no work {id} in the journal; `tmpmedic journal` lists them"))
        });
    };
    Ok(begin.clone())
}

fn report(begin: &Begin, taken: &TakenBack, global: &Global) -> anyhow::Result<ExitCode> {
    let TakenBack { id, undone } = taken;
    let exit = match (undone.back.is_empty(), undone.left.is_empty() && !undone.stopped) {
        (_, true) => 0,
        (false, false) => 1,
        (true, false) => Exit::Failed.code(),
    };
    let root = begin.place.as_ref().map(|(path, _)| path.clone()).unwrap_or_default();
    let path = |name: &RawPath| root.join(name.as_bytes()).shown();
    let text = if global.json {
        let left = undone.left.iter().map(|(name, why)| json!({ "path": path(name), "reason": why }));
        safe_json::to_line(&json!({
            "schema": SCHEMA,
            "exit": exit,
            "id": id.0,
            "undoes": begin.work.0,
            "stopped": undone.stopped,
            "root": root.shown(),
            "back": undone.back.iter().map(path).collect::<Vec<_>>(),
            "left": left.collect::<Vec<_>>(),
        }))?
    } else {
        let all = undone.back.len() + undone.left.len();
        let count = |n: usize| Entries(u64::try_from(n).unwrap_or(u64::MAX));
        // What was changed in its place lies below no one directory.
        let (place, what) = match &begin.place {
            Some(_) => (format!("{}: ", root.shown()), "entries"),
            None => (String::new(), "changes"),
        };
        let mut text = format!(
            "{place}{} of {} {what} of work {} are back (work {})\n",
            count(undone.back.len()),
            count(all),
            begin.work.0,
            id.0
        );
        if undone.stopped {
            text.push_str(&format!("  stopped; tmpmedic undo {} goes on\n", begin.work.0));
        }
        for (name, why) in &undone.left {
            text.push_str(&format!("  left  {}: {}\n", name.shown(), safe(why)));
        }
        text
    };
    out::write(&text)?;
    Ok(ExitCode::from(exit))
}
