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
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::ledger::Refused;
use super::private_tmp::Fresh;
use super::way::{self, Held};
use crate::exec::object;
use crate::model::errno::Errno;
use crate::model::plan::ObjectId;
use crate::model::raw_path::{RawPath, RawText};
use crate::model::treatment::{Way, Whom};
use crate::sys::helper::{self, HelperError};
use crate::sys::mount::{self, Forbids};
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
    let table = table(&held, &request.line)?;
    held.pidfd.join_mounts().map_err(Refused::at("cannot join its mount namespace"))?;
    let point = Way { by: None, path: request.point.clone() };
    let dead = way::node(&point)?;
    let found = stat::of(dead.as_fd()).map_err(Refused::at("cannot look at the dead mount"))?;
    if found.mount_id != Some(request.mount_id) || found.mount_root == Some(false) {
        return Err(Refused::Kept(format!("something else is mounted on {} by now", request.point)));
    }
    if found.links != 0 {
        return Err(Refused::Kept(format!("the directory behind {} lives", request.point)));
    }
    if !is_beneath(&table, request) {
        match mount::attach_beneath(tree.as_fd(), dead.as_fd()) {
            Ok(()) => {}
            // Older than Linux 6.5, most likely; where the mount is locked, the other way is refused as well.
            Err(error) if error.raw_os_error() == Some(Errno::EINVAL.0) => {
                return one_after_the_other(&tree, &dead, &point);
            }
            Err(error) => {
                return Err(Refused::at(format!("cannot mount beneath {}", request.point))(error));
            }
        }
    }
    take_off(&dead, &point)?;
    let live = way::node(&point)?;
    let (found, _) = object::of(live.as_fd()).map_err(Refused::at("cannot look at what is mounted now"))?;
    if (found.device, found.inode) == (request.object.device, request.object.inode) {
        Ok(())
    } else {
        Err(Refused::Failed(None, format!("{} is another directory than the fresh one now", request.point)))
    }
}

/// The mount table of the process, in which that line must still stand.
fn table(held: &Held, line: &RawText) -> Result<Vec<u8>, Refused> {
    let table = held.dir.read("mountinfo", TABLE).map_err(Refused::at("cannot read its mount table"))?;
    if table.split(|b| *b == b'\n').any(|known| known == line.as_bytes()) {
        Ok(table)
    } else {
        Err(Refused::Kept("its mount table has changed since the plan was made".to_owned()))
    }
}

/// Whether the process and the dead mount are still those of the plan.
pub fn is_still(whom: Whom, line: &RawText) -> Result<(), Refused> {
    table(&way::hold(whom)?, line).map(drop)
}

/// Whether an earlier run was interrupted before its last step: the dead mount stands on one of the fresh directory. The
/// name of that directory has a random ending, so on one device it is no other one's.
fn is_beneath(table: &[u8], request: &Request) -> bool {
    let field = |line: &[u8], at: usize| line.split(|b| *b == b' ').nth(at).map(<[u8]>::to_vec);
    let mut names = request.fresh.as_bytes().rsplit(|b| *b == b'/');
    let (Some(last), Some(name)) = (names.next(), names.next()) else { return false };
    let end = [b"/", name, b"/", last].concat();
    let parent = field(request.line.as_bytes(), 1);
    let device = format!("{}:{}", request.object.device.major, request.object.device.minor).into_bytes();
    parent.is_some()
        && table.split(|b| *b == b'\n').any(|line| {
            field(line, 0) == parent
                && field(line, 2).as_ref() == Some(&device)
                && field(line, 3).is_some_and(|root| root.ends_with(&end))
                && field(line, 4) == field(request.line.as_bytes(), 4)
        })
}

fn one_after_the_other(tree: &OwnedFd, dead: &OwnedFd, point: &Way) -> Result<(), Refused> {
    take_off(dead, point)?;
    attach(tree, point).map_err(|refused| {
        let why = format!(
            "the dead mount is off, but the fresh one could not be attached ({}): the service sees what lies below {}; \
             restart it",
            refused.why(),
            point.path
        );
        Refused::Failed(None, why)
    })
}

fn take_off(dead: &OwnedFd, point: &Way) -> Result<(), Refused> {
    mount::detach_exactly(dead.as_fd()).map_err(Refused::at(format!("cannot detach {}", point.path)))
}

/// The fresh directory, looked at once more, as a mount that is nowhere yet; it forbids what the dead one forbade.
fn clone(request: &Request) -> Result<OwnedFd, Refused> {
    let fresh = way::node(&Way { by: None, path: request.fresh.clone() })?;
    let (object, _) = object::of(fresh.as_fd()).map_err(Refused::at("cannot look at the fresh directory"))?;
    if object != request.object {
        return Err(Refused::Kept(format!("{} is another directory by now", request.fresh)));
    }
    let tree = mount::clone_tree(fresh.as_fd()).map_err(Refused::at("cannot clone the fresh directory"))?;
    let options = request.line.as_bytes().split(|b| *b == b' ').nth(5).unwrap_or_default();
    let has = |word: &[u8]| options.split(|b| *b == b',').any(|option| option == word);
    let forbids =
        Forbids { write: has(b"ro"), suid: has(b"nosuid"), dev: has(b"nodev"), exec: has(b"noexec") };
    mount::tame(tree.as_fd(), forbids)
        .map_err(Refused::at("cannot set up the clone (mount_setattr, Linux 5.12)"))?;
    Ok(tree)
}

fn attach(tree: &OwnedFd, point: &Way) -> Result<(), Refused> {
    let below = way::node(point)?;
    mount::attach_tree(tree.as_fd(), below.as_fd()).map_err(Refused::at("move_mount"))
}
