//! `leaked-temp-accumulation`: interrupted builds left their temp entries behind; not an error, the way to one.

use crate::model::finding::{Confidence, Evidence, Finding, Severity, Subject, SubjectKind};
use crate::model::raw_path::RawText;
use crate::model::reading::Gap;
use crate::model::snapshot::Snapshot;
use crate::model::temp_dir::{FamilyTally, TempDir};
use crate::model::thresholds::Thresholds;
use crate::model::units::{Bytes, Entries};
use crate::model::vantage::Vantage;
use crate::rules::room::{self, Room};
use crate::rules::{Rule, RuleCard, Verdict, offers};

/// How many families are named, the largest first.
const NAMED: usize = 5;

/// See the module's header.
pub struct LeakedTempAccumulation;

static CARD: RuleCard = RuleCard {
    id: "leaked-temp-accumulation",
    title: "Interrupted builds left temp entries behind",
    yields_to: &[],
};

impl Rule for LeakedTempAccumulation {
    fn card(&self) -> &'static RuleCard {
        &CARD
    }

    fn check(&self, now: &Snapshot, before: Option<&Snapshot>, t: &Thresholds) -> Verdict {
        let dirs = now.temp_dirs.items();
        let leaky = dirs.iter().filter(|d| leaked(d).old >= t.leaked_from);
        let found = leaky.map(|dir| finding(now, before, t, dir)).collect();
        let gaps: Vec<Gap> =
            now.temp_dirs.gaps().iter().chain(dirs.iter().flat_map(|d| &d.gaps)).cloned().collect();
        Verdict::of(found, gaps, || {
            let most = dirs.iter().map(|d| (leaked(d), d)).max_by_key(|(sums, _)| sums.old);
            most.map_or_else(
                || "no temp dir was counted".to_owned(),
                |(sums, dir)| {
                    let Sums { entries, old, .. } = sums;
                    format!("{}: {entries} entries of build tools, {old} of them older than a day", dir.path)
                },
            )
        })
    }
}

/// What families that may be removed when idle have in one directory, without what is held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sums {
    entries: Entries,
    old: Entries,
    bytes: Bytes,
}

fn leaked(dir: &TempDir) -> Sums {
    dir.families.values().filter(|f| f.removable).fold(Sums::default(), |sums, family| Sums {
        entries: Entries(sums.entries.0.saturating_add(family.tally.entries.0)),
        old: Entries(sums.old.0.saturating_add(unheld_old(family))),
        bytes: Bytes(sums.bytes.0.saturating_add(family.tally.bytes.0)),
    })
}

/// What is held may be old and in use. Which of the entries are held is not told, so all of them count as old ones.
fn unheld_old(family: &FamilyTally) -> u64 {
    family.tally.old.0.saturating_sub(family.held.unwrap_or(0))
}

fn finding(now: &Snapshot, before: Option<&Snapshot>, t: &Thresholds, dir: &TempDir) -> Finding {
    let sums = leaked(dir);
    let vantages: Vec<&Vantage> =
        dir.vantages.iter().filter_map(|at| now.vantages.items().get(usize::try_from(*at).ok()?)).collect();
    let tight =
        |v: &&Vantage| room::blocks(now, v, t) != Room::Enough || room::inodes(now, v, t) != Room::Enough;
    let is_tight = vantages.iter().any(tight);
    let grown = growth(before, dir, sums);
    let is_growing = grown >= t.leaked_from.0;
    let least = if dir.is_counted_in_part() { "at least " } else { "" };
    let mut title = format!("{}: {least}{} temp entries of build tools older than a day", dir.path, sums.old);
    if is_growing {
        title = format!("{title}, +{grown} since the last look");
    } else if is_tight {
        title = format!("{title}, with little room left");
    }
    let mut pids: Vec<u32> = vantages.iter().flat_map(|v| v.pids.iter().copied()).collect();
    pids.sort_unstable();
    pids.dedup();
    Finding {
        id: CARD.id.to_owned(),
        severity: if is_tight || is_growing { Severity::Warning } else { Severity::Info },
        confidence: Confidence::Likely,
        title,
        errno: None,
        evidence: evidence(dir, sums),
        actions: vec![offers::clean(&dir.reached)],
        subject: Subject {
            kind: SubjectKind::Directory,
            name: dir.path.shown(),
            pids,
            path: Some(dir.path.clone()),
        },
    }
}

