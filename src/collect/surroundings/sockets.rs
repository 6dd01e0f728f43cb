//! Unix sockets that are bound to files of the directory, in whatever network namespace they live.
//!
//! The kernel's own list decides, by device and inode. The name that was given to bind(2) only says where to look first,
//! and `/proc/net/unix` is not asked: a name with a newline in it forges lines there.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use super::claims::Claims;
use super::elsewhere::{Door, View};
use super::holds::{Held, Owners};
use super::links::Links;
use super::seek::{self, low};
use super::ways::{self, Ways};
use super::{Place, Scene};
use crate::model::raw_path::RawPath;
use crate::model::reading::{Gap, GapWhy};
use crate::model::surroundings::{About, ClaimKind};
use crate::model::units::Entries;
use crate::sys::enter;
use crate::sys::stat::{self, Stat};
use crate::sys::unix_diag::{self, Bound};

/// What is remembered from one look to the next.
#[derive(Debug, Default)]
pub struct Memory {
    /// Inodes that were looked for in the whole directory: where they were found, or nowhere.
    searched: BTreeMap<(u32, u32), BTreeSet<RawPath>>,
    /// The directory in which.
    place: Option<(u32, u32, u64)>,
}

/// Sockets bound in the directory, by the inode by which their holders have them open.
#[derive(Debug, Default)]
pub struct Sockets {
    /// With the path below the directory, and the name that was given.
    pub by_inode: BTreeMap<u64, (RawPath, RawPath)>,
    /// Where the other objects lie that were to be found, by the low 32 bits of their inode.
    pub files: BTreeMap<u32, BTreeSet<RawPath>>,
}

impl Sockets {
    /// Adds the claims, once it is known who has them open; one that nobody has is on its way between two processes.
    pub fn claim(&self, owners: &Owners, claims: &mut Claims) {
        for (inode, (path, name)) in &self.by_inode {
            let entry = path.as_bytes().split(|b| *b == b'/').next().unwrap_or_default();
            let shown = if name.is_empty() { path } else { name };
            match owners.get(inode) {
                Some(pids) => {
                    for pid in pids {
                        claims.add(entry, ClaimKind::Socket, Some(*pid), shown);
                    }
                }
                None => claims.add(entry, ClaimKind::Socket, None, shown),
            }
        }
    }
}

/// All sockets bound in the directory. `files` are inodes of other objects that are to be found by the same walk.
pub fn look(
    scene: &Scene<'_>,
    place: &Place<'_>,
    (links, held, files): (&Links, &Held, &BTreeSet<u32>),
    memory: &mut Memory,
    claims: &mut Claims,
) -> Sockets {
    let mut all = own_table(claims);
    all.extend(other_tables(scene, (links, held), claims));
    let device = (scene.ground.device.major, scene.ground.device.minor);
    let here: BTreeSet<Bound> = all.into_iter().filter(|bound| bound.device == device).collect();
    let dir = place.dir;
    // Of a few entries each is searched at each look: what was nowhere may have been renamed into one of them.
    let mut nothing = Memory::default();
    let memory = match place.about {
        About::All => {
            memory.begin(dir);
            memory
        }
        About::These(_) | About::Taken(_) => &mut nothing,
    };
    let mut found = Sockets::default();
    let mut lost: BTreeSet<(u32, u32)> = files.iter().map(|inode| (*inode, 0)).collect();
    for bound in &here {
        if let Some(path) = by_name(scene, dir, bound) {
            found.by_inode.insert(bound.socket.into(), (path, RawPath::new(bound.name.clone())));
        } else {
            lost.insert((bound.inode, bound.socket));
        }
    }
    memory.search(place, &lost, scene, claims);
    for ((inode, socket), paths) in memory.searched.iter().filter(|(key, _)| lost.contains(*key)) {
        // What cannot be looked at now was there a moment ago.
        for path in paths.iter().filter(|path| is_there(dir, path, *inode, *socket).unwrap_or(true)) {
            if *socket == 0 {
                found.files.entry(*inode).or_default().insert(path.clone());
            } else {
                found.by_inode.insert((*socket).into(), (path.clone(), RawPath::default()));
            }
        }
    }
    found
}

fn own_table(claims: &mut Claims) -> Vec<Bound> {
    unix_diag::bound().unwrap_or_else(|error| {
        claims.without_sockets(Gap::new("bound unix sockets (sock_diag)", error.into()));
        Vec::new()
    })
}

fn other_tables(scene: &Scene<'_>, from: (&Links, &Held), claims: &mut Claims) -> Vec<Bound> {
    let (ways, hidden) = doors(scene, from);
    for (why, count) in hidden {
        let plural = if count == 1 { "process" } else { "processes" };
        claims.without_sockets(Gap::new(format!("network namespace of {} {plural}", Entries(count)), why));
    }
    let mut found = Vec::new();
    for (way, view) in ways::ask(&ways, Door::Net, scene.until) {
        match view {
            Ok(View::Sockets(_, sockets)) => found.extend(sockets),
            // The last way into it has ended, and with it the namespace.
            Ok(_) | Err(GapWhy::Vanished) => {}
            Err(why) => {
                claims.without_sockets(Gap::new(
                    format!("unix sockets of the network of {}", way.shown()),
                    why,
                ));
            }
        }
    }
    found
}

