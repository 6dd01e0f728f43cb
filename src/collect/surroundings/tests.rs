use std::fs::File;
use std::os::fd::AsFd;
use std::os::unix::net::UnixListener;

use super::*;
use crate::model::surroundings::ClaimKind;
use crate::sys::{dirfd, scratch};

/// The kinds of claims on each entry, as a look at the directory of a test gives them. Our own process is never taken for a
/// holder, so here only what does not ask for one can be found.
fn kinds(dir: &tempfile::TempDir) -> Vec<(String, ClaimKind)> {
    let mut eyes = SurroundingsEyes::open(Arc::new(Catalog::builtin()));
    let path = RawPath::from(scratch::bytes(dir));
    let handle = dirfd::open_trusted_dir(path.as_bytes()).unwrap();
    let place = Place { path: &path, dir: handle.as_fd(), about: About::All };
    eyes.look(&place, Duration::from_secs(20));
    let seen = eyes.look(&place, Duration::from_secs(20));
    assert!(seen.booted < seen.taken);
    seen.claims.iter().flat_map(|(name, all)| all.iter().map(|c| (name.shown(), c.kind))).collect()
}

#[test]
fn an_empty_directory_has_no_claims() {
    assert_eq!(kinds(&scratch::dir()), []);
}

#[test]
fn a_bound_socket_is_found_by_its_file_and_not_by_its_name() {
    let dir = scratch::dir();
    if scratch::bytes(&dir).len() > 80 {
        println!("skipped: the path of the test directory is too long for a socket");
        return;
    }
    std::fs::create_dir_all(dir.path().join("a/b")).unwrap();
    let _moved = UnixListener::bind(dir.path().join("a/first")).unwrap();
    std::fs::rename(dir.path().join("a/first"), dir.path().join("a/b/second")).unwrap();
    File::create(dir.path().join("first")).unwrap();
    drop(UnixListener::bind(dir.path().join("closed")).unwrap());
    assert_eq!(kinds(&dir), [("a".to_owned(), ClaimKind::Socket)]);
}

#[test]
fn without_time_everything_is_a_gap() {
    let dir = scratch::dir();
    let mut eyes = SurroundingsEyes::open(Arc::new(Catalog::builtin()));
    let path = RawPath::from(scratch::bytes(&dir));
    let handle = dirfd::open_trusted_dir(path.as_bytes()).unwrap();
    let seen = eyes.look(&Place { path: &path, dir: handle.as_fd(), about: About::All }, Duration::ZERO);
    assert!(!seen.gaps.is_empty());
}
