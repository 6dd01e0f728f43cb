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
use crate::model::raw_path::RawPath;
use crate::model::reading::Gap;
use crate::model::snapshot::Snapshot;
use crate::model::units::WallNanos;
use crate::model::vantage::{Can, HowKnown, Identity, Vantage};
use crate::report::backing::backing;
use crate::report::incomplete::incomplete;
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
struct Tool {
    name: &'static str,
    version: &'static str,
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
        tool: Tool { name: "tmpmedic", version: env!("CARGO_PKG_VERSION") },
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

/// The characters themselves where they are UTF-8, the escaped form where not.
pub(super) fn text(raw: &RawPath) -> String {
    std::str::from_utf8(raw.as_bytes()).map_or_else(|_| raw.shown(), str::to_owned)
}

/// The bytes, where they are not UTF-8.
pub(super) fn hex(raw: &RawPath) -> Option<String> {
    let is_text = std::str::from_utf8(raw.as_bytes()).is_ok();
    (!is_text).then(|| raw.as_bytes().iter().map(|b| format!("{b:02x}")).collect())
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
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::model::units::Micros;
    use crate::report::sample;

    fn read(now: &Snapshot, diagnosis: &Diagnosis) -> Value {
        let options = Options { elapsed: Micros(11_001), ..Options::default() };
        serde_json::from_str(&render(now, diagnosis, &options)).unwrap()
    }

    #[test]
    fn has_exactly_the_keys_of_the_contract() {
        let (now, diagnosis) = sample::sick();
        let document = read(&now, &diagnosis);
        let keys = |v: &Value| v.as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(" ");
        assert_eq!(
            keys(&document),
            "blind elapsed_ms findings host incomplete log ruled_out schema tool vantages verdict"
        );
        assert_eq!(keys(&document["host"]), "boot_id kernel name now");
        assert_eq!(
            keys(&document["findings"][0]),
            "actions confidence errno evidence id severity subject title"
        );
        assert_eq!(keys(&document["findings"][0]["subject"]), "kind name path pids");
        assert_eq!(keys(&document["findings"][0]["evidence"][0]), "by_hand means observed source");
        assert_eq!(keys(&document["findings"][0]["actions"][0]), "by_hand id reversible risk title");
        assert_eq!(
            keys(&document["vantages"][0]),
            "backing can_create errno how_known identity mount_ns names path pids uid"
        );
        assert_eq!(keys(&document["log"][0]), "errno line means path replayed tool");
        assert_eq!(keys(&document["incomplete"][0]), "reason remedy what");
    }

    #[test]
    fn says_what_the_snapshot_says() {
        let (now, diagnosis) = sample::sick();
        let document = read(&now, &diagnosis);
        assert_eq!(document["schema"], "tmpmedic.check/1");
        assert_eq!(document["verdict"]["status"], "critical");
        assert_eq!(document["host"]["now"], "2026-01-22T20:40:00Z");
        assert_eq!(document["findings"][0]["errno"], "ENOENT");
        assert_eq!(document["findings"][0]["actions"][0]["risk"], "interrupts");
        assert_eq!(document["vantages"][0]["can_create"], "no");
        assert_eq!(document["vantages"][0]["how_known"], "predicted");
        assert_eq!(document["elapsed_ms"], 12);
    }

    #[test]
    fn keeps_the_bytes_of_a_path_that_is_not_text() {
        let (mut now, diagnosis) = sample::sick();
        now.vantages.value_mut().unwrap()[0].path = RawPath::new(&b"/tmp/\xff\x1b"[..]);
        let document = read(&now, &diagnosis);
        assert_eq!(document["vantages"][0]["path"], "/tmp/\\xff\\x1b");
        assert_eq!(document["vantages"][0]["path_hex"], "2f746d702fff1b");
        now.vantages.value_mut().unwrap()[0].path = "/tmp/\u{1b}[2J\u{202e}".into();
        let text = render(&now, &diagnosis, &Options::default());
        assert!(text.is_ascii() || !text.contains(['\u{1b}', '\u{202e}']));
        assert_eq!(read(&now, &diagnosis)["vantages"][0]["path"], "/tmp/\u{1b}[2J\u{202e}");
    }
}
