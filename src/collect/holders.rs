//! Which process holds what in the temp dirs, and which deleted files keep room on their file systems.
//!
//! One pass over the descriptors and mappings of every process, by two threads where a second can be made, within a
//! deadline. Working directories, roots and programs were read with the process table already. Called by `collect`.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::collect::claims::lives;
use crate::collect::held::{Coverage, Held};
use crate::collect::locks;
use crate::collect::named_sockets;
use crate::collect::open_files::{Haul, Reader, Wanted};
use crate::collect::owners;
use crate::collect::sightings::{self, Sights};
use crate::model::errno::Errno;
use crate::model::holder::{Holders, Holding, How};
use crate::model::mount::{Device, MountNamespace};
use crate::model::process::{MountNs, Pid, Place, Process, ProcessTable};
use crate::model::raw_path::RawPath;
use crate::model::reading::{Gap, GapWhy, Reading};
use crate::model::temp_dir::TempDir;
use crate::model::units::{Entries, Micros};
use crate::model::vantage::Vantage;
use crate::sys::clock::Stopwatch;
use crate::sys::procfile::Proc;
use crate::sys::{crew, dirfd, stat};

/// How many processes a thread takes at once.
const BATCH: usize = 8;
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

/// The processes to read, each with the temp dirs that it sees.
struct Jobs {
    /// Ascending by pid, with the position of its sights.
    pids: Vec<(Pid, usize)>,
    sights: Vec<Sights>,
    /// Processes whose namespace is not known.
    lost: u64,
}

impl Jobs {
    fn new(search: &Search<'_>, by_namespace: BTreeMap<MountNs, Sights>) -> Self {
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

/// What the threads share.
struct Crew {
    proc: OwnedFd,
    jobs: Jobs,
    wanted: Wanted,
    next: AtomicUsize,
    watch: Stopwatch,
    deadline: Duration,
}

/// What one thread brings back.
#[derive(Default)]
struct Catch {
    haul: Haul,
    denied: u64,
    read: u64,
    /// For want of descriptors; read again when the other thread has none open any more.
    again: Vec<(Pid, usize)>,
    left_out: u64,
    lost: u64,
}

impl Crew {
    /// Reads every process, with a second thread if one can be made.
    fn work(crew: &Arc<Self>) -> Catch {
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

    fn gaps(&self) -> Vec<Gap> {
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
mod tests {
    use std::fs::File;
    use std::io::Write;

    use super::*;
    use crate::collect::specimen::{self, process};
    use crate::sys::scratch;

    /// Searches this very test process, under a pid that is not taken for ourselves: that of its thread.
    fn search(dir: &tempfile::TempDir, change: impl FnOnce(&mut Process)) -> Found {
        let own = rustix::thread::gettid().as_raw_nonzero().get().cast_unsigned();
        let mut process = process(own, 0);
        change(&mut process);
        let path = RawPath::from(scratch::bytes(dir));
        let table = specimen::table(vec![process]);
        let namespaces = [specimen::namespace(1, &[own], vec![])];
        let vantages = [specimen::vantage(&path.shown(), 1, &[own])];
        let mut temp_dir = specimen::temp_dir(&path.shown(), &[0]);
        let node = dirfd::open_resolved(path.as_bytes()).unwrap();
        let stat = stat::of(node.as_fd()).unwrap();
        temp_dir.identity.device = owners::device(stat.device);
        drop(node);
        find(&Search {
            table: &table,
            namespaces: &namespaces,
            vantages: &vantages,
            dirs: &[temp_dir],
            deadline: Duration::from_mins(1),
        })
    }

    fn at(dir: &tempfile::TempDir, name: &str) -> RawPath {
        RawPath::from(scratch::bytes(dir)).join(name.as_bytes())
    }

    fn by_path(found: &Found, path: &RawPath) -> Vec<(How, bool)> {
        let holdings = &found.holders.value().unwrap().holdings;
        holdings.iter().filter(|h| h.path == *path).map(|h| (h.how, h.deleted)).collect()
    }

    #[test]
    fn finds_open_files_and_tells_those_without_a_name() {
        let dir = scratch::dir();
        let _open = File::create(at(&dir, "open").as_path()).unwrap();
        let mut gone = File::create(at(&dir, "gone").as_path()).unwrap();
        gone.write_all(&vec![1; 20_000]).unwrap();
        let _twice = gone.try_clone().unwrap();
        rustix::fs::unlink(at(&dir, "gone").as_path()).unwrap();
        let _odd = File::create(at(&dir, "named (deleted)").as_path()).unwrap();
        let found = search(&dir, |_| {});
        assert!(matches!(by_path(&found, &at(&dir, "open"))[..], [(How::Fd(_), false)]));
        assert!(matches!(by_path(&found, &at(&dir, "gone"))[..], [(How::Fd(_), true), (How::Fd(_), true)]));
        assert!(matches!(by_path(&found, &at(&dir, "named (deleted)"))[..], [(How::Fd(_), false)]));
        let holders = found.holders.value().unwrap();
        assert_eq!(holders.pinned.len(), 1);
        let pinned = &holders.pinned[0];
        assert_eq!((pinned.files, &pinned.biggest), (1, &at(&dir, "gone")), "one file, open twice");
        assert!(pinned.bytes.0 >= 20_000);
        assert!(found.open_files.values().all(|count| count.0 >= 4));
        assert_eq!(found.coverage, Coverage::All);
    }

    #[test]
    fn finds_sockets_that_are_bound_there() {
        let dir = scratch::dir();
        let path = at(&dir, "s");
        if path.as_bytes().len() > 100 {
            println!("skipped: the path of the test directory is too long for a socket");
            return;
        }
        let _socket = std::os::unix::net::UnixListener::bind(path.as_path()).unwrap();
        assert_eq!(by_path(&search(&dir, |_| {}), &path), [(How::Socket, false)]);
    }

    #[test]
    fn finds_locks_on_what_is_open_there() {
        let dir = scratch::dir();
        let locked = File::create(at(&dir, "locked").as_path()).unwrap();
        let _other = File::create(at(&dir, "other").as_path()).unwrap();
        rustix::fs::flock(&locked, rustix::fs::FlockOperation::NonBlockingLockExclusive).unwrap();
        let found = search(&dir, |_| {});
        let hows = by_path(&found, &at(&dir, "locked"));
        assert!(matches!(hows[..], [(How::Fd(_), false), (How::Lock, false)]), "{hows:?}");
        assert_eq!(by_path(&found, &at(&dir, "other")).len(), 1);
    }

    #[test]
    fn takes_working_directories_and_programs_from_the_table() {
        let dir = scratch::dir();
        let (cwd, exe) = (at(&dir, "work"), at(&dir, "job/tool"));
        let found = search(&dir, |p| {
            p.cwd = Ok(Place { path: cwd.clone(), deleted: false });
            p.exe = Ok(Place { path: exe.clone(), deleted: true });
        });
        assert_eq!(by_path(&found, &cwd), [(How::Cwd, false)]);
        assert_eq!(by_path(&found, &exe), [(How::Exe, true)]);
    }

    #[test]
    fn a_process_that_has_ended_is_no_gap_and_an_unknown_namespace_is() {
        let dir = scratch::dir();
        let found = search(&dir, |p| p.pid = u32::MAX);
        assert_eq!((found.coverage, found.open_files.len()), (Coverage::All, 0));
        let found = search(&dir, |p| p.mount_ns = Err(GapWhy::Denied));
        assert_eq!(found.coverage, Coverage::Some);
        assert!(found.holders.gaps()[0].what.contains("mount namespace is unknown"));
    }
}
