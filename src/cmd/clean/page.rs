//! A plan for people: the totals, what goes by family, what stays by reason.

use std::collections::BTreeMap;

use super::document::Totals;
use super::draft::{Draft, Group};
use super::strangers;
use crate::cmd::workshop::Names;
use crate::model::plan::{Planned, Verdict, Wishes};
use crate::model::raw_path::RawPath;
use crate::model::units::{Bytes, Entries};
use crate::remedies::clean::{self, Guard, Reasons};
use crate::report::page::{Ink, Page};
use crate::report::{Detail, Options, safe};

/// Columns of a family's name, or of a reason in a few words.
const LABEL: usize = 30;
/// How many entries of a group are named where not all are.
const NAMES: usize = 3;
/// How many reasons of one kind are told where not all are.
const REASONS: usize = 3;
/// And of those that are worth a line each.
const HOLDERS: usize = 8;
/// So many hexadecimal digits in a row tell people nothing.
const DIGITS: usize = 24;

/// What the command still has to say.
pub struct Rest<'a> {
    /// What a clean-up would not help against.
    pub no_help: &'a [String],
    /// The commands that carry it out.
    pub next: &'a [String],
    /// What could be freed for good by now.
    pub due: Option<&'a str>,
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
            unseen(&mut page, draft, options.detail);
        }
        unread(&mut page, draft);
    }
    if let Some(due) = rest.due {
        page.gap();
        page.paragraph(0, due, Ink::Warn);
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
        0 => format!("{root}: {}", none_of(all)),
        n => format!(
            "{root}: {} of {} can go, {bytes}; {} stay",
            Entries(n),
            entries(all),
            Entries(totals.keep)
        ),
    };
    page.paragraph(0, &text, Ink::Bold);
}

/// Where nothing goes.
pub fn none_of(all: u64) -> String {
    match all {
        0 => "nothing lies there".to_owned(),
        1 => "the only entry stays".to_owned(),
        all => format!("none of {} can go", entries(all)),
    }
}

fn going(page: &mut Page, draft: &Draft) {
    if draft.going.is_empty() {
        return;
    }
    page.gap();
    head(page, "what goes");
    for (family, group) in draft.going_by_size() {
        row(page, family, group);
    }
}

fn head(page: &mut Page, what: &str) {
    page.line(&format!("{what:<LABEL$} {:>10} {:>10} {:>10}", "entries", "size", "oldest"), Ink::Dim);
}

fn row(page: &mut Page, label: &str, group: &Group) {
    let oldest = group.oldest.map_or_else(|| "?".to_owned(), |age| age.to_string());
    let (label, width) = (safe(label), LABEL - 2);
    let (entries, bytes) = (Entries(group.entries), group.bytes);
    page.line(&format!("  {label:<width$} {entries:>10} {bytes:>10} {oldest:>10}"), Ink::Plain);
}

fn staying(page: &mut Page, draft: &Draft, names: &Names, detail: Detail) {
    if draft.staying.is_empty() {
        return;
    }
    page.gap();
    head(page, "what stays");
    for (guard, group) in draft.staying_by_guard() {
        row(page, guard.kept, group);
        if detail == Detail::Full {
            for entry in draft.members(group) {
                let (name, owner) = (entry.candidate.name.shown(), safe(&names.of(entry.candidate.uid)));
                page.hang("    ", &format!("{name} ({owner}): {}", safe(&entry.reason)), Ink::Dim);
            }
        } else if guard.reasons != Reasons::One {
            reasons(page, draft, guard, group);
        }
    }
}

