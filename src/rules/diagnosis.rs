//! Asks every rule and puts the answers in order.

use crate::model::finding::{Diagnosis, Finding, RuledOut, Severity, Status, Unseen};
use crate::model::snapshot::Snapshot;
use crate::model::thresholds::Thresholds;
use crate::model::units::count;
use crate::rules::build_log::{self, Says};
use crate::rules::{RULES, Rule, Verdict, offers, unexplained};

/// Asks all rules about one snapshot.
///
/// Findings come worst first, then surest first, then by what the build log says of them, then in the order of the registry. A cause that yields to a more
/// specific one loses the processes that the other explains, and falls silent when none is left.
pub fn diagnose(now: &Snapshot, before: Option<&Snapshot>, thresholds: &Thresholds) -> Diagnosis {
    diagnose_with(RULES, now, before, thresholds)
}

fn diagnose_with(
    rules: &[&dyn Rule],
    now: &Snapshot,
    before: Option<&Snapshot>,
    thresholds: &Thresholds,
) -> Diagnosis {
    let mut diagnosis = Diagnosis::default();
    let mut found: Vec<(usize, Finding)> = Vec::new();
    for (order, rule) in rules.iter().enumerate() {
        let id = rule.card().id.to_owned();
        match rule.check(now, before, thresholds) {
            Verdict::Found(findings) => found.extend(findings.into_iter().map(|f| (order, f))),
            Verdict::RuledOut(because) => diagnosis.ruled_out.push(RuledOut { id, because }),
            Verdict::Blind(gaps) => diagnosis.blind.push(Unseen { id, gaps }),
            Verdict::Wait => {}
        }
    }
    let mut found = let_the_specific_lead(rules, found);
    found.retain(|(_, finding)| is_asked_for(now, finding));
    let weighed =
        found.into_iter().map(|(order, mut finding)| (build_log::weigh(now, &mut finding), order, finding));
    let mut found: Vec<(Says, usize, Finding)> = weighed.collect();
    found.sort_by_key(|(says, order, f)| {
        (std::cmp::Reverse(f.severity), std::cmp::Reverse(f.confidence), *says, *order, f.subject.clone())
    });
    diagnosis.found = found.into_iter().map(|(_, _, f)| f).collect();
    diagnosis.found.iter_mut().for_each(offers::restart_after_override);
    diagnosis.ruled_out.iter_mut().for_each(|ruled_out| build_log::remark(now, ruled_out));
    diagnosis.status = status_of(now, &diagnosis);
    diagnosis.headline = headline_of(now, &diagnosis);
    // Something fails all the same where nothing grave was found.
    if diagnosis.status != Status::Critical
        && let Some(headline) = unexplained::headline(now, &diagnosis.found)
    {
        (diagnosis.status, diagnosis.headline) = (Status::Critical, headline);
    }
    diagnosis
}

fn let_the_specific_lead(rules: &[&dyn Rule], found: Vec<(usize, Finding)>) -> Vec<(usize, Finding)> {
    let leaders: Vec<Finding> = found.iter().map(|(_, f)| f.clone()).collect();
    let mut kept = Vec::with_capacity(found.len());
    for (order, mut finding) in found {
        let yields_to = rules.get(order).map_or(&[][..], |rule| rule.card().yields_to);
        let had_pids = !finding.subject.pids.is_empty();
        let mut explained = false;
        for leader in leaders.iter().filter(|l| yields_to.contains(&l.id.as_str())) {
            if !is_same_place(&finding, leader) {
                continue;
            }
            explained = true;
            finding.subject.pids.retain(|pid| !leader.subject.pids.contains(pid));
        }
        let silent = explained && (!had_pids || finding.subject.pids.is_empty());
        if !silent {
            kept.push((order, finding));
        }
    }
    kept
}

/// Where only some processes were asked about, what concerns none of them is left out; what concerns the machine stays.
fn is_asked_for(now: &Snapshot, finding: &Finding) -> bool {
    let pids = &finding.subject.pids;
    !now.asked.is_focused() || pids.is_empty() || pids.iter().any(|pid| now.asked.pids.contains(pid))
}

fn is_same_place(finding: &Finding, leader: &Finding) -> bool {
    match (&finding.subject.path, &leader.subject.path) {
        (Some(own), Some(other)) => own.is_below(other) || other.is_below(own),
        _ => true,
    }
}

fn status_of(now: &Snapshot, diagnosis: &Diagnosis) -> Status {
    match diagnosis.found.first().map(|f| f.severity) {
        Some(Severity::Critical) => Status::Critical,
        Some(Severity::Warning) => Status::Warning,
        Some(Severity::Info) | None if saw_nothing(now) => Status::Unknown,
        Some(Severity::Info) | None => Status::Ok,
    }
}

/// Without processes, mounts or vantages there is nothing to call healthy.
fn saw_nothing(now: &Snapshot) -> bool {
    now.processes.value().is_none() || now.namespaces.items().is_empty() || now.vantages.value().is_none()
}

fn headline_of(now: &Snapshot, diagnosis: &Diagnosis) -> String {
    let of = |severity| diagnosis.found.iter().filter(move |f| f.severity == severity);
    let (critical, warnings) = (of(Severity::Critical).count(), of(Severity::Warning).count());
    match (critical, warnings, diagnosis.found.first()) {
        (1, _, Some(first)) | (0, 1, Some(first)) => first.title.clone(),
        (2.., _, Some(first)) => format!("{} (and {} more)", first.title, critical - 1),
        (0, 2.., Some(first)) => {
            format!("{} (and {})", first.title, count(warnings - 1, ("more warning", "more warnings")))
        }
        _ if diagnosis.status == Status::Unknown => "could not look at this machine".to_owned(),
        _ => {
            let dirs = count(now.temp_dirs.items().len(), ("temp dir", "temp dirs"));
            let vantages = count(now.vantages.items().len(), ("vantage", "vantages"));
            let none = if unexplained::any(now) { "no build's fails" } else { "none fails" };
            format!("{dirs} seen from {vantages}, {none}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::errno::Errno;
    use crate::rules::stage::{Life, Stage};

    #[test]
    fn leaves_out_what_concerns_none_of_the_processes_that_were_asked_about() {
        let mut stage = Stage::healthy().runner(41, "r@1.service").runner(42, "r@2.service");
        stage = stage.private_tmp(41, "/tmp", Life::Dead);
        assert_eq!(diagnose(&stage.now, None, &Thresholds::default()).status, Status::Critical);
        stage.now.asked.pids.insert(42);
        let about_the_other = diagnose(&stage.now, None, &Thresholds::default());
        assert_eq!(about_the_other.status, Status::Ok, "{:?}", about_the_other.found);
    }

    #[test]
    fn a_build_whose_probe_fails_is_critical_although_no_rule_knows_why() {
        let stage = Stage::healthy().runner(41, "r@1.service").probed(41, "/tmp", Errno::EDQUOT);
        let diagnosis = diagnose(&stage.now, None, &Thresholds::default());
        assert!(diagnosis.found.iter().all(|f| f.severity == Severity::Info), "{:?}", diagnosis.found);
        assert_eq!(diagnosis.status, Status::Critical);
        assert_eq!(
            diagnosis.headline,
            "/tmp of r@1.service: mkdir fails with EDQUOT, for no cause known here"
        );
        let stranger = Stage::healthy().probed(100, "/tmp", Errno::EDQUOT);
        let diagnosis = diagnose(&stranger.now, None, &Thresholds::default());
        assert_eq!(diagnosis.status, Status::Ok);
        assert!(!diagnosis.headline.contains("none fails"), "{}", diagnosis.headline);
    }
}
