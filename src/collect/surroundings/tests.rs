use std::cell::Cell;
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

#[test]
fn a_look_that_nobody_wants_any_more_gives_nothing_wherever_it_stood() {
    let dir = scratch::dir();
    std::fs::create_dir(dir.path().join("a")).unwrap();
    let mut eyes = SurroundingsEyes::open(Arc::new(Catalog::builtin()));
    let path = RawPath::from(scratch::bytes(&dir));
    let handle = dirfd::open_trusted_dir(path.as_bytes()).unwrap();
    let place = Place { path: &path, dir: handle.as_fd(), about: About::All };
    let mut look = |questions: u32| {
        let asked = Cell::new(0);
        let goes_on = || {
            asked.set(asked.get() + 1);
            asked.get() <= questions
        };
        eyes.look_while(&place, Duration::from_secs(20), &goes_on)
    };
    let stopped = (0..32).map(|power| 1 << power).take_while(|questions| look(*questions).is_none()).count();
    assert!(stopped >= 4, "it is asked at each part, not only {stopped} times");
    let whole = look(u32::MAX).unwrap();
    let is_cut = |gap: &&Gap| matches!(gap.why, GapWhy::OverBudget { .. } | GapWhy::Hung { .. });
    assert_eq!(whole.gaps.iter().find(is_cut), None, "half a look spoils no later one");
}