/// Each reason once, with some of those that stay for it.
fn reasons(page: &mut Page, draft: &Draft, guard: &Guard, group: &Group) {
    let mut by_reason: BTreeMap<&str, Vec<&Planned>> = BTreeMap::new();
    for entry in draft.members(group) {
        by_reason.entry(&entry.reason).or_default().push(entry);
    }
    let most = if guard.reasons == Reasons::Each { HOLDERS } else { REASONS };
    if by_reason.len() > most
        && guard.reasons == Reasons::Few
        && let (Some(youngest), Some(oldest)) = (group.youngest, group.oldest)
    {
        page.hang("    ", &format!("last touched {youngest} to {oldest} ago; -v names each"), Ink::Dim);
        return;
    }
    let mut left = group.entries;
    let mut by_count: Vec<_> = by_reason.into_iter().collect();
    by_count.sort_by_key(|(_, all)| std::cmp::Reverse(all.len()));
    for (reason, all) in by_count.iter().take(most) {
        left = left.saturating_sub(u64::try_from(all.len()).unwrap_or(u64::MAX));
        let shown: Vec<String> =
            all.iter().take(NAMES).map(|entry| brief(page, &entry.candidate.name)).collect();
        let more = match all.len().saturating_sub(NAMES) {
            0 => String::new(),
            n => format!(" and {} more", Entries(u64::try_from(n).unwrap_or(u64::MAX))),
        };
        page.hang("    ", &format!("{}{more}: {}", shown.join(", "), safe(reason)), Ink::Dim);
    }
    if left > 0 {
        page.hang("    ", &format!("and {} more; -v names each", Entries(left)), Ink::Dim);
    }
}

/// A name as people read it: long numbers are cut.
fn brief(page: &Page, name: &RawPath) -> String {
    let (shown, mut text) = (name.shown(), String::new());
    let mut rest = shown.as_str();
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_hexdigit).count();
        let (run, after) = if digits == 0 {
            rest.split_at(rest.chars().next().map_or(1, char::len_utf8))
        } else {
            rest.split_at(digits)
        };
        match run.get(..4).filter(|_| digits >= DIGITS) {
            Some(start) => text.push_str(&format!("{start}{}", page.ellipsis())),
            None => text.push_str(run),
        }
        rest = after;
    }
    text
}

fn unseen(page: &mut Page, draft: &Draft, detail: Detail) {
    let unread = draft.unread.iter().filter(|_| detail == Detail::Full);
    let mut gaps = draft.gaps.iter().chain(unread).peekable();
    if gaps.peek().is_none() {
        return;
    }
    page.gap();
    page.line("not seen, so nobody knows who holds what there", Ink::Dim);
    for gap in gaps {
        let remedy = gap.remedy.as_ref().map(|remedy| format!("; {}", safe(remedy))).unwrap_or_default();
        page.hang("  ", &format!("{}: {}{remedy}", safe(&gap.what), gap.why.shown()), Ink::Dim);
    }
}

/// Who could not be read, and what follows from that.
fn unread(page: &mut Page, draft: &Draft) {
    let own = rustix::process::geteuid().as_raw();
    if let Some(kept) = strangers::kept(draft, own) {
        page.gap();
        page.paragraph(0, &safe(&kept.why), Ink::Warn);
        if let Some(line) = &kept.as_root {
            page.gap();
            page.paragraph(0, "As root they can be read, and exactly these go:", Ink::Plain);
            page.command("  ", line, Ink::Bold);
        }
        page.gap();
        page.paragraph(0, "To take it upon you:", Ink::Plain);
        page.command("  ", &kept.assuming, Ink::Bold);
    } else if let Some(who) = clean::strangers(&draft.strangers, own) {
        page.gap();
        page.paragraph(0, &safe(&format!("{who}.")), Ink::Dim);
    }
}

/// `1 entry`, `1,491 entries`.
pub fn entries(count: u64) -> String {
    format!("{} {}", Entries(count), if count == 1 { "entry" } else { "entries" })
}

/// What becomes of what goes.
pub fn fate(wishes: &Wishes) -> &'static str {
    if wishes.delete { "removed for good" } else { "put aside" }
}

/// The entries of a plan that go.
pub fn wanted(entries: &[Planned]) -> impl Iterator<Item = &Planned> {
    entries.iter().filter(|entry| entry.verdict == Verdict::Remove)
}

/// A path below a directory, as it is shown.
pub fn shown(root: &RawPath, name: &RawPath) -> String {
    root.join(name.as_bytes()).shown()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_long_numbers_are_cut_from_names() {
        let page = Page::new(&Options::default());
        let brief = |name: &str| brief(&page, &name.into());
        assert_eq!(
            brief("systemd-private-0123456789abcdef0123456789abcdef-runner@1.service-k2Xq91"),
            "systemd-private-0123…-runner@1.service-k2Xq91"
        );
        for whole in ["go-build1234567890", "äöü", "a", "deadbeef-cafe", ""] {
            assert_eq!(brief(whole), whole);
        }
    }
}
