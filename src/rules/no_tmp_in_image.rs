//! `no-tmp-in-image`: there is no /tmp at all in the root directory of a container, a chroot or this machine.

use crate::model::finding::{Confidence, Finding, Severity};
use crate::model::raw_path::RawPath;
use crate::model::snapshot::Snapshot;
use crate::model::thresholds::Thresholds;
use crate::model::units::count;
use crate::model::vantage::{Component, Vantage};
use crate::rules::party::Party;
use crate::rules::spot::{self, Spot};
use crate::rules::way::{self, Stop};
use crate::rules::{Rule, RuleCard, Verdict, offers, unseen};

/// See the module's header.
pub struct NoTmpInImage;

static CARD: RuleCard = RuleCard {
    id: "no-tmp-in-image",
    title: "There is no /tmp in the root directory of a container or of this machine",
    yields_to: &["bind-source-deleted", "overlay-upper-gone", "tmp-mount-missing"],
};

/// Programs by which a container waits for commands to be run in it. A container of anything else that has no /tmp
/// (a static server from scratch, a pause container) was built so and lives without it.
const WAITING: &[&[u8]] = &[
    b"sleep",
    b"tail",
    b"cat",
    b"sh",
    b"ash",
    b"bash",
    b"dash",
    b"zsh",
    b"tini",
    b"dumb-init",
    b"docker-init",
];

impl Rule for NoTmpInImage {
    fn card(&self) -> &'static RuleCard {
        &CARD
    }

    fn check(&self, now: &Snapshot, _: Option<&Snapshot>, _: &Thresholds) -> Verdict {
        let spots = spot::spots(now, |v| missing(v).is_some());
        let worth = spots.iter().filter(|spot| needs_it(now, spot));
        let found = worth.filter_map(|spot| finding(now, spot)).collect();
        unseen::verdict(now, found, unseen::vantages_that_matter(now), || {
            let seen = now.vantages.items().iter().filter(|v| v.path.is_below(&tmp())).count();
            let seen = count(seen, ("vantage", "vantages"));
            format!("/tmp looked at from {seen}; no build, asked process, idle container or host lacks it")
        })
    }
}

fn tmp() -> RawPath {
    RawPath::from("/tmp")
}

fn missing(vantage: &Vantage) -> Option<&Component> {
    match way::stop_of(vantage)? {
        Stop::Missing(at) if at.path == tmp() => Some(at),
        Stop::Missing(_) | Stop::Dangling { .. } | Stop::Loop(_) | Stop::NotDirectory(_) => None,
    }
}

fn needs_it(now: &Snapshot, spot: &Spot<'_>) -> bool {
    spot.party.is_weighty() || is_host(now, spot.vantage) || waits_for_commands(now, &spot.party)
}

/// The root directory of this machine, or of the container that tmpmedic runs in.
fn is_host(now: &Snapshot, vantage: &Vantage) -> bool {
    let namespace = now.namespace(vantage.mount_ns);
    vantage.root == "/".into() && namespace.is_some_and(|ns| ns.ours || ns.pids.contains(&1))
}

fn waits_for_commands(now: &Snapshot, party: &Party<'_>) -> bool {
    let waits = |pid: &u32| now.process(*pid).is_some_and(|p| WAITING.contains(&p.comm.as_bytes()));
    party.container.is_some() && party.pids.iter().all(waits)
}

fn finding(now: &Snapshot, spot: &Spot<'_>) -> Option<Finding> {
    let at = missing(spot.vantage)?;
    let host = is_host(now, spot.vantage);
    let place = if host { "on this machine" } else { &format!("in the root of {}", spot.party.label) };
    let means = "in the root directory of this process nothing has the name /tmp";
    let evidence = vec![spot.stopped_at(at, means)];
    let mut finding = spot.finding(now, CARD.id, format!("There is no /tmp {place}"), evidence);
    finding.subject = spot.party.subject(&tmp());
    finding.confidence = Confidence::Proven;
    finding.severity = if host && !spot.party.is_weighty() { Severity::Warning } else { finding.severity };
    finding.actions.push(offers::make_temp_dir(spot, &tmp()));
    Some(finding)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::errno::Errno;
    use crate::rules::stage::Stage;

    fn without_tmp(comm: &str) -> Stage {
        Stage::healthy().container(700, "web-1", comm).stops(700, "/tmp", "/tmp", Errno::ENOENT)
    }

    fn one(verdict: Verdict) -> Finding {
        let Verdict::Found(mut found) = verdict else { panic!("must be found, was {verdict:?}") };
        assert_eq!(found.len(), 1, "{found:?}");
        found.remove(0)
    }

    #[test]
    fn fires_on_a_build_in_a_container_without_tmp() {
        let finding = one(without_tmp("go").build(700).check(&NoTmpInImage));
        assert_eq!(finding.severity, Severity::Critical);
        assert_eq!(finding.title, "There is no /tmp in the root of docker web-1 (07002a91c04b)");
        assert_eq!(finding.actions[0].by_hand, ["install -d -m 1777 -o root -g root /proc/700/root/tmp"]);
    }

    #[test]
    fn warns_of_a_container_that_waits_for_commands() {
        assert_eq!(one(without_tmp("sleep").check(&NoTmpInImage)).severity, Severity::Warning);
    }

    #[test]
    fn stays_clear_of_a_server_whose_image_never_had_one() {
        assert!(matches!(without_tmp("coredns").check(&NoTmpInImage), Verdict::RuledOut(_)));
    }

    #[test]
    fn fires_on_the_host_once_for_all_its_processes() {
        let stage = Stage::healthy().stops(1, "/tmp", "/tmp", Errno::ENOENT).stops(
            100,
            "/tmp",
            "/tmp",
            Errno::ENOENT,
        );
        let finding = one(stage.check(&NoTmpInImage));
        assert_eq!(finding.title, "There is no /tmp on this machine");
        assert_eq!(finding.severity, Severity::Warning);
    }

    #[test]
    fn counts_a_tmpdir_below_the_missing_tmp() {
        let stage = Stage::healthy().runner(41, "r@1.service").variable(41, "TMPDIR", "/tmp/ci");
        let finding = one(stage.stops(41, "/tmp/ci", "/tmp", Errno::ENOENT).check(&NoTmpInImage));
        assert_eq!(finding.subject.path, Some("/tmp".into()));
    }

    #[test]
    fn leaves_a_dangling_symlink_to_its_own_rule() {
        let stage = Stage::healthy().link(100, "/tmp", "/tmp", "/mnt/scratch").change_vantages(
            |v| v.path == "/tmp".into(),
            |v| v.walked.last_mut().unwrap().error = Some(Errno::ENOENT),
        );
        assert!(matches!(stage.check(&NoTmpInImage), Verdict::RuledOut(_)));
    }

    #[test]
    fn is_blind_without_vantages() {
        assert!(matches!(Stage::healthy().without_vantages().check(&NoTmpInImage), Verdict::Blind(_)));
    }
}
