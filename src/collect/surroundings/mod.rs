//! Who and what speaks for the entries of one directory, in every namespace of the machine.
//!
//! A cleaner asks this before it plans and again before each batch, so a look is cheap, and what is dear is remembered in
//! [`SurroundingsEyes`] only where the kernel says that it did not change. Everything is put down to an entry by the place
//! where it lies on the file system (device and path from its root, as mount tables have it), because the same directory has
//! another name in each mount namespace and a name another directory. Whatever could not be read is a gap, and a gap speaks
//! for every entry. Nothing is judged here. Called by `cmd`.

mod claims;
mod ground;
mod holds;
mod mounted;

use std::os::fd::BorrowedFd;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::catalog::Catalog;
use crate::collect::budget::Until;
use crate::collect::mounts;
use crate::collect::processes::Processes;
use crate::model::mount::MountNamespace;
use crate::model::process::{Pid, ProcessTable};
use crate::model::raw_path::RawPath;
use crate::model::reading::{Gap, Reading};
use crate::model::surroundings::Surroundings;
use crate::model::units::WallNanos;
use crate::sys::clock::{self, Stopwatch};
use crate::sys::procfile::Proc;
use claims::Claims;
use ground::Ground;

/// The directory whose entries are asked about.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// How our own process reaches it, for people.
    pub path: &'a RawPath,
    /// It, opened.
    pub dir: BorrowedFd<'a>,
}

/// Looks at the surroundings of directories again and again.
pub struct SurroundingsEyes {
    catalog: Arc<Catalog>,
    proc: Option<Arc<Proc>>,
    processes: Processes,
}

/// What one look is about, as all its parts see it.
struct Scene<'a> {
    proc: &'a Proc,
    own: Pid,
    table: &'a ProcessTable,
    namespaces: &'a [MountNamespace],
    ground: &'a Ground,
    until: Until,
}

impl SurroundingsEyes {
    /// Opens `/proc` now, while there are descriptors; without it every look is blind and tries again.
    pub fn open(catalog: Arc<Catalog>) -> Self {
        Self { catalog, proc: open_proc().ok(), processes: Processes::default() }
    }

    /// Takes one look. What could not be looked at within the deadline is a gap.
    pub fn look(&mut self, place: &Place<'_>, deadline: Duration) -> Surroundings {
        let until = Until { watch: Stopwatch::start(), deadline };
        let mut claims = Claims::default();
        let taken = WallNanos(clock::wall_nanos());
        let booted = i64::try_from(clock::boot_nanos()).unwrap_or(i64::MAX);
        let booted = WallNanos(taken.0.saturating_sub(booted));
        self.gather(place, until, &mut claims);
        claims.into_surroundings(taken, booted)
    }

    fn gather(&mut self, place: &Place<'_>, until: Until, claims: &mut Claims) {
        let proc = match self.proc.clone().map_or_else(open_proc, Ok) {
            Ok(proc) => proc,
            Err(error) => return claims.unseen(Gap::new("/proc", error.into())),
        };
        self.proc = Some(Arc::clone(&proc));
        let own = proc.own_pid().unwrap_or(0);
        let seen = self.processes.look(&proc, &self.catalog, own, until);
        claims.unseen_all(seen.table.gaps());
        let (Reading::Whole { value: mut table, .. } | Reading::Part { value: mut table, .. }) = seen.table
        else {
            return;
        };
        let links = holds::Links::read(&proc, &mut table, until, claims);
        let namespaces = mounts::find(&proc, &mut table, own, until);
        self.processes.remember(&table);
        claims.unseen_all(namespaces.gaps());
        claims.unseen_all(namespaces.items().iter().flat_map(|namespace| namespace.mounts.gaps()));
        let ground = match Ground::find(&proc, place, namespaces.items()) {
            Ok(ground) => ground,
            Err(why) => return claims.unseen(Gap::new(format!("where {} lies", place.path.shown()), why)),
        };
        claims.know(&table);
        let scene =
            Scene { proc: &proc, own, table: &table, namespaces: namespaces.items(), ground: &ground, until };
        mounted::look(&scene, claims);
        holds::look(&scene, &links, claims);
    }
}

fn open_proc() -> std::io::Result<Arc<Proc>> {
    Proc::open(Path::new("/proc")).map(Arc::new)
}
