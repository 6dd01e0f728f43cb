//! `rlimit-fsize`: a limit on the size of files cuts writes short and kills the writer with SIGXFSZ.

use crate::model::errno::Errno;
use crate::model::finding::{Action, Confidence, Evidence, Finding, Risk, Severity};
use crate::model::process::{Pid, Process};
use crate::model::raw_path::RawText;
use crate::model::reading::GapWhy;
use crate::model::snapshot::Snapshot;
use crate::model::thresholds::Thresholds;
use crate::model::units::Bytes;
use crate::rules::{Rule, RuleCard, Verdict, builds, cohort, offers, scope, unseen};

/// Below this hardly any object file fits, so every build fails; above it most temp files can still be written.
const USELESS_BELOW: u64 = 1 << 20;
/// What a probe writes: below this even that fails.
const ONE_BLOCK: u64 = 4096;

/// See the module's header.
pub struct RlimitFsize;

static CARD: RuleCard = RuleCard {
    id: "rlimit-fsize",
    title: "A process may only write files up to a small size",
    yields_to: &[],
};

impl Rule for RlimitFsize {
    fn card(&self) -> &'static RuleCard {
        &CARD
    }

    fn check(&self, now: &Snapshot, _before: Option<&Snapshot>, t: &Thresholds) -> Verdict {
        let processes = builds::of(now);
        let limited = |p: &&&Process| limit_of(p).is_some_and(|limit| limit < t.file_size_floor.0);
        let pids: Vec<Pid> = processes.iter().filter(limited).map(|p| p.pid).collect();
        let found =
            scope::group_pids(now, &pids).into_iter().filter_map(|group| finding(now, &group.3)).collect();
        let missing: Vec<(Pid, GapWhy)> =
            processes.iter().filter_map(|p| Some((p.pid, p.limits.as_ref().err()?.clone()))).collect();
        let mut gaps = unseen::processes(now);
        gaps.extend(unseen::of_builds("limits", &missing));
        Verdict::of(found, gaps, || {
            let lowest = processes.iter().filter_map(|p| limit_of(p)).min();
            let limit =
                lowest.map_or_else(|| "no file size limit".to_owned(), |n| format!("{} or more", Bytes(n)));
            format!("{}: {limit}", builds::counted(&processes))
        })
    }
}

fn limit_of(process: &Process) -> Option<u64> {
    process.limits.as_ref().ok()?.file_size
}

fn finding(now: &Snapshot, pids: &[Pid]) -> Option<Finding> {
    let (limit, pid) = pids.iter().filter_map(|pid| Some((limit_of(now.process(*pid)?)?, *pid))).min()?;
    let is_useless = limit < USELESS_BELOW;
    let mut evidence = vec![Evidence {
        source: format!("/proc/{pid}/limits"),
        observed: RawText::from(format!("Max file size {limit}").as_str()),
        means: "no file may grow beyond this: the write is cut short, the next one gives EFBIG and SIGXFSZ (\"File size \
                limit exceeded\", exit status 153)"
            .to_owned(),
        by_hand: format!("awk '/^Max file size/ {{print $1, $2, $3, $4}}' /proc/{pid}/limits"),
    }];
    let own = |v: &&crate::model::vantage::Vantage| v.pids.iter().any(|p| pids.contains(p));
    evidence.extend(
        now.vantages.items().iter().filter(own).find_map(|v| crate::rules::evidence::probe_of(now, v)),
    );
    let name = now.process(pid).map_or_else(|| format!("pid {pid}"), scope::label_of);
    Some(Finding {
        id: CARD.id.to_owned(),
        severity: if is_useless { Severity::Critical } else { Severity::Warning },
        confidence: if limit < ONE_BLOCK { Confidence::Proven } else { Confidence::Likely },
        title: format!("{name} may write no file larger than {}", Bytes(limit)),
        errno: Some(Errno::EFBIG),
        evidence,
        actions: actions(now, pid),
        subject: cohort::subject(now, pids, None),
    })
}

fn actions(now: &Snapshot, pid: Pid) -> Vec<Action> {
    let mut actions = vec![offers::guide_back(
        format!("lift the limit of pid {pid} while it runs; its later children inherit that"),
        Risk::None,
        vec![format!("prlimit --pid {pid} --fsize=unlimited:unlimited")],
    )];
    actions.extend(now.process(pid).and_then(|p| offers::drop_in(p, "fsize", ("LimitFSIZE", "infinity"))));
    actions
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::stage::Stage;

    fn limited(limit: Option<u64>) -> Stage {
        Stage::healthy().runner(70, "ci.service").change(70, |p| p.limits.as_mut().unwrap().file_size = limit)
    }

    #[test]
    fn is_proven_where_not_even_one_block_fits() {
        let Verdict::Found(found) = limited(Some(0)).check(&RlimitFsize) else { panic!("must be found") };
        assert_eq!((found[0].severity, found[0].confidence), (Severity::Critical, Confidence::Proven));
        assert_eq!(found[0].subject.name, "ci.service");
        assert_eq!(found[0].title, "ci.service may write no file larger than 0");
        assert!(found[0].actions[1].by_hand[0].contains("LimitFSIZE=infinity"));
    }

    #[test]
    fn warns_where_the_output_of_a_link_does_not_fit() {
        let Verdict::Found(found) = limited(Some(10 << 20)).check(&RlimitFsize) else {
            panic!("must be found")
        };
        assert_eq!((found[0].severity, found[0].confidence), (Severity::Warning, Confidence::Likely));
    }

    #[test]
    fn is_ruled_out_with_its_figures() {
        let Verdict::RuledOut(because) = limited(None).check(&RlimitFsize) else { panic!("unlimited") };
        assert_eq!(because, "1 runner or build process: no file size limit");
        let Verdict::RuledOut(because) = limited(Some(8 << 30)).check(&RlimitFsize) else { panic!("roomy") };
        assert_eq!(because, "1 runner or build process: 8.00 G or more");
    }

    #[test]
    fn leaves_limits_of_others_alone_unless_asked_about() {
        let mut stage = Stage::healthy().change(100, |p| p.limits.as_mut().unwrap().file_size = Some(0));
        assert!(matches!(stage.check(&RlimitFsize), Verdict::RuledOut(_)));
        stage.now.asked.pids.insert(100);
        assert!(matches!(stage.check(&RlimitFsize), Verdict::Found(_)));
    }

    #[test]
    fn is_blind_where_limits_cannot_be_read() {
        let stage = limited(None).change(70, |p| p.limits = Err(GapWhy::Denied));
        let Verdict::Blind(gaps) = stage.check(&RlimitFsize) else { panic!("must be blind") };
        assert_eq!(gaps[0].what, "limits of process 70");
    }
}