/// Against a count that was stopped everything would seem to have grown.
fn growth(before: Option<&Snapshot>, dir: &TempDir, sums: Sums) -> u64 {
    let earlier = before.and_then(|b| b.temp_dirs.items().iter().find(|d| d.identity == dir.identity));
    let earlier = earlier.filter(|earlier| earlier.gaps.is_empty());
    earlier.map_or(0, |earlier| sums.entries.0.saturating_sub(leaked(earlier).entries.0))
}

fn evidence(dir: &TempDir, sums: Sums) -> Vec<Evidence> {
    let mut families: Vec<(&String, &FamilyTally)> =
        dir.families.iter().filter(|(_, f)| f.removable && f.tally.old.0 > 0).collect();
    families.sort_by_key(|(id, family)| (std::cmp::Reverse(family.tally.old), (*id).clone()));
    let listed: Vec<String> = families
        .iter()
        .take(NAMED)
        .map(|(id, family)| {
            let held = family.held.map_or_else(|| "held by nobody knows".to_owned(), |n| format!("{n} held"));
            format!("{id} {} of {}, {held}", family.tally.old, family.tally.entries)
        })
        .collect();
    let reached = dir.reached.quoted();
    let mut means =
        "families that their tools remove on a clean exit; what is this old was left by an interrupted one, \
                     and takes room and inodes"
            .to_owned();
    if sums.bytes.0 > 0 {
        means = format!("{means} ({} in the entries themselves)", sums.bytes);
    }
    vec![Evidence {
        source: format!("entries of {}", dir.reached),
        observed: RawText::from(listed.join("; ").as_str()),
        means,
        by_hand: format!(
            "find {reached} -xdev -mindepth 1 -maxdepth 1 -amin +1440 -mmin +1440 -cmin +1440 -printf '%f\\n' | sed -E 's/[0-9]{{4,}}$//;t;s/[.][A-Za-z0-9]{{10}}$/./;t;s/[A-Za-z0-9_]{{6}}$//' | sort | uniq -c | sort -rn | head"
        ),
    }]
}

/// A counted temp dir for the tests of this and other rules.
#[cfg(test)]
pub mod test_support {
    use std::collections::BTreeMap;

    use super::TempDir;
    use crate::model::mount::Device;
    use crate::model::temp_dir::Tally;
    use crate::model::units::{Bytes, WallNanos};
    use crate::model::vantage::Identity;

