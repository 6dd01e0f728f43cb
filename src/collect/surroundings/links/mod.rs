//! Where processes stand: their working directories, roots, programs and namespaces, and those of threads that stand elsewhere.
//!
//! Links are read anew at every look, because a shell changes its working directory without notice; they are never followed
//! to a path.

mod apart;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::claims::Claims;
use super::elsewhere::LINKS;
use super::threads::Kin;
use crate::catalog::Catalog;
use crate::collect::budget::Until;
use crate::collect::claims::lives;
use crate::collect::environment;
use crate::collect::processes::fields;
use crate::model::errno::Errno;
use crate::model::process::{MountNs, Pid, Place, ProcessTable};
use crate::model::raw_path::RawPath;
use crate::model::reading::{Gap, GapWhy, Seen};
use crate::model::surroundings::ClaimKind;
use crate::model::units::Entries;
use crate::sys::procfile::{PidDir, Proc};

/// What the links of one process say, or of a thread that has some of its own.
#[derive(Debug)]
pub struct OfProcess {
    /// Working directory, root and program, as far as it has them; without a text where that is longer than the kernel shows.
    pub places: Vec<(ClaimKind, RawPath)>,
    /// Its network namespace.
    pub net: Seen<u64>,
    /// The process of the thread.
    pub thread_of: Option<Pid>,
    /// The mount namespace of the thread, where it may be its own.
    pub mount_ns: Option<u64>,
}

/// The links of all live processes but our own.
#[derive(Debug, Default)]
pub struct Links {
    /// By number, which is as unique for a thread as for a process.
    pub by_pid: BTreeMap<Pid, OfProcess>,
    /// Processes whose first thread has ended while others go on.
    pub headless: BTreeSet<Pid>,
}

impl Links {
    /// Reads them, and puts the namespaces of the table right.
    pub fn read(proc: &Proc, table: &mut ProcessTable, until: Until<'_>, claims: &mut Claims) -> Self {
        let own = proc.own_pid().ok();
        let mut failed: BTreeMap<GapWhy, u64> = BTreeMap::new();
        let mut buffer = Vec::new();
        let mut pass = Pass { proc, until, kin: Kin::of(proc), links: Self::default(), claims };
        let pids: Vec<(Pid, bool)> =
            table.by_pid.values().filter(|p| !p.kernel).map(|p| (p.pid, lives(p))).collect();
        for (pid, lives) in pids {
            if until.is_over() {
                *failed.entry(GapWhy::OverBudget { seen: Entries(0) }).or_default() += 1;
                continue;
            }
            let dir = match proc.pid(pid).map_err(GapWhy::from) {
                Ok(dir) => dir,
                Err(GapWhy::Vanished) => continue,
                Err(why) => {
                    *failed.entry(why).or_default() += 1;
                    continue;
                }
            };
            if !lives {
                pass.of_headless(pid, &mut failed);
                continue;
            }
            let mount_ns = fields::mount_ns(&dir, &mut buffer);
            match &mount_ns {
                // It has ended meanwhile, or is about to; others of its threads may go on.
                Err(GapWhy::Vanished) => {
                    pass.of_headless(pid, &mut failed);
                    continue;
                }
                Err(why) => *failed.entry(why.clone()).or_default() += 1,
                Ok(_) => {}
            }
            if let Some(process) = table.by_pid.get_mut(&pid).filter(|p| p.mount_ns != mount_ns) {
                Arc::make_mut(process).mount_ns = mount_ns;
            }
            if Some(pid) != own {
                pass.of_process(pid, &dir, &mut failed);
            }
        }
        let links = pass.links;
        for (why, count) in failed {
            let plural = if count == 1 { "" } else { "es" };
            claims.unread(Gap::new(format!("links of {} process{plural}", Entries(count)), why));
        }
        links
    }

    /// Whether some thread of that process showed where it stands.
    pub fn shows(&self, pid: Pid) -> bool {
        self.by_pid.values().any(|of| of.thread_of == Some(pid) && !of.places.is_empty())
    }

