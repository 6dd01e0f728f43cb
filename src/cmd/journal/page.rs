//! The journal for people: one line a work, in columns; below it what it did, and what did not go well.

use super::book::{Book, Counts, Entry, Then};
use super::words::{is_done, is_stopped, outcome, rows, sentence, title};
use crate::catalog::CleanPolicy;
use crate::cmd::workshop::Names;
use crate::cmd::{purge, surroundings};
use crate::exec::undo::Step;
use crate::model::journal::Figures;
use crate::model::raw_path::RawPath;
use crate::model::units::{Entries, WallNanos};
use crate::report::page::{Ink, Page};
use crate::report::wrap::columns;
use crate::report::{Detail, Options, safe};

/// How many steps of a work are named where not all are.
const SAMPLES: u64 = 3;
/// What stands below the line of a work begins here.
const INDENT: usize = 6;
/// What stands above the columns, and whether a column lines up on its right.
const HEADS: [(&str, bool); 7] = [
    ("#", true),
    ("WHEN", false),
    ("WHO", false),
    ("ACTION", false),
    ("DONE", true),
    ("RESULT", false),
    ("UNDO", false),
];

/// A work as it stands on the page.
struct Told {
    cells: [String; 7],
    /// What stands below its line.
    below: String,
}

/// All of it; of a work no more is held than what is told of it.
///
/// # Errors
/// A journal that cannot be read any more.
pub fn page(book: &Book, names: &Names, policy: CleanPolicy, options: &Options) -> anyhow::Result<String> {
    let mut page = Page::new(options);
    let (mut works, mut can_undo, mut lies) = (Vec::new(), false, false);
    book.works(&mut |entry| {
        can_undo |= entry.then == Then::CanUndo;
        lies |= entry.aside > 0;
        let mut text = Page::new(options);
        below(&mut text, book, &entry, options.detail)?;
        works.push(Told { cells: cells(&entry, names), below: text.into_text() });
        Ok(())
    })?;
    if works.is_empty() {
        page.line("nothing has been done here", Ink::Plain);
    } else {
        table(&mut page, &works);
        page.gap();
        if can_undo {
            page.paragraph(0, "tmpmedic undo NUMBER takes a work back.", Ink::Plain);
        }
        if lies {
            page.paragraph(0, "tmpmedic purge NUMBER removes for good what it put aside.", Ink::Plain);
        }
    }
    if let Some(due) = purge::due_here(rustix::process::geteuid().as_raw(), policy.purge_after_s).told() {
        page.gap();
        page.paragraph(0, &due, Ink::Warn);
    }
    Ok(page.into_text())
}

fn table(page: &mut Page, works: &[Told]) {
    let heads = HEADS.map(|(head, _)| head.to_owned());
    let mut widths = [0; 7];
    for line in std::iter::once(&heads).chain(works.iter().map(|work| &work.cells)) {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = columns(cell).max(*width);
        }
    }
    page.line(&aligned(&heads, widths), Ink::Dim);
    for work in works {
        page.line(&aligned(&work.cells, widths), Ink::Bold);
        page.ready_line(&work.below);
    }
}

fn aligned(cells: &[String; 7], widths: [usize; 7]) -> String {
    let mut line = String::new();
    for ((cell, width), (_, right)) in cells.iter().zip(widths).zip(HEADS) {
        let pad = " ".repeat(width.saturating_sub(columns(cell)));
        let (before, after) = if right { (pad.as_str(), "") } else { ("", pad.as_str()) };
        line.push_str("  ");
        line.push_str(before);
        line.push_str(cell);
        line.push_str(after);
    }
    line
}

fn cells(entry: &Entry<'_>, names: &Names) -> [String; 7] {
    let begin = entry.begin;
    let login = begin.login_uid.filter(|uid| *uid != begin.uid);
    let login = login.map(|uid| format!(" (login {})", names.of(uid))).unwrap_or_default();
    let undo = match entry.then {
        Then::CanUndo => "yes".to_owned(),
        Then::UndoneBy(by) => format!("undone by {}", by.0),
        Then::Final => "no".to_owned(),
    };
    [
        begin.work.0.to_string(),
        when(begin.time),
        safe(&format!("{}{login}", names.of(begin.uid))),
        safe(&begin.action),
        Entries(entry.counts.done).to_string(),
        result(entry).to_owned(),
        undo,
    ]
}

