//! `tmpdir-empty-string`: `TMPDIR=`, which is unset for most programs and the working directory for Rust's.

use crate::model::finding::{Confidence, Finding, Severity};
use crate::model::process::Process;
use crate::model::raw_path::RawPath;
use crate::model::snapshot::Snapshot;
use crate::model::thresholds::Thresholds;
use crate::model::units::count;
use crate::rules::setting::{self, Setting};
use crate::rules::{Rule, RuleCard, Verdict, evidence, offers, unseen};

/// See the module's header.
pub struct TmpdirEmptyString;

static CARD: RuleCard = RuleCard {
    id: "tmpdir-empty-string",
    title: "TMPDIR is set to the empty string: the working directory, for Rust programs",
    yields_to: &["cwd-deleted"],
};

impl Rule for TmpdirEmptyString {
    fn card(&self) -> &'static RuleCard {
        &CARD
    }

    // Only for builds and for processes that were asked about: every C, Go, Python and Node program takes /tmp.
    fn check(&self, now: &Snapshot, _: Option<&Snapshot>, _: &Thresholds) -> Verdict {
        let empty = setting::settings(now, |p| {
            let first = p.variable("TMPDIR").ok().flatten().filter(|value| value.is_empty());
            first.into_iter().map(|value| ("TMPDIR", value)).collect()
        });
        let found = empty.iter().filter(|s| s.party.is_weighty()).map(|s| finding(now, s)).collect();
        unseen::verdict_on_values(now, found, vec![], || {
            let builds = now.all_processes().filter(|p| p.is_build()).count();
            let builds = count(builds, ("runner or build process", "runners and build processes"));
            format!("TMPDIR of {builds} read, none is empty")
        })
    }
}

fn finding(now: &Snapshot, setting: &Setting<'_>) -> Finding {
    let means = "empty: Rust programs (rustc before 1.94, cargo, sccache) make their temp files in the working directory, others in /tmp";
    let mut evidence = setting.sources(now, means);
    let place = setting.party.lead.and_then(|p| p.cwd.as_ref().ok());
    let pid = setting.pid();
    evidence.extend(place.map(|p| evidence::cwd(pid, p, "so this is their temp dir")));
    let vantage = place.and_then(|p| setting::vantage_of(now, pid, &p.path));
    let fails = setting.party.lead.is_some_and(|p| cannot_use_cwd(now, p));
    let errno = if fails { vantage.and_then(|v| v.can_create.errno) } else { None };
    evidence.extend(vantage.and_then(|v| evidence::probe_of(now, v)));
    Finding {
        id: CARD.id.to_owned(),
        severity: if fails { Severity::Critical } else { Severity::Warning },
        confidence: Confidence::Proven,
        subject: setting.party.subject(&place.map_or_else(|| RawPath::from("."), |p| p.path.clone())),
        title: format!("TMPDIR of {} is set but empty", setting.party.label),
        errno,
        evidence,
        actions: offers::unset(&setting.party, "TMPDIR"),
    }
}

fn cannot_use_cwd(now: &Snapshot, process: &Process) -> bool {
    let Ok(place) = &process.cwd else { return false };
    place.deleted || setting::works(now, process.pid, &place.path) == Some(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::process::Place;
    use crate::rules::stage::Stage;

    fn one(stage: &Stage) -> Finding {
        let Verdict::Found(mut found) = stage.check(&TmpdirEmptyString) else { panic!("must be found") };
        assert_eq!(found.len(), 1);
        found.remove(0)
    }

    fn runner() -> Stage {
        Stage::healthy().runner(41, "r@1.service").variable(41, "TMPDIR", "")
    }

    #[test]
    fn fires_for_a_runner_and_takes_the_variable_away() {
        let finding = one(&runner());
        assert_eq!(finding.severity, Severity::Warning);
        assert_eq!(finding.evidence[0].observed.shown(), "TMPDIR=");
        assert!(finding.actions[0].by_hand[2].contains("UnsetEnvironment=TMPDIR"));
    }

    #[test]
    fn is_critical_where_the_working_directory_is_gone() {
        let stage = runner().change(41, |p| p.cwd = Ok(Place { path: "/srv/w".into(), deleted: true }));
        assert_eq!(one(&stage).severity, Severity::Critical);
    }

    #[test]
    fn stays_clear_of_an_unset_one_and_of_programs_that_take_tmp() {
        let unset = Stage::healthy().runner(41, "r@1.service");
        assert!(matches!(unset.check(&TmpdirEmptyString), Verdict::RuledOut(_)));
        let shell = Stage::healthy().variable(100, "TMPDIR", "");
        assert!(matches!(shell.check(&TmpdirEmptyString), Verdict::RuledOut(_)));
        assert_eq!(one(&shell.asked(100)).severity, Severity::Warning);
    }

    #[test]
    fn is_blind_where_environments_cannot_be_read() {
        let unread = |pid| Stage::healthy().runner(41, "r@1.service").without_environment(pid);
        assert!(matches!(unread(41).check(&TmpdirEmptyString), Verdict::Blind(_)));
        assert!(matches!(unread(1).check(&TmpdirEmptyString), Verdict::RuledOut(_)), "it is about builds");
    }
}