    /// Gives each process whose first thread has ended what another has of it, so that its variables, its command line and
    /// its number count like those of any other.
    pub fn revive(&self, proc: &Proc, catalog: &Catalog, table: &mut ProcessTable, claims: &mut Claims) {
        let mut buffer = Vec::new();
        for pid in self.headless.iter().filter(|pid| self.shows(**pid)) {
            let Some(process) = table.by_pid.get_mut(pid).map(Arc::make_mut) else { continue };
            let mut threads = self.by_pid.iter().filter(|(_, of)| of.thread_of == Some(*pid));
            let text = threads.find_map(|(tid, of)| {
                let text = environment::read(&proc.pid(*tid).ok()?, catalog, &mut buffer);
                (text.arguments.is_ok() && text.variables.is_ok()).then_some((text, of))
            });
            let Some((text, of)) = text else {
                claims.unread(Gap::new(format!("variables of threads of pid {pid}"), GapWhy::Absent));
                continue;
            };
            let place = |kind| {
                let found = of.places.iter().find(|(of_kind, _)| *of_kind == kind);
                found.map(|(_, path)| Place { path: path.clone(), deleted: false }).ok_or(GapWhy::Absent)
            };
            process.state = 'S';
            (process.cwd, process.root) = (place(ClaimKind::Cwd), place(ClaimKind::Root));
            (process.arguments, process.variables) = (text.arguments, text.variables);
            process.mount_ns = of.mount_ns.map(MountNs::Inode).ok_or(GapWhy::Absent);
        }
    }

    /// A mount namespace in which threads of that process are.
    pub fn namespace_of_threads(&self, pid: Pid) -> Option<MountNs> {
        let mut of_it = self.by_pid.values().filter(|of| of.thread_of == Some(pid));
        of_it.find_map(|of| of.mount_ns).map(MountNs::Inode)
    }
}

/// One pass over all processes.
struct Pass<'a> {
    proc: &'a Proc,
    until: Until<'a>,
    kin: Kin,
    links: Links,
    claims: &'a mut Claims,
}

impl Pass<'_> {
    fn of_process(&mut self, pid: Pid, dir: &PidDir, failed: &mut BTreeMap<GapWhy, u64>) {
        let mut reasons = BTreeSet::new();
        let found = OfProcess::read(dir, &mut reasons);
        // Who does not show itself does not show its threads either.
        if reasons.is_empty() {
            self.threads(pid, &found, &mut reasons);
        }
        self.links.by_pid.insert(pid, found);
        count(reasons, failed);
    }
}

impl OfProcess {
    fn read(dir: &PidDir, reasons: &mut BTreeSet<GapWhy>) -> Self {
        let mut places = Vec::new();
        for (kind, name) in LINKS {
            match dir.link(name).map_err(GapWhy::from) {
                Ok(text) => places.push((kind, RawPath::new(text))),
                Err(GapWhy::Vanished) => {}
                // Where it leads is told by the object itself.
                Err(GapWhy::Os(Errno::ENAMETOOLONG)) => places.push((kind, RawPath::default())),
                Err(why) => {
                    reasons.insert(why);
                }
            }
        }
        let net = dir.link("ns/net").map_err(GapWhy::from).and_then(|text| fields::ns_inode(&text));
        Self { places, net, thread_of: None, mount_ns: None }
    }
}

/// A process counts once for each reason.
fn count(reasons: BTreeSet<GapWhy>, failed: &mut BTreeMap<GapWhy, u64>) {
    for why in reasons {
        *failed.entry(why).or_default() += 1;
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::Duration;

    use super::*;
    use crate::collect::specimen;
    use crate::model::units::WallNanos;
    use crate::sys::scratch;

    #[test]
    fn a_process_that_cannot_be_opened_is_a_gap_and_one_that_has_ended_is_none() {
        let home = scratch::dir();
        // What is there and is no directory cannot be looked at; 8 is not there.
        std::fs::write(home.path().join("7"), "").unwrap();
        let proc = Proc::open(Path::new(home.path())).unwrap();
        let gaps = |pid| {
            let mut table = specimen::table(vec![specimen::process(pid, 0)]);
            let until = Until::within(Duration::from_mins(1));
            let mut claims = Claims::default();
            assert!(Links::read(&proc, &mut table, until, &mut claims).by_pid.is_empty());
            claims.into_surroundings(WallNanos(1), WallNanos(0)).unread.len()
        };
        assert_eq!((gaps(7), gaps(8)), (1, 0));
    }
}
