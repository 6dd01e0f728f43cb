//! `tmpdir-symlink-loop`: the way to the temp dir runs in a circle of symlinks (ELOOP).

use crate::model::finding::{Finding, Risk};
use crate::model::snapshot::Snapshot;
use crate::model::thresholds::Thresholds;
use crate::model::units::count;
use crate::model::vantage::{Component, Vantage};
use crate::rules::heading::titled;
use crate::rules::spot::{self, Spot};
use crate::rules::way::{self, Stop};
use crate::rules::{Rule, RuleCard, Verdict, evidence, offers, unseen};

/// See the module's header.
pub struct TmpdirSymlinkLoop;

static CARD: RuleCard = RuleCard {
    id: "tmpdir-symlink-loop",
    title: "The way to the temp dir runs in a circle of symlinks",
    yields_to: &["tmpdir-literal-syntax"],
};

/// A circle shows in its first links.
const LINKS_SHOWN: usize = 3;

impl Rule for TmpdirSymlinkLoop {
    fn card(&self) -> &'static RuleCard {
        &CARD
    }

    fn check(&self, now: &Snapshot, _: Option<&Snapshot>, _: &Thresholds) -> Verdict {
        let spots = spot::spots(now, |v| looping(v).is_some());
        let found = spots.iter().filter_map(|spot| finding(now, spot)).collect();
        unseen::verdict_on_values(now, found, unseen::vantages_that_matter(now), || {
            let links = now.vantages.items().iter().flat_map(way::links_of).count();
            let links = count(links, ("symlink", "symlinks"));
            format!("{links} on the ways to temp dirs, none leads back to itself")
        })
    }
}

fn looping(vantage: &Vantage) -> Option<&Component> {
    match way::stop_of(vantage)? {
        Stop::Loop(at) if vantage.path.is_absolute() => Some(at),
        Stop::Loop(_) | Stop::Missing(_) | Stop::Dangling { .. } | Stop::NotDirectory(_) => None,
    }
}

fn finding(now: &Snapshot, spot: &Spot<'_>) -> Option<Finding> {
    let at = looping(spot.vantage)?;
    let mut evidence = spot.sources(now, "this process makes its temp files there");
    let links = way::links_of(spot.vantage).take(LINKS_SHOWN);
    evidence.extend(links.map(|l| evidence::link_of(&spot.reached(&l.path), l, "a symlink on the way")));
    let mut stopped = spot.stopped_at(at, "the kernel gives up after 40 symlinks (path_resolution(7))");
    // An absolute link below /proc/PID/root would be followed in the root of whoever runs the command.
    let path = spot.vantage.path.quoted();
    stopped.by_hand = spot
        .pid()
        .map_or_else(|| format!("stat -L {path}"), |pid| format!("nsenter -t {pid} -m stat -L {path}"));
    evidence.push(stopped);
    let whose = spot.whose();
    let title = titled(&spot.prefix(), &spot.vantage.path, &format!("{whose} is a circle of symlinks"));
    let mut finding = spot.finding(now, CARD.id, title, evidence);
    finding.errno = at.error;
    let reached = spot.reached(&at.path).quoted();
    finding.actions.push(offers::guide(
        "remove the link that leads back, and make a directory in its place",
        Risk::None,
        vec![
            format!("namei -l {reached}"),
            format!("unlink {reached}"),
            format!("install -d -m 1777 {reached}"),
        ],
    ));
    finding.actions.extend(spot.variable.into_iter().flat_map(|name| offers::unset(&spot.party, name)));
    Some(finding)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::errno::Errno;
    use crate::model::finding::Severity;
    use crate::rules::stage::Stage;

    #[test]
    fn fires_on_a_link_to_itself() {
        let stage = Stage::healthy()
            .runner(41, "r@1.service")
            .variable(41, "TMPDIR", "/srv/t")
            .link(41, "/srv/t", "/srv/t", "t")
            .change_vantages(
                |v| v.path == "/srv/t".into(),
                |v| v.walked.last_mut().unwrap().error = Some(Errno::ELOOP),
            );
        let Verdict::Found(found) = stage.check(&TmpdirSymlinkLoop) else { panic!("must be found") };
        assert_eq!(found[0].errno, Some(Errno::ELOOP));
        assert_eq!(found[0].severity, Severity::Critical);
        assert_eq!(found[0].evidence[2].by_hand, "readlink /proc/41/root/srv/t");
        assert_eq!(found[0].evidence[3].by_hand, "nsenter -t 41 -m stat -L /srv/t");
        assert_eq!(found[0].evidence[3].observed.shown(), "Too many levels of symbolic links");
    }

    #[test]
    fn stays_clear_of_links_that_lead_somewhere() {
        let stage = Stage::healthy().link(100, "/tmp", "/tmp", "/var/tmp");
        assert!(matches!(stage.check(&TmpdirSymlinkLoop), Verdict::RuledOut(_)));
    }

    #[test]
    fn is_blind_without_vantages() {
        assert!(matches!(Stage::healthy().without_vantages().check(&TmpdirSymlinkLoop), Verdict::Blind(_)));
    }
}
