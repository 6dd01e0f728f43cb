//! A live directory in the place of a dead mount, in the namespace of the process that needs it.
//!
//! A thread cannot join a mount namespace while it shares its file system state with others, so a helper does it. Everything
//! that can be refused is looked at before anything is touched. Files that are open on the dead mount, and working
//! directories in it, stay as they are.
//!
//! Under the dead mount lies the machine's own temp dir, shared and full of other people's names: the process must not see
//! it, not for an instant. So the live mount goes beneath the dead one first, and then the dead one is taken off: whoever is
//! killed in between leaves the process as it was, and the next run finds the live mount there and takes only the last step.
//! Before Linux 6.5 that is not possible, nor is a mount on top of a dead directory (ENOENT): there the two calls follow each
//! other, the plan says so, and whoever is killed in between leaves the process with the machine's temp dir.

use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::ledger::Refused;
use super::private_tmp::Fresh;
use super::table;
use super::way::{self, Held};
use crate::exec::object;
use crate::model::errno::Errno;
use crate::model::plan::ObjectId;
use crate::model::raw_path::{RawPath, RawText};
use crate::model::treatment::{Way, Whom};
use crate::sys::helper::{self, HelperError};
use crate::sys::mount;
use crate::sys::procfile::{PidDir, Proc};
use crate::sys::space::{self, Kind};
use crate::sys::{child, stat};

/// The kind of the helper.
pub const HELPER: &str = "rebind";
/// Much longer than it takes.
const PATIENCE: Duration = Duration::from_mins(1);
/// A mount table of the largest namespace that the kernel allows by default.
const TABLE: usize = 64 << 20;

#[derive(Debug, Serialize, Deserialize)]
struct Request {
    whom: Whom,
    point: RawPath,
    mount_id: u64,
    line: RawText,
    fresh: RawPath,
    object: ObjectId,
}

#[derive(Debug, Serialize, Deserialize)]
enum Answer {
    Done,
    Kept(String),
    Failed(Option<Errno>, String),
}

/// Asks a helper to do it.
pub fn rebind(whom: Whom, mount: (&RawPath, u64, &RawText), fresh: &Fresh) -> Result<(), Refused> {
    let (point, mount_id, line) = mount;
    let (fresh, object) = (fresh.path.clone(), fresh.object);
    let request = Request { whom, point: point.clone(), mount_id, line: line.clone(), fresh, object };
    let request = serde_json::to_vec(&request).unwrap_or_default();
    let answer = helper::ask(HELPER, &request, PATIENCE).map_err(|error| match error {
        HelperError::Spawn(error) => Refused::at("cannot start a helper process")(error),
        other => Refused::Failed(None, other.to_string()),
    })?;
    match serde_json::from_slice(&answer) {
        Ok(Answer::Done) => Ok(()),
        Ok(Answer::Kept(why)) => Err(Refused::Kept(why)),
        Ok(Answer::Failed(errno, why)) => Err(Refused::Failed(errno, why)),
        Err(_) => {
            Err(Refused::Failed(None, "the helper process said nothing that can be understood".to_owned()))
        }
    }
}

/// What happens in the helper process. Called by `cmd::helper`.
///
/// # Errors
/// Where the request cannot be read or the answer not be given.
pub fn serve(request: &[u8], out: &mut dyn Write) -> io::Result<()> {
    let request: Request = serde_json::from_slice(request)?;
    // From here on only SIGKILL comes between the two calls.
    child::hold_signals()?;
    let answer = match exchange(&request) {
        Ok(()) => Answer::Done,
        Err(Refused::Kept(why)) => Answer::Kept(why),
        Err(Refused::Failed(errno, why)) => Answer::Failed(errno, why),
    };
    out.write_all(&serde_json::to_vec(&answer)?)
}

fn exchange(request: &Request) -> Result<(), Refused> {
    let tree = clone(request)?;
    let held = way::hold(request.whom)?;
    let table = table_of(&held, &request.line)?;
    // Ours, which is that of the process from the next line on, and does not end with it.
    let proc = Proc::open(Path::new("/proc")).map_err(Refused::at("cannot open /proc"))?;
    let own = proc.own().map_err(Refused::at("cannot open our own /proc/self"))?;
    let space = our_space(&held, request.whom.pid)?;
    space::join(space, Kind::Mount).map_err(Refused::at("cannot join its mount namespace"))?;
    let dead = on_top(request)?;
    let found = stat::of(dead.as_fd()).map_err(Refused::at("cannot look at the dead mount"))?;
    if found.links != 0 {
        return Err(Refused::Kept(format!("the directory behind {} lives", request.point)));
    }
    if table::is_beneath(&table, &request.line, (&request.fresh, request.object.device)) {
        take_off(&dead, request, &own).map_err(half)?;
    } else {
        match mount::attach_beneath(tree.as_fd(), dead.as_fd()) {
            Ok(()) => take_off(&dead, request, &own).map_err(half)?,
            // Older than Linux 6.5, most likely; where the mount is locked, the other way is refused as well.
            Err(error) if error.raw_os_error() == Some(Errno::EINVAL.0) => {
                take_off(&dead, request, &own)?;
                attach(&tree, &request.point).map_err(|refused| bare(&refused, request))?;
            }
            Err(error) => {
                return Err(Refused::at(format!("cannot mount beneath {}", request.point))(error));
            }
        }
    }
    let live = way::any_node(&request.point)?;
    let (found, _) = object::of(live.as_fd()).map_err(Refused::at("cannot look at what is mounted now"))?;
    if (found.device, found.inode) == (request.object.device, request.object.inode) {
        Ok(())
    } else {
        Err(Refused::Failed(None, format!("{} is another directory than the fresh one now", request.point)))
    }
}

