//! The report for people: the verdict first, then each cause with its proof and what helps, in 80 columns.

use crate::model::finding::{Action, Confidence, Diagnosis, Evidence, Finding, Risk, Severity};
use crate::model::log_line::LogLine;
use crate::model::snapshot::Snapshot;
use crate::model::units::{Entries, count};
use crate::model::vantage::{Ability, Can, HowKnown, Vantage};
use crate::report::incomplete::incomplete;
use crate::report::page::{Ink, Page};
use crate::report::wrap::{columns, shorten, shorten_middle};
use crate::report::{Detail, Options, safe};

/// Rows of the list of temp dirs; those that fail are shown whatever their number.
const WELL_ROWS: usize = 6;
/// Pids named beside a finding before "and N more".
const PIDS_NAMED: usize = 6;

/// The report.
pub fn render(now: &Snapshot, diagnosis: &Diagnosis, options: &Options) -> String {
    let mut page = Page::new(options);
    verdict(&mut page, diagnosis);
    for found in &diagnosis.found {
        finding(&mut page, found);
    }
    log(&mut page, &now.log);
    if options.detail != Detail::Brief {
        temp_dirs(&mut page, now, options.detail);
        ruled_out(&mut page, diagnosis, options.detail);
        blind(&mut page, diagnosis);
    }
    not_seen(&mut page, now, options);
    closing(&mut page, now, options);
    page.into_text()
}

fn verdict(page: &mut Page, diagnosis: &Diagnosis) {
    let word = diagnosis.status.word().to_ascii_uppercase();
    let ink = Page::status(diagnosis.status);
    page.hang_inked((&format!("{word}  "), ink), &safe(&diagnosis.headline), Ink::Bold);
}

fn finding(page: &mut Page, finding: &Finding) {
    page.gap();
    let (symbol, ink) = page.severity(finding.severity);
    page.hang_inked((&format!("{symbol} "), ink), &safe(&finding.title), Ink::Bold);
    let errno = finding.errno.map(|errno| errno.to_string());
    let facts = [Some(confidence(finding.confidence).to_owned()), errno, Some(safe(&finding.id))];
    page.paragraph(2, &facts.into_iter().flatten().collect::<Vec<_>>().join(page.dot()), Ink::Plain);
    if !finding.subject.pids.is_empty() {
        page.paragraph(2, &pids(&finding.subject.pids), Ink::Dim);
    }
    for fact in &finding.evidence {
        evidence(page, fact);
    }
    if !finding.actions.is_empty() {
        page.gap();
        page.paragraph(2, "what helps", Ink::Bold);
        for action in &finding.actions {
            what_helps(page, action);
        }
    }
    if finding.severity != Severity::Info {
        page.command("  more  ", &format!("tmpmedic explain {}", safe(&finding.id)), Ink::Plain);
    }
}

fn confidence(confidence: Confidence) -> &'static str {
    match confidence {
        Confidence::Proven => "proven",
        Confidence::Likely => "likely",
        Confidence::Possible => "possible",
    }
}

fn pids(pids: &[u32]) -> String {
    let named: Vec<String> = pids.iter().take(PIDS_NAMED).map(u32::to_string).collect();
    let word = if pids.len() == 1 { "pid" } else { "pids" };
    match pids.len().saturating_sub(PIDS_NAMED) {
        0 => format!("{word} {}", named.join(", ")),
        more => format!("{word} {} and {more} more", named.join(", ")),
    }
}

fn evidence(page: &mut Page, evidence: &Evidence) {
    page.gap();
    page.paragraph(2, &safe(&evidence.source), Ink::Dim);
    page.paragraph(4, &evidence.observed.shown(), Ink::Plain);
    let corner = page.glyph("    └ ", "    `- ");
    page.hang(corner, &safe(&evidence.means), Ink::Plain);
    if !evidence.by_hand.is_empty() {
        page.command("    by hand  ", &commands(&evidence.by_hand), Ink::Dim);
    }
}

fn what_helps(page: &mut Page, action: &Action) {
    let risk = match action.risk {
        Risk::None => "",
        Risk::Interrupts => " (interrupts running work)",
        Risk::RemovesData => " (removes data)",
    };
    let bullet = page.glyph("  • ", "  * ");
    page.hang(bullet, &format!("{}{risk}", safe(&action.title)), Ink::Plain);
    for command in &action.by_hand {
        page.command("      ", &commands(command), Ink::Dim);
    }
}

/// A command keeps its line breaks; every line of it is harmless.
fn commands(text: &str) -> String {
    text.lines().map(safe).collect::<Vec<_>>().join("\n")
}

fn log(page: &mut Page, lines: &[LogLine]) {
    if lines.is_empty() {
        return;
    }
    page.gap();
    page.paragraph(0, "build log", Ink::Bold);
    for line in lines {
        let errno = line.errno.map(crate::model::errno::Errno::name);
        let path = line.path.as_ref().map(|p| shorten_middle(&p.shown(), 48, page.ellipsis()));
        let facts = [Some(safe(&line.tool)), errno, path].into_iter().flatten();
        page.line(&format!("  {:>5}  {}", line.line, facts.collect::<Vec<_>>().join(page.dot())), Ink::Plain);
        let replay = if line.replayed { "an old failure printed again: " } else { "" };
        let corner = page.glyph("         └ ", "         `- ");
        page.hang(corner, &format!("{replay}{}", safe(&line.means)), Ink::Plain);
    }
}

