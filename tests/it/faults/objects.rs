//! Entries that are no plain trees: what cannot be opened, what is held in every way, what is too deep, too wide or grows.

use std::time::{Duration, Instant};

use crate::clean::{reason, scene};
use crate::needs;

/// `holder FILE [HOW]`: a process with a write lease on the file, or a POSIX lock.
const HOLDER: &str = "holder() {
        rm -f /mnt/ready; FILE=$1 HOW=${2:-lease} READY=/mnt/ready /mnt/bin/actor --exact actors::holder_of_a_file --ignored >/dev/null 2>&1 &
        pid=$!; awaits $pid test -e /mnt/ready
    }
    # wide DIR COUNT, deep DIR LEVELS
    wide() { WIDE=$1 COUNT=$2 /mnt/bin/actor --exact actors::builder --ignored >/dev/null; }
    deep() { WIDE=$1 DEPTH=$2 /mnt/bin/actor --exact actors::builder --ignored >/dev/null; }";

#[test]
fn what_cannot_be_opened_goes_and_comes_back_as_anything_else() {
    needs!("unshare");
    let all = "mknod /tmp/tty c 5 0; mknod /tmp/null c 1 3; mknod /tmp/disk b 7 99; mkfifo /tmp/pipe; ln -s /nowhere /tmp/dangling
         SOCKET=/tmp/socket READY=/mnt/bound /mnt/bin/actor --exact actors::listener --ignored >/dev/null 2>&1 & pid=$!
         awaits $pid test -e /mnt/bound; kill $pid; wait $pid 2>/dev/null || true
         mkdir /mnt/kept; echo kept > /var/tmp/precious; mkdir /tmp/inside; mknod /tmp/inside/null c 1 3; mkfifo /tmp/inside/pipe
         chmod 4755 /tmp/null; echo linked > /tmp/precious; chmod 600 /tmp/precious; ln /tmp/precious /tmp/inside/hard; ln /tmp/precious /tmp/hard";
    let said = scene(
        all,
        &[
            "tree",
            "tm clean /tmp --older-than 0s --family other --keep precious --apply",
            "tree | grep -v -e precious",
            "tm undo; rc=$?; tree; (exit $rc)",
            // A file with a name in two of them is changed by the removal of the first name: the other stays for the next run.
            "again='--older-than 0s --family other --keep precious --apply --delete --yes'; tm clean /tmp $again >/dev/null; tm clean /tmp $again",
            "tree | wc -l; stat -c '%a %h' /tmp/precious; cat /tmp/precious; aside",
        ],
    );
    said[1].ends(0);
    said[1].says("8 of 8 entries put aside");
    assert_eq!(said[2].text, "");
    said[3].ends(0);
    let back = said[3].text.split_once('\n').unwrap().1;
    assert_eq!(back, said[0].text);
    said[4].ends(0);
    assert_eq!(said[5].text, "1\n600 1\nlinked\n0", "the other name of a hard link is as it was");
}

#[test]
fn a_lease_holds_nobody_up_and_a_lock_of_any_kind_keeps() {
    needs!("unshare");
    let started = Instant::now();
    let said = scene(
        &format!(
            "{HOLDER}
             echo 45 > /proc/sys/fs/lease-break-time 2>/dev/null || true
             for n in 1 2 3; do echo x > /tmp/go-link-9000$n; done; builds go-build90001
             holder /tmp/go-link-90001; lease=$pid; holder /tmp/go-link-90002 lock; lock=$pid; holder /tmp/go-build90001/b001/exe/a.out; inner=$pid"
        ),
        &[
            "echo $lease $lock $inner",
            "tm clean /tmp --older-than 0s --json",
            "tm clean /tmp --older-than 0s --apply --delete --yes --assume-unheld",
            "ls /tmp; kill -0 $lease && kill -0 $lock && kill -0 $inner",
        ],
    );
    assert!(started.elapsed() < Duration::from_secs(20), "it was held up for {:?}", started.elapsed());
    let plan = said[1].json();
    let pids = said[0].text.split(' ');
    for (path, pid) in ["/tmp/go-link-90001", "/tmp/go-link-90002", "/tmp/go-build90001"].iter().zip(pids) {
        let why = reason(&plan, path);
        assert!(why.contains(&format!("pid {pid}")), "{path}: {why}");
    }
    said[2].ends(0);
    assert_eq!(said[3].text, "go-build90001\ngo-link-90001\ngo-link-90002");
    said[3].ends(0);
}

