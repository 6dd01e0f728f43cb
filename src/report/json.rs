//! The report for scripts: one document, `tmpmedic.check/1`, on one line.
//!
//! The keys are a contract: they are documented in the README, and the number in `schema` changes when they do. Text is
//! kept as it is and escaped so that it drives no terminal; what is not UTF-8 stands escaped, with the bytes beside it in
//! a key that ends in `_hex`.

use serde::Serialize;

use crate::model::finding::{
    Action, Confidence, Diagnosis, Evidence, Finding, Risk, Severity, Subject, SubjectKind,
};
use crate::model::log_line::LogLine;
use crate::model::reading::Gap;
use crate::model::snapshot::Snapshot;
use crate::model::units::WallNanos;
use crate::model::vantage::{Can, HowKnown, Identity, Vantage};
use crate::report::backing::backing;
use crate::report::incomplete::incomplete;
use crate::report::keys::{Tool, hex, text};
use crate::report::{Options, safe_json};

/// The version of the document.
pub const SCHEMA: &str = "tmpmedic.check/1";

/// The document, newline included.
pub fn render(now: &Snapshot, diagnosis: &Diagnosis, options: &Options) -> String {
    let document = document(now, diagnosis, options);
    // Nothing in the document can fail to serialise: string keys, no floats. Should it ever, say so in the same form.
    safe_json::to_line(&document).unwrap_or_else(|why| {
        format!(
            "{{\"schema\":\"{SCHEMA}\",\"verdict\":{{\"status\":\"unknown\",\"headline\":\"{why:?}\"}}}}\n"
        )
    })
}

/// The document of a command that failed before it had a report: all keys are there, and `incomplete` says why.
pub fn render_failure(now: &Snapshot, diagnosis: &Diagnosis, message: &str) -> String {
    let mut document = document(now, diagnosis, &Options::default());
    document.incomplete =
        vec![GapKeys { what: "everything".to_owned(), reason: message.to_owned(), remedy: None }];
    safe_json::to_line(&document).unwrap_or_default()
}

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    tool: Tool,
    host: HostKeys<'a>,
    verdict: VerdictKeys<'a>,
    findings: Vec<FindingKeys<'a>>,
    ruled_out: Vec<RuledOutKeys<'a>>,
    blind: Vec<BlindKeys<'a>>,
    vantages: Vec<VantageKeys<'a>>,
    log: Vec<LogKeys<'a>>,
    incomplete: Vec<GapKeys>,
    elapsed_ms: u64,
}

#[derive(Serialize)]
struct HostKeys<'a> {
    name: Option<&'a str>,
    kernel: Option<&'a str>,
    boot_id: Option<&'a str>,
    now: Option<String>,
}

#[derive(Serialize)]
struct VerdictKeys<'a> {
    status: &'static str,
    headline: &'a str,
}

#[derive(Serialize)]
struct FindingKeys<'a> {
    id: &'a str,
    severity: Severity,
    confidence: Confidence,
    subject: SubjectKeys<'a>,
    title: &'a str,
    errno: Option<String>,
    evidence: Vec<EvidenceKeys<'a>>,
    actions: Vec<ActionKeys<'a>>,
}

#[derive(Serialize)]
struct SubjectKeys<'a> {
    kind: SubjectKind,
    name: &'a str,
    pids: &'a [u32],
    path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path_hex: Option<String>,
}

#[derive(Serialize)]
struct EvidenceKeys<'a> {
    source: &'a str,
    observed: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    observed_hex: Option<String>,
    means: &'a str,
    by_hand: &'a str,
}

#[derive(Serialize)]
struct ActionKeys<'a> {
    id: &'a str,
    title: &'a str,
    risk: Risk,
    reversible: bool,
    by_hand: &'a [String],
}

#[derive(Serialize)]
struct RuledOutKeys<'a> {
    id: &'a str,
    because: &'a str,
}

#[derive(Serialize)]
struct BlindKeys<'a> {
    id: &'a str,
    gaps: Vec<GapKeys>,
}

#[derive(Serialize)]
struct GapKeys {
    what: String,
    reason: String,
    remedy: Option<String>,
}

#[derive(Serialize)]
struct VantageKeys<'a> {
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    path_hex: Option<String>,
    identity: Option<String>,
    mount_ns: u64,
    pids: &'a [u32],
    uid: u32,
    names: &'a [String],
    backing: String,
    can_create: Can,
    errno: Option<String>,
    how_known: HowKnown,
}

