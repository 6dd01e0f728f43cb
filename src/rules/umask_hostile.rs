//! `umask-hostile`: a mask that takes the owner's own rights away, so what a build makes it cannot use.

use crate::model::errno::Errno;
use crate::model::finding::{Confidence, Evidence, Finding, Risk, Severity};
use crate::model::process::{Credentials, Pid, Process};
use crate::model::raw_path::RawText;
use crate::model::reading::GapWhy;
use crate::model::snapshot::Snapshot;
use crate::model::thresholds::Thresholds;
use crate::rules::{Rule, RuleCard, Verdict, builds, cohort, offers, scope, unseen};

/// The bits of the owner.
const OWNER: u32 = 0o700;

/// See the module's header.
pub struct UmaskHostile;

static CARD: RuleCard = RuleCard {
    id: "umask-hostile",
    title: "A umask takes the owner's own rights from what it makes",
    yields_to: &[],
};

impl Rule for UmaskHostile {
    fn card(&self) -> &'static RuleCard {
        &CARD
    }

    fn check(&self, now: &Snapshot, _before: Option<&Snapshot>, _: &Thresholds) -> Verdict {
        let processes = builds::of(now);
        let hostile = |p: &&&Process| p.umask.as_ref().is_ok_and(|mask| mask & OWNER != 0);
        let pids: Vec<Pid> = processes.iter().filter(hostile).map(|p| p.pid).collect();
        let found =
            scope::group_pids(now, &pids).into_iter().filter_map(|group| finding(now, &group.3)).collect();
        let missing: Vec<(Pid, GapWhy)> =
            processes.iter().filter_map(|p| Some((p.pid, p.umask.as_ref().err()?.clone()))).collect();
        let mut gaps = unseen::processes(now);
        gaps.extend(unseen::of_builds("umask", &missing));
        Verdict::of(found, gaps, || {
            let mut masks: Vec<u32> = processes.iter().filter_map(|p| p.umask.clone().ok()).collect();
            masks.sort_unstable();
            masks.dedup();
            let masks: Vec<String> = masks.iter().map(|mask| format!("{mask:04o}")).collect();
            let masks =
                if masks.is_empty() { String::new() } else { format!(": umask {}", masks.join(", ")) };
            format!("{}{masks}", builds::counted(&processes))
        })
    }
}

fn finding(now: &Snapshot, pids: &[Pid]) -> Option<Finding> {
    let bound = |p: &&Process| !p.credentials.as_ref().is_ok_and(Credentials::overrides_modes);
    let known: Vec<&Process> = pids.iter().filter_map(|pid| now.process(*pid)).collect();
    // Root uses what it made whatever the mode; its children without the capability do not.
    let suffers = known.iter().copied().find(bound);
    let process = suffers.or_else(|| known.first().copied())?;
    let mask = process.umask.as_ref().ok()?;
    let pid = process.pid;
    let made = 0o700 & !mask;
    let evidence = Evidence {
        source: format!("/proc/{pid}/status"),
        observed: RawText::from(format!("Umask:\t{mask:04o}").as_str()),
        means: format!(
            "mktemp -d asks for mode 0700 and gets {made:04o}: the directory is made, creating in it gives EACCES"
        ),
        by_hand: format!("grep ^Umask /proc/{pid}/status"),
    };
    let mut actions = vec![offers::guide(
        "look for the umask in what starts it: a profile, pam_umask, a wrapper script",
        Risk::None,
        vec!["grep -rn umask /etc/profile /etc/profile.d /etc/login.defs /etc/pam.d 2>/dev/null".to_owned()],
    )];
    actions.extend(offers::drop_in(process, "umask", ("UMask", "0022")));
    Some(Finding {
        id: CARD.id.to_owned(),
        severity: if suffers.is_some() { Severity::Critical } else { Severity::Warning },
        confidence: Confidence::Proven,
        title: format!(
            "{} has umask {mask:04o}: its own temp dirs get mode {made:04o}",
            scope::label_of(process)
        ),
        errno: Some(Errno::EACCES),
        evidence: vec![evidence],
        actions,
        subject: cohort::subject(now, pids, None),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::stage::Stage;

    fn masked(mask: u32) -> Stage {
        Stage::healthy().runner(70, "ci.service").change(70, |p| p.umask = Ok(mask))
    }

    #[test]
    fn fires_where_the_owner_loses_rights() {
        let Verdict::Found(found) = masked(0o777).check(&UmaskHostile) else { panic!("must be found") };
        assert_eq!((found[0].severity, found[0].confidence), (Severity::Critical, Confidence::Proven));
        assert_eq!(found[0].title, "ci.service has umask 0777: its own temp dirs get mode 0000");
        assert_eq!(found[0].evidence[0].observed, "Umask:\t0777".into());
        let Verdict::Found(found) = masked(0o277).check(&UmaskHostile) else { panic!("must be found") };
        assert!(found[0].title.ends_with("mode 0500"));
    }

    #[test]
    fn only_warns_for_root_which_no_mode_binds() {
        let stage = masked(0o777).change(70, |p| p.credentials.as_mut().unwrap().capabilities = u64::MAX);
        let Verdict::Found(found) = stage.check(&UmaskHostile) else { panic!("must be found") };
        assert_eq!(found[0].severity, Severity::Warning);
    }

    #[test]
    fn is_ruled_out_with_its_figures_and_for_strict_masks() {
        for mask in [0o022, 0o066, 0o077] {
            let Verdict::RuledOut(because) = masked(mask).check(&UmaskHostile) else {
                panic!("{mask:o} is fine")
            };
            assert_eq!(because, format!("1 runner or build process: umask {mask:04o}"));
        }
    }

    #[test]
    fn leaves_other_processes_alone() {
        let stage = Stage::healthy().change(100, |p| p.umask = Ok(0o777));
        assert!(matches!(stage.check(&UmaskHostile), Verdict::RuledOut(_)));
    }

    #[test]
    fn is_blind_where_the_mask_cannot_be_read() {
        let stage = masked(0o022).change(70, |p| p.umask = Err(GapWhy::Denied));
        assert!(matches!(stage.check(&UmaskHostile), Verdict::Blind(_)));
    }
}
