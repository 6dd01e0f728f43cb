//! `check --from`: the report of a capture. Nothing of this machine is looked at.

use std::path::Path;
use std::sync::Arc;

use super::Examined;
use crate::catalog::Catalog;
use crate::cli::Global;
use crate::cmd::{Refusal, captured, out};
use crate::model::raw_path::RawPath;
use crate::model::reading::{Gap, GapWhy};
use crate::model::units::{Entries, count};
use crate::report::json::rfc3339;
use crate::rules;

/// Judges the last snapshot, with the one before it as what was before.
pub fn examine(
    path: &Path,
    catalog: &Arc<Catalog>,
    mut gaps: Vec<Gap>,
    global: &Global,
) -> anyhow::Result<Examined> {
    let capture = captured::open(path)?;
    let name = RawPath::from(path.as_os_str());
    let refuse = |why| Refusal::usage(format!("cannot read the capture `{name}`: {why}"));
    let last = capture.len().saturating_sub(1);
    let before = match last.checked_sub(1) {
        Some(index) => Some(capture.snapshot(index).map_err(refuse)?),
        None => None,
    };
    let now = capture.snapshot(last).map_err(refuse)?;
    if let Some(torn) = capture.torn() {
        let seen = Entries(u64::try_from(torn.after).unwrap_or(u64::MAX));
        gaps.push(Gap {
            remedy: Some(
                "the recorder was killed or the disk was full; what came before is whole".to_owned(),
            ),
            ..Gap::new("the end of the recording, which is cut off", GapWhy::OverBudget { seen })
        });
    }
    if !global.quiet {
        let header = capture.header();
        out::say(&format!(
            "capture of {}{}, {}, by tmpmedic {}, {}",
            header.host,
            if header.redacted { " (redacted)" } else { "" },
            rfc3339(now.taken).unwrap_or_default(),
            header.tool,
            count(capture.len(), ("snapshot", "snapshots"))
        ));
    }
    let mut diagnosis = rules::diagnose(&now, before.as_deref(), &catalog.thresholds);
    super::nobody_left(&now, &mut diagnosis);
    Ok(Examined { now: Arc::unwrap_or_clone(now), diagnosis, gaps })
}
