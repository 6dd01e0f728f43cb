//! The file in which cargo recorded a failed compiler probe, removed if it still holds one; its text goes into the journal.

use std::io::Read;
use std::os::fd::{AsFd, BorrowedFd};

use serde::Deserialize;

use super::ledger::{Ledger, Refused};
use super::way;
use crate::exec::journal::JournalError;
use crate::exec::object;
use crate::model::journal::Change;
use crate::model::plan::ObjectId;
use crate::model::raw_path::RawPath;
use crate::model::treatment::{Rights, Way};
use crate::sys::{dirfd, enter, hands};

/// What fits into the journal with room to spare; such files have a few KiB.
const LARGEST: u64 = 256 << 10;
/// The only name under which cargo writes it.
const NAME: &[u8] = b".rustc_info.json";

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
    let (dir, change) = match look(at) {
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

fn look(at: &Way) -> Result<(std::os::fd::OwnedFd, Change), Refused> {
    let (dir, name) = way::parent(at)?;
    if name != NAME {
        return Err(Refused::Kept(format!("{} is no record of cargo", RawPath::new(name).shown())));
    }
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
    let change = Change::Unlink { path: at.reached(), object, rights, content: RawPath::new(content) };
    Ok((dir, change))
}

/// Under another name first: cargo may have put a new one in its place meanwhile, and that one goes back.
fn take_away(dir: BorrowedFd<'_>, wanted: &ObjectId) -> Result<(), Refused> {
    let aside = format!(".rustc_info.tmpmedic-{}", std::process::id());
    let aside = aside.as_bytes();
    hands::move_aside(dir, NAME, dir, aside).map_err(Refused::at("cannot take the record away"))?;
    let found = enter::node(dir, aside).and_then(|node| object::of(node.as_fd()));
    if !found.is_ok_and(|(object, _)| object == *wanted) {
        hands::move_aside(dir, aside, dir, NAME)
            .map_err(Refused::at("another record cannot go back to its place"))?;
        return Err(Refused::Kept("another record is in its place since".to_owned()));
    }
    hands::unlink(dir, aside).map_err(Refused::at("cannot remove the record"))
}
