//! What a clean-up came to: the table before → after, every refusal by name, and how it is taken back.

use serde::Serialize;
use serde_json::{Value, json};

use super::document;
use super::page::{entries, shown};
use super::proof::Asking;
use crate::exec::sweep::Swept;
use crate::exit::Exit;
use crate::model::journal::{Figures, WorkId};
use crate::model::plan::{Plan, Planned, Verdict};
use crate::model::raw_path::RawPath;
use crate::model::units::{Bytes, Entries};
use crate::report::page::{Ink, Page};
use crate::report::{Detail, Options, safe, safe_json};

/// The version of the document.
const SCHEMA: &str = "tmpmedic.clean/1";
/// How many refusals of one kind are named where not all are.
const SAMPLES: usize = 20;

/// Everything that was done.
#[derive(Default)]
pub struct Outcome {
    /// One for each directory.
    pub works: Vec<Work>,
    /// The probes of before and after.
    pub asked: Vec<Asking>,
    /// Where the journal lies.
    pub home: Option<RawPath>,
    /// What was settled of an interrupted run.
    pub notes: Vec<String>,
    /// Whether somebody stopped it.
    pub stopped: bool,
}

/// What was done in one directory.
pub struct Work {
    /// Which directory.
    pub root: RawPath,
    /// Its number in the journal; none where there was nothing to do.
    pub id: Option<WorkId>,
    /// The plan's digest.
    pub digest: String,
    /// How many entries were to go.
    pub wanted: u64,
    /// How many were to stay.
    pub staying: u64,
    /// Those of them that somebody has to do with, and who.
    pub held: Vec<(RawPath, String)>,
    /// Whether for good.
    pub for_good: bool,
    /// What became of them.
    pub swept: Swept,
    /// The quarantine.
    pub quarantine: Option<RawPath>,
    /// How it was.
    pub before: Figures,
    /// How it is.
    pub after: Figures,
    /// Why nothing was done there.
    pub refused: Option<String>,
}

impl Work {
    /// Before anything is done.
    pub fn nothing(plan: &Plan, before: Figures) -> Self {
        let staying = || plan.entries.iter().filter(|entry| entry.verdict == Verdict::Keep);
        let held = |entry: &Planned| (entry.candidate.name.clone(), entry.reason.clone());
        Self {
            root: plan.root.clone(),
            id: None,
            digest: plan.digest.clone(),
            wanted: u64::try_from(super::page::wanted(&plan.entries).count()).unwrap_or(u64::MAX),
            staying: u64::try_from(staying().count()).unwrap_or(u64::MAX),
            held: staying().filter(|entry| names_somebody(&entry.reason)).map(held).collect(),
            for_good: plan.wishes.delete,
            swept: Swept::default(),
            quarantine: None,
            after: before.clone(),
            before,
            refused: None,
        }
    }

    /// How many entries went.
    pub fn done(&self) -> u64 {
        u64::try_from(self.swept.taken.len() + self.swept.removed.len()).unwrap_or(u64::MAX)
    }
}

impl Outcome {
    /// The exit code.
    pub fn exit(&self) -> u8 {
        let (done, wanted): (u64, u64) =
            self.works.iter().fold((0, 0), |sum, work| (sum.0 + work.done(), sum.1 + work.wanted));
        match () {
            () if done >= wanted && !self.stopped => 0,
            () if done == 0 => Exit::Failed.code(),
            () => 1,
        }
    }

    /// For people.
    pub fn text(&self, options: &Options) -> String {
        let mut page = Page::new(options);
        for work in &self.works {
            page.gap();
            Self::one(&mut page, work, options.detail);
        }
        self.answers(&mut page);
        self.hints(&mut page);
        page.into_text()
    }

    fn one(page: &mut Page, work: &Work, detail: Detail) {
        let root = work.root.shown();
        let how = if work.for_good { "removed for good" } else { "put aside" };
        let text = match (work.wanted, work.id) {
            (0, _) => format!("{root}: nothing to do"),
            (_, None) => format!("{root}: nothing was done"),
            (wanted, Some(id)) => format!(
                "{root}: {} of {} {how}, {} (work {}, plan {})",
                Entries(work.done()),
                entries(wanted),
                work.swept.bytes,
                id.0,
                short(&work.digest)
            ),
        };
        page.paragraph(0, &text, Ink::Bold);
        if let Some(why) = &work.refused {
            page.paragraph(2, &safe(why), Ink::Bad);
        }
        if work.swept.stopped {
            page.paragraph(2, "stopped between two entries; the rest is as it was", Ink::Warn);
        }
        refusals(page, ("stayed", Ink::Warn), &work.swept.kept, detail);
        refusals(page, ("failed", Ink::Bad), &work.swept.failed, detail);
        if work.id.is_some() {
            table(page, &work.before, &work.after);
        }
    }

