//! Processes that have something of the directory open, mapped, locked, or stand in it.
//!
//! Whether an object really belongs to the directory is told by its mount, not by its path.

use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::AsFd;

use super::Scene;
use super::claims::Claims;
use super::ground::{Depth, Ground, Traits};
use super::links::Links;
use super::strangers;
use super::strays::{self, Strays};
use super::threads::{self, Kin};
use crate::collect::open_files::{Haul, Reader, Wanted};
use crate::collect::owners;
use crate::collect::parse::fdinfo::{self, FdInfo};
use crate::model::errno::Errno;
use crate::model::holder::{Holding, How};
use crate::model::process::{MountNs, Pid};
use crate::model::raw_path::RawPath;
use crate::model::reading::{Gap, GapWhy};
use crate::model::surroundings::ClaimKind;
use crate::model::units::Entries;
use crate::sys::threads::{self as procfs, Part};
use crate::sys::{dirfd, stat};

/// The kernel's mark behind a link to an object without a name; a name may itself end so.
const DELETED: &[u8] = b" (deleted)";
/// More than any fdinfo of a file; those of epoll and inotify may be longer, and tell nothing here.
pub const FDINFO_MAX: usize = 4096;

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
    let reader = Reader::new(proc.as_fd(), &wanted);
    let mut hands = Hands { scene, links, reader, kin: Kin::of(scene.proc), tally: Tally::default() };
    for (pid, of_process) in &links.by_pid {
        if scene.until.is_over() {
            hands.tally.late += 1;
            continue;
        }
        for (kind, path) in &of_process.places {
            standing(scene, *pid, *kind, path, claims);
        }
        if of_process.thread_of.is_none() {
            hands.of_process(*pid, &mut held, claims);
        }
    }
    hands.tally.say(claims);
    held
}

/// Who has a socket open, by the inode of the socket.
pub type Owners = BTreeMap<u64, BTreeSet<Pid>>;

/// Goes from process to process.
struct Hands<'a> {
    scene: &'a Scene<'a>,
    links: &'a Links,
    reader: Reader<'a>,
    kin: Kin,
    tally: Tally,
}

impl Hands<'_> {
    /// What it has open and mapped, and what threads of it have open for themselves. These are compared after the first was
    /// read: who then shares its table shared it all the while, for nobody gets back to the table of another.
    fn of_process(&mut self, pid: Pid, held: &mut Held, claims: &mut Claims) {
        let Some(process) = self.scene.table.get(pid) else { return };
        let namespace = process.mount_ns.clone().ok().or_else(|| self.links.namespace_of_threads(pid));
        let mut haul = Haul::default();
        let outcome = self.reader.read(pid, self.scene.ground.sights(), &mut haul).map_err(Errno::from);
        let count = open_count(&haul);
        let mut unread = haul.unread;
        self.take((pid, namespace), haul, held, claims);
        // The mappings of one whose first thread has ended may be as if it had ended.
        let (tids, outcome) = match outcome {
            Ok(()) | Err(Errno::ENOENT | Errno::ESRCH) => match self.threads(pid) {
                Ok(tids) => (tids, outcome),
                Err(why) => (Vec::new(), Err(why)),
            },
            Err(why) => (Vec::new(), Err(why)),
        };
        let (mut worst, mut unknown, mut was_whole) = (None, None, false);
        let (kin, until) = (&self.kin.clone(), self.scene.until);
        self.kin.purse.begin();
        threads::each_apart(
            (pid, &tids),
            &|one, other| kin.share(one, other, Part::Files),
            &mut |tid, unsure| {
                if until.is_over() {
                    unknown = Some(GapWhy::OverBudget { seen: Entries(0) });
                    return false;
                }
                if let Some(why) = unsure.as_ref().filter(|_| !self.kin.purse.pays(count)) {
                    unknown = Some(why.clone());
                    return false;
                }
                claims.belongs(tid, pid);
                let mut haul = Haul::default();
                let sights = self.scene.ground.sights();
                // Where the first thread has just ended, any other has the mappings of all.
                let read = if was_whole {
                    self.reader.read_descriptors(tid, sights, &mut haul)
                } else {
                    self.reader.read(tid, sights, &mut haul)
                };
                unread += haul.unread;
                self.take((tid, namespace), haul, held, claims);
                match read.map_err(Errno::from) {
                    Ok(()) => was_whole = true,
                    Err(Errno::ENOENT | Errno::ESRCH) => return false,
                    Err(errno) => worst = Some(errno),
                }
                worst.is_none()
            },
        );
        if let Some(why) = unknown.or_else(|| worst.map(GapWhy::from_errno)) {
            let is_late = matches!(why, GapWhy::OverBudget { .. });
            claims.meet((!is_late).then(|| strangers::named(self.scene.proc, process, why.clone())));
            claims.unread(Gap::new(format!("open files of threads of pid {pid}"), why));
        }
        self.tally.note(outcome, unread);
    }

    /// The other threads; none where it has ended.
    fn threads(&self, pid: Pid) -> Result<Vec<Pid>, Errno> {
        procfs::others(self.scene.proc.as_fd(), pid).map_err(Errno::from).or_else(|errno| match errno {
            Errno::ENOENT | Errno::ESRCH => Ok(Vec::new()),
            errno => Err(errno),
        })
    }

    fn take(
        &self,
        (pid, namespace): (Pid, Option<MountNs>),
        haul: Haul,
        held: &mut Held,
        claims: &mut Claims,
    ) {
        let hand = Hand { scene: self.scene, pid, namespace };
        for (holding, _) in &haul.holdings {
            hand.holds(holding, claims);
        }
        strays::of_files(self.scene, pid, &haul.elsewhere, &mut held.strays, claims);
        haul.owners.iter().for_each(|(inode, pid)| {
            held.owners.entry(*inode).or_default().insert(*pid);
        });
        let ways = haul.namespaces.into_iter();
        held.namespaces.extend(ways.map(|(pid, fd, text)| (text, format!("{pid}/fd/{fd}").as_str().into())));
    }
}

/// How many descriptors were read.
fn open_count(haul: &Haul) -> u64 {
    haul.open_files.iter().map(|(_, count)| *count).sum()
}

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