/// The ways into each network namespace but our own: by those who live in it, by descriptors and by mounts that keep it.
fn doors(scene: &Scene<'_>, (links, held): (&Links, &Held)) -> (Ways, BTreeMap<GapWhy, u64>) {
    let (mut ways, mut hidden) = (Ways::new(), BTreeMap::new());
    for (pid, of_process) in &links.by_pid {
        match &of_process.net {
            Ok(net) => ways.entry(*net).or_default().push(format!("{pid}/ns/net").as_str().into()),
            Err(GapWhy::Vanished | GapWhy::Absent) => {}
            Err(why) => *hidden.entry(why.clone()).or_default() += 1,
        }
    }
    for (text, way) in &held.namespaces {
        if let Some(inode) = ways::inode(text.as_bytes(), b"net") {
            ways.entry(inode).or_default().push(way.clone());
        }
    }
    ways::mounted(scene.namespaces, b"net", &mut ways);
    if let Some(own) =
        scene.proc.own().and_then(|dir| dir.link("ns/net")).ok().and_then(|text| ways::inode(&text, b"net"))
    {
        ways.remove(&own);
    }
    (ways, hidden)
}

/// Where its name says, if that file is it.
fn by_name(scene: &Scene<'_>, dir: BorrowedFd<'_>, bound: &Bound) -> Option<RawPath> {
    let prefixes = scene.ground.sights().holding(&bound.name)?.0.as_bytes().len();
    let below = bound.name.get(prefixes..)?;
    let start = below.iter().position(|b| *b != b'/')?;
    let path = RawPath::from(below.get(start..)?);
    // Where that cannot be told, it is searched for.
    is_there(dir, &path, bound.inode, bound.socket).unwrap_or(false).then_some(path)
}

fn is_there(dir: BorrowedFd<'_>, path: &RawPath, inode: u32, socket: u32) -> io::Result<bool> {
    let fits = |found: Stat| low(found.inode) == inode && (socket == 0 || is_socket(&found));
    match stat_below(dir, path) {
        Ok(found) => Ok(fits(found)),
        Err(error) if seek::is_nothing(&error) => Ok(false),
        Err(error) => Err(error),
    }
}

fn is_socket(found: &Stat) -> bool {
    found.kind() == rustix::fs::FileType::Socket
}

/// Component by component, through no link and across no mount.
fn stat_below(dir: BorrowedFd<'_>, path: &RawPath) -> io::Result<Stat> {
    let mut here: Option<OwnedFd> = None;
    for name in path.as_bytes().split(|b| *b == b'/').filter(|name| !name.is_empty() && *name != b".") {
        let from = here.as_ref().map_or(dir, AsFd::as_fd);
        here = Some(enter::node(from, name)?);
    }
    stat::of(here.as_ref().map_or(dir, AsFd::as_fd))
}

impl Memory {
    /// What was searched in another directory says nothing about this one.
    fn begin(&mut self, dir: BorrowedFd<'_>) {
        let place = stat::of(dir).ok().map(|stat| (stat.device.0, stat.device.1, stat.inode));
        if self.place != place || place.is_none() {
            *self = Self { place, ..Self::default() };
        }
    }

    /// Searches the entries for those that were not searched before.
    fn search(
        &mut self,
        place: &Place<'_>,
        lost: &BTreeSet<(u32, u32)>,
        scene: &Scene<'_>,
        claims: &mut Claims,
    ) {
        let dir = place.dir;
        self.searched.retain(|key, _| lost.contains(key));
        // What was found once and is not there any more may have been renamed within the directory.
        self.searched.retain(|(inode, socket), paths| {
            paths.is_empty() || paths.iter().any(|path| is_there(dir, path, *inode, *socket).unwrap_or(false))
        });
        let new: BTreeSet<(u32, u32)> =
            lost.iter().filter(|key| !self.searched.contains_key(*key)).copied().collect();
        if new.is_empty() {
            return;
        }
        let wanted = new.iter().map(|(inode, _)| *inode).collect();
        match seek::seek(place, &wanted, scene.until) {
            Ok(mut found) => {
                for (entry, why) in &found.unsearched {
                    let shown = format!("not searched for bound sockets: {why}");
                    claims.add(entry.as_bytes(), ClaimKind::Socket, None, &shown.as_str().into());
                }
                if found.late {
                    let seen = Entries(0);
                    claims.unseen(Gap::new("where bound sockets lie", GapWhy::OverBudget { seen }));
                }
                if !found.late && found.unsearched.is_empty() {
                    for (inode, socket) in new {
                        let paths = found.at.get(&inode).cloned().unwrap_or_default();
                        self.searched.insert((inode, socket), paths);
                    }
                } else {
                    let some = |(inode, socket)| Some(((inode, socket), found.at.remove(&inode)?));
                    self.searched.extend(new.into_iter().filter_map(some));
                }
            }
            Err(error) => claims.unseen(Gap::new("where bound sockets lie", error.into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;
    use crate::sys::{dirfd, scratch};

    #[test]
    fn a_socket_is_not_there_only_where_that_was_seen() {
        let dir = scratch::dir();
        let handle = dirfd::open_trusted_dir(scratch::bytes(&dir)).unwrap();
        let _bound = UnixListener::bind(dir.path().join("s")).unwrap();
        let inode = low(stat::at(handle.as_fd(), c"s").unwrap().inode);
        let found = |path: &str| is_there(handle.as_fd(), &path.into(), inode, 1);
        assert!(found("./s").unwrap());
        for none in ["other", "s/below", ""] {
            assert!(!found(none).unwrap(), "{none}");
        }
        // A name that no call takes: whether something is there cannot be told.
        assert!(found(&"x".repeat(300)).is_err());
    }
}
