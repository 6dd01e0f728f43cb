//! The before → after table for people, in 80 columns: numbers right, changes signed.

use super::{answer, between, count, delta, family, hosts, is_known, number};
use crate::model::change::{Change, DirChange, FamilyChange, Fate, Figure, FindingChange, Side, What};
use crate::report::page::{Ink, Page};
use crate::report::wrap::{columns, shorten, shorten_middle};
use crate::report::{Detail, Options, safe};

/// Columns between two numbers.
const GAP: usize = 2;

/// The table; times are local by that many seconds ahead of UTC.
pub fn render(change: &Change, options: &Options, utc_offset_s: i32) -> String {
    let mut page = Page::new(options);
    heading(&mut page, change, utc_offset_s);
    findings(&mut page, change, options.detail);
    answers(&mut page, change);
    for dir in change.dirs.iter().filter(|dir| dir.differs()) {
        temp_dir(&mut page, dir, options.detail);
    }
    unchanged(&mut page, change, options.detail);
    runners(&mut page, change);
    page.into_text()
}

fn heading(page: &mut Page, change: &Change, utc_offset_s: i32) {
    page.paragraph(0, &format!("{}: {}", hosts(change), between(change)), Ink::Bold);
    side(page, "before", &change.before, utc_offset_s);
    side(page, "after", &change.after, utc_offset_s);
}

fn side(page: &mut Page, which: &str, side: &Side, utc_offset_s: i32) {
    let word = side.status.word().to_ascii_uppercase();
    let first = format!("  {which:<6}  {}  {word}", side.taken.date_time(utc_offset_s));
    page.line(&first, Page::status(side.status));
    page.paragraph(10, &safe(&side.headline), Ink::Plain);
}

fn findings(page: &mut Page, change: &Change, detail: Detail) {
    if change.findings.is_empty() {
        return;
    }
    page.gap();
    let of = |fate| change.findings.iter().filter(move |finding| finding.fate == fate);
    let heading =
        [Fate::New, Fate::Gone, Fate::Stayed].map(|fate| format!("{} {}", of(fate).count(), fate.word()));
    page.paragraph(0, &format!("findings: {}", heading.join(", ")), Ink::Bold);
    for finding in &change.findings {
        if detail != Detail::Brief || finding.fate != Fate::Stayed {
            one_finding(page, finding);
        }
    }
}

fn one_finding(page: &mut Page, finding: &FindingChange) {
    let severity = finding.severity.after.or(finding.severity.before);
    let (symbol, ink) = severity.map_or(("?", Ink::Blind), |severity| page.severity(severity));
    let ink = if finding.fate == Fate::Gone { Ink::Good } else { ink };
    let first = format!("  {:<6}  {symbol} ", finding.fate.word());
    let worse = match (finding.severity.before, finding.severity.after) {
        (Some(was), Some(is)) if is > was => ", worse than before",
        (Some(was), Some(is)) if is < was => ", less bad than before",
        _ => "",
    };
    page.hang_inked(
        (&first, ink),
        &format!("{} ({}{worse})", safe(&finding.title), safe(&finding.id)),
        Ink::Plain,
    );
}

fn answers(page: &mut Page, change: &Change) {
    if change.answers.is_empty() {
        return;
    }
    page.gap();
    page.paragraph(0, "who can create temp dirs where", Ink::Bold);
    let told: Vec<(String, String, String)> = change
        .answers
        .iter()
        .map(|it| {
            (
                answer(it.answer.before),
                answer(it.answer.after),
                format!("{}, {}", it.path.shown(), safe(&it.who)),
            )
        })
        .collect();
    let widest =
        |of: fn(&(String, String, String)) -> &str| told.iter().map(|it| columns(of(it))).max().unwrap_or(0);
    let (before, after) = (widest(|it| &it.0), widest(|it| &it.1));
    let arrow = page.glyph("→", "->");
    let room = page.width().saturating_sub(2 + before + after + columns(arrow) + 4).max(8);
    for (was, is, whose) in &told {
        let whose = shorten_middle(whose, room, page.ellipsis());
        page.line(&format!("  {was:>before$} {arrow} {is:<after$}  {whose}"), Ink::Plain);
    }
}

fn title(page: &mut Page, dir: &DirChange) {
    let dot = page.dot();
    let place = if dir.place.is_empty() { String::new() } else { format!("{dot}{}", safe(&dir.place)) };
    let what = match dir.fate {
        Fate::New => ", new",
        Fate::Gone => ", gone",
        Fate::Stayed if dir.replaced => ", another directory now",
        Fate::Stayed => "",
    };
    page.gap();
    page.line(&format!("{}{place}{what}", dir.path.shown()), Ink::Bold);
}

fn temp_dir(page: &mut Page, dir: &DirChange, detail: Detail) {
    title(page, dir);
    if dir.fate != Fate::Stayed && detail != Detail::Full {
        let side = |pair: &crate::model::change::Pair<u64>| pair.after.or(pair.before);
        let fact =
            |what: What| side(&dir.figure(what)).map(|n| format!("{} {}", what.shown(n), what.label()));
        let facts: Vec<String> =
            [What::Entries, What::Old, What::Bytes].into_iter().filter_map(fact).collect();
        page.paragraph(2, &facts.join(page.dot()), Ink::Plain);
        return;
    }
    let is_told =
        |figure: &&Figure| detail == Detail::Full || figure.what == What::Entries || figure.pair.differs();
    let told = dir.figures.iter().filter(|figure| is_known(&figure.pair)).filter(is_told);
    let mut rows = vec![(["", "before", "after", "change"].map(str::to_owned), Ink::Dim)];
    rows.extend(told.map(|Figure { what, pair }| {
        let cells = [number(*what, pair.before), number(*what, pair.after), delta(*what, pair)];
        let [before, after, change] = cells;
        let ink = if pair.differs() { Ink::Plain } else { Ink::Dim };
        ([what.label().to_owned(), before, after, change], ink)
    }));
    let numbers = rows.iter().flat_map(|(cells, _)| cells.iter().skip(1)).map(|cell| columns(cell));
    let number = numbers.max().unwrap_or(0) + GAP;
    let wide = page.width().saturating_sub(2 + 3 * number).min(30);
    for ([name, before, after, change], ink) in rows {
        let name = shorten(&name, wide, page.ellipsis());
        page.line(&format!("  {name:<wide$}{before:>number$}{after:>number$}{change:>number$}"), ink);
    }
    families(page, &dir.families, detail);
}

