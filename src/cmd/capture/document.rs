//! What was captured, as one JSON document, `tmpmedic.captured/1`.

use serde::Serialize;

use super::Done;
use super::recording::Course;
use crate::model::raw_path::RawPath;
use crate::report::json::rfc3339;
use crate::report::safe_json;

/// The version of the document's form.
const SCHEMA: &str = "tmpmedic.captured/1";

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    file: Option<&'a RawPath>,
    host: &'a str,
    redacted: bool,
    snapshots: usize,
    bytes: u64,
    every_ms: Option<u64>,
    from: Option<String>,
    to: Option<String>,
    ended: &'static str,
    error: Option<String>,
}

/// The document, newline included.
pub fn render(done: &Done) -> String {
    let document = Document {
        schema: SCHEMA,
        file: done.target.name(),
        host: &done.header.host,
        redacted: done.header.redacted,
        snapshots: done.written.snapshots,
        bytes: done.written.bytes,
        every_ms: done.header.every.map(|every| every.0),
        from: rfc3339(done.first),
        to: rfc3339(done.last),
        ended: match &done.course {
            Course::Complete => "complete",
            Course::Stopped => "signal",
            Course::Full(_) => "full",
            Course::Failed(_) => "failed",
        },
        error: done.course.failure(),
    };
    safe_json::to_line(&document).unwrap_or_default()
}
