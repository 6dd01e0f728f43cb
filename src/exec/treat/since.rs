//! What became of a directory since it was given away: whether it may be its old owner's again.
//!
//! The stamps of a directory change with each name that comes or goes in it, and the proof that the gift helped makes one
//! come and go. So it is its names that tell: each must be that of an object that was given along with it there, or of one
//! that nobody touched since, which a rename or a link would have done. What went is no reason to keep it. But nobody else
//! may be able to bring in more when it is root's, by its mode or by an ACL: others trust what lies there.

use std::collections::BTreeMap;
use std::os::fd::{AsFd, BorrowedFd};

use super::ledger::Refused;
use crate::exec::object;
use crate::exec::undo::Step;
use crate::model::journal::Change;
use crate::model::mount::Device;
use crate::model::plan::ObjectId;
use crate::model::raw_path::RawPath;
use crate::model::units::WallNanos;
use crate::sys::getdents::Listing;
use crate::sys::{dirfd, enter, stat};

/// The longest tick of a kernel: 100 a second. Before Linux 6.13 a stamp is that of the last tick.
pub const TICK_NANOS: i64 = 10_000_000;
/// Write permission for others than the owner, and the set-group-id bit that new files would inherit.
const OPEN: u32 = 0o2022;

/// Whether it is the same object, through whatever mount: whoever takes back may stand in another namespace, or come after a
/// restart. Without a birth an inode number may have been used again meanwhile.
pub fn is_same(found: &ObjectId, wanted: &ObjectId) -> bool {
    let mount_id = if wanted.born.is_some() { wanted.mount_id } else { found.mount_id };
    ObjectId { mount_id, ..*found } == *wanted
}

/// What was given to somebody in one piece of work.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Given(BTreeMap<(Device, u64), (ObjectId, RawPath)>);

impl Given {
    /// By the steps of that work.
    pub fn of(steps: &BTreeMap<u64, Step>) -> Self {
        let given = steps.values().filter_map(|step| match &step.change {
            Change::Owner { path, object, .. } => {
                Some(((object.device, object.inode), (*object, path.clone())))
            }
            _ => None,
        });
        Self(given.collect())
    }

    /// Whether that object was, at that path.
    fn holds(&self, object: &ObjectId, path: &RawPath) -> bool {
        let known = self.0.get(&(object.device, object.inode));
        known.is_some_and(|(known, place)| is_same(object, known) && place == path)
    }
}

/// Whether nothing came into the directory since its owner was changed at `left`, but what was given along with it.
///
/// # Errors
/// What came, or why it is not known.
pub fn nothing_came(
    (dir, path): (BorrowedFd<'_>, &RawPath),
    left: WallNanos,
    given: &Given,
) -> Result<(), Refused> {
    let found = stat::of(dir).map_err(Refused::at("cannot look at it"))?;
    if found.mode & OPEN != 0 {
        let mode = found.mode & 0o7777;
        return Err(Refused::Kept(format!("it was used since, and its mode lets others in ({mode:04o})")));
    }
    for acl in ["system.posix_acl_access", "system.posix_acl_default"] {
        if dirfd::attribute(dir, acl).map_err(Refused::at("cannot look at its ACL"))?.is_some() {
            return Err(Refused::Kept("it was used since, and has an ACL".to_owned()));
        }
    }
    let listing = dirfd::reopen_listing(dir).map_err(Refused::at("cannot list it"))?;
    let mut buffer = Vec::with_capacity(32 << 10);
    let mut entries = Listing::new(listing.as_fd(), &mut buffer);
    while let Some(entry) = entries.next() {
        let entry = entry.map_err(Refused::at("cannot list it"))?;
        if entry.is_dot() {
            continue;
        }
        let name = entry.name().to_bytes();
        let shown = || RawPath::new(name).shown();
        let found = enter::look(listing.as_fd(), name)
            .map_err(|error| Refused::at(format!("cannot look at {}", shown()))(error))?;
        let known = object::id_of(&found).is_ok_and(|object| given.holds(&object, &path.join(name)));
        if !known && found.changed >= left.0.saturating_sub(TICK_NANOS) {
            return Err(Refused::Kept(format!("{} came into it since, or was changed", shown())));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::vantage::Kind;

    #[test]
    fn an_object_is_the_same_through_another_mount_and_another_birth_is_another_object() {
        let (device, born) = (Device { major: 8, minor: 1 }, Some(WallNanos(7)));
        let wanted = ObjectId { mount_id: 30, device, inode: 2, kind: Kind::Directory, born };
        assert!(is_same(&ObjectId { mount_id: 31, ..wanted }, &wanted));
        assert!(!is_same(&ObjectId { born: Some(WallNanos(8)), ..wanted }, &wanted));
        assert!(!is_same(&ObjectId { inode: 3, ..wanted }, &wanted));
        let unborn = ObjectId { born: None, ..wanted };
        assert!(is_same(&unborn, &unborn) && !is_same(&ObjectId { mount_id: 31, ..unborn }, &unborn));
    }
}
