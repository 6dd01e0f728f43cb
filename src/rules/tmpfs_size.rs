//! `tmpfs-size`: a tmpfs is full up to its `size=`; directories can still be made, nothing can be written.

use crate::model::errno::Errno;
use crate::model::finding::{Action, Confidence, Evidence, Finding, Risk, Severity};
use crate::model::snapshot::Snapshot;
use crate::model::thresholds::Thresholds;
use crate::model::vantage::Vantage;
use crate::rules::cohort::{self, Cohort};
use crate::rules::room::{self, Backing, Room};
use crate::rules::var_tmp_full::is_var_tmp_alone;
use crate::rules::{Rule, RuleCard, Verdict, offers, unseen};

/// See the module's header.
pub struct TmpfsSize;

static CARD: RuleCard =
    RuleCard { id: "tmpfs-size", title: "A tmpfs is full", yields_to: &["private-tmp-readonly-fallback"] };

impl Rule for TmpfsSize {
    fn card(&self) -> &'static RuleCard {
        &CARD
    }

    fn check(&self, now: &Snapshot, _before: Option<&Snapshot>, t: &Thresholds) -> Verdict {
        let memory = |v: &Vantage| room::backing(now, v) == Backing::Memory;
        let cohorts = cohort::by_file_system(now, memory);
        let found = cohorts.iter().filter(|c| !is_var_tmp_alone(c)).filter_map(|c| judge(c, t)).collect();
        unseen::verdict(now, found, room::gaps(now), || room::figures(now, memory))
    }
}

fn judge(cohort: &Cohort<'_>, t: &Thresholds) -> Option<Finding> {
    let (level, those) = room::worst(cohort, |v| room::blocks(cohort.now, v, t))?;
    let space = room::space_of(&those)?;
    let path = those.path();
    let is_full = level == Room::Full;
    let means = if is_full {
        "mkdir, mktemp and even an empty file still succeed here; the first byte of data fails with ENOSPC"
    } else {
        "what is left may not hold the temp files of one more build"
    };
    let mut evidence: Vec<Evidence> = room::blocks_seen(&those, means).into_iter().collect();
    evidence.extend(those.mount_line(&limit_of(&those)));
    evidence.extend(those.probe());
    let title = if is_full {
        format!("{path} (tmpfs) is full: {} of {} left for {}", space.available, space.total, those.who())
    } else {
        format!("{path} (tmpfs) is nearly full: {} of {} left", space.available, space.total)
    };
    let mut actions: Vec<Action> = enlarge(&those).into_iter().collect();
    actions.push(offers::clean(&those.reach()));
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

/// More room while it is mounted.
pub fn enlarge(cohort: &Cohort<'_>) -> Option<Action> {
    let (mount, space) = (cohort.mount()?, room::space_of(cohort)?);
    let more = format!("size={}k", space.total.0.saturating_mul(2) / 1024);
    Some(offers::guide_back(
        "double its size while it is mounted; it takes RAM and swap, and lasts until the next mount",
        Risk::None,
        vec!["free -m".to_owned(), offers::remount(cohort.pid(), &mount.point, &more)],
    ))
}

/// The kernel prints `size=` only where it differs from the default. Source: tmpfs(5).
pub fn limit_of(cohort: &Cohort<'_>) -> String {
    match cohort.mount().and_then(|m| m.super_option("size")) {
        Some(size) => format!("its limit is size={size}"),
        None => "no size= stands there, so the default holds: half of the RAM".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::units::Bytes;
    use crate::model::vantage::{Reason, Space};
    use crate::rules::stage::{Stage, mount, space};

    fn on(point: &'static str, room: Space) -> Stage {
        let mut tmpfs = mount(60, 25, "/", point, "tmpfs", "tmpfs");
        tmpfs.super_options = "rw,size=524288k".into();
        Stage::healthy().runner(70, "ci.service").mount(70, tmpfs).change_vantages(
            |v| v.pids == [70] && v.path == "/tmp".into(),
            move |v| {
                v.mount_id = Some(60);
                v.path = point.into();
                v.walked.last_mut().unwrap().path = point.into();
                v.space = Ok(room);
            },
        )
    }

    fn of_512_m(left: u64) -> Space {
        Space { total: Bytes(512 << 20), free: Bytes(left), available: Bytes(left), ..space() }
    }

    #[test]
    fn fires_and_quotes_the_limit() {
        let Verdict::Found(found) = on("/tmp", of_512_m(0)).check(&TmpfsSize) else {
            panic!("must be found")
        };
        assert_eq!(found[0].severity, Severity::Critical);
        assert_eq!(found[0].title, "/tmp (tmpfs) is full: 0 of 512 M left for ci.service");
        assert!(found[0].evidence[1].means.contains("size=524288k"));
        assert!(found[0].actions[0].by_hand[1].contains("remount,size=1048576k /tmp"));
    }

    #[test]
    fn warns_before_that() {
        let Verdict::Found(found) = on("/tmp", of_512_m(9 << 20)).check(&TmpfsSize) else {
            panic!("must be found")
        };
        assert_eq!(found[0].severity, Severity::Warning);
        assert_eq!(found[0].title, "/tmp (tmpfs) is nearly full: 9.00 M of 512 M left");
    }

    #[test]
    fn is_ruled_out_with_its_figures() {
        let Verdict::RuledOut(because) = on("/tmp", of_512_m(500 << 20)).check(&TmpfsSize) else {
            panic!("there is room")
        };
        assert!(because.starts_with("/tmp 3 % of 512 M used"), "{because}");
    }

    #[test]
    fn leaves_a_busy_dev_shm_alone_until_it_is_full() {
        let shm = |left| {
            on("/dev/shm", of_512_m(left)).change_vantages(
                |v| v.pids == [70] && v.path == "/dev/shm".into(),
                |v| {
                    v.reasons = vec![Reason::Fallback];
                    v.is_build = false;
                },
            )
        };
        assert!(matches!(shm(5 << 20).check(&TmpfsSize), Verdict::RuledOut(_)));
        let Verdict::Found(found) = shm(0).check(&TmpfsSize) else { panic!("full is full") };
        assert_eq!(found[0].severity, Severity::Warning);
    }

    #[test]
    fn leaves_a_tmpfs_without_a_limit_alone() {
        let room = Space { total: Bytes(0), ..of_512_m(0) };
        assert!(matches!(on("/tmp", room).check(&TmpfsSize), Verdict::RuledOut(_)), "size=0 is no limit");
    }

    #[test]
    fn is_blind_without_vantages() {
        assert!(matches!(Stage::healthy().without_vantages().check(&TmpfsSize), Verdict::Blind(_)));
    }
}
