//! `tmpdir-relative`: a temp variable holds a path that means another directory in every working directory.

use crate::model::errno::Errno;
use crate::model::finding::{Confidence, Evidence, Finding, Severity};
use crate::model::process::{Pid, Place};
use crate::model::raw_path::{RawPath, RawText};
use crate::model::snapshot::Snapshot;
use crate::model::thresholds::Thresholds;
use crate::model::units::count;
use crate::rules::heading::titled;
use crate::rules::setting::{self, Setting};
use crate::rules::{Rule, RuleCard, Verdict, evidence, offers, spot, tmpdir_literal_syntax, unseen};

/// See the module's header.
pub struct TmpdirRelative;

static CARD: RuleCard = RuleCard {
    id: "tmpdir-relative",
    title: "A temp variable holds a relative path",
    yields_to: &["cwd-deleted", "tmpdir-literal-syntax"],
};

impl Rule for TmpdirRelative {
    fn card(&self) -> &'static RuleCard {
        &CARD
    }

    fn check(&self, now: &Snapshot, _: Option<&Snapshot>, _: &Thresholds) -> Verdict {
        let relative = setting::settings(now, |p| {
            let all = spot::effective(p).into_iter();
            all.filter(|(_, value)| !value.is_absolute() && tmpdir_literal_syntax::flaw(value).is_none())
                .collect()
        });
        let found = relative.iter().map(|setting| finding(now, setting)).collect();
        unseen::verdict_on_values(now, found, vec![], || {
            let named = now.all_processes().map(|p| spot::effective(p).len()).sum::<usize>();
            let named = count(named, ("temp variable", "temp variables"));
            let read = count(setting::readable(now), ("environment", "environments"));
            format!("{named} in {read}, each absolute")
        })
    }
}

fn finding(now: &Snapshot, setting: &Setting<'_>) -> Finding {
    let failing =
        setting.party.pids.iter().find(|pid| setting::works(now, **pid, &setting.value) == Some(false));
    let pid = failing.copied().unwrap_or_else(|| setting.pid());
    let cwd = now.process(pid).and_then(|p| p.cwd.as_ref().ok());
    let meant = setting.meant(now, pid);
    let vantage = setting::vantage_of(now, pid, &setting.value);
    let mut evidence =
        setting.sources(now, "a relative value: it means another directory in each working directory");
    evidence.extend(cwd.map(|place| place_of(pid, place, &meant)));
    let missing = failing.is_some() && vantage.is_some_and(|v| v.can_create.errno == Some(Errno::ENOENT));
    evidence.extend(missing.then(|| gone(pid, setting)));
    evidence.extend(setting.probe(now));
    let before = format!("{}=", setting.name);
    let after = format!(" of {} is relative: it moves with the working dir", setting.party.label);
    Finding {
        id: CARD.id.to_owned(),
        severity: if failing.is_some() { setting.severity() } else { Severity::Warning },
        confidence: Confidence::Proven,
        subject: setting.party.subject(&meant),
        title: titled(&before, &setting.value, &after),
        errno: vantage.and_then(|v| v.can_create.errno),
        evidence,
        actions: offers::unset(&setting.party, setting.name),
    }
}

fn place_of(pid: Pid, place: &Place, meant: &RawPath) -> Evidence {
    evidence::cwd(pid, place, &format!("from there the value means {}", meant.shown()))
}

fn gone(pid: Pid, setting: &Setting<'_>) -> Evidence {
    let reached = RawPath::from(format!("/proc/{pid}/cwd").as_str()).join(setting.value.as_bytes());
    Evidence {
        source: reached.shown(),
        observed: RawText::from(Errno::ENOENT.text()),
        means: "from the working directory of this process the value leads nowhere".to_owned(),
        by_hand: format!("stat {}", reached.quoted()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::stage::Stage;

    fn runner(value: &str) -> Stage {
        Stage::healthy()
            .runner(41, "r@1.service")
            .variable(41, "TMPDIR", value)
            .change(41, |p| p.cwd = Ok(Place { path: "/srv/ci".into(), deleted: false }))
    }

    fn one(stage: &Stage) -> Finding {
        let Verdict::Found(mut found) = stage.check(&TmpdirRelative) else { panic!("must be found") };
        assert_eq!(found.len(), 1);
        found.remove(0)
    }

    #[test]
    fn fires_and_says_what_the_value_means_from_there() {
        let finding = one(&runner("build/tmp"));
        assert_eq!(finding.severity, Severity::Warning, "it works from here, and will not from elsewhere");
        assert_eq!(finding.subject.path, Some("/srv/ci/build/tmp".into()));
        let cwd = finding.evidence.iter().find(|e| e.source == "/proc/41/cwd").unwrap();
        assert_eq!(cwd.means, "from there the value means /srv/ci/build/tmp");
    }

    #[test]
    fn is_critical_where_a_runner_cannot_use_it_from_its_working_directory() {
        let finding = one(&runner("t").fails(41, "t", Errno::ENOENT, "mkdir"));
        assert_eq!(finding.severity, Severity::Critical);
        assert_eq!(finding.errno, Some(Errno::ENOENT));
        assert_eq!(finding.evidence.last().unwrap().by_hand, "stat /proc/41/cwd/t");
    }

    #[test]
    fn stays_clear_of_absolute_and_empty_values_and_leaves_syntax_to_its_rule() {
        for value in ["/var/tmp", "", "~/tmp", "\"/tmp\""] {
            assert!(matches!(runner(value).check(&TmpdirRelative), Verdict::RuledOut(_)), "{value}");
        }
    }

    #[test]
    fn is_blind_where_environments_cannot_be_read() {
        assert!(matches!(
            Stage::healthy().runner(41, "r@1.service").without_environment(41).check(&TmpdirRelative),
            Verdict::Blind(_)
        ));
    }
}
