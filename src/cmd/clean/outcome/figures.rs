//! The figures of a directory before and after something was done there: line by line, as a table, as JSON.

use serde_json::{Value, json};

use crate::model::journal::Figures;
use crate::model::units::{Bytes, Entries};
use crate::report::page::{Ink, Page};

/// What could not be looked at.
const UNKNOWN: &str = "?";

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

/// The figures of a directory as documents show them.
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
