//! Reads a build log: which lines failed for want of a temp dir, and what their wording says.
//!
//! A log is bytes of any size: it is streamed, lines are capped, escapes and CI prefixes are taken off, and only lines
//! with a telling word are looked at twice. `failure` takes a line apart, `wordings` and `errors` hold what it means,
//! `header` joins failures that are told over several lines, `replay` finds old ones printed again, `across` lets lines
//! speak for each other. Called by `cmd` for `--log`; nothing is opened here.

mod across;
mod causes;
mod clean;
mod errno;
mod errors;
mod failure;
mod header;
mod lines;
mod meaning;
mod path;
mod replay;
#[cfg(test)]
#[rustfmt::skip]
mod samples;
mod tool;
mod triage;
mod wordings;

use std::io::BufRead;

use across::Oracle;
use clean::Line;
use failure::Failure;
use header::{Header, Joined};
use meaning::Meaning;
use replay::Replays;
use tool::Tool;

use crate::model::errno::Errno;
use crate::model::log_line::LogLine;
use crate::model::raw_path::RawPath;

/// More failing lines than a person reads; beyond it the log says nothing new.
const MAX_HITS: usize = 10_000;
/// How much of a failing line is kept.
const MAX_TEXT: usize = 4 << 10;

/// The failing lines of a log, in its order. A read error ends the log where it occurs.
pub fn read(input: impl BufRead) -> Vec<LogLine> {
    let mut reader = Reader::default();
    lines::for_each(input, |number, line| reader.take(number, line));
    reader.finish()
}

/// A failing line, with what its neighbours need to know of it.
#[derive(Debug)]
struct Hit {
    log: LogLine,
    tool: Tool,
    /// The directory in which something was to be made.
    dir: String,
    /// Whether that was a temp file or directory.
    makes_temp: bool,
    oracle: Option<Oracle>,
}

#[derive(Debug, Default)]
struct Reader {
    hits: Vec<Hit>,
    header: Option<Header>,
    replays: Replays,
}

/// Where a text stands.
#[derive(Clone, Copy, Debug)]
struct Spot<'a> {
    number: u64,
    stamp: Option<&'a str>,
    /// The line without escapes.
    raw: &'a [u8],
}

impl Reader {
    fn take(&mut self, number: u64, line: &[u8]) {
        if triage::is_script_echo(line) {
            return;
        }
        let plain = clean::without_escapes(line);
        // Progress bars overwrite themselves: each turn is a text of its own.
        for raw in plain.split(|b| *b == b'\r') {
            let text = clean::text(raw);
            let line = Line::of(&text);
            if !line.body.is_empty() {
                self.line(Spot { number, stamp: line.stamp, raw }, line);
            }
        }
    }

    fn line(&mut self, spot: Spot<'_>, line: Line<'_>) {
        if !triage::may_fail(line.body) || !self.failing(spot, line) {
            self.replays.pass(line);
        }
        if let Some(expired) = self.header.take_if(|header| !header.lives_at(spot.number)) {
            self.flush(&expired);
        }
    }

    /// Whether the line was taken as a failure.
    fn failing(&mut self, spot: Spot<'_>, line: Line<'_>) -> bool {
        let failure = Failure::of(line.body);
        if failure.errno.is_none() && header::opens(line.body) {
            self.open(spot, line);
            return false;
        }
        let joined = self.header.as_mut().map_or(Joined::Alone, |header| header.join(&failure));
        match joined {
            Joined::Alone => self.push(spot, &failure),
            Joined::Under { in_query, tool } => self.push(spot, &Failure { tool, in_query, ..failure }),
            Joined::Cause => {
                let Some(header) = self.header.take() else { return false };
                self.push_header(&header, failure.errno)
            }
        }
    }

    /// A failure whose error stands in a later line begins here, or goes on.
    fn open(&mut self, spot: Spot<'_>, line: Line<'_>) {
        match &mut self.header {
            Some(header) if line.indented || !line.body.starts_with("error") => header.deepen(line.body),
            _ => {
                let next = Header::new(spot.number, line.body, spot.raw);
                if let Some(former) = self.header.replace(next) {
                    self.flush(&former);
                }
            }
        }
    }

