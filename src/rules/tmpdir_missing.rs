//! `tmpdir-missing`: a temp variable names a directory that does not exist in the view of its process.

use crate::model::finding::Finding;
use crate::model::raw_path::RawPath;
use crate::model::snapshot::Snapshot;
use crate::model::thresholds::Thresholds;
use crate::model::units::count;
use crate::model::vantage::{Component, Vantage};
use crate::rules::heading::titled;
use crate::rules::spot::{self, Spot};
use crate::rules::way::{self, Stop};
use crate::rules::{Rule, RuleCard, Verdict, offers, place, setting, unseen};

/// See the module's header.
pub struct TmpdirMissing;

static CARD: RuleCard = RuleCard {
    id: "tmpdir-missing",
    title: "A temp variable names a directory that does not exist",
    yields_to: &[
        "private-tmp-deleted",
        "bind-source-deleted",
        "overlay-upper-gone",
        "tmp-mount-missing",
        "no-tmp-in-image",
        "tmpdir-literal-syntax",
    ],
};

impl Rule for TmpdirMissing {
    fn card(&self) -> &'static RuleCard {
        &CARD
    }

    fn check(&self, now: &Snapshot, _: Option<&Snapshot>, _: &Thresholds) -> Verdict {
        let spots = spot::spots(now, |v| missing(v).is_some());
        let found = spots.iter().filter_map(|spot| finding(now, spot)).collect();
        unseen::verdict_on_values(now, found, unseen::vantages_that_matter(now), || {
            let named =
                spot::spots(now, |v| v.path.is_absolute()).iter().filter(|s| s.variable.is_some()).count();
            let read = setting::readable(now);
            let named = count(named, ("temp dir", "temp dirs"));
            let read = count(read, ("environment", "environments"));
            format!("{named} named by variables in {read}, each exists for its process")
        })
    }
}

/// The component that is missing. `/tmp` itself is the business of `no-tmp-in-image`, a relative value that of
/// `tmpdir-relative`.
fn missing(vantage: &Vantage) -> Option<&Component> {
    match way::stop_of(vantage)? {
        Stop::Missing(at) if vantage.path.is_absolute() && at.path != "/tmp".into() => Some(at),
        Stop::Missing(_) | Stop::Dangling { .. } | Stop::Loop(_) | Stop::NotDirectory(_) => None,
    }
}

fn finding(now: &Snapshot, spot: &Spot<'_>) -> Option<Finding> {
    let at = missing(spot.vantage)?;
    let path = &spot.vantage.path;
    let mut evidence = spot.sources(now, maker_of(path));
    let means = if place::is_same(&at.path, path) {
        "in the view of this process nothing has that name; programs do not make their temp dir"
    } else {
        "already this part of the way does not exist in the view of this process"
    };
    evidence.push(spot.stopped_at(at, means));
    let title = titled(&spot.prefix(), path, &format!("{} does not exist", spot.whose()));
    let mut finding = spot.finding(now, CARD.id, title, evidence);
    finding.actions.push(offers::make_temp_dir(spot, path));
    finding.actions.extend(spot.variable.into_iter().flat_map(|name| offers::unset(&spot.party, name)));
    Some(finding)
}

