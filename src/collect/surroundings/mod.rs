//! Who and what speaks for the entries of one directory, in every namespace of the machine.
//!
//! A cleaner asks this before it plans and again for each batch, so a look is cheap: its cost grows with the machine and
//! with the entries that are asked about, not with the directory, and what is dear is remembered in [`SurroundingsEyes`]
//! only where the kernel says that it did not change. Everything is put down to an entry by the place
//! where it lies on the file system (device and path from its root, as mount tables have it), because the same directory has
//! another name in each mount namespace and a name another directory. Whatever could not be read is a gap, and a gap speaks
//! for every entry. Nothing is judged here. Called by `cmd`.

mod backing;
mod claims;
mod elsewhere;
mod entries;
mod ground;
mod holds;
mod links;
mod locked;
mod mounted;
mod named;
mod pids;
mod seek;
mod sockets;
mod strangers;
mod strays;
mod threads;
mod tmpfiles;
mod unpeopled;
mod ways;

use std::os::fd::BorrowedFd;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::catalog::Catalog;
use crate::collect::budget::Until;
use crate::collect::processes::Processes;
use crate::collect::{mounts, ourselves};
use crate::model::errno::Errno;
use crate::model::mount::MountNamespace;
use crate::model::process::{Pid, ProcessTable};
use crate::model::raw_path::RawPath;
use crate::model::reading::{Gap, GapWhy, Reading};
use crate::model::surroundings::{About, Surroundings};
use crate::model::units::{BootNanos, WallNanos};
use crate::sys::clock;
use crate::sys::procfile::Proc;
use claims::Claims;
pub use elsewhere::{HELPER, serve};
use ground::Ground;
use links::Links;
use pids::Numbers;

/// The inode of the first pid namespace of every machine. Source: the kernel's include/linux/proc_ns.h.
const FIRST_PID_NS: &[u8] = b"pid:[4026531836]";

/// The directory whose entries are asked about.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// How our own process reaches it, for people.
    pub path: &'a RawPath,
    /// It, opened.
    pub dir: BorrowedFd<'a>,
    /// Which of its entries.
    pub about: About<'a>,
}

/// Looks at the surroundings of directories again and again.
pub struct SurroundingsEyes {
    catalog: Arc<Catalog>,
    proc: Option<Arc<Proc>>,
    processes: Processes,
    memory: Memory,
}

/// What need not be read or searched twice.
#[derive(Default)]
struct Memory {
    sockets: sockets::Memory,
    pids: pids::Memory,
    tmpfiles: tmpfiles::Book,
    entries: entries::Memory,
}

/// What one look is about, as all its parts see it.
struct Scene<'a> {
    proc: &'a Proc,
    catalog: &'a Catalog,
    own: Pid,
    booted: WallNanos,
    table: &'a ProcessTable,
    namespaces: &'a [MountNamespace],
    ground: &'a Ground,
    until: Until<'a>,
}

impl SurroundingsEyes {
    /// Opens `/proc` now, while there are descriptors; without it every look is blind and tries again.
    pub fn open(catalog: Arc<Catalog>) -> Self {
        let (processes, memory) = (Processes::default(), Memory::default());
        Self { catalog, proc: open_proc().ok(), processes, memory }
    }

    /// Takes one look. What could not be looked at within the deadline is a gap.
    pub fn look(&mut self, place: &Place<'_>, deadline: Duration) -> Surroundings {
        self.look_until(place, Until::within(deadline))
    }

    /// The same, for as long as somebody wants it; nothing where it was stopped, for half a look tells nothing.
    pub fn look_while(
        &mut self,
        place: &Place<'_>,
        deadline: Duration,
        goes_on: &dyn Fn() -> bool,
    ) -> Option<Surroundings> {
        let until = Until::within(deadline).and_while(goes_on);
        let found = self.look_until(place, until);
        (!until.is_stopped()).then_some(found)
    }

    fn look_until(&mut self, place: &Place<'_>, until: Until<'_>) -> Surroundings {
        let mut claims = Claims::default();
        let taken = WallNanos(clock::wall_nanos());
        let boot = BootNanos(clock::boot_nanos());
        let booted = WallNanos(taken.0.saturating_sub(i64::try_from(boot.0).unwrap_or(i64::MAX)));
        self.gather(place, until, (taken, boot, booted), &mut claims);
        claims.into_surroundings(taken, booted)
    }