fn families(page: &mut Page, all: &[FamilyChange], detail: Detail) {
    let shown: Vec<&FamilyChange> =
        all.iter().filter(|family| detail == Detail::Full || family.differs()).collect();
    if shown.is_empty() {
        return;
    }
    let extent = if page.width() < 76 { Extent::Counts } else { Extent::Whole };
    let titles = ["family", "before", "after", "change", "old before", "after", "bytes"].map(str::to_owned);
    family_row(page, extent, titles, Ink::Dim);
    for it in &shown {
        let cells = [
            family(&it.id),
            number(What::Entries, it.count.before),
            number(What::Entries, it.count.after),
            delta(What::Entries, &it.count),
            number(What::Old, it.old.before),
            number(What::Old, it.old.after),
            delta(What::Bytes, &it.bytes),
        ];
        family_row(page, extent, cells, if it.differs() { Ink::Plain } else { Ink::Dim });
    }
    let left = all.len() - shown.len();
    if left > 0 {
        page.paragraph(2, &format!("and {} as before", count(left, ("family", "families"))), Ink::Dim);
    }
}

/// How much of a family there is room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Extent {
    /// How many there are.
    Counts,
    /// Also how many are old, and what they take.
    Whole,
}

fn family_row(page: &mut Page, extent: Extent, cells: [String; 7], ink: Ink) {
    let [name, before, after, change, old_before, old_after, bytes] = cells;
    let wide = match extent {
        Extent::Counts => page.width().saturating_sub(2 + 3 * 8).max(8),
        Extent::Whole => 22,
    };
    let name = shorten(&name, wide, page.ellipsis());
    let mut line = format!("  {name:<wide$}{before:>8}{after:>8}{change:>8}");
    if extent == Extent::Whole {
        line.push_str(&format!("  {old_before:>10}{old_after:>8}{bytes:>10}"));
    }
    page.line(&line, ink);
}

fn unchanged(page: &mut Page, change: &Change, detail: Detail) {
    let same: Vec<&DirChange> = change.dirs.iter().filter(|dir| !dir.differs()).collect();
    if same.is_empty() || detail == Detail::Brief {
        return;
    }
    let told = same.iter().map(|dir| {
        let place = if dir.place.is_empty() { String::new() } else { format!(" of {}", safe(&dir.place)) };
        let after = dir.figure(What::Entries).after;
        let entries = if after == Some(1) { "entry" } else { "entries" };
        format!("{}{place} ({} {entries})", dir.path.shown(), number(What::Entries, after))
    });
    page.gap();
    page.hang("as before: ", &told.collect::<Vec<_>>().join(", "), Ink::Dim);
}

fn runners(page: &mut Page, change: &Change) {
    if change.runners.is_empty() {
        return;
    }
    page.gap();
    page.paragraph(0, "runners", Ink::Bold);
    for it in &change.runners {
        let word = if it.fate == Fate::New { "came" } else { "went" };
        let first = format!("  {word}  {:>7}  ", it.pid);
        page.hang(&first, &format!("{} ({})", safe(&it.label), safe(&it.role)), Ink::Plain);
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::cleaned;
    use super::*;
    use crate::report::Glyphs;

    fn shown(width: usize, glyphs: Glyphs) -> String {
        render(&cleaned(), &Options { width, glyphs, ..Options::default() }, 0)
    }

    #[test]
    fn fits_the_columns_it_is_given() {
        for width in [40, 60, 80] {
            for line in shown(width, Glyphs::Unicode).lines() {
                assert!(columns(line) <= width, "{line:?} is wider than {width}");
            }
        }
    }

    #[test]
    fn numbers_of_a_column_end_in_the_same_place() {
        let text = shown(80, Glyphs::Unicode);
        let ends: Vec<usize> = ["entries", "older than 1 d", "bytes"]
            .iter()
            .map(|name| {
                let row = |line: &&str| {
                    line.trim_start().starts_with(name) && line.ends_with(char::is_alphanumeric)
                };
                columns(text.lines().find(row).unwrap_or_else(|| panic!("{name} is missing in\n{text}")))
            })
            .collect();
        assert!(ends.iter().all(|end| *end == ends[0]), "{ends:?}\n{text}");
    }

    #[test]
    fn says_what_came_what_went_and_what_is_as_it_was() {
        let text = shown(80, Glyphs::Unicode);
        for part in [
            "ci-3: 10 min later",
            "before  2026-01-22 20:41:07  CRITICAL",
            "findings: 1 new, 1 gone, 0 stayed",
            "gone    ✗ /tmp of forgejo-runner@1.service is a deleted directory",
            "ENOENT probed → yes probed",
            "as before: /var/tmp",
            "-19.1 G",
            "came     9000  forgejo-runner@1.service (Forgejo runner)",
        ] {
            assert!(text.contains(part), "{part} is missing in\n{text}");
        }
    }

    #[test]
    fn needs_nothing_but_ascii_when_asked() {
        let text = shown(80, Glyphs::Ascii);
        assert!(text.is_ascii(), "{text}");
    }
}
