//! Failures that no finding explains: a quota, a security module, a seccomp filter or something that has no rule yet.

use crate::model::errno::Errno;
use crate::model::finding::{Finding, Severity};
use crate::model::snapshot::Snapshot;
use crate::model::vantage::{Can, HowKnown, Vantage};
use crate::rules::{cohort, heading, place};

/// One line about the first build or asked process whose probe failed for no cause that was found.
///
/// A prediction is no proof; that programs cannot be run is judged by who runs some, and a probe that came too late may only
/// have met a busy machine.
pub fn headline(now: &Snapshot, found: &[Finding]) -> Option<String> {
    let vantage = now.vantages.items().iter().find(|v| {
        let matters = v.is_build || place::is_asked(now, v);
        matters && fails(v) && !found.iter().any(|finding| explains(finding, v))
    })?;
    let (step, errno) = (vantage.can_create.step.as_deref()?, vantage.can_create.errno?);
    let after = format!(
        " of {}: {step} fails with {}, for no cause known here",
        cohort::who(now, &vantage.pids),
        errno.name()
    );
    Some(heading::titled("", &vantage.path, &after))
}

/// Whether any temp dir fails, whoever uses it and however that is known.
pub fn any(now: &Snapshot) -> bool {
    now.vantages.items().iter().any(|v| v.can_create.can == Can::No)
}

fn fails(vantage: &Vantage) -> bool {
    let ability = &vantage.can_create;
    let judged = ability.step.as_deref() == Some("execute") || ability.errno == Some(Errno::ETIMEDOUT);
    ability.can == Can::No && ability.how == HowKnown::Probed && !judged
}

/// Context (another namespace, a container's own layer) is no cause.
fn explains(finding: &Finding, vantage: &Vantage) -> bool {
    let is_cause = finding.severity > Severity::Info || finding.errno == vantage.can_create.errno;
    let theirs =
        finding.subject.pids.is_empty() || vantage.pids.iter().any(|pid| finding.subject.pids.contains(pid));
    let path = place::path(vantage);
    let there = finding.subject.path.as_ref().is_none_or(|p| p.is_below(&path) || path.is_below(p));
    is_cause && theirs && there
}
