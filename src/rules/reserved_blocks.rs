//! `reserved-blocks`: what is left of an ext file system is kept for root, so root can write and the runner cannot.

use crate::model::errno::Errno;
use crate::model::finding::{Confidence, Evidence, Finding, Risk};
use crate::model::snapshot::Snapshot;
use crate::model::thresholds::Thresholds;
use crate::model::vantage::Vantage;
use crate::rules::cohort::{self, Cohort};
use crate::rules::room::{self, Backing, Room};
use crate::rules::{Rule, RuleCard, Verdict, offers, place, unseen};

/// See the module's header.
pub struct ReservedBlocks;

static CARD: RuleCard = RuleCard {
    id: "reserved-blocks",
    title: "The rest of a full disk is kept for root",
    yields_to: &["private-tmp-readonly-fallback", "ro-after-fs-error"],
};

impl Rule for ReservedBlocks {
    fn card(&self) -> &'static RuleCard {
        &CARD
    }

    fn check(&self, now: &Snapshot, _before: Option<&Snapshot>, t: &Thresholds) -> Verdict {
        let ext = |v: &Vantage| room::backing(now, v) == Backing::Ext;
        let judge = |c: &Cohort<'_>| match room::worst(c, |v| room::blocks(now, v, t))? {
            (Room::Reserved, those) => Some(finding(&those)),
            _ => None,
        };
        let found = cohort::by_file_system(now, ext).iter().filter_map(judge).collect();
        unseen::verdict(now, found, room::gaps(now), || figures(now, ext))
    }
}

fn figures(now: &Snapshot, ext: impl Fn(&Vantage) -> bool) -> String {
    let cohorts = cohort::by_file_system(now, |v| room::space(now, v).is_some() && ext(v));
    let parts: Vec<String> = cohorts
        .iter()
        .filter_map(|c| room::space_of(c).map(|s| (c.path(), s)))
        .take(3)
        .map(|(path, s)| {
            let kept = s.free.0.saturating_sub(s.available.0);
            format!(
                "{path} has {} left for users, {} kept for root",
                s.available,
                crate::model::units::Bytes(kept)
            )
        })
        .collect();
    if parts.is_empty() { "no ext file system serves a temp dir".to_owned() } else { parts.join("; ") }
}

fn finding(cohort: &Cohort<'_>) -> Finding {
    let space = room::space_of(cohort);
    let (total, kept) = space.map(|s| (s.total, s.free)).unwrap_or_default();
    let means = "blocks are free, but none for a process without CAP_SYS_RESOURCE: its writes fail with ENOSPC while \
                 root's succeed";
    let mut evidence: Vec<Evidence> = room::blocks_seen(cohort, means).into_iter().collect();
    evidence.extend(cohort.mount_line("an ext file system, which keeps blocks back for root"));
    evidence.extend(cohort.probe());
    Finding {
        id: CARD.id.to_owned(),
        severity: cohort.severity(),
        confidence: Confidence::Proven,
        title: format!("{} is full for all but root: {kept} of {total} are its reserve", cohort.path()),
        errno: Some(Errno::ENOSPC),
        evidence,
        actions: actions(cohort),
        subject: cohort.subject(),
    }
}

fn actions(cohort: &Cohort<'_>) -> Vec<crate::model::finding::Action> {
    let mut actions = vec![offers::find_what_fills(cohort), offers::clean(&cohort.reach())];
    if let Some(mount) = place::backing(cohort.now, cohort.lead) {
        let device = mount.source.quoted();
        actions.push(offers::guide_back(
            "make the reserve smaller, online; root's own services lose that margin (5 is the usual per cent)",
            Risk::None,
            vec![format!("tune2fs -l {device} | grep -i 'reserved block'"), format!("tune2fs -m 1 {device}")],
        ));
    }
    actions
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::finding::Severity;
    use crate::model::units::Bytes;
    use crate::model::vantage::Space;
    use crate::rules::stage::{Stage, process, space};

    fn reserve() -> Space {
        Space { free: Bytes(5 << 30), available: Bytes(0), ..space() }
    }

    fn on(stage: Stage, room: Space) -> Verdict {
        stage.change_vantages(|_| true, move |v| v.space = Ok(room)).check(&ReservedBlocks)
    }

    #[test]
    fn fires_for_a_runner_and_not_for_root() {
        let Verdict::Found(found) = on(Stage::healthy().runner(70, "ci.service"), reserve()) else {
            panic!("must be found")
        };
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].severity, Severity::Critical);
        assert_eq!(found[0].subject.pids, [70, 100], "root (pid 1) can still write");
        assert_eq!(found[0].title, "/tmp is full for all but root: 5.00 G of 100 G are its reserve");
        assert!(found[0].actions.iter().any(|a| a.by_hand.iter().any(|c| c == "tune2fs -m 1 /dev/vda1")));
    }

    #[test]
    fn is_ruled_out_with_its_figures() {
        let Verdict::RuledOut(because) = on(Stage::healthy(), space()) else { panic!("there is room") };
        assert!(because.starts_with("/tmp has 58.0 G left for users, 2.00 G kept for root"), "{because}");
    }

    #[test]
    fn leaves_a_disk_alone_that_is_full_for_root_too() {
        let room = Space { free: Bytes(0), available: Bytes(0), ..space() };
        assert!(matches!(on(Stage::healthy(), room), Verdict::RuledOut(_)));
    }

    #[test]
    fn leaves_other_file_systems_alone_whose_available_blocks_mean_something_else() {
        let mut stage = Stage::healthy();
        for namespace in stage.now.namespaces.value_mut().unwrap() {
            for mount in namespace.mounts.value_mut().unwrap() {
                mount.fs_type = "xfs".into();
            }
        }
        assert!(matches!(on(stage, reserve()), Verdict::RuledOut(_)));
    }

    #[test]
    fn leaves_a_process_alone_that_may_use_the_reserve() {
        let mut stage = Stage::healthy().put(process(300, 1, "rustc", 0));
        stage.now.vantages.value_mut().unwrap().retain(|v| v.credentials.uid == 0);
        assert!(matches!(on(stage, reserve()), Verdict::RuledOut(_)));
    }

    #[test]
    fn is_blind_without_vantages() {
        assert!(matches!(Stage::healthy().without_vantages().check(&ReservedBlocks), Verdict::Blind(_)));
    }
}
