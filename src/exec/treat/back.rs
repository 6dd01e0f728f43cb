//! Taking a treatment back, from what the journal says of it: last step first, each only where nobody changed it since.
//!
//! A file that we gave to somebody and that he wrote since must not become root's again with his content: others trust what
//! root owns. So its ctime must be the one that we left it with.

use std::io::Write;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;

use super::ledger::{Changed, Ledger, Refused};
use super::since::{self, Given, TICK_NANOS};
use super::{rights, units, way};
use crate::exec::journal::{Journal, JournalError};
use crate::exec::object;
use crate::exec::undo::{Undone, steps_of};
use crate::model::journal::{Change, Done, Record, WorkId};
use crate::model::plan::ObjectId;
use crate::model::process::Pid;
use crate::model::raw_path::RawPath;
use crate::model::treatment::Rights;
use crate::model::units::WallNanos;
use crate::model::vantage::Kind;
use crate::remedies::GIVE;
use crate::sys::{dirfd, hands};

/// Whether a piece of work is one that this takes back, at least in part.
pub fn can(records: &[Record], work: WorkId) -> bool {
    steps_of(records, work).values().any(|step| {
        let inverse = matches!(
            step.change,
            Change::Mode { .. }
                | Change::Owner { .. }
                | Change::Made { .. }
                | Change::Write { .. }
                | Change::Unlink { .. }
        );
        inverse && matches!(step.done, Some(Done::Done { .. }))
    })
}

/// Takes the steps of a piece of work back, under the number of a new one that has begun.
///
/// # Errors
/// Where the journal cannot be written: nothing is done that is not written down.
pub fn take_back(
    journal: &mut Journal,
    records: &[Record],
    work: WorkId,
    new: WorkId,
) -> Result<Undone, JournalError> {
    take_back_while(journal, records, (work, new), &mut |_done| true)
}

/// What would be taken back, last step first: where, and what was done there.
pub fn open_steps(records: &[Record], work: WorkId) -> Vec<(RawPath, Change)> {
    let steps = steps_of(records, work).into_values().rev();
    let done = steps.filter(|step| matches!(step.done, Some(Done::Done { .. })));
    done.filter_map(|step| Some((inverse(&step.change)?.0, step.change))).collect()
}

/// The same, for as long as it goes on: `step` hears after each how many are dealt with, and says that.
///
/// # Errors
/// As [`take_back`].
pub fn take_back_while(
    journal: &mut Journal,
    records: &[Record],
    (work, new): (WorkId, WorkId),
    step: &mut dyn FnMut(u64) -> bool,
) -> Result<Undone, JournalError> {
    let mut seen = 0;
    let given = records.iter().any(|record| match record {
        Record::Begin(begin) => begin.work == work && begin.action == GIVE,
        _ => false,
    });
    let steps = steps_of(records, work);
    let directories = if given { Directories::AsLeft(Given::of(&steps)) } else { Directories::InUse };
    let mut ledger = Ledger::new(journal, new);
    let mut undone = Undone::default();
    let mut reload = false;
    for known in steps.into_values().rev() {
        let Some(Done::Done { changed }) = known.done else { continue };
        let Some((path, inverse)) = inverse(&known.change) else { continue };
        if !step(seen) {
            undone.stopped = true;
            break;
        }
        reload |= matches!(known.change, Change::Write { .. });
        let came = ledger.change(inverse, || one(&known.change, changed, &directories))?;
        match came {
            Ok(_) => undone.back.push(path),
            Err(refused) => undone.left.push((path, refused.why().to_owned())),
        }
        seen += 1;
    }
    if reload {
        let line = "systemctl daemon-reload".to_owned();
        if let Err(refused) = ledger.change(Change::Call { line }, || units::reload().map(|()| None))? {
            undone.left.push(("systemd".into(), refused.why().to_owned()));
        }
    }
    Ok(undone)
}

