//! `emlink`: a directory has as many sub-directories as its file system can count, so mkdir gives EMLINK.

use crate::model::errno::Errno;
use crate::model::finding::{Confidence, Evidence, Finding, Risk, Severity};
use crate::model::raw_path::RawText;
use crate::model::snapshot::Snapshot;
use crate::model::thresholds::Thresholds;
use crate::model::vantage::{Can, HowKnown, Vantage};
use crate::rules::cohort::{self, Cohort};
use crate::rules::room::{self, Backing};
use crate::rules::{Rule, RuleCard, Verdict, offers, place, unseen};

/// See the module's header.
pub struct Emlink;

static CARD: RuleCard =
    RuleCard { id: "emlink", title: "A temp dir has too many sub-directories", yields_to: &[] };

impl Rule for Emlink {
    fn card(&self) -> &'static RuleCard {
        &CARD
    }

    fn check(&self, now: &Snapshot, _before: Option<&Snapshot>, t: &Thresholds) -> Verdict {
        let wanted = |v: &Vantage| is_refused(v) || at_limit(now, v, t);
        let found = cohort::by_directory(now, wanted).iter().map(|c| finding(c, t)).collect();
        unseen::verdict(now, found, unseen::vantages_that_matter(now), || {
            let most = now.vantages.items().iter().filter_map(|v| Some((links(v)?, &v.path))).max();
            most.map_or_else(
                || "no temp dir could be looked at".to_owned(),
                |(links, path)| format!("at most {links} links ({path}); ext4 without dir_nlink ends at 65,000"),
            )
        })
    }
}

fn is_refused(vantage: &Vantage) -> bool {
    vantage.can_create.can == Can::No && vantage.can_create.errno == Some(Errno::EMLINK)
}

/// With `dir_nlink`, the default of ext4, the count turns to 1 at the limit and mkdir goes on; other file systems count
/// otherwise. So only ext at its limit may fail, and a count of 1 is healthy.
fn at_limit(now: &Snapshot, vantage: &Vantage, t: &Thresholds) -> bool {
    room::backing(now, vantage) == Backing::Ext && links(vantage).is_some_and(|links| links >= t.links_max)
}

fn links(vantage: &Vantage) -> Option<u64> {
    vantage.end()?.facts.as_ref().map(|f| f.links)
}

fn finding(cohort: &Cohort<'_>, t: &Thresholds) -> Finding {
    // A prediction does not know of dir_nlink, so only a probe tells that mkdir fails.
    let refused = cohort.only(|v| is_refused(v) && v.can_create.how == HowKnown::Probed);
    let is_proved = refused.is_some();
    let links = links(cohort.lead).unwrap_or(t.links_max);
    let path = cohort.reach().quoted();
    let mut evidence = vec![Evidence {
        source: format!("stat of {}", cohort.reach()),
        observed: RawText::from(format!("links {links}").as_str()),
        means: "each sub-directory is a link to its parent, and the count is at its limit: mkdir gives EMLINK while \
                files can still be created"
            .to_owned(),
        by_hand: format!("stat -L -c 'links %h' {path}"),
    }];
    evidence.extend(cohort.mount_line("without the feature dir_nlink ext4 counts to 65,000 and no further"));
    evidence.extend(cohort.probe());
    let mut by_hand = vec![format!(
        "find {path} -xdev -mindepth 1 -maxdepth 1 -type d -amin +1440 -mmin +1440 -cmin +1440 | head -n 20"
    )];
    by_hand.extend(place::backing(cohort.now, cohort.lead).map(|mount| {
        format!("tune2fs -l {} | grep -o dir_nlink || echo 'no dir_nlink'", mount.source.quoted())
    }));
    Finding {
        id: CARD.id.to_owned(),
        severity: refused.map_or(Severity::Warning, |those| those.severity()),
        confidence: if is_proved { Confidence::Proven } else { Confidence::Possible },
        title: format!("{} has {links} links: no further sub-directory fits", cohort.path()),
        errno: Some(Errno::EMLINK),
        evidence,
        actions: vec![offers::guide("remove sub-directories that nobody uses", Risk::RemovesData, by_hand)],
        subject: cohort.subject(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::vantage::Ability;
    use crate::rules::stage::Stage;

    fn linked(links: u64) -> Stage {
        Stage::healthy().runner(70, "ci.service").change_vantages(
            |v| v.path == "/tmp".into(),
            move |v| v.walked.last_mut().unwrap().facts.as_mut().unwrap().links = links,
        )
    }

    #[test]
    fn is_proven_and_critical_where_a_probe_got_emlink() {
        let stage = linked(65_000).change_vantages(
            |v| v.pids == [70] && v.path == "/tmp".into(),
            |v| {
                v.can_create = Ability {
                    how: HowKnown::Probed,
                    ..Ability::predicted(Can::No, Some(Errno::EMLINK), Some("mkdir"))
                };
            },
        );
        let Verdict::Found(found) = stage.check(&Emlink) else { panic!("must be found") };
        assert_eq!((found[0].severity, found[0].confidence), (Severity::Critical, Confidence::Proven));
        assert_eq!(found.len(), 1, "one directory, however many see it");
    }

    #[test]
    fn only_warns_at_the_limit_for_dir_nlink_may_be_on() {
        let Verdict::Found(found) = linked(64_999).check(&Emlink) else { panic!("must be found") };
        assert_eq!((found[0].severity, found[0].confidence), (Severity::Warning, Confidence::Possible));
    }

    #[test]
    fn is_ruled_out_with_its_figures() {
        let Verdict::RuledOut(because) = linked(2_512).check(&Emlink) else { panic!("far from it") };
        assert!(because.starts_with("at most 2512 links (/"), "{because}");
    }

    #[test]
    fn leaves_a_directory_alone_whose_count_dir_nlink_has_turned_to_one() {
        assert!(matches!(linked(1).check(&Emlink), Verdict::RuledOut(_)));
    }

    #[test]
    fn leaves_other_file_systems_alone() {
        let mut stage = linked(90_000);
        for namespace in stage.now.namespaces.value_mut().unwrap() {
            for mount in namespace.mounts.value_mut().unwrap() {
                mount.fs_type = "xfs".into();
            }
        }
        assert!(matches!(stage.check(&Emlink), Verdict::RuledOut(_)));
    }

    #[test]
    fn is_blind_without_vantages() {
        assert!(matches!(Stage::healthy().without_vantages().check(&Emlink), Verdict::Blind(_)));
    }
}
