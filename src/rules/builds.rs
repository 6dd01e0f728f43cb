//! The processes to which limits matter: runners, build processes, and those that the caller asked about.
//!
//! Called by the rules about process limits, masks and paths. What a limit means is their business.

use crate::model::process::Process;
use crate::model::snapshot::Snapshot;

/// Runners, build processes and asked ones, by pid; kernel threads and zombies have no limits that matter.
pub fn of(now: &Snapshot) -> Vec<&Process> {
    let lives = |p: &&Process| !p.kernel && p.state != 'Z';
    now.all_processes().filter(|p| p.is_build() || now.asked.pids.contains(&p.pid)).filter(lives).collect()
}

/// "3 runner and build processes" for a text that rules something out.
pub fn counted(processes: &[&Process]) -> String {
    match processes.len() {
        0 => "no runner or build process lives now".to_owned(),
        1 => "1 runner or build process".to_owned(),
        n => format!("{n} runner and build processes"),
    }
}
