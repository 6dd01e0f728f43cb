//! `disk-full`: no block is left for the processes whose temp files go to that file system.
//!
//! tmpfs, the reserve for root and a `/var/tmp` of its own have rules of their own.

use crate::model::errno::Errno;
use crate::model::finding::{Confidence, Finding, Severity};
use crate::model::snapshot::Snapshot;
use crate::model::thresholds::Thresholds;
use crate::model::vantage::Vantage;
use crate::rules::cohort::{self, Cohort};
use crate::rules::room::{self, Backing, Room};
use crate::rules::var_tmp_full::is_var_tmp_alone;
use crate::rules::{Rule, RuleCard, Verdict, offers, unseen};

/// See the module's header.
pub struct DiskFull;

static CARD: RuleCard = RuleCard {
    id: "disk-full",
    title: "The file system of a temp dir is full",
    yields_to: &["tmpfs-size", "reserved-blocks", "private-tmp-readonly-fallback", "ro-after-fs-error"],
};

impl Rule for DiskFull {
    fn card(&self) -> &'static RuleCard {
        &CARD
    }

    fn check(&self, now: &Snapshot, _before: Option<&Snapshot>, t: &Thresholds) -> Verdict {
        let disk = |v: &Vantage| room::backing(now, v) != Backing::Memory;
        let cohorts = cohort::by_file_system(now, disk);
        let mixed = cohorts.iter().filter(|c| !is_var_tmp_alone(c));
        let found = mixed.filter_map(|c| judge(c, t)).collect();
        unseen::verdict(now, found, room::gaps(now), || {
            format!("now: {} (a failed build gives its space back)", room::figures(now, disk))
        })
    }
}

fn judge(cohort: &Cohort<'_>, t: &Thresholds) -> Option<Finding> {
    let (level, those) = room::worst(cohort, |v| room::blocks(cohort.now, v, t))?;
    match level {
        Room::Full => Some(full(&those)),
        Room::Nearly => nearly(&those),
        // What only root may still use is the business of `reserved-blocks`.
        Room::Reserved | Room::Enough => None,
    }
}

fn full(cohort: &Cohort<'_>) -> Finding {
    let total = room::space_of(cohort).map(|s| s.total).unwrap_or_default();
    let means = "less than a directory and one block of data need is left: every write fails with ENOSPC";
    Finding {
        id: CARD.id.to_owned(),
        severity: cohort.severity(),
        confidence: Confidence::Proven,
        title: format!(
            "{} is full: {} of {total} left for {}",
            cohort.path(),
            room::room_of(cohort),
            cohort.who()
        ),
        errno: Some(Errno::ENOSPC),
        evidence: evidence(cohort, means),
        actions: vec![offers::find_what_fills(cohort), offers::clean(&cohort.reach())],
        subject: cohort.subject(),
    }
}

fn nearly(cohort: &Cohort<'_>) -> Option<Finding> {
    let space = room::space_of(cohort)?;
    let percent = room::used_percent(&space);
    Some(Finding {
        id: CARD.id.to_owned(),
        severity: Severity::Warning,
        confidence: Confidence::Likely,
        title: format!(
            "{} is nearly full: {percent} % of {} used, {} left",
            cohort.path(),
            space.total,
            space.available
        ),
        errno: None,
        evidence: evidence(cohort, "what is left may not hold the temp files of one more build"),
        actions: vec![offers::find_what_fills(cohort), offers::clean(&cohort.reach())],
        subject: cohort.subject(),
    })
}

