//! What the build log that was given says for and against each cause.
//!
//! A log tells of a failure at its time, a rule of the machine as it is now. So a log neither makes a finding nor takes one
//! away: a cause that its lines point to is surer and comes before its equals, one that they exclude comes behind them
//! and says so. Called by `diagnosis`; what a wording means is the business of `collect::build_log`.

use crate::model::errno::Errno;
use crate::model::finding::{Confidence, Finding, RuledOut};
use crate::model::log_line::LogLine;
use crate::model::raw_path::RawPath;
use crate::model::snapshot::Snapshot;
use crate::rules::evidence;

/// The cause of which an old failure that is printed again speaks, and of no other: nothing was tried anew.
pub const RECORDED: &str = "cargo-cached-failure";
/// Errors of a whole file system: every path on it gives them.
const OF_FILE_SYSTEM: [Errno; 4] = [Errno::ENOSPC, Errno::EDQUOT, Errno::EROFS, Errno::EIO];

/// What a log says of a cause, in the order in which equal findings are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Says {
    /// A line points to it.
    For,
    /// No line speaks of it.
    Nothing,
    /// A line excludes it, and none points to it.
    Against,
}

/// Weighs a finding by the log, and adds the line that speaks of it to its evidence.
pub fn weigh(now: &Snapshot, finding: &mut Finding) -> Says {
    let fits = |line: &LogLine| points_to(line, &finding.id) && is_there(now, line, finding);
    if let Some((line, whose)) = first(&now.log, fits) {
        finding.confidence = finding.confidence.max(Confidence::Likely);
        cite(finding, line, &format!("the wording {whose} fits this cause: {}", line.means));
        return Says::For;
    }
    if let Some((line, whose)) = first(&now.log, |line| excludes(line, &finding.id)) {
        cite(
            finding,
            line,
            &format!("the wording {whose} excludes this as the cause of that failure: {}", line.means),
        );
        return Says::Against;
    }
    Says::Nothing
}

/// Adds to what is ruled out now what the log says of the time when it was written.
pub fn remark(now: &Snapshot, ruled_out: &mut RuledOut) {
    let id = ruled_out.id.as_str();
    let remark = if let Some((line, _)) = first(&now.log, |line| points_to(line, id)) {
        format!("; line {} of the build log fits it, so it may have been so then", line.line)
    } else if let Some((line, _)) = first(&now.log, |line| excludes(line, id)) {
        format!("; line {} of the build log excludes it too", line.line)
    } else {
        return;
    };
    ruled_out.because.push_str(&remark);
}

/// The first line that is wanted, and how many more say the same.
fn first(log: &[LogLine], wanted: impl Fn(&LogLine) -> bool) -> Option<(&LogLine, String)> {
    let mut lines = log.iter().filter(|line| wanted(line));
    let line = lines.next()?;
    let whose = match lines.count() {
        0 => "of this line".to_owned(),
        1 => "of this and 1 more line".to_owned(),
        more => format!("of this and {more} more lines"),
    };
    Some((line, whose))
}

fn points_to(line: &LogLine, id: &str) -> bool {
    (!line.replayed || id == RECORDED) && line.points_to.iter().any(|named| named == id)
}

fn excludes(line: &LogLine, id: &str) -> bool {
    !line.replayed && line.excludes.iter().any(|named| named == id)
}

/// Whether the line speaks of the place of the finding, as far as both name one.
fn is_there(now: &Snapshot, line: &LogLine, finding: &Finding) -> bool {
    let (Some(told), Some(found)) = (&line.path, &finding.subject.path) else { return true };
    // A relative path or one of odd syntax stands as the tool had it; a recorded failure tells of another place.
    let says_nothing = !told.is_absolute() || !found.is_absolute() || finding.id == RECORDED;
    let together = told.is_below(found) || found.is_below(told);
    says_nothing || together || shares_file_system(now, line, finding, (told, found))
}

fn shares_file_system(
    now: &Snapshot,
    line: &LogLine,
    finding: &Finding,
    (told, found): (&RawPath, &RawPath),
) -> bool {
    let of_all = line.errno.is_some_and(|errno| OF_FILE_SYSTEM.contains(&errno));
    let mut members = finding.subject.pids.iter().filter_map(|pid| now.process(*pid)?.mount_ns.clone().ok());
    let namespace = members.next().and_then(|id| now.namespace(id));
    let device = |path| namespace.and_then(|ns| ns.serving(path)).map(|mount| mount.device);
    of_all && device(told).is_some_and(|device_told| device(found) == Some(device_told))
}