/// Its mount namespace, if that is of our own user namespace. Whoever makes himself a user namespace is root in it: there he
/// can give any mount a dead directory with the name of a service, and what we mount there he may change as he likes.
fn our_space(held: &Held, pid: u32) -> Result<OwnedFd, Refused> {
    let space = space::open(pid, Kind::Mount).map_err(Refused::at("cannot open its mount namespace"))?;
    // It lived after we had opened its namespace, so it was its own.
    if !matches!(held.pidfd.has_ended_within(Duration::ZERO), Ok(false)) {
        return Err(Refused::Kept(format!("pid {pid} has ended")));
    }
    let foreign = || {
        Refused::Kept(format!(
            "the mount namespace of pid {pid} belongs to another user namespace than ours, whose users rule over it \
             (rootless containers, unshare -U): nothing of the machine is mounted there; end that process instead"
        ))
    };
    let owner = match space::owner(space.as_fd()) {
        Ok(owner) => owner,
        // One that is not below ours: nor is it ours.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => return Err(foreign()),
        Err(error) => return Err(Refused::at("whose its mount namespace is is not known")(error)),
    };
    let own = space::open_own(Kind::User).map_err(Refused::at("cannot open our own user namespace"))?;
    let id = |fd: &OwnedFd| {
        let found = stat::of(fd.as_fd()).map_err(Refused::at("cannot look at a user namespace"))?;
        Ok((found.device, found.inode))
    };
    if id(&owner)? == id(&own)? { Ok(space) } else { Err(foreign()) }
}

/// The root of the dead mount, where it is what the path leads to.
fn on_top(request: &Request) -> Result<OwnedFd, Refused> {
    let node = way::any_node(&request.point)?;
    let found = stat::of(node.as_fd()).map_err(Refused::at("cannot look at the dead mount"))?;
    if found.mount_id == Some(request.mount_id) && found.mount_root != Some(false) {
        return Ok(node);
    }
    Err(Refused::Kept(format!("something else is mounted on {} by now", request.point)))
}

/// The fresh mount is in its place already, so the fresh directory must not be taken away again.
fn half(refused: Refused) -> Refused {
    match refused {
        Refused::Kept(why) => Refused::Failed(None, format!("{why}; the fresh one lies beneath it")),
        failed @ Refused::Failed(..) => failed,
    }
}

fn bare(refused: &Refused, request: &Request) -> Refused {
    let why = format!(
        "the dead mount is off, but the fresh one could not be attached ({}): the service sees what lies below {}; \
         restart it",
        refused.why(),
        request.point
    );
    Refused::Failed(None, why)
}

/// The mount table of the process, in which that line must still stand.
fn table_of(held: &Held, line: &RawText) -> Result<Vec<u8>, Refused> {
    let table = held.dir.read("mountinfo", TABLE).map_err(Refused::at("cannot read its mount table"))?;
    if table.split(|b| *b == b'\n').any(|known| known == line.as_bytes()) {
        Ok(table)
    } else {
        Err(Refused::Kept("its mount table has changed since the plan was made".to_owned()))
    }
}

/// Whether the process and the dead mount are still those of the plan.
pub fn is_still(whom: Whom, line: &RawText) -> Result<(), Refused> {
    let held = way::hold(whom)?;
    table_of(&held, line)?;
    our_space(&held, whom.pid).map(drop)
}

/// Takes the dead mount off. The kernel takes whatever is uppermost there, so it is looked at in the last moment whether
/// that is the dead one, and afterwards what went: who mounts between the two loses his mount, and is told.
fn take_off(dead: &OwnedFd, request: &Request, own: &PidDir) -> Result<(), Refused> {
    let read = || own.read("mountinfo", TABLE);
    let before = read().map_err(Refused::at("cannot read the mount table"))?;
    on_top(request)?;
    mount::detach_uppermost(dead.as_fd()).map_err(Refused::at(format!("cannot detach {}", request.point)))?;
    let after = read().map_err(Refused::at("whether the dead mount is off is not known: mountinfo"))?;
    table::went(&before, &after, &request.line)
}

/// The fresh directory, looked at once more, as a mount that is nowhere yet; it forbids what the dead one forbade.
fn clone(request: &Request) -> Result<OwnedFd, Refused> {
    let fresh = way::node(&Way { by: None, path: request.fresh.clone() })?;
    let (object, _) = object::of(fresh.as_fd()).map_err(Refused::at("cannot look at the fresh directory"))?;
    if object != request.object {
        return Err(Refused::Kept(format!("{} is another directory by now", request.fresh)));
    }
    let tree = mount::clone_tree(fresh.as_fd()).map_err(Refused::at("cannot clone the fresh directory"))?;
    let (forbids, stamps) = table::options(&request.line);
    mount::tame(tree.as_fd(), forbids, stamps)
        .map_err(Refused::at("cannot set up the clone (mount_setattr, Linux 5.12)"))?;
    Ok(tree)
}

fn attach(tree: &OwnedFd, point: &RawPath) -> Result<(), Refused> {
    let below = way::any_node(point)?;
    mount::attach_tree(tree.as_fd(), below.as_fd()).map_err(Refused::at("move_mount"))
}
