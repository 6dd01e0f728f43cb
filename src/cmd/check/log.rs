//! The build log that a check judges with.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::os::fd::AsFd;
use std::path::Path;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{FileType, Mode, OFlags};

use crate::cmd::Refusal;
use crate::collect::build_log;
use crate::model::errno::Errno;
use crate::model::log_line::LogLine;
use crate::model::raw_path::RawPath;
use crate::model::reading::{Gap, GapWhy};
use crate::model::units::{Entries, Millis};
use crate::sys::clock::Stopwatch;

/// More than any build writes; beyond it the log is cut, and that is said.
const MAX_BYTES: u64 = 512 << 20;

/// The failing lines of a log; `-` is standard input. A log that does not end in time is judged as far as it came.
///
/// # Errors
/// A log that cannot be opened or read.
pub fn read(path: &Path, deadline: Duration, gaps: &mut Vec<Gap>) -> anyhow::Result<Vec<LogLine>> {
    let name = RawPath::from(path.as_os_str());
    let refuse = |errno: Errno| {
        let what = format!("cannot read the build log `{name}`: {}", errno.text());
        match errno {
            Errno::EACCES | Errno::EPERM => Refusal::permission(format!("{what}; its owner or root may")),
            _ => Refusal::usage(format!("{what}; name a file, or `-` and send it to standard input")),
        }
    };
    let file = open(path).map_err(|why| refuse(Errno::from(why)))?;
    let mut input = Patient { file, watch: Stopwatch::start(), deadline, left: MAX_BYTES, end: End::Whole };
    let lines = build_log::read(BufReader::with_capacity(256 << 10, &mut input));
    match input.end {
        End::Whole => {}
        End::Late => {
            let after = Millis(u64::try_from(deadline.as_millis()).unwrap_or(u64::MAX));
            gaps.push(Gap {
                remedy: Some("give it a log that is complete, or a longer --deadline".to_owned()),
                ..Gap::new(format!("the rest of the build log {name}"), GapWhy::Hung { after })
            });
        }
        End::Cut => {
            let seen = Entries(MAX_BYTES);
            gaps.push(Gap::new(format!("the rest of the build log {name}"), GapWhy::OverBudget { seen }));
        }
        End::Failed(errno) => return Err(refuse(errno)),
    }
    Ok(lines)
}

/// Opening a FIFO waits for its writer, so it is opened without waiting; reading waits by poll(2).
fn open(path: &Path) -> io::Result<File> {
    if path.as_os_str() == "-" {
        return Ok(rustix::stdio::stdin().try_clone_to_owned()?.into());
    }
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let fd = rustix::fs::open(path, flags, Mode::empty())?;
    if FileType::from_raw_mode(rustix::fs::fstat(&fd)?.st_mode) == FileType::Directory {
        return Err(rustix::io::Errno::ISDIR.into());
    }
    Ok(fd.into())
}

/// How the input ended.
enum End {
    Whole,
    Late,
    Cut,
    Failed(Errno),
}

/// A reader that waits until the deadline and then says that this is the end.
struct Patient {
    file: File,
    watch: Stopwatch,
    deadline: Duration,
    left: u64,
    end: End,
}

impl Read for Patient {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            self.end = End::Cut;
            return Ok(0);
        }
        loop {
            if !self.wait() {
                self.end = End::Late;
                return Ok(0);
            }
            match self.file.read(buffer) {
                Ok(n) => {
                    self.left = self.left.saturating_sub(n as u64);
                    return Ok(n);
                }
                Err(why) if matches!(why.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
                Err(why) => {
                    self.end = End::Failed(Errno::from(why));
                    return Ok(0);
                }
            }
        }
    }
}

impl Patient {
    fn wait(&self) -> bool {
        let left = self.watch.left_of(self.deadline);
        let timeout = Timespec {
            tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: i64::from(left.subsec_nanos()),
        };
        let mut ready = [PollFd::from_borrowed_fd(self.file.as_fd(), PollFlags::IN)];
        poll(&mut ready, Some(&timeout)).is_ok_and(|count| count > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::finding::Diagnosis;
    use crate::model::thresholds::Thresholds;
    use crate::rules::diagnose;
    use crate::rules::stage::{Life, Stage};

    /// A machine with two grave faults: a runner whose private /tmp is dead, and one whose TMPDIR is missing.
    fn judged(log: &str) -> Diagnosis {
        let mut stage = Stage::healthy()
            .runner(41, "r@1.service")
            .private_tmp(41, "/tmp", Life::Dead)
            .runner(42, "r@2.service")
            .variable(42, "TMPDIR", "/nope")
            .stops(42, "/nope", "/nope", Errno::ENOENT);
        stage.now.log = build_log::read(log.as_bytes());
        diagnose(&stage.now, None, &Thresholds::default())
    }

    fn first(log: &str) -> String {
        judged(log).found[0].id.clone()
    }

    #[test]
    fn the_words_of_go_tell_a_missing_directory_from_a_dead_one() {
        assert_eq!(first("go: creating work dir: stat /nope: no such file or directory\n"), "tmpdir-missing");
        assert_eq!(
            first("go: creating work dir: mkdir /tmp/go-build12: no such file or directory\n"),
            "private-tmp-deleted"
        );
    }

    #[test]
    fn scratch_below_target_speaks_against_every_cause_that_a_tmpdir_could_heal() {
        let log = "error: couldn't create a temp dir: No such file or directory (os error 2) at path \"/w/target/debug/deps/rmetaA1b2C3\"\n";
        for finding in
            judged(log).found.iter().filter(|f| f.severity == crate::model::finding::Severity::Critical)
        {
            let told = finding.evidence.last().unwrap();
            assert_eq!(told.source, "build log, line 1", "{}", finding.id);
            assert!(
                told.means.contains("excludes this") && told.means.contains("no TMPDIR will help"),
                "{}",
                told.means
            );
        }
    }

    #[test]
    fn the_same_random_suffix_twice_is_an_old_failure() {
        let query = concat!(
            "error: process didn't exit successfully: `/usr/bin/sccache /usr/bin/rustc -vV` (exit status: 2)\n--- stderr\n",
            "sccache: error: No such file or directory (os error 2) at path \"/nope/sccachePgVrVp\"\n\n",
        );
        let has_old = |log: &str| judged(log).found.iter().any(|f| f.id == "cargo-cached-failure");
        assert!(!has_old(query), "the first time it may be new");
        assert!(has_old(&query.repeat(2)));
    }

    #[test]
    fn a_log_of_a_full_disk_is_remembered_where_the_disk_has_room_again() {
        let diagnosis = judged(
            "error: failed to write /tmp/rustcA1b2C3/lib.rmeta: No space left on device (os error 28)\n",
        );
        let disk = diagnosis.ruled_out.iter().find(|r| r.id == "disk-full").unwrap();
        assert!(
            disk.because.ends_with("line 1 of the build log fits it, so it may have been so then"),
            "{}",
            disk.because
        );
    }
}
