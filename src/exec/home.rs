//! Where the journal lives: a directory that only we can change, reached through directories that only root can.
//!
//! As root that is `/var/lib/tmpmedic`, and `/run/tmpmedic` where that cannot be written: a journal in the home of whoever
//! called sudo could be exchanged under our feet. Everybody else has their own. The caller names the candidates.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::io::Errno;

use crate::model::mode::{GROUP_OTHERS, GROUP_OTHERS_WRITE, STICKY};
use crate::model::raw_path::RawPath;
use crate::sys::{dirfd, hands, stat};

/// A home that was found or made.
#[derive(Debug)]
pub struct Home {
    /// Its path, for people.
    pub path: RawPath,
    /// It.
    pub dir: OwnedFd,
}

/// Why one candidate will not do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfit {
    /// Which.
    pub path: RawPath,
    /// Why.
    pub why: String,
}

/// The first candidate that will do; missing last components are made.
///
/// # Errors
/// Why none of them will.
pub fn open(candidates: &[RawPath], own: u32) -> Result<Home, Vec<Unfit>> {
    let mut unfit = Vec::new();
    for path in candidates {
        match walk(path, own, Missing::Make) {
            Ok(dir) => return Ok(Home { path: path.clone(), dir }),
            Err(why) => unfit.push(Unfit { path: path.clone(), why }),
        }
    }
    Err(unfit)
}

/// Those of the candidates that exist and will do, to be read: work may have been written down in either.
pub fn existing(candidates: &[RawPath], own: u32) -> Vec<Home> {
    let fit = candidates.iter().filter_map(|path| {
        let dir = walk(path, own, Missing::Refuse).ok()?;
        Some(Home { path: path.clone(), dir })
    });
    fit.collect()
}

/// Those of the candidates that are there, and will not do: nobody knows what is written down there.
pub fn unfit(candidates: &[RawPath], own: u32) -> Vec<Unfit> {
    let unfit = candidates.iter().filter_map(|path| {
        let why = walk(path, own, Missing::Refuse).err()?;
        let there = dirfd::open_resolved(path.as_bytes());
        let is_missing = there.is_err_and(|error| error.kind() == io::ErrorKind::NotFound);
        (!is_missing).then(|| Unfit { path: path.clone(), why })
    });
    unfit.collect()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Missing {
    Make,
    Refuse,
}

fn text(what: &str) -> impl Fn(io::Error) -> String {
    move |error| format!("{what}: {error}")
}

/// Component by component, through no link, and through nothing that others could exchange.
fn walk(path: &RawPath, own: u32, missing: Missing) -> Result<OwnedFd, String> {
    let below = path.as_bytes().strip_prefix(b"/").ok_or("it is not absolute")?;
    let mut here = dirfd::open_trusted_dir(b"/").map_err(text("/"))?;
    let names: Vec<&[u8]> = below.split(|b| *b == b'/').filter(|name| !name.is_empty()).collect();
    for (at, name) in names.iter().enumerate() {
        let shown = RawPath::new(*name).shown();
        let is_last = at + 1 == names.len();
        let next = match dirfd::open_node(here.as_fd(), name) {
            Err(error)
                if error.raw_os_error() == Some(Errno::NOENT.raw_os_error()) && missing == Missing::Make =>
            {
                hands::make_private_dir(here.as_fd(), name).map_err(text(&format!("cannot make {shown}")))?;
                dirfd::open_node(here.as_fd(), name).map_err(text(&shown))?
            }
            other => other.map_err(text(&shown))?,
        };
        let found = stat::of(next.as_fd()).map_err(text(&shown))?;
        if !found.is_directory() {
            return Err(format!("{shown} is no directory"));
        }
        if found.uid != 0 && found.uid != own {
            return Err(format!("{shown} belongs to uid {}", found.uid));
        }
        if found.mode & GROUP_OTHERS_WRITE != 0 && found.mode & STICKY == 0 {
            return Err(format!("others may change {shown} (mode {:04o})", found.mode & 0o7777));
        }
        if is_last && (found.uid != own || found.mode & GROUP_OTHERS != 0) {
            return Err(format!(
                "{shown} is not ours alone (uid {}, mode {:04o})",
                found.uid,
                found.mode & 0o7777
            ));
        }
        here = next;
    }
    dirfd::reopen_listing(here.as_fd()).map_err(text("cannot open it"))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::disallowed_methods, reason = "a test looks at its own private directory by path")]

    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::sys::scratch;

    fn own() -> u32 {
        rustix::process::geteuid().as_raw()
    }

    fn below(dir: &tempfile::TempDir, name: &str) -> RawPath {
        RawPath::from(scratch::bytes(dir)).join(name.as_bytes())
    }

    #[test]
    fn is_made_where_it_is_missing_and_is_ours_alone() {
        let dir = scratch::dir();
        let path = below(&dir, "state/tmpmedic");
        let home = open(std::slice::from_ref(&path), own()).unwrap();
        assert_eq!(home.path, path);
        let mode = std::fs::symlink_metadata(path.as_path()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        assert_eq!(existing(&[path], own()).len(), 1);
    }

    #[test]
    fn reading_makes_nothing() {
        let dir = scratch::dir();
        let path = below(&dir, "state");
        assert!(existing(std::slice::from_ref(&path), own()).is_empty());
        assert!(std::fs::symlink_metadata(path.as_path()).is_err());
    }

    #[test]
    fn a_way_that_others_can_change_is_refused_and_the_next_candidate_taken() {
        let dir = scratch::dir();
        std::fs::create_dir(dir.path().join("shared")).unwrap();
        std::fs::set_permissions(dir.path().join("shared"), PermissionsExt::from_mode(0o777)).unwrap();
        let bad = below(&dir, "shared/tmpmedic");
        let unfit = open(std::slice::from_ref(&bad), own()).unwrap_err();
        assert!(unfit[0].why.contains("others may change shared"), "{unfit:?}");
        let good = below(&dir, "good");
        assert_eq!(open(&[bad, good.clone()], own()).unwrap().path, good);
    }

    #[test]
    fn a_link_on_the_way_is_refused() {
        let dir = scratch::dir();
        std::fs::create_dir(dir.path().join("real")).unwrap();
        std::os::unix::fs::symlink("real", dir.path().join("link")).unwrap();
        let unfit = open(&[below(&dir, "link/tmpmedic")], own()).unwrap_err();
        assert!(unfit[0].why.contains("link is no directory"), "{unfit:?}");
    }
}
