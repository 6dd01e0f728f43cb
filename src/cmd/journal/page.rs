//! The journal for people: one line a work, in columns; below it what it did, and what did not go well.

use super::book::{Entry, Then};
use super::words::{is_done, is_stopped, outcome, rows, sentence, title};
use crate::catalog::CleanPolicy;
use crate::cmd::workshop::Names;
use crate::cmd::{purge, surroundings};
use crate::exec::undo::Step;
use crate::model::journal::Figures;
use crate::model::units::{Entries, WallNanos};
use crate::report::page::{Ink, Page};
use crate::report::wrap::columns;
use crate::report::{Detail, Options, safe};

/// How many steps of a work are named where not all are.
const SAMPLES: usize = 3;
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

/// All of it.
pub fn page(works: &[Entry<'_>], names: &Names, policy: CleanPolicy, options: &Options) -> String {
    let mut page = Page::new(options);
    if works.is_empty() {
        page.line("nothing has been done here", Ink::Plain);
    } else {
        table(&mut page, works, names, options.detail);
        hints(&mut page, works);
    }
    if let Some(due) = purge::due_here(rustix::process::geteuid().as_raw(), policy.purge_after_s).told() {
        page.gap();
        page.paragraph(0, &due, Ink::Warn);
    }
    page.into_text()
}

fn table(page: &mut Page, works: &[Entry<'_>], names: &Names, detail: Detail) {
    let heads = HEADS.map(|(head, _)| head.to_owned());
    let lines: Vec<[String; 7]> = works.iter().map(|entry| cells(entry, names)).collect();
    let mut widths = [0; 7];
    for line in std::iter::once(&heads).chain(&lines) {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = columns(cell).max(*width);
        }
    }
    page.line(&aligned(&heads, widths), Ink::Dim);
    for (entry, line) in works.iter().zip(&lines) {
        page.line(&aligned(line, widths), Ink::Bold);
        below(page, entry, detail);
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
    let done = entry.steps.values().filter(|step| is_done(step)).count();
    let count = Entries(u64::try_from(done).unwrap_or(u64::MAX));
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
        count.to_string(),
        result(entry, done).to_owned(),
        undo,
    ]
}

/// To the minute; `--json` has all of it.
fn when(time: WallNanos) -> String {
    let mut when = time.date_time(surroundings::utc_offset_s_at(time));
    when.truncate("2026-01-22 20:41".len());
    when
}

fn result(entry: &Entry<'_>, done: usize) -> &'static str {
    let is_unknown = entry.steps.values().any(|step| step.done.is_none());
    match done {
        _ if entry.end.is_none() => "interrupted",
        _ if is_unknown => "not known",
        _ if entry.steps.values().any(is_stopped) => "stopped",
        done if done == entry.steps.len() => "done",
        0 => "nothing",
        _ => "in part",
    }
}

/// What it did and what did not go well; with every detail each step, and how it was before and after.
fn below(page: &mut Page, entry: &Entry<'_>, detail: Detail) {
    let begin = entry.begin;
    let root = begin.place.as_ref().map(|(path, _)| path.shown()).unwrap_or_default();
    let title = title(entry);
    let root = if root.is_empty() || title.contains(&root) { String::new() } else { format!("{root}: ") };
    page.paragraph(INDENT, &safe(&format!("{root}{title}")), Ink::Plain);
    if entry.aside > 0 {
        let aside = Entries(u64::try_from(entry.aside).unwrap_or(u64::MAX));
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
    // Of what was not begun after a stop there are many, and all for the same reason.
    let worth = |step: &&Step| detail == Detail::Full || !is_done(step) && !is_stopped(step);
    let all = entry.steps.values().filter(worth).count();
    let most = if detail == Detail::Full { usize::MAX } else { SAMPLES };
    for step in entry.steps.values().filter(worth).take(most) {
        let (word, why) = outcome(step.done.as_ref());
        let why = why.map(|why| format!(": {}", safe(&why))).unwrap_or_default();
        let first = format!("{}{word:<7}  ", " ".repeat(INDENT));
        page.hang(&first, &format!("{}{why}", sentence(step)), Ink::Dim);
    }
    if all > most {
        page.paragraph(
            INDENT,
            &format!("and {} more; -v names each", Entries(u64::try_from(all - most).unwrap_or(u64::MAX))),
            Ink::Dim,
        );
    }
    if detail != Detail::Full {
        return;
    }
    if !begin.digest.is_empty() {
        page.paragraph(INDENT, &format!("plan {}", safe(&begin.digest)), Ink::Dim);
    }
    for (before, after) in entry.end.iter().flat_map(|(_, before, after)| before.iter().zip(*after)) {
        page.paragraph(INDENT, &between(before, after), Ink::Dim);
    }
}

fn between(before: &Figures, after: &Figures) -> String {
    let all: Vec<String> = rows(before, after)
        .map(|(what, before, after, _)| format!("{what} {} -> {}", safe(&before), safe(&after)))
        .collect();
    format!("{}: {}", before.path.shown(), all.join(", "))
}

/// Which commands go on from here.
fn hints(page: &mut Page, works: &[Entry<'_>]) {
    page.gap();
    if works.iter().any(|entry| entry.then == Then::CanUndo) {
        page.paragraph(0, "tmpmedic undo NUMBER takes a work back.", Ink::Plain);
    }
    if works.iter().any(|entry| entry.aside > 0) {
        page.paragraph(0, "tmpmedic purge NUMBER removes for good what it put aside.", Ink::Plain);
    }
}
