//! `duplicate-env-entry`: a temp variable stands twice in one environment, with different values.

use crate::model::finding::{Confidence, Evidence, Finding, Risk, Severity};
use crate::model::process::Process;
use crate::model::raw_path::RawText;
use crate::model::snapshot::Snapshot;
use crate::model::thresholds::Thresholds;
use crate::model::units::count;
use crate::rules::setting::{self, Setting};
use crate::rules::{Rule, RuleCard, Verdict, evidence, offers, place, unseen};

/// See the module's header.
pub struct DuplicateEnvEntry;

static CARD: RuleCard = RuleCard {
    id: "duplicate-env-entry",
    title: "A temp variable stands twice in one environment, with different values",
    yields_to: &[],
};

const NAMES: [&str; 4] = ["TMPDIR", "GOTMPDIR", "TEMP", "TMP"];

impl Rule for DuplicateEnvEntry {
    fn card(&self) -> &'static RuleCard {
        &CARD
    }

    // Where all values serve and no build reads them, two entries do no harm that anybody would notice.
    fn check(&self, now: &Snapshot, _: Option<&Snapshot>, _: &Thresholds) -> Verdict {
        let twice = setting::settings(now, |p| {
            let differing = NAMES.iter().filter(|name| differ(p, name));
            differing.filter_map(|name| p.variable(name).ok().flatten().map(|value| (*name, value))).collect()
        });
        let found =
            twice.iter().filter(|s| s.party.is_weighty() || fails(now, s)).filter_map(finding).collect();
        unseen::verdict_on_values(now, found, vec![], || {
            let read = count(setting::readable(now), ("environment", "environments"));
            format!("{read} read, none holds two values of a temp variable")
        })
    }
}

/// All values of a variable in one environment, in order.
fn values<'a>(process: &'a Process, name: &str) -> Vec<&'a RawText> {
    let all = process.variables.as_deref().unwrap_or_default();
    all.iter().filter(|v| v.name == name).map(|v| &v.value).collect()
}

fn differ(process: &Process, name: &str) -> bool {
    let all = values(process, name);
    all.iter().any(|value| all.first().is_some_and(|first| !place::is_same(first, value) && first != value))
}

fn fails(now: &Snapshot, setting: &Setting<'_>) -> bool {
    let Some(lead) = setting.party.lead else { return false };
    values(lead, setting.name).iter().any(|value| setting::works(now, lead.pid, value) == Some(false))
}

fn finding(setting: &Setting<'_>) -> Option<Finding> {
    let lead = setting.party.lead?;
    let all = values(lead, setting.name);
    let (first, last) = (all.first()?, all.last()?);
    let entry = |value: &RawText, means: &str| -> Evidence {
        evidence::variable(lead.pid, setting.name, value, means)
    };
    let parent = format!("ps -o pid,args= -p {}", lead.parent);
    Some(Finding {
        id: CARD.id.to_owned(),
        severity: Severity::Warning,
        confidence: Confidence::Proven,
        subject: setting.party.subject(first),
        title: format!("{} stands twice in the environment of {}", setting.name, setting.party.label),
        errno: None,
        evidence: vec![
            entry(
                first,
                "the first entry: programs that ask the C library (mktemp, node, python, gcc) take this one",
            ),
            entry(
                last,
                "the last entry: dash, bash and perl take this one, and hand only this one to their children",
            ),
        ],
        actions: vec![offers::guide(
            "correct the program that starts it: it appends the variable instead of replacing it",
            Risk::None,
            vec![parent],
        )],
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::errno::Errno;
    use crate::rules::stage::Stage;

    fn twice(stage: Stage, pid: u32, first: &str, last: &str) -> Stage {
        stage.variable(pid, "TMPDIR", first).named(pid, "TMPDIR", last)
    }

    #[test]
    fn fires_for_a_runner_and_says_who_takes_which() {
        let stage = twice(Stage::healthy().runner(41, "r@1.service"), 41, "/first", "/second");
        let Verdict::Found(found) = stage.check(&DuplicateEnvEntry) else { panic!("must be found") };
        assert_eq!(found[0].title, "TMPDIR stands twice in the environment of r@1.service");
        assert_eq!(found[0].evidence[0].observed.shown(), "TMPDIR=/first");
        assert!(found[0].evidence[0].means.contains("mktemp"));
        assert_eq!(found[0].evidence[1].observed.shown(), "TMPDIR=/second");
        assert!(found[0].evidence[1].means.contains("bash"));
        assert_eq!(found[0].severity, Severity::Warning);
    }

    #[test]
    fn stays_clear_of_equal_entries_and_of_harmless_ones() {
        let equal = twice(Stage::healthy().runner(41, "r@1.service"), 41, "/var/tmp", "/var/tmp/");
        assert!(matches!(equal.check(&DuplicateEnvEntry), Verdict::RuledOut(_)));
        let shell = twice(Stage::healthy(), 100, "/tmp", "/var/tmp");
        assert!(matches!(shell.check(&DuplicateEnvEntry), Verdict::RuledOut(_)));
        let broken = shell.fails(100, "/var/tmp", Errno::EACCES, "mkdir");
        assert!(matches!(broken.check(&DuplicateEnvEntry), Verdict::Found(_)));
    }

    #[test]
    fn is_blind_where_environments_cannot_be_read() {
        assert!(matches!(
            Stage::healthy().runner(41, "r@1.service").without_environment(41).check(&DuplicateEnvEntry),
            Verdict::Blind(_)
        ));
    }
}
