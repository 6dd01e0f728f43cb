//! Floor 1: eyes. Looks at the machine and says what is there and what could not be seen; decides nothing.
//!
//! [`Eyes::look`] gives one [`Snapshot`]: processes in one pass over procfs, a mount table for each namespace, names of
//! users and containers, the machine, and then what follows from these: vantages, temp dirs, holders, caches. What did not
//! change since the look before is not read again. No path of somebody else's is followed in this process where the mount
//! that serves it might not answer; every section obeys the deadline and tells what it left out.

pub mod acl;
pub mod asked;
pub mod bind_mounts;
pub mod budget;
pub mod build_log;
pub mod caches;
pub mod claims;
pub mod containers;
pub mod entries;
pub mod environment;
pub mod fenced;
pub mod held;
pub mod holders;
pub mod host;
pub mod judged;
pub mod locks;
pub mod look_helper;
pub mod mounts;
pub mod named_sockets;
pub mod open_files;
pub mod ourselves;
pub mod overlays;
pub mod owners;
pub mod parse;
pub mod places;
pub mod prediction;
pub mod processes;
pub mod ranking;
mod sections;
pub mod sightings;
#[cfg(test)]
pub(crate) mod specimen;
pub mod surroundings;
pub mod tallies;
pub mod targets;
pub mod task_limits;
pub mod temp_dirs;
pub mod users;
pub mod vantages;
pub mod way;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::catalog::Catalog;
use crate::collect::budget::Until;
pub use crate::collect::budget::{Budget, Depth};
use crate::collect::containers::ContainerNames;
use crate::collect::fenced::Fence;
use crate::collect::held::{Coverage, Held};
use crate::collect::holders::Search;
use crate::collect::processes::Processes;
use crate::collect::sections::{add_gaps, blind, nothing, unless_late};
use crate::collect::temp_dirs::Counter;
use crate::collect::users::UserBook;
use crate::model::asked::Asked;
use crate::model::cache::RustcInfo;
use crate::model::holder::Holders;
use crate::model::host::Eyes as OwnEyes;
use crate::model::mount::MountNamespace;
use crate::model::process::{Pid, ProcessTable};
use crate::model::reading::{Gap, GapWhy, Reading, Strain};
use crate::model::snapshot::{SCHEMA, Snapshot};
use crate::model::temp_dir::TempDir;
use crate::model::units::{BootNanos, Entries, WallNanos};
use crate::model::vantage::Vantage;
use crate::sys::clock;
use crate::sys::procfile::Proc;

/// Looks at one machine again and again, remembering what need not be read twice.
pub struct Eyes {
    catalog: Arc<Catalog>,
    proc: Option<Arc<Proc>>,
    processes: Processes,
    users: UserBook,
    containers: ContainerNames,
    fence: Fence,
    counter: Counter,
    holders: Reading<Holders>,
    /// Which entries were held at the last whole look.
    held: Option<(Held, Coverage)>,
    caches: Reading<Vec<RustcInfo>>,
}

/// The sections from which all others follow.
struct Ground {
    processes: Reading<ProcessTable>,
    namespaces: Reading<Vec<MountNamespace>>,
    listed: Entries,
    strains: Vec<Strain>,
}

impl Eyes {
    /// Opens `/proc` now, while there are descriptors; without it every look is blind and tries again.
    pub fn open(catalog: Arc<Catalog>) -> Self {
        Self {
            catalog,
            proc: open_proc().ok(),
            processes: Processes::default(),
            users: UserBook::default(),
            containers: ContainerNames::default(),
            fence: Fence::new(),
            counter: Counter::new(),
            holders: Reading::not_asked("holders"),
            held: None,
            caches: Reading::not_asked("recorded failures of cargo"),
        }
    }

