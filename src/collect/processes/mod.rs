//! The process table: one pass over procfs a look, with what did not change carried over from the look before.
//!
//! The list of pids is read twice, because a process can hide from one reading by leaving a position of the directory
//! that was not reached yet for one that was passed (CVE-2018-1121). Names of users and containers and marks of deletion
//! are settled later, when the mount tables are known. Called by `collect::Eyes`.

pub mod bounds;
pub(in crate::collect) mod fields;
mod gaps;
mod pass;
mod reader;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use crate::catalog::Catalog;
use crate::collect::budget::Until;
use crate::collect::environment;
use crate::collect::parse::stat::Image;
use crate::model::process::{Pid, Process, ProcessTable};
use crate::model::reading::{Gap, GapWhy, Reading, Strain};
use crate::model::units::{BootNanos, Entries, Micros};
use crate::sys::clock;
use crate::sys::procfile::{Proc, clock_ticks_per_second};
use pass::{Job, Pass};
pub use reader::DELETED;
use reader::{Kept, Reader};

/// How long processes in state D are waited for.
const PATIENCE: Duration = Duration::from_millis(300);

/// The process table and its memory.
#[derive(Debug, Default)]
pub struct Processes {
    /// The processes of the last look, as they were settled.
    last: BTreeMap<Pid, Arc<Process>>,
    /// Their images, and whether their text is still wanted.
    images: BTreeMap<Pid, (Image, bool)>,
    looks: u64,
}

/// What a look at the processes gave.
#[derive(Debug)]
pub struct Seen {
    /// The table.
    pub table: Reading<ProcessTable>,
    /// Processes in the list, kernel threads apart.
    pub listed: Entries,
    /// What the machine refused to us.
    pub strains: Vec<Strain>,
}

impl Processes {
    /// Looks at all processes.
    pub fn look(&mut self, proc: &Arc<Proc>, catalog: &Arc<Catalog>, own: Pid, until: Until<'_>) -> Seen {
        let watch = clock::Stopwatch::start();
        // A procfs shows at least us; where it shows nobody, something else is mounted there, or nothing.
        let first = proc.pids().map_err(GapWhy::from);
        let first = match first.and_then(|pids| if pids.is_empty() { Err(GapWhy::Absent) } else { Ok(pids) })
        {
            Ok(pids) => pids,
            Err(why) => {
                let remedy = (why == GapWhy::Absent).then(|| "mount -t proc proc /proc".to_owned());
                let gap = Gap { remedy, ..Gap::new("the list of processes", why) };
                let table = Reading::Blind { gap };
                return Seen { table, listed: Entries(0), strains: Vec::new() };
            }
        };
        self.looks += 1;
        let reader = Arc::new(self.reader(proc, catalog, own));
        let jobs = first.iter().map(|pid| Job { pid: *pid, kept: self.recall(*pid) });
        let mut pass = pass::run(&reader, jobs.collect(), until);
        if let Ok(second) = proc.pids() {
            let known: BTreeSet<Pid> = first.into_iter().collect();
            let late = second.into_iter().filter(|pid| !known.contains(pid));
            let jobs = late.map(|pid| Job { pid, kept: None }).collect();
            merge(&mut pass, pass::run(&reader, jobs, until));
        }
        ask_for_texts(&reader, &mut pass, until);
        self.report(pass, watch)
    }

    /// Takes note of the table once it is settled; without that the next look reads everything anew.
    pub fn remember(&mut self, table: &ProcessTable) {
        self.last.clone_from(&table.by_pid);
    }

    fn recall(&mut self, pid: Pid) -> Option<Kept> {
        let process = self.last.remove(&pid)?;
        let (image, wants_text) = self.images.get(&pid).copied()?;
        Some(Kept { process, image, wants_text })
    }

    fn reader(&self, proc: &Arc<Proc>, catalog: &Arc<Catalog>, own: Pid) -> Reader {
        Reader {
            proc: Arc::clone(proc),
            catalog: Arc::clone(catalog),
            own,
            look: self.looks,
            boot: BootNanos(clock::boot_nanos()),
            tick_nanos: 1_000_000_000 / clock_ticks_per_second().max(1),
        }
    }

    fn report(&mut self, mut pass: Pass, watch: clock::Stopwatch) -> Seen {
        let kept = std::mem::take(&mut pass.kept);
        self.images = kept.iter().map(|k| (k.process.pid, (k.image, k.wants_text))).collect();
        let by_pid: BTreeMap<_, _> = kept.into_iter().map(|k| (k.process.pid, k.process)).collect();
        self.last.clear();
        let tally = gaps::tally(by_pid.values().map(AsRef::as_ref), &pass);
        let table = ProcessTable { by_pid, read_whole: tally.whole };
        Seen {
            table: Reading::of(table, Micros(watch.micros()), tally.gaps),
            listed: tally.listed,
            strains: pass.strains,
        }
    }
}

fn merge(pass: &mut Pass, mut other: Pass) {
    pass.kept.append(&mut other.kept);
    for (why, count) in other.unseen {
        *pass.unseen.entry(why).or_default() += count;
    }
    pass.unreached += other.unreached;
    pass.strains.append(&mut other.strains);
}

/// Reads the texts that are still wanted, and lets a helper read what may block.
fn ask_for_texts(reader: &Reader, pass: &mut Pass, until: Until<'_>) {
    let mut buffer = Vec::new();
    for kept in pass.kept.iter_mut().filter(|kept| kept.wants_text) {
        // Where it has ended meanwhile, the helper finds that out too.
        reader.retry(kept, &mut buffer).ok();
    }
    let pids: Vec<Pid> = pass.kept.iter().filter(|k| k.wants_text).map(|k| k.process.pid).collect();
    let patience = PATIENCE.min(until.left() / 2);
    if pids.is_empty() || patience.is_zero() {
        return;
    }
    let (mut texts, strain) = environment::ask(&pids, &reader.catalog, patience, until.goes_on());
    pass.strains.extend(strain);
    for kept in pass.kept.iter_mut().filter(|kept| kept.wants_text) {
        let Some(text) = texts.remove(&kept.process.pid) else { continue };
        kept.wants_text = text.variables.is_err();
        reader.set_text(Arc::make_mut(&mut kept.process), text);
    }
}

#[cfg(test)]
mod tests;
