//! Processes that do not show what they hold, by name: whoever is told that something keeps his entries wants to know who.
//!
//! Kernel threads hold nothing. What has ended holds nothing either, unless only its first thread has: the others go on
//! with everything that is open, and the directory of the process shows none of it, only those of its threads do.

use std::os::fd::AsFd;

use super::claims::Claims;
use super::links::Links;
use crate::collect::claims::lives;
use crate::model::process::{Process, ProcessTable};
use crate::model::reading::{Gap, GapWhy};
use crate::model::surroundings::Stranger;
use crate::model::units::Entries;
use crate::sys::procfile::Proc;
use crate::sys::stat;

/// Names those of the table.
pub fn meet(proc: &Proc, table: &ProcessTable, links: &Links, claims: &mut Claims) {
    let mut headless = 0;
    let mut strangers = Vec::new();
    for process in table.by_pid.values() {
        let why = if links.headless.contains(&process.pid) {
            let is_hidden = !links.shows(process.pid);
            headless += u64::from(is_hidden);
            is_hidden.then_some(GapWhy::Absent)
        } else if lives(process) {
            hides(process)
        } else {
            None
        };
        strangers.extend(why.map(|why| named(proc, process, why)));
    }
    if headless > 0 {
        let plural = if headless == 1 { "process whose" } else { "processes whose" };
        let what = format!("open files of {} {plural} first thread has ended", Entries(headless));
        claims.unread(Gap::new(what, GapWhy::Absent));
    }
    claims.meet(strangers);
}

/// One that shows too little, by name.
pub fn named(proc: &Proc, process: &Process, why: GapWhy) -> Stranger {
    Stranger { uid: uid(proc, process), pid: process.pid, program: process.comm.shown(), why }
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

/// Its user; of one that has ended, whoever its directory belongs to.
fn uid(proc: &Proc, process: &Process) -> Option<u32> {
    let of_directory = || stat::of(proc.pid(process.pid).ok()?.as_fd()).ok().map(|found| found.uid);
    process.credentials.as_ref().map(|credentials| credentials.uid).ok().or_else(of_directory)
}
