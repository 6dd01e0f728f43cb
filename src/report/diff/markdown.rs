//! The before → after table for tickets.

use super::{answer, between, delta, family, hosts, is_known, number};
use crate::model::change::{Change, DirChange, FamilyChange, Fate, FindingChange, Side, What};
use crate::report::markdown::{cell, code, inline};

/// The document; times are local by that many seconds ahead of UTC.
pub fn render(change: &Change, utc_offset_s: i32) -> String {
    let mut out = format!("## {}: {}\n\n", inline(&hosts(change)), inline(&between(change)));
    side(&mut out, "Before", &change.before, utc_offset_s);
    side(&mut out, "After", &change.after, utc_offset_s);
    findings(&mut out, change);
    answers(&mut out, change);
    for dir in change.dirs.iter().filter(|dir| dir.differs()) {
        temp_dir(&mut out, dir);
    }
    unchanged(&mut out, change);
    runners(&mut out, change);
    out
}

fn side(out: &mut String, which: &str, side: &Side, utc_offset_s: i32) {
    let word = side.status.word().to_ascii_uppercase();
    let when = side.taken.date_time(utc_offset_s);
    out.push_str(&format!("- {which}, {when}: **{word}** {}\n", inline(&side.headline)));
}

fn findings(out: &mut String, change: &Change) {
    if change.findings.is_empty() {
        return;
    }
    out.push_str("\n### Findings\n\n| | before | after | finding | cause |\n|---|---|---|---|---|\n");
    for finding in &change.findings {
        out.push_str(&finding_row(finding));
    }
}

fn finding_row(finding: &FindingChange) -> String {
    let severity = |severity: Option<crate::model::finding::Severity>| {
        severity.map_or_else(String::new, |severity| format!("{severity:?}").to_ascii_lowercase())
    };
    format!(
        "| {} | {} | {} | {} | {} |\n",
        finding.fate.word(),
        severity(finding.severity.before),
        severity(finding.severity.after),
        inline(&finding.title),
        cell(&code(&finding.id))
    )
}

fn answers(out: &mut String, change: &Change) {
    if change.answers.is_empty() {
        return;
    }
    out.push_str("\n### Who can create temp dirs where\n\n| temp dir | seen by | before | after |\n|---|---|---|---|\n");
    for it in &change.answers {
        out.push_str(&format!(
            "| {} | {} | {} | {} |\n",
            cell(&code(&it.path.shown())),
            inline(&it.who),
            answer(it.answer.before),
            answer(it.answer.after)
        ));
    }
}

fn temp_dir(out: &mut String, dir: &DirChange) {
    let place = if dir.place.is_empty() { String::new() } else { format!(" of {}", inline(&dir.place)) };
    let what = match dir.fate {
        Fate::New => ", new",
        Fate::Gone => ", gone",
        Fate::Stayed if dir.replaced => ", another directory now",
        Fate::Stayed => "",
    };
    out.push_str(&format!("\n### {}{place}{what}\n\n", code(&dir.path.shown())));
    out.push_str("| | before | after | change |\n|---|---:|---:|---:|\n");
    for figure in dir.figures.iter().filter(|figure| is_known(&figure.pair)) {
        let (what, pair) = (figure.what, figure.pair);
        out.push_str(&format!(
            "| {} | {} | {} | {} |\n",
            what.label(),
            number(what, pair.before),
            number(what, pair.after),
            delta(what, &pair)
        ));
    }
    let changed: Vec<&FamilyChange> = dir.families.iter().filter(|family| family.differs()).collect();
    if changed.is_empty() {
        return;
    }
    out.push_str("\n| family | before | after | change | old before | old after | bytes |\n");
    out.push_str("|---|---:|---:|---:|---:|---:|---:|\n");
    for it in changed {
        out.push_str(&format!(
            "| {} | {} | {} | {} | {} | {} | {} |\n",
            inline(&family(&it.id)),
            number(What::Entries, it.count.before),
            number(What::Entries, it.count.after),
            delta(What::Entries, &it.count),
            number(What::Old, it.old.before),
            number(What::Old, it.old.after),
            delta(What::Bytes, &it.bytes)
        ));
    }
}

fn unchanged(out: &mut String, change: &Change) {
    let same = change.dirs.iter().filter(|dir| !dir.differs());
    let told: Vec<String> = same
        .map(|dir| {
            let place =
                if dir.place.is_empty() { String::new() } else { format!(" of {}", inline(&dir.place)) };
            format!("{}{place}", code(&dir.path.shown()))
        })
        .collect();
    if !told.is_empty() {
        out.push_str(&format!("\nAs before: {}\n", told.join(", ")));
    }
}

fn runners(out: &mut String, change: &Change) {
    if change.runners.is_empty() {
        return;
    }
    out.push_str("\n### Runners\n\n");
    for it in &change.runners {
        let word = if it.fate == Fate::New { "came" } else { "went" };
        out.push_str(&format!("- {word}: {} ({}), pid {}\n", inline(&it.label), inline(&it.role), it.pid));
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::cleaned;
    use super::*;

    #[test]
    fn every_row_of_a_table_has_as_many_cells_as_its_head() {
        let text = render(&cleaned(), 0);
        let mut head = None;
        for line in text.lines() {
            if !line.starts_with('|') {
                head = None;
                continue;
            }
            let cells = line.replace("\\|", "").matches('|').count();
            assert_eq!(*head.get_or_insert(cells), cells, "{line}\n{text}");
        }
        assert!(text.contains("| gone | critical |"), "{text}");
    }

    #[test]
    fn a_name_cannot_be_markup() {
        let mut change = cleaned();
        change.findings[0].title = "a | b <img src=x>".into();
        change.runners[0].label = "*x*".into();
        let text = render(&change, 0);
        assert!(text.contains(r"a \| b \<img src=x\>") && text.contains(r"\*x\*"), "{text}");
    }
}
