//! The texts of the Triage tab: why a finding is one, what helps, what was ruled out, and that all is well.

use crate::catalog::runbook;
use crate::model::finding::{
    Action, Confidence, Diagnosis, Evidence, Finding, Risk, RuledOut, Status, Unseen,
};
use crate::model::reading::Gap;
use crate::model::units::Seconds;
use crate::model::vantage::{Can, HowKnown};
use crate::tui::msg::Look;
use crate::tui::theme::Tone;
use crate::tui::widgets::doc::{Doc, Piece, piece};
use crate::tui::words;

/// A finding: what it is, how sure, and the facts with the words of their sources.
pub fn finding(finding: &Finding, doc: &mut Doc<'_>) {
    doc.text(Tone::Strong, &finding.title);
    summary(finding, doc);
    if let Some(page) = runbook::page(&finding.id) {
        doc.text(Tone::Plain, page.title);
    }
    for fact in &finding.evidence {
        doc.blank();
        evidence(fact, doc);
    }
}

fn summary(finding: &Finding, doc: &mut Doc<'_>) {
    let dot = format!(" {} ", doc.glyphs().dot);
    let sure = match finding.confidence {
        Confidence::Proven => "proven",
        Confidence::Likely => "likely",
        Confidence::Possible => "possible",
    };
    let tone = match doc.theme().severity(finding.severity) {
        (_, Tone::Dim) => Tone::Strong,
        (_, tone) => tone,
    };
    let errno = finding.errno.map_or_else(String::new, |errno| format!("{dot}{errno}"));
    doc.text(tone, &format!("{sure}{errno}"));
    let pids = &finding.subject.pids;
    let some: Vec<String> = pids.iter().take(4).map(ToString::to_string).collect();
    let more = if pids.len() > 4 { format!(" and {} more", pids.len() - 4) } else { String::new() };
    let noun = if pids.len() == 1 { "pid" } else { "pids" };
    let pids = if pids.is_empty() { String::new() } else { format!("{noun} {}{more}{dot}", some.join(", ")) };
    doc.text(Tone::Dim, &format!("{pids}cause {}", finding.id));
}

/// A fact: where it stands, what stands there, what that means, and the command that shows the same.
pub fn evidence(fact: &Evidence, doc: &mut Doc<'_>) {
    let branch = doc.glyphs().branch;
    doc.text(Tone::Accent, &fact.source);
    doc.quoted(2, Tone::Plain, &fact.observed.shown());
    doc.hang(&[piece(Tone::Dim, format!("  {branch} "))], Tone::Plain, &fact.means);
    if !fact.by_hand.is_empty() {
        doc.hang(&[piece(Tone::Dim, "  by hand  ")], Tone::Dim, &fact.by_hand);
    }
}

/// What can be done about a finding, with what it risks and the commands that do it.
pub fn helps(finding: &Finding, doc: &mut Doc<'_>) {
    if finding.actions.is_empty() {
        doc.text(Tone::Dim, "No single command helps here. The runbook page says what does (key e).");
    }
    for (position, _) in finding.actions.iter().enumerate() {
        help(finding, position, doc);
    }
}

/// One of the things that can be done.
pub fn help(finding: &Finding, position: usize, doc: &mut Doc<'_>) {
    let Some(action) = finding.actions.get(position) else { return };
    doc.blank();
    doc.hang(&[piece(Tone::Accent, format!("{}  ", position + 1))], Tone::Strong, &action.title);
    let [risk, back] = risk(action);
    let dot = doc.glyphs().dot;
    doc.pieces(&[piece(Tone::Plain, "   "), risk, piece(Tone::Dim, format!(" {dot} ")), back]);
    for command in &action.by_hand {
        doc.indented(3, Tone::Plain, command);
    }
}

/// What a way risks, and whether it can be taken back.
pub fn risk(action: &Action) -> [Piece; 2] {
    let risk = match action.risk {
        Risk::None => piece(Tone::Dim, "interrupts nothing"),
        Risk::Interrupts => piece(Tone::Warning, "interrupts running work"),
        Risk::RemovesData => piece(Tone::Warning, "removes data"),
    };
    let back = if action.reversible { "can be taken back" } else { "cannot be taken back" };
    [risk, piece(Tone::Dim, back)]
}

/// One cause that was excluded.
pub fn ruled_out(cause: &RuledOut, doc: &mut Doc<'_>) {
    if let Some(page) = runbook::page(&cause.id) {
        doc.text(Tone::Strong, page.title);
    }
    doc.text(Tone::Dim, &format!("not the cause {} {}", doc.glyphs().dot, cause.id));
    doc.blank();
    doc.text(Tone::Plain, &cause.because);
}

