//! `cargo-cached-failure`: cargo prints a failure that it recorded in `target/.rustc_info.json`, and runs nothing.

use crate::model::cache::{RecordedFailure, RustcInfo};
use crate::model::errno::Errno;
use crate::model::finding::{Action, Confidence, Evidence, Finding, Risk, Severity, Subject, SubjectKind};
use crate::model::log_line::LogLine;
use crate::model::process::Process;
use crate::model::raw_path::{RawPath, RawText};
use crate::model::snapshot::Snapshot;
use crate::model::thresholds::Thresholds;
use crate::model::treatment::Aim;
use crate::rules::{Rule, RuleCard, Verdict, evidence, offers};

/// Shorter lines ("error: aborting") would match by chance.
const TELLING_LENGTH: usize = 16;

/// See the module's header.
pub struct CargoCachedFailure;

static CARD: RuleCard = RuleCard {
    id: "cargo-cached-failure",
    title: "Cargo replays a failure that it recorded earlier",
    yields_to: &[],
};

impl Rule for CargoCachedFailure {
    fn card(&self) -> &'static RuleCard {
        &CARD
    }

    fn check(&self, now: &Snapshot, _before: Option<&Snapshot>, _: &Thresholds) -> Verdict {
        let infos = now.caches.items();
        let mut found: Vec<Finding> = infos.iter().filter_map(|info| finding(now, info)).collect();
        found.extend(told_by_log(now));
        Verdict::of(found, now.caches.gaps().to_vec(), || match infos.len() {
            0 => "no .rustc_info.json in the target dirs of living builds".to_owned(),
            n => format!("{n} .rustc_info.json read, no failure recorded in them"),
        })
    }
}

fn finding(now: &Snapshot, info: &RustcInfo) -> Option<Finding> {
    let replayed = info.failures.iter().find_map(|f| Some((f, replay_in(&now.log, f)?)));
    // A record that names an errno was made by a broken machine; others are compilers refusing their flags, which
    // only the same flags replay.
    let by_errno = info.failures.iter().find(|f| errno_of(f).is_some());
    let failure = replayed.map(|(f, _)| f).or(by_errno).or_else(|| info.failures.first())?;
    let user =
        info.pid.and_then(|pid| now.process(pid)).filter(|p| p.is_build() || now.asked.pids.contains(&p.pid));
    let errno = errno_of(failure);
    let severity = match (replayed.is_some() || errno.is_some() && user.is_some(), errno) {
        (true, _) => Severity::Critical,
        (false, Some(_)) => Severity::Warning,
        (false, None) => Severity::Info,
    };
    let age = info.modified.age_at(now.taken);
    let old = age.map_or_else(String::new, |age| format!(", {age} old"));
    let said = errno.map_or_else(|| failure.status.clone(), Errno::name);
    Some(Finding {
        id: CARD.id.to_owned(),
        severity,
        confidence: if severity == Severity::Critical { Confidence::Proven } else { Confidence::Likely },
        title: format!("{} replays a failure{old}: {said}", info.path),
        errno,
        evidence: evidence_of(now, info, failure, replayed.map(|(_, line)| line)),
        actions: actions(info),
        subject: Subject {
            kind: SubjectKind::TargetDir,
            name: dir_of(&info.path).shown(),
            pids: user.map(|p: &Process| p.pid).into_iter().collect(),
            path: Some(dir_of(&info.path)),
        },
    })
}

/// An old failure that the log prints again, where no record that was read holds it: its target dir is another one.
fn told_by_log(now: &Snapshot) -> Option<Finding> {
    let is_old = |line: &&LogLine| line.replayed && line.points_to.first().is_some_and(|id| id == CARD.id);
    let line = now.log.iter().find(is_old)?;
    let mut records = now.caches.items().iter().flat_map(|info| &info.failures);
    if records.any(|failure| replay_in(&now.log, failure).is_some()) {
        return None;
    }
    let said = line.errno.map_or_else(|| "the same error".to_owned(), Errno::name);
    let name = "the target directory of the build in the log".to_owned();
    Some(Finding {
        id: CARD.id.to_owned(),
        severity: Severity::Warning,
        confidence: Confidence::Likely,
        subject: Subject { kind: SubjectKind::TargetDir, name, pids: Vec::new(), path: None },
        title: format!("the build log prints an old failure again in line {}: {said}", line.line),
        errno: line.errno,
        evidence: vec![evidence::log_line(line, &line.means)],
        actions: vec![
            offers::guide(
                "look for the record in the target directory of that build, and remove it; cargo makes it anew",
                Risk::None,
                vec![
                    "grep -l '\"success\":false' target/.rustc_info.json".to_owned(),
                    "rm -- target/.rustc_info.json".to_owned(),
                ],
            ),
            without_record(),
        ],
    })
}

