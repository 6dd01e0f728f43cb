//! Mounts in, at and below entries: whatever begins there is never entered, and what holds one stays whole.

use std::time::{Duration, Instant};

use crate::clean::{paths, reason, scene, verdict};
use crate::{needs, skip};

/// Three files that nobody may lose, on the file system of /tmp itself: its device number tells nothing.
const PRECIOUS: &str = "mkdir /tmp/precious; for n in 1 2 3; do echo $n > /tmp/precious/$n; done
    whole() { cat /tmp/precious/* | tr -d '\\n'; }";

#[test]
fn a_bind_mount_of_the_same_file_system_keeps_its_entry_and_loses_nothing() {
    needs!("unshare");
    let said = scene(
        &format!(
            "{PRECIOUS}
             builds go-build1 go-build2 go-build3 go-build4; mkdir /tmp/go-build1/b001/in; : > /tmp/go-build3/b001/file
             mount --bind /tmp/precious /tmp/go-build1/b001/in
             mount --bind /tmp/precious /tmp/go-build2
             mount --bind /tmp/precious/1 /tmp/go-build3/b001/file"
        ),
        &[
            "tm clean /tmp --older-than 0s --family go-build --json",
            "tm clean /tmp --older-than 0s --family go-build --apply --delete --yes --json",
            "whole; ls /tmp/go-build1/b001/exe /tmp/go-build3/b001/exe",
        ],
    );
    let plan = said[0].json();
    for (path, words) in [
        ("/tmp/go-build1", "something is mounted in it"),
        ("/tmp/go-build2", "a mount begins at it"),
        ("/tmp/go-build3", "something is mounted in it"),
        ("/tmp/precious", "it is mounted elsewhere"),
    ] {
        let why = reason(&plan, path);
        assert!(why.contains(words), "{path}: {why}");
    }
    let done = said[1].json();
    assert_eq!(paths(&done["works"][0]["removed"]), verdict(&plan, "remove"));
    assert_eq!(done["works"][0]["removed"], serde_json::json!(["/tmp/go-build4"]));
    assert_eq!(said[2].text, "123/tmp/go-build1/b001/exe:\na.out\n\n/tmp/go-build3/b001/exe:\na.out");
}

#[test]
fn a_mount_planted_after_the_plan_or_in_the_middle_is_not_entered() {
    needs!("unshare", "strace");
    // Between a claim and what follows, and before the first removal: there the tracer waits until we have mounted.
    let planted = |call: &str| {
        format!(
            "builds go-build1 go-build2
             strace -f -qq -o /mnt/trace -e trace={call} -e inject={call}:delay_enter=1500000:when=2 \
               /mnt/bin/tmpmedic clean /tmp --older-than 0s --family go-build --apply --delete --yes >/mnt/log 2>&1 & job=$!
             until ls -d /tmp/.tmpmedic-*/*-0/b001/exe >/dev/null 2>&1 || [ ! -d /proc/$job ]; do :; done
             mount --bind /tmp/precious \"$(ls -d /tmp/.tmpmedic-*/*-0/b001/exe)\"; echo \"mounted $?\"; wait $job; cat /mnt/log; whole
             cat /proc/self/mountinfo | sed -n 's/.* \\(.tmp[^ ]*exe\\) .*/\\1/p' | while read -r at; do umount \"$at\"; done
             rm -rf /tmp/go-build*; tm undo >/dev/null 2>&1; whole"
        )
    };
    let said = scene(
        PRECIOUS,
        &[
            "builds go-build1; tm clean /tmp --older-than 0s --family go-build --json > /mnt/plan
             mount --bind /tmp/precious /tmp/go-build1/b001/exe; tm clean --apply --plan /mnt/plan",
            "whole; umount /tmp/go-build1/b001/exe; rm -r /tmp/go-build1",
            &planted("renameat2"),
            &planted("unlinkat"),
        ],
    );
    said[0].ends(75);
    said[0].says("go-build1: something is mounted in it");
    for said in &said[1..] {
        assert!(said.text.contains("123"), "{}", said.text);
    }
    for said in &said[2..] {
        said.says("mounted 0");
        assert!(said.text.ends_with("123") && said.text.matches("123").count() == 2, "{}", said.text);
    }
}

