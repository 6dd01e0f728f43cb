//! Getting hold of what a plan names: a process that is still the same, a directory without following anything.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::io::Errno;

use super::ledger::Refused;
use crate::model::raw_path::RawPath;
use crate::model::treatment::{Way, Whom};
use crate::sys::namespace::start_ticks;
use crate::sys::pidfd::Pidfd;
use crate::sys::procfile::{PidDir, Proc, clock_ticks_per_second};
use crate::sys::{dirfd, stat};

/// A line of `stat`.
const STAT: usize = 4096;

/// A process that is held by a descriptor and was the planned one after that.
#[derive(Debug)]
pub struct Held {
    /// The hold.
    pub pidfd: Pidfd,
    /// Its directory in procfs.
    pub dir: PidDir,
}

/// Takes hold of a process, then looks whether it is the one: in this order its number cannot be given away in between.
pub fn hold(whom: Whom) -> Result<Held, Refused> {
    let pid = whom.pid;
    // What could not be looked at has not ended for that.
    let gone = |error: io::Error| match Errno::from_io_error(&error) {
        Some(Errno::SRCH | Errno::NOENT) => Refused::Kept(format!("pid {pid} has ended ({error})")),
        _ => Refused::at(format!("cannot take hold of pid {pid}"))(error),
    };
    let pidfd = Pidfd::open(pid).map_err(gone)?;
    let proc = Proc::open(Path::new("/proc")).map_err(Refused::at("cannot open /proc"))?;
    let dir = proc.pid(pid).map_err(gone)?;
    let ticks = dir.read("stat", STAT).map_err(gone)?;
    let ticks = start_ticks(&ticks)
        .ok_or_else(|| Refused::Kept(format!("cannot understand the stat of pid {pid}")))?;
    let tick = 1_000_000_000 / clock_ticks_per_second().max(1);
    if ticks.saturating_mul(tick).abs_diff(whom.started.0) > tick {
        return Err(Refused::Kept(format!("pid {pid} has ended; another process has its number now")));
    }
    Ok(Held { pidfd, dir })
}

/// The root of a way: that of its process, or ours.
fn root(way: &Way) -> Result<OwnedFd, Refused> {
    let Some(whom) = way.by else {
        return dirfd::open_trusted_dir(b"/").map_err(Refused::at("cannot open the root directory"));
    };
    let held = hold(whom)?;
    let proc = dirfd::open_trusted_dir(b"/proc").map_err(Refused::at("cannot open /proc"))?;
    let link = format!("{}/root", whom.pid);
    let root = dirfd::open_magic_dir(proc.as_fd(), link.as_bytes());
    let root = root.map_err(Refused::at(format!("cannot open the root of pid {}", whom.pid)))?;
    // It lived after we had opened its root, so it was its root.
    match held.pidfd.has_ended_within(std::time::Duration::ZERO) {
        Ok(false) => Ok(root),
        _ => Err(Refused::Kept(format!("pid {} has ended", whom.pid))),
    }
}

/// The names of a path, the empty ones left out.
pub fn names(path: &RawPath) -> Result<Vec<&[u8]>, Refused> {
    let names: Vec<&[u8]> = path.as_bytes().split(|b| *b == b'/').filter(|name| !name.is_empty()).collect();
    let odd = names.iter().any(|name| [&b"."[..], b".."].contains(name));
    if !path.is_absolute() || odd {
        return Err(Refused::Kept(format!("{} is no plain absolute path", path.shown())));
    }
    Ok(names)
}

/// A handle on what lies at the end of a way, whatever it is; through no link.
pub fn node(way: &Way) -> Result<OwnedFd, Refused> {
    let root = root(way)?;
    if names(&way.path)?.is_empty() {
        return Ok(root);
    }
    let (dir, name) = parent_in(root, &way.path)?;
    let shown = RawPath::new(&name[..]).shown();
    dirfd::open_node(dir.as_fd(), &name).map_err(Refused::at(format!("cannot open {shown}")))
}

/// The directory above the end of a way, and the name in it.
pub fn parent(way: &Way) -> Result<(OwnedFd, Vec<u8>), Refused> {
    parent_in(root(way)?, &way.path)
}

/// The same in a root directory that is open.
pub fn parent_in(root: OwnedFd, path: &RawPath) -> Result<(OwnedFd, Vec<u8>), Refused> {
    let mut here = root;
    let names = names(path)?;
    let (last, above) =
        names.split_last().ok_or_else(|| Refused::Kept("the root itself is not changed".to_owned()))?;
    for name in above {
        here = deeper(&here, name)?;
    }
    Ok((here, last.to_vec()))
}

/// How far a way exists, and the names that are missing.
pub fn as_far_as_it_goes(way: &Way) -> Result<(OwnedFd, Vec<Vec<u8>>), Refused> {
    let mut here = root(way)?;
    let names = names(&way.path)?;
    for (at, name) in names.iter().enumerate() {
        match dirfd::open_node(here.as_fd(), name) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let missing = names.get(at..).unwrap_or_default();
                return Ok((here, missing.iter().map(|name| name.to_vec()).collect()));
            }
            other => here = directory(other, name)?,
        }
    }
    Ok((here, Vec::new()))
}

fn deeper(dir: &OwnedFd, name: &[u8]) -> Result<OwnedFd, Refused> {
    directory(dirfd::open_node(dir.as_fd(), name), name)
}

fn directory(node: io::Result<OwnedFd>, name: &[u8]) -> Result<OwnedFd, Refused> {
    let shown = RawPath::new(name).shown();
    let node = node.map_err(Refused::at(format!("cannot open {shown}")))?;
    let found = stat::of(node.as_fd()).map_err(Refused::at(format!("cannot look at {shown}")))?;
    if !found.is_directory() {
        return Err(Refused::Kept(format!("{shown} is no directory: a link is not followed here")));
    }
    Ok(node)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::units::BootNanos;

    #[test]
    fn only_a_process_that_is_not_there_has_ended() {
        let of = |pid| hold(Whom { pid, started: BootNanos(1) }).map(drop).unwrap_err();
        assert!(matches!(of(u32::MAX), Refused::Failed(Some(_), _)), "the kernel refused to look");
        assert!(matches!(of(0x3fff_fff0), Refused::Kept(_)), "beyond the largest pid there is nobody");
    }
}
