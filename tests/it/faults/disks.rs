//! Disks that fail, fill up or cannot be written while something is put aside, freed or written down.

use crate::clean::scene;
use crate::needs;

/// `failing CALL ERROR WHICH COMMAND…`: the command, with that call answered so by the tracer at those times.
const FAILING: &str = "failing() { call=$1 error=$2 when=$3; shift 3
        strace -f -qq -o /mnt/trace -e trace=$call -e inject=$call:error=$error:when=$when /mnt/bin/tmpmedic \"$@\"; }
    five() { builds go-build90001 go-build90002 go-build90003 go-build90004 go-build90005; }
    o='/tmp --older-than 0s --family go-build --apply'";

#[test]
fn an_entry_that_cannot_be_taken_fails_alone() {
    needs!("unshare", "strace");
    let errors = ["EIO", "EROFS", "ENOSPC", "EBUSY", "ESTALE"];
    let mut commands = Vec::new();
    for error in errors {
        commands.push(format!(
            "tree > /mnt/before; failing renameat2 {error} 3 clean $o; rc=$?; count; aside; (exit $rc)"
        ));
        commands.push(
            "tm journal --json | tr ',' '\\n' | grep -c why; tm undo; tree | cmp - /mnt/before".to_owned(),
        );
    }
    let commands: Vec<&str> = commands.iter().map(String::as_str).collect();
    let said = scene(&format!("{FAILING}\nfive"), &commands);
    for (error, pair) in errors.iter().zip(said.chunks(2)) {
        pair[0].ends(1);
        pair[0].says("failed go-build90003");
        assert!(pair[0].text.ends_with("1\n4"), "{error}: {}", pair[0].text);
        pair[1].ends(0);
        pair[1].says("4 of 4 entries");
    }
}

#[test]
fn what_cannot_be_removed_for_good_is_named_and_a_later_purge_frees_it() {
    needs!("unshare", "strace");
    // The first listings are those of the table before → after.
    let said = scene(
        &format!("{FAILING}\nfive"),
        &[
            "failing unlinkat EIO 7 clean $o --delete --yes",
            "count; aside; tm journal",
            "tm purge --older-than 0s --yes; aside",
            "five; tm clean $o >/dev/null; failing getdents64 EIO 8 purge --older-than 0s --yes",
            "aside; tm purge --older-than 0s --yes; aside",
            "five; tm clean $o >/dev/null; failing unlinkat EROFS 1+ purge --older-than 0s --yes; aside; tm undo; count",
        ],
    );
    said[0].ends(1);
    said[0].says("4 of 5 entries removed for good");
    said[0].says("Input/output error");
    assert!(said[1].text.starts_with("0\n1\n"), "{}", said[1].text);
    assert!(said[2].text.ends_with("\n0"), "{}", said[2].text);
    said[3].ends(1);
    said[3].says("Input/output error");
    assert!(
        said[4].text.starts_with("1\n") && said[4].text.ends_with("\n0"),
        "one alone was left: {}",
        said[4].text
    );
    assert!(said[5].text.ends_with("\n5"), "what could not be freed can still go back: {}", said[5].text);
}

#[test]
fn where_the_journal_fails_nothing_more_is_done_and_what_was_done_is_found() {
    needs!("unshare", "strace");
    // Beginning, intent, outcome, end: each is synced.
    let mut commands = Vec::new();
    for when in 1..=4 {
        commands.push(format!("failing fdatasync EIO {when}+ clean $o; rc=$?; count; aside; (exit $rc)"));
        commands.push("tm undo; tree | cmp - /mnt/before; aside; tm journal >/dev/null".to_owned());
    }
    for error in ["ENOSPC", "EROFS"] {
        commands.push(format!(
            "failing write {error} 1 clean $o >/dev/null; tm undo >/dev/null; tree | cmp - /mnt/before; aside"
        ));
        commands.push("tm journal >/dev/null".to_owned());
    }
    let commands: Vec<&str> = commands.iter().map(String::as_str).collect();
    let said = scene(&format!("{FAILING}\nfive; tree > /mnt/before"), &commands);
    for (when, pair) in (1..=4).zip(said.chunks(2)) {
        assert!([1, 2].contains(&pair[0].code), "{when}: {}: {}", pair[0].code, pair[0].text);
        if when <= 2 {
            assert!(pair[0].text.ends_with("5\n0"), "{when}: {}", pair[0].text);
        }
        assert!(pair[1].text.ends_with('0'), "{when}: {}", pair[1].text);
        assert!(!pair[1].text.contains("differ"), "{when}: {}", pair[1].text);
        pair[1].ends(0);
    }
    for said in &said[8..] {
        said.ends(0);
        assert!(!said.text.contains("differ"), "{}", said.text);
    }
}

