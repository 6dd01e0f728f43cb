//! A live directory in the place of a dead mount, in the namespace of the process that needs it.
//!
//! A thread cannot join a mount namespace while it shares its file system state with others, so a helper does it. Everything
//! that can be refused is looked at before anything is touched: between detaching the dead mount and attaching the live one
//! the process sees what lies below. Files that are open on the dead mount, and working directories in it, stay as they are.

use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::ledger::Refused;
use super::private_tmp::Fresh;
use super::way;
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
/// Much longer than it takes; whoever is killed in the middle leaves the process without either mount.
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
    // From here on only SIGKILL comes between the two mounts.
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
    let table = held.dir.read("mountinfo", TABLE).map_err(Refused::at("cannot read its mount table"))?;
    if !table.split(|b| *b == b'\n').any(|line| line == request.line.as_bytes()) {
        return Err(Refused::Kept("its mount table has changed since the plan was made".to_owned()));
    }
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
    mount::detach_exactly(dead.as_fd()).map_err(Refused::at(format!("cannot detach {}", request.point)))?;
    attach(&tree, &point).map_err(|refused| {
        let why = format!(
            "the dead mount is off, but the fresh one could not be attached ({}): the service sees what lies below {}; \
             restart it",
            refused.why(),
            request.point
        );
        Refused::Failed(None, why)
    })
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
    let forbids = Forbids { suid: has(b"nosuid"), dev: has(b"nodev"), exec: has(b"noexec") };
    mount::tame(tree.as_fd(), forbids)
        .map_err(Refused::at("cannot set up the clone (mount_setattr, Linux 5.12)"))?;
    Ok(tree)
}

fn attach(tree: &OwnedFd, point: &Way) -> Result<(), Refused> {
    let below = way::node(point)?;
    mount::attach_tree(tree.as_fd(), below.as_fd()).map_err(Refused::at("move_mount"))
}
