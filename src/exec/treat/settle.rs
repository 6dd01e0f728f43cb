//! What an interrupted treatment did: whoever was killed between a change and its outcome wrote down what was wanted, and the
//! object itself tells whether it is so.
//!
//! Nothing is done here, and nothing is guessed. A change of an owner that is found done has no time at which we did it, so
//! an undo takes a file for one that its new owner may have written since, and leaves it. What leaves no trace (a restart, a
//! signal) is not known, and says so.

use std::io;
use std::os::fd::AsFd;

use super::ledger::Refused;
use super::{back, record, units, way};
use crate::exec::journal::{Journal, JournalError};
use crate::exec::object;
use crate::exec::undo::steps_of;
use crate::model::errno::Errno;
use crate::model::journal::{Came, Change, Done, Record, WorkId};
use crate::model::plan::ObjectId;
use crate::model::raw_path::RawPath;
use crate::model::treatment::Rights;
use crate::model::units::WallNanos;
use crate::sys::dirfd;
use crate::sys::stat::{self, Stat};

/// What was found out.
#[derive(Debug, Default)]
pub struct Settled {
    /// What became of the steps, as it was written down.
    pub steps: Vec<Came>,
    /// Why one of them could not be looked at; it stays open.
    pub open: Option<String>,
}

/// Writes down what became of the steps that have no outcome. Doing it twice changes nothing. Only what the object itself
/// tells is an outcome: where the kernel would not let us look, the step stays open for the next run.
///
/// # Errors
/// Where the journal cannot be written.
pub fn settle(journal: &mut Journal, records: &[Record], work: WorkId) -> Result<Settled, JournalError> {
    let mut settled = Settled::default();
    for (number, step) in steps_of(records, work).into_iter().filter(|(_, step)| step.done.is_none()) {
        match look(&step.change) {
            Ok(done) => settled.steps.push(Came { step: number, done }),
            Err(why) => settled.open = Some(format!("step {number}: {why}")),
        }
    }
    if !settled.steps.is_empty() {
        journal.add(&Record::Outcome { work, steps: settled.steps.clone() })?;
    }
    Ok(settled)
}

const DONE: Done = Done::Done { changed: None };

fn kept(why: impl Into<String>) -> Done {
    Done::Kept { why: format!("interrupted; {}", why.into()) }
}

fn before() -> Done {
    kept("it had not been done yet")
}

fn look(change: &Change) -> Result<Done, String> {
    let seen = match change {
        Change::Mode { path, object, from, to } => mode(path, object, (*from, *to)),
        Change::Owner { path, object, from, to } => owner(path, object, (*from, *to)),
        Change::MakeDir { path, mode, uid, gid } => made(path, Rights { mode: *mode, uid: *uid, gid: *gid }),
        Change::Made { path, object } => back::found(path, object).map(|_node| DONE),
        Change::Write { path, from, to } => written(path, from.as_ref(), to),
        Change::Unlink { path, object, parent, .. } => unlinked(path, object, parent.as_ref()),
        _ => Ok(kept("whether it was done is not known")),
    };
    match seen {
        Ok(done) => Ok(done),
        // A name on the way is not there any more, which is an answer, though not to the question.
        Err(
            Refused::Failed(Some(Errno::ENOENT | Errno::ENOTDIR | Errno::ESRCH), why) | Refused::Kept(why),
        ) => Ok(kept(why)),
        Err(Refused::Failed(_, why)) => Err(why),
    }
}

/// Only that its name is missing in its own directory says that it was removed; taken away first, it has another name there.
fn unlinked(path: &RawPath, object: &ObjectId, parent: Option<&ObjectId>) -> Result<Done, Refused> {
    let (dir, name) = back::parent_of(path, parent)?;
    match object::at(dir.as_fd(), &name) {
        Ok(found) if found == *object => return Ok(before()),
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(Refused::at("cannot look at it")(error));
        }
        Ok(_) | Err(_) => {}
    }
    match record::aside(dir.as_fd(), object).map_err(Refused::at("cannot list its directory"))? {
        Some(name) => Ok(kept(format!("it was taken away, and lies beside as {}", name.shown()))),
        // Its content is in the journal: an undo makes it anew, and only where the name is free.
        None => Ok(DONE),
    }
}

fn seen_of(path: &RawPath, object: &ObjectId) -> Result<Stat, Refused> {
    let node = back::found(path, object)?;
    stat::of(node.as_fd()).map_err(Refused::at("cannot look at it"))
}

fn mode(path: &RawPath, object: &ObjectId, (from, to): (u32, u32)) -> Result<Done, Refused> {
    let now = seen_of(path, object)?;
    Ok(match now.mode & 0o7777 {
        mode if mode == to => Done::Done { changed: Some(WallNanos(now.changed)) },
        mode if mode == from => before(),
        mode => kept(format!("its mode is {mode:04o} by now")),
    })
}

fn owner(path: &RawPath, object: &ObjectId, (from, to): ((u32, u32), (u32, u32))) -> Result<Done, Refused> {
    let now = seen_of(path, object)?;
    Ok(match (now.uid, now.gid) {
        owner if owner == to => DONE,
        owner if owner == from => before(),
        (uid, gid) => kept(format!("it belongs to {uid}:{gid} by now")),
    })
}

/// Whether it is the one that we made nobody knows, so an undo does not remove it.
fn made(path: &RawPath, wanted: Rights) -> Result<Done, Refused> {
    let (root, path) = back::way_of(path)?;
    let (dir, name) = way::parent_in(root, &path)?;
    let node = match dirfd::open_node(dir.as_fd(), &name) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(before()),
        other => other.map_err(Refused::at("cannot open it"))?,
    };
    let (_, now) = object::of(node.as_fd()).map_err(Refused::at("cannot look at it"))?;
    let rights = Rights { mode: now.mode & 0o7777, uid: now.uid, gid: now.gid };
    if !now.is_directory() {
        return Ok(kept("what has its name is no directory"));
    }
    if rights == wanted {
        Ok(DONE)
    } else {
        Ok(kept(format!("a directory is there, but {}", rights.shown())))
    }
}

fn written(path: &RawPath, from: Option<&RawPath>, to: &RawPath) -> Result<Done, Refused> {
    let root = dirfd::open_trusted_dir(b"/").map_err(Refused::at("cannot open the root directory"))?;
    let (dir, name) = way::parent_in(root, path)?;
    let dir = dirfd::reopen_listing(dir.as_fd()).map_err(Refused::at("cannot open its directory"))?;
    let name = String::from_utf8(name).map_err(|_odd| Refused::Kept("its name is no text".to_owned()))?;
    let now = units::content(&dir, &name)?;
    Ok(match now.as_ref() {
        now if now == Some(to) => DONE,
        now if now == from => before(),
        _ => kept("somebody changed it since"),
    })
}
