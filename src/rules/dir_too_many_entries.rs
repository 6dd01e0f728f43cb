//! `dir-too-many-entries`: a temp dir with very many entries. Never above info: it is the popular wrong diagnosis.
//!
//! No kernel path turns a large directory into ENOENT; a full ext4 index gives ENOSPC. On ext4 a mkdir took 24 µs at
//! 1,491 entries and 31 µs at 200,000, a listing 0.6 ms and 73 ms.

use crate::model::finding::{Confidence, Evidence, Finding, Severity, Subject, SubjectKind};
use crate::model::raw_path::RawText;
use crate::model::reading::Gap;
use crate::model::snapshot::Snapshot;
use crate::model::temp_dir::TempDir;
use crate::model::thresholds::Thresholds;
use crate::model::units::count;
use crate::rules::{Rule, RuleCard, Verdict, offers};

/// See the module's header.
pub struct DirTooManyEntries;

static CARD: RuleCard = RuleCard {
    id: "dir-too-many-entries",
    title: "A temp dir has very many entries (slow, and never the cause of ENOENT)",
    yields_to: &["leaked-temp-accumulation"],
};

impl Rule for DirTooManyEntries {
    fn card(&self) -> &'static RuleCard {
        &CARD
    }

    fn check(&self, now: &Snapshot, _before: Option<&Snapshot>, t: &Thresholds) -> Verdict {
        let dirs = now.temp_dirs.items();
        let found = dirs.iter().filter(|d| d.total.entries >= t.many_entries).map(finding).collect();
        let gaps: Vec<Gap> =
            now.temp_dirs.gaps().iter().chain(dirs.iter().flat_map(|d| &d.gaps)).cloned().collect();
        Verdict::of(found, gaps, || because(dirs))
    }
}

fn because(dirs: &[TempDir]) -> String {
    let most = dirs.iter().max_by_key(|d| d.total.entries);
    let largest = most.map_or_else(
        || "no temp dir was counted".to_owned(),
        |d| {
            let entries = usize::try_from(d.total.entries.0).unwrap_or(usize::MAX);
            format!("at most {} ({})", count(entries, ("entry", "entries")), d.path)
        },
    );
    format!(
        "{largest}; the popular wrong diagnosis: a large directory is slow to list, it never gives ENOENT"
    )
}

fn finding(dir: &TempDir) -> Finding {
    let entries = dir.total.entries;
    let least = if dir.is_counted_in_part() { "at least " } else { "" };
    Finding {
        id: CARD.id.to_owned(),
        severity: Severity::Info,
        confidence: Confidence::Proven,
        title: format!("{} has {least}{entries} entries: slow to list, not a cause of ENOENT", dir.path),
        errno: None,
        evidence: vec![
            Evidence {
                source: format!("entries of {}", dir.reached),
                observed: RawText::from(format!("{least}{}", entries.0).as_str()),
                means: "listing takes noticeable time; creating stays fast and no error comes of it. Look at the other \
                        findings for the cause of a failure"
                    .to_owned(),
                by_hand: format!("find {} -mindepth 1 -maxdepth 1 -printf x | wc -c", dir.reached.quoted()),
            },
            Evidence {
                source: format!("stat of {}", dir.reached),
                observed: RawText::from(dir.own_size.0.to_string().as_str()),
                means: "size of the directory itself in bytes; on ext4 it tells the peak, for such directories never \
                        shrink"
                    .to_owned(),
                by_hand: format!("stat -c %s {}", dir.reached.quoted()),
            },
        ],
        actions: vec![offers::clean(&dir.reached)],
        subject: Subject {
            kind: SubjectKind::Directory,
            name: dir.path.shown(),
            pids: Vec::new(),
            path: Some(dir.path.clone()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::reading::GapWhy;
    use crate::model::units::Entries;
    use crate::rules::leaked_temp_accumulation::test_support::temp_dir;
    use crate::rules::stage::Stage;

    fn with(entries: u64) -> Stage {
        let mut stage = Stage::healthy();
        let mut dir = temp_dir("/tmp");
        dir.total.entries = Entries(entries);
        stage.now.temp_dirs.value_mut().unwrap().push(dir);
        stage
    }

    #[test]
    fn is_context_and_says_that_it_is_no_cause() {
        let Verdict::Found(found) = with(200_000).check(&DirTooManyEntries) else { panic!("must be found") };
        assert_eq!(found[0].severity, Severity::Info);
        assert_eq!(found[0].errno, None);
        assert_eq!(found[0].title, "/tmp has 200,000 entries: slow to list, not a cause of ENOENT");
    }

    #[test]
    fn a_count_that_was_stopped_is_a_lower_bound_and_rules_nothing_out() {
        let stopped = |entries: u64| {
            let mut stage = with(entries);
            let why = GapWhy::OverBudget { seen: Entries(entries) };
            stage.now.temp_dirs.value_mut().unwrap()[0].gaps = vec![Gap::new("entries of /tmp", why)];
            stage
        };
        let Verdict::Found(found) = stopped(200_000).check(&DirTooManyEntries) else {
            panic!("it has at least those")
        };
        assert_eq!(found[0].title, "/tmp has at least 200,000 entries: slow to list, not a cause of ENOENT");
        assert_eq!(found[0].evidence[0].observed, "at least 200000".into());
        let Verdict::Blind(gaps) = stopped(1_491).check(&DirTooManyEntries) else {
            panic!("nobody knows how many")
        };
        assert_eq!(gaps[0].what, "entries of /tmp");
    }

    #[test]
    fn is_ruled_out_as_the_popular_wrong_diagnosis() {
        let Verdict::RuledOut(because) = with(1_491).check(&DirTooManyEntries) else {
            panic!("1,491 is nothing")
        };
        assert!(because.contains("1,491 entries (/tmp)") && because.contains("wrong diagnosis"), "{because}");
    }

    #[test]
    fn is_blind_where_nothing_could_be_counted() {
        let mut stage = Stage::healthy();
        stage.now.temp_dirs =
            crate::model::reading::Reading::Blind { gap: Gap::new("temp dirs", GapWhy::Denied) };
        assert!(matches!(stage.check(&DirTooManyEntries), Verdict::Blind(_)));
    }
}
