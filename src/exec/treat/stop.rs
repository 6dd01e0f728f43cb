//! Ending a process, and no other one.

use std::time::Duration;

use rustix::process::Signal;

use super::ledger::Refused;
use super::way;
use crate::model::raw_path::RawPath;
use crate::model::treatment::Whom;
use crate::sys::namespace::Status;

/// A file of procfs with one number per supplementary group.
const STATUS: usize = 1 << 20;
/// After SIGKILL only a process that the kernel holds (state D) lives on.
const AFTER_KILL: Duration = Duration::from_secs(5);

/// What happens to a process that does not end by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Force {
    /// It is killed.
    AtLast,
    /// It lives on.
    Never,
}

/// SIGTERM, a wait, and SIGKILL where that was planned. Says how it went.
pub fn stop(
    whom: Whom,
    seen: (u32, Option<&RawPath>),
    patience: Duration,
    force: Force,
) -> Result<String, Refused> {
    let (uid, exe) = seen;
    let held = way::hold(whom)?;
    let pid = whom.pid;
    let status = held.dir.read("status", STATUS).map_err(Refused::at(format!("cannot look at pid {pid}")))?;
    let now = Status::parse(&status).map(|status| status.users.files);
    if now != Some(uid) {
        return Err(Refused::Kept(format!("pid {pid} does not run as uid {uid} any more")));
    }
    if let Some(exe) = exe {
        let link =
            held.dir.link("exe").map_err(Refused::at(format!("cannot look at the program of pid {pid}")))?;
        let rest = link.strip_prefix(exe.as_bytes());
        if !rest.is_some_and(|rest| rest.is_empty() || rest == b" (deleted)") {
            return Err(Refused::Kept(format!(
                "pid {pid} runs another program by now: {}",
                RawPath::new(link).shown()
            )));
        }
    }
    let trouble = || Refused::at(format!("cannot signal pid {pid}"));
    held.pidfd.signal(Signal::TERM).map_err(trouble())?;
    let waiting = || Refused::at(format!("cannot wait for pid {pid}"));
    if held.pidfd.has_ended_within(patience).map_err(waiting())? {
        return Ok(format!("pid {pid} has ended by itself"));
    }
    let seconds = patience.as_secs();
    if force == Force::Never {
        return Err(Refused::Failed(None, format!("pid {pid} still runs {seconds} s after SIGTERM")));
    }
    held.pidfd.signal(Signal::KILL).map_err(trouble())?;
    if held.pidfd.has_ended_within(AFTER_KILL).map_err(waiting())? {
        return Ok(format!("pid {pid} did not end within {seconds} s and was killed"));
    }
    Err(Refused::Failed(None, format!("pid {pid} is held by the kernel (state D): not even SIGKILL ends it")))
}
