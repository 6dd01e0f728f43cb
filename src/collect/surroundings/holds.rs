//! Processes that have something of the directory open, mapped, locked, or stand in it.
//!
//! Links are read anew at every look, because a shell changes its working directory without notice; they are never followed
//! to a path. Whether an object really belongs to the directory is told by its mount, not by its path.

use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::AsFd;
use std::sync::Arc;

use super::Scene;
use super::claims::Claims;
use super::elsewhere::LINKS;
use super::ground::{Depth, Ground, Traits};
use super::strays::{self, Strays};
use crate::collect::budget::Until;
use crate::collect::claims::lives;
use crate::collect::open_files::{Haul, Reader, Wanted};
use crate::collect::owners;
use crate::collect::parse::fdinfo::{self, FdInfo};
use crate::collect::processes::fields;
use crate::model::errno::Errno;
use crate::model::holder::{Holding, How};
use crate::model::process::{MountNs, Pid, ProcessTable};
use crate::model::raw_path::RawPath;
use crate::model::reading::{Gap, GapWhy, Seen};
use crate::model::surroundings::ClaimKind;
use crate::model::units::Entries;
use crate::sys::procfile::{PidDir, Proc};
use crate::sys::{dirfd, stat};

/// The kernel's mark behind a link to an object without a name; a name may itself end so.
const DELETED: &[u8] = b" (deleted)";
/// More than any fdinfo of a file; those of epoll and inotify may be longer, and tell nothing here.
pub const FDINFO_MAX: usize = 4096;

/// What the links of one process say.
#[derive(Debug)]
pub struct OfProcess {
    /// Working directory, root and program, as far as it has them; without a text where that is longer than the kernel shows.
    pub places: Vec<(ClaimKind, RawPath)>,
    /// Its network namespace.
    pub net: Seen<u64>,
}

/// The links of all live processes but our own.
#[derive(Debug)]
pub struct Links {
    /// By process.
    pub by_pid: BTreeMap<Pid, OfProcess>,
}

impl Links {
    /// Reads them, and puts the namespaces of the table right.
    pub fn read(proc: &Proc, table: &mut ProcessTable, until: Until<'_>, claims: &mut Claims) -> Self {
        let own = proc.own_pid().ok();
        let mut by_pid = BTreeMap::new();
        let mut failed: BTreeMap<GapWhy, u64> = BTreeMap::new();
        let mut buffer = Vec::new();
        let pids: Vec<Pid> = table.by_pid.values().filter(|p| lives(p)).map(|p| p.pid).collect();
        for pid in pids {
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
            let mount_ns = fields::mount_ns(&dir, &mut buffer);
            match &mount_ns {
                // It has ended meanwhile, or is about to.
                Err(GapWhy::Vanished) => continue,
                Err(why) => *failed.entry(why.clone()).or_default() += 1,
                Ok(_) => {}
            }
            if let Some(process) = table.by_pid.get_mut(&pid).filter(|p| p.mount_ns != mount_ns) {
                Arc::make_mut(process).mount_ns = mount_ns;
            }
            if Some(pid) != own {
                by_pid.insert(pid, OfProcess::read(&dir, &mut failed));
            }
        }
        for (why, count) in failed {
            let plural = if count == 1 { "" } else { "es" };
            claims.unread(Gap::new(format!("links of {} process{plural}", Entries(count)), why));
        }
        Self { by_pid }
    }
}

impl OfProcess {
    fn read(dir: &PidDir, failed: &mut BTreeMap<GapWhy, u64>) -> Self {
        let mut places = Vec::new();
        let mut worst = None;
        for (kind, name) in LINKS {
            match dir.link(name).map_err(GapWhy::from) {
                Ok(text) => places.push((kind, RawPath::new(text))),
                Err(GapWhy::Vanished) => {}
                // Where it leads is told by the object itself.
                Err(GapWhy::Os(Errno::ENAMETOOLONG)) => places.push((kind, RawPath::default())),
                Err(why) => worst = Some(why),
            }
        }
        if let Some(why) = worst {
            *failed.entry(why).or_default() += 1;
        }
        let net = dir.link("ns/net").map_err(GapWhy::from).and_then(|text| fields::ns_inode(&text));
        Self { places, net }
    }
}

/// What the processes have beside objects that their paths put into the directory.
#[derive(Debug, Default)]
pub struct Held {
    /// Who has which socket open.
    pub owners: Owners,
    /// What the object itself tells.
    pub strays: Strays,
    /// Namespaces that descriptors keep: the text of the link, and the way there.
    pub namespaces: Vec<(RawPath, RawPath)>,
}

/// Looks at every live process.
pub fn look(scene: &Scene<'_>, links: &Links, claims: &mut Claims) -> Held {
    let mut held = Held::default();
    strays::of_places(scene, links, &mut held.strays, claims);
    let proc = match dirfd::open_trusted_dir(b"/proc") {
        Ok(proc) => proc,
        Err(error) => {
            claims.unseen(Gap::new("open files of all processes", error.into()));
            return held;
        }
    };
    let wanted = Wanted { devices: BTreeSet::new(), sockets: BTreeMap::new(), everything: true };
    let mut reader = Reader::new(proc.as_fd(), &wanted);
    let mut tally = Tally::default();
    for (pid, of_process) in &links.by_pid {
        if scene.until.is_over() {
            tally.late += 1;
            continue;
        }
        let Some(namespace) = scene.table.get(*pid).map(|process| process.mount_ns.clone().ok()) else {
            continue;
        };
        for (kind, path) in &of_process.places {
            standing(scene, *pid, *kind, path, claims);
        }
        let mut haul = Haul::default();
        tally.note(reader.read(*pid, scene.ground.sights(), &mut haul).map_err(Errno::from), haul.unread);
        let hand = Hand { scene, pid: *pid, namespace };
        for (holding, _) in &haul.holdings {
            hand.holds(holding, claims);
        }
        strays::of_files(scene, *pid, &haul.elsewhere, &mut held.strays, claims);
        haul.owners.iter().for_each(|(inode, pid)| {
            held.owners.entry(*inode).or_default().insert(*pid);
        });
        let ways = haul.namespaces.into_iter();
        held.namespaces.extend(ways.map(|(pid, fd, text)| (text, format!("{pid}/fd/{fd}").as_str().into())));
    }
    tally.say(claims);
    held
}