    fn answers(&self, page: &mut Page) {
        if self.asked.is_empty() {
            return;
        }
        page.gap();
        page.line("can a temp dir be made", Ink::Dim);
        let arrow = page.glyph("→", "->");
        for asking in &self.asked {
            let (before, after) = asking.answers();
            let path = asking.before.path.shown();
            let ink = match after.as_deref() {
                Some("yes") => Ink::Good,
                Some(_) => Ink::Bad,
                None => Ink::Blind,
            };
            let after = after.unwrap_or_else(|| "not asked".to_owned());
            page.line(&format!("  {before:>9} {arrow} {after:<9}  {path}, {}", asking.who), ink);
        }
    }

    fn hints(&self, page: &mut Page) {
        let aside: Vec<&Work> = self.works.iter().filter(|work| !work.swept.taken.is_empty()).collect();
        if aside.is_empty() {
            return;
        }
        page.gap();
        if self.home.is_none() {
            page.paragraph(0, "No journal was written: `undo` knows nothing of this.", Ink::Warn);
        }
        let text = "What was put aside still takes its room. To give it back, or to free it for good:";
        page.paragraph(0, text, Ink::Plain);
        for id in aside.iter().filter_map(|work| work.id) {
            page.command("  ", &format!("tmpmedic undo {}", id.0), Ink::Bold);
            page.command("  ", &format!("tmpmedic purge {} --yes", id.0), Ink::Bold);
        }
    }

    /// For a ticket.
    pub fn markdown(&self) -> String {
        let mut text = String::new();
        for work in &self.works {
            self.one_in_markdown(&mut text, work);
        }
        if !self.asked.is_empty() {
            text.push_str("| temp dir | who | before | after |\n|---|---|---|---|\n");
        }
        for asking in &self.asked {
            let (before, after) = asking.answers();
            let after = after.unwrap_or_else(|| "not asked".to_owned());
            let path = cell(&asking.before.path.shown());
            text.push_str(&format!("| `{path}` | {} | {before} | {after} |\n", cell(&asking.who)));
        }
        text
    }

    fn one_in_markdown(&self, text: &mut String, work: &Work) {
        let root = cell(&work.root.shown());
        let how = if work.for_good { "removed for good" } else { "put aside" };
        text.push_str(&format!(
            "### tmpmedic clean {root}\n\n{} of {} {how}, {}\n\n- plan: `{}`\n",
            Entries(work.done()),
            entries(work.wanted),
            work.swept.bytes,
            work.digest
        ));
        if let Some(id) = work.id.filter(|_| !work.swept.taken.is_empty() && self.home.is_some()) {
            let id = id.0;
            text.push_str(&format!("- to give it back: `tmpmedic undo {id}`\n"));
            text.push_str(&format!("- to free it for good: `tmpmedic purge {id} --yes`\n"));
        }
        if let Some(why) = &work.refused {
            text.push_str(&format!("- nothing was done: {}\n", cell(&safe(why))));
        }
        if work.swept.stopped {
            text.push_str("- stopped between two entries; the rest is as it was\n");
        }
        text.push('\n');
        if work.id.is_some() {
            text.push_str("| | before | after | change |\n|---|--:|--:|--:|\n");
            for (label, before, after, change) in rows(work) {
                text.push_str(&format!("| {label} | {before} | {after} | {change} |\n"));
            }
            text.push('\n');
        }
        for (what, all) in
            [("stayed", &work.swept.kept), ("failed", &work.swept.failed), ("in use", &work.held)]
        {
            for (name, why) in all.iter().take(SAMPLES) {
                text.push_str(&format!("- {what}: `{}`: {}\n", cell(&name.shown()), cell(&safe(why))));
            }
            if let Some(more) = all.len().checked_sub(SAMPLES).filter(|more| *more > 0) {
                text.push_str(&format!("- {what}: {more} more\n"));
            }
        }
        let others = work.staying.saturating_sub(u64::try_from(work.held.len()).unwrap_or(u64::MAX));
        if others > 0 {
            text.push_str(&format!(
                "- {} stay by the plan, for their age, owner or family\n",
                entries(others)
            ));
        }
        text.push('\n');
    }

    /// For scripts.
    ///
    /// # Errors
    /// Those of serde_json, which our own data does not meet.
    pub fn json(&self, plans: &[Plan]) -> serde_json::Result<String> {
        let probes = self.asked.iter().map(|asking| {
            let (before, after) = asking.answers();
            json!({ "path": asking.before.path.shown(), "who": asking.who, "before": before, "after": after })
        });
        safe_json::to_line(&Document {
            schema: SCHEMA,
            digest: document::digest(plans),
            exit: self.exit(),
            stopped: self.stopped,
            journal: self.home.as_ref().map(RawPath::shown),
            notes: &self.notes,
            works: self.works.iter().map(work_json).collect(),
            probes: probes.collect(),
        })
    }
}

