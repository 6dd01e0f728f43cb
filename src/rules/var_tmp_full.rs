//! `var-tmp-full`: a `/var/tmp` on a file system of its own has no room, and that is where many tools fall back to.

use crate::model::errno::Errno;
use crate::model::finding::{Confidence, Evidence, Finding, Severity};
use crate::model::snapshot::Snapshot;
use crate::model::thresholds::Thresholds;
use crate::model::vantage::Vantage;
use crate::rules::cohort::{self, Cohort};
use crate::rules::room::{self, Backing, Room};
use crate::rules::{Rule, RuleCard, Verdict, offers, place, tmpfs_size, unseen};

/// See the module's header.
pub struct VarTmpFull;

static CARD: RuleCard = RuleCard {
    id: "var-tmp-full",
    title: "/var/tmp, where many tools fall back to, has no room",
    yields_to: &["reserved-blocks", "private-tmp-readonly-fallback", "ro-after-fs-error"],
};

impl Rule for VarTmpFull {
    fn card(&self) -> &'static RuleCard {
        &CARD
    }

    fn check(&self, now: &Snapshot, _before: Option<&Snapshot>, t: &Thresholds) -> Verdict {
        let cohorts = cohort::by_file_system(now, |_| true);
        let alone: Vec<&Cohort<'_>> = cohorts.iter().filter(|c| is_var_tmp_alone(c)).collect();
        let found = alone.iter().filter_map(|c| judge(c, t)).collect();
        unseen::verdict(now, found, room::gaps(now), || match alone.as_slice() {
            [] => "/var/tmp shares its file system with other temp dirs".to_owned(),
            _ => room::figures(now, is_var_tmp),
        })
    }
}

/// A `/var/tmp` on a file system of its own, disk or tmpfs.
pub fn is_var_tmp_alone(cohort: &Cohort<'_>) -> bool {
    cohort.vantages.iter().all(|v| is_var_tmp(v))
}

fn is_var_tmp(vantage: &Vantage) -> bool {
    place::path(vantage).as_bytes() == b"/var/tmp"
}

fn judge(cohort: &Cohort<'_>, t: &Thresholds) -> Option<Finding> {
    let (level, those) = room::worst(cohort, |v| room::blocks(cohort.now, v, t))?;
    let space = room::space_of(&those)?;
    let (severity, title, means) = match level {
        Room::Full => (
            those.severity(),
            format!(
                "/var/tmp is full: {} of {} left for {}",
                room::room_of(&those),
                space.total,
                those.who()
            ),
            "no room: Python, gcc and bash fall back to /var/tmp, podman and buildah start there",
        ),
        // A place that is only fallen back to may be nearly full without harm.
        Room::Nearly => (
            if those.is_vital() { Severity::Warning } else { Severity::Info },
            format!(
                "/var/tmp is nearly full: {} % of {} used, {} left",
                room::used_percent(&space),
                space.total,
                space.available
            ),
            "little room: Python, gcc and bash fall back to /var/tmp, podman and buildah start there",
        ),
        Room::Reserved | Room::Enough => return None,
    };
    let mut evidence: Vec<Evidence> = room::blocks_seen(&those, means).into_iter().collect();
    let in_memory = room::backing(those.now, those.lead) == Backing::Memory;
    let kind = if in_memory { tmpfs_size::limit_of(&those) } else { "a file system of its own".to_owned() };
    evidence.extend(those.mount_line(&kind));
    evidence.extend(those.probe());
    let mut actions = vec![offers::find_what_fills(&those), offers::clean(&those.reach())];
    if in_memory {
        actions.extend(tmpfs_size::enlarge(&those));
    }
    Some(Finding {
        id: CARD.id.to_owned(),
        severity,
        confidence: if level == Room::Full { Confidence::Proven } else { Confidence::Likely },
        title,
        errno: (level == Room::Full).then_some(Errno::ENOSPC),
        evidence,
        actions,
        subject: those.subject(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::mount::Device;
    use crate::model::units::Bytes;
    use crate::model::vantage::Space;
    use crate::rules::stage::{Stage, mount, space};

    fn own_var_tmp(stage: Stage, left: u64) -> Stage {
        let room = Space { total: Bytes(20 << 30), free: Bytes(left), available: Bytes(left), ..space() };
        stage.change_vantages(
            |v| v.path == "/var/tmp".into(),
            move |v| {
                v.space = Ok(room);
                v.identity.as_mut().unwrap().device = Device { major: 8, minor: 5 };
                v.mount_id = Some(999);
            },
        )
    }

    #[test]
    fn warns_where_tools_only_fall_back_to_it() {
        let stage = own_var_tmp(Stage::healthy().runner(70, "ci.service"), 0);
        let Verdict::Found(found) = stage.check(&VarTmpFull) else { panic!("must be found") };
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].severity, Severity::Warning);
        assert_eq!(found[0].title, "/var/tmp is full: 0 of 20.0 G left for ci.service");
    }

    #[test]
    fn is_critical_where_a_runner_has_it_as_its_temp_dir() {
        let stage = Stage::healthy().runner(70, "ci.service").variable(70, "TMPDIR", "/var/tmp");
        let Verdict::Found(found) = own_var_tmp(stage, 0).check(&VarTmpFull) else { panic!("must be found") };
        assert_eq!(found[0].severity, Severity::Critical);
    }

    #[test]
    fn is_only_context_where_nearly_full_and_nobody_s_first_choice() {
        let Verdict::Found(found) = own_var_tmp(Stage::healthy(), 500 << 20).check(&VarTmpFull) else {
            panic!("must be found")
        };
        assert_eq!(found[0].severity, Severity::Info);
    }

    #[test]
    fn speaks_for_a_tmpfs_there_as_well() {
        let mut tmpfs = mount(60, 25, "/", "/var/tmp", "tmpfs", "tmpfs");
        tmpfs.super_options = "rw,size=20971520k".into();
        let stage = own_var_tmp(Stage::healthy().mount(100, tmpfs), 0)
            .change_vantages(|v| v.path == "/var/tmp".into(), |v| v.mount_id = Some(60));
        let Verdict::Found(found) = stage.check(&VarTmpFull) else { panic!("must be found") };
        assert!(found[0].evidence[1].means.contains("size=20971520k"));
        let other = stage.check(&tmpfs_size::TmpfsSize);
        assert!(matches!(other, Verdict::RuledOut(_)), "said once");
    }

    #[test]
    fn is_ruled_out_where_it_shares_the_disk_or_has_room() {
        let Verdict::RuledOut(shared) = Stage::healthy().check(&VarTmpFull) else { panic!("one disk") };
        assert_eq!(shared, "/var/tmp shares its file system with other temp dirs");
        let Verdict::RuledOut(because) = own_var_tmp(Stage::healthy(), 15 << 30).check(&VarTmpFull) else {
            panic!("there is room")
        };
        assert!(because.starts_with("/var/tmp 25 % of 20.0 G used"), "{because}");
    }

    #[test]
    fn is_blind_without_vantages() {
        assert!(matches!(Stage::healthy().without_vantages().check(&VarTmpFull), Verdict::Blind(_)));
    }
}
