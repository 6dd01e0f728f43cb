//! Tests of [`super`]: what the functions of `procfile` promise.

use super::*;

fn own() -> (Proc, PidDir) {
    let proc = Proc::open(Path::new("/proc")).unwrap();
    let own = proc.pid(std::process::id()).unwrap();
    (proc, own)
}

#[test]
fn lists_our_own_process_each_time_it_is_asked() {
    let (proc, _) = own();
    for _ in 0..2 {
        assert!(proc.pids().unwrap().contains(&std::process::id()));
    }
}

#[test]
fn reads_files_links_and_descriptors_of_a_process() {
    let (_, own) = own();
    let stat = own.read("stat", 1 << 16).unwrap();
    assert!(stat.starts_with(std::process::id().to_string().as_bytes()));
    let mut piece = Vec::new();
    own.read_piece("cmdline", 1 << 20, &mut piece).unwrap();
    assert_eq!(piece, own.read("cmdline", 1 << 20).unwrap());
    assert!(own.link("ns/mnt").unwrap().starts_with(b"mnt:["));
    assert!(own.fds().unwrap().contains(&0) || own.fd_count().unwrap() > 0);
}

#[test]
fn cuts_at_the_cap() {
    let (_, own) = own();
    assert_eq!(own.read("maps", 100).unwrap().len(), 100);
    let mut head = Vec::new();
    own.read_head("maps", 50, &mut head).unwrap();
    assert_eq!(head.len(), 50);
}

#[test]
fn writes_numbers_as_people_do() {
    let mut digits = [0; 10];
    for number in [0, 7, 10, 4514, u32::MAX] {
        assert_eq!(decimal(number, &mut digits), number.to_string().as_bytes());
    }
}
