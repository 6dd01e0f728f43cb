//! A probe as one JSON document, `tmpmedic.probe/1`.

use serde::Serialize;

use super::sentence::sentence;
use super::{Report, Verdict};
use crate::collect::parse::cgroup::belonging;
use crate::model::errno::Errno;
use crate::model::probe::StepResult;
use crate::model::process::{Container, Credentials};
use crate::model::raw_path::RawPath;

/// The version of the document's form.
const SCHEMA: &str = "tmpmedic.probe/1";

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    target: Option<Target<'a>>,
    dir: Option<&'a RawPath>,
    resolvers: Vec<Resolver<'a>>,
    steps: Vec<Taken>,
    not_imitated: &'a [String],
    left_behind: &'a [RawPath],
    verdict: Sentence,
    exec: Option<Exec<'a>>,
}

#[derive(Serialize)]
struct Target<'a> {
    pid: u32,
    comm: &'a RawPath,
    unit: Option<String>,
    container: Option<Container>,
    user: Option<&'a str>,
    mount_ns: u64,
    root: &'a RawPath,
    cwd: &'a RawPath,
    credentials: &'a Credentials,
}

#[derive(Serialize)]
struct Resolver<'a> {
    name: &'static str,
    dir: Option<&'a RawPath>,
    works: Option<bool>,
    errno: Option<Errno>,
    differs: bool,
}

#[derive(Serialize)]
struct Taken {
    step: &'static str,
    ok: bool,
    errno: Option<Errno>,
    took_us: u64,
}

#[derive(Serialize)]
struct Sentence {
    status: &'static str,
    headline: String,
}

#[derive(Serialize)]
struct Exec<'a> {
    command: &'a [RawPath],
    exit_code: i32,
}

/// The document of a probe.
pub(super) fn document(report: &Report) -> String {
    let who = &report.who;
    let status = match report.verdict() {
        Verdict::Passed => "ok",
        Verdict::Failed => "critical",
        Verdict::Unknown => "unknown",
    };
    let belongs = belonging(who.cgroup.as_bytes());
    let unit = report.whom.unit.clone().or(belongs.unit);
    let user = report.whom.user.as_deref().or(who.credentials.user.as_deref());
    encode(&Document {
        schema: SCHEMA,
        target: Some(Target {
            pid: who.pid,
            comm: &who.comm,
            unit: unit.filter(|_| report.whom.ids.is_none()),
            container: belongs.container.filter(|_| report.whom.ids.is_none()),
            user,
            mount_ns: who.mount_ns.number(),
            root: &who.root,
            cwd: &who.cwd,
            credentials: &who.credentials,
        }),
        dir: Some(&report.dir),
        resolvers: report.choices.iter().map(|choice| resolver(report, choice)).collect(),
        steps: report.result.steps.iter().map(step).collect(),
        not_imitated: &report.result.not_imitated,
        left_behind: &report.result.left_behind,
        verdict: Sentence { status, headline: sentence(report) },
        exec: report.executed.as_ref().map(|e| Exec { command: &e.command, exit_code: e.code }),
    })
}

/// The document where nothing could be probed.
pub(super) fn refusal(message: &str) -> String {
    encode(&Document {
        schema: SCHEMA,
        target: None,
        dir: None,
        resolvers: Vec::new(),
        steps: Vec::new(),
        not_imitated: &[],
        left_behind: &[],
        verdict: Sentence { status: "unknown", headline: message.to_owned() },
        exec: None,
    })
}

fn resolver<'a>(report: &Report, choice: &'a super::choices::Choice) -> Resolver<'a> {
    Resolver {
        name: choice.resolver.name(),
        dir: choice.dir.as_ref(),
        works: choice.works,
        errno: choice.failure.as_ref().and_then(|failure| failure.errno),
        differs: choice.dir.as_ref() != Some(&report.dir),
    }
}

fn step(step: &StepResult) -> Taken {
    Taken { step: step.step.word(), ok: step.errno.is_none(), errno: step.errno, took_us: step.took.0 }
}

fn encode(document: &Document<'_>) -> String {
    // Only a map with keys that are no strings cannot be written, and there is none.
    let mut text = serde_json::to_string_pretty(document).unwrap_or_default();
    text.push('\n');
    text
}