#[derive(Serialize)]
struct LogKeys<'a> {
    line: u64,
    tool: &'a str,
    errno: Option<String>,
    path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path_hex: Option<String>,
    replayed: bool,
    means: &'a str,
}

fn document<'a>(now: &'a Snapshot, diagnosis: &'a Diagnosis, options: &Options) -> Document<'a> {
    let host = now.host.value();
    Document {
        schema: SCHEMA,
        tool: Tool::ours(),
        host: HostKeys {
            name: host.map(|h| h.name.as_str()),
            kernel: host.map(|h| h.kernel.as_str()),
            boot_id: host.and_then(|h| h.boot_id.as_deref().ok()),
            now: rfc3339(now.taken),
        },
        verdict: VerdictKeys { status: diagnosis.status.word(), headline: &diagnosis.headline },
        findings: diagnosis.found.iter().map(finding).collect(),
        ruled_out: diagnosis
            .ruled_out
            .iter()
            .map(|r| RuledOutKeys { id: &r.id, because: &r.because })
            .collect(),
        blind: diagnosis
            .blind
            .iter()
            .map(|b| BlindKeys { id: &b.id, gaps: b.gaps.iter().map(gap).collect() })
            .collect(),
        vantages: now.vantages.items().iter().map(|v| vantage(now, v)).collect(),
        log: now.log.iter().map(log_line).collect(),
        incomplete: incomplete(now, options)
            .into_iter()
            .map(|i| GapKeys { what: i.what, reason: i.reason, remedy: i.remedy })
            .collect(),
        elapsed_ms: options.elapsed.0.div_ceil(1000),
    }
}

fn finding(finding: &Finding) -> FindingKeys<'_> {
    FindingKeys {
        id: &finding.id,
        severity: finding.severity,
        confidence: finding.confidence,
        subject: subject(&finding.subject),
        title: &finding.title,
        errno: finding.errno.map(crate::model::errno::Errno::name),
        evidence: finding.evidence.iter().map(evidence).collect(),
        actions: finding.actions.iter().map(action).collect(),
    }
}

fn subject(subject: &Subject) -> SubjectKeys<'_> {
    SubjectKeys {
        kind: subject.kind,
        name: &subject.name,
        pids: &subject.pids,
        path: subject.path.as_ref().map(text),
        path_hex: subject.path.as_ref().and_then(hex),
    }
}

fn evidence(evidence: &Evidence) -> EvidenceKeys<'_> {
    EvidenceKeys {
        source: &evidence.source,
        observed: text(&evidence.observed),
        observed_hex: hex(&evidence.observed),
        means: &evidence.means,
        by_hand: &evidence.by_hand,
    }
}

fn action(action: &Action) -> ActionKeys<'_> {
    ActionKeys {
        id: &action.id,
        title: &action.title,
        risk: action.risk,
        reversible: action.reversible,
        by_hand: &action.by_hand,
    }
}

fn gap(gap: &Gap) -> GapKeys {
    GapKeys { what: gap.what.clone(), reason: gap.why.shown(), remedy: gap.remedy.clone() }
}

fn vantage<'a>(now: &Snapshot, vantage: &'a Vantage) -> VantageKeys<'a> {
    VantageKeys {
        path: text(&vantage.path),
        path_hex: hex(&vantage.path),
        identity: vantage.identity.as_ref().ok().map(identity),
        mount_ns: vantage.mount_ns.number(),
        pids: &vantage.pids,
        uid: vantage.credentials.uid,
        names: &vantage.names,
        backing: backing(now, vantage),
        can_create: vantage.can_create.can,
        errno: vantage.can_create.errno.map(crate::model::errno::Errno::name),
        how_known: vantage.can_create.how,
    }
}

fn log_line(line: &LogLine) -> LogKeys<'_> {
    LogKeys {
        line: line.line,
        tool: &line.tool,
        errno: line.errno.map(crate::model::errno::Errno::name),
        path: line.path.as_ref().map(text),
        path_hex: line.path.as_ref().and_then(hex),
        replayed: line.replayed,
        means: &line.means,
    }
}

/// `dev:ino`, the device as mountinfo writes it: `254:1:131073`.
fn identity(identity: &Identity) -> String {
    format!("{}:{}", identity.device, identity.inode)
}

/// `2026-01-22T20:40:00Z`; nothing where the clock is beyond the calendar.
pub fn rfc3339(at: WallNanos) -> Option<String> {
    jiff::Timestamp::from_second(at.0.div_euclid(1_000_000_000)).ok().map(|t| t.to_string())
}

#[cfg(test)]
#[path = "json_tests.rs"]
mod tests;
