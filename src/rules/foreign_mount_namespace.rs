//! `foreign-mount-namespace`: context, not a cause: what fails has another temp dir than the shell that looks at it.

use std::collections::BTreeSet;

use crate::model::finding::{Confidence, Evidence, Finding, Risk, Severity};
use crate::model::process::{MountNs, Pid};
use crate::model::raw_path::{RawPath, RawText};
use crate::model::reading::Gap;
use crate::model::snapshot::Snapshot;
use crate::model::thresholds::Thresholds;
use crate::model::units::count;
use crate::model::vantage::{Can, Vantage};
use crate::rules::heading::titled;
use crate::rules::spot::{self, Spot};
use crate::rules::{Rule, RuleCard, Verdict, evidence, offers, place, unseen};

/// See the module's header.
pub struct ForeignMountNamespace;

static CARD: RuleCard = RuleCard {
    id: "foreign-mount-namespace",
    title: "What fails sees another temp dir than your shell",
    yields_to: &[],
};

/// More lines than this say the same again.
const LINES_SHOWN: usize = 3;

impl Rule for ForeignMountNamespace {
    fn card(&self) -> &'static RuleCard {
        &CARD
    }

    fn check(&self, now: &Snapshot, _: Option<&Snapshot>, _: &Thresholds) -> Verdict {
        let Some(ours) = our_namespace(now) else { return Verdict::Blind(own_gaps(now)) };
        let elsewhere = |v: &Vantage| v.mount_ns != ours;
        let mut spots = spot::spots(now, |v| elsewhere(v) && is_other_place(now, ours, v));
        spots.retain(|s| s.party.is_weighty() && is_of_interest(now, s));
        let found = finding(now, ours, &spots).into_iter().collect();
        unseen::verdict(now, found, unseen::vantages_that_matter(now), || {
            let others = now.vantages.items().iter().filter(|v| elsewhere(v)).count();
            let all = count(now.vantages.items().len(), ("vantage", "vantages"));
            format!("{others} of {all} lie in other mount namespaces; no build that fails is among them")
        })
    }
}

fn our_namespace(now: &Snapshot) -> Option<MountNs> {
    let seen = now.our_namespace().map(|ns| ns.id);
    seen.or_else(|| now.eyes.mount_ns.clone().ok())
}

fn own_gaps(now: &Snapshot) -> Vec<Gap> {
    let why = now.eyes.mount_ns.clone().err().unwrap_or(crate::model::reading::GapWhy::Absent);
    let own = Gap::new("our own mount namespace", why);
    unseen::mounts(now).into_iter().chain(std::iter::once(own)).collect()
}

/// Whether the same path in our namespace is another directory, or the same one that works for us.
fn is_other_place(now: &Snapshot, ours: MountNs, theirs: &Vantage) -> bool {
    let here = now.vantages.items().iter().filter(|v| v.mount_ns == ours && v.root == "/".into());
    let mut same_path = here.filter(|v| place::is_same(&v.path, &theirs.path));
    let Some(here) = same_path.next() else { return true };
    let same_directory = match (&here.identity, &theirs.identity) {
        (Ok(one), Ok(other)) => (one.device, one.inode) == (other.device, other.inode),
        (Err(_), Err(_)) => true,
        (Ok(_), Err(_)) | (Err(_), Ok(_)) => false,
    };
    !same_directory || here.can_create.can != theirs.can_create.can
}

/// It fails, or the caller asked about one of its processes.
fn is_of_interest(now: &Snapshot, spot: &Spot<'_>) -> bool {
    let asked = spot.party.pids.iter().any(|pid| now.asked.pids.contains(pid));
    asked || spot.vantage.can_create.can == Can::No
}

