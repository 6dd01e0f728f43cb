//! Getting hold of what a plan names: a process that is still the same, a directory without following anything.
//!
//! Nor through a file system in user space: whoever serves that decides when our calls come back, if ever, and we hold the
//! journal meanwhile. A handle on its root costs no question to him, so that is where each walk stops. Where the server of
//! a remote file system decides, a helper asks first whether it is there.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::io::Errno;

use super::answers;
use super::ledger::Refused;
use crate::model::mount::Mount;
use crate::model::raw_path::RawPath;
use crate::model::treatment::{Way, Whom};
use crate::sys::dirfd;
use crate::sys::namespace::start_ticks;
use crate::sys::pidfd::Pidfd;
use crate::sys::procfile::{PidDir, Proc, clock_ticks_per_second};
use crate::sys::stat::{self, Stat};

/// A line of `stat`.
const STAT: usize = 4096;
/// A mount table of the largest namespace that the kernel allows by default.
const TABLE: usize = 64 << 20;

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

/// The root of a way, that of its process or ours, and what is mounted there.
fn root(way: &Way) -> Result<(OwnedFd, Mounts), Refused> {
    let mut mounts = Mounts { of: way.by.map(|whom| whom.pid), unknown: Unknown::Refused, good: None };
    let Some(whom) = way.by else {
        let root = dirfd::open_trusted_dir(b"/").map_err(Refused::at("cannot open the root directory"))?;
        mounts.look(root.as_fd(), b"/")?;
        return Ok((root, mounts));
    };
    let held = hold(whom)?;
    let proc = dirfd::open_trusted_dir(b"/proc").map_err(Refused::at("cannot open /proc"))?;
    let link = format!("{}/root", whom.pid);
    let root = dirfd::open_magic_dir(proc.as_fd(), link.as_bytes());
    let root = root.map_err(Refused::at(format!("cannot open the root of pid {}", whom.pid)))?;
    mounts.look(root.as_fd(), b"/")?;
    // It lived after we had opened its root, so it was its root.
    match held.pidfd.has_ended_within(std::time::Duration::ZERO) {
        Ok(false) => Ok((root, mounts)),
        _ => Err(Refused::Kept(format!("pid {} has ended", whom.pid))),
    }
}

/// Whether each mount on a way is one that the kernel itself answers for.
struct Mounts {
    /// The process whose mount table names them; ours without one.
    of: Option<u32>,
    unknown: Unknown,
    /// The one that was looked up last.
    good: Option<u64>,
}

/// What becomes of a mount that is in no table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unknown {
    /// It came this moment, so it may be anybody's.
    Refused,
    /// Nobody said in whose table it stands.
    Passed,
}

impl Mounts {
    /// Looks at a node, if its file system does not lie in user space. Before Linux 5.8 a node does not tell its mount.
    fn look(&mut self, node: BorrowedFd<'_>, name: &[u8]) -> Result<Stat, Refused> {
        let found =
            stat::of(node).map_err(Refused::at(format!("cannot look at {}", RawPath::new(name).shown())))?;
        if let Some(id) = found.mount_id.filter(|id| self.good != Some(*id)) {
            self.judge(id, node, name)?;
            self.good = Some(id);
        }
        Ok(found)
    }

    fn judge(&self, id: u64, node: BorrowedFd<'_>, name: &[u8]) -> Result<(), Refused> {
        let proc = Proc::open(Path::new("/proc")).map_err(Refused::at("cannot open /proc"))?;
        // The mount that a root directory lies on may be seen from above only.
        let of_process = self.of.map(|pid| proc.pid(pid).and_then(|dir| dir.read("mountinfo", TABLE)));
        for table in of_process.into_iter().chain([proc.own().and_then(|dir| dir.read("mountinfo", TABLE))]) {
            let table = table.map_err(Refused::at("cannot read the mount table"))?;
            let Some((point, kind)) = mount_of(&table, id) else { continue };
            if is_in_user_space(kind) {
                return Err(Refused::Kept(format!(
                    "{} is a file system in user space ({}): whoever serves it could keep tmpmedic waiting for ever, so \
                     nothing is done on it",
                    RawPath::new(point).shown(),
                    RawPath::new(kind).shown()
                )));
            }
            let may_hang = std::str::from_utf8(kind).is_ok_and(Mount::is_doubtful_type);
            // Whoever passes what no table names is such a helper itself.
            return if may_hang && self.unknown == Unknown::Refused {
                answers::ask(node, point, kind)
            } else {
                Ok(())
            };
        }
        match self.unknown {
            Unknown::Passed => Ok(()),
            Unknown::Refused => Err(Refused::Kept(format!(
                "{} lies on a mount that no mount table names",
                RawPath::new(name).shown()
            ))),
        }
    }
}