fn temp_dirs(page: &mut Page, now: &Snapshot, detail: Detail) {
    let all = now.vantages.items();
    if all.is_empty() {
        return;
    }
    page.gap();
    page.paragraph(0, "who can create temp dirs where", Ink::Bold);
    let fails = |v: &&Vantage| v.can_create.can != Can::Yes;
    let rows: Vec<&Vantage> = all.iter().filter(fails).chain(all.iter().filter(|v| !fails(v))).collect();
    let shown = match detail {
        Detail::Full => rows.len(),
        Detail::Brief | Detail::Usual => all.iter().filter(fails).count().max(WELL_ROWS),
    };
    let answers = rows.iter().take(shown).map(|row| columns(&answer(&row.can_create))).max().unwrap_or(0);
    for row in rows.iter().take(shown) {
        vantage(page, row, answers);
    }
    let left = rows.len().saturating_sub(shown);
    if left > 0 {
        page.paragraph(2, &format!("and {left} more that can"), Ink::Dim);
    }
}

fn vantage(page: &mut Page, vantage: &Vantage, answers: usize) {
    let (symbol, ink) = match vantage.can_create.can {
        Can::Yes => (page.glyph("✓", "+"), Ink::Good),
        Can::No => (page.glyph("✗", "X"), Ink::Bad),
        Can::Unknown => ("?", Ink::Blind),
    };
    let count = vantage.pids.len();
    let who = match (vantage.names.first(), count) {
        (Some(name), 0 | 1) => safe(name),
        (Some(name), n) => format!("{}, {} processes", safe(name), Entries(n as u64)),
        (None, 1) => format!("1 process, {}", safe(&vantage.credentials.shown())),
        (None, n) => format!("{} processes, {}", Entries(n as u64), safe(&vantage.credentials.shown())),
    };
    let answer = answer(&vantage.can_create);
    let room = page.width().saturating_sub(4 + 1 + answers + 1);
    let path_room = (room * 2 / 5).min(room);
    let path = fitted(&shorten_middle(&vantage.path.shown(), path_room, page.ellipsis()), path_room);
    let who_room = room.saturating_sub(path_room + 1);
    let who = fitted(&shorten(&who, who_room, page.ellipsis()), who_room);
    let symbol = page.inked(symbol, ink);
    page.ready_line(&format!("  {symbol} {path} {who} {answer}"));
}

/// The text with blanks to its right up to that many columns.
fn fitted(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(columns(text))))
}

fn answer(ability: &Ability) -> String {
    let how = match ability.how {
        HowKnown::Probed => "probed",
        HowKnown::Predicted => "predicted",
    };
    let what = match (ability.can, ability.errno) {
        (Can::No, Some(errno)) => errno.name(),
        (Can::No, None) => "no".to_owned(),
        (Can::Unknown, _) => return "unknown".to_owned(),
        (Can::Yes, _) => ability.took.map_or_else(|| "yes".to_owned(), |took| took.to_string()),
    };
    format!("{what} {how}")
}

fn ruled_out(page: &mut Page, diagnosis: &Diagnosis, detail: Detail) {
    if diagnosis.ruled_out.is_empty() {
        return;
    }
    page.gap();
    page.paragraph(0, "ruled out", Ink::Bold);
    let widest = diagnosis.ruled_out.iter().map(|r| columns(&r.id)).max().unwrap_or(0);
    for item in &diagnosis.ruled_out {
        let first = format!("  {}  ", fitted(&safe(&item.id), widest));
        match detail {
            Detail::Full => page.hang(&first, &safe(&item.because), Ink::Plain),
            Detail::Brief | Detail::Usual => {
                page.line(&format!("{first}{}", safe(&item.because)), Ink::Plain);
            }
        }
    }
}

fn blind(page: &mut Page, diagnosis: &Diagnosis) {
    if diagnosis.blind.is_empty() {
        return;
    }
    page.gap();
    page.paragraph(0, "could be neither found nor ruled out", Ink::Bold);
    // One thing that was not seen keeps many causes open; it is said once.
    let mut by_reason: Vec<(String, Vec<String>)> = Vec::new();
    for item in &diagnosis.blind {
        let why = item.gaps.iter().map(|gap| format!("{}: {}", safe(&gap.what), safe(&gap.why.shown())));
        let why = why.collect::<Vec<_>>().join("; ");
        match by_reason.iter_mut().find(|(known, _)| *known == why) {
            Some((_, ids)) => ids.push(safe(&item.id)),
            None => by_reason.push((why, vec![safe(&item.id)])),
        }
    }
    for (why, ids) in by_reason {
        page.paragraph(2, &why, Ink::Plain);
        page.paragraph(4, &ids.join(", "), Ink::Dim);
    }
}

fn not_seen(page: &mut Page, now: &Snapshot, options: &Options) {
    let items = incomplete(now, options);
    if items.is_empty() {
        return;
    }
    page.gap();
    page.paragraph(0, "not seen", Ink::Bold);
    for item in items {
        page.hang("  ? ", &format!("{}: {}", item.what, item.reason), Ink::Plain);
        if let Some(remedy) = item.remedy {
            let arrow = page.glyph("    → ", "    > ");
            page.hang(arrow, &remedy, Ink::Dim);
        }
    }
}

fn closing(page: &mut Page, now: &Snapshot, options: &Options) {
    page.gap();
    let host = now.host.value().map_or_else(|| "this machine".to_owned(), |host| safe(&host.name));
    let text = format!(
        "{host}: {} ({} readable), {}, {}, {} in {}",
        count(usize::try_from(now.eyes.processes.0).unwrap_or(usize::MAX), ("process", "processes")),
        now.eyes.readable,
        count(now.temp_dirs.items().len(), ("temp dir", "temp dirs")),
        count(now.vantages.items().len(), ("vantage", "vantages")),
        count(now.probes.len(), ("probe", "probes")),
        options.elapsed,
    );
    page.paragraph(0, &text, Ink::Dim);
}

#[cfg(test)]
#[path = "text_tests.rs"]
mod tests;