#[test]
fn an_undo_and_a_purge_that_fail_halfway_can_be_made_again() {
    needs!("unshare", "strace");
    let said = scene(
        &format!("{FAILING}\nfive; tree > /mnt/before"),
        &[
            "tm clean $o >/dev/null; failing renameat2 EIO 2 undo; rc=$?; count; aside; (exit $rc)",
            "tm undo; tree | cmp - /mnt/before",
            "tm clean $o >/dev/null; failing fdatasync EIO 2+ undo; rc=$?; count; aside; (exit $rc)",
            "tm undo; tree | cmp - /mnt/before",
            "tm clean $o >/dev/null; failing fdatasync EIO 2+ purge --older-than 0s --yes; rc=$?; aside; (exit $rc)",
            "tm undo; tree | cmp - /mnt/before",
            "tm clean $o >/dev/null; failing fdatasync EIO 3+ purge --older-than 0s --yes; rc=$?; aside; (exit $rc)",
            "tm purge --older-than 0s --yes; tm journal >/dev/null; rc=$?; aside; (exit $rc)",
        ],
    );
    said[0].ends(1);
    assert!(said[0].text.ends_with("4\n1"), "{}", said[0].text);
    for n in [1, 3, 5] {
        said[n].ends(0);
        assert!(!said[n].text.contains("differ"), "{}", said[n].text);
    }
    for n in [2, 4, 6] {
        said[n].ends(2);
        said[n].says("the journal");
    }
    assert!(
        said[2].text.ends_with("0\n5") && said[4].text.ends_with('5'),
        "{}{}",
        said[2].text,
        said[4].text
    );
    said[7].ends(0);
    assert!(said[7].text.ends_with('0'), "{}", said[7].text);
}

#[test]
fn whichever_call_fails_nothing_is_lost_and_nobody_panics() {
    needs!("unshare", "strace");
    let calls = "openat openat2 statx getdents64 flock mkdirat renameat2 fallocate write fdatasync";
    let said = scene(
        &format!("{FAILING}\nfive; tree > /mnt/before; failed=0"),
        &[
            &format!(
                "for call in {calls}; do for when in 3+ 25; do
                   failing $call EIO $when clean $o >/mnt/log 2>&1; rc=$?
                   case $rc in 0|1|2|64|74|75|77) ;; *) echo \"$call $when: ended $rc\"; cat /mnt/log;; esac
                   [ $rc = 0 ] || failed=$((failed + 1))
                   grep -i panic /mnt/log && echo \"$call $when\"
                   [ $(($(count) + $(aside))) = 5 ] || echo \"$call $when: lost\"
                   tm undo >/mnt/log2 2>&1; tree | cmp -s - /mnt/before || {{ echo \"$call $when: not the same\"; cat /mnt/log /mnt/log2; break; }}
                 done; done; echo $failed > /mnt/failed"
            ),
            "cat /mnt/failed",
        ],
    );
    assert_eq!(said[0].text, "");
    let failed: u32 = said[1].text.parse().unwrap();
    assert!(failed >= 6, "only {failed} of 20 runs were hurt at all");
}

/// `/tmp` and the journal's home on one ext4 of 8 MiB.
const ONE_DISK: &str = "disk 8M -N 128 -m 5; mkdir -m 755 $disk/state; mount --bind $disk/state /var/lib; mount --bind $disk /tmp; rmdir /tmp/lost+found
    chmod 1777 /tmp; keep='--keep state --keep ballast* --keep lost+found'; full() { fill /tmp; df --output=avail /tmp | tail -1; }
    o=\"/tmp --older-than 0s --family go-build $keep --apply\"
    builds go-build90001 go-build90002; dd if=/dev/urandom of=/tmp/go-build90001/b001/big bs=1M count=2 2>/dev/null";

#[test]
fn on_a_full_disk_with_the_journal_on_it_a_quarantine_of_before_is_enough() {
    needs!("unshare", "mkfs.ext4");
    let said = scene(
        &format!(
            "{ONE_DISK}\nbuilds go-build90009; tm clean $o --family go-build >/dev/null; tm undo >/dev/null; rm -rf /tmp/go-build90009; full"
        ),
        &[
            "tm clean $o",
            "ls /tmp; aside; tm journal",
            "tm undo; rc=$?; ls /tmp; aside; (exit $rc)",
            "tm clean $o --delete --yes; rc=$?; ls /tmp; aside; df --output=avail /tmp | tail -1; (exit $rc)",
            "builds go-build90003; tm clean $o >/dev/null; tm undo; ls /tmp; tm journal --json",
        ],
    );
    said[0].ends(0);
    said[0].says("What was put aside still takes its room");
    said[2].ends(0);
    assert!(said[2].text.contains("go-build90001\ngo-build90002"), "{}", said[2].text);
    said[3].ends(0);
    let free: u64 = said[3].text.lines().last().unwrap().trim().parse().unwrap();
    assert!(free > 1500, "removal for good frees the room: {}", said[3].text);
    assert!(said[4].text.contains("go-build90003"), "{}", said[4].text);
}

#[test]
fn on_a_full_disk_without_any_it_is_said_what_to_do() {
    needs!("unshare", "mkfs.ext4");
    let said = scene(
        &format!("{ONE_DISK}\nfull; tree > /mnt/before"),
        &[
            "tm clean $o",
            "tm clean $o --delete --yes",
            "tree | cmp - /mnt/before; mount -o remount,ro /run; tm clean $o",
        ],
    );
    for said in &said[..2] {
        said.ends(2);
        said.says("nothing was changed in /tmp: cannot make the quarantine: No space left on device");
        said.says("df /tmp. Remove one file of your own there by hand");
    }
    said[2].ends(2);
    said[2].says("no journal can be written, so nothing could be taken back (/var/lib/tmpmedic:");
}

