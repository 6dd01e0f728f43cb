//! The pass over the open files of every process: which are to be read, the threads that read them, what each brings back.

use std::collections::BTreeMap;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::Search;
use crate::collect::claims::lives;
use crate::collect::open_files::{Haul, Reader, Wanted};
use crate::collect::sightings::Sights;
use crate::model::errno::Errno;
use crate::model::process::{MountNs, Pid};
use crate::model::reading::{Gap, GapWhy};
use crate::model::units::Entries;
use crate::sys::clock::Stopwatch;
use crate::sys::crew;
use crate::sys::procfile::Proc;

/// How many processes a thread takes at once.
const BATCH: usize = 8;

/// The processes to read, each with the temp dirs that it sees.
pub(super) struct Jobs {
    /// Ascending by pid, with the position of its sights.
    pub(super) pids: Vec<(Pid, usize)>,
    pub(super) sights: Vec<Sights>,
    /// Processes whose namespace is not known.
    lost: u64,
}

impl Jobs {
    pub(super) fn new(search: &Search<'_>, by_namespace: BTreeMap<MountNs, Sights>) -> Self {
        let (ids, sights): (Vec<MountNs>, Vec<Sights>) = by_namespace.into_iter().unzip();
        let own = Proc::open(Path::new("/proc")).and_then(|proc| proc.own_pid()).ok();
        let mut jobs = Self { pids: Vec::new(), sights, lost: 0 };
        let others = search.table.by_pid.values().filter(|p| lives(p) && Some(p.pid) != own);
        for process in others {
            let at = process.mount_ns.as_ref().ok().and_then(|ns| ids.binary_search(ns).ok());
            match at {
                Some(at) => jobs.pids.push((process.pid, at)),
                None => jobs.lost += 1,
            }
        }
        jobs
    }
}

/// What the threads share.
pub(super) struct Crew {
    pub(super) proc: OwnedFd,
    pub(super) jobs: Jobs,
    pub(super) wanted: Wanted,
    pub(super) next: AtomicUsize,
    pub(super) watch: Stopwatch,
    pub(super) deadline: Duration,
}

/// What one thread brings back.
#[derive(Default)]
pub(super) struct Catch {
    pub(super) haul: Haul,
    denied: u64,
    read: u64,
    /// For want of descriptors; read again when the other thread has none open any more.
    again: Vec<(Pid, usize)>,
    left_out: u64,
    lost: u64,
}

impl Crew {
    /// Reads every process, with a second thread if one can be made.
    pub(super) fn work(crew: &Arc<Self>) -> Catch {
        let place = Arc::new(Mutex::new(None));
        let (theirs, other) = (Arc::clone(crew), Arc::clone(&place));
        let is_large = crew.jobs.pids.len() > 4 * BATCH;
        let thread = is_large.then(|| {
            crew::spawn("holders", move || {
                let catch = theirs.read_batches();
                if let Ok(mut place) = other.lock() {
                    *place = Some(catch);
                }
            })
        });
        let mut catch = crew.read_batches();
        if let Some(Ok(thread)) = thread {
            let joined = thread.join().is_ok();
            let theirs = place.lock().ok().and_then(|mut place| place.take());
            match theirs.filter(|_| joined) {
                Some(theirs) => catch.add(theirs),
                // It ended without saying what it saw.
                None => catch.left_out += 1,
            }
        }
        let mut reader = Reader::new(crew.proc.as_fd(), &crew.wanted);
        for job in std::mem::take(&mut catch.again) {
            catch.read(crew, &mut reader, job);
        }
        catch.lost = crew.jobs.lost;
        catch
    }

    fn read_batches(&self) -> Catch {
        let mut catch = Catch::default();
        let mut reader = Reader::new(self.proc.as_fd(), &self.wanted);
        loop {
            let start = self.next.fetch_add(BATCH, Ordering::Relaxed);
            let Some(rest) = self.jobs.pids.get(start..).filter(|rest| !rest.is_empty()) else { break };
            for job in rest.iter().take(BATCH) {
                if self.watch.elapsed() >= self.deadline {
                    catch.left_out += 1;
                } else {
                    catch.read(self, &mut reader, *job);
                }
            }
        }
        catch
    }
}

impl Catch {
    fn read(&mut self, crew: &Crew, reader: &mut Reader<'_>, job: (Pid, usize)) {
        let Some(sights) = crew.jobs.sights.get(job.1) else { return };
        match reader.read(job.0, sights, &mut self.haul).map_err(Errno::from) {
            Ok(()) => self.read += 1,
            Err(Errno::EACCES | Errno::EPERM) => self.denied += 1,
            // It has ended, and holds nothing any more.
            Err(Errno::ENOENT | Errno::ESRCH) => {}
            Err(Errno::EMFILE | Errno::ENFILE) => self.again.push(job),
            Err(_) => self.haul.unread += 1,
        }
    }

    fn add(&mut self, other: Self) {
        self.haul.add(other.haul);
        self.denied += other.denied;
        self.read += other.read;
        self.again.extend(other.again);
        self.left_out += other.left_out;
    }

    pub(super) fn gaps(&self) -> Vec<Gap> {
        let short = u64::try_from(self.again.len()).unwrap_or(u64::MAX);
        let rows = [
            (self.denied, "", GapWhy::Denied),
            (self.lost, ", whose mount namespace is unknown", GapWhy::Denied),
            (self.left_out, "", GapWhy::OverBudget { seen: Entries(self.read) }),
            (short, "", GapWhy::NoDescriptor),
            (self.haul.unread, ", in part", GapWhy::Os(Errno::ENAMETOOLONG)),
        ];
        let gap = |(count, of, why): (u64, &str, GapWhy)| {
            let plural = if count == 1 { "process" } else { "processes" };
            Gap::new(format!("open files of {} {plural}{of}", Entries(count)), why)
        };
        rows.into_iter().filter(|(count, ..)| *count > 0).map(gap).collect()
    }
}