/// What takes a change back, as the journal writes it down.
fn inverse(change: &Change) -> Option<(RawPath, Change)> {
    let (path, inverse) = match change {
        Change::Mode { path, object, from, to } => {
            (path, Change::Mode { path: path.clone(), object: *object, from: *to, to: *from })
        }
        Change::Owner { path, object, from, to } => {
            (path, Change::Owner { path: path.clone(), object: *object, from: *to, to: *from })
        }
        Change::Made { path, .. } => (path, Change::Call { line: format!("rmdir {}", path.quoted()) }),
        Change::Write { path, from, to } => {
            let back = from.clone().unwrap_or_default();
            (path, Change::Write { path: path.clone(), from: Some(to.clone()), to: back })
        }
        Change::Unlink { path, content, .. } => {
            (path, Change::Write { path: path.clone(), from: None, to: content.clone() })
        }
        _ => return None,
    };
    Some((path.clone(), inverse))
}

/// What may have happened to a directory since we changed its owner.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Directories {
    /// Nothing came into them but these: a tree that was given away.
    AsLeft(Given),
    /// Entries came and went: a shared temp dir.
    InUse,
}

fn one(change: &Change, left_at: Option<WallNanos>, directories: &Directories) -> Changed {
    match change {
        Change::Mode { path, object, from, to } => {
            let node = found(path, object)?;
            let (_, now) = object::of(node.as_fd()).map_err(Refused::at("cannot look at it"))?;
            if now.mode & 0o7777 != *to {
                return Err(Refused::Kept(format!("its mode is {:04o} by now", now.mode & 0o7777)));
            }
            rights::mode(node.as_fd(), *from)
        }
        Change::Owner { path, object, from, to } => {
            let node = found(path, object)?;
            let (_, now) = object::of(node.as_fd()).map_err(Refused::at("cannot look at it"))?;
            if (now.uid, now.gid) != *to {
                return Err(Refused::Kept(format!("it belongs to {}:{} by now", now.uid, now.gid)));
            }
            // Before Linux 6.13 a stamp is that of the last tick: what was written in the tick of our change has our ctime,
            // but not an mtime from before it.
            let untouched = left_at.is_some_and(|left| {
                left.0 == now.changed && now.modified < left.0.saturating_sub(TICK_NANOS)
            });
            match (object.kind, directories, left_at) {
                (Kind::Directory, Directories::InUse, _) => {}
                _ if untouched => {}
                (Kind::Directory, Directories::AsLeft(given), Some(left)) => {
                    return give_back_as_left((node.as_fd(), path), (*from, *to), left, given);
                }
                _ => return Err(Refused::Kept("somebody changed it since".to_owned())),
            }
            if object.kind == Kind::File && now.links != 1 {
                return Err(Refused::Kept(format!("it has {} names by now", now.links)));
            }
            rights::give(node.as_fd(), *from)
        }
        Change::Made { path, object } => remove_dir(path, object),
        Change::Write { path, from, to } => write_back(path, from.as_ref(), to),
        Change::Unlink { path, parent, rights, content, .. } => {
            put_back((path, parent.as_ref()), *rights, content)
        }
        _ => Ok(None),
    }
}