/// One finding for all of them.
fn finding(now: &Snapshot, ours: MountNs, spots: &[Spot<'_>]) -> Option<Finding> {
    let first = spots.first()?;
    let pids: BTreeSet<Pid> = spots.iter().flat_map(|s| s.party.pids.iter().copied()).collect();
    let names: BTreeSet<&str> = spots.iter().map(|s| s.party.label.as_str()).collect();
    let paths: BTreeSet<&RawPath> = spots.iter().map(|s| &s.vantage.path).collect();
    let what = if paths.len() == 1 { first.vantage.path.clone() } else { "temp dir".into() };
    let who = match names.len() {
        0 | 1 => format!("{} sees another ", first.party.label),
        n => format!("{} and {} more see another ", first.party.label, n - 1),
    };
    let title = titled(&who, &what, " than your shell");
    let mut subject = first.party.subject(&first.vantage.path);
    subject.pids = pids.into_iter().collect();
    let mut evidence = vec![own_link(ours)];
    evidence.extend(spots.iter().take(LINES_SHOWN).flat_map(|s| lines(now, s)));
    Some(Finding {
        id: CARD.id.to_owned(),
        severity: Severity::Info,
        confidence: Confidence::Proven,
        subject,
        title,
        errno: None,
        evidence,
        actions: look_inside(first).into_iter().collect(),
    })
}

fn own_link(ours: MountNs) -> Evidence {
    Evidence {
        source: "/proc/self/ns/mnt".to_owned(),
        observed: RawText::from(format!("mnt:[{}]", ours.number()).as_str()),
        means: "the mount namespace of tmpmedic, and of your shell unless you entered another".to_owned(),
        by_hand: "readlink /proc/self/ns/mnt".to_owned(),
    }
}

fn lines(now: &Snapshot, spot: &Spot<'_>) -> Vec<Evidence> {
    let Some(pid) = spot.pid() else { return Vec::new() };
    let belongs = match spot.vantage.mount_ns {
        MountNs::Inode(inode) => Some(Evidence {
            source: format!("/proc/{pid}/ns/mnt"),
            observed: RawText::from(format!("mnt:[{inode}]").as_str()),
            means: format!("{} lives in another mount namespace", spot.party.label),
            by_hand: format!("readlink /proc/{pid}/ns/mnt"),
        }),
        MountNs::RootMount(_) => None,
    };
    let path = spot.vantage.path.shown();
    let mount = now.mount_of(spot.vantage);
    let serves = mount.map(|m| evidence::mount_line_of(pid, m, &format!("this serves its {path}")));
    belongs.into_iter().chain(serves).collect()
}

fn look_inside(spot: &Spot<'_>) -> Option<crate::model::finding::Action> {
    let pid = spot.pid()?;
    let path = &spot.vantage.path;
    let reached = spot.reached(path).quoted();
    let commands = vec![format!("ls -la {reached}"), format!("nsenter -t {pid} -m ls -la {}", path.quoted())];
    Some(offers::guide("look at it from inside before you judge it", Risk::None, commands))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::stage::{Life, Stage};

    fn runner(pid: Pid, unit: &str, life: Life) -> Stage {
        moved(Stage::healthy().runner(pid, unit).private_tmp(pid, "/tmp", life), pid)
    }

    /// The private /tmp is another directory than the host's.
    fn moved(stage: Stage, pid: Pid) -> Stage {
        stage.change_vantages(
            |v| v.pids.contains(&pid) && v.path == "/tmp".into(),
            |v| v.identity.as_mut().unwrap().inode = 555,
        )
    }

    #[test]
    fn tells_of_all_runners_that_fail_elsewhere_in_one_finding() {
        let stage = runner(41, "r@1.service", Life::Dead).runner(42, "r@2.service");
        let stage = moved(stage.private_tmp(42, "/tmp", Life::Dead), 42);
        let Verdict::Found(found) = stage.check(&ForeignMountNamespace) else { panic!("must be found") };
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].severity, Severity::Info);
        assert_eq!(found[0].title, "r@1.service and 1 more see another /tmp than your shell");
        assert_eq!(found[0].subject.pids, [41, 42]);
        assert_eq!(found[0].evidence[1].by_hand, "readlink /proc/41/ns/mnt");
    }

    #[test]
    fn says_nothing_of_healthy_services_with_private_tmp() {
        let stage = runner(41, "r@1.service", Life::Alive);
        let Verdict::RuledOut(because) = stage.check(&ForeignMountNamespace) else {
            panic!("must be ruled out")
        };
        assert!(because.starts_with("2 of "), "{because}");
        assert!(
            matches!(stage.asked(41).check(&ForeignMountNamespace), Verdict::Found(_)),
            "asked: it helps"
        );
    }

    #[test]
    fn says_nothing_where_our_own_view_is_the_same_broken_directory() {
        let broken = |v: &mut Vantage| v.can_create.can = Can::No;
        let stage =
            Stage::healthy().runner(41, "r@1.service").change_vantages(|v| v.path == "/tmp".into(), broken);
        assert!(matches!(stage.check(&ForeignMountNamespace), Verdict::RuledOut(_)));
    }

    #[test]
    fn is_blind_where_nothing_can_be_compared() {
        assert!(matches!(
            Stage::healthy().without_vantages().check(&ForeignMountNamespace),
            Verdict::Blind(_)
        ));
    }
}
