//! Processes that do not show what they hold, by name: whoever is told that something keeps his entries wants to know who.
//!
//! Kernel threads hold nothing. What has ended holds nothing either, unless only its first thread has: the others go on
//! with everything that is open, and the directory of the process shows none of it.

use std::os::fd::AsFd;

use super::claims::Claims;
use crate::collect::claims::lives;
use crate::model::process::{Process, ProcessTable};
use crate::model::reading::{Gap, GapWhy, Seen};
use crate::model::surroundings::Stranger;
use crate::model::units::Entries;
use crate::sys::getdents::{Listing, PIECE};
use crate::sys::procfile::Proc;
use crate::sys::{dirfd, stat};

/// Names those of the table.
pub fn meet(proc: &Proc, table: &ProcessTable, claims: &mut Claims) {
    let mut headless = 0;
    let mut strangers = Vec::new();
    for process in table.by_pid.values() {
        let why = if lives(process) {
            hides(process)
        } else if !process.kernel && goes_on(proc, process) {
            headless += 1;
            Some(GapWhy::Absent)
        } else {
            None
        };
        strangers.extend(why.map(|why| Stranger {
            uid: uid(proc, process),
            pid: process.pid,
            program: process.comm.shown(),
            why,
        }));
    }
    if headless > 0 {
        let plural = if headless == 1 { "process whose" } else { "processes whose" };
        let what = format!("open files of {} {plural} first thread has ended", Entries(headless));
        claims.unread(Gap::new(what, GapWhy::Absent));
    }
    claims.meet(strangers);
}

/// Why it shows too little; what it does not have is shown.
fn hides(process: &Process) -> Option<GapWhy> {
    let why =
        |seen: Option<&GapWhy>| seen.filter(|why| !matches!(why, GapWhy::Absent | GapWhy::Vanished)).cloned();
    why(process.variables.as_ref().err())
        .or_else(|| why(process.root.as_ref().err()))
        .or_else(|| why(process.cwd.as_ref().err()))
        .or_else(|| why(process.exe.as_ref().err()))
}

/// Whether threads of it still run; where that cannot be told, they may.
fn goes_on(proc: &Proc, process: &Process) -> bool {
    let count = || {
        let dir = proc.pid(process.pid)?;
        let tasks = dirfd::open_procfs_listing(dir.as_fd(), b"task")?;
        let mut buffer = Vec::with_capacity(PIECE / 64);
        let mut listing = Listing::new(tasks.as_fd(), &mut buffer);
        let mut count = 0;
        while let Some(entry) = listing.next() {
            count += usize::from(!entry?.is_dot());
        }
        Ok(count)
    };
    let counted: Seen<usize> = count().map_err(|error: std::io::Error| error.into());
    counted.map_or_else(|why| why != GapWhy::Vanished, |count| count > 1)
}

/// Its user; of one that has ended, whoever its directory belongs to.
fn uid(proc: &Proc, process: &Process) -> Option<u32> {
    let of_directory = || stat::of(proc.pid(process.pid).ok()?.as_fd()).ok().map(|found| found.uid);
    process.credentials.as_ref().map(|credentials| credentials.uid).ok().or_else(of_directory)
}
