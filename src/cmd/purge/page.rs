//! What would be freed, and what was: for people and for scripts.

use serde_json::{Value, json};

use super::away::Freed;
use super::{Choice, Lying, SCHEMA};
use crate::cli::PurgeArgs;
use crate::cmd::clean::{entries, figures, table};
use crate::exit::Exit;
use crate::model::raw_path::RawPath;
use crate::model::units::{Bytes, Entries, Seconds};
use crate::report::page::{Ink, Page};
use crate::report::{Options, safe, safe_json};

/// The exit code of what was freed.
pub fn exit(freed: &[Freed]) -> u8 {
    let is_whole = freed.iter().all(|freed| freed.left.is_empty() && !freed.stopped);
    match (is_whole, freed.iter().any(|freed| freed.objects > 0)) {
        (true, _) => 0,
        (false, true) => 1,
        (false, false) => Exit::Failed.code(),
    }
}

/// What would be freed, and how.
pub fn proposal(choice: &Choice, args: &PurgeArgs, options: &Options) -> String {
    let mut page = Page::new(options);
    lying(&mut page, choice);
    if !choice.chosen.is_empty() {
        page.gap();
        let text =
            "Nothing has been changed. What is freed is gone for good, `undo` finds nothing of it. To do it:";
        page.paragraph(0, text, Ink::Plain);
        let id = args.id.map(|id| format!(" {id}")).unwrap_or_default();
        let age = args.older_than.map(|time| format!(" --older-than {}", Seconds(time.as_secs()).typed()));
        let age = age.unwrap_or_default();
        page.command("  ", &format!("tmpmedic purge{id}{age} --yes"), Ink::Bold);
    }
    page.into_text()
}

/// What is about to be freed.
pub fn told(choice: &Choice, options: &Options) -> String {
    let mut page = Page::new(options);
    lying(&mut page, choice);
    page.gap();
    page.into_text()
}

fn lying(page: &mut Page, choice: &Choice) {
    let (count, bytes) = sum(&choice.chosen);
    let (older, waiting) = (choice.older_than, rests(&choice.chosen));
    let head = match (choice.chosen.len(), choice.young.is_empty()) {
        (0, true) => "nothing lies in any quarantine".to_owned(),
        (0, false) => format!("nothing was put aside more than {older} ago"),
        _ if count == 0 => format!("no entry lies aside; {}", wait(waiting)),
        _ if choice.by_id => format!("{} lie aside, {bytes}", entries(count)),
        _ => format!("{} lie aside for more than {older}, {bytes}", entries(count)),
    };
    page.paragraph(0, &head, Ink::Bold);
    if !choice.chosen.is_empty() {
        page.line(
            &format!("  {:>6} {:>10} {:>10} {:>10}  where", "work", "aside for", "entries", "size"),
            Ink::Dim,
        );
        for lying in &choice.chosen {
            let root = lying.begin.place.as_ref().map(|(path, _)| path.shown()).unwrap_or_default();
            let (work, age, entries) = (lying.begin.work.0, lying.age, Entries(lying.entries));
            page.line(
                &format!("  {work:>6} {age:>10} {entries:>10} {:>10}  {root}", lying.bytes),
                Ink::Plain,
            );
        }
        if waiting > 0 {
            page.gap();
            let (are, they) =
                if waiting == 1 { ("directory is", "it holds") } else { ("directories are", "they hold") };
            let text = format!(
                "{} {are} what is left of a removal for good that was interrupted; what {they} is not known",
                Entries(waiting)
            );
            page.paragraph(0, &text, Ink::Plain);
        }
    }
    if !choice.young.is_empty() {
        let (count, bytes) = sum(&choice.young);
        let works = choice.young.iter().map(|lying| lying.begin.work.0.to_string());
        let works = works.collect::<Vec<_>>().join(", ");
        let text = match (count, rests(&choice.young)) {
            (0, waiting) => {
                format!("{} since less than {older}; a number frees them now (work {works})", wait(waiting))
            }
            _ => format!(
                "{}, {bytes}, are younger than {older} and stay; a number frees them now (work {works})",
                entries(count)
            ),
        };
        page.gap();
        page.paragraph(0, &text, Ink::Plain);
    }
}

/// Directories that interrupted removals have left.
fn rests(all: &[Lying]) -> u64 {
    all.iter().map(|lying| lying.rests).fold(0, u64::saturating_add)
}

fn wait(rests: u64) -> String {
    let wait = if rests == 1 {
        "directory of an interrupted removal waits"
    } else {
        "directories of interrupted removals wait"
    };
    format!("{} {wait} in a quarantine", Entries(rests))
}

fn sum(all: &[Lying]) -> (u64, Bytes) {
    let bytes = all.iter().map(|lying| lying.bytes.0).fold(0, u64::saturating_add);
    (all.iter().map(|lying| lying.entries).fold(0, u64::saturating_add), Bytes(bytes))
}

/// What was freed.
pub fn done(freed: &[Freed], options: &Options) -> String {
    let mut page = Page::new(options);
    for freed in freed {
        page.gap();
        let (root, of, objects) = (freed.root.shown(), freed.of.0, Entries(freed.objects));
        let text = if freed.wanted == 0 && freed.left.is_empty() && !freed.stopped {
            format!(
                "{root}: what was left of the interrupted removal of work {of} is gone for good: {objects} objects"
            )
        } else {
            format!(
                "{root}: {} of {} of work {of} are gone for good: {}, {objects} objects",
                Entries(freed.entries),
                entries(freed.wanted),
                freed.bytes
            )
        };
        page.paragraph(0, &text, Ink::Bold);
        if freed.stopped {
            page.paragraph(2, "stopped between two steps; the rest still lies aside", Ink::Warn);
        }
        for (name, why) in &freed.left {
            page.hang_inked(("  left  ", Ink::Warn), &format!("{name}: {}", safe(why)), Ink::Plain);
        }
        if let Some((before, after)) = &freed.figures {
            table(&mut page, before, after);
        }
    }
    page.into_text()
}

/// Both, for scripts; without `freed` nothing was changed.
///
/// # Errors
/// Those of serde_json, which our own data does not meet.
pub fn document(choice: &Choice, freed: Option<&[Freed]>) -> serde_json::Result<String> {
    let works: Vec<Value> = match freed {
        Some(freed) => freed.iter().map(freed_document).collect(),
        None => choice.chosen.iter().map(lying_document).collect(),
    };
    safe_json::to_line(&json!({
        "schema": SCHEMA,
        "exit": freed.map_or(0, exit),
        "applied": freed.is_some(),
        "works": works,
        "too_young": choice.young.len(),
    }))
}

fn lying_document(lying: &Lying) -> Value {
    let root = lying.begin.place.as_ref().map(|(path, _)| RawPath::shown(path));
    json!({
        "id": lying.begin.work.0,
        "root": root,
        "entries": lying.entries,
        "bytes": lying.bytes.0,
        "rests": lying.rests,
        "age_s": lying.age.0,
    })
}

fn freed_document(freed: &Freed) -> Value {
    let left = freed.left.iter().map(|(name, why)| json!({ "name": name, "reason": why }));
    json!({
        "id": freed.of.0,
        "root": freed.root.shown(),
        "wanted": freed.wanted,
        "entries": freed.entries,
        "objects": freed.objects,
        "bytes": freed.bytes.0,
        "stopped": freed.stopped,
        "left": left.collect::<Vec<_>>(),
        "before": freed.figures.as_ref().map(|(before, _)| figures(before)),
        "after": freed.figures.as_ref().map(|(_, after)| figures(after)),
    })
}
