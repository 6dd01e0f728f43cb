//! Limits of processes, and how much of them is used up: only of those to which they matter.
//!
//! Builds and runners are read in the pass over all processes, by `fill`. Those that the caller asked about are known
//! only once units and users are resolved; [`settle`] adds them. For everybody else the two reads would be a tenth of the
//! whole pass, and no rule asks for them.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::collect::parse::{limits, quote};
use crate::collect::processes::reader::PIECE_MAX;
use crate::model::process::{Limits, Pid, Process, ProcessTable};
use crate::model::reading::{GapWhy, Seen};
use crate::model::units::Entries;
use crate::sys::procfile::{PidDir, Proc};

/// Reads the limits of a process and how many descriptors it has.
pub(super) fn fill(process: &mut Process, dir: &PidDir, buffer: &mut Vec<u8>) {
    process.limits = resource_limits(dir, buffer);
    process.open_files = open_files(dir);
}

/// The same for processes that were asked about, and for those whose part was known only after the pass.
pub fn settle(proc: &Proc, processes: &mut ProcessTable, asked: &BTreeSet<Pid>) {
    let mut buffer = Vec::new();
    for process in processes.by_pid.values_mut().filter(|process| is_left(process, asked)) {
        let Ok(dir) = proc.pid(process.pid) else { continue };
        let (limits, open_files) = (resource_limits(&dir, &mut buffer), open_files(&dir));
        // Most of the time nothing moved, and then the process stays shared with the look before.
        if (&process.limits, &process.open_files) != (&limits, &open_files) {
            let process = Arc::make_mut(process);
            (process.limits, process.open_files) = (limits, open_files);
        }
    }
}

fn is_left(process: &Process, asked: &BTreeSet<Pid>) -> bool {
    let is_unread = process.is_build() && process.limits == Err(GapWhy::NotAsked);
    let is_asked = asked.contains(&process.pid) && !process.is_build();
    (is_unread || is_asked) && process.limits != Err(GapWhy::Absent)
}

fn open_files(dir: &PidDir) -> Seen<Entries> {
    Ok(Entries(dir.fd_count()?))
}

fn resource_limits(dir: &PidDir, buffer: &mut Vec<u8>) -> Seen<Limits> {
    dir.read_piece("limits", PIECE_MAX, buffer)?;
    limits::parse(buffer).ok_or_else(|| GapWhy::Malformed { line: quote(buffer) })
}