/// All causes that were excluded, with the figures.
pub fn all_ruled_out(diagnosis: &Diagnosis, doc: &mut Doc<'_>) {
    doc.text(Tone::Plain, "These are not the cause, so nobody needs to look there:");
    doc.blank();
    let ok = doc.glyphs().ok;
    // Two columns where there is room for them, else one paragraph each.
    if doc.width() < 80 {
        for cause in &diagnosis.ruled_out {
            let because = piece(Tone::Dim, cause.because.as_str());
            doc.flow(
                2,
                &[piece(Tone::Ok, format!("{ok} ")), piece(Tone::Plain, format!("{}: ", cause.id)), because],
            );
        }
        return;
    }
    let row = |cause: &RuledOut| {
        vec![piece(Tone::Ok, ok), piece(Tone::Plain, &*cause.id), piece(Tone::Dim, &*cause.because)]
    };
    doc.grid(0, &diagnosis.ruled_out.iter().map(row).collect::<Vec<_>>());
}

/// One cause that could not be judged.
pub fn blind(cause: &Unseen, doc: &mut Doc<'_>) {
    if let Some(page) = runbook::page(&cause.id) {
        doc.text(Tone::Strong, page.title);
    }
    doc.text(Tone::Dim, &format!("neither found nor ruled out {} {}", doc.glyphs().dot, cause.id));
    doc.blank();
    gaps(&cause.gaps, doc);
}

/// All causes that could not be judged.
pub fn all_blind(diagnosis: &Diagnosis, doc: &mut Doc<'_>) {
    doc.text(Tone::Plain, "These could be neither found nor ruled out:");
    for cause in &diagnosis.blind {
        doc.blank();
        let lead = piece(Tone::Warning, format!("{} ", doc.glyphs().unknown));
        doc.hang(&[lead], Tone::Strong, &cause.id);
        gaps(&cause.gaps, doc);
    }
}

/// What could not be seen, why, and what would let it be seen.
pub fn gaps(gaps: &[Gap], doc: &mut Doc<'_>) {
    let arrow = doc.glyphs().arrow;
    for gap in gaps {
        doc.indented(2, Tone::Plain, &format!("{}: {}", gap.what, gap.why.shown()));
        if let Some(remedy) = &gap.remedy {
            doc.hang(&[piece(Tone::Dim, format!("  {arrow} "))], Tone::Accent, remedy);
        }
    }
}

/// The sentence that stands where there is no finding.
pub fn verdict(look: &Look) -> &'static str {
    match look.diagnosis.status {
        Status::Unknown => "Could not find out",
        _ => "No finding",
    }
}

/// That all is well, and how far that was looked at; or what kept us from looking.
pub fn healthy(look: &Look, doc: &mut Doc<'_>) {
    let now = &look.snapshot;
    if look.diagnosis.status == Status::Unknown {
        doc.text(Tone::Strong, "This machine could not be looked at, so nothing is said about it.");
        doc.blank();
        let all: Vec<Gap> = now.gaps().into_iter().cloned().collect();
        gaps(&all, doc);
        return;
    }
    let vantages = now.vantages.items();
    let with =
        |can, how| vantages.iter().filter(|v| v.can_create.can == can && v.can_create.how == how).count();
    let (proved, predicted) = (with(Can::Yes, HowKnown::Probed), with(Can::Yes, HowKnown::Predicted));
    let seen = format!(
        "No finding. {} seen from {}",
        words::count(now.temp_dirs.items().len(), ("temp dir", "temp dirs")),
        words::count(vantages.len(), ("vantage", "vantages"))
    );
    let rest = vantages.len() - proved - predicted;
    let how = match (proved, predicted, rest) {
        (0, 0, 0) => ".".to_owned(),
        (_, 0, 0) => format!(", all proved writable{}.", in_the_last(look)),
        (0, _, 0) => ", all predicted to be writable. Key p proves one.".to_owned(),
        (_, _, 0) => format!(": {proved} proved writable, {predicted} predicted to be."),
        _ => format!(": {proved} proved writable, {predicted} predicted to be, {rest} not known."),
    };
    doc.text(Tone::Strong, &format!("{seen}{how}"));
    if let Some(hidden) = words::unreadable(now) {
        doc.blank();
        doc.text(Tone::Plain, &hidden);
    }
    if !look.diagnosis.ruled_out.is_empty() {
        doc.blank();
        all_ruled_out(&look.diagnosis, doc);
    }
    doc.blank();
    doc.text(Tone::Dim, "A build that fails all the same: tmpmedic check --log FILE reads what it printed.");
}

/// " in the last 3 s", by the oldest proof.
fn in_the_last(look: &Look) -> String {
    let now = &look.snapshot;
    let ages = now.probes.iter().filter_map(|probe| probe.at.age_at(now.taken));
    ages.max().map_or_else(String::new, |Seconds(age)| format!(" in the last {}", Seconds(age.max(1))))
}
