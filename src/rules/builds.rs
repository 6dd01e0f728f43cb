//! The processes to which limits matter: runners, build processes, and those that the caller asked about; and those among
//! them that start again by themselves.
//!
//! Called by the rules about process limits, masks and paths. What a limit means is their business.

use crate::model::process::{Process, RoleKind};
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

/// Whether it is a server that the next client starts again when it needs it: ending it costs only what it does now.
pub fn is_on_demand(process: &Process) -> bool {
    let kind = process.role.as_ref().map(|role| role.kind);
    matches!(kind, Some(RoleKind::CacheServer | RoleKind::BuildDaemon))
}
