//! The sheet with a probe: each of its calls, how it went, how long it took.

use super::{Content, Outcome, Probe};
use crate::model::probe::{ProbeResult, Step};
use crate::tui::app::App;
use crate::tui::msg::ProbeWish;
use crate::tui::theme::Tone;
use crate::tui::widgets::doc::{Doc, Piece, piece};
use crate::tui::words;

/// Who is imitated, the calls, and what follows from them.
pub fn content(app: &App, probe: &Probe, mut doc: Doc<'_>) -> Content {
    let wish = &probe.wish;
    let process = wish.pid.and_then(|pid| app.snapshot()?.process(pid));
    let who = process.map_or_else(String::new, |p| format!(" as {}", words::process(p)));
    let title = format!("Probe of {}{who}", wish.path.shown());
    let pid = wish.pid.map_or_else(String::new, |pid| format!("pid {pid}, "));
    let root =
        if wish.root.as_bytes() == b"/" { String::new() } else { format!(", root {}", wish.root.shown()) };
    let dot = doc.glyphs().dot;
    let place =
        format!("{pid}{} {dot} mount namespace {}{root}", wish.credentials.shown(), wish.mount_ns.number());
    doc.text(Tone::Dim, &place);
    doc.blank();
    match &probe.outcome {
        None => {
            let dots = doc.glyphs().ellipsis;
            doc.text(Tone::Plain, &format!("A helper makes and removes a temp dir in that view {dots}"));
        }
        Some(Outcome::Failed(why)) => {
            doc.text(Tone::Critical, "The probe could not be made.");
            doc.text(Tone::Plain, why);
        }
        Some(Outcome::Done(result)) => steps(result, &mut doc),
    }
    Content { title, lines: doc.into_lines(), ..Content::default() }
}

fn steps(result: &ProbeResult, doc: &mut Doc<'_>) {
    let glyphs = doc.glyphs();
    let rows: Vec<Vec<Piece>> = Step::ALL
        .iter()
        .map(|step| {
            let taken = result.steps.iter().find(|s| s.step == *step);
            let (mark, tone, text) = match taken.map(|s| (s.errno, s.took)) {
                None => (piece(Tone::Dim, glyphs.dash), Tone::Dim, "not reached".to_owned()),
                Some((None, took)) => (piece(Tone::Ok, glyphs.ok), Tone::Dim, took.to_string()),
                Some((Some(errno), _)) => {
                    (piece(Tone::Critical, glyphs.critical), Tone::Critical, errno.to_string())
                }
            };
            vec![mark, piece(Tone::Plain, step.word()), piece(tone, text), piece(Tone::Dim, does(*step))]
        })
        .collect();
    doc.grid(1, &rows);
    doc.blank();
    conclusion(result, doc);
    for missing in &result.not_imitated {
        doc.text(Tone::Warning, &format!("{} not imitated: {missing}", glyphs.warning));
    }
    for left in &result.left_behind {
        doc.text(Tone::Warning, &format!("{} could not be removed again: {}", glyphs.warning, left.shown()));
    }
}

fn conclusion(result: &ProbeResult, doc: &mut Doc<'_>) {
    let glyphs = doc.glyphs();
    let path = result.path.shown();
    if result.passed() {
        let text =
            format!("{} temp dirs can be created, written and run in {path} ({})", glyphs.ok, result.took());
        return doc.text(Tone::Ok, &text);
    }
    let text = match result.failure() {
        Some(failure) if failure.step == Step::Enter => {
            "the view of that process could not be entered, so nothing is known about its temp dir".to_owned()
        }
        Some(failure) => format!("{} in {path} fails: no temp dir can be used there", failure.step.word()),
        None if result.hung => format!("no answer from {path} within the deadline: its file system hangs"),
        None if result.is_late() => {
            "not done within the deadline, though no file system held it: a busy machine".to_owned()
        }
        None => "the probe ended before its last step".to_owned(),
    };
    doc.text(Tone::Critical, &format!("{} {text}", glyphs.critical));
}

fn does(step: Step) -> &'static str {
    match step {
        Step::Enter => "enter its view",
        Step::Mkdir => "make a temp dir",
        Step::Create => "create a file in it",
        Step::Write => "write 4 KiB",
        Step::Fsync => "sync them",
        Step::Rename => "rename the file",
        Step::Execute => "run a program",
        Step::Remove => "remove file and dir",
    }
}

/// The command that makes the same probe.
pub fn command(app: &App, wish: &ProbeWish) -> Option<String> {
    let pid = wish.pid?;
    Some(words::as_root(app, format!("tmpmedic probe --pid {pid} --dir {}", wish.path.quoted())))
}
