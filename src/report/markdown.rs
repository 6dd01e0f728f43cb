//! The report for tickets: Markdown that any tracker renders.

use crate::model::finding::{Action, Confidence, Diagnosis, Evidence, Finding, Risk, Severity};
use crate::model::log_line::LogLine;
use crate::model::snapshot::Snapshot;
use crate::model::vantage::{Can, HowKnown, Vantage};
use crate::report::backing::backing;
use crate::report::incomplete::incomplete;
use crate::report::{Detail, Options, json, safe};

/// Rows of the table of vantages that can create temp dirs; those that cannot are all shown.
const WELL_ROWS: usize = 10;

/// The report.
pub fn render(now: &Snapshot, diagnosis: &Diagnosis, options: &Options) -> String {
    let mut out = String::new();
    let word = diagnosis.status.word().to_ascii_uppercase();
    out.push_str(&format!("## {word}: {}\n\n", inline(&diagnosis.headline)));
    out.push_str(&circumstances(now, options));
    for found in &diagnosis.found {
        finding(&mut out, found);
    }
    log(&mut out, &now.log);
    vantages(&mut out, now);
    if options.detail != Detail::Brief {
        figures(&mut out, diagnosis);
    }
    let missing = incomplete(now, options);
    if !missing.is_empty() {
        out.push_str("\n### Not seen\n\n");
        for item in missing {
            let remedy = item.remedy.map_or_else(String::new, |remedy| format!(" → {}", inline(&remedy)));
            out.push_str(&format!("- {}: {}{remedy}\n", inline(&item.what), inline(&item.reason)));
        }
    }
    out
}

fn circumstances(now: &Snapshot, options: &Options) -> String {
    let host = now.host.value();
    let name = host.map_or_else(|| "unknown host".to_owned(), |h| inline(&h.name));
    let kernel = host.map_or_else(String::new, |h| format!(", Linux {}", inline(&h.kernel)));
    let at = json::rfc3339(now.taken).unwrap_or_default();
    format!(
        "{name}{kernel}, {at}; tmpmedic {}, {} of {} processes readable, {}\n",
        env!("CARGO_PKG_VERSION"),
        now.eyes.readable,
        now.eyes.processes,
        options.elapsed
    )
}

fn finding(out: &mut String, finding: &Finding) {
    let severity = match finding.severity {
        Severity::Critical => "critical",
        Severity::Warning => "warning",
        Severity::Info => "info",
    };
    let confidence = match finding.confidence {
        Confidence::Proven => "proven",
        Confidence::Likely => "likely",
        Confidence::Possible => "possible",
    };
    out.push_str(&format!("\n### {}\n\n", inline(&finding.title)));
    out.push_str(&format!("**{severity}**, {confidence}, {}", code(&finding.id)));
    if let Some(errno) = finding.errno {
        out.push_str(&format!(", {errno}"));
    }
    if !finding.subject.pids.is_empty() {
        let pids: Vec<String> = finding.subject.pids.iter().map(u32::to_string).collect();
        out.push_str(&format!(", pid {}", pids.join(", ")));
    }
    out.push('\n');
    for fact in &finding.evidence {
        evidence(out, fact);
    }
    if !finding.actions.is_empty() {
        out.push_str("\nWhat helps:\n");
        for action in &finding.actions {
            what_helps(out, action);
        }
    }
}

fn evidence(out: &mut String, evidence: &Evidence) {
    out.push_str(&format!("\n{}: {}\n", code(&evidence.source), inline(&evidence.means)));
    let by_hand = evidence.by_hand.lines().map(|line| format!("$ {}", safe(line)));
    let lines: Vec<String> = by_hand.chain([evidence.observed.shown()]).collect();
    out.push_str(&block("console", &lines.join("\n")));
}

fn what_helps(out: &mut String, action: &Action) {
    let risk = match action.risk {
        Risk::None => "",
        Risk::Interrupts => " (interrupts running work)",
        Risk::RemovesData => " (removes data)",
    };
    out.push_str(&format!("\n- {}{risk}\n", inline(&action.title)));
    if !action.by_hand.is_empty() {
        let commands = action.by_hand.iter().flat_map(|c| c.lines()).map(safe);
        out.push_str(&block("sh", &commands.collect::<Vec<_>>().join("\n")));
    }
}