/// Point and type of a mount. Source: proc_pid_mountinfo(5).
fn mount_of(table: &[u8], id: u64) -> Option<(&[u8], &[u8])> {
    let id = id.to_string();
    let line =
        table.split(|b| *b == b'\n').find(|line| line.split(|b| *b == b' ').next() == Some(id.as_bytes()))?;
    let point = line.split(|b| *b == b' ').nth(4)?;
    let kind = line.split(|b| *b == b' ').skip_while(|field| *field != b"-").nth(1)?;
    Some((point, kind))
}

fn is_in_user_space(kind: &[u8]) -> bool {
    kind == b"fuse" || kind == b"fuseblk" || kind.starts_with(b"fuse.")
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
    let (root, mut mounts) = root(way)?;
    let node = end(root, &way.path, &mut mounts)?;
    mounts.look(node.as_fd(), way.path.as_bytes())?;
    Ok(node)
}

/// The same by our own root, where the end may be any mount: for a helper process with a deadline, in a namespace in which
/// there need be no procfs.
pub fn any_node(path: &RawPath) -> Result<OwnedFd, Refused> {
    let root = dirfd::open_trusted_dir(b"/").map_err(Refused::at("cannot open the root directory"))?;
    let good = stat::of(root.as_fd()).map_err(Refused::at("cannot look at the root directory"))?.mount_id;
    end(root, path, &mut Mounts { of: None, unknown: Unknown::Passed, good })
}

fn end(root: OwnedFd, path: &RawPath, mounts: &mut Mounts) -> Result<OwnedFd, Refused> {
    if names(path)?.is_empty() {
        return Ok(root);
    }
    let (dir, name) = above(root, path, mounts)?;
    let shown = RawPath::new(&name[..]).shown();
    dirfd::open_node(dir.as_fd(), &name).map_err(Refused::at(format!("cannot open {shown}")))
}

/// The directory above the end of a way, and the name in it.
pub fn parent(way: &Way) -> Result<(OwnedFd, Vec<u8>), Refused> {
    let (root, mut mounts) = root(way)?;
    above(root, &way.path, &mut mounts)
}

/// The same in a root directory that is open.
pub fn parent_in(root: OwnedFd, path: &RawPath) -> Result<(OwnedFd, Vec<u8>), Refused> {
    above(root, path, &mut Mounts { of: None, unknown: Unknown::Passed, good: None })
}

fn above(root: OwnedFd, path: &RawPath, mounts: &mut Mounts) -> Result<(OwnedFd, Vec<u8>), Refused> {
    let mut here = root;
    let names = names(path)?;
    let (last, above) =
        names.split_last().ok_or_else(|| Refused::Kept("the root itself is not changed".to_owned()))?;
    for name in above {
        here = directory(dirfd::open_node(here.as_fd(), name), name, mounts)?;
    }
    Ok((here, last.to_vec()))
}

/// How far a way exists, and the names that are missing.
pub fn as_far_as_it_goes(way: &Way) -> Result<(OwnedFd, Vec<Vec<u8>>), Refused> {
    let (mut here, mut mounts) = root(way)?;
    let names = names(&way.path)?;
    for (at, name) in names.iter().enumerate() {
        match dirfd::open_node(here.as_fd(), name) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let missing = names.get(at..).unwrap_or_default();
                return Ok((here, missing.iter().map(|name| name.to_vec()).collect()));
            }
            other => here = directory(other, name, &mut mounts)?,
        }
    }
    Ok((here, Vec::new()))
}

fn directory(node: io::Result<OwnedFd>, name: &[u8], mounts: &mut Mounts) -> Result<OwnedFd, Refused> {
    let shown = RawPath::new(name).shown();
    let node = node.map_err(Refused::at(format!("cannot open {shown}")))?;
    if !mounts.look(node.as_fd(), name)?.is_directory() {
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

    #[test]
    fn a_mount_table_tells_who_answers() {
        let table = b"30 1 0:30 / / rw shared:1 - ext4 /dev/vda rw\n31 30 0:31 / /home/a\\040b rw - fuse.sshfs x rw\n";
        assert_eq!(mount_of(table, 30), Some((&b"/"[..], &b"ext4"[..])));
        assert_eq!(mount_of(table, 31), Some((&b"/home/a\\040b"[..], &b"fuse.sshfs"[..])));
        assert_eq!(mount_of(table, 3), None);
        let served = ["fuse", "fuseblk", "fuse.sshfs", "fuse.fuse-overlayfs"];
        assert!(served.iter().all(|kind| is_in_user_space(kind.as_bytes())));
        assert!(!["fusectl", "ext4", "tmpfs", "nfs4"].iter().any(|kind| is_in_user_space(kind.as_bytes())));
    }

    #[test]
    fn what_no_table_names_is_refused() {
        let here = dirfd::open_trusted_dir(b"/").unwrap();
        let mut mounts = Mounts { of: None, unknown: Unknown::Refused, good: None };
        assert!(matches!(mounts.judge(u64::MAX, here.as_fd(), b"x"), Err(Refused::Kept(_))));
        mounts.unknown = Unknown::Passed;
        assert_eq!(mounts.judge(u64::MAX, here.as_fd(), b"x"), Ok(()));
    }
}
