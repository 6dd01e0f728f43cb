//! The processes to which limits matter: runners, build processes, and those that the caller asked about.
//!
//! Called by the rules about process limits, masks and paths. What a limit means is their business.

use crate::model::process::{Pid, Process};
use crate::model::reading::{Gap, GapWhy};
use crate::model::snapshot::Snapshot;

/// Runners, build processes and asked ones, by pid; kernel threads and zombies have no limits that matter.
pub fn of(now: &Snapshot) -> Vec<&Process> {
    let lives = |p: &&Process| !p.kernel && p.state != 'Z';
    now.all_processes().filter(|p| p.is_build() || now.asked.pids.contains(&p.pid)).filter(lives).collect()
}

/// What kept the process list from being whole. Environments that may not be read, or belong to a process in state D, do not
/// hide limits, so those gaps are left out unless nothing at all was seen.
pub fn gaps(now: &Snapshot) -> Vec<Gap> {
    let blind = now.processes.value().is_none();
    let hides = |gap: &&Gap| !matches!(gap.why, GapWhy::Denied | GapWhy::Hung { .. } | GapWhy::Vanished);
    now.processes.gaps().iter().filter(|gap| blind || hides(gap)).cloned().collect()
}

/// One gap for all the processes whose field could not be read, by the reason of the first.
pub fn unread(what: &str, missing: &[(Pid, GapWhy)]) -> Option<Gap> {
    // A process that ended while we looked has no limits any more.
    let mut counted = missing.iter().filter(|(_, why)| *why != GapWhy::Vanished).peekable();
    let (pid, why) = counted.peek().copied()?.clone();
    let text = match counted.count() {
        1 => format!("{what} of process {pid}"),
        n => format!("{what} of {n} processes (first {pid})"),
    };
    Some(Gap::new(text, why))
}

/// "3 runner and build processes" for a text that rules something out.
pub fn counted(processes: &[&Process]) -> String {
    match processes.len() {
        0 => "no runner or build process lives now".to_owned(),
        1 => "1 runner or build process".to_owned(),
        n => format!("{n} runner and build processes"),
    }
}