#[test]
fn what_was_mounted_into_the_quarantine_survives_a_purge() {
    needs!("unshare");
    let said = scene(
        &format!(
            "{PRECIOUS}
             builds go-build1 go-build2; tm clean /tmp --older-than 0s --family go-build --apply >/dev/null
             q=$(ls -d /tmp/.tmpmedic-*); mount --bind /tmp/precious $q/1-0/b001/exe"
        ),
        &[
            "tm purge 1 --yes",
            "whole; ls $q",
            "umount $q/1-0/b001/exe 2>/dev/null || umount $q/*-d*; tm purge --yes; tm purge 1 --yes; ls $q; whole",
        ],
    );
    assert!([1, 2].contains(&said[0].code), "{}", said[0].text);
    said[0].says("left");
    assert!(said[1].text.starts_with("123"), "{}", said[1].text);
    assert!(said[2].text.ends_with("123"), "{}", said[2].text);
}

#[test]
fn a_file_system_in_user_space_is_refused_whatever_it_answers() {
    needs!("unshare", "setpriv");
    if !std::path::Path::new("/dev/fuse").exists() {
        skip!("needs /dev/fuse");
    }
    let mounted = |at: &str, whose: &str| {
        format!(
            "rm -f /mnt/hung-is-mounted; HUNG={at} {whose} /mnt/bin/actor --exact actors::file_system_that_never_answers --ignored >/dev/null 2>&1 &
             fuse=$!; awaits $fuse test -e /mnt/hung-is-mounted\n"
        )
    };
    let setup = [
        "builds go-build1 go-build2 go-build3 go-build4 go-build5".to_owned(),
        mounted("/tmp/go-build1", ""),
        mounted("/tmp/go-build2/b001", ""),
        // Root itself may not enter what a user has mounted for himself.
        mounted("/tmp/go-build3", "OWNER=1000"),
        // Whoever served this one is gone: ENOTCONN.
        mounted("/tmp/go-build4", ""),
        "kill -KILL $fuse; wait $fuse 2>/dev/null || true".to_owned(),
    ];
    let started = Instant::now();
    let said = scene(
        &setup.join("\n"),
        &[
            "tm clean /tmp --older-than 0s --json",
            "tm clean /tmp --older-than 0s --apply --delete --yes --json",
            "ls /tmp",
        ],
    );
    assert!(started.elapsed() < Duration::from_secs(20), "it was held up for {:?}", started.elapsed());
    let plan = said[0].json();
    for n in 1..=4 {
        let why = reason(&plan, &format!("/tmp/go-build{n}"));
        assert!(why.contains("mount"), "{n}: {why}");
    }
    assert_eq!(said[1].json()["works"][0]["removed"], serde_json::json!(["/tmp/go-build5"]));
    assert_eq!(said[2].text, "go-build1\ngo-build2\ngo-build3\ngo-build4");
}

#[test]
fn what_lies_in_a_lower_layer_of_an_overlay_is_refused_in_words_or_goes_whole() {
    needs!("unshare");
    let said = scene(
        "mkdir -p /mnt/lower/go-build1/b001 /mnt/upper /mnt/work; echo low > /mnt/lower/go-build1/b001/file; echo low > /mnt/lower/go-link-90001
         chmod 1777 /mnt/lower /mnt/upper
         mount -t overlay -o lowerdir=/mnt/lower,upperdir=/mnt/upper,workdir=/mnt/work lab /tmp; builds go-build2",
        &[
            "tm clean /tmp --older-than 0s --apply",
            "cat /tmp/go-build1/b001/file; find /mnt/lower -type f | sort; ls /tmp",
            "tm undo; ls /tmp; cat /tmp/go-build2/b001/exe/a.out /tmp/go-link-90001",
        ],
    );
    said[0].ends(1);
    said[0].says("go-build1: it lies in a lower layer of an overlay");
    assert!(
        said[1].text.starts_with("low\n/mnt/lower/go-build1/b001/file\n/mnt/lower/go-link-90001\n"),
        "{}",
        said[1].text
    );
    assert!(!said[1].text.contains("go-build2"), "{}", said[1].text);
    assert!(said[2].text.ends_with("go-build2\nlow"), "{}", said[2].text);
}