    /// Takes one look.
    pub fn look(&mut self, asked: &Asked, budget: Budget) -> Snapshot {
        let until = Until::within(budget.deadline);
        let clocks = (WallNanos(clock::wall_nanos()), BootNanos(clock::boot_nanos()));
        let proc = match self.proc.clone().map_or_else(open_proc, Ok) {
            Ok(proc) => proc,
            Err(error) => return blind(asked, clocks, &GapWhy::from(error)),
        };
        self.proc = Some(Arc::clone(&proc));
        let own = proc.own_pid().unwrap_or(0);
        let mut ground = self.ground(&proc, own, until);
        let asked = self.resolve(asked, &mut ground);
        if let Some(table) = ground.processes.value_mut() {
            if !until.is_over() {
                processes::bounds::settle(&proc, table, &asked.pids);
            }
            self.processes.remember(table);
        }
        let eyes = see_ourselves(&proc, own, clocks, &mut ground);
        let empty = ProcessTable::default();
        let table = ground.processes.value().unwrap_or(&empty);
        let spaces = ground.namespaces.items();
        let host = unless_late(until, "the machine", || host::find(&proc, table, spaces, own));
        let vantages = self.vantages(&ground, &asked, until);
        let counting = budget.counting.min(until.left());
        let mut temp_dirs = self.temp_dirs(&ground, &vantages, clocks.0, counting);
        if budget.depth == Depth::Whole {
            self.look_deeper(&ground, &asked, (&vantages, &temp_dirs), until);
        }
        if let (Some((held, coverage)), Some(dirs)) = (&self.held, temp_dirs.value_mut()) {
            held.mark(dirs, &self.catalog, *coverage);
        }
        let mut snapshot = Snapshot {
            schema: SCHEMA.to_owned(),
            taken: clocks.0,
            boot: clocks.1,
            eyes,
            asked,
            host,
            processes: ground.processes,
            namespaces: ground.namespaces,
            vantages,
            temp_dirs,
            holders: self.holders.clone(),
            caches: self.caches.clone(),
            probes: Vec::new(),
            log: Vec::new(),
            strains: ground.strains,
            listings: Vec::new(),
        };
        ourselves::adjust_remedies(&mut snapshot);
        snapshot
    }

    fn ground(&mut self, proc: &Arc<Proc>, own: Pid, until: Until<'_>) -> Ground {
        let seen = self.processes.look(proc, &self.catalog, own, until);
        let mut ground = Ground {
            processes: seen.table,
            namespaces: Reading::Blind { gap: Gap::new("mount tables", GapWhy::Absent) },
            listed: seen.listed,
            strains: seen.strains,
        };
        let Some(table) = ground.processes.value_mut() else {
            if let Some(gap) = ground.processes.gaps().first() {
                let gap = Gap { what: "mount tables".to_owned(), ..gap.clone() };
                ground.namespaces = Reading::Blind { gap };
            }
            return ground;
        };
        ground.namespaces = mounts::find(proc, table, own, until);
        if !until.is_over() {
            if let Some(spaces) = ground.namespaces.value_mut() {
                overlays::look(spaces, Path::new("/proc"));
            }
            let spaces = ground.namespaces.items();
            places::settle(proc, table, spaces);
            self.users.settle(proc, table, spaces, own);
            self.containers.settle(proc, table, spaces, own);
        }
        ground
    }

    fn resolve(&self, asked: &Asked, ground: &mut Ground) -> Asked {
        let Some(table) = ground.processes.value() else { return asked.clone() };
        let (asked, gaps) = asked::resolve(asked, table, self.users.own());
        add_gaps(&mut ground.processes, gaps);
        asked
    }

    fn vantages(&mut self, ground: &Ground, asked: &Asked, until: Until<'_>) -> Reading<Vec<Vantage>> {
        let Some(table) = ground.processes.value() else {
            return Reading::Blind { gap: Gap::new("vantages", GapWhy::Absent) };
        };
        let temp_names: Vec<&str> = self.catalog.variables.temp_names().collect();
        unless_late(until, "vantages", || {
            vantages::survey(table, ground.namespaces.items(), asked, &temp_names, &mut self.fence)
        })
    }

