//! `journal`: what was done to this machine.

use std::collections::BTreeMap;
use std::os::fd::AsFd;
use std::process::ExitCode;

use serde_json::{Value, json};

use crate::catalog::CleanPolicy;
use crate::cli::Global;
use crate::cmd::clean::{Row, entries as counted, figures, rows_between};
use crate::cmd::workshop::{Actor, Names, begin_of, chain, homes};
use crate::cmd::{Refusal, check, config, out, purge, surroundings, undo as undo_command};
use crate::exec::treat::back;
use crate::exec::undo::{self, Aside, Step};
use crate::exec::{chronicle, home, journal};
use crate::exit::Exit;
use crate::model::journal::{Begin, Change, Done, Figures, Record, WorkId};
use crate::model::raw_path::RawPath;
use crate::model::reading::{Gap, GapWhy, Reading};
use crate::model::units::{Bytes, Entries, Micros, WallNanos};
use crate::model::work::{Changed, Fate, Worked};
use crate::remedies::CLEAN;
use crate::report::json::rfc3339;
use crate::report::page::{Ink, Page};
use crate::report::{Detail, Options, safe, safe_json};
use crate::sys::clock::Stopwatch;

const SCHEMA: &str = "tmpmedic.journal/1";
/// How many steps of a work are named where not all are.
const SAMPLES: usize = 3;
/// How many a screen gets: more than anybody scrolls through.
const STEPS: usize = 2_000;
/// The row of a table that every work has.
const PROBE: &str = "temp dir can be made";

/// One piece of work with everything that was written of it.
struct Entry<'r> {
    home: &'r RawPath,
    begin: &'r Begin,
    steps: BTreeMap<u64, Step>,
    end: Option<(WallNanos, &'r [Figures], &'r [Figures])>,
    /// How many of its entries lie aside.
    aside: usize,
    /// What they hold.
    aside_bytes: Bytes,
}