/// Looks once more when its owner of today can bring nothing in any more.
fn give_back_as_left(
    dir: (BorrowedFd<'_>, &RawPath),
    (from, to): ((u32, u32), (u32, u32)),
    left: WallNanos,
    given: &Given,
) -> Changed {
    since::nothing_came(dir, left, given)?;
    let changed = rights::give(dir.0, from)?;
    if let Err(refused) = since::nothing_came(dir, left, given) {
        rights::give(dir.0, to)?;
        return Err(refused);
    }
    Ok(changed)
}

/// A recorded path leads through the root of a process, or through ours. Whether that process is still the one does not
/// matter: the object at the end must be.
pub(super) fn way_of(path: &RawPath) -> Result<(OwnedFd, RawPath), Refused> {
    let names = path
        .as_bytes()
        .strip_prefix(b"/proc/")
        .map(|rest| rest.splitn(3, |b| *b == b'/').collect::<Vec<_>>());
    if let Some([pid, b"root", rest]) = names.as_deref() {
        let pid: Option<Pid> = std::str::from_utf8(pid).ok().and_then(|digits| digits.parse().ok());
        let pid = pid.ok_or_else(|| Refused::Kept(format!("{} is no path of ours", path.shown())))?;
        let proc = dirfd::open_trusted_dir(b"/proc").map_err(Refused::at("cannot open /proc"))?;
        let root = dirfd::open_magic_dir(proc.as_fd(), format!("{pid}/root").as_bytes());
        let root = root.map_err(Refused::at(format!("cannot open the root of pid {pid}")))?;
        return Ok((root, RawPath::new([b"/", *rest].concat())));
    }
    let root = dirfd::open_trusted_dir(b"/").map_err(Refused::at("cannot open the root directory"))?;
    Ok((root, path.clone()))
}

pub(super) fn found(path: &RawPath, wanted: &ObjectId) -> Result<OwnedFd, Refused> {
    let (root, path) = way_of(path)?;
    let (dir, name) = way::parent_in(root, &path)?;
    let node = dirfd::open_node(dir.as_fd(), &name).map_err(Refused::at("cannot open it"))?;
    is_the_one(node.as_fd(), wanted)?;
    Ok(node)
}

/// The directory of a recorded path, if it is the one that was recorded: the number of a process may be another's by now.
pub(super) fn parent_of(path: &RawPath, wanted: Option<&ObjectId>) -> Result<(OwnedFd, Vec<u8>), Refused> {
    let (root, path) = way_of(path)?;
    let (dir, name) = way::parent_in(root, &path)?;
    let Some(wanted) = wanted else {
        return Err(Refused::Kept("which directory it lay in was not written down".to_owned()));
    };
    let (found, _) = object::of(dir.as_fd()).map_err(Refused::at("cannot look at its directory"))?;
    if since::is_same(&found, wanted) {
        Ok((dir, name))
    } else {
        Err(Refused::Kept("another directory has that path by now".to_owned()))
    }
}

fn is_the_one(node: BorrowedFd<'_>, wanted: &ObjectId) -> Result<(), Refused> {
    let (object, _) = object::of(node).map_err(Refused::at("cannot look at it"))?;
    if since::is_same(&object, wanted) {
        Ok(())
    } else {
        Err(Refused::Kept("another object has its name by now".to_owned()))
    }
}

/// Only an empty directory goes, whatever has that name by then.
fn remove_dir(path: &RawPath, wanted: &ObjectId) -> Changed {
    let (root, path) = way_of(path)?;
    let (dir, name) = way::parent_in(root, &path)?;
    let node = dirfd::open_node(dir.as_fd(), &name).map_err(Refused::at("cannot open it"))?;
    is_the_one(node.as_fd(), wanted)?;
    match hands::remove_dir(dir.as_fd(), &name) {
        Err(error) if error.raw_os_error() == Some(Errno::NOTEMPTY.raw_os_error()) => {
            Err(Refused::Kept("something lies in it by now".to_owned()))
        }
        other => other.map(|()| None).map_err(Refused::at("cannot remove it")),
    }
}

fn write_back(path: &RawPath, from: Option<&RawPath>, to: &RawPath) -> Changed {
    let root = dirfd::open_trusted_dir(b"/").map_err(Refused::at("cannot open the root directory"))?;
    let (dir, name) = way::parent_in(root, path)?;
    let dir = dirfd::reopen_listing(dir.as_fd()).map_err(Refused::at("cannot open its directory"))?;
    let name = String::from_utf8(name).map_err(|_odd| Refused::Kept("its name is no text".to_owned()))?;
    if units::content(&dir, &name)?.as_ref() != Some(to) {
        return Err(Refused::Kept("somebody changed it since".to_owned()));
    }
    let done = match from {
        Some(old) => units::replace(&dir, &name, old.as_bytes()),
        None => hands::unlink(dir.as_fd(), name.as_bytes()),
    };
    done.map(|()| None).map_err(Refused::at("cannot put it back"))
}

/// Never onto anything: cargo has made a new one by now, as a rule, and that one is better.
fn put_back((path, parent): (&RawPath, Option<&ObjectId>), rights: Rights, content: &RawPath) -> Changed {
    let (dir, name) = parent_of(path, parent)?;
    let mut file = match hands::create_new(dir.as_fd(), &name, 0o600) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            return Err(Refused::Kept("its name was taken again".to_owned()));
        }
        other => other.map_err(Refused::at("cannot make it anew"))?,
    };
    let written = file.write_all(content.as_bytes()).and_then(|()| file.sync_all());
    written.map_err(Refused::at("cannot write it anew"))?;
    hands::give(file.as_fd(), rights.uid, rights.gid).map_err(Refused::at("cannot give it back"))?;
    hands::set_mode(file.as_fd(), rights.mode).map_err(Refused::at("cannot set its mode"))?;
    Ok(None)
}
