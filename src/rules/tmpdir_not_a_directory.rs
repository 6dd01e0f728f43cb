//! `tmpdir-not-a-directory`: a file, socket or device stands where the temp dir should be (ENOTDIR).

use crate::model::errno::Errno;
use crate::model::finding::{Evidence, Finding, Risk};
use crate::model::raw_path::RawText;
use crate::model::snapshot::Snapshot;
use crate::model::thresholds::Thresholds;
use crate::model::units::count;
use crate::model::vantage::{Component, Vantage};
use crate::rules::heading::titled;
use crate::rules::spot::{self, Spot};
use crate::rules::way::{self, Stop};
use crate::rules::{Rule, RuleCard, Verdict, evidence, offers, place, unseen};

/// See the module's header.
pub struct TmpdirNotADirectory;

static CARD: RuleCard = RuleCard {
    id: "tmpdir-not-a-directory",
    title: "Something that is no directory stands where the temp dir should be",
    yields_to: &["tmpdir-literal-syntax"],
};

impl Rule for TmpdirNotADirectory {
    fn card(&self) -> &'static RuleCard {
        &CARD
    }

    fn check(&self, now: &Snapshot, _: Option<&Snapshot>, _: &Thresholds) -> Verdict {
        let spots = spot::spots(now, |v| culprit(v).is_some());
        let found = spots.iter().filter_map(|spot| finding(now, spot)).collect();
        unseen::verdict_on_values(now, found, unseen::vantages_that_matter(now), || {
            let seen = spot::spots(now, |_| true).len();
            let seen = count(seen, ("temp dir", "temp dirs"));
            format!("{seen} in use, none is a file or stands below one")
        })
    }
}

fn culprit(vantage: &Vantage) -> Option<&Component> {
    match way::stop_of(vantage)? {
        Stop::NotDirectory(at) if vantage.path.is_absolute() => Some(at),
        Stop::NotDirectory(_) | Stop::Missing(_) | Stop::Dangling { .. } | Stop::Loop(_) => None,
    }
}

fn finding(now: &Snapshot, spot: &Spot<'_>) -> Option<Finding> {
    let at = culprit(spot.vantage)?;
    let word = at.facts.as_ref().map_or("no directory", evidence::kind_of);
    let mut evidence = spot.sources(now, "this process makes its temp files there");
    evidence.push(kind_seen(spot, at));
    let path = &spot.vantage.path;
    let tail = match (spot.variable.is_some(), place::is_same(&at.path, path)) {
        (true, true) => format!("{} is a {word}, no directory", spot.whose()),
        (false, true) => format!(" is a {word}, no directory"),
        (_, false) => format!(" leads through {}, which is a {word}", at.path.shown()),
    };
    let mut finding = spot.finding(now, CARD.id, titled(&spot.prefix(), path, &tail), evidence);
    finding.errno = finding.errno.or(Some(Errno::ENOTDIR));
    finding.actions.extend(spot.variable.into_iter().flat_map(|name| offers::unset(&spot.party, name)));
    let reached = spot.reached(&at.path);
    let aside = reached.as_bytes().iter().chain(b".not-a-directory").copied().collect::<Vec<u8>>();
    finding.actions.push(offers::guide(
        format!("move the {word} aside and make a directory; look first whose it is"),
        Risk::None,
        vec![
            format!("ls -ld {}", reached.quoted()),
            format!("mv -n {} {}", reached.quoted(), RawText::new(aside).quoted()),
            format!("install -d -m 1777 {}", reached.quoted()),
        ],
    ));
    Some(finding)
}

fn kind_seen(spot: &Spot<'_>, at: &Component) -> Evidence {
    let means = "a temp dir cannot be made below something that is no directory";
    let Some(facts) = &at.facts else { return spot.stopped_at(at, means) };
    let reached = spot.reached(&at.path);
    Evidence {
        source: reached.shown(),
        observed: RawText::from(evidence::kind_of(facts)),
        means: means.to_owned(),
        by_hand: format!("stat -c %F {}", reached.quoted()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::finding::Severity;
    use crate::model::vantage::Kind;
    use crate::rules::stage::Stage;

    fn runner() -> Stage {
        Stage::healthy().runner(41, "r@1.service").variable(41, "TMPDIR", "/etc/ci.tmp")
    }

    #[test]
    fn fires_on_a_file_and_says_what_stat_says() {
        let Verdict::Found(found) =
            runner().ends_in(41, "/etc/ci.tmp", Kind::File).check(&TmpdirNotADirectory)
        else {
            panic!("must be found")
        };
        assert_eq!(found[0].title, "TMPDIR=/etc/ci.tmp of r@1.service is a regular file, no directory");
        assert_eq!(found[0].severity, Severity::Critical);
        assert_eq!(found[0].errno, Some(Errno::ENOTDIR));
        assert_eq!(found[0].evidence.last().unwrap().by_hand, "stat -c %F /proc/41/root/etc/ci.tmp");
    }

    #[test]
    fn names_the_file_on_the_way() {
        let stage = Stage::healthy().variable(100, "TMPDIR", "/etc/passwd/t").stops(
            100,
            "/etc/passwd/t",
            "/etc/passwd/t",
            Errno::ENOTDIR,
        );
        let stage = stage.change_vantages(
            |v| v.path == "/etc/passwd/t".into(),
            |v| v.walked[2].facts.as_mut().unwrap().kind = Kind::File,
        );
        let Verdict::Found(found) = stage.check(&TmpdirNotADirectory) else { panic!("must be found") };
        assert!(
            found[0].title.ends_with("leads through /etc/passwd, which is a regular file"),
            "{}",
            found[0].title
        );
        assert_eq!(found[0].severity, Severity::Warning);
    }

    #[test]
    fn stays_clear_of_directories_and_of_what_a_probe_proved_gone() {
        assert!(matches!(runner().check(&TmpdirNotADirectory), Verdict::RuledOut(_)));
        // A file that a race left there for a moment: the probe made its directory.
        let race = runner().ends_in(41, "/etc/ci.tmp", Kind::File).change_vantages(
            |v| v.path == "/etc/ci.tmp".into(),
            |v| {
                v.can_create.can = crate::model::vantage::Can::Yes;
                v.can_create.how = crate::model::vantage::HowKnown::Probed;
            },
        );
        assert!(matches!(race.check(&TmpdirNotADirectory), Verdict::RuledOut(_)));
    }

    #[test]
    fn is_blind_without_vantages() {
        assert!(matches!(Stage::healthy().without_vantages().check(&TmpdirNotADirectory), Verdict::Blind(_)));
    }
}
