//! The file in which cargo recorded a failed compiler probe, removed if it still holds one; its text goes into the journal.
//!
//! cargo writes the file when it ends, from what it read when it began: one that builds now would put the failure back. So
//! its build locks are taken meanwhile, and where one is held nothing is removed. Source: cargo, src/cargo/core/compiler/layout.rs
//! (`.cargo-lock` in `target/PROFILE` and `target/TRIPLE/PROFILE`), src/cargo/util/rustc.rs.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use serde::Deserialize;

use super::ledger::{Ledger, Refused};
use super::way;
use crate::exec::journal::JournalError;
use crate::exec::object;
use crate::model::journal::Change;
use crate::model::plan::ObjectId;
use crate::model::raw_path::RawPath;
use crate::model::treatment::{Rights, Way};
use crate::sys::getdents::Listing;
use crate::sys::{dirfd, enter, hands};

/// What fits into the journal with room to spare; such files have a few KiB.
const LARGEST: u64 = 256 << 10;
/// The only name under which cargo writes it.
const NAME: &[u8] = b".rustc_info.json";

/// What it is called, with our number, while it is looked at once more before it goes.
const ASIDE: &[u8] = b".rustc_info.tmpmedic-";

/// The lock of a profile directory.
const LOCK: &[u8] = b".cargo-lock";
/// Directories of a level that are looked into; a target dir has a handful.
const MOST: usize = 64;
/// A piece of a listing.
const PIECE: usize = 32 << 10;

/// The part of the record that decides. Source: cargo, src/cargo/util/rustc.rs.
#[derive(Deserialize)]
struct Record {
    outputs: std::collections::BTreeMap<String, Output>,
}

#[derive(Deserialize)]
struct Output {
    success: bool,
}

/// Removes it.
pub fn remove(ledger: &mut Ledger<'_>, at: &Way) -> Result<Result<(), Refused>, JournalError> {
    // The locks are held until the record is gone.
    let (dir, change, _locks) = match look(at) {
        Ok(found) => found,
        Err(refused) => return Ok(Err(refused)),
    };
    let Change::Unlink { object, .. } = &change else { return Ok(Ok(())) };
    let object = *object;
    let changed = ledger.change(change, || take_away(dir.as_fd(), &object).map(|()| None))?;
    Ok(changed.map(|_changed| ()))
}

/// Whether there is something to remove, and nobody builds there.
pub fn is_still(at: &Way) -> Result<(), Refused> {
    look(at).map(drop)
}

fn look(at: &Way) -> Result<(OwnedFd, Change, Vec<File>), Refused> {
    let (dir, name) = way::parent(at)?;
    if name != NAME {
        return Err(Refused::Kept(format!("{} is no record of cargo", RawPath::new(name).shown())));
    }
    let locks = keep_builds_out(dir.as_fd())?;
    let file = dirfd::open_regular(dir.as_fd(), NAME).map_err(Refused::at("cannot open the record"))?;
    let (object, found) = object::of(file.as_fd()).map_err(Refused::at("cannot look at the record"))?;
    let mut content = Vec::new();
    file.take(LARGEST).read_to_end(&mut content).map_err(Refused::at("cannot read the record"))?;
    let failed = serde_json::from_slice(&content)
        .is_ok_and(|record: Record| record.outputs.values().any(|o| !o.success));
    if !failed {
        return Err(Refused::Kept("the record holds no failure any more".to_owned()));
    }
    let rights = Rights { mode: found.mode & 0o7777, uid: found.uid, gid: found.gid };
    let (parent, _) = object::of(dir.as_fd()).map_err(Refused::at("cannot look at its directory"))?;
    let (path, content) = (at.reached(), RawPath::new(content));
    let change = Change::Unlink { path, object, parent: Some(parent), rights, content };
    Ok((dir, change, locks))
}

/// Takes every build lock of a target dir.
fn keep_builds_out(target: BorrowedFd<'_>) -> Result<Vec<File>, Refused> {
    let mut locks = Vec::new();
    for (one, name) in directories(target)? {
        take_lock(&one, &name, &mut locks)?;
        for (other, inner) in directories(one.as_fd())? {
            take_lock(&other, &[&name, &b"/"[..], &inner].concat(), &mut locks)?;
        }
    }
    Ok(locks)
}

fn take_lock(dir: &OwnedFd, name: &[u8], locks: &mut Vec<File>) -> Result<(), Refused> {
    let shown = RawPath::new(name).join(LOCK).shown();
    let file = match dirfd::open_regular(dir.as_fd(), LOCK) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other.map_err(Refused::at(format!("cannot open {shown}")))?,
    };
    match hands::lock_shared(file.as_fd()) {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
            Err(Refused::Kept(format!("a cargo builds there now: it holds {shown}; wait for its end")))
        }
        other => {
            other.map_err(Refused::at(format!("whether a cargo holds {shown} is not known")))?;
            locks.push(file);
            Ok(())
        }
    }
}

fn directories(dir: BorrowedFd<'_>) -> Result<Vec<(OwnedFd, Vec<u8>)>, Refused> {
    let trouble = || Refused::at("cannot list the target dir");
    let listed = dirfd::reopen_listing(dir).map_err(trouble())?;
    let mut buffer = Vec::with_capacity(PIECE);
    let mut listing = Listing::new(listed.as_fd(), &mut buffer);
    let mut found = Vec::new();
    while let Some(entry) = listing.next() {
        let entry = entry.map_err(trouble())?;
        let name = entry.name().to_bytes();
        if entry.is_dot() || found.len() >= MOST {
            continue;
        }
        if let Ok(inner) = enter::listing(dir, name) {
            found.push((inner, name.to_vec()));
        }
    }
    Ok(found)
}

/// Under another name first: cargo may have put a new one in its place meanwhile, and that one goes back.
fn take_away(dir: BorrowedFd<'_>, wanted: &ObjectId) -> Result<(), Refused> {
    let aside = [ASIDE, std::process::id().to_string().as_bytes()].concat();
    let aside = &aside[..];
    hands::move_aside(dir, NAME, dir, aside).map_err(Refused::at("cannot take the record away"))?;
    let found = enter::node(dir, aside).and_then(|node| object::of(node.as_fd()));
    if !found.is_ok_and(|(object, _)| object == *wanted) {
        hands::move_aside(dir, aside, dir, NAME)
            .map_err(Refused::at("another record cannot go back to its place"))?;
        return Err(Refused::Kept("another record is in its place since".to_owned()));
    }
    hands::unlink(dir, aside).map_err(Refused::at("cannot remove the record"))
}

/// The name of a record that somebody took away and was killed before it was removed.
///
/// # Errors
/// Those of getdents64(2) and statx(2).
pub fn aside(dir: BorrowedFd<'_>, wanted: &ObjectId) -> io::Result<Option<RawPath>> {
    let listed = dirfd::reopen_listing(dir)?;
    let mut buffer = Vec::with_capacity(PIECE);
    let mut listing = Listing::new(listed.as_fd(), &mut buffer);
    while let Some(entry) = listing.next() {
        let entry = entry?;
        let name = entry.name().to_bytes();
        if name.starts_with(ASIDE) && object::at(dir, name)? == *wanted {
            return Ok(Some(RawPath::new(name)));
        }
    }
    Ok(None)
}