/// To the minute; `--json` has all of it.
fn when(time: WallNanos) -> String {
    let mut when = time.date_time(surroundings::utc_offset_s_at(time));
    when.truncate("2026-01-22 20:41".len());
    when
}

fn result(entry: &Entry<'_>) -> &'static str {
    let Counts { all, done, stopped, unknown, .. } = entry.counts;
    match done {
        _ if entry.end.is_none() && !entry.unread.is_empty() => "not known",
        _ if entry.end.is_none() => "interrupted",
        _ if unknown > 0 => "not known",
        _ if stopped > 0 => "stopped",
        done if done == all => "done",
        0 => "nothing",
        _ => "in part",
    }
}

/// What it did and what did not go well; with every detail each step, and how it was before and after.
fn below(page: &mut Page, book: &Book, entry: &Entry<'_>, detail: Detail) -> anyhow::Result<()> {
    let begin = entry.begin;
    let root = begin.place.as_ref().map(|(path, _)| path.shown()).unwrap_or_default();
    let title = title(entry);
    let root = if root.is_empty() || title.contains(&root) { String::new() } else { format!("{root}: ") };
    page.paragraph(INDENT, &safe(&format!("{root}{title}")), Ink::Plain);
    if entry.aside > 0 {
        let aside = Entries(entry.aside);
        let verb = if aside.0 == 1 { "lies" } else { "lie" };
        page.paragraph(
            INDENT,
            &format!("{aside} of them still {verb} aside, {}", entry.aside_bytes),
            Ink::Dim,
        );
    }
    if let Some(purged) = entry.purged {
        let (count, time) = (Entries(purged.entries), when(purged.time));
        let verb = if count.0 == 1 { "was" } else { "were" };
        let text =
            format!("{count} of them {verb} removed for good on {time} by work {} (purge)", purged.by.0);
        page.paragraph(INDENT, &text, Ink::Dim);
    }
    ending(page, entry);
    let is_full = detail == Detail::Full;
    // Of what was not begun after a stop there are many, and all for the same reason.
    let worth = |step: &Step| is_full || !is_done(step) && !is_stopped(step);
    let most = if is_full { u64::MAX } else { SAMPLES };
    let all =
        if is_full { entry.counts.all } else { entry.counts.all - entry.counts.done - entry.counts.stopped };
    let mut told = 0;
    // What went well is not worth being read again.
    if all > 0 {
        book.steps(entry.home, begin.work, &mut |_number, step| {
            if told < most && worth(step) {
                told += 1;
                one(page, step);
            }
        })?;
    }
    if all > most {
        page.paragraph(INDENT, &format!("and {} more; -v names each", Entries(all - most)), Ink::Dim);
    }
    if !is_full {
        return Ok(());
    }
    if !begin.digest.is_empty() {
        page.paragraph(INDENT, &format!("plan {}", safe(&begin.digest)), Ink::Dim);
    }
    for (before, after) in entry.end.iter().flat_map(|(_, before, after)| before.iter().zip(*after)) {
        page.paragraph(INDENT, &between(before, after), Ink::Dim);
    }
    Ok(())
}

fn one(page: &mut Page, step: &Step) {
    let (word, why) = outcome(step.done.as_ref());
    let why = why.map(|why| format!(": {}", safe(&why))).unwrap_or_default();
    let first = format!("{}{word:<7}  ", " ".repeat(INDENT));
    page.hang(&first, &format!("{}{why}", sentence(step)), Ink::Dim);
}

/// Of one that was interrupted: where it is written what became of it, or that nobody here knows.
fn ending(page: &mut Page, entry: &Entry<'_>) {
    if let (Some(home), Some((time, ..))) = (entry.settled_in, entry.end) {
        let text = format!(
            "it was interrupted; what became of it was found out on {}, by the journal in {}",
            when(time),
            home.shown()
        );
        page.paragraph(INDENT, &text, Ink::Dim);
    }
    if !entry.unread.is_empty() {
        let homes: Vec<String> = entry.unread.iter().map(RawPath::shown).collect();
        let text = format!(
            "it has no end here; whether it was settled since is not known, for the journal in {} cannot be read",
            homes.join(" and in ")
        );
        page.paragraph(INDENT, &text, Ink::Warn);
    }
}

fn between(before: &Figures, after: &Figures) -> String {
    let all: Vec<String> = rows(before, after)
        .map(|(what, before, after, _)| format!("{what} {} -> {}", safe(&before), safe(&after)))
        .collect();
    format!("{}: {}", before.path.shown(), all.join(", "))
}