fn errno_of(failure: &RecordedFailure) -> Option<Errno> {
    Errno::from_message(&String::from_utf8_lossy(failure.stderr.as_bytes()))
}

/// The line of the log that holds a whole line of the recorded text, random suffix included.
fn replay_in<'a>(log: &'a [LogLine], failure: &RecordedFailure) -> Option<&'a LogLine> {
    let told = failure.stderr.as_bytes().split(|b| *b == b'\n').map(<[u8]>::trim_ascii);
    let mut told = told.filter(|line| line.len() >= TELLING_LENGTH);
    told.find_map(|line| log.iter().find(|l| l.text.as_bytes().windows(line.len()).any(|w| w == line)))
}

fn dir_of(path: &RawPath) -> RawPath {
    let name = path.file_name().len();
    let bytes = path.as_bytes();
    let end = bytes.len().saturating_sub(name).saturating_sub(1);
    RawPath::from(bytes.get(..end).unwrap_or_default())
}

fn evidence_of(
    now: &Snapshot,
    info: &RustcInfo,
    failure: &RecordedFailure,
    line: Option<&LogLine>,
) -> Vec<Evidence> {
    let reached = info.reached.quoted();
    let mut evidence = vec![Evidence {
        source: info.reached.shown(),
        observed: failure.stderr.clone(),
        means: format!(
            "cargo keeps the output of its compiler probes, failures too ({}): it prints this text again and runs \
             neither wrapper nor rustc, until the record goes or the toolchain changes",
            failure.status
        ),
        by_hand: format!("grep -o '\"success\":false[^}}]*' {reached}"),
    }];
    if let Some(age) = info.modified.age_at(now.taken) {
        evidence.push(Evidence {
            source: format!("mtime of {}", info.reached),
            observed: RawText::from(format!("{} s old", age.0).as_str()),
            means: "the failure is as old as this; whatever was repaired since does not show".to_owned(),
            by_hand: format!("echo \"$(($(date +%s) - $(stat -c %Y {reached}))) s old\""),
        });
    }
    let means = "the same text with the same random suffix: nothing was tried anew";
    evidence.extend(line.map(|line| evidence::log_line(line, means)));
    evidence
}

fn actions(info: &RustcInfo) -> Vec<Action> {
    vec![
        Action {
            id: "heal-cargo-replay".to_owned(),
            title: "remove the record; cargo makes it anew in a tenth of a second".to_owned(),
            risk: Risk::None,
            reversible: true,
            by_hand: vec![format!("rm -- {}", info.reached.quoted())],
            aim: Some(Aim::Record {
                by: info.pid.filter(|_| info.reached != info.path),
                path: if info.pid.is_some() { info.path.clone() } else { info.reached.clone() },
            }),
        },
        without_record(),
    ]
}