/// Runs the command; whoever cannot write may read.
///
/// # Errors
/// A journal that is there and cannot be read.
pub fn run(global: &Global) -> anyhow::Result<ExitCode> {
    let (us, names) = (Actor::find(), Names::read());
    let mut all = Vec::new();
    for home in home::existing(&homes(us.uid), us.uid) {
        let content = journal::history(home.dir.as_fd(), us.uid).map_err(|why| Refusal {
            exit: Exit::Failed,
            message: format!("the journal in {} cannot be read: {}", home.path.shown(), chain(&why)),
        })?;
        if content.is_newer {
            out::say(&format!(
                "tmpmedic: a newer tmpmedic wrote in {}: the rest is not shown",
                home.path.shown()
            ));
        } else if content.torn > 0 {
            out::say(&format!(
                "tmpmedic: the journal in {} ends in {} bytes that are no record",
                home.path.shown(),
                content.torn
            ));
        }
        all.push((home.path, content.records));
    }
    let lies = aside(&all);
    let entries: Vec<Entry<'_>> =
        all.iter().flat_map(|(home, records)| entries(home, records, &lies)).collect();
    // A broken configuration is no reason not to read a journal.
    let policy = config::load(global).map_or_else(|_| CleanPolicy::default(), |(catalog, _)| catalog.clean);
    let text = if global.json {
        let works: Vec<Value> = entries.iter().map(|entry| document(entry, &names)).collect();
        safe_json::to_line(&json!({ "schema": SCHEMA, "entries": works }))?
    } else {
        page(&entries, &names, policy, &check::options(global, Vec::new(), Micros(0)))
    };
    out::write(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// What was done, for a screen: the newest first.
pub fn works() -> Reading<Vec<Worked>> {
    let (us, names, watch) = (Actor::find(), Names::read(), Stopwatch::start());
    let (mut all, mut gaps) = (Vec::new(), Vec::new());
    for home in home::existing(&homes(us.uid), us.uid) {
        let what = format!("the journal in {}", home.path.shown());
        match journal::history(home.dir.as_fd(), us.uid) {
            Ok(content) => {
                if content.is_newer {
                    let line = "a newer tmpmedic wrote in it".to_owned();
                    gaps.push(Gap::new(what, GapWhy::Malformed { line }));
                }
                all.push((home.path, content.records));
            }
            Err(why) => gaps.push(Gap::new(what, GapWhy::Malformed { line: chain(&why) })),
        }
    }
    let lies = aside(&all);
    let joined = joined(&all);
    let of = |(home, records)| entries(home, records, &lies).into_iter();
    let entries = all.iter().map(|(home, records)| (home, &records[..])).flat_map(of);
    let mut works: Vec<Worked> = entries.map(|entry| worked(&entry, &joined, &names)).collect();
    works.sort_by_key(|work: &Worked| std::cmp::Reverse((work.time, work.work)));
    let took = Micros(watch.micros());
    match gaps.pop() {
        Some(gap) if works.is_empty() => Reading::Blind { gap },
        gap => Reading::of(works, took, gaps.into_iter().chain(gap).collect()),
    }
}

fn worked(entry: &Entry<'_>, records: &[Record], names: &Names) -> Worked {
    let begin = entry.begin;
    let login = begin.login_uid.filter(|uid| *uid != begin.uid);
    let login = login.map(|uid| format!(" (login {})", names.of(uid))).unwrap_or_default();
    let is_in_place = begin.place.is_some();
    let undone_by = if entry.aside > 0 {
        None
    } else if is_in_place {
        records.iter().filter_map(begin_of).find(|undo| undo.undoes == Some(begin.work)).map(|undo| undo.work)
    } else {
        undo_command::undone_by(records, begin.work)
    };
    let is_deed = !is_in_place && begin.undoes.is_none() && back::can(records, begin.work);
    let steps = entry.steps.values().take(STEPS).map(|step| {
        let fate = step.done.as_ref().map(|done| match done {
            Done::Done { .. } => Fate::Done,
            Done::Kept { why } => Fate::Kept(why.clone()),
            Done::Failed { why, .. } => Fate::Failed(why.clone()),
        });
        (format!("{} {}", kind(&step.change), what(&step.change)), fate)
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
        table: entry.end.map(|(_, before, after)| table(before, after)).unwrap_or_default(),
        aside: u64::try_from(entry.aside).unwrap_or(u64::MAX),
        aside_bytes: entry.aside_bytes,
        can_undo: entry.aside > 0 || is_deed && undone_by.is_none(),
        undone_by,
    }
}

/// A treatment counts nothing: it only tells whether a temp dir can be made.
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

fn rows(before: &Figures, after: &Figures) -> impl Iterator<Item = Row> {
    let is_counted = |figures: &Figures| figures.inodes.is_some() || figures.entries.is_some();
    let all = is_counted(before) || is_counted(after);
    rows_between(before, after).into_iter().filter(move |(what, ..)| all || *what == PROBE)
}

/// The journals of all homes as whoever takes something back sees them: it may be given back by a work in another home.
fn joined(all: &[(RawPath, Vec<Record>)]) -> Vec<Record> {
    let mut homes = all.iter().map(|(_, records)| records.clone());
    let own = homes.next().unwrap_or_default();
    chronicle::join(own, homes.collect())
}

/// What lies aside, by work.
fn aside(all: &[(RawPath, Vec<Record>)]) -> BTreeMap<WorkId, Vec<Aside>> {
    undo::all_aside(&joined(all))
}

/// All works of one journal, in one pass.
fn entries<'r>(
    home: &'r RawPath,
    records: &'r [Record],
    aside: &BTreeMap<WorkId, Vec<Aside>>,
) -> Vec<Entry<'r>> {
    let mut entries: BTreeMap<WorkId, Entry<'r>> = BTreeMap::new();
    for record in records {
        match record {
            Record::Begin(begin) => {
                let lies = aside.get(&begin.work).map(Vec::as_slice).unwrap_or_default();
                let aside_bytes = Bytes(lies.iter().filter_map(|one| one.bytes).map(|bytes| bytes.0).sum());
                let (steps, aside) = (BTreeMap::new(), lies.len());
                entries.insert(begin.work, Entry { home, begin, steps, end: None, aside, aside_bytes });
            }
            Record::Intent { work, steps } => {
                let Some(entry) = entries.get_mut(work) else { continue };
                for act in steps {
                    entry.steps.insert(act.step, Step { change: act.change.clone(), done: None });
                }
            }
            Record::Outcome { work, steps } => {
                let Some(entry) = entries.get_mut(work) else { continue };
                for came in steps {
                    if let Some(step) = entry.steps.get_mut(&came.step) {
                        step.done = Some(came.done.clone());
                    }
                }
            }
            Record::End { work, time, before, after } => {
                if let Some(entry) = entries.get_mut(work) {
                    entry.end = Some((*time, before, after));
                }
            }
        }
    }
    entries.into_values().collect()
}

fn document(entry: &Entry<'_>, names: &Names) -> Value {
    let begin = entry.begin;
    let steps = entry.steps.iter().map(|(number, step)| {
        let (outcome, reason) = outcome(step.done.as_ref());
        json!({ "step": number, "change": kind(&step.change), "what": what(&step.change), "outcome": outcome, "reason": reason })
    });
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
        "aside": entry.aside,
        "ended": entry.end.map(|(time, ..)| rfc3339(time)),
        "before": entry.end.map(|(_, before, _)| table(before)),
        "after": entry.end.map(|(_, _, after)| table(after)),
        "steps": steps.collect::<Vec<_>>(),
    })
}

