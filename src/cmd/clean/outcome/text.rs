//! An outcome for people: what became of each directory, who stayed and why, and how it is taken back.

use super::{Outcome, SAMPLES, Work, table};
use crate::cmd::clean::page::entries;
use crate::cmd::clean::proof::Asking;
use crate::model::raw_path::RawPath;
use crate::model::units::Entries;
use crate::report::page::{Ink, Page};
use crate::report::{Detail, Options, safe};

/// Digits of a digest by which a plan is found again in the journal.
const DIGITS: usize = 16;

impl Outcome {
    /// For people.
    pub fn text(&self, options: &Options) -> String {
        let mut page = Page::new(options);
        for work in &self.works {
            page.gap();
            one(&mut page, work, options.detail);
        }
        answers(&mut page, &self.asked);
        hints(&mut page, self);
        page.into_text()
    }
}

fn one(page: &mut Page, work: &Work, detail: Detail) {
    let root = work.root.shown();
    let how = work.fate;
    let text = match (work.wanted, work.id) {
        (0, _) => format!("{root}: nothing to do"),
        (_, None) => format!("{root}: nothing was done"),
        (wanted, Some(id)) => format!(
            "{root}: {} of {} {how}, {} (work {}, plan {})",
            Entries(work.done()),
            entries(wanted),
            work.swept.bytes,
            id.0,
            work.digest.chars().take(DIGITS).collect::<String>()
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

fn answers(page: &mut Page, asked: &[Asking]) {
    if asked.is_empty() {
        return;
    }
    page.gap();
    page.line("can a temp dir be made", Ink::Dim);
    let arrow = page.glyph("→", "->");
    for asking in asked {
        let (before, after) = asking.told();
        let path = asking.before.path.shown();
        let ink = match &asking.after {
            Some(after) if after.passed() => Ink::Good,
            Some(_) => Ink::Bad,
            None => Ink::Blind,
        };
        page.line(&format!("  {before:>9} {arrow} {after:<9}  {path}, {}", asking.who), ink);
    }
}

fn hints(page: &mut Page, outcome: &Outcome) {
    let aside: Vec<&Work> = outcome.works.iter().filter(|work| !work.swept.taken.is_empty()).collect();
    if aside.is_empty() {
        return;
    }
    page.gap();
    if outcome.home.is_none() {
        page.paragraph(0, "No journal was written: `undo` knows nothing of this.", Ink::Warn);
    }
    let text = "What was put aside still takes its room. To give it back, or to free it for good:";
    page.paragraph(0, text, Ink::Plain);
    for id in aside.iter().filter_map(|work| work.id) {
        page.command("  ", &format!("tmpmedic undo {}", id.0), Ink::Bold);
        page.command("  ", &format!("tmpmedic purge {} --yes", id.0), Ink::Bold);
    }
}
