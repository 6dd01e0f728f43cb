//! `tmpdir-dangling-symlink`: the temp dir is, or lies behind, a symlink to something that does not exist.

use crate::model::errno::Errno;
use crate::model::finding::{Action, Evidence, Finding, Risk};
use crate::model::snapshot::Snapshot;
use crate::model::thresholds::Thresholds;
use crate::model::units::count;
use crate::model::vantage::{Component, Vantage};
use crate::rules::heading::titled;
use crate::rules::spot::{self, Spot};
use crate::rules::way::{self, Stop};
use crate::rules::{Rule, RuleCard, Verdict, evidence, offers, unseen};

/// See the module's header.
pub struct TmpdirDanglingSymlink;

static CARD: RuleCard = RuleCard {
    id: "tmpdir-dangling-symlink",
    title: "The temp dir is a symlink to something that does not exist",
    yields_to: &["tmp-mount-missing", "bind-source-deleted", "tmpdir-literal-syntax"],
};

impl Rule for TmpdirDanglingSymlink {
    fn card(&self) -> &'static RuleCard {
        &CARD
    }

    fn check(&self, now: &Snapshot, _: Option<&Snapshot>, _: &Thresholds) -> Verdict {
        let spots = spot::spots(now, |v| dangling(v).is_some());
        let found = spots.iter().filter_map(|spot| finding(now, spot)).collect();
        unseen::verdict_on_values(now, found, unseen::vantages_that_matter(now), || {
            let links = now.vantages.items().iter().flat_map(way::links_of).count();
            let links = count(links, ("symlink", "symlinks"));
            format!("{links} on the ways to temp dirs, each leads to something")
        })
    }
}

fn dangling(vantage: &Vantage) -> Option<(&Component, &Component)> {
    match way::stop_of(vantage)? {
        Stop::Dangling { link, missing } if vantage.path.is_absolute() => Some((link, missing)),
        Stop::Dangling { .. } | Stop::Missing(_) | Stop::Loop(_) | Stop::NotDirectory(_) => None,
    }
}

fn finding(now: &Snapshot, spot: &Spot<'_>) -> Option<Finding> {
    let (link, missing) = dangling(spot.vantage)?;
    let mut evidence = spot.sources(now, "this process makes its temp files there");
    evidence.extend(way::links_of(spot.vantage).map(|l| text_of(spot, l)));
    evidence.push(spot.stopped_at(missing, "the target of the link does not exist: the way ends here"));
    let whose = spot.whose();
    let title = titled(&spot.prefix(), &spot.vantage.path, &format!("{whose} is a symlink to nothing"));
    let mut finding = spot.finding(now, CARD.id, title, evidence);
    finding.errno = finding.errno.or(Some(Errno::ENOENT));
    finding.actions.extend(target(spot, link));
    finding.actions.extend(spot.variable.into_iter().flat_map(|name| offers::unset(&spot.party, name)));
    Some(finding)
}

fn text_of(spot: &Spot<'_>, link: &Component) -> Evidence {
    evidence::link_of(
        &spot.reached(&link.path),
        link,
        "a symlink, read in the root directory of this process",
    )
}

/// Makes the target, or points the link to a directory that exists.
fn target(spot: &Spot<'_>, link: &Component) -> Vec<Action> {
    let Some(target) = way::target_of(link) else { return Vec::new() };
    let (at, to) = (spot.reached(&link.path).quoted(), target.quoted());
    vec![
        offers::make_temp_dir(spot, &target),
        offers::guide(
            "or point the link to a directory that exists, /var/tmp for instance",
            Risk::None,
            vec![format!("readlink {at}   # was {to}"), format!("ln -sfn /var/tmp {at}")],
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::finding::Severity;
    use crate::rules::stage::{Stage, component, facts};

    fn linked(stage: Stage, pid: u32, text: &str) -> Stage {
        stage.link(pid, "/tmp", "/tmp", text)
    }

    /// Adds the last step of the way: a name behind the link that does not exist.
    fn ends_at(stage: Stage, at: &'static str) -> Stage {
        stage.change_vantages(
            |v| v.path == "/tmp".into() && v.walked.iter().any(|c| c.link.is_some()),
            |v| {
                let gone = component(at.into(), facts(crate::model::vantage::Kind::Directory, 0o755));
                v.walked.push(Component { facts: None, error: Some(Errno::ENOENT), ..gone });
                v.can_create = crate::model::vantage::Ability::predicted(
                    crate::model::vantage::Can::No,
                    Some(Errno::ENOENT),
                    Some("mkdir"),
                );
            },
        )
    }

    #[test]
    fn fires_on_a_tmp_that_leads_nowhere_and_shows_link_and_missing_part() {
        let stage = linked(Stage::healthy().runner(41, "r@1.service"), 41, "/mnt/scratch/tmp");
        let Verdict::Found(found) = ends_at(stage, "/mnt/scratch").check(&TmpdirDanglingSymlink) else {
            panic!("must be found")
        };
        assert_eq!(found[0].title, "/tmp of r@1.service is a symlink to nothing");
        assert_eq!(found[0].severity, Severity::Critical);
        assert_eq!(found[0].evidence[0].observed.shown(), "/mnt/scratch/tmp");
        assert_eq!(found[0].evidence[1].by_hand, "stat /proc/41/root/mnt/scratch");
        assert!(found[0].actions[0].by_hand[0].ends_with("/proc/41/root/mnt/scratch/tmp"));
    }

    #[test]
    fn stays_clear_of_a_missing_name_behind_a_good_link() {
        let stage = linked(Stage::healthy().runner(41, "r@1.service"), 41, "/srv");
        let verdict = ends_at(stage, "/srv/ci").check(&TmpdirDanglingSymlink);
        let Verdict::RuledOut(because) = verdict else { panic!("must be ruled out, was {verdict:?}") };
        assert_eq!(because, "1 symlink on the ways to temp dirs, each leads to something");
    }

    #[test]
    fn is_blind_without_vantages() {
        assert!(matches!(
            Stage::healthy().without_vantages().check(&TmpdirDanglingSymlink),
            Verdict::Blind(_)
        ));
    }
}
