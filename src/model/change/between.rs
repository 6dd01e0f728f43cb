//! Reckons a change from two looks.

use std::collections::BTreeSet;

use super::{Change, Fate, FindingChange, Pair, RunnerChange, Side, answers, dirs};
use crate::model::finding::{Diagnosis, Finding};
use crate::model::process::{Process, RoleKind};
use crate::model::snapshot::Snapshot;

impl Change {
    /// What differs from `before` to `after`, each with what the rules say of it.
    pub fn between(before: (&Snapshot, &Diagnosis), after: (&Snapshot, &Diagnosis)) -> Self {
        Self {
            before: side(before),
            after: side(after),
            findings: findings(before.1, after.1),
            answers: answers::between(before.0, after.0),
            dirs: dirs::between(before.0, after.0),
            runners: runners(before.0, after.0),
        }
    }
}

fn side((look, diagnosis): (&Snapshot, &Diagnosis)) -> Side {
    let host = look.host.value();
    Side {
        host: host.map(|host| host.name.clone()),
        boot_id: host.and_then(|host| host.boot_id.as_ref().ok().cloned()),
        taken: look.taken,
        status: diagnosis.status,
        headline: diagnosis.headline.clone(),
    }
}

/// Cause and subject make a finding; processes come and go within it.
fn is_same(one: &Finding, other: &Finding) -> bool {
    (&one.id, one.subject.kind, &one.subject.name, &one.subject.path)
        == (&other.id, other.subject.kind, &other.subject.name, &other.subject.path)
}

fn findings(before: &Diagnosis, after: &Diagnosis) -> Vec<FindingChange> {
    let told = |finding: &Finding, severity| FindingChange {
        id: finding.id.clone(),
        title: finding.title.clone(),
        subject: finding.subject.name.clone(),
        fate: Fate::of(&severity),
        severity,
    };
    let known = after.found.iter().map(|finding| {
        let was = before.found.iter().find(|old| is_same(old, finding)).map(|old| old.severity);
        told(finding, Pair::new(was, Some(finding.severity)))
    });
    let gone = before.found.iter().filter(|old| !after.found.iter().any(|finding| is_same(old, finding)));
    let gone = gone.map(|old| told(old, Pair::new(Some(old.severity), None)));
    let mut all: Vec<FindingChange> = known.chain(gone).collect();
    // A stable sort: within a fate the order of the diagnosis, which is worst first.
    all.sort_by_key(|finding| finding.fate);
    all
}

fn runners(before: &Snapshot, after: &Snapshot) -> Vec<RunnerChange> {
    let boot = |of: &Snapshot| of.host.value().and_then(|host| host.boot_id.as_ref().ok().cloned());
    let same_boot = boot(before) == boot(after);
    let is_runner = |p: &&Process| p.role.as_ref().is_some_and(|role| role.kind == RoleKind::Runner);
    let known = |of: &Snapshot| -> BTreeSet<_> {
        of.all_processes().filter(is_runner).map(|p| (p.pid, p.started)).collect()
    };
    // Pid and start name a process only within one boot.
    let (had, has) = if same_boot { (known(before), known(after)) } else { Default::default() };
    let told = |process: &Process, fate| RunnerChange {
        pid: process.pid,
        label: process.label(),
        role: process.role.as_ref().map(|role| role.title.clone()).unwrap_or_default(),
        fate,
    };
    let came = after.all_processes().filter(is_runner).filter(|p| !had.contains(&(p.pid, p.started)));
    let went = before.all_processes().filter(is_runner).filter(|p| !has.contains(&(p.pid, p.started)));
    // Where processes could not be listed, none came and none went.
    if before.processes.value().is_none() || after.processes.value().is_none() {
        return Vec::new();
    }
    came.map(|p| told(p, Fate::New)).chain(went.map(|p| told(p, Fate::Gone))).collect()
}
