//! The journal for programs.

use std::io::Write;

use serde::ser::{Error, SerializeSeq};
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use super::book::{Book, Entry};
use super::words::{kind, outcome, title, what};
use crate::cmd::clean::figures;
use crate::cmd::workshop::Names;
use crate::exec::undo::Step;
use crate::model::journal::Figures;
use crate::model::raw_path::RawPath;
use crate::report::json::rfc3339;
use crate::report::safe_json;

const SCHEMA: &str = "tmpmedic.journal/1";

/// All of it, in one line, work by work: what is told is not held.
///
/// # Errors
/// What cannot be read, or written.
pub fn write(book: &Book, unread: &[RawPath], names: &Names, mut out: &mut dyn Write) -> anyhow::Result<()> {
    let unread: Vec<String> = unread.iter().map(RawPath::shown).collect();
    let head = safe_json::to_line(&json!({ "schema": SCHEMA, "unread": unread }))?;
    out.write_all(head.trim_end().trim_end_matches('}').as_bytes())?;
    out.write_all(b",\"entries\":[")?;
    let mut is_first = true;
    book.works(&mut |entry| {
        if !std::mem::take(&mut is_first) {
            out.write_all(b",")?;
        }
        let steps = Steps { book, entry: &entry };
        Ok(safe_json::write(&mut out, &Document { rest: rest(&entry, names), steps })?)
    })?;
    out.write_all(b"]}\n")?;
    Ok(())
}

#[derive(Serialize)]
struct Document<'a> {
    #[serde(flatten)]
    rest: Value,
    steps: Steps<'a>,
}

fn rest(entry: &Entry<'_>, names: &Names) -> Value {
    let begin = entry.begin;
    let table = |all: &[Figures]| all.iter().map(figures).collect::<Vec<_>>();
    json!({
        "id": begin.work.0,
        "time": rfc3339(begin.time),
        "who": names.of(begin.uid),
        "login": begin.login_uid.map(|uid| names.of(uid)),
        "action": begin.action,
        "title": title(entry),
        "finding": begin.finding,
        "digest": begin.digest,
        "boot_id": begin.boot_id,
        "root": begin.place.as_ref().map(|(path, _)| path.shown()),
        "quarantine": begin.quarantine.as_ref().map(|(name, _)| name.shown()),
        "undoes": begin.undoes.map(|id| id.0),
        "home": entry.home.shown(),
        "settled_in": entry.settled_in.map(RawPath::shown),
        "aside": entry.aside,
        "purged": entry.purged.map(|purged| {
            json!({ "by": purged.by.0, "time": rfc3339(purged.time), "entries": purged.entries })
        }),
        "ended": entry.end.map(|(time, ..)| rfc3339(time)),
        "before": entry.end.map(|(_, before, _)| table(before)),
        "after": entry.end.map(|(_, _, after)| table(after)),
    })
}

/// The steps of a work, written as they are read.
struct Steps<'a> {
    book: &'a Book,
    entry: &'a Entry<'a>,
}

impl Serialize for Steps<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(None)?;
        let mut written = Ok(());
        let read = self.book.steps(self.entry.home, self.entry.begin.work, &mut |number, step| {
            if written.is_ok() {
                written = list.serialize_element(&told(number, step));
            }
        });
        written?;
        read.map_err(S::Error::custom)?;
        list.end()
    }
}

fn told(number: u64, step: &Step) -> Value {
    let (outcome, reason) = outcome(step.done.as_ref());
    json!({ "step": number, "change": kind(&step.change), "what": what(&step.change), "outcome": outcome, "reason": reason })
}
