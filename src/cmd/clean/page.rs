//! A plan for people: the totals, what goes by family, what stays by reason.

use std::collections::BTreeMap;

use super::document::Totals;
use super::draft::{Draft, Group};
use crate::cmd::workshop::Names;
use crate::model::plan::{Planned, Verdict};
use crate::model::raw_path::RawPath;
use crate::model::units::{Bytes, Entries};
use crate::remedies::clean::GUARDS;
use crate::report::page::{Ink, Page};
use crate::report::{Detail, Options, safe};

/// Columns of a family's name.
const FAMILY: usize = 28;
/// How many entries of a group are named where not all are.
const SAMPLES: usize = 3;
/// Guards whose reasons name somebody: these are worth a line each.
const TELLING: [&str; 4] = ["unheld", "unmounted", "unlocked", "clock"];

/// What the command still has to say.
pub struct Rest<'a> {
    /// What a clean-up would not help against.
    pub no_help: &'a [String],
    /// The commands that carry it out.
    pub next: &'a [String],
}

/// The page of these plans.
pub fn render(drafts: &[Draft], names: &Names, rest: &Rest<'_>, options: &Options) -> String {
    let mut page = Page::new(options);
    for why in rest.no_help {
        page.paragraph(0, why, Ink::Bad);
    }
    for draft in drafts {
        page.gap();
        totals(&mut page, draft);
        if options.detail != Detail::Brief {
            going(&mut page, draft);
            staying(&mut page, draft, names, options.detail);
            unseen(&mut page, draft);
        }
    }
    if !rest.next.is_empty() {
        page.gap();
        page.paragraph(0, "Nothing has been changed. To do it:", Ink::Plain);
        for command in rest.next {
            page.command("  ", command, Ink::Bold);
        }
    }
    page.into_text()
}

fn totals(page: &mut Page, draft: &Draft) {
    let totals = Totals::of(std::slice::from_ref(&draft.plan));
    let (all, bytes) = (totals.remove + totals.keep, Bytes(totals.bytes));
    let root = draft.plan.root.shown();
    let text = match totals.remove {
        0 if all == 0 => format!("{root}: nothing lies there"),
        0 => format!("{root}: none of {} can go", entries(all)),
        n => format!(
            "{root}: {} of {} can go, {bytes}; {} stay",
            Entries(n),
            entries(all),
            Entries(totals.keep)
        ),
    };
    page.paragraph(0, &text, Ink::Bold);
}

fn going(page: &mut Page, draft: &Draft) {
    if draft.going.is_empty() {
        return;
    }
    page.gap();
    let head = format!("{:<FAMILY$} {:>10} {:>10} {:>10}", "what goes", "entries", "size", "oldest");
    page.line(&head, Ink::Dim);
    for (family, group) in sorted(&draft.going) {
        let family = if family.is_empty() { "in no known family" } else { family };
        let oldest = group.oldest.map_or_else(|| "?".to_owned(), |age| age.to_string());
        let row = format!(
            "  {:<width$} {:>10} {:>10} {oldest:>10}",
            safe(family),
            Entries(group.entries),
            group.bytes,
            width = FAMILY - 2
        );
        page.line(&row, Ink::Plain);
    }
}

fn staying(page: &mut Page, draft: &Draft, names: &Names, detail: Detail) {
    if draft.staying.is_empty() {
        return;
    }
    page.gap();
    page.line("what stays, because not all of this holds", Ink::Dim);
    for guard in GUARDS {
        let Some(group) = draft.staying.get(guard.id) else { continue };
        page.hang(&format!("  {:>8}  ", Entries(group.entries)), guard.holds, Ink::Plain);
        let shown = match detail {
            Detail::Full => group.members.len(),
            _ if TELLING.contains(&guard.id) || group.members.len() <= SAMPLES => SAMPLES,
            _ => 1,
        };
        for entry in group.members.iter().take(shown).filter_map(|at| draft.plan.entries.get(*at)) {
            let name = entry.candidate.name.shown();
            let owner = if detail == Detail::Full {
                format!(" ({})", safe(&names.of(entry.candidate.uid)))
            } else {
                String::new()
            };
            page.hang("            ", &format!("{name}{owner}: {}", safe(&entry.reason)), Ink::Dim);
        }
        let more = group.members.len().saturating_sub(shown);
        if more > 0 {
            let text = format!("and {}; -v names each", Entries(u64::try_from(more).unwrap_or(u64::MAX)));
            page.hang("            ", &text, Ink::Dim);
        }
    }
}

fn unseen(page: &mut Page, draft: &Draft) {
    if draft.gaps.is_empty() {
        return;
    }
    page.gap();
    page.line("not seen, so nobody knows who holds what there", Ink::Dim);
    for gap in &draft.gaps {
        let remedy = gap.remedy.as_ref().map(|remedy| format!("; {}", safe(remedy))).unwrap_or_default();
        page.hang("  ", &format!("{}: {}{remedy}", safe(&gap.what), gap.why.shown()), Ink::Dim);
    }
}

/// The largest first.
fn sorted(groups: &BTreeMap<String, Group>) -> Vec<(&str, &Group)> {
    let mut all: Vec<_> = groups.iter().map(|(family, group)| (family.as_str(), group)).collect();
    all.sort_by_key(|(_, group)| std::cmp::Reverse((group.entries, group.bytes)));
    all
}

/// `1 entry`, `1,491 entries`.
pub fn entries(count: u64) -> String {
    format!("{} {}", Entries(count), if count == 1 { "entry" } else { "entries" })
}

/// The entries of a plan that go.
pub fn wanted(entries: &[Planned]) -> impl Iterator<Item = &Planned> {
    entries.iter().filter(|entry| entry.verdict == Verdict::Remove)
}

/// A path below a directory, as it is shown.
pub fn shown(root: &RawPath, name: &RawPath) -> String {
    root.join(name.as_bytes()).shown()
}
