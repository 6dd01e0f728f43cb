//! The same as JSON: one document with every plan, and with `--apply` what became of it.

use serde::Serialize;

use super::{Case, Proved};
use crate::cli::FixArgs;
use crate::cmd::Refusal;
use crate::model::finding::Risk;
use crate::model::journal::Done;
use crate::model::treatment::Treatment;
use crate::report::safe_json;

/// The version of the document.
const SCHEMA: &str = "tmpmedic.fix/1";

#[derive(Serialize)]
struct Keys<'a> {
    schema: &'static str,
    applied: bool,
    fixes: Vec<FixKeys<'a>>,
}

#[derive(Serialize)]
struct FixKeys<'a> {
    finding: &'a str,
    title: &'a str,
    also: &'a [String],
    subject: &'a str,
    pids: &'a [u32],
    action: &'a str,
    action_title: &'a str,
    risk: Risk,
    reversible: bool,
    by_hand: Vec<&'a str>,
    others: Vec<&'a str>,
    in_vain: Vec<String>,
    plan: Option<&'a Treatment>,
    outcome: Option<OutcomeKeys<'a>>,
}

#[derive(Serialize)]
struct OutcomeKeys<'a> {
    exit: u8,
    refused: Option<&'a str>,
    steps: Vec<StepKeys<'a>>,
    before: Vec<ProofKeys<'a>>,
    after: Vec<ProofKeys<'a>>,
    journal: Option<u64>,
}

#[derive(Serialize)]
struct StepKeys<'a> {
    #[serde(flatten)]
    done: &'a Done,
    note: Option<&'a str>,
    told: &'a [String],
}

#[derive(Serialize)]
struct ProofKeys<'a> {
    path: &'a str,
    pid: u32,
    unit: Option<&'a str>,
    can_create: bool,
    errno: Option<String>,
    step: Option<&'a str>,
    micros: u64,
}

/// The document.
pub fn document(cases: &[Case], args: &FixArgs) -> anyhow::Result<String> {
    let keys = Keys { schema: SCHEMA, applied: args.apply, fixes: cases.iter().map(fix).collect() };
    safe_json::to_line(&keys).map_err(|why| Refusal::internal(format!("cannot make the document: {why}")))
}

fn fix(case: &Case) -> FixKeys<'_> {
    let steps = case.plan.iter().flat_map(|plan| plan.steps.iter().map(|step| step.by_hand.as_str()));
    let by_hand: Vec<&str> = match &case.plan {
        Some(_) => steps.collect(),
        None => case.action.by_hand.iter().map(String::as_str).collect(),
    };
    let others = case.finding.actions.iter().filter(|action| **action != case.action);
    FixKeys {
        finding: &case.finding.id,
        title: &case.finding.title,
        also: &case.also,
        subject: &case.finding.subject.name,
        pids: &case.finding.subject.pids,
        action: &case.action.id,
        action_title: &case.action.title,
        risk: case.action.risk,
        reversible: case.action.reversible,
        by_hand,
        others: others.map(|action| action.id.as_str()).collect(),
        in_vain: super::in_vain(&case.finding.id),
        plan: case.plan.as_ref(),
        outcome: case.outcome.as_ref().map(|outcome| OutcomeKeys {
            exit: outcome.code(case.plan.as_ref()),
            refused: outcome.refused.as_ref().map(|(_, why)| why.as_str()),
            steps: outcome
                .steps
                .iter()
                .map(|came| StepKeys { done: &came.done, note: came.note.as_deref(), told: &came.told })
                .collect(),
            before: outcome.before.iter().map(proof).collect(),
            after: outcome.after.iter().map(proof).collect(),
            journal: outcome.work,
        }),
    }
}

fn proof(proved: &Proved) -> ProofKeys<'_> {
    let fails = proved.fails.as_ref();
    ProofKeys {
        path: &proved.path,
        pid: proved.pid,
        unit: proved.unit.as_deref(),
        can_create: proved.works(),
        errno: fails.and_then(|(errno, _)| errno.map(crate::model::errno::Errno::name)),
        step: fails.map(|(_, step)| step.as_str()),
        micros: proved.micros,
    }
}