    fn gather(
        &mut self,
        place: &Place<'_>,
        until: Until<'_>,
        (taken, boot, booted): (WallNanos, BootNanos, WallNanos),
        claims: &mut Claims,
    ) {
        let proc = match self.proc.clone().map_or_else(open_proc, Ok) {
            Ok(proc) => proc,
            Err(error) => return claims.unseen(Gap::new("/proc", error.into())),
        };
        self.proc = Some(Arc::clone(&proc));
        let own = proc.own_pid().unwrap_or(0);
        let seen = self.processes.look(&proc, &self.catalog, own, until);
        // Where such links lead is looked at below, by the objects themselves.
        let is_told = |gap: &&Gap| gap.why == GapWhy::Os(Errno::ENAMETOOLONG);
        let gaps = seen.table.gaps().iter().filter(|gap| !is_told(gap)).cloned().collect::<Vec<_>>();
        let (Reading::Whole { value: mut table, .. } | Reading::Part { value: mut table, .. }) = seen.table
        else {
            return claims.unseen_all(&gaps);
        };
        claims.unread_all(&gaps);
        let links = Links::read(&proc, &mut table, until, claims);
        strangers::meet(&proc, &table, &links, claims);
        let namespaces = mounts::find(&proc, &mut table, own, until);
        self.processes.remember(&table);
        claims.unseen_all(namespaces.gaps());
        let mut namespaces = namespaces.items().to_vec();
        unpeopled::complete(&mut namespaces, &table, until, claims);
        unpeopled::of_threads(&mut namespaces, &links, until, claims);
        unpeopled::add(&mut namespaces, until, claims);
        claims.unseen_all(namespaces.iter().flat_map(|namespace| namespace.mounts.gaps()));
        let ground = match Ground::find(&proc, place, &namespaces) {
            Ok(ground) => ground,
            Err(why) => return claims.unseen(Gap::new(format!("where {} lies", place.path.shown()), why)),
        };
        links.revive(&proc, &self.catalog, &mut table, claims);
        claims.know(&table);
        claims.in_memory = matches!(ground.mount.fs_type.as_str(), "tmpfs" | "ramfs");
        let mut eyes = ourselves::find(Some(&proc), Some(&table), own, (taken, boot));
        eyes.hidepid = namespaces.iter().find(|ns| ns.ours).and_then(ourselves::hidepid);
        claims.unread_all(&ourselves::hidden(&eyes));
        let namespaces = namespaces.as_slice();
        let (proc, catalog, table) = (proc.as_ref(), self.catalog.as_ref(), &table);
        let scene = Scene { proc, catalog, own, booted, table, namespaces, ground: &ground, until };
        claims.unread_all(&outside(&scene));
        scene.look(place, &links, &mut self.memory, claims);
    }
}

impl Scene<'_> {
    fn look(&self, place: &Place<'_>, links: &Links, memory: &mut Memory, claims: &mut Claims) {
        mounted::look(self, claims);
        backing::look(self, claims);
        let held = holds::look(self, links, claims);
        let unpeopled = unpeopled::held(self.namespaces, &held.namespaces, self.until, claims);
        for namespace in &unpeopled {
            mounted::of_namespace(namespace, self.ground, claims);
        }
        claims.unseen_all(unpeopled.iter().flat_map(|namespace| namespace.mounts.gaps()));
        let locked = locked::of_nobody(self, claims);
        let files = locked.iter().copied().chain(held.strays.inodes()).collect();
        let sockets = sockets::look(self, place, (links, &held, &files), &mut memory.sockets, claims);
        sockets.claim(&held.owners, claims);
        locked::claim(&locked, &sockets.files, claims);
        held.strays.claim(&sockets.files, claims);
        if matches!(place.about, About::Taken(_)) {
            return;
        }
        let names = match entries::names(place, &mut memory.entries) {
            Ok(names) => names,
            Err(error) => return claims.unseen(Gap::new("list of entries", error.into())),
        };
        named::look(self, &names, claims);
        let numbers = Numbers::of(self, &mut memory.pids);
        entries::look(self, place, (&names, &numbers, &mut memory.tmpfiles), claims);
    }
}

/// A pid namespace other than the first hides everybody outside. A directory that came in by a bind mount, or lies on the
/// file system of the machine itself, may be theirs as well as ours.
fn outside(scene: &Scene<'_>) -> Option<Gap> {
    let link = scene.proc.own().and_then(|own| own.link("ns/pid"));
    if link.is_ok_and(|text| text == FIRST_PID_NS) {
        return None;
    }
    let mount = &scene.ground.mount;
    let shared = mount.root != "/".into() || mount.point == "/".into() && mount.fs_type != "overlay";
    let gap = Gap::new("processes outside this pid namespace", GapWhy::Absent);
    shared.then(|| Gap { remedy: Some("run on the machine itself, not in a container".to_owned()), ..gap })
}

fn open_proc() -> std::io::Result<Arc<Proc>> {
    Proc::open(Path::new("/proc")).map(Arc::new)
}

#[cfg(test)]
mod tests;
