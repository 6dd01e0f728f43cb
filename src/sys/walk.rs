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
mod tests {
    use std::os::unix::fs::symlink;
    use std::path::Path;

    use proptest::prelude::*;
    use tempfile::TempDir;

    use super::*;
    use crate::sys::scratch;

    /// Walks inside the scratch dir as if it were the root.
    fn walk(dir: &TempDir, path: &[u8]) -> (Vec<Step>, Option<OwnedFd>) {
        let root = dirfd::open_trusted_dir(scratch::bytes(dir)).unwrap();
        finish(Walker::from_root(root, path))
    }

    fn finish(mut walker: Walker) -> (Vec<Step>, Option<OwnedFd>) {
        let mut steps = Vec::new();
        while let Some(ahead) = walker.ahead() {
            let step = walker.step().unwrap();
            assert_eq!(step.path, ahead, "what was announced is what is looked at");
            steps.push(step);
            assert!(steps.len() < 500, "every walk ends");
        }
        assert_eq!(walker.step(), None);
        (steps, walker.into_end())
    }

    fn paths(steps: &[Step]) -> Vec<String> {
        steps.iter().map(|s| String::from_utf8_lossy(&s.path).into_owned()).collect()
    }

    fn make(dir: &TempDir, names: &[&str]) {
        for name in names {
            std::fs::create_dir_all(dir.path().join(name)).unwrap();
        }
    }

    fn link(dir: &TempDir, text: &str, name: &str) {
        symlink(text, dir.path().join(name)).unwrap();
    }

    fn inode(path: &Path) -> u64 {
        use std::os::unix::fs::MetadataExt;
        std::fs::symlink_metadata(path).unwrap().ino()
    }

    #[test]
    fn every_component_is_looked_at() {
        let dir = scratch::dir();
        make(&dir, &["a/b"]);
        let (steps, end) = walk(&dir, b"//a/./b/");
        assert_eq!(paths(&steps), ["/", "/a", "/a/b"]);
        let end = stat::of(end.unwrap().as_fd()).unwrap();
        assert_eq!(end.inode, inode(&dir.path().join("a/b")));
    }

    #[test]
    fn absolute_links_stay_inside_the_root() {
        let dir = scratch::dir();
        make(&dir, &["etc", "a"]);
        link(&dir, "/etc", "a/out");
        let (steps, end) = walk(&dir, b"/a/out");
        assert_eq!(paths(&steps), ["/", "/a", "/a/out", "/etc"]);
        assert_eq!(steps[2].link.as_deref(), Some(&b"/etc"[..]));
        assert_eq!(stat::of(end.unwrap().as_fd()).unwrap().inode, inode(&dir.path().join("etc")));
    }

    #[test]
    fn no_number_of_parents_leaves_the_root() {
        let dir = scratch::dir();
        make(&dir, &["a"]);
        link(&dir, "../../../../../../../..", "a/up");
        let (steps, end) = walk(&dir, b"/a/up/../../a");
        assert_eq!(paths(&steps), ["/", "/a", "/a/up", "/", "/a"]);
        assert_eq!(stat::of(end.unwrap().as_fd()).unwrap().inode, inode(&dir.path().join("a")));
    }

    #[test]
    fn the_way_ends_at_the_first_missing_component() {
        let dir = scratch::dir();
        make(&dir, &["a"]);
        let (steps, end) = walk(&dir, b"/a/none/deeper");
        assert_eq!(paths(&steps), ["/", "/a", "/a/none"]);
        assert_eq!((steps[2].errno, &steps[2].stat), (Some(Errno::NOENT.raw_os_error()), &None));
        assert!(end.is_none());
    }

    #[test]
    fn a_dangling_link_ends_where_its_target_is_missing() {
        let dir = scratch::dir();
        make(&dir, &["a"]);
        link(&dir, "gone/deeper", "a/l");
        let (steps, _) = walk(&dir, b"/a/l");
        assert_eq!(paths(&steps), ["/", "/a", "/a/l", "/a/gone"]);
        assert_eq!(steps[3].errno, Some(Errno::NOENT.raw_os_error()));
    }

    #[test]
    fn links_in_a_circle_end_as_the_kernel_ends_them() {
        let dir = scratch::dir();
        link(&dir, "b", "a");
        link(&dir, "/a", "b");
        let (steps, end) = walk(&dir, b"/a");
        assert_eq!(steps.last().unwrap().errno, Some(Errno::LOOP.raw_os_error()));
        assert!(end.is_none());
        let kernel = std::fs::read_dir(dir.path().join("a"));
        assert!(kernel.is_err());
    }

