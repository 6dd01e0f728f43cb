//! `immutable-or-append`: `chattr +i` or `+a` on a temp dir binds even root.

use crate::model::errno::Errno;
use crate::model::finding::{Confidence, Evidence, Finding, Risk, Severity};
use crate::model::raw_path::RawText;
use crate::model::snapshot::Snapshot;
use crate::model::thresholds::Thresholds;
use crate::model::units::count;
use crate::model::vantage::{Facts, HowKnown, Vantage};
use crate::rules::cohort::{self, Cohort};
use crate::rules::{Rule, RuleCard, Verdict, offers, place, unseen};

/// See the module's header.
pub struct ImmutableOrAppend;

static CARD: RuleCard = RuleCard {
    id: "immutable-or-append",
    title: "A temp dir is immutable or append-only",
    yields_to: &["tmp-mount-missing"],
};

impl Rule for ImmutableOrAppend {
    fn card(&self) -> &'static RuleCard {
        &CARD
    }

    fn check(&self, now: &Snapshot, _before: Option<&Snapshot>, _: &Thresholds) -> Verdict {
        let wanted = |v: &Vantage| place::is_temp_dir(now, v) && flags(v).is_some();
        let found = cohort::by_directory(now, wanted).iter().filter_map(finding).collect();
        unseen::verdict(now, found, unseen::vantages_that_matter(now), || {
            let seen = now.vantages.items().iter().filter(|v| place::directory(v).is_some()).count();
            format!("no flag i or a on the directories of {}", count(seen, ("vantage", "vantages")))
        })
    }
}

fn flags(vantage: &Vantage) -> Option<&Facts> {
    place::directory(vantage).filter(|f| f.immutable || f.append_only)
}

fn finding(cohort: &Cohort<'_>) -> Option<Finding> {
    let facts = flags(cohort.lead)?;
    let path = cohort.path();
    let (flag, word, means, title) = if facts.immutable {
        (
            'i',
            "immutable",
            "nothing can be created, renamed or removed in it, by root neither: EPERM",
            format!("{path} is immutable (chattr +i): nobody can create in it, root neither"),
        )
    } else {
        (
            'a',
            "append-only",
            "creating works, removing and renaming give EPERM for everybody: temp entries pile up",
            format!("{path} is append-only (chattr +a): nothing in it can be removed"),
        )
    };
    let reached = cohort.reach().quoted();
    let mut evidence = vec![Evidence {
        source: format!("statx of {}", cohort.reach()),
        observed: RawText::from(word),
        means: means.to_owned(),
        by_hand: format!(
            "case $(lsattr -d {reached} | cut -d' ' -f1) in *{flag}*) echo {word};; *) echo no flag {flag};; esac"
        ),
    }];
    evidence.extend(cohort.probe());
    let probed =
        cohort.vantages.iter().any(|v| v.can_create.how == HowKnown::Probed && v.can_create.errno.is_some());
    Some(Finding {
        id: CARD.id.to_owned(),
        severity: if facts.immutable { cohort.severity() } else { Severity::Warning },
        // The flag cannot mean anything else; the probe only adds that it was felt.
        confidence: if facts.immutable || probed { Confidence::Proven } else { Confidence::Likely },
        title,
        errno: Some(Errno::EPERM),
        evidence,
        actions: vec![offers::guide_back(
            "take the flag off; find out who set it, for a security agent may set it again",
            Risk::None,
            vec![format!("chattr -{flag} {reached}"), format!("# to undo: chattr +{flag} {reached}")],
        )],
        subject: cohort.subject(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::vantage::Reason;
    use crate::rules::stage::Stage;

    fn flagged(path: &'static str, how: impl Fn(&mut Facts)) -> Stage {
        Stage::healthy().runner(70, "ci.service").change_vantages(
            |v| v.path == path.into(),
            move |v| how(v.walked.last_mut().unwrap().facts.as_mut().unwrap()),
        )
    }

    #[test]
    fn fires_on_an_immutable_temp_dir_for_root_too() {
        let Verdict::Found(found) = flagged("/tmp", |f| f.immutable = true).check(&ImmutableOrAppend) else {
            panic!("must be found")
        };
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].severity, found[0].confidence), (Severity::Critical, Confidence::Proven));
        assert_eq!(found[0].subject.pids, [1, 70, 100]);
        assert_eq!(found[0].actions[0].by_hand[0], "chattr -i /proc/70/root/tmp");
    }

    #[test]
    fn warns_of_an_append_only_one_in_which_leftovers_stay() {
        let Verdict::Found(found) = flagged("/tmp", |f| f.append_only = true).check(&ImmutableOrAppend)
        else {
            panic!("must be found")
        };
        assert_eq!(found[0].severity, Severity::Warning);
        assert_eq!(found[0].title, "/tmp is append-only (chattr +a): nothing in it can be removed");
    }

    #[test]
    fn is_ruled_out_with_its_figures() {
        let Verdict::RuledOut(because) = Stage::healthy().check(&ImmutableOrAppend) else {
            panic!("no flag")
        };
        assert_eq!(because, "no flag i or a on the directories of 4 vantages");
    }

    #[test]
    fn leaves_flagged_directories_alone_that_are_only_bound_into_a_container() {
        let stage = flagged("/var/tmp", |f| f.immutable = true).change_vantages(
            |v| v.path == "/var/tmp".into(),
            |v| {
                v.path = "/config".into();
                v.reasons = vec![Reason::BindMount];
            },
        );
        assert!(matches!(stage.check(&ImmutableOrAppend), Verdict::RuledOut(_)));
    }

    #[test]
    fn is_blind_without_vantages() {
        assert!(matches!(Stage::healthy().without_vantages().check(&ImmutableOrAppend), Verdict::Blind(_)));
    }
}