/// What was done. A beginning can only say what was to be done.
fn title(entry: &Entry<'_>) -> String {
    let begin = entry.begin;
    if begin.action != CLEAN {
        return begin.title.clone();
    }
    let done = |is_it: fn(&Change) -> bool| {
        let steps = entry.steps.values().filter(|step| is_it(&step.change));
        steps.filter(|step| matches!(step.done, Some(Done::Done { .. }))).count()
    };
    let taken = done(|change| matches!(change, Change::Quarantine { .. }));
    let gone = done(|change| matches!(change, Change::Purge { .. }));
    let is_for_good = entry.steps.values().any(|step| matches!(step.change, Change::Purge { .. }));
    let (count, how) = if is_for_good { (gone, "removed for good") } else { (taken, "put aside") };
    let count = u64::try_from(count).unwrap_or(u64::MAX);
    format!("{} {how} ({})", counted(count), begin.title)
}

fn outcome(done: Option<&Done>) -> (&'static str, Option<String>) {
    match done {
        None => ("unknown", None),
        Some(Done::Done { .. }) => ("done", None),
        Some(Done::Kept { why }) => ("kept", Some(why.clone())),
        Some(Done::Failed { why, .. }) => ("failed", Some(why.clone())),
    }
}

fn kind(change: &Change) -> &'static str {
    match change {
        Change::Quarantine { .. } => "quarantine",
        Change::GiveBack { .. } => "give-back",
        Change::Purge { .. } => "purge",
        Change::Mode { .. } => "mode",
        Change::Owner { .. } => "owner",
        Change::MakeDir { .. } => "make-dir",
        Change::Made { .. } => "made",
        Change::Write { .. } => "write",
        Change::Unlink { .. } => "unlink",
        Change::Call { .. } => "call",
    }
}