    #[test]
    fn forty_links_are_fine_and_one_more_is_not() {
        let dir = scratch::dir();
        make(&dir, &["end"]);
        link(&dir, "end", "l0");
        for n in 1..=LINKS_MAX {
            link(&dir, &format!("l{}", n - 1), &format!("l{n}"));
        }
        assert!(walk(&dir, format!("/l{}", LINKS_MAX - 1).as_bytes()).1.is_some());
        let (steps, end) = walk(&dir, format!("/l{LINKS_MAX}").as_bytes());
        assert_eq!(steps.last().unwrap().errno, Some(Errno::LOOP.raw_os_error()));
        assert!(end.is_none());
    }

    #[test]
    fn a_file_on_the_way_or_at_its_end_is_no_directory() {
        let dir = scratch::dir();
        std::fs::write(dir.path().join("file"), b"").unwrap();
        for path in [&b"/file"[..], b"/file/x", b"/file/"] {
            let (steps, end) = walk(&dir, path);
            assert_eq!(paths(&steps), ["/", "/file"]);
            assert_eq!(steps[1].errno, Some(Errno::NOTDIR.raw_os_error()));
            assert!(end.is_none());
        }
    }

    #[test]
    fn names_and_paths_may_be_too_long() {
        let dir = scratch::dir();
        let name = [b"/".to_vec(), vec![b'x'; 256]].concat();
        assert_eq!(walk(&dir, &name).0[1].errno, Some(Errno::NAMETOOLONG.raw_os_error()));
        let path = b"/x".repeat(PATH_MAX / 2);
        assert_eq!(walk(&dir, &path).0[0].errno, Some(Errno::NAMETOOLONG.raw_os_error()));
    }

    #[test]
    fn a_relative_path_starts_at_its_directory() {
        let dir = scratch::dir();
        make(&dir, &["work/tmp", "other"]);
        let open = |path: &Path| {
            dirfd::open_resolved(std::os::unix::ffi::OsStrExt::as_bytes(path.as_os_str())).unwrap()
        };
        let walker =
            |path: &[u8]| Walker::from_dir(open(dir.path()), open(&dir.path().join("work")), b"/work", path);
        let (steps, end) = finish(walker(b"tmp"));
        assert_eq!(paths(&steps), ["/work", "/work/tmp"]);
        assert!(end.is_some());
        let (steps, end) = finish(walker(b"../other"));
        assert_eq!(paths(&steps), ["/work", "/", "/other"]);
        assert_eq!(stat::of(end.unwrap().as_fd()).unwrap().inode, inode(&dir.path().join("other")));
    }

    #[test]
    fn the_root_alone_is_a_way_too() {
        let dir = scratch::dir();
        for path in [&b"/"[..], b"", b"/..", b"/./"] {
            let (steps, end) = walk(&dir, path);
            assert_eq!(paths(&steps), ["/"]);
            assert!(end.is_some());
        }
    }

    #[test]
    fn a_mount_on_the_way_is_told() {
        let (steps, _) = finish(Walker::from_root(dirfd::open_trusted_dir(b"/").unwrap(), b"/proc"));
        assert!(steps[1].mounts, "procfs is always a mount of its own");
        let dir = scratch::dir();
        make(&dir, &["a"]);
        assert!(!walk(&dir, b"/a").0[1].mounts);
    }

    proptest! {
        #[test]
        fn ends_in_the_directory_that_the_kernel_finds(path in "(/|\\.|\\.\\.|a|b|l|up|file|none){0,12}") {
            // A fixed tree; the scratch dir is entered by `..` from nowhere, so the kernel must not leave it either:
            // openat2(RESOLVE_IN_ROOT) is the judge.
            let dir = scratch::dir();
            make(&dir, &["a/b", "b"]);
            link(&dir, "/a", "b/l");
            link(&dir, "a/b", "l");
            link(&dir, "..", "a/up");
            std::fs::write(dir.path().join("file"), b"").unwrap();
            let root = dirfd::open_trusted_dir(scratch::bytes(&dir)).unwrap();
            let judge = if path.is_empty() { ".".to_owned() } else { path.clone() };
            let kernel = rustix::fs::openat2(
                &root,
                judge.as_str(),
                rustix::fs::OFlags::PATH | rustix::fs::OFlags::DIRECTORY,
                rustix::fs::Mode::empty(),
                rustix::fs::ResolveFlags::IN_ROOT,
            );
            let (steps, end) = walk(&dir, path.as_bytes());
            match (kernel, end) {
                (Ok(theirs), Some(ours)) => {
                    let (theirs, ours) = (stat::of(theirs.as_fd()).unwrap(), stat::of(ours.as_fd()).unwrap());
                    prop_assert_eq!(theirs.inode, ours.inode);
                }
                (Err(errno), None) => {
                    prop_assert_eq!(steps.last().unwrap().errno, Some(errno.raw_os_error()));
                }
                (Err(Errno::NOSYS | Errno::PERM), Some(_)) => {}
                (kernel, ours) => prop_assert!(false, "{kernel:?} against {:?}", ours.is_some()),
            }
        }
    }
}
