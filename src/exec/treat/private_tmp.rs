//! A directory for a private temp dir, as systemd makes one: `systemd-private-BOOT-UNIT-XXXXXX`, root's alone, and in it
//! `tmp`, everybody's.
//!
//! Under the name of the dead one where that is free: systemd removes it at stop and finds it at reload then. The `x` lines
//! of systemd-tmpfiles(8) keep either name from being aged.

use std::hash::{BuildHasher, RandomState};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;

use super::ledger::Refused;
use super::way;
use crate::exec::object;
use crate::model::mode::{GROUP_OTHERS, GROUP_OTHERS_WRITE, STICKY};
use crate::model::plan::ObjectId;
use crate::model::raw_path::RawPath;
use crate::model::treatment::{Rights, Way};
use crate::sys::{enter, hands, stat};

/// How often another name is tried.
const TRIES: usize = 16;
/// The length of the random ending.
const ENDING: usize = 6;
/// The directory in it.
const INNER: &[u8] = b"tmp";

/// The inner directory: where it lies and which one it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fresh {
    /// Its path here.
    pub path: RawPath,
    /// It.
    pub object: ObjectId,
    /// The directory in which both lie, and the name of the outer one.
    place: (RawPath, RawPath),
    /// Whether this run has made the outer one.
    is_new: bool,
}

impl Fresh {
    /// Its path, and what becomes of it.
    pub fn told(&self, wanted: &RawPath) -> String {
        let (path, (parent, name)) = (self.path.shown(), &self.place);
        if name == wanted {
            return path;
        }
        let outer = parent.join(name.as_bytes()).quoted();
        format!("{path}: systemd does not know this name; once the service has stopped: rm -r {outer}")
    }

    /// Takes away again what this run has made, for nothing was mounted: it is empty.
    pub fn unmake(&self) {
        let (parent, name) = &self.place;
        let Ok(place) = way::node(&Way { by: None, path: parent.clone() }) else { return };
        let Ok(outer) = enter::listing(place.as_fd(), name.as_bytes()) else { return };
        let inner = enter::node(outer.as_fd(), INNER).and_then(|node| object::of(node.as_fd()));
        if self.is_new && inner.is_ok_and(|(object, _)| object == self.object) {
            // What stays is found and used by the next run.
            hands::remove_dir(outer.as_fd(), INNER).ok();
            hands::remove_dir(place.as_fd(), name.as_bytes()).ok();
        }
    }
}

/// Makes it.
pub fn make(parent: &RawPath, name: &RawPath, rights: Rights, own: u32) -> Result<Fresh, Refused> {
    let place = way::node(&Way { by: None, path: parent.clone() })?;
    keeps_names(place.as_fd(), parent)?;
    let Outer { name, dir, is_new } = outer(place.as_fd(), name, own)?;
    let inner = inner(dir.as_fd(), own)?;
    hands::give(inner.as_fd(), rights.uid, rights.gid).map_err(Refused::at("cannot set its owner"))?;
    hands::set_mode(inner.as_fd(), rights.mode).map_err(Refused::at("cannot set its mode"))?;
    let (object, _) = object::of(inner.as_fd()).map_err(Refused::at("cannot look at the new directory"))?;
    Ok(Fresh {
        path: parent.join(name.as_bytes()).join(INNER),
        object,
        place: (parent.clone(), name),
        is_new,
    })
}

/// Whether what we make there keeps its name: nobody but root may rename it.
fn keeps_names(place: BorrowedFd<'_>, path: &RawPath) -> Result<(), Refused> {
    let found = stat::of(place).map_err(Refused::at(format!("cannot look at {path}")))?;
    if found.uid != 0 || found.mode & GROUP_OTHERS_WRITE != 0 && found.mode & STICKY == 0 {
        let mode = found.mode & 0o7777;
        let why = format!(
            "everybody may rename what lies in {path} (uid {}, mode {mode:04o}): mend that first",
            found.uid
        );
        return Err(Refused::Kept(why));
    }
    Ok(())
}

struct Outer {
    name: RawPath,
    dir: OwnedFd,
    is_new: bool,
}

/// The outer directory under the wanted name, or under another ending where somebody else has that. The first other one is
/// always the same, so that a run finds what an interrupted one has left.
fn outer(place: BorrowedFd<'_>, wanted: &RawPath, own: u32) -> Result<Outer, Refused> {
    let mut name = wanted.clone();
    for tried in 0..TRIES {
        let is_new = match hands::make_private_dir(place, name.as_bytes()) {
            Ok(()) => true,
            Err(error) if is(&error, Errno::EXIST) => false,
            Err(error) => return Err(Refused::at(format!("cannot make {}", name.shown()))(error)),
        };
        if let Some(dir) = ours_alone(place, name.as_bytes(), own) {
            return Ok(Outer { name, dir, is_new });
        }
        let seed = if tried == 0 { 0 } else { RandomState::new().hash_one(name.as_bytes()) };
        name = with_another_ending(wanted, seed);
    }
    Err(Refused::Kept(format!("somebody takes every name like {}", wanted.shown())))
}