/// What the value tells of who made the directory, and who removed it.
fn maker_of(path: &RawPath) -> &'static str {
    let text = path.as_bytes();
    let holds = |part: &[u8]| text.windows(part.len()).any(|w| w == part);
    if holds(b"/nix-shell") {
        "a nix shell made this directory and removed it at its end; the process outlived that shell"
    } else if text.starts_with(b"/tmp/user/") {
        "libpam-tmpdir makes this directory at login; a clean-up of /tmp took it away"
    } else if text.starts_with(b"/run/user/") {
        "a directory of a login session, which ends with the last logout of the user"
    } else if holds(b"/_temp") || holds(b"/.cache/act/") {
        "the scratch directory of a runner's job, removed when the job ends; the process outlived the job"
    } else {
        "this process makes its temp files there"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::errno::Errno;
    use crate::model::finding::Severity;
    use crate::rules::stage::{Stage, process};

    fn found(stage: &Stage) -> Vec<Finding> {
        match stage.check(&TmpdirMissing) {
            Verdict::Found(found) => found,
            other => panic!("must be found, was {other:?}"),
        }
    }

    fn runner() -> Stage {
        Stage::healthy().runner(41, "r@1.service").variable(41, "TMPDIR", "/srv/ci/tmp")
    }

    #[test]
    fn fires_on_a_runner_whose_tmpdir_is_missing_and_names_the_missing_part() {
        let found = found(&runner().stops(41, "/srv/ci/tmp", "/srv/ci", Errno::ENOENT));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].severity, Severity::Critical);
        assert_eq!(found[0].title, "TMPDIR=/srv/ci/tmp of r@1.service does not exist");
        assert_eq!(found[0].evidence[0].observed.shown(), "TMPDIR=/srv/ci/tmp");
        assert_eq!(found[0].evidence.last().unwrap().by_hand, "stat /proc/41/root/srv/ci");
        let ids: Vec<&str> = found[0].actions.iter().map(|a| a.id.as_str()).collect();
        assert_eq!(ids, ["make-temp-dir", "set-override"]);
    }

    #[test]
    fn warns_of_a_shell_once_for_all_its_children() {
        let stage = Stage::healthy()
            .variable(100, "TMPDIR", "/nope")
            .put(process(101, 100, "vim", 1000))
            .variable(101, "TMPDIR", "/nope")
            .stops(100, "/nope", "/nope", Errno::ENOENT);
        let found = found(&stage);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].severity, Severity::Warning);
        assert_eq!(found[0].subject.pids, [100, 101]);
    }

    #[test]
    fn answers_for_a_directory_that_was_asked_about() {
        let mut stage = Stage::healthy().put(process(900, 100, "tmpmedic", 0)).named(900, "X", "/srv/t");
        stage.now.eyes.pid = 900;
        stage.now.asked.dirs = vec!["/srv/t".into()];
        let found = found(&stage.stops(900, "/srv/t", "/srv/t", Errno::ENOENT));
        assert_eq!(
            (found[0].title.as_str(), found[0].severity),
            ("/srv/t does not exist", Severity::Critical)
        );
        assert_eq!(found[0].evidence[0].by_hand, "stat /srv/t");
    }

    #[test]
    fn quotes_a_probe_that_failed_and_believes_one_that_passed() {
        let stage = runner().stops(41, "/srv/ci/tmp", "/srv/ci/tmp", Errno::ENOENT);
        let probed = found(&stage.clone().probed(41, "/srv/ci/tmp", Errno::ENOENT));
        assert_eq!(probed[0].evidence.last().unwrap().source, "probe as pid 41");
        let made_since = stage.change_vantages(
            |v| v.path == "/srv/ci/tmp".into(),
            |v| {
                v.can_create.can = crate::model::vantage::Can::Yes;
                v.can_create.how = crate::model::vantage::HowKnown::Probed;
            },
        );
        assert!(matches!(made_since.check(&TmpdirMissing), Verdict::RuledOut(_)));
    }

    #[test]
    fn stays_clear_where_the_directory_is_missing_for_others_only() {
        // The host's shell has no /srv/ci/tmp, the service that names it has: its namespace decides.
        let verdict = runner().check(&TmpdirMissing);
        let Verdict::RuledOut(because) = verdict else { panic!("must be ruled out, was {verdict:?}") };
        assert_eq!(because, "1 temp dir named by variables in 3 environments, each exists for its process");
    }

    #[test]
    fn leaves_fallbacks_relative_values_and_a_missing_tmp_to_others() {
        let fallback = Stage::healthy().stops(100, "/var/tmp", "/var/tmp", Errno::ENOENT);
        assert!(matches!(fallback.check(&TmpdirMissing), Verdict::RuledOut(_)));
        let relative = Stage::healthy().variable(100, "TMPDIR", "t").stops(100, "t", "/t", Errno::ENOENT);
        assert!(matches!(relative.check(&TmpdirMissing), Verdict::RuledOut(_)));
        let no_tmp = Stage::healthy().stops(100, "/tmp", "/tmp", Errno::ENOENT);
        assert!(matches!(no_tmp.check(&TmpdirMissing), Verdict::RuledOut(_)));
        let shadowed = Stage::healthy().variable(100, "TMPDIR", "/var/tmp").named(100, "TEMP", "/nope");
        let shadowed = shadowed.stops(100, "/nope", "/nope", Errno::ENOENT);
        assert!(matches!(shadowed.check(&TmpdirMissing), Verdict::RuledOut(_)));
    }

    #[test]
    fn does_not_take_a_dead_directory_for_a_missing_one() {
        let dead = Stage::healthy().runner(41, "r@1.service").private_tmp(
            41,
            "/tmp",
            crate::rules::stage::Life::Dead,
        );
        assert!(matches!(dead.check(&TmpdirMissing), Verdict::RuledOut(_)));
    }

    #[test]
    fn is_blind_where_environments_or_vantages_cannot_be_read() {
        assert!(matches!(runner().without_environment(41).check(&TmpdirMissing), Verdict::Blind(_)));
        assert!(matches!(Stage::healthy().without_vantages().check(&TmpdirMissing), Verdict::Blind(_)));
    }
}