/// Who has a socket open, by the inode of the socket.
pub type Owners = BTreeMap<u64, BTreeSet<Pid>>;

/// Working directory, root or program.
fn standing(scene: &Scene<'_>, pid: Pid, kind: ClaimKind, text: &RawPath, claims: &mut Claims) {
    let sights = scene.ground.sights();
    if sights.holding(text.as_bytes()).is_none() {
        return;
    }
    let link = match kind {
        ClaimKind::Cwd => "cwd",
        ClaimKind::Root => "root",
        _ => "exe",
    };
    let look = || stat::through_magic(scene.proc.pid(pid).ok()?.as_fd(), link.as_bytes()).ok();
    let found = if sights.is_doubtful(text) { None } else { look() };
    let unmarked = text.as_bytes().strip_suffix(DELETED);
    let gone = unmarked.filter(|_| found.as_ref().is_some_and(|stat| stat.links == 0));
    let path = gone.map_or_else(|| text.clone(), RawPath::from);
    let known = Traits {
        mount_id: found.as_ref().and_then(|stat| stat.mount_id),
        device: found.as_ref().map(|stat| owners::device(stat.device)),
    };
    let entry = scene.ground.entry_of(&path, known);
    if let Some((name, _)) = entry.filter(|(_, depth)| gone.is_none() || *depth == Depth::Within) {
        claims.add(name.as_bytes(), kind, Some(pid), text);
    }
}

/// One process and what it holds.
struct Hand<'a> {
    scene: &'a Scene<'a>,
    pid: Pid,
    namespace: Option<MountNs>,
}

impl Hand<'_> {
    fn holds(&self, holding: &Holding, claims: &mut Claims) {
        let ground = self.scene.ground;
        let (kind, entry, locked) = match holding.how {
            How::Fd(number) => {
                let info = self.fdinfo(number);
                let known =
                    Traits { mount_id: info.mount_id, device: holding.object.map(|(device, _)| device) };
                (ClaimKind::Fd, ground.entry_of(&holding.path, known), info.locked)
            }
            _ => (ClaimKind::Map, self.mapped(ground, holding), false),
        };
        // What has lost its name is no entry any more; what lay in a directory still speaks for that.
        let Some((name, _)) = entry.filter(|(_, depth)| !holding.deleted || *depth == Depth::Within) else {
            return;
        };
        claims.add(name.as_bytes(), kind, Some(self.pid), &holding.path);
        if locked {
            claims.add(name.as_bytes(), ClaimKind::Lock, Some(self.pid), &holding.path);
        }
    }

    /// Mappings tell the device of the file system, like mount tables; on an overlay, that of the layer below it.
    fn mapped(&self, ground: &Ground, holding: &Holding) -> Option<(RawPath, Depth)> {
        let path = holding.path.as_bytes();
        let on_it = holding.object.is_none_or(|(device, _)| device == ground.device);
        let found = match self.namespace {
            _ if on_it => ground.entry_anywhere(path),
            Some(namespace) if ground.mount.fs_type == "overlay" => ground.entry_in(namespace, path),
            _ => None,
        };
        found.map(|below| (RawPath::from(below.name), below.depth))
    }

    /// What cannot be read any more was closed meanwhile, and is taken for held once more.
    fn fdinfo(&self, number: u32) -> FdInfo {
        let mut text = Vec::new();
        let read = self.scene.proc.pid(self.pid);
        let read = read.and_then(|dir| dir.read_piece(&format!("fdinfo/{number}"), FDINFO_MAX, &mut text));
        read.map(|()| fdinfo::parse(&text)).unwrap_or_default()
    }
}

/// How many processes could not be read, by reason.
#[derive(Debug, Default)]
struct Tally {
    read: u64,
    denied: u64,
    short: u64,
    late: u64,
    odd: BTreeMap<Errno, u64>,
}

impl Tally {
    fn note(&mut self, outcome: Result<(), Errno>, unread: u64) {
        match outcome {
            Ok(()) => self.read += 1,
            Err(Errno::EACCES | Errno::EPERM) => self.denied += 1,
            // It has ended, and holds nothing any more.
            Err(Errno::ENOENT | Errno::ESRCH) => {}
            Err(Errno::EMFILE | Errno::ENFILE) => self.short += 1,
            Err(errno) => *self.odd.entry(errno).or_default() += 1,
        }
        if unread > 0 {
            *self.odd.entry(Errno::ENAMETOOLONG).or_default() += unread;
        }
    }

    fn say(self, claims: &mut Claims) {
        let odd = self.odd.into_iter().map(|(errno, count)| (count, GapWhy::Os(errno)));
        let rows = [
            (self.denied, GapWhy::Denied),
            (self.short, GapWhy::NoDescriptor),
            (self.late, GapWhy::OverBudget { seen: Entries(self.read) }),
        ];
        for (count, why) in rows.into_iter().chain(odd).filter(|(count, _)| *count > 0) {
            let plural = if count == 1 { "process" } else { "processes" };
            claims.unread(Gap::new(format!("open files of {} {plural}", Entries(count)), why));
        }
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
