//! `inodes-exhausted`: the file system has blocks but no inode left, so nothing new can be created.
//!
//! tmpfs has a limit that can be raised while mounted, and a rule of its own.

use crate::model::errno::Errno;
use crate::model::finding::{Confidence, Evidence, Finding, Risk, Severity};
use crate::model::snapshot::Snapshot;
use crate::model::thresholds::Thresholds;
use crate::model::units::Entries;
use crate::model::vantage::Vantage;
use crate::rules::cohort::{self, Cohort};
use crate::rules::room::{self, Backing, Room};
use crate::rules::{Rule, RuleCard, Verdict, offers, place, unseen};

/// See the module's header.
pub struct InodesExhausted;

static CARD: RuleCard = RuleCard {
    id: "inodes-exhausted",
    title: "The file system of a temp dir has no inodes left",
    yields_to: &["tmpfs-inodes", "ro-after-fs-error"],
};

impl Rule for InodesExhausted {
    fn card(&self) -> &'static RuleCard {
        &CARD
    }

    fn check(&self, now: &Snapshot, _before: Option<&Snapshot>, t: &Thresholds) -> Verdict {
        let disk = |v: &Vantage| room::backing(now, v) != Backing::Memory;
        let found = cohort::by_file_system(now, disk).iter().filter_map(|c| judge(c, t)).collect();
        unseen::verdict(now, found, room::gaps(now), || room::figures(now, disk))
    }
}

fn judge(cohort: &Cohort<'_>, t: &Thresholds) -> Option<Finding> {
    let (level, those) = room::worst(cohort, |v| room::inodes(cohort.now, v, t))?;
    let space = room::space_of(&those)?;
    let path = those.path();
    let is_full = level == Room::Full;
    let means = if is_full {
        "no inode is left: creating anything fails with ENOSPC, however many blocks are free"
    } else {
        "what is left may not do for one more build"
    };
    let mut evidence: Vec<Evidence> = room::inodes_seen(&those, means).into_iter().collect();
    evidence.extend(room::blocks_seen(&those, "blocks are not what is missing"));
    evidence.extend(those.mount_line("the file system that serves it"));
    evidence.extend(those.probe());
    let title = if is_full {
        format!("{path} has no inodes left: 0 of {}, with {} free", space.inodes, space.available)
    } else {
        let percent = room::inodes_percent(&space);
        format!("{path} is short of inodes: {percent} % of {} used, {} left", space.inodes, space.inodes_free)
    };
    Some(Finding {
        id: CARD.id.to_owned(),
        severity: if is_full { those.severity() } else { Severity::Warning },
        confidence: if is_full { Confidence::Proven } else { Confidence::Likely },
        title,
        errno: is_full.then_some(Errno::ENOSPC),
        evidence,
        actions: vec![find_many(&those, space.inodes), offers::clean(&those.reach())],
        subject: those.subject(),
    })
}

fn find_many(cohort: &Cohort<'_>, total: Entries) -> crate::model::finding::Action {
    let point = cohort.mount().map_or_else(|| cohort.path(), |m| m.point.clone());
    let top = place::reach(cohort.now, cohort.lead, &point).quoted();
    offers::guide(
        format!("find the directories that hold most of the {total} inodes; ext4 cannot get more after mkfs"),
        Risk::None,
        vec![format!("du -x --inodes --max-depth=4 {top} 2>/dev/null | sort -n | tail -n 30")],
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::units::Bytes;
    use crate::model::vantage::Space;
    use crate::rules::stage::{Stage, space};

    fn on(stage: Stage, room: Space) -> Verdict {
        stage.change_vantages(|_| true, move |v| v.space = Ok(room)).check(&InodesExhausted)
    }

    fn of_type(mut stage: Stage, fs_type: &str) -> Stage {
        for namespace in stage.now.namespaces.value_mut().unwrap() {
            for mount in namespace.mounts.value_mut().unwrap() {
                mount.fs_type = fs_type.to_owned();
            }
        }
        stage
    }

    #[test]
    fn fires_where_blocks_are_free_and_inodes_are_not() {
        let room = Space { inodes: Entries(65_536), inodes_free: Entries(0), ..space() };
        let Verdict::Found(found) = on(Stage::healthy().runner(70, "ci.service"), room) else {
            panic!("must be found")
        };
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].severity, Severity::Critical);
        assert_eq!(found[0].title, "/tmp has no inodes left: 0 of 65,536, with 58.0 G free");
        assert_eq!(found[0].evidence[0].observed, "inodes 65536 free 0".into());
    }

    #[test]
    fn warns_before_that() {
        let room = Space { inodes: Entries(65_536), inodes_free: Entries(2_000), ..space() };
        let Verdict::Found(found) = on(Stage::healthy(), room) else { panic!("must be found") };
        assert_eq!((found[0].severity, found[0].errno), (Severity::Warning, None));
    }

    #[test]
    fn is_ruled_out_with_its_figures() {
        let Verdict::RuledOut(because) = on(Stage::healthy(), space()) else { panic!("there are inodes") };
        assert!(because.contains("5 % of inodes"), "{because}");
    }

    #[test]
    fn leaves_file_systems_alone_that_make_inodes_as_needed() {
        let room = Space { inodes: Entries(0), inodes_free: Entries(0), ..space() };
        let Verdict::RuledOut(because) = on(of_type(Stage::healthy(), "btrfs"), room) else {
            panic!("no limit")
        };
        assert!(because.contains("no limit of inodes"), "{because}");
    }

    #[test]
    fn leaves_a_large_file_system_with_many_free_inodes_alone() {
        let room = Space { inodes: Entries(200_000_000), inodes_free: Entries(4_000_000), ..space() };
        assert!(matches!(on(Stage::healthy(), room), Verdict::RuledOut(_)));
    }

    #[test]
    fn leaves_a_full_xfs_to_the_rule_about_blocks() {
        let room = Space {
            free: Bytes(0),
            available: Bytes(0),
            inodes: Entries(3_000_000),
            inodes_free: Entries(0),
            ..space()
        };
        assert!(matches!(on(of_type(Stage::healthy(), "xfs"), room), Verdict::RuledOut(_)));
    }

    #[test]
    fn leaves_tmpfs_to_its_own_rule() {
        let room = Space { inodes_free: Entries(0), ..space() };
        assert!(matches!(on(of_type(Stage::healthy(), "tmpfs"), room), Verdict::RuledOut(_)));
    }

    #[test]
    fn is_blind_without_vantages() {
        assert!(matches!(Stage::healthy().without_vantages().check(&InodesExhausted), Verdict::Blind(_)));
    }
}