    /// An empty temp dir, the one of the first vantage.
    pub fn temp_dir(path: &str) -> TempDir {
        TempDir {
            path: path.into(),
            reached: path.into(),
            identity: Identity {
                device: Device { major: 254, minor: 1 },
                inode: 131_073,
                mount_id: Some(25),
            },
            vantages: vec![0],
            total: Tally::default(),
            families: BTreeMap::new(),
            own_size: Bytes(4096),
            links: 2,
            modified: WallNanos(0),
            gaps: vec![],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::test_support::temp_dir;
    use super::*;
    use crate::model::reading::GapWhy;
    use crate::model::temp_dir::Tally;
    use crate::rules::stage::{Stage, space};

    fn family(entries: u64, old: u64) -> FamilyTally {
        let tally = Tally { entries: Entries(entries), old: Entries(old), ..Tally::default() };
        FamilyTally { tally, held: Some(0), removable: true, ..FamilyTally::default() }
    }

    fn lasting(entries: u64) -> FamilyTally {
        FamilyTally { removable: false, ..family(entries, entries) }
    }

    fn with(families: &[(&str, FamilyTally)]) -> Stage {
        let mut stage = Stage::healthy();
        let mut dir = temp_dir("/tmp");
        dir.families = families.iter().map(|(id, tally)| ((*id).to_owned(), tally.clone())).collect();
        stage.now.temp_dirs.value_mut().unwrap().push(dir);
        stage
    }

    fn found(verdict: Verdict) -> Finding {
        match verdict {
            Verdict::Found(found) => found[0].clone(),
            other => panic!("must be found, not {other:?}"),
        }
    }

    #[test]
    fn is_context_while_there_is_room() {
        let stage = with(&[("go-build", family(612, 401)), ("rustc", family(288, 97))]);
        let found = found(stage.check(&LeakedTempAccumulation));
        assert_eq!(found.severity, Severity::Info);
        assert_eq!(found.title, "/tmp: 498 temp entries of build tools older than a day");
        assert_eq!(found.evidence[0].observed, "go-build 401 of 612, 0 held; rustc 97 of 288, 0 held".into());
    }

    #[test]
    fn warns_where_room_or_inodes_run_short_as_well() {
        let stage = with(&[("go-build", family(612, 401))]);
        let room = crate::model::vantage::Space { inodes: Entries(100), inodes_free: Entries(2), ..space() };
        let stage = stage.change_vantages(|_| true, move |v| v.space = Ok(room));
        assert_eq!(found(stage.check(&LeakedTempAccumulation)).severity, Severity::Warning);
    }

    #[test]
    fn warns_while_it_grows() {
        let before = with(&[("go-build", family(500, 400))]);
        let stage = with(&[("go-build", family(612, 401))]);
        let verdict = LeakedTempAccumulation.check(&stage.now, Some(&before.now), &Thresholds::default());
        let found = found(verdict);
        assert_eq!(found.severity, Severity::Warning);
        assert!(found.title.ends_with(", +112 since the last look"));
        let steady = LeakedTempAccumulation.check(&stage.now, Some(&stage.now), &Thresholds::default());
        assert!(matches!(steady, Verdict::Found(found) if found[0].severity == Severity::Info));
    }

    #[test]
    fn a_count_that_was_stopped_is_a_lower_bound_and_shows_no_growth() {
        let mut before = with(&[("go-build", family(500, 400))]);
        let why = GapWhy::OverBudget { seen: Entries(500) };
        before.now.temp_dirs.value_mut().unwrap()[0].gaps = vec![Gap::new("entries of /tmp", why)];
        let partial = found(before.check(&LeakedTempAccumulation));
        assert_eq!(partial.title, "/tmp: at least 400 temp entries of build tools older than a day");
        let whole = with(&[("go-build", family(90_000, 401))]);
        let verdict = LeakedTempAccumulation.check(&whole.now, Some(&before.now), &Thresholds::default());
        assert_eq!(found(verdict).severity, Severity::Info, "it was only counted further");
    }

    #[test]
    fn is_ruled_out_with_its_figures() {
        let stage = with(&[("go-build", family(12, 3))]);
        let Verdict::RuledOut(because) = stage.check(&LeakedTempAccumulation) else { panic!("3 are few") };
        assert_eq!(because, "/tmp: 12 entries of build tools, 3 of them older than a day");
    }

    #[test]
    fn leaves_families_alone_that_must_stay_and_entries_that_are_held() {
        let stage = with(&[("systemd-private", lasting(90)), ("", lasting(900))]);
        assert!(matches!(stage.check(&LeakedTempAccumulation), Verdict::RuledOut(_)));
        let held = FamilyTally { held: Some(60), ..family(60, 60) };
        assert!(matches!(with(&[("rustc", held)]).check(&LeakedTempAccumulation), Verdict::RuledOut(_)));
    }

    #[test]
    fn is_blind_where_nothing_could_be_counted() {
        let mut stage = Stage::healthy();
        stage.now.temp_dirs =
            crate::model::reading::Reading::Blind { gap: Gap::new("temp dirs", GapWhy::Denied) };
        assert!(matches!(stage.check(&LeakedTempAccumulation), Verdict::Blind(_)));
    }
}