#[test]
fn a_journal_home_that_cannot_be_written_is_replaced_by_the_one_in_run_and_undo_finds_it() {
    needs!("unshare");
    let said = scene(
        "builds go-build1; tm clean /tmp --older-than 0s --apply >/dev/null; builds go-build2 go-build3",
        &[
            "mount -o remount,ro /var/lib; tm clean /tmp --older-than 0s --apply",
            "count; tm journal",
            "tm undo; ls /tmp",
            "tm clean /tmp --older-than 0s --apply >/dev/null; mount -o remount,rw /var/lib; tm journal",
            "tm undo; ls /tmp",
            "rm -r /var/lib/tmpmedic; : > /var/lib/tmpmedic; tm clean /tmp --older-than 0s --apply",
            "umount /var/lib; mount -t tmpfs -o mode=777 lab /var/lib; tm clean /tmp --older-than 0s --apply; tm undo",
        ],
    );
    said[0].ends(0);
    assert!(said[1].text.starts_with('0'), "{}", said[1].text);
    assert_eq!(
        said[2].text.lines().filter(|line| line.starts_with("go-build")).collect::<Vec<_>>(),
        ["go-build2", "go-build3"],
        "{}",
        said[2].text
    );
    assert!(
        said[4].text.contains("go-build2\ngo-build3"),
        "what was done without it is found again: {}",
        said[4].text
    );
    said[5].ends(0);
    said[6].says("the journal is in /run/tmpmedic (/var/lib/tmpmedic: others may change lib");
}

#[test]
fn a_temp_dir_that_is_none_is_refused_by_name() {
    needs!("unshare");
    let said = scene(
        "mkdir -p /mnt/t/loop; : > /mnt/t/file; ln -s /tmp /mnt/t/link; ln -s nowhere /mnt/t/dangling; ln -s round /mnt/t/round
         mkdir /mnt/root /mnt/upper /mnt/work; mount -t overlay -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work lab /mnt/root
         for d in proc dev sys mnt; do mount --rbind /$d /mnt/root/$d; done
         inside() { chroot /mnt/root /mnt/bin/tmpmedic \"$@\"; }
         rm -r /mnt/root/tmp; rm -r /mnt/root/var/tmp",
        &[
            "for t in missing file link dangling round file/below; do tm clean /mnt/t/$t --older-than 0s --apply; echo $?; done",
            "inside clean --older-than 0s --apply",
            ": > /mnt/root/tmp; inside clean --older-than 0s --apply",
            "rm /mnt/root/tmp; ln -s /srv /mnt/root/tmp; inside clean /tmp --older-than 0s --apply",
            "rm /mnt/root/tmp; ln -s gone /mnt/root/tmp; inside clean --older-than 0s --apply",
        ],
    );
    let codes: Vec<&str> = said[0].text.lines().filter(|line| line.parse::<u8>().is_ok()).collect();
    assert_eq!(codes, ["64"; 6], "{}", said[0].text);
    for name in ["missing", "file", "link", "dangling", "round"] {
        said[0].says(&format!("/mnt/t/{name}: "));
    }
    for said in &said[1..] {
        assert!([2, 64].contains(&said.code), "{}: {}", said.code, said.text);
        assert!(said.text.contains("/tmp"), "{}", said.text);
    }
}

#[test]
fn a_stamp_of_next_year_is_no_age_and_one_of_last_year_does_not_make_it_old() {
    needs!("unshare", "mkfs.ext4");
    let said = scene(
        "builds go-build90001 go-build90002 go-build90003 go-build90004
         touch -d '+1 year' /tmp/go-build90001/b001; touch -d '-1 year' /tmp/go-build90002 /tmp/go-build90002/b001 /tmp/go-build90002/b001/exe
         touch -d '1970-01-01 UTC' /tmp/go-build90003; touch -d '2038-01-20 UTC' /tmp/go-build90004; touch -d '2400-01-01 UTC' /tmp/go-build90001/b001/exe",
        &[
            "tm clean /tmp --older-than 0s --json",
            "tm clean /tmp --older-than 1h --json",
            "tm clean /tmp --older-than 0s --apply",
            "ls /tmp",
        ],
    );
    let (all, old) = (said[0].json(), said[1].json());
    for n in [1, 4] {
        let path = format!("/tmp/go-build9000{n}");
        for plan in [&all, &old] {
            assert!(crate::clean::reason(plan, &path).contains("in the future"), "{plan}");
        }
    }
    for n in [2, 3] {
        let why = crate::clean::reason(&old, &format!("/tmp/go-build9000{n}")).to_owned();
        assert!(why.contains("touched"), "{why}");
    }
    said[2].ends(0);
    assert_eq!(said[3].text, "go-build90001\ngo-build90004");
}
