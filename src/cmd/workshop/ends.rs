//! Where a work was done: its directory and its quarantine, opened anew.

use std::os::fd::{AsFd, OwnedFd};

use super::{Workshop, chain};
use crate::exec::quarantine::Quarantine;
use crate::exec::{object, undo};
use crate::model::journal::Begin;
use crate::model::plan::ObjectId;
use crate::sys::dirfd;

/// A directory and its quarantine, opened and known to be those of the journal.
pub struct Ends {
    /// The directory.
    pub place: OwnedFd,
    /// Which one it is now.
    pub id: ObjectId,
    /// Its quarantine.
    pub quarantine: Quarantine,
}

impl Workshop {
    /// Opens the directory and the quarantine of a piece of work, if they are still the same.
    ///
    /// # Errors
    /// In words, which is not.
    pub fn ends(&self, begin: &Begin) -> Result<Ends, String> {
        let (Some((path, place)), Some((name, inside))) = (&begin.place, &begin.quarantine) else {
            return Err("it worked in no directory".to_owned());
        };
        let booted = undo::Boot::of(&begin.boot_id, &self.us.boot_id);
        let shown = path.shown();
        let dir = dirfd::open_resolved(path.as_bytes()).and_then(|node| dirfd::reopen_listing(node.as_fd()));
        let dir = dir.map_err(|why| format!("{shown}: {why}"))?;
        let (id, _) = object::of(dir.as_fd()).map_err(|why| format!("{shown}: {why}"))?;
        if !undo::is_same(place, &id, booted) {
            return Err(format!("{shown} is another directory now"));
        }
        let quarantine = Quarantine::existing(dir.as_fd(), name.as_bytes(), self.us.uid)
            .map_err(|why| format!("{shown}/{}: {}", name.shown(), chain(&why)))?;
        if !undo::is_same(inside, &quarantine.id(), booted) {
            return Err(format!("{shown}/{} is another directory now", name.shown()));
        }
        if quarantine.lock().is_err() {
            return Err("another tmpmedic is at work there".to_owned());
        }
        Ok(Ends { place: dir, id, quarantine })
    }
}
