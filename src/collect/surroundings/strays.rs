//! Objects that no path puts anywhere: held through a mount that was detached or never attached, or by a path that is longer
//! than the kernel shows.
//!
//! What such a link says begins at the root of its mount, wherever that is, so the object itself has to tell: by its mount,
//! which is in no table, and by its inode, which is then searched for in the directory. Descriptors tell both without
//! anybody being asked; for the rest a helper asks the file system, which may be one that does not answer.

use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::AsFd;

use super::Scene;
use super::claims::Claims;
use super::elsewhere::{self, Door, Standing, View};
use super::holds::FDINFO_MAX;
use super::links::Links;
use super::seek::low;
use crate::collect::owners;
use crate::collect::parse::fdinfo::{self, FdInfo};
use crate::model::process::Pid;
use crate::model::raw_path::RawPath;
use crate::model::reading::{Gap, GapWhy, Seen};
use crate::model::surroundings::ClaimKind;
use crate::model::units::Entries;
use crate::sys::stat;

/// Who holds which object, by the low 32 bits of its inode.
#[derive(Debug, Default)]
pub struct Strays {
    by_inode: BTreeMap<u32, BTreeSet<(ClaimKind, Pid, RawPath)>>,
}

impl Strays {
    /// What is to be searched for.
    pub fn inodes(&self) -> impl Iterator<Item = u32> {
        self.by_inode.keys().copied()
    }

    /// Claims the entries in which they were found.
    pub fn claim(&self, found: &BTreeMap<u32, BTreeSet<RawPath>>, claims: &mut Claims) {
        for (inode, paths) in found {
            for (kind, pid, shown) in self.by_inode.get(inode).into_iter().flatten() {
                for path in paths {
                    let entry = path.as_bytes().split(|b| *b == b'/').next().unwrap_or_default();
                    claims.add(
                        entry,
                        *kind,
                        Some(*pid),
                        if shown.as_bytes().is_empty() { path } else { shown },
                    );
                }
            }
        }
    }

    fn add(&mut self, inode: u64, kind: ClaimKind, pid: Pid, shown: Option<&RawPath>) {
        self.by_inode.entry(low(inode)).or_default().insert((kind, pid, shown.cloned().unwrap_or_default()));
    }
}

/// Working directories, roots and programs.
pub fn of_places(scene: &Scene<'_>, links: &Links, strays: &mut Strays, claims: &mut Claims) {
    // A kernel thread runs no program and stands at the root.
    let is_asked = |places: &[(ClaimKind, RawPath)]| places.iter().any(|(kind, _)| *kind == ClaimKind::Exe);
    let asked: Vec<Pid> =
        links.by_pid.iter().filter(|(_, of)| is_asked(&of.places)).map(|(pid, _)| *pid).collect();
    let doors: Vec<Door> = asked.iter().copied().map(Door::Stands).collect();
    let mut unseen: BTreeMap<GapWhy, u64> = BTreeMap::new();
    let views = elsewhere::ask(&doors, scene.until);
    for (pid, view) in asked.iter().zip(views) {
        // Where no helper can be had, better to wait for a file system than to know nothing.
        let view = match view {
            Err(GapWhy::NoDescriptor | GapWhy::NoThread) => by_ourselves(scene, *pid),
            view => view,
        };
        let Some(of_process) = links.by_pid.get(pid) else { continue };
        match view {
            Ok(View::Stands(found)) => {
                for standing in found {
                    let text = of_process.places.iter().find(|(kind, _)| *kind == standing.kind);
                    of_place(scene, *pid, &standing, text.map(|(_, path)| path), strays);
                }
            }
            Ok(_) | Err(GapWhy::Vanished) => {}
            Err(why) => *unseen.entry(why).or_default() += 1,
        }
    }
    for (why, count) in unseen {
        let plural = if count == 1 { "process" } else { "processes" };
        claims.unread(Gap::new(format!("where {} {plural} stand", Entries(count)), why));
    }
}

fn by_ourselves(scene: &Scene<'_>, pid: Pid) -> Seen<View> {
    Ok(View::Stands(elsewhere::stands(scene.proc.pid(pid)?.as_fd(), "")?))
}

fn of_place(scene: &Scene<'_>, pid: Pid, it: &Standing, text: Option<&RawPath>, strays: &mut Strays) {
    let is_told = text.is_some_and(|path| !path.as_bytes().is_empty());
    let is_known = it.mount_id.is_none_or(|id| match scene.ground.is_of_ours(id) {
        Some(true) => is_told,
        Some(false) => true,
        None => false,
    });
    if !is_known && owners::device(it.device) == scene.ground.stat_device {
        strays.add(it.inode, it.kind, pid, text);
    }
}

/// Open files.
pub fn of_files(
    scene: &Scene<'_>,
    pid: Pid,
    files: &[(Pid, u32, Option<RawPath>)],
    strays: &mut Strays,
    claims: &mut Claims,
) {
    if files.is_empty() {
        return;
    }
    let Ok(process) = scene.proc.pid(pid).map_err(GapWhy::from).map_err(|why| unseen(why, claims)) else {
        return;
    };
    let mut text = Vec::new();
    for (_, number, path) in files {
        let read = process.read_piece(&format!("fdinfo/{number}"), FDINFO_MAX, &mut text);
        let inode = read.map_err(GapWhy::from).and_then(|()| {
            let info = fdinfo::parse(&text);
            inode(scene, &info, path.as_ref(), &|| {
                stat::through_magic(process.as_fd(), format!("fd/{number}").as_bytes())
            })
        });
        match inode {
            Ok(None) => {}
            Ok(Some(inode)) => {
                strays.add(inode, ClaimKind::Fd, pid, path.as_ref());
            }
            Err(why) => unseen(why, claims),
        }
    }
}

/// The inode to search for, where the mount does not tell that it lies elsewhere.
fn inode(
    scene: &Scene<'_>,
    info: &FdInfo,
    path: Option<&RawPath>,
    look: &dyn Fn() -> std::io::Result<stat::Stat>,
) -> Seen<Option<u64>> {
    let Some(mount_id) = info.mount_id else { return Ok(None) };
    match scene.ground.is_of_ours(mount_id) {
        Some(false) => return Ok(None),
        Some(true) if path.is_some() => return Ok(None),
        Some(true) | None => {}
    }
    let here = |found: &stat::Stat| owners::device(found.device) == scene.ground.stat_device;
    match (info.inode, look()) {
        // A terminal of a namespace that is out of sight has an inode number as small as that of any entry.
        (_, Ok(found)) => Ok(here(&found).then_some(found.inode)),
        (Some(inode), Err(_)) => Ok(Some(inode)),
        (None, Err(why)) => Err(why.into()),
    }
}

fn unseen(why: GapWhy, claims: &mut Claims) {
    // Closed meanwhile, or its process has ended.
    if why != GapWhy::Vanished {
        claims.unread(Gap::new("the mounts of open files", why));
    }
}