#[test]
fn immutable_is_named_as_the_reason_and_the_rest_goes_on() {
    needs!("unshare", "mkfs.ext4", "chattr");
    let said = scene(
        "disk 16M -N 256; mount --move $disk /tmp; rmdir /tmp/lost+found; builds go-build1 go-build2 go-build3 go-build4 go-build5
         chattr +i /tmp/go-build1; chattr +a /tmp/go-build2; chattr +i /tmp/go-build3/b001/exe/a.out; chattr +a /tmp/go-build4/b001
         free() { chattr -R -i -a /tmp/go-build* /tmp/.tmpmedic-* 2>/dev/null; }",
        &[
            "tm clean /tmp --older-than 0s --apply",
            "ls /tmp; tm journal",
            "tm undo; ls /tmp",
            "tm clean /tmp --older-than 0s --apply --delete --yes",
            "ls /tmp; find /tmp/.tmpmedic-* -type f; tm purge --older-than 0s --yes",
            "free; tm purge --older-than 0s --yes; aside; chattr +a /tmp; tm clean /tmp --older-than 0s --apply; ls /tmp; chattr -a /tmp",
        ],
    );
    said[0].ends(1);
    for n in [1, 2] {
        said[0].says(&format!("failed go-build{n}: it is immutable or append-only (lsattr -d)"));
    }
    assert!(said[1].text.starts_with("go-build1\ngo-build2\n"), "{}", said[1].text);
    said[1].says("immutable");
    assert!(
        said[2].text.ends_with("go-build1\ngo-build2\ngo-build3\ngo-build4\ngo-build5"),
        "{}",
        said[2].text
    );
    said[3].ends(1);
    said[3].says("is immutable or append-only");
    assert!(said[4].text.starts_with("go-build1\ngo-build2\n/tmp/"), "{}", said[4].text);
    said[4].says("immutable or append-only");
    let words = "directory around it is immutable or append-only";
    said[5].says(words);
    assert!(said[5].text.contains("\n0\n"), "purge frees them when they may go: {}", said[5].text);
}

#[test]
fn as_deep_as_it_gets_with_thirty_two_descriptors() {
    needs!("unshare", "prlimit");
    let said = scene(
        &format!(
            "{HOLDER}\nmkdir /tmp/go-build90001 /tmp/go-build90002; deep /tmp/go-build90001 30000; deep /tmp/go-build90002 300"
        ),
        &[
            "prlimit --nofile=32 /mnt/bin/tmpmedic clean /tmp --older-than 0s --apply",
            "ls /tmp; aside",
            "prlimit --nofile=32 /mnt/bin/tmpmedic undo; ls /tmp",
            "prlimit --nofile=32 /mnt/bin/tmpmedic clean /tmp --older-than 0s --apply --delete --yes",
            "ls -A /tmp; aside; df --output=iused /tmp | tail -1",
        ],
    );
    for n in [0, 3] {
        said[n].ends(0);
    }
    assert_eq!(said[1].text, "2");
    assert!(said[2].text.ends_with("go-build90001\ngo-build90002"), "{}", said[2].text);
    let left: u32 = said[4].text.lines().last().unwrap().trim().parse().unwrap();
    assert!(left < 10, "{}", said[4].text);
}

#[test]
fn twenty_thousand_files_in_one_entry_and_twenty_thousand_entries() {
    needs!("unshare");
    let said = scene(
        &format!("{HOLDER}\nmkdir /tmp/go-build90001; wide /tmp/go-build90001 20000"),
        &[
            "tm clean /tmp --older-than 0s --apply --delete --yes",
            "ls /tmp; aside; df --output=iused /tmp | tail -1",
            "wide /tmp 20000; tm clean /tmp --older-than 0s --family other --apply -q",
            "count; aside",
            "tm undo; count; aside",
        ],
    );
    said[0].ends(0);
    let used: u32 = said[1].text.lines().last().unwrap().trim().parse().unwrap();
    assert!(used < 10, "{}", said[1].text);
    said[2].ends(0);
    assert_eq!(said[3].text, "0\n20000");
    assert!(said[4].text.ends_with("20000\n0"), "{}", said[4].text);
}

#[test]
fn a_directory_that_keeps_growing_ends_in_a_report_and_not_in_a_race() {
    needs!("unshare");
    let started = Instant::now();
    let said = scene(
        "builds go-build1 go-build2
         grow() { (cd \"$1\"; until [ -e /mnt/enough ]; do i=$((i+1)); : > f$i; mkdir d$i; done) 2>/dev/null & }
         grow /tmp/go-build1",
        &[
            "tm clean /tmp --older-than 0s --apply --delete --yes",
            "ls /tmp; touch /mnt/enough; wait",
            "rm /mnt/enough; tm clean /tmp --older-than 0s --apply >/dev/null; q=$(ls -d /tmp/.tmpmedic-*); s=$(ls -d $q/*-*); grow $s
             awaits $! test -e $s/f20; timeout 20 /mnt/bin/tmpmedic purge --older-than 0s --yes",
            "touch /mnt/enough; wait; tm purge --older-than 0s --yes; ls $q",
        ],
    );
    assert!(started.elapsed() < Duration::from_secs(30), "{:?}", started.elapsed());
    said[0].ends(0);
    assert_eq!(said[1].text, "go-build1", "its grower works in it");
    assert!(said[2].code <= 2, "{}: {}", said[2].code, said[2].text);
    assert_eq!(said[3].text.lines().count(), 1, "in the end nothing lies there: {}", said[3].text);
}