fn without_record() -> Action {
    let by_hand = vec!["CARGO_CACHE_RUSTC_INFO=0 cargo build".to_owned()];
    offers::guide_back("or let one build go without the record", Risk::None, by_hand)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::reading::{Gap, GapWhy, Reading};
    use crate::model::units::WallNanos;
    use crate::rules::stage::{NOW, Stage};

    const OLD_TEXT: &str =
        "sccache: error: No such file or directory (os error 2) at path \"/nope/sccachePgVrVp\"\n";

    fn recorded(stderr: &str) -> Stage {
        let mut stage = Stage::healthy().runner(70, "ci.service");
        let failure = RecordedFailure { status: "exit status: 2".into(), stderr: stderr.into() };
        stage.now.caches.value_mut().unwrap().push(RustcInfo {
            path: "/workspace/target/.rustc_info.json".into(),
            reached: "/proc/70/root/workspace/target/.rustc_info.json".into(),
            pid: None,
            modified: WallNanos(NOW.0 - 3 * 3_600_000_000_000),
            failures: vec![failure],
        });
        stage
    }

    fn logged(mut stage: Stage, text: &str) -> Stage {
        stage.now.log = vec![LogLine {
            line: 12,
            tool: "sccache".into(),
            errno: Some(Errno::ENOENT),
            path: None,
            replayed: false,
            means: String::new(),
            points_to: vec![],
            excludes: vec![],
            text: text.into(),
        }];
        stage
    }

    fn found(stage: &Stage) -> Finding {
        match stage.check(&CargoCachedFailure) {
            Verdict::Found(found) => found[0].clone(),
            other => panic!("must be found, not {other:?}"),
        }
    }

    #[test]
    fn is_proven_where_the_log_shows_the_recorded_text() {
        let found = found(&logged(recorded(OLD_TEXT), &format!("  {}", OLD_TEXT.trim())));
        assert_eq!((found.severity, found.confidence), (Severity::Critical, Confidence::Proven));
        assert_eq!(found.title, "/workspace/target/.rustc_info.json replays a failure, 3 h old: ENOENT");
        assert_eq!(found.subject.name, "/workspace/target");
        assert_eq!(found.evidence.len(), 3);
        let heal = &found.actions[0];
        assert_eq!((heal.id.as_str(), heal.risk), ("heal-cargo-replay", Risk::None));
        assert_eq!(heal.by_hand, ["rm -- /proc/70/root/workspace/target/.rustc_info.json"]);
    }

    #[test]
    fn is_likely_where_only_the_log_shows_an_old_failure_again() {
        let mut stage = logged(Stage::healthy(), OLD_TEXT.trim());
        assert!(matches!(stage.check(&CargoCachedFailure), Verdict::RuledOut(_)), "once is no repetition");
        stage.now.log[0].points_to = vec!["cargo-cached-failure".into()];
        stage.now.log[0].replayed = true;
        let found = found(&stage);
        assert_eq!((found.severity, found.confidence), (Severity::Warning, Confidence::Likely));
        assert_eq!(found.title, "the build log prints an old failure again in line 12: ENOENT");
        stage.now.log[0].points_to = vec!["tmpdir-missing".into()];
        assert!(
            matches!(stage.check(&CargoCachedFailure), Verdict::RuledOut(_)),
            "a summary at the end of a job"
        );
        let with_record = logged(recorded(OLD_TEXT), OLD_TEXT.trim());
        let Verdict::Found(all) = with_record.check(&CargoCachedFailure) else { panic!("must be found") };
        assert_eq!(all.len(), 1, "said once");
    }

    #[test]
    fn is_proven_where_a_living_build_uses_that_target_dir() {
        let mut stage = recorded(OLD_TEXT);
        stage.now.caches.value_mut().unwrap()[0].pid = Some(70);
        let found = found(&stage);
        assert_eq!((found.severity, found.subject.pids), (Severity::Critical, vec![70]));
    }

    #[test]
    fn warns_where_nobody_builds_there_now() {
        assert_eq!(found(&recorded(OLD_TEXT)).severity, Severity::Warning);
    }

    #[test]
    fn is_not_proven_by_another_suffix_in_the_log() {
        let other = OLD_TEXT.replace("PgVrVp", "Xk29aB");
        assert_eq!(found(&logged(recorded(OLD_TEXT), &other)).severity, Severity::Warning, "tried anew");
    }

    #[test]
    fn takes_a_compiler_that_refused_its_flags_for_context() {
        let mut stage = recorded("error: unknown target `x86_64-none`\n");
        stage.now.caches.value_mut().unwrap()[0].pid = Some(70);
        assert_eq!(found(&stage).severity, Severity::Info);
    }

    #[test]
    fn is_ruled_out_with_its_figures() {
        let mut stage = recorded(OLD_TEXT);
        stage.now.caches.value_mut().unwrap()[0].failures.clear();
        let Verdict::RuledOut(because) = stage.check(&CargoCachedFailure) else { panic!("nothing recorded") };
        assert_eq!(because, "1 .rustc_info.json read, no failure recorded in them");
    }

    #[test]
    fn is_blind_where_target_dirs_cannot_be_read() {
        let mut stage = Stage::healthy();
        stage.now.caches = Reading::Blind { gap: Gap::new("target dirs", GapWhy::Denied) };
        assert!(matches!(stage.check(&CargoCachedFailure), Verdict::Blind(_)));
    }
}
