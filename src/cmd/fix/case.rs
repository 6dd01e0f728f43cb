//! What there is to do: one case a finding, or one for several where the same would be done about them.

use super::{Outcome, page};
use crate::cli::FixArgs;
use crate::cmd::{Refusal, orders};
use crate::exit::Exit;
use crate::model::finding::{Action, Finding, Severity};
use crate::model::raw_path::shown_bytes;
use crate::model::snapshot::Snapshot;
use crate::model::treatment::{Deed, Treatment};
use crate::remedies;

/// One finding with what would be done about it.
#[derive(Debug)]
pub struct Case {
    /// The finding.
    pub finding: Finding,
    /// The titles of others for which just the same would be done: once is enough.
    pub also: Vec<String>,
    /// Which of its actions.
    pub action: Action,
    /// The plan, where tmpmedic itself can do it.
    pub plan: Option<Treatment>,
    /// How that is proved.
    pub asked: Vec<orders::Asked>,
    /// What came of it, where it was carried out.
    pub outcome: Option<Outcome>,
}

/// Without a cause, whatever is more than context.
pub fn cases(args: &FixArgs, now: &Snapshot, found: Vec<Finding>) -> anyhow::Result<Vec<Case>> {
    let matches = |finding: &Finding| match &args.cause {
        Some(cause) => finding.id == *cause,
        None => finding.severity > Severity::Info,
    };
    let mut cases = Vec::new();
    let mut offered = Vec::new();
    for finding in found.into_iter().filter(matches) {
        offered.extend(finding.actions.iter().map(|action| action.id.clone()));
        let wanted = |action: &&Action| args.action.as_ref().is_none_or(|id| action.id == *id);
        let Some(action) = finding.actions.iter().find(wanted).cloned() else { continue };
        let plan = remedies::plan(now, &finding, &action);
        cases.push(Case { finding, also: Vec::new(), action, plan, asked: Vec::new(), outcome: None });
    }
    if let (Some(id), true, false) = (&args.action, cases.is_empty(), offered.is_empty()) {
        offered.sort();
        offered.dedup();
        return Err(Refusal::usage(format!(
            "nothing that was found offers `{id}`; offered: {}",
            offered.join(", ")
        )));
    }
    Ok(cases)
}

/// Where just the same would be done about several findings, once is enough: a service is restarted, a process ended. The
/// first tells of the others, and is proved for them.
pub fn once(cases: Vec<Case>) -> Vec<Case> {
    let deeds = |case: &Case| -> Option<Vec<Deed>> {
        Some(case.plan.as_ref()?.steps.iter().map(|step| step.deed.clone()).collect())
    };
    let mut all: Vec<Case> = Vec::new();
    for case in cases {
        match all.iter_mut().find(|known| case.plan.is_some() && deeds(known) == deeds(&case)) {
            Some(first) => first.take_in(case),
            None => all.push(case),
        }
    }
    all
}

impl Case {
    fn take_in(&mut self, other: Self) {
        self.also.push(other.finding.title);
        let (Some(own), Some(plan)) = (&mut self.plan, other.plan) else { return };
        let proofs: Vec<_> = plan.proofs.into_iter().filter(|proof| !own.proofs.contains(proof)).collect();
        let asked = other.asked.into_iter().filter(|asked| proofs.contains(&asked.proof));
        self.asked.extend(asked);
        own.proofs.extend(proofs);
        let notes: Vec<_> = plan.notes.into_iter().filter(|note| !own.notes.contains(note)).collect();
        own.notes.extend(notes);
    }
}

/// Where a digest was shown, only the plan that it stands for is good.
pub fn only_shown(args: &FixArgs, cases: &mut Vec<Case>) -> anyhow::Result<()> {
    let Some(wanted) = &args.digest else { return Ok(()) };
    let planned: Vec<String> = cases
        .iter()
        .filter_map(|case| case.plan.as_ref())
        .map(|plan| {
            let digits: String = plan.digest.chars().take(page::DIGITS).collect();
            format!("  {digits}  {} for {} of {}", plan.action, plan.finding, plan.subject)
        })
        .collect();
    cases.retain(|case| case.plan.as_ref().is_some_and(|plan| is_digest(wanted, &plan.digest)));
    if !cases.is_empty() {
        return Ok(());
    }
    let now = if planned.is_empty() {
        "nothing can be done about it any more".to_owned()
    } else {
        format!("now there would be done:\n{}", planned.join("\n"))
    };
    let shown = shown_bytes(wanted.as_bytes());
    let message = format!("nothing was changed: what was planned as {shown} is not as it was; {now}");
    Err(Refusal { exit: Exit::NotNow, message }.into())
}

/// Whether somebody means that digest: all of it, or as many of its digits as are shown.
pub fn is_digest(wanted: &str, digest: &str) -> bool {
    wanted.len() >= page::DIGITS && digest.starts_with(wanted)
}
