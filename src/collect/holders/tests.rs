//! Tests of [`super`]: what the functions of `holders` promise.

use std::fs::File;
use std::io::Write;

use super::*;
use crate::collect::specimen::{self, process};
use crate::sys::scratch;

/// Searches this very test process, under a pid that is not taken for ourselves: that of its thread.
fn search(dir: &tempfile::TempDir, change: impl FnOnce(&mut Process)) -> Found {
    let own = rustix::thread::gettid().as_raw_nonzero().get().cast_unsigned();
    let mut process = process(own, 0);
    change(&mut process);
    let path = RawPath::from(scratch::bytes(dir));
    let table = specimen::table(vec![process]);
    let namespaces = [specimen::namespace(1, &[own], vec![])];
    let vantages = [specimen::vantage(&path.shown(), 1, &[own])];
    let mut temp_dir = specimen::temp_dir(&path.shown(), &[0]);
    let node = dirfd::open_resolved(path.as_bytes()).unwrap();
    let stat = stat::of(node.as_fd()).unwrap();
    temp_dir.identity.device = owners::device(stat.device);
    drop(node);
    find(&Search {
        table: &table,
        namespaces: &namespaces,
        vantages: &vantages,
        dirs: &[temp_dir],
        deadline: Duration::from_mins(1),
    })
}

fn at(dir: &tempfile::TempDir, name: &str) -> RawPath {
    RawPath::from(scratch::bytes(dir)).join(name.as_bytes())
}

fn by_path(found: &Found, path: &RawPath) -> Vec<(How, bool)> {
    let holdings = &found.holders.value().unwrap().holdings;
    holdings.iter().filter(|h| h.path == *path).map(|h| (h.how, h.deleted)).collect()
}

#[test]
fn finds_open_files_and_tells_those_without_a_name() {
    let dir = scratch::dir();
    let _open = File::create(at(&dir, "open").as_path()).unwrap();
    let mut gone = File::create(at(&dir, "gone").as_path()).unwrap();
    gone.write_all(&vec![1; 20_000]).unwrap();
    let _twice = gone.try_clone().unwrap();
    rustix::fs::unlink(at(&dir, "gone").as_path()).unwrap();
    let _odd = File::create(at(&dir, "named (deleted)").as_path()).unwrap();
    let found = search(&dir, |_| {});
    assert!(matches!(by_path(&found, &at(&dir, "open"))[..], [(How::Fd(_), false)]));
    assert!(matches!(by_path(&found, &at(&dir, "gone"))[..], [(How::Fd(_), true), (How::Fd(_), true)]));
    assert!(matches!(by_path(&found, &at(&dir, "named (deleted)"))[..], [(How::Fd(_), false)]));
    let holders = found.holders.value().unwrap();
    assert_eq!(holders.pinned.len(), 1);
    let pinned = &holders.pinned[0];
    assert_eq!((pinned.files, &pinned.biggest), (1, &at(&dir, "gone")), "one file, open twice");
    assert!(pinned.bytes.0 >= 20_000);
    assert!(found.open_files.values().all(|count| count.0 >= 4));
    assert_eq!(found.coverage, Coverage::All);
}

#[test]
fn finds_sockets_that_are_bound_there() {
    let dir = scratch::dir();
    let path = at(&dir, "s");
    if path.as_bytes().len() > 100 {
        println!("skipped: the path of the test directory is too long for a socket");
        return;
    }
    let _socket = std::os::unix::net::UnixListener::bind(path.as_path()).unwrap();
    assert_eq!(by_path(&search(&dir, |_| {}), &path), [(How::Socket, false)]);
}

#[test]
fn finds_locks_on_what_is_open_there() {
    let dir = scratch::dir();
    let locked = File::create(at(&dir, "locked").as_path()).unwrap();
    let _other = File::create(at(&dir, "other").as_path()).unwrap();
    rustix::fs::flock(&locked, rustix::fs::FlockOperation::NonBlockingLockExclusive).unwrap();
    let found = search(&dir, |_| {});
    let hows = by_path(&found, &at(&dir, "locked"));
    assert!(matches!(hows[..], [(How::Fd(_), false), (How::Lock, false)]), "{hows:?}");
    assert_eq!(by_path(&found, &at(&dir, "other")).len(), 1);
}

#[test]
fn takes_working_directories_and_programs_from_the_table() {
    let dir = scratch::dir();
    let (cwd, exe) = (at(&dir, "work"), at(&dir, "job/tool"));
    let found = search(&dir, |p| {
        p.cwd = Ok(Place { path: cwd.clone(), deleted: false });
        p.exe = Ok(Place { path: exe.clone(), deleted: true });
    });
    assert_eq!(by_path(&found, &cwd), [(How::Cwd, false)]);
    assert_eq!(by_path(&found, &exe), [(How::Exe, true)]);
}

#[test]
fn a_process_that_has_ended_is_no_gap_and_an_unknown_namespace_is() {
    let dir = scratch::dir();
    let found = search(&dir, |p| p.pid = u32::MAX);
    assert_eq!((found.coverage, found.open_files.len()), (Coverage::All, 0));
    let found = search(&dir, |p| p.mount_ns = Err(GapWhy::Denied));
    assert_eq!(found.coverage, Coverage::Some);
    assert!(found.holders.gaps()[0].what.contains("mount namespace is unknown"));
}