    /// A header that found no error below it: some say enough by themselves.
    fn flush(&mut self, header: &Header) {
        if !header.used() {
            self.push_header(header, None);
        }
    }

    fn push_header(&mut self, header: &Header, errno: Option<Errno>) -> bool {
        let spot = Spot { number: header.number(), stamp: None, raw: header.raw() };
        self.push(spot, &Failure { errno, ..header.failure() })
    }

    fn push(&mut self, spot: Spot<'_>, failure: &Failure<'_>) -> bool {
        let Some(meaning) = meaning::of(failure) else { return false };
        if self.hits.len() >= MAX_HITS {
            return true;
        }
        let name = path::random_suffix(failure.path_text());
        let first = name.and_then(|name| self.replays.see(name, spot.number, spot.stamp));
        let mut log = log_line(spot, failure, meaning);
        if let (Some(line), Some(name)) = (first, name) {
            mark_replayed(&mut log, name, line);
        }
        self.hits.push(Hit {
            log,
            tool: failure.tool,
            dir: failure.dir().to_owned(),
            makes_temp: meaning::makes_temp(failure),
            oracle: meaning::oracle(failure),
        });
        true
    }

    fn finish(mut self) -> Vec<LogLine> {
        if let Some(header) = self.header.take() {
            self.flush(&header);
        }
        // A header is known only after its causes; a failing line belongs where it stands.
        self.hits.sort_by_key(|hit| hit.log.line);
        across::judge(&mut self.hits);
        self.hits.into_iter().map(|hit| hit.log).collect()
    }
}

fn log_line(spot: Spot<'_>, failure: &Failure<'_>, meaning: Meaning) -> LogLine {
    let owned = |ids: Vec<&str>| ids.into_iter().map(str::to_owned).collect();
    LogLine {
        line: spot.number,
        tool: failure.tool.name().to_owned(),
        errno: failure.errno,
        path: failure.path.map(|path| RawPath::new(clean::bytes(path))),
        replayed: false,
        means: meaning.means.to_owned(),
        points_to: owned(meaning.points_to),
        excludes: owned(meaning.excludes),
        text: RawPath::new(spot.raw.get(..MAX_TEXT).unwrap_or(spot.raw)),
    }
}

/// A random name does not come twice: whatever the wording says, this is a recorded message.
///
/// Cargo records what its queries of the compiler say, and only those: they make temp dirs through a wrapper and never
/// by rustc itself. Whatever else comes twice was printed twice, by a summary at the end of a job for instance.
fn mark_replayed(log: &mut LogLine, name: &str, line: u64) {
    const RECORDED: &str = "cargo-cached-failure";
    log.replayed = true;
    log.means = format!(
        "an old failure printed again: the random name {name} stood in line {line} already, so nothing was tried anew"
    );
    if log.points_to.iter().any(|id| id == RECORDED) {
        log.points_to.retain(|id| id != RECORDED);
        log.points_to.insert(0, RECORDED.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_log_makes_it_panic(log: Vec<u8>) {
            read(log.as_slice());
        }

        #[test]
        fn no_log_of_telling_words_makes_it_panic(
            words in prop::collection::vec(
                prop::sample::select(vec![
                    "error: ", "failed to create directory ", "`", "'", "\"", "/tmp/rustcVAIpSt", "(os error ", "2)", "\n", "\r", " ",
                    "Caused by:", "  ", "sccache: ", "at path \"", "ENOENT: ", "mkdir ", "stat ", ": ", "no such file or directory",
                    "No space left on device", "\u{1b}[", "2026-01-22T20:40:00Z ", "[", "]", "[Errno ", "‘", "process didn't exit successfully",
                ]),
                0..40,
            )
        ) {
            read(words.concat().as_bytes());
        }
    }
}