fn what(change: &Change) -> String {
    match change {
        Change::Quarantine { name, slot, .. } => format!("{} -> {}", name.shown(), slot.shown()),
        Change::GiveBack { slot, name, .. } => format!("{} -> {}", slot.shown(), name.shown()),
        Change::Purge { slot, .. } => slot.shown(),
        Change::Mode { path, from, to, .. } => format!("{} {from:04o} -> {to:04o}", path.shown()),
        Change::Owner { path, from, to, .. } => {
            format!("{} {}:{} -> {}:{}", path.shown(), from.0, from.1, to.0, to.1)
        }
        Change::MakeDir { path, mode, uid, gid } => format!("{} {mode:04o} {uid}:{gid}", path.shown()),
        Change::Made { path, .. } | Change::Write { path, .. } | Change::Unlink { path, .. } => path.shown(),
        Change::Call { line } => safe(line),
    }
}

fn page(entries: &[Entry<'_>], names: &Names, policy: CleanPolicy, options: &Options) -> String {
    let mut page = Page::new(options);
    if entries.is_empty() {
        page.line("nothing has been done here", Ink::Plain);
    }
    for entry in entries {
        page.gap();
        one(&mut page, entry, names, options.detail);
    }
    if let Some(due) = purge::due_here(rustix::process::geteuid().as_raw(), policy.purge_after_s).told() {
        page.gap();
        page.paragraph(0, &due, Ink::Warn);
    }
    page.into_text()
}

fn one(page: &mut Page, entry: &Entry<'_>, names: &Names, detail: Detail) {
    let begin = entry.begin;
    let time = begin.time.date_time(surroundings::utc_offset_s_at(begin.time));
    let login = begin.login_uid.filter(|uid| *uid != begin.uid);
    let login = login.map(|uid| format!(" (login {})", safe(&names.of(uid)))).unwrap_or_default();
    let head = format!(
        "{:>4}  {time}  {}{login}  {}",
        begin.work.0,
        safe(&names.of(begin.uid)),
        safe(&begin.action)
    );
    page.line(&head, Ink::Bold);
    let root = begin.place.as_ref().map(|(path, _)| format!("{}: ", path.shown())).unwrap_or_default();
    page.paragraph(6, &format!("{root}{}", safe(&title(entry))), Ink::Plain);
    if !begin.digest.is_empty() {
        let digest: String = begin.digest.chars().take(16).collect();
        page.paragraph(6, &format!("plan {}", safe(&digest)), Ink::Dim);
    }
    let count =
        |wanted: &str| entry.steps.values().filter(|step| outcome(step.done.as_ref()).0 == wanted).count();
    let parts = ["done", "kept", "failed", "unknown"].into_iter().filter_map(|word| match count(word) {
        0 => None,
        n => Some(format!("{} {word}", Entries(u64::try_from(n).unwrap_or(u64::MAX)))),
    });
    let mut parts: Vec<String> = parts.collect();
    if entry.end.is_none() {
        parts.push("interrupted".to_owned());
    }
    if entry.aside > 0 {
        parts.push(format!("{} aside: tmpmedic undo {}", entry.aside, begin.work.0));
    }
    page.paragraph(6, &format!("steps: {}", parts.join(", ")), Ink::Plain);
    let worth = |step: &&Step| detail == Detail::Full || !matches!(step.done, Some(Done::Done { .. }));
    let most = if detail == Detail::Full { usize::MAX } else { SAMPLES };
    for step in entry.steps.values().filter(worth).take(most) {
        let (word, why) = outcome(step.done.as_ref());
        let why = why.map(|why| format!(": {}", safe(&why))).unwrap_or_default();
        page.hang(&format!("        {word}  "), &format!("{}{why}", what(&step.change)), Ink::Dim);
    }
    if let Some((_, before, after)) = entry.end {
        for (before, after) in before.iter().zip(after) {
            page.paragraph(6, &between(before, after), Ink::Dim);
        }
    }
}

fn between(before: &Figures, after: &Figures) -> String {
    let all: Vec<String> = rows(before, after)
        .map(|(what, before, after, _)| format!("{what} {} -> {}", safe(&before), safe(&after)))
        .collect();
    format!("{}: {}", before.path.shown(), all.join(", "))
}
