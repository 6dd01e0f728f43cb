//! The sheet with what is not known: what could not be seen, why, and what would let it be seen.

use crate::model::reading::Gap;
use crate::tui::app::App;
use crate::tui::msg::Look;
use crate::tui::theme::Tone;
use crate::tui::widgets::doc::{Doc, piece};
use crate::tui::words;

/// How many things are not known.
pub fn count(look: &Look) -> usize {
    distinct(look).len() + look.snapshot.strains.len()
}

/// Each gap once, however many sections met it.
fn distinct(look: &Look) -> Vec<&Gap> {
    let mut gaps = look.snapshot.gaps();
    gaps.sort();
    gaps.dedup();
    gaps
}

/// Draws everything that is not known.
pub fn draw(app: &App, doc: &mut Doc<'_>) {
    let Some(look) = app.look.as_deref() else { return };
    if let Some(hidden) = words::unreadable(&look.snapshot) {
        doc.text(Tone::Strong, &hidden);
        doc.blank();
    }
    if let Some(option) = &look.snapshot.eyes.hidepid {
        doc.text(
            Tone::Plain,
            &format!("/proc is mounted with hidepid={option}: processes of other users are not even listed."),
        );
        doc.blank();
    }
    for gap in distinct(look) {
        doc.hang(
            &[piece(Tone::Warning, format!("{} ", doc.glyphs().unknown))],
            Tone::Plain,
            &format!("{}: {}", gap.what, gap.why.shown()),
        );
        if let Some(remedy) = &gap.remedy {
            doc.hang(&[piece(Tone::Dim, format!("  {} ", doc.glyphs().arrow))], Tone::Accent, remedy);
        }
    }
    for strain in &look.snapshot.strains {
        let text = format!("this machine refused tmpmedic {}: {}", strain.asked, strain.errno);
        doc.hang(&[piece(Tone::Critical, format!("{} ", doc.glyphs().critical))], Tone::Plain, &text);
    }
    if !look.diagnosis.blind.is_empty() && app.teaching().is_none() {
        doc.heading("Causes that could not be judged for that");
        let ids: Vec<&str> = look.diagnosis.blind.iter().map(|b| b.id.as_str()).collect();
        doc.text(Tone::Plain, &ids.join(", "));
        doc.text(Tone::Dim, "The Triage tab has them under \"could not be judged\".");
    }
}