    fn temp_dirs(
        &mut self,
        ground: &Ground,
        vantages: &Reading<Vec<Vantage>>,
        now: WallNanos,
        counting: Duration,
    ) -> Reading<Vec<TempDir>> {
        let spaces = ground.namespaces.items();
        match vantages {
            Reading::Blind { gap } => nothing(Gap { what: "temp dirs".to_owned(), ..gap.clone() }),
            seen => self.counter.count(seen.items(), spaces, &self.catalog, now, counting),
        }
    }

    /// Holders and caches.
    fn look_deeper(&mut self, ground: &Ground, asked: &Asked, found: Places<'_>, until: Until<'_>) {
        let Some(table) = ground.processes.value() else { return };
        let namespaces = ground.namespaces.items();
        self.caches = unless_late(until, "recorded failures of cargo", || {
            caches::find(table, namespaces, asked, &self.fence)
        });
        let (vantages, dirs) = (found.0.items(), found.1.items());
        if until.is_over() {
            self.held = None;
            self.holders = unless_late(until, "holders", || Reading::not_asked("holders"));
            return;
        }
        let found = holders::find(&Search { table, namespaces, vantages, dirs, deadline: until.left() });
        self.holders = found.holders;
        self.held = Some((found.held, found.coverage));
    }
}

/// What the look for holders starts from.
type Places<'a> = (&'a Reading<Vec<Vantage>>, &'a Reading<Vec<TempDir>>);

fn open_proc() -> std::io::Result<Arc<Proc>> {
    Proc::open(Path::new("/proc")).map(Arc::new)
}

fn see_ourselves(proc: &Proc, own: Pid, clocks: (WallNanos, BootNanos), ground: &mut Ground) -> OwnEyes {
    let mut eyes = ourselves::find(Some(proc), ground.processes.value(), own, clocks);
    eyes.processes = ground.listed;
    let ours = ground.namespaces.items().iter().find(|namespace| namespace.ours);
    eyes.hidepid = ours.and_then(ourselves::hidepid);
    add_gaps(&mut ground.processes, ourselves::hidden(&eyes).into_iter().collect());
    eyes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::raw_path::RawPath;

    fn look(eyes: &mut Eyes, deadline: Duration, depth: Depth) -> Snapshot {
        eyes.look(&Asked::default(), Budget { deadline, counting: Duration::from_millis(50), depth })
    }

    #[test]
    fn sees_itself_among_the_rest() {
        let mut eyes = Eyes::open(Arc::new(Catalog::builtin()));
        for depth in [Depth::Quick, Depth::Whole, Depth::Quick] {
            let now = look(&mut eyes, Duration::from_mins(1), depth);
            let own = std::process::id();
            assert_eq!(now.eyes.pid, own);
            let process = now.process(own).unwrap();
            let namespace = now.namespace(process.mount_ns.clone().unwrap()).unwrap();
            assert!(namespace.ours && namespace.pids.contains(&own));
            assert!(namespace.serving(&RawPath::from("/proc")).is_some());
            let ours =
                |v: &Vantage| v.mount_ns == namespace.id && v.credentials.uid == now.eyes.credentials.uid;
            assert!(now.vantages.items().iter().any(ours), "we have a temp dir too");
            assert!(now.eyes.processes.0 > 0 && now.host.value().is_some());
        }
    }

    #[test]
    fn without_time_there_are_gaps_and_no_guesses() {
        let mut eyes = Eyes::open(Arc::new(Catalog::builtin()));
        let now = look(&mut eyes, Duration::ZERO, Depth::Whole);
        assert!(!now.processes.is_whole() && now.host.value().is_none() && now.vantages.value().is_none());
        assert!(now.holders.value().is_none() && now.caches.value().is_none());
    }
}
