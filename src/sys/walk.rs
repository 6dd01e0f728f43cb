//! A path walked one component at a time inside a given root, symbolic links resolved there.
//!
//! The kernel's own resolution would do it in one call, but then nobody knows where and why a way ends; and an absolute
//! link below `/proc/PID/root` would lead out of that root. Three handles at most are open, however deep the path.
//! Called by `collect`.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use super::dirfd::{self, PATH_MAX};
use super::stat::{self, Stat};

/// How many links one path may lead through. Source: path_resolution(7).
pub const LINKS_MAX: u32 = 40;

/// One component that was looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// The path so far, inside the root; no link is left in it but perhaps the last component.
    pub path: Vec<u8>,
    /// What it is.
    pub stat: Option<Stat>,
    /// For a link: its text.
    pub link: Option<Vec<u8>>,
    /// Whether a mount begins here.
    pub mounts: bool,
    /// `system.posix_acl_access` of a directory; filled in by the caller, see [`Walker::acls`].
    pub access_acl: Option<Vec<u8>>,
    /// `system.posix_acl_default` of a directory; likewise.
    pub default_acl: Option<Vec<u8>>,
    /// The errno with which the way ends here.
    pub errno: Option<i32>,
}

/// A walk on its way to a directory.
#[derive(Debug)]
pub struct Walker {
    root: OwnedFd,
    /// Where we stand; `None` is the root.
    at: Option<OwnedFd>,
    /// The path of where we stand, inside the root.
    here: Vec<u8>,
    /// What remains to be walked.
    rest: Vec<u8>,
    stage: Stage,
    links: u32,
    device: Option<(u32, u32)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Fresh,
    OnTheWay,
    Broken,
}

impl Walker {
    /// Walks `path` from that root; the first step is the root itself.
    pub fn from_root(root: OwnedFd, path: &[u8]) -> Self {
        Self::new(root, None, b"/", path)
    }

    /// Walks a relative path from `dir`, which `here` names inside that root; the first step is `dir` itself.
    pub fn from_dir(root: OwnedFd, dir: OwnedFd, here: &[u8], path: &[u8]) -> Self {
        Self::new(root, Some(dir), here, path)
    }

    fn new(root: OwnedFd, at: Option<OwnedFd>, here: &[u8], path: &[u8]) -> Self {
        let (here, rest) = (here.to_vec(), path.to_vec());
        Self { root, at, here, rest, stage: Stage::Fresh, links: 0, device: None }
    }

    /// The path at which the next step looks; `None` where the way has ended.
    ///
    /// To be asked before each step: one on a mount that does not answer blocks for ever.
    pub fn ahead(&self) -> Option<Vec<u8>> {
        match self.stage {
            Stage::Fresh => Some(self.here.clone()),
            Stage::Broken => None,
            Stage::OnTheWay => next_name(&self.rest, &self.here).map(|(name, _)| beyond(&self.here, name)),
        }
    }

    /// Takes one step; `None` where the way has ended.
    pub fn step(&mut self) -> Option<Step> {
        let step = match self.stage {
            Stage::Broken => return None,
            Stage::Fresh if self.rest.len() >= PATH_MAX => {
                broken(self.here.clone(), Errno::NAMETOOLONG.raw_os_error())
            }
            Stage::Fresh => self.start(),
            Stage::OnTheWay => {
                let (name, rest) = next_name(&self.rest, &self.here)?;
                let (name, rest) = (name.to_vec(), rest.to_vec());
                self.rest = rest;
                self.advance(&name)
            }
        };
        self.stage = if step.errno.is_some() { Stage::Broken } else { Stage::OnTheWay };
        Some(step)
    }

    /// The access and the default ACL of the directory where we stand, as raw values of the attributes.
    ///
    /// Blocks on a file system that does not answer, even at the root of its mount, where a step does not.
    pub fn acls(&self) -> (Option<Vec<u8>>, Option<Vec<u8>>) {
        // Whoever may look at a directory may look at its ACLs; a kernel that refuses has none to show.
        let acl = |name| dirfd::attribute(self.standing(), name).ok().flatten();
        (acl("system.posix_acl_access"), acl("system.posix_acl_default"))
    }

