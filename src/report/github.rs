//! The report as workflow annotations, which GitHub, Forgejo and Gitea read from the log of a step.
//!
//! One line an annotation. The value of a property ends at `,` and `:`, a message at the end of the line, so both are
//! percent-escaped. Source: the toolkit of GitHub Actions, `packages/core/src/command.ts`.

use crate::model::finding::{Diagnosis, Finding, Severity, Status};
use crate::model::log_line::LogLine;
use crate::model::snapshot::Snapshot;
use crate::report::incomplete::incomplete;
use crate::report::{Options, safe};

/// The annotations: the verdict, each finding, each failing line of the log, what was not seen.
pub fn render(now: &Snapshot, diagnosis: &Diagnosis, options: &Options) -> String {
    let mut out = String::new();
    let level = match diagnosis.status {
        Status::Ok => "notice",
        Status::Warning | Status::Unknown => "warning",
        Status::Critical => "error",
    };
    let title = format!("tmpmedic {}", diagnosis.status.word());
    out.push_str(&annotation(level, &title, &safe(&diagnosis.headline)));
    for found in &diagnosis.found {
        out.push_str(&finding(found));
    }
    for line in &now.log {
        out.push_str(&log_line(line));
    }
    for item in incomplete(now, options) {
        let remedy = item.remedy.map_or_else(String::new, |remedy| format!("\n{remedy}"));
        out.push_str(&annotation(
            "notice",
            &format!("not seen: {}", item.what),
            &format!("{}{remedy}", item.reason),
        ));
    }
    out
}

fn finding(finding: &Finding) -> String {
    let level = match finding.severity {
        Severity::Critical => "error",
        Severity::Warning => "warning",
        Severity::Info => "notice",
    };
    let mut message = safe(&finding.title);
    if let Some(errno) = finding.errno {
        message.push_str(&format!("; {errno}"));
    }
    for fact in &finding.evidence {
        message.push_str(&format!("\n{}: {}", safe(&fact.source), fact.observed.shown()));
        message.push_str(&format!("\n  {}", safe(&fact.means)));
    }
    for action in &finding.actions {
        message.push_str(&format!("\nwhat helps: {}", safe(&action.title)));
        for command in action.by_hand.iter().flat_map(|c| c.lines()) {
            message.push_str(&format!("\n  {}", safe(command)));
        }
    }
    annotation(level, &safe(&finding.id), &message)
}

fn log_line(line: &LogLine) -> String {
    let replay = if line.replayed { "an old failure printed again: " } else { "" };
    let errno = line.errno.map_or_else(String::new, |errno| format!(" {}", errno.name()));
    let path = line.path.as_ref().map_or_else(String::new, |path| format!(" {path}"));
    let message = format!("{}{errno}{path}: {replay}{}", safe(&line.tool), safe(&line.means));
    annotation("notice", &format!("line {} of the build log", line.line), &message)
}

fn annotation(level: &str, title: &str, message: &str) -> String {
    format!("::{level} title={}::{}\n", property(title), data(message))
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn keeps_every_annotation_on_one_line() {
        let (now, diagnosis) = sample::sick();
        let text = render(&now, &diagnosis, &Options::default());
        assert!(text.lines().all(|line| line.starts_with("::")), "{text}");
        assert!(text.starts_with("::error title=tmpmedic critical::"), "{text}");
        assert!(
            text.contains("::error title=private-tmp-deleted::/tmp of forgejo-runner@1.service"),
            "{text}"
        );
    }

    #[test]
    fn nests_no_brackets_around_an_errno() {
        let (now, diagnosis) = sample::sick();
        let text = render(&now, &diagnosis, &Options::default());
        assert!(text.contains("; ENOENT (No such file or directory)"), "{text}");
        assert!(!text.contains("(ENOENT ("), "{text}");
    }

    #[test]
    fn escapes_what_would_end_a_property_or_a_line() {
        assert_eq!(
            annotation("error", "a:b,c%", "x\r\ny%: ,"),
            "::error title=a%3Ab%2Cc%25::x%0D%0Ay%25: ,\n"
        );
    }
}
