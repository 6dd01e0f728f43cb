//! Programs of the system, run to their end: by absolute path, with nothing of our environment, within a deadline.
//!
//! Called by `exec`, whose callers are root: a PATH, LD_PRELOAD or working directory of theirs must not choose what runs.

use std::io::{self, Read};
use std::os::fd::AsFd;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};

use super::pidfd::Pidfd;

/// What is kept of what it says.
const TALK: u64 = 4096;

/// How it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Its exit code; `None` where a signal ended it.
    pub code: Option<i32>,
    /// What it said on standard error.
    pub talk: Vec<u8>,
    /// What it printed: a few lines, or it waits for a reader that never comes.
    pub said: Vec<u8>,
}

/// Runs the first of these files that exists, and waits for it.
///
/// # Errors
/// ENOENT where none exists; `TimedOut` where it did not end in time, and was killed.
#[expect(clippy::disallowed_methods, reason = "the one place that runs programs of the system")]
pub fn run(files: &[&str], arguments: &[&str], patience: Duration) -> io::Result<Ended> {
    let mut missing = io::Error::from(io::ErrorKind::NotFound);
    for file in files {
        let mut command = Command::new(file);
        command.args(arguments).env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("LC_ALL", "C");
        command.current_dir("/").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        match command.spawn() {
            Ok(child) => return wait(child, patience),
            Err(error) if error.kind() == io::ErrorKind::NotFound => missing = error,
            Err(error) => return Err(error),
        }
    }
    Err(missing)
}

fn wait(mut child: std::process::Child, patience: Duration) -> io::Result<Ended> {
    if !Pidfd::open(child.id())?.has_ended_within(patience)? {
        child.kill()?;
        child.wait()?;
        return Err(io::ErrorKind::TimedOut.into());
    }
    let code = child.wait()?.code();
    let talk = child.stderr.take().map(rest).transpose()?.unwrap_or_default();
    let said = child.stdout.take().map(rest).transpose()?.unwrap_or_default();
    Ok(Ended { code, talk, said })
}

/// What is in a pipe now: whatever the program left running may hold it open.
fn rest(pipe: impl Read + AsFd) -> io::Result<Vec<u8>> {
    fcntl_setfl(&pipe, fcntl_getfl(&pipe)? | OFlags::NONBLOCK)?;
    let mut bytes = Vec::new();
    match pipe.take(TALK).read_to_end(&mut bytes) {
        Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
        _ => Ok(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_the_code_and_the_complaint_and_nothing_of_our_environment() {
        let script = "echo \"$HOME$CARGO_PKG_NAME in $PWD\" >&2; echo yes; exit 7";
        let ended = run(&["/no/such", "/bin/sh"], &["-c", script], Duration::from_secs(10)).unwrap();
        assert_eq!((ended.code, &*ended.talk), (Some(7), &b" in /\n"[..]));
        assert_eq!(&*ended.said, b"yes\n");
    }

    #[test]
    fn what_does_not_end_is_killed() {
        let error = run(&["/bin/sleep"], &["600"], Duration::from_millis(20)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        let none = run(&["/no/such"], &[], Duration::from_secs(1)).unwrap_err();
        assert_eq!(none.kind(), io::ErrorKind::NotFound);
    }
}
