//! Everything that lies directly in a temp dir, looked at with its trees: two threads share the directory.

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::place::Place;
use crate::exec::examine::{Budget, examine_while};
use crate::exec::object;
use crate::model::plan::{Candidate, ObjectId, Tree, Tried};
use crate::model::raw_path::RawPath;
use crate::model::units::{Bytes, Entries, WallNanos};
use crate::model::vantage::Kind;
use crate::sys::getdents::{Listing, PIECE};
use crate::sys::{crew, dirfd, stat};

/// As many as help: the second halves the time of a cold cache, a third finds the lock of the directory taken.
const THREADS: usize = 2;
/// Between two questions whether to go on, where nothing is handed over.
const QUESTION: Duration = Duration::from_millis(20);
/// So many are handed over together.
const SHARE: usize = 64;

/// What the threads share.
struct Shared {
    dir: OwnedFd,
    place: ObjectId,
    reading: Mutex<()>,
    done: AtomicU64,
    stop: AtomicBool,
}

/// Looks at every entry; sorted by name. `tell` hears now and then how many are done, and says whether to go on.
///
/// # Errors
/// Those of openat(2) and getdents(2); `Interrupted` where `tell` wanted no more.
pub fn survey(place: &Place, tell: &mut dyn FnMut(u64) -> bool) -> io::Result<Vec<Candidate>> {
    let shared = Arc::new(Shared {
        dir: dirfd::reopen_listing(place.dir.as_fd())?,
        place: place.id,
        reading: Mutex::new(()),
        done: AtomicU64::new(0),
        stop: AtomicBool::new(false),
    });
    let (sender, receiver) = channel();
    let mut threads = 0;
    for _ in 0..THREADS {
        let (shared, sender) = (Arc::clone(&shared), sender.clone());
        if crew::spawn("survey", move || walk(&shared, &sender)).is_ok() {
            threads += 1;
        }
    }
    if threads == 0 {
        // No thread to be had: then as it comes.
        walk(&shared, &sender);
    }
    drop(sender);
    let mut all = Vec::new();
    loop {
        match receiver.recv_timeout(QUESTION) {
            Ok(Ok(mut share)) => all.append(&mut share),
            Ok(Err(error)) => {
                shared.stop.store(true, Ordering::Relaxed);
                return Err(error);
            }
            Err(std::sync::mpsc::RecvTimeoutError::Timeout) => {}
            Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => break,
        }
        if !tell(shared.done.load(Ordering::Relaxed)) {
            shared.stop.store(true, Ordering::Relaxed);
            return Err(io::ErrorKind::Interrupted.into());
        }
    }
    all.sort_by(|one: &Candidate, other| one.name.cmp(&other.name));
    // A directory that changes while it is read may give a name twice.
    all.dedup_by(|one, other| one.name == other.name);
    Ok(all)
}

fn walk(shared: &Shared, sender: &Sender<io::Result<Vec<Candidate>>>) {
    let mut buffer = Vec::with_capacity(PIECE / 8);
    let mut listing = Listing::new(shared.dir.as_fd(), &mut buffer);
    let goes_on = || !shared.stop.load(Ordering::Relaxed);
    let mut share = Vec::with_capacity(SHARE);
    while let Some(entry) = listing.next_shared(&shared.reading) {
        if !goes_on() {
            return;
        }
        let candidate = match entry {
            Ok(entry) if entry.is_dot() => continue,
            Ok(entry) => one(shared.dir.as_fd(), entry.name(), shared.place, &goes_on),
            Err(error) => {
                // Whoever hears it stops all of us.
                sender.send(Err(error)).ok();
                return;
            }
        };
        shared.done.fetch_add(1, Ordering::Relaxed);
        share.extend(candidate);
        if share.len() >= SHARE
            && sender.send(Ok(std::mem::replace(&mut share, Vec::with_capacity(SHARE)))).is_err()
        {
            return;
        }
    }
    // Where nobody listens any more, nobody wants them.
    sender.send(Ok(share)).ok();
}

/// One entry; `None` where it is gone.
fn one(dir: BorrowedFd<'_>, name: &CStr, place: ObjectId, goes_on: &dyn Fn() -> bool) -> Option<Candidate> {
    match examine_while(dir, name.to_bytes(), Budget::default(), goes_on) {
        Ok(candidate) => Some(candidate),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => Some(unseen(dir, name, place, &error)),
    }
}

/// What could not be entered is named all the same: a mount begins at it, or nobody knows.
fn unseen(dir: BorrowedFd<'_>, name: &CStr, place: ObjectId, error: &io::Error) -> Candidate {
    let found = stat::at(dir, name).ok();
    let object = found.as_ref().and_then(|found| object::id_of(found).ok());
    let nobody_knows = ObjectId { inode: 0, kind: Kind::File, born: None, ..place };
    Candidate {
        name: RawPath::new(name.to_bytes()),
        object: object.unwrap_or(nobody_knows),
        uid: found.as_ref().map_or(u32::MAX, |found| found.uid),
        mode: found.as_ref().map_or(0, |found| found.mode & 0o7777),
        family: String::new(),
        tree: Tree {
            entries: Entries(1),
            bytes: Bytes(found.as_ref().map_or(0, |found| found.taken)),
            newest: WallNanos(found.as_ref().map_or(0, stat::Stat::newest)),
            unseen: Some(error.to_string()),
            ..Tree::default()
        },
        locked: Tried::Unknown(error.to_string()),
    }
}