    /// The directory at the end, where the whole way could be walked.
    pub fn into_end(self) -> Option<OwnedFd> {
        let arrived = self.stage == Stage::OnTheWay && self.ahead().is_none();
        arrived.then(|| self.at.unwrap_or(self.root))
    }

    fn standing(&self) -> BorrowedFd<'_> {
        self.at.as_ref().unwrap_or(&self.root).as_fd()
    }

    fn start(&mut self) -> Step {
        match stat::of(self.standing()) {
            Ok(stat) => self.arrive(self.here.clone(), stat, None),
            Err(error) => broken(self.here.clone(), errno_of(&error)),
        }
    }

    fn advance(&mut self, name: &[u8]) -> Step {
        let path = beyond(&self.here, name);
        let looked = dirfd::open_node(self.standing(), name)
            .and_then(|node| stat::of(node.as_fd()).map(|stat| (node, stat)));
        match looked {
            Err(error) => broken(path, errno_of(&error)),
            Ok((node, stat)) if stat.is_link() => self.follow(path, stat, node.as_fd()),
            Ok((node, stat)) => self.arrive(path, stat, Some(node)),
        }
    }

    /// Moves to `node` (or stays, at the start), and looks at what only directories have.
    fn arrive(&mut self, path: Vec<u8>, stat: Stat, node: Option<OwnedFd>) -> Step {
        let mounts =
            stat.mount_root.unwrap_or_else(|| self.device.is_some_and(|before| before != stat.device));
        let mut step = Step { path, mounts, ..Step::default() };
        if stat.is_directory() {
            self.device = Some(stat.device);
            self.here.clone_from(&step.path);
            // Back at the top by `..`: from there on the handle of the root itself counts.
            if self.stage != Stage::Fresh {
                self.at = if self.here == b"/" { None } else { node };
            }
        } else {
            step.errno = Some(Errno::NOTDIR.raw_os_error());
        }
        step.stat = Some(stat);
        step
    }

    fn follow(&mut self, path: Vec<u8>, stat: Stat, node: BorrowedFd<'_>) -> Step {
        let mut step = Step { path, stat: Some(stat), ..Step::default() };
        self.links += 1;
        match dirfd::read_link(node, b"") {
            Err(error) => step.errno = Some(errno_of(&error)),
            Ok(text) => {
                if self.links > LINKS_MAX {
                    step.errno = Some(Errno::LOOP.raw_os_error());
                } else if text.is_empty() {
                    step.errno = Some(Errno::NOENT.raw_os_error());
                } else {
                    self.redirect(&text);
                }
                step.link = Some(text);
            }
        }
        step
    }

    /// Puts the text of a link before what remains; an absolute one starts again at the root.
    fn redirect(&mut self, text: &[u8]) {
        if text.starts_with(b"/") {
            self.at = None;
            self.here = b"/".to_vec();
        }
        self.rest = [text, b"/", &self.rest].concat();
    }
}

/// The next component that leads somewhere, and what comes after it: `.` and a `..` at the top lead nowhere.
fn next_name<'r>(rest: &'r [u8], here: &[u8]) -> Option<(&'r [u8], &'r [u8])> {
    let mut rest = rest;
    loop {
        let start = rest.iter().position(|b| *b != b'/')?;
        let tail = rest.get(start..)?;
        let length = tail.iter().position(|b| *b == b'/').unwrap_or(tail.len());
        let (name, after) = tail.split_at_checked(length)?;
        if name != b"." && !(name == b".." && here == b"/") {
            return Some((name, after));
        }
        rest = after;
    }
}

/// The path of `name` seen from `here`.
fn beyond(here: &[u8], name: &[u8]) -> Vec<u8> {
    if name == b".." {
        let cut = here.iter().rposition(|b| *b == b'/').unwrap_or_default();
        return here.get(..cut.max(1)).unwrap_or(b"/").to_vec();
    }
    let slash: &[u8] = if here.ends_with(b"/") { b"" } else { b"/" };
    [here, slash, name].concat()
}

fn broken(path: Vec<u8>, errno: i32) -> Step {
    Step { path, errno: Some(errno), ..Step::default() }
}

fn errno_of(error: &io::Error) -> i32 {
    error.raw_os_error().unwrap_or(Errno::IO.raw_os_error())
}

#[cfg(test)]
#[path = "walk_tests.rs"]
mod tests;
