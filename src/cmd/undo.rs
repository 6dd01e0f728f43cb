//! `undo`: takes back what an action did: gives back what was put aside, and undoes what was changed in its place.

use std::os::fd::AsFd;
use std::process::ExitCode;

use serde_json::json;

use crate::cli::{Global, UndoArgs};
use crate::cmd::workshop::{Actor, WithoutUndo, Workshop, chain, now, refuse_where_read_only};
use crate::cmd::{Refusal, config, explain_failure, out};
use crate::exec::treat;
use crate::exec::undo::{self, Undone};
use crate::exit::Exit;
use crate::model::journal::{Begin, Record, WorkId};
use crate::model::raw_path::RawPath;
use crate::model::units::Entries;
use crate::report::{safe, safe_json};

const SCHEMA: &str = "tmpmedic.undo/1";
/// What the journal takes of one entry that goes back.
const ROOM_EACH: u64 = 1_200;
const ROOM: u64 = 64 << 10;

/// Runs the command.
///
/// # Errors
/// A refusal, with the exit code that goes with it.
pub fn run(args: &UndoArgs, global: &Global) -> anyhow::Result<ExitCode> {
    let done = take_back(args, global);
    if let (Err(why), true) = (&done, global.json) {
        let (exit, message) = explain_failure(why);
        out::write(&safe_json::to_line(&json!({ "schema": SCHEMA, "exit": exit, "error": message }))?)?;
    }
    done
}

fn take_back(args: &UndoArgs, global: &Global) -> anyhow::Result<ExitCode> {
    let (catalog, _gaps) = config::load(global)?;
    refuse_where_read_only(global, &catalog)?;
    let mut shop = Workshop::open(Actor::find(), ROOM, WithoutUndo::Refuse)?;
    let begin = choose(&shop, args.id)?;
    if treat::back::can(&shop.records, begin.work) {
        return take_deeds_back(&mut shop, &begin, global);
    }
    let ends = shop.ends(&begin).map_err(|why| Refusal {
        exit: Exit::Failed,
        message: format!("work {} cannot be taken back: {why}", begin.work.0),
    })?;
    let records = shop.records_today(&begin, &ends);
    let taken = undo::still_taken(&records, begin.work);
    let count = u64::try_from(taken.len()).unwrap_or(u64::MAX);
    shop.journal.reserve(ROOM.saturating_add(ROOM_EACH.saturating_mul(count)))?;
    let back = Begin {
        digest: begin.digest.clone(),
        undoes: Some(begin.work),
        place: begin.place.as_ref().map(|(path, _)| (path.clone(), ends.id)),
        quarantine: begin.quarantine.as_ref().map(|(name, _)| (name.clone(), ends.quarantine.id())),
        ..shop.begin("undo", format!("work {} taken back", begin.work.0))
    };
    let id = back.work;
    shop.add(Record::Begin(back))?;
    let undone = undo::give_back(&mut shop.journal, &taken, id, (ends.place.as_fd(), &ends.quarantine))
        .map_err(|why| {
            let message = format!("the journal cannot be written any more: {}", chain(&why));
            Refusal { exit: Exit::Failed, message }
        })?;
    shop.add(Record::End { work: id, time: now(), before: Vec::new(), after: Vec::new() })?;
    report(&begin, id, &undone, global)
}

/// What `fix` changed in its place: modes, owners, directories and files.
fn take_deeds_back(shop: &mut Workshop, begin: &Begin, global: &Global) -> anyhow::Result<ExitCode> {
    let back = Begin {
        digest: begin.digest.clone(),
        undoes: Some(begin.work),
        ..shop.begin("undo", format!("work {} taken back", begin.work.0))
    };
    let id = back.work;
    shop.add(Record::Begin(back))?;
    let undone = treat::back::take_back(&mut shop.journal, &shop.records, begin.work, id);
    let undone = undone.map_err(|why| {
        let message = format!("the journal cannot be written any more: {}", chain(&why));
        Refusal { exit: Exit::Failed, message }
    })?;
    shop.add(Record::End { work: id, time: now(), before: Vec::new(), after: Vec::new() })?;
    report(begin, id, &undone, global)
}

/// Whether something of a piece of work can still be taken back. One that was taken back is not taken back twice.
fn is_open(shop: &Workshop, work: WorkId) -> bool {
    let is_undone = shop.begins().any(|begin| begin.undoes == Some(work));
    undo::all_aside(&shop.records).contains_key(&work) || !is_undone && treat::back::can(&shop.records, work)
}

/// The named work, or the last of which something can still be taken back.
fn choose(shop: &Workshop, id: Option<u64>) -> anyhow::Result<Begin> {
    let nothing = |message: String| anyhow::Error::from(Refusal { exit: Exit::Failed, message });
    let Some(id) = id else {
        let last = shop.begins().rev().find(|begin| begin.undoes.is_none() && is_open(shop, begin.work));
        return last.cloned().ok_or_else(|| nothing("nothing that was done can be taken back".to_owned()));
    };
    let begin = shop.begins().find(|begin| begin.work == WorkId(id));
    let begin = begin.ok_or_else(|| {
        Refusal::usage(format!("there is no work {id} in the journal; `tmpmedic journal` lists them"))
    })?;
    if !is_open(shop, begin.work) {
        let action = safe(&begin.action);
        return Err(nothing(format!(
            "nothing of work {id} ({action}) can be taken back: it is back already, gone for good, or was never reversible"
        )));
    }
    Ok(begin.clone())
}

fn report(begin: &Begin, id: WorkId, undone: &Undone, global: &Global) -> anyhow::Result<ExitCode> {
    let exit = match (undone.back.is_empty(), undone.left.is_empty()) {
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
        for (name, why) in &undone.left {
            text.push_str(&format!("  left  {}: {}\n", name.shown(), safe(why)));
        }
        text
    };
    out::write(&text)?;
    Ok(ExitCode::from(exit))
}