fn evidence(cohort: &Cohort<'_>, means: &str) -> Vec<crate::model::finding::Evidence> {
    let mut evidence: Vec<_> = room::blocks_seen(cohort, means).into_iter().collect();
    evidence.extend(cohort.mount_line("the file system that serves it"));
    evidence.extend(cohort.probe());
    evidence
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::mount::Device;
    use crate::model::reading::GapWhy;
    use crate::model::units::{Bytes, Entries, Millis};
    use crate::model::vantage::Space;
    use crate::rules::stage::{Stage, process, space};

    fn full_disk() -> Space {
        Space { free: Bytes(0), available: Bytes(0), ..space() }
    }

    fn with(stage: Stage, room: Space) -> Stage {
        stage.change_vantages(|_| true, move |v| v.space = Ok(room))
    }

    fn found(stage: &Stage) -> Vec<Finding> {
        match stage.check(&DiskFull) {
            Verdict::Found(found) => found,
            other => panic!("must be found, not {other:?}"),
        }
    }

    #[test]
    fn makes_one_finding_of_a_full_disk_seen_from_many_vantages() {
        let stage = Stage::healthy().runner(70, "ci-1.service").runner(71, "ci-2.service");
        let found = found(&with(stage, full_disk()));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].severity, Severity::Critical);
        assert_eq!(found[0].confidence, Confidence::Proven);
        assert_eq!(found[0].subject.pids, [1, 70, 71, 100]);
        assert_eq!(found[0].title, "/tmp is full: 0 of 100 G left for ci-1.service and 1 more");
        assert!(found[0].evidence[0].by_hand.starts_with("stat -f "));
    }

    #[test]
    fn is_a_warning_where_no_build_lives() {
        assert_eq!(found(&with(Stage::healthy(), full_disk()))[0].severity, Severity::Warning);
    }

    #[test]
    fn is_critical_for_a_process_that_was_asked_about() {
        let mut stage = with(Stage::healthy(), full_disk());
        stage.now.asked.pids.insert(100);
        assert_eq!(found(&stage)[0].severity, Severity::Critical);
    }

    #[test]
    fn warns_before_it_is_full() {
        let room = Space { free: Bytes(3 << 30), available: Bytes(3 << 30), ..space() };
        let found = found(&with(Stage::healthy().runner(70, "ci.service"), room));
        assert_eq!(found[0].severity, Severity::Warning);
        assert_eq!(found[0].title, "/tmp is nearly full: 97 % of 100 G used, 3.00 G left");
    }

    #[test]
    fn is_ruled_out_with_its_figures() {
        let Verdict::RuledOut(because) = Stage::healthy().check(&DiskFull) else { panic!("nothing is full") };
        assert!(because.contains("/tmp 41 % of 100 G used, 5 % of inodes"), "{because}");
    }

    #[test]
    fn leaves_a_large_disk_with_plenty_of_room_alone() {
        let room =
            Space { total: Bytes(8 << 40), free: Bytes(400 << 30), available: Bytes(400 << 30), ..space() };
        let stage = with(Stage::healthy().runner(70, "ci.service"), room);
        assert!(matches!(stage.check(&DiskFull), Verdict::RuledOut(_)));
    }

    #[test]
    fn leaves_read_only_images_alone_although_they_are_always_full() {
        let room = Space { read_only: true, ..full_disk() };
        assert!(matches!(with(Stage::healthy(), room).check(&DiskFull), Verdict::RuledOut(_)));
    }

    #[test]
    fn leaves_file_systems_without_a_size_alone() {
        let room = Space { total: Bytes(0), inodes: Entries(0), inodes_free: Entries(0), ..full_disk() };
        assert!(matches!(with(Stage::healthy(), room).check(&DiskFull), Verdict::RuledOut(_)));
    }

    #[test]
    fn leaves_the_reserve_for_root_to_its_own_rule() {
        let room = Space { free: Bytes(5 << 30), available: Bytes(0), ..space() };
        let stage = with(Stage::healthy().runner(70, "ci.service"), room);
        assert!(matches!(stage.check(&DiskFull), Verdict::RuledOut(_)));
    }

    #[test]
    fn believes_a_probe_that_wrote() {
        let room = Space { free: Bytes(60_000), available: Bytes(60_000), ..space() };
        let stage = with(Stage::healthy(), room).change_vantages(
            |_| true,
            |v| {
                v.can_create.can = crate::model::vantage::Can::Yes;
                v.can_create.how = crate::model::vantage::HowKnown::Probed;
            },
        );
        assert_eq!(found(&stage)[0].errno, None, "nearly full, not full");
    }

    #[test]
    fn leaves_a_var_tmp_of_its_own_to_its_own_rule() {
        let stage = Stage::healthy().change_vantages(
            |v| v.path == "/var/tmp".into(),
            |v| {
                v.space = Ok(full_disk());
                v.identity.as_mut().unwrap().device = Device { major: 8, minor: 5 };
                v.mount_id = Some(999);
            },
        );
        assert!(matches!(stage.check(&DiskFull), Verdict::RuledOut(_)));
    }

    #[test]
    fn is_blind_where_a_file_system_does_not_answer() {
        let hung = GapWhy::Hung { after: Millis(300) };
        let stage = Stage::healthy()
            .change_vantages(|v| v.path == "/tmp".into(), move |v| v.space = Err(hung.clone()));
        let Verdict::Blind(gaps) = stage.check(&DiskFull) else { panic!("must be blind") };
        assert_eq!(gaps[0].what, "room on the file system of /tmp");
        assert!(gaps[0].remedy.is_some());
        assert!(matches!(Stage::healthy().without_vantages().check(&DiskFull), Verdict::Blind(_)));
    }

    #[test]
    fn root_is_full_where_the_kernel_keeps_even_the_reserve_from_it() {
        let room = Space { free: Bytes(9 << 20), available: Bytes(0), ..space() };
        let stage = with(Stage::healthy().put(process(300, 1, "rustc", 0)), room);
        let found = found(&stage.fails(300, "/tmp", Errno::ENOSPC, "write"));
        assert_eq!(found[0].subject.pids, [1, 100, 300]);
    }

    #[test]
    fn a_disk_without_a_reserve_is_full_although_the_kernel_s_own_share_shows_as_free() {
        let room = Space { total: Bytes(16 << 20), free: Bytes(320 << 10), available: Bytes(0), ..space() };
        let found = found(&with(Stage::healthy().runner(70, "ci.service"), room));
        assert_eq!((found.len(), found[0].severity), (1, Severity::Critical));
    }

    #[test]
    fn root_is_not_full_while_its_reserve_lasts() {
        let room = Space { total: Bytes(2 << 40), free: Bytes(100 << 30), available: Bytes(0), ..space() };
        let stage = Stage::healthy().put(process(300, 1, "rustc", 0));
        let stage = stage.change_vantages(|_| true, move |v| v.space = Ok(room));
        assert!(matches!(stage.check(&DiskFull), Verdict::RuledOut(_)), "reserved-blocks tells the rest");
    }
}
