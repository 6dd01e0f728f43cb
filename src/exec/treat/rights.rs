//! Directories that are made, and objects that get another mode or owner: through a handle, after a look at what it is on.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use super::ledger::{Changed, Ledger, Refused};
use super::way;
use crate::exec::journal::JournalError;
use crate::exec::object;
use crate::model::journal::Change;
use crate::model::plan::ObjectId;
use crate::model::raw_path::RawPath;
use crate::model::treatment::{Inode, Rights, Way};
use crate::model::units::WallNanos;
use crate::model::vantage::Kind;
use crate::sys::stat::{self, Stat};
use crate::sys::{clock, enter, hands};

/// How far the clock of a file system may lag: its stamps are those of the last tick.
const LAG_NANOS: i64 = 1_000_000_000;
/// A directory above the one that is wanted.
const ABOVE: u32 = 0o755;

/// Whether there is something to make.
pub fn is_missing(at: &Way) -> Result<(), Refused> {
    missing(at).map(drop)
}

/// The directory down to which a way exists, and the names that are missing: at least one.
fn missing(at: &Way) -> Result<(OwnedFd, Vec<Vec<u8>>), Refused> {
    let (here, missing) = way::as_far_as_it_goes(at)?;
    if missing.is_empty() {
        return Err(Refused::Kept(format!("{} is there already", at.path.shown())));
    }
    Ok((here, missing))
}

/// Makes what is missing of a way; the last one gets the rights.
pub fn make_dir(
    ledger: &mut Ledger<'_>,
    at: &Way,
    rights: Rights,
    own: u32,
) -> Result<Result<(), Refused>, JournalError> {
    let (mut here, missing) = match missing(at) {
        Ok(found) => found,
        Err(refused) => return Ok(Err(refused)),
    };
    let whole = at.reached();
    for (index, name) in missing.iter().enumerate() {
        let behind: usize = missing.iter().skip(index + 1).map(|name| name.len() + 1).sum();
        let length = trimmed(&whole).len().saturating_sub(behind);
        let path = RawPath::new(trimmed(&whole).get(..length).unwrap_or_default());
        let last = index + 1 == missing.len();
        let wanted = if last {
            rights
        } else {
            Rights { mode: ABOVE, uid: own, gid: rustix::process::getegid().as_raw() }
        };
        let Rights { mode, uid, gid } = wanted;
        let mut made = None;
        let change = Change::MakeDir { path: path.clone(), mode, uid, gid };
        let changed = ledger.change(change, || {
            let (dir, object) = make_one(here.as_fd(), name, wanted, own)?;
            made = Some((dir, object));
            Ok(None)
        })?;
        if let Err(refused) = changed {
            return Ok(Err(refused));
        }
        let Some((dir, object)) = made else { return Ok(Err(Refused::Kept("it was not made".to_owned()))) };
        ledger.note(Change::Made { path, object })?;
        here = dir;
    }
    Ok(Ok(()))
}

fn trimmed(path: &RawPath) -> &[u8] {
    let bytes = path.as_bytes();
    bytes.iter().rposition(|b| *b != b'/').and_then(|end| bytes.get(..=end)).unwrap_or(bytes)
}

/// The name may have been exchanged between making and entering: what is entered must be ours and new.
fn make_one(
    dir: BorrowedFd<'_>,
    name: &[u8],
    rights: Rights,
    own: u32,
) -> Result<(OwnedFd, ObjectId), Refused> {
    let shown = RawPath::new(name).shown();
    let before = clock::wall_nanos().saturating_sub(LAG_NANOS);
    hands::make_private_dir(dir, name).map_err(Refused::at(format!("cannot make {shown}")))?;
    let made = enter::listing(dir, name).map_err(Refused::at(format!("cannot enter {shown}")))?;
    let (object, found) = object::of(made.as_fd()).map_err(Refused::at(format!("cannot look at {shown}")))?;
    if found.uid != own || found.links > 2 || found.born.unwrap_or(found.changed) < before {
        return Err(Refused::Kept(format!("{shown} is not the directory that was made a moment ago")));
    }
    hands::give(made.as_fd(), rights.uid, rights.gid).map_err(Refused::at("cannot give it away"))?;
    hands::set_mode(made.as_fd(), rights.mode).map_err(Refused::at("cannot set its mode"))?;
    Ok((made, object))
}

/// Changes owner and mode of a directory or a device.
pub fn set(
    ledger: &mut Ledger<'_>,
    at: &Way,
    inode: Inode,
    (from, to): (Rights, Rights),
) -> Result<Result<(), Refused>, JournalError> {
    let (node, object) = match find(at, inode, from) {
        Ok(found) => found,
        Err(refused) => return Ok(Err(refused)),
    };
    let path = at.reached();
    if (from.uid, from.gid) != (to.uid, to.gid) {
        let (from, to) = ((from.uid, from.gid), (to.uid, to.gid));
        let change = Change::Owner { path: path.clone(), object, from, to };
        if let Err(refused) = ledger.change(change, || give(node.as_fd(), to))? {
            return Ok(Err(refused));
        }
    }
    let change = Change::Mode { path, object, from: from.mode, to: to.mode };
    Ok(ledger.change(change, || mode(node.as_fd(), to.mode))?.map(|_changed| ()))
}

/// The planned object, if it still has the rights that were seen.
pub fn find(at: &Way, inode: Inode, from: Rights) -> Result<(OwnedFd, ObjectId), Refused> {
    let node = way::node(at)?;
    let (object, stat) = object::of(node.as_fd()).map_err(Refused::at("cannot look at it"))?;
    is_planned(&object, inode, &stat, from)?;
    Ok((node, object))
}

fn is_planned(object: &ObjectId, inode: Inode, stat: &Stat, from: Rights) -> Result<(), Refused> {
    if object.device != inode.device || object.inode != inode.inode {
        return Err(Refused::Kept("another object has its name since the plan was made".to_owned()));
    }
    if !matches!(object.kind, Kind::Directory | Kind::CharDevice) {
        return Err(Refused::Kept("it is neither a directory nor a device".to_owned()));
    }
    let now = Rights { mode: stat.mode & 0o7777, uid: stat.uid, gid: stat.gid };
    if now != from {
        return Err(Refused::Kept(format!("it is {} by now, not {}", now.shown(), from.shown())));
    }
    Ok(())
}

/// Gives an object away; its ctime since.
pub fn give(node: BorrowedFd<'_>, (uid, gid): (u32, u32)) -> Changed {
    hands::give(node, uid, gid).map_err(Refused::at("cannot change its owner"))?;
    changed(node)
}

/// Sets the mode of an object; its ctime since.
pub fn mode(node: BorrowedFd<'_>, mode: u32) -> Changed {
    hands::set_mode_of_node(node, mode).map_err(Refused::at("cannot change its mode"))?;
    changed(node)
}

fn changed(node: BorrowedFd<'_>) -> Changed {
    let found = stat::of(node).map_err(Refused::at("cannot look at it"))?;
    Ok(Some(WallNanos(found.changed)))
}