fn cite(finding: &mut Finding, line: &LogLine, means: &str) {
    let cited = evidence::log_line(line, means);
    // The rule may have cited the same line for a reason of its own.
    if finding.evidence.iter().all(|known| known.source != cited.source) {
        finding.evidence.push(cited);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::finding::{Diagnosis, Severity};
    use crate::model::thresholds::Thresholds;
    use crate::rules::diagnose;
    use crate::rules::stage::{Life, Stage};

    fn line(number: u64, errno: Errno, path: &str, points_to: &[&str], excludes: &[&str]) -> LogLine {
        let owned = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect();
        LogLine {
            line: number,
            tool: "rustc".into(),
            errno: Some(errno),
            path: Some(path.into()),
            replayed: false,
            means: "what it means".into(),
            points_to: owned(points_to),
            excludes: owned(excludes),
            text: format!("error in {path}").as_str().into(),
        }
    }

    fn judged(mut stage: Stage, log: Vec<LogLine>) -> Diagnosis {
        stage.now.log = log;
        diagnose(&stage.now, None, &Thresholds::default())
    }

    /// Two equally grave and sure findings, the dead mount first by the registry.
    fn two() -> Stage {
        Stage::healthy()
            .runner(41, "r@1.service")
            .private_tmp(41, "/tmp", Life::Dead)
            .runner(42, "r@2.service")
            .variable(42, "TMPDIR", "/nope")
            .stops(42, "/nope", "/nope", Errno::ENOENT)
    }

    fn ids(diagnosis: &Diagnosis) -> Vec<&str> {
        diagnosis.found.iter().map(|f| f.id.as_str()).take(2).collect()
    }

    #[test]
    fn what_the_log_points_to_comes_before_its_equals_and_what_it_excludes_behind_them() {
        assert_eq!(ids(&judged(two(), vec![])), ["private-tmp-deleted", "tmpdir-missing"]);
        let go = line(7, Errno::ENOENT, "/nope", &["tmpdir-missing"], &["private-tmp-deleted"]);
        let diagnosis = judged(two(), vec![go]);
        assert_eq!(ids(&diagnosis), ["tmpdir-missing", "private-tmp-deleted"]);
        let told = |at: usize| diagnosis.found[at].evidence.last().unwrap();
        assert_eq!(told(0).source, "build log, line 7");
        assert_eq!(told(0).means, "the wording of this line fits this cause: what it means");
        assert!(told(1).means.contains("excludes this as the cause of that failure"), "{}", told(1).means);
        assert_eq!(diagnosis.found[1].severity, Severity::Critical, "it is so all the same");
    }

    #[test]
    fn a_line_about_another_place_says_nothing_for_a_finding() {
        let elsewhere = line(7, Errno::ENOENT, "/srv/t/rustcA1b2C3", &["tmpdir-missing"], &[]);
        assert_eq!(ids(&judged(two(), vec![elsewhere])), ["private-tmp-deleted", "tmpdir-missing"]);
    }

    #[test]
    fn a_full_file_system_is_full_for_every_path_on_it() {
        let room = crate::model::vantage::Space {
            free: crate::model::units::Bytes(3 << 30),
            available: crate::model::units::Bytes(3 << 30),
            ..crate::rules::stage::space()
        };
        let stage = || {
            let stage = Stage::healthy().runner(41, "r@1.service");
            stage.change_vantages(|_| true, move |v| v.space = Ok(room))
        };
        let object = |errno| line(3, errno, "/w/target/debug/x.o", &["disk-full"], &[]);
        let evidence = |log| judged(stage(), log).found[0].evidence.len();
        assert_eq!(evidence(vec![object(Errno::ENOSPC)]), evidence(vec![]) + 1);
        assert_eq!(evidence(vec![object(Errno::ENOENT)]), evidence(vec![]));
    }

    #[test]
    fn a_possible_cause_becomes_likely_and_the_further_lines_are_counted() {
        let long = format!("/srv/{}", "x".repeat(80));
        let stage = || Stage::healthy().runner(41, "r@1.service").variable(41, "TMPDIR", &long);
        let before = judged(stage(), vec![]);
        assert_eq!(
            (before.found[0].id.as_str(), before.found[0].confidence),
            ("path-too-long", Confidence::Possible)
        );
        let socket =
            |number| LogLine { path: None, ..line(number, Errno::ENAMETOOLONG, "", &["path-too-long"], &[]) };
        let after = judged(stage(), vec![socket(2), socket(5)]);
        assert_eq!(after.found[0].confidence, Confidence::Likely);
        let told = after.found[0].evidence.last().unwrap();
        assert_eq!(told.by_hand, "sed -n 2p LOGFILE");
        assert!(told.means.starts_with("the wording of this and 1 more line fits"), "{}", told.means);
    }

    #[test]
    fn a_failure_that_is_printed_again_says_nothing_of_other_causes() {
        let again = LogLine {
            replayed: true,
            ..line(
                9,
                Errno::ENOENT,
                "/nope",
                &["cargo-cached-failure", "tmpdir-missing"],
                &["private-tmp-deleted"],
            )
        };
        let diagnosis = judged(two(), vec![again]);
        assert!(
            diagnosis
                .found
                .iter()
                .filter(|f| f.id != RECORDED)
                .all(|f| { f.evidence.iter().all(|e| !e.source.starts_with("build log")) })
        );
    }

    #[test]
    fn what_is_ruled_out_now_says_what_the_log_says_of_then() {
        let full = line(3, Errno::ENOSPC, "/tmp/x", &["disk-full"], &["tmpdir-missing"]);
        let diagnosis = judged(Stage::healthy(), vec![full]);
        let because = |id: &str| &diagnosis.ruled_out.iter().find(|r| r.id == id).unwrap().because;
        assert!(
            because("disk-full").ends_with("line 3 of the build log fits it, so it may have been so then")
        );
        assert!(because("tmpdir-missing").ends_with("; line 3 of the build log excludes it too"));
        assert!(!because("emlink").contains("build log"));
    }
}
