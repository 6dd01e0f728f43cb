//! `tmpfs-inodes`: a tmpfs has given out all the inodes that `nr_inodes=` allows.

use crate::model::errno::Errno;
use crate::model::finding::{Confidence, Evidence, Finding, Risk, Severity};
use crate::model::snapshot::Snapshot;
use crate::model::thresholds::Thresholds;
use crate::model::vantage::Vantage;
use crate::rules::cohort::{self, Cohort};
use crate::rules::room::{self, Backing, Room};
use crate::rules::{Rule, RuleCard, Verdict, offers, unseen};

/// See the module's header.
pub struct TmpfsInodes;

static CARD: RuleCard = RuleCard {
    id: "tmpfs-inodes",
    title: "A tmpfs has given out all its inodes",
    yields_to: &["private-tmp-readonly-fallback"],
};

impl Rule for TmpfsInodes {
    fn card(&self) -> &'static RuleCard {
        &CARD
    }

    fn check(&self, now: &Snapshot, _before: Option<&Snapshot>, t: &Thresholds) -> Verdict {
        let memory = |v: &Vantage| room::backing(now, v) == Backing::Memory;
        let found = cohort::by_file_system(now, memory).iter().filter_map(|c| judge(c, t)).collect();
        unseen::verdict(now, found, room::gaps(now), || room::figures(now, memory))
    }
}

fn judge(cohort: &Cohort<'_>, t: &Thresholds) -> Option<Finding> {
    let (level, those) = room::worst(cohort, |v| room::inodes(cohort.now, v, t))?;
    let space = room::space_of(&those)?;
    let path = those.path();
    let is_full = level == Room::Full;
    let limit = match those.mount().and_then(|m| m.super_option("nr_inodes")) {
        Some(set) => format!("the limit is set by the mount option nr_inodes={set}"),
        None => "no nr_inodes= stands there, so the default holds: half as many as there are pages of RAM"
            .to_owned(),
    };
    let means = if is_full {
        "no inode is left: creating anything fails with ENOSPC, however much room there is"
    } else {
        "what is left may not do for one more build"
    };
    let mut evidence: Vec<Evidence> = room::inodes_seen(&those, means).into_iter().collect();
    evidence.extend(those.mount_line(&limit));
    evidence.extend(those.probe());
    let title = if is_full {
        format!("{path} (tmpfs) has no inodes left: all {} are taken", space.inodes)
    } else {
        format!("{path} (tmpfs) is short of inodes: {} of {} left", space.inodes_free, space.inodes)
    };
    let mut actions = vec![offers::clean(&those.reach())];
    if let Some(mount) = those.mount() {
        let more = format!("nr_inodes={}", space.inodes.0.saturating_mul(2));
        actions.insert(
            0,
            offers::guide_back(
                "double the limit while it is mounted; nothing is interrupted, it lasts until the next mount",
                Risk::None,
                vec![offers::remount(those.pid(), &mount.point, &more)],
            ),
        );
    }
    Some(Finding {
        id: CARD.id.to_owned(),
        severity: if is_full { those.severity() } else { Severity::Warning },
        confidence: if is_full { Confidence::Proven } else { Confidence::Likely },
        title,
        errno: is_full.then_some(Errno::ENOSPC),
        evidence,
        actions,
        subject: those.subject(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::units::Entries;
    use crate::model::vantage::Space;
    use crate::rules::stage::{Stage, mount, space};

    fn on(room: Space) -> Stage {
        let mut tmpfs = mount(60, 25, "/", "/tmp", "tmpfs", "tmpfs");
        tmpfs.super_options = "rw,size=8388608k,nr_inodes=20000".into();
        Stage::healthy().runner(70, "ci.service").mount(70, tmpfs).change_vantages(
            |v| v.pids == [70] && v.path == "/tmp".into(),
            move |v| {
                v.mount_id = Some(60);
                v.space = Ok(room);
            },
        )
    }

    #[test]
    fn fires_and_quotes_the_limit() {
        let stage = on(Space { inodes: Entries(20_000), inodes_free: Entries(0), ..space() });
        let Verdict::Found(found) = stage.check(&TmpfsInodes) else { panic!("must be found") };
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].severity, Severity::Critical);
        assert_eq!(found[0].title, "/tmp (tmpfs) has no inodes left: all 20,000 are taken");
        assert!(found[0].evidence[1].means.contains("nr_inodes=20000"));
        let command = &found[0].actions[0].by_hand[0];
        assert_eq!(command, "nsenter -t 70 -m mount -o remount,nr_inodes=40000 /tmp");
    }

    #[test]
    fn is_ruled_out_with_its_figures() {
        let stage = on(Space { inodes: Entries(20_000), inodes_free: Entries(19_000), ..space() });
        let Verdict::RuledOut(because) = stage.check(&TmpfsInodes) else { panic!("there are inodes") };
        assert_eq!(because, "/tmp 41 % of 100 G used, 5 % of inodes");
    }

    #[test]
    fn leaves_a_tmpfs_without_a_limit_alone() {
        let stage = on(Space { inodes: Entries(0), inodes_free: Entries(0), ..space() });
        assert!(matches!(stage.check(&TmpfsInodes), Verdict::RuledOut(_)), "nr_inodes=0 is no limit");
    }

    #[test]
    fn leaves_disks_to_their_own_rule() {
        let room = Space { inodes_free: Entries(0), ..space() };
        let stage = Stage::healthy().change_vantages(|_| true, move |v| v.space = Ok(room));
        assert!(matches!(stage.check(&TmpfsInodes), Verdict::RuledOut(_)));
    }

    #[test]
    fn is_blind_without_vantages() {
        assert!(matches!(Stage::healthy().without_vantages().check(&TmpfsInodes), Verdict::Blind(_)));
    }
}