/// The document of a clean-up that was refused as a whole.
///
/// # Errors
/// Those of serde_json, which our own data does not meet.
pub fn refusal(message: &str, exit: u8) -> serde_json::Result<String> {
    safe_json::to_line(&json!({ "schema": SCHEMA, "exit": exit, "error": message }))
}

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    digest: String,
    exit: u8,
    stopped: bool,
    journal: Option<String>,
    notes: &'a [String],
    works: Vec<Value>,
    probes: Vec<Value>,
}

fn work_json(work: &Work) -> Value {
    let path = |name: &RawPath| shown(&work.root, name);
    let why = |all: &[(RawPath, String)]| -> Vec<Value> {
        all.iter().map(|(name, why)| json!({ "path": path(name), "reason": why })).collect()
    };
    json!({
        "id": work.id.map(|id| id.0),
        "root": work.root.shown(),
        "digest": work.digest,
        "quarantine": work.quarantine.as_ref().map(RawPath::shown),
        "wanted": work.wanted,
        "bytes": work.swept.bytes.0,
        "taken": work.swept.taken.iter().map(|(name, _)| path(name)).collect::<Vec<_>>(),
        "removed": work.swept.removed.iter().map(&path).collect::<Vec<_>>(),
        "kept": why(&work.swept.kept),
        "failed": why(&work.swept.failed),
        "refused": work.refused,
        "before": figures(&work.before),
        "after": figures(&work.after),
    })
}

/// The figures of a directory as both documents show them.
pub fn figures(figures: &Figures) -> Value {
    json!({
        "path": figures.path.shown(),
        "entries": figures.entries.map(|count| count.0),
        "old_directories": figures.old_directories.map(|count| count.0),
        "old_files": figures.old_files.map(|count| count.0),
        "used": figures.used.map(|bytes| bytes.0),
        "inodes": figures.inodes,
        "probe": figures.probe,
    })
}

/// What, before, after, and the difference.
pub type Row = (&'static str, String, String, String);

/// The table before → after of one directory.
pub fn table(page: &mut Page, before: &Figures, after: &Figures) {
    let head = format!("  {:<22} {:>12} {:>12} {:>12}", "", "before", "after", "change");
    page.line(&head, Ink::Dim);
    for (label, before, after, change) in rows_between(before, after) {
        page.line(&format!("  {label:<22} {before:>12} {after:>12} {change:>12}"), Ink::Plain);
    }
}

/// Before → after, line by line.
pub fn rows(work: &Work) -> Vec<Row> {
    rows_between(&work.before, &work.after)
}

/// The same of figures.
pub fn rows_between(before: &Figures, after: &Figures) -> Vec<Row> {
    let counts = |label, old: Option<Entries>, new: Option<Entries>| -> Row {
        row(label, (old.map(|n| n.0), new.map(|n| n.0)), |n| Entries(n).to_string())
    };
    let used = (before.used.map(|bytes| bytes.0), after.used.map(|bytes| bytes.0));
    let probe = |figures: &Figures| figures.probe.clone().unwrap_or_else(|| UNKNOWN.to_owned());
    vec![
        counts("entries", before.entries, after.entries),
        counts("old directories", before.old_directories, after.old_directories),
        counts("old files", before.old_files, after.old_files),
        row("room taken", used, |n| Bytes(n).to_string()),
        counts("inodes taken", before.inodes.map(Entries), after.inodes.map(Entries)),
        ("temp dir can be made", probe(before), probe(after), String::new()),
    ]
}

/// What could not be looked at.
const UNKNOWN: &str = "?";

fn row(label: &'static str, (old, new): (Option<u64>, Option<u64>), shown: impl Fn(u64) -> String) -> Row {
    let change = match (old, new) {
        (Some(old), Some(new)) if new == old => "=".to_owned(),
        (Some(old), Some(new)) if new > old => format!("+{}", shown(new - old)),
        (Some(old), Some(new)) => format!("-{}", shown(old.saturating_sub(new))),
        _ => UNKNOWN.to_owned(),
    };
    let text = |n: Option<u64>| n.map_or_else(|| UNKNOWN.to_owned(), &shown);
    (label, text(old), text(new), change)
}

fn refusals(page: &mut Page, (what, ink): (&str, Ink), all: &[(RawPath, String)], detail: Detail) {
    let most = if detail == Detail::Full { usize::MAX } else { SAMPLES };
    for (name, why) in all.iter().take(most) {
        page.hang_inked(
            (&format!("  {what}  "), ink),
            &format!("{}: {}", name.shown(), safe(why)),
            Ink::Plain,
        );
    }
    if let Some(more) = all.len().checked_sub(most).filter(|more| *more > 0) {
        page.paragraph(10, &format!("and {more} more; -v names each"), Ink::Dim);
    }
}

/// Whether a reason tells of a process.
fn names_somebody(reason: &str) -> bool {
    reason.contains(" pid ")
}

fn short(digest: &str) -> String {
    digest.chars().take(16).collect()
}

/// Nothing that ends a cell or a span of code.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('`', "'")
}
