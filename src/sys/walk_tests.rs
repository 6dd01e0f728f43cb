//! Tests of [`super`]: what the functions of `walk` promise.

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
    make(&dir, &["srv/tmp", "other"]);
    let open =
        |path: &Path| dirfd::open_resolved(std::os::unix::ffi::OsStrExt::as_bytes(path.as_os_str())).unwrap();
    let walker =
        |path: &[u8]| Walker::from_dir(open(dir.path()), open(&dir.path().join("srv")), b"/srv", path);
    let (steps, end) = finish(walker(b"tmp"));
    assert_eq!(paths(&steps), ["/srv", "/srv/tmp"]);
    assert!(end.is_some());
    let (steps, end) = finish(walker(b"../other"));
    assert_eq!(paths(&steps), ["/srv", "/", "/other"]);
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
