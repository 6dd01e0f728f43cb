//! Tells an old failure that is printed again from a new one.
//!
//! Temp names end in six random letters and digits, so a name that comes back was not made again: somebody printed a
//! recorded message. Cargo does that for failed queries of the compiler (`target/.rustc_info.json`). The same name twice
//! within one report of one failure is only nesting (`Caused by:`), so a new attempt must lie between the two.

use std::collections::BTreeMap;

use super::clean::Line;

/// Seconds between two CI time stamps from which the second line is no part of the first one's report.
const APART_S: u32 = 2;

/// The random names seen so far.
#[derive(Debug, Default)]
pub(super) struct Replays {
    seen: BTreeMap<String, Sighting>,
    /// How many attempts to build have begun.
    attempts: u64,
    /// The name seen last.
    last: Option<String>,
}

#[derive(Debug)]
struct Sighting {
    line: u64,
    attempt: u64,
    second: Option<u32>,
}

impl Replays {
    /// Takes note of a line that is no failure itself and may begin another attempt.
    pub(super) fn pass(&mut self, line: Line<'_>) {
        if begins_attempt(line) {
            self.attempts += 1;
        }
    }

    /// The line in which the name stood first, if this is a report of its own.
    pub(super) fn see(&mut self, name: &str, line: u64, stamp: Option<&str>) -> Option<u64> {
        if self.last.as_deref().is_some_and(|last| last != name) {
            self.attempts += 1;
        }
        self.last = Some(name.to_owned());
        let second = stamp.and_then(second_of_day);
        if let Some(first) = self.seen.get(name) {
            let later = first.second.zip(second).is_some_and(|(a, b)| apart(a, b) >= APART_S);
            return (first.attempt != self.attempts || later).then_some(first.line);
        }
        self.seen.insert(name.to_owned(), Sighting { line, attempt: self.attempts, second });
        None
    }
}

/// Lines by which CI systems, shells, make and cargo show that something else begins or has ended.
fn begins_attempt(line: Line<'_>) -> bool {
    const ANYWHERE: &[&str] = &[
        "Compiling ",
        "Checking ",
        "Updating ",
        "Finished ",
        "Blocking waiting",
        "##[group]",
        "::group::",
        "[command]",
        "Run cargo",
        "+ cargo",
        "$ cargo",
        "+ just",
        "$ just",
        "+ make",
        "$ make",
        "make: ***",
        "Process completed with exit code",
        "error: could not compile",
        "error: Recipe",
        "Exited with",
        "exited with code",
        "Attempt ",
        "Retry",
    ];
    let top_level_error = !line.indented && line.body.starts_with("error: ");
    // Asked of every line of a log, so the first byte decides mostly.
    let first = line.body.as_bytes().first();
    top_level_error
        || ANYWHERE.iter().any(|word| word.as_bytes().first() == first && line.body.starts_with(word))
}

/// Seconds since midnight of a time stamp, whatever stands before and after its clock.
fn second_of_day(stamp: &str) -> Option<u32> {
    let clock = stamp.rsplit(['T', ' ']).next()?;
    let mut parts = clock.splitn(3, ':');
    let number = |part: Option<&str>| part?.get(..2)?.parse::<u32>().ok();
    let (hours, minutes, seconds) = (number(parts.next())?, number(parts.next())?, number(parts.next())?);
    Some(hours * 3600 + minutes * 60 + seconds)
}

fn apart(one: u32, other: u32) -> u32 {
    let straight = one.abs_diff(other);
    straight.min(86_400_u32.saturating_sub(straight))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_comes_back_in_another_attempt_is_old() {
        let mut replays = Replays::default();
        assert_eq!(replays.see("sccachePgVrVp", 3, None), None);
        replays.pass(Line {
            stamp: None,
            body: "error: process didn't exit successfully: `sccache rustc -vV`",
            indented: false,
        });
        assert_eq!(replays.see("sccachePgVrVp", 9, None), Some(3));
    }

    #[test]
    fn a_name_that_is_nested_in_one_report_is_not() {
        let mut replays = Replays::default();
        assert_eq!(replays.see("sccachePgVrVp", 3, Some("20:40:00.1")), None);
        replays.pass(Line { stamp: None, body: "Caused by:", indented: false });
        replays.pass(Line { stamp: None, body: "process didn't exit successfully", indented: true });
        assert_eq!(replays.see("sccachePgVrVp", 6, Some("20:40:00.9")), None);
    }

    #[test]
    fn other_failures_and_time_lie_between_too() {
        let mut replays = Replays::default();
        assert_eq!(replays.see("rustcAAAAAA", 1, None), None);
        assert_eq!(replays.see("rustcBBBBBB", 2, None), None);
        assert_eq!(replays.see("rustcAAAAAA", 3, None), Some(1));
        let mut replays = Replays::default();
        assert_eq!(replays.see("rustcAAAAAA", 1, Some("2026-01-22T23:59:59Z")), None);
        assert_eq!(replays.see("rustcAAAAAA", 2, Some("2026-01-23T00:00:05Z")), Some(1));
    }
}
