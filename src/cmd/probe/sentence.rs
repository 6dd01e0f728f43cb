//! What came of a probe, in one sentence.

use std::time::Duration;

use super::{Report, Verdict};
use crate::model::probe::{ProbeResult, Step, StepResult};
use crate::model::raw_path::RawPath;

/// The sentence under the steps and in the JSON document.
pub(super) fn sentence(report: &Report) -> String {
    let (who, dir) = (who(report), place(&report.dir));
    match report.verdict() {
        Verdict::Passed => format!("{who} can create temp dirs in {dir}, write to them and run from them"),
        Verdict::Failed if report.result.hung => {
            let at = stuck_at(&report.result).map_or("clean-up", Step::word);
            format!("{who} gets no answer in {dir}: {at} did not return within {}", patience(report.deadline))
        }
        Verdict::Failed => {
            let failure = report.result.failure();
            failure.map_or_else(|| format!("{who} fails in {dir}"), |step| failed(&who, &dir, step))
        }
        Verdict::Unknown => {
            let why = report.trouble.clone().unwrap_or_else(|| no_answer(report));
            let errno = report.result.failure().and_then(|step| step.errno);
            let errno = errno.map(|errno| format!(": {errno}")).unwrap_or_default();
            let remedy = if report.is_refused() { "; run as root" } else { "" };
            format!("it is not known whether {who} can create temp dirs in {dir}: {why}{errno}{remedy}")
        }
    }
}

fn failed(who: &str, dir: &str, failure: &StepResult) -> String {
    let what = match failure.step {
        Step::Enter | Step::Mkdir => format!("{who} cannot create a temp dir in {dir}"),
        Step::Create => format!("{who} can make a temp dir in {dir} but create no file in it"),
        Step::Write => format!("{who} can create files in {dir} but not write to them"),
        Step::Fsync => format!("{who} can write in {dir} but the data do not reach the disk"),
        Step::Rename => format!("{who} can write in {dir} but not rename"),
        Step::Execute => format!("{who} can write in {dir} but run no program from there"),
        Step::Remove => format!("{who} can write in {dir} but not remove"),
    };
    let errno = failure.errno.map(|errno| format!(" gives {errno}")).unwrap_or_default();
    format!("{what}: {}{errno}", failure.step.word())
}

/// "this process", "forgejo-runner@1.service", "pid 4514 (bash)", "user runner".
fn who(report: &Report) -> String {
    match (&report.whom.user, &report.whom.unit) {
        (None, None) if report.whom.is_us => "this process".to_owned(),
        (Some(user), _) => format!("user {}", RawPath::from(user.as_str()).shown()),
        (None, Some(unit)) => RawPath::from(unit.as_str()).shown(),
        (None, None) => format!("pid {} ({})", report.who.pid, report.who.comm),
    }
}

/// The step that gave no answer: the first that was not reported.
pub(super) fn stuck_at(result: &ProbeResult) -> Option<Step> {
    let reported = |step: &Step| result.steps.iter().any(|s| s.step == *step);
    let failed = result.failure().is_some();
    // After a failure only the removal is left.
    let next = Step::ALL.into_iter().find(|step| !reported(step) && (!failed || *step == Step::Remove));
    next.filter(|_| result.hung)
}

/// An empty path is the working directory.
pub(super) fn place(dir: &RawPath) -> String {
    if dir.is_empty() { "\"\" (the working directory)".to_owned() } else { dir.shown() }
}

/// Nothing in the kernel holds a helper that is only late.
fn no_answer(report: &Report) -> String {
    if report.result.is_late() {
        let patience = patience(report.deadline);
        format!(
            "the helper process was not done within {patience}, though no file system held it: a busy machine"
        )
    } else {
        "the helper process gave no answer".to_owned()
    }
}

fn patience(deadline: Duration) -> String {
    if deadline.subsec_millis() == 0 {
        format!("{} s", deadline.as_secs())
    } else {
        format!("{} ms", deadline.as_millis())
    }
}
