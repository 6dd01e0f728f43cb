//! An outcome for scripts: one document, whatever came of it.

use serde::Serialize;
use serde_json::{Value, json};

use super::{Outcome, Work, figures};
use crate::cmd::clean::digest;
use crate::cmd::clean::page::shown;
use crate::model::plan::Plan;
use crate::model::raw_path::RawPath;
use crate::report::safe_json;

/// The version of the document.
const SCHEMA: &str = "tmpmedic.clean/1";

impl Outcome {
    /// For scripts.
    ///
    /// # Errors
    /// Those of serde_json, which our own data does not meet.
    pub fn json(&self, plans: &[Plan]) -> serde_json::Result<String> {
        let probes = self.asked.iter().map(|asking| {
            let (before, after) = asking.answers();
            json!({ "path": asking.before.path.shown(), "who": asking.who, "before": before, "after": after })
        });
        safe_json::to_line(&Document {
            schema: SCHEMA,
            digest: digest::agreed(plans),
            exit: self.exit(),
            stopped: self.stopped,
            journal: self.home.as_ref().map(RawPath::shown),
            notes: &self.notes,
            works: self.works.iter().map(work_json).collect(),
            probes: probes.collect(),
        })
    }
}

/// The document of a clean-up that was refused as a whole.
///
/// # Errors
/// Those of serde_json, which our own data does not meet.
pub fn refusal(message: &str, exit: u8) -> serde_json::Result<String> {
    safe_json::to_line(&json!({ "schema": SCHEMA, "exit": exit, "error": message }))
}

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    digest: String,
    exit: u8,
    stopped: bool,
    journal: Option<String>,
    notes: &'a [String],
    works: Vec<Value>,
    probes: Vec<Value>,
}

fn work_json(work: &Work) -> Value {
    let path = |name: &RawPath| shown(&work.root, name);
    let why = |all: &[(RawPath, String)]| -> Vec<Value> {
        all.iter().map(|(name, why)| json!({ "path": path(name), "reason": why })).collect()
    };
    json!({
        "id": work.id.map(|id| id.0),
        "root": work.root.shown(),
        "digest": work.digest,
        "quarantine": work.quarantine.as_ref().map(RawPath::shown),
        "wanted": work.wanted,
        "bytes": work.swept.bytes.0,
        "taken": work.swept.taken.iter().map(|(name, _)| path(name)).collect::<Vec<_>>(),
        "removed": work.swept.removed.iter().map(&path).collect::<Vec<_>>(),
        "kept": why(&work.swept.kept),
        "failed": why(&work.swept.failed),
        "refused": work.refused,
        "before": figures(&work.before),
        "after": figures(&work.after),
    })
}