/// What is there now, whoever made it: a directory that only we can enter.
fn ours_alone(place: BorrowedFd<'_>, name: &[u8], own: u32) -> Option<OwnedFd> {
    let dir = enter::listing(place, name).ok()?;
    let found = stat::of(dir.as_fd()).ok()?;
    (found.uid == own && found.mode & GROUP_OTHERS == 0).then_some(dir)
}

/// In a directory that only we can enter nobody else makes names: one that is there already is of systemd or of root.
fn inner(outer: BorrowedFd<'_>, own: u32) -> Result<OwnedFd, Refused> {
    match hands::make_private_dir(outer, INNER) {
        Err(error) if !is(&error, Errno::EXIST) => return Err(Refused::at("cannot make tmp in it")(error)),
        _ => {}
    }
    let dir = enter::listing(outer, INNER).map_err(Refused::at("cannot enter tmp in it"))?;
    let found = stat::of(dir.as_fd()).map_err(Refused::at("cannot look at tmp in it"))?;
    if found.uid == own {
        Ok(dir)
    } else {
        Err(Refused::Kept(format!("tmp in it belongs to uid {}", found.uid)))
    }
}

fn is(error: &io::Error, errno: Errno) -> bool {
    error.raw_os_error() == Some(errno.raw_os_error())
}

fn with_another_ending(name: &RawPath, seed: u64) -> RawPath {
    const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyzABCDEFGH";
    let mut random = seed;
    let ending = std::iter::repeat_with(|| {
        let letter = LETTERS.get(usize::try_from(random & 31).unwrap_or(0)).copied().unwrap_or(b'x');
        random >>= 5;
        letter
    });
    let stem = name.as_bytes().rsplitn(2, |b| *b == b'-').nth(1).unwrap_or_default();
    let ending: Vec<u8> = ending.take(ENDING).collect();
    RawPath::new([stem, b"-", &ending].concat())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::sys::{dirfd, scratch};

    const NAME: &str = "systemd-private-0123-r@1.service-AbCdEf";

    #[test]
    fn keeps_the_name_of_the_dead_one_where_it_is_free() {
        let dir = scratch::dir();
        let place = dirfd::open_trusted_dir(scratch::bytes(&dir)).unwrap();
        let own = rustix::process::geteuid().as_raw();
        let Outer { name, dir: made, is_new } = outer(place.as_fd(), &NAME.into(), own).unwrap();
        assert!(is_new);
        assert_eq!(name, NAME.into());
        assert_eq!(stat::of(made.as_fd()).unwrap().mode & 0o7777, 0o700);
        assert!(inner(made.as_fd(), own).is_ok());
        let again = outer(place.as_fd(), &NAME.into(), own).unwrap();
        assert_eq!((again.name, again.is_new), (NAME.into(), false), "root's own, made by hand, will do");
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "the test makes what somebody else would")]
    fn takes_another_name_where_somebody_else_has_that() {
        let dir = scratch::dir();
        let taken = dir.path().join(NAME);
        std::fs::create_dir(&taken).unwrap();
        std::fs::set_permissions(&taken, PermissionsExt::from_mode(0o755)).unwrap();
        let place = dirfd::open_trusted_dir(scratch::bytes(&dir)).unwrap();
        let own = rustix::process::geteuid().as_raw();
        let name = outer(place.as_fd(), &NAME.into(), own).unwrap().name;
        assert_ne!(name, NAME.into());
        let again = outer(place.as_fd(), &NAME.into(), own).unwrap();
        assert_eq!((&again.name, again.is_new), (&name, false), "the next run finds it");
        assert!(name.shown().starts_with("systemd-private-0123-r@1.service-"), "{name:?}");
        assert_eq!(name.as_bytes().len(), NAME.len());
    }

    #[test]
    fn a_link_in_its_place_is_not_followed() {
        let dir = scratch::dir();
        std::os::unix::fs::symlink("/", dir.path().join(NAME)).unwrap();
        let place = dirfd::open_trusted_dir(scratch::bytes(&dir)).unwrap();
        let name = outer(place.as_fd(), &NAME.into(), rustix::process::geteuid().as_raw()).unwrap().name;
        assert_ne!(name, NAME.into());
    }
}