fn log(out: &mut String, lines: &[LogLine]) {
    if lines.is_empty() {
        return;
    }
    out.push_str(
        "\n### Build log\n\n| line | tool | error | path | what it means |\n|---:|---|---|---|---|\n",
    );
    for line in lines {
        let errno = line.errno.map_or_else(String::new, crate::model::errno::Errno::name);
        let path = line.path.as_ref().map_or_else(String::new, |p| code(&p.shown()));
        let replay = if line.replayed { "an old failure printed again: " } else { "" };
        out.push_str(&format!(
            "| {} | {} | {errno} | {} | {replay}{} |\n",
            line.line,
            inline(&line.tool),
            cell(&path),
            inline(&line.means)
        ));
    }
}

fn vantages(out: &mut String, now: &Snapshot) {
    let all = now.vantages.items();
    if all.is_empty() {
        return;
    }
    out.push_str("\n### Who can create temp dirs where\n\n| temp dir | seen by | n | backed by | create |\n|---|---|---:|---|---|\n");
    let fails = |v: &&Vantage| v.can_create.can != Can::Yes;
    let well = all.iter().filter(|v| !fails(v));
    for vantage in all.iter().filter(fails).chain(well.clone().take(WELL_ROWS)) {
        let who = vantage.names.first().map_or_else(|| safe(&vantage.credentials.shown()), |name| safe(name));
        out.push_str(&format!(
            "| {} | {} | {} | {} | {} |\n",
            cell(&code(&vantage.path.shown())),
            cell(&inline(&who)),
            vantage.pids.len(),
            cell(&code(&backing(now, vantage))),
            answer(vantage)
        ));
    }
    let more = well.count().saturating_sub(WELL_ROWS);
    if more > 0 {
        out.push_str(&format!("\nand {more} more that can\n"));
    }
}

fn answer(vantage: &Vantage) -> String {
    let how = match vantage.can_create.how {
        HowKnown::Probed => "probed",
        HowKnown::Predicted => "predicted",
    };
    match (vantage.can_create.can, vantage.can_create.errno) {
        (Can::Yes, _) => format!("yes, {how}"),
        (Can::No, Some(errno)) => format!("**{}**, {how}", errno.name()),
        (Can::No, None) => format!("**no**, {how}"),
        (Can::Unknown, _) => "unknown".to_owned(),
    }
}

fn figures(out: &mut String, diagnosis: &Diagnosis) {
    if !diagnosis.ruled_out.is_empty() {
        out.push_str("\n<details><summary>Ruled out</summary>\n\n");
        for item in &diagnosis.ruled_out {
            out.push_str(&format!("- {}: {}\n", code(&item.id), inline(&item.because)));
        }
        out.push_str("\n</details>\n");
    }
    if !diagnosis.blind.is_empty() {
        out.push_str("\n### Neither found nor ruled out\n\n");
        for item in &diagnosis.blind {
            let why = item.gaps.iter().map(|gap| format!("{}: {}", gap.what, gap.why.shown()));
            let why = why.collect::<Vec<_>>().join("; ");
            out.push_str(&format!("- {}: {}\n", code(&item.id), inline(&why)));
        }
    }
}

/// Text in which no character is markup.
pub(super) fn inline(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in safe(text).chars() {
        if "\\`*_[]<>|#~".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// A code span; its fence is longer than any run of backticks within.
pub(super) fn code(text: &str) -> String {
    let text = safe(text);
    let fence = "`".repeat(longest_run(&text) + 1);
    let blank = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{fence}{blank}{text}{blank}{fence}")
}

/// A `|` ends a cell even inside a code span.
pub(super) fn cell(text: &str) -> String {
    text.replace("\\|", "|").replace('|', "\\|")
}

fn block(language: &str, text: &str) -> String {
    let fence = "`".repeat((longest_run(text) + 1).max(3));
    format!("{fence}{language}\n{text}\n{fence}\n")
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn fences_hold_whatever_they_enclose() {
        assert_eq!(code("a`b"), "``a`b``");
        assert_eq!(code("`"), "`` ` ``");
        assert!(block("sh", "```").starts_with("````sh\n"));
    }

    #[test]
    fn takes_the_meaning_from_markup_in_names() {
        assert_eq!(inline("a|b <img src=x> *c*"), r"a\|b \<img src=x\> \*c\*");
        assert_eq!(cell(&inline("a|b")), r"a\|b");
    }

    #[test]
    fn tells_the_whole_story() {
        let (now, diagnosis) = sample::sick();
        let text = render(&now, &diagnosis, &Options::default());
        for part in
            ["## CRITICAL: ", "private-tmp-deleted", "systemctl restart", "ENOENT", "Not seen", "rustc"]
        {
            assert!(text.contains(part), "{part} is missing in\n{text}");
        }
        assert!(!text.contains('\u{1b}'), "{text}");
    }
}
