//! Which process holds what in the temp dirs, and which deleted files keep room on their file systems.
//!
//! One pass over the descriptors and mappings of every process, by two threads where a second can be made, within a
//! deadline. Working directories, roots and programs were read with the process table already. Called by `collect`.

mod crew;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use crate::collect::held::{Coverage, Held};
use crate::collect::locks;
use crate::collect::named_sockets;
use crate::collect::open_files::Wanted;
use crate::collect::owners;
use crate::collect::sightings::{self, Sights};
use crate::model::holder::{Holders, Holding, How};
use crate::model::mount::{Device, MountNamespace};
use crate::model::process::{Pid, Place, Process, ProcessTable};
use crate::model::raw_path::RawPath;
use crate::model::reading::{Gap, GapWhy, Reading};
use crate::model::temp_dir::TempDir;
use crate::model::units::{Entries, Micros};
use crate::model::vantage::Vantage;
use crate::sys::clock::Stopwatch;
use crate::sys::{dirfd, stat};
use crew::{Catch, Crew, Jobs};

/// More holds than this are no list that anybody reads, and memory is limited.
const HOLDINGS_MAX: usize = 100_000;

/// Where to look.
pub struct Search<'a> {
    /// The processes.
    pub table: &'a ProcessTable,
    /// Their mount tables.
    pub namespaces: &'a [MountNamespace],
    /// The vantages by which the temp dirs were found.
    pub vantages: &'a [Vantage],
    /// The temp dirs.
    pub dirs: &'a [TempDir],
    /// How long it may take.
    pub deadline: Duration,
}

/// What was found.
#[derive(Debug)]
pub struct Found {
    /// For the snapshot.
    pub holders: Reading<Holders>,
    /// How many descriptors each process has open, where that could be read.
    pub open_files: BTreeMap<Pid, Entries>,
    /// Which entries are held.
    pub held: Held,
    /// Whether every process of the table could be read.
    pub coverage: Coverage,
}

/// Looks at every process.
pub fn find(search: &Search<'_>) -> Found {
    let watch = Stopwatch::start();
    let proc = match dirfd::open_trusted_dir(b"/proc") {
        Ok(proc) => proc,
        Err(error) => return blind(error),
    };
    let sights = sightings::sights(search.namespaces, search.vantages, search.dirs);
    let jobs = Jobs::new(search, sights);
    let mut from_table = held_by_links(search, &jobs, proc.as_fd());
    let wanted = Wanted {
        devices: search.dirs.iter().map(|d| (d.identity.device.major, d.identity.device.minor)).collect(),
        sockets: named_sockets::in_temp_dirs(proc.as_fd(), search.table, &jobs.sights),
        everything: false,
    };
    let crew = Crew { proc, jobs, wanted, next: AtomicUsize::new(0), watch, deadline: search.deadline };
    let mut catch = Crew::work(&Arc::new(crew));
    catch.haul.holdings.append(&mut from_table);
    let sources = sightings::mount_sources(search.namespaces, search.vantages, search.dirs);
    catch.haul.holdings.extend(sources);
    locks::add(search.table, &mut catch.haul.holdings);
    catch.into_found(search, watch)
}

fn blind(error: io::Error) -> Found {
    Found {
        holders: Reading::Blind { gap: Gap::new("open files of all processes", error.into()) },
        open_files: BTreeMap::new(),
        held: Held::default(),
        coverage: Coverage::Some,
    }
}

/// Working directory, root and program, which the table knows.
fn held_by_links(search: &Search<'_>, jobs: &Jobs, proc: BorrowedFd<'_>) -> Vec<(Holding, usize)> {
    let mut found = Vec::new();
    for (pid, at) in &jobs.pids {
        let Some((process, sights)) = search.table.get(*pid).zip(jobs.sights.get(*at)) else { continue };
        let Process { cwd, root, exe, .. } = process;
        for (how, place) in [(How::Cwd, cwd), (How::Root, root), (How::Exe, exe)] {
            let Ok(Place { path, deleted }) = place else { continue };
            let Some((temp_dir, dir)) = sights.holding(path.as_bytes()) else { continue };
            let holding = Holding {
                pid: *pid,
                how,
                path: path.clone(),
                object: linked_object(proc, (*pid, how), path, sights),
                deleted: *deleted,
                pins: None,
                temp_dir: temp_dir.clone(),
            };
            found.push((holding, dir));
        }
    }
    found
}

/// What a link of a process leads to, where asking cannot hang: its device tells whether a later mount hides it.
fn linked_object(
    proc: BorrowedFd<'_>,
    (pid, how): (Pid, How),
    path: &RawPath,
    sights: &Sights,
) -> Option<(Device, u64)> {
    if sights.is_doubtful(path) {
        return None;
    }
    let stat = stat::through_magic(proc, format!("{pid}/{}", how.word()).as_bytes()).ok()?;
    Some((owners::device(stat.device), stat.inode))
}

impl Catch {
    fn into_found(mut self, search: &Search<'_>, watch: Stopwatch) -> Found {
        let mut gaps = self.gaps();
        let coverage = if gaps.is_empty() { Coverage::All } else { Coverage::Some };
        let mut held = Held::default();
        for (holding, dir) in &self.haul.holdings {
            if let Some(dir) = search.dirs.get(*dir) {
                held.note(dir, holding);
            }
        }
        let all: BTreeSet<Holding> =
            std::mem::take(&mut self.haul.holdings).into_iter().map(|(h, _)| h).collect();
        if all.len() > HOLDINGS_MAX {
            let seen = Entries(u64::try_from(HOLDINGS_MAX).unwrap_or(u64::MAX));
            gaps.push(Gap::new("list of holds", GapWhy::OverBudget { seen }));
        }
        let holdings = all.into_iter().take(HOLDINGS_MAX).collect();
        let mut pinned = std::mem::take(&mut self.haul.pinned);
        pinned.sort_by_key(|p| (std::cmp::Reverse(p.bytes), p.pid, p.device));
        let open_files = self.haul.open_files.iter().map(|(pid, count)| (*pid, Entries(*count))).collect();
        let holders = Reading::of(Holders { holdings, pinned }, Micros(watch.micros()), gaps);
        Found { holders, open_files, held, coverage }
    }
}

#[cfg(test)]
mod tests;
