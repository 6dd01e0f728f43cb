//! What stays: whatever somebody has to do with, and what is not theirs who cleans.

use std::collections::BTreeSet;

use super::{paths, reason, scene, verdict};
use crate::needs;

#[test]
fn whoever_has_to_do_with_an_entry_keeps_it_and_is_named() {
    needs!("unshare", "setpriv", "flock");
    let said = scene(
        "builds go-build1 go-build2 go-build3 go-build4 go-build5 go-build6 go-build7 go-build8 go-build9
         (cd /tmp/go-build1; exec /mnt/bin/go 600) & cwd=$!; became go $cwd
         /mnt/bin/go 600 < /tmp/go-build2/b001/exe/a.out & open=$!; became go $open
         flock /tmp/go-build3 sh -c 'touch /mnt/locked; exec sleep 600' & awaits $! test -e /mnt/locked
         mkdir /mnt/elsewhere; mount --bind /tmp/go-build4/b001 /mnt/elsewhere
         unshare --mount --propagation private sh -c 'mount -t tmpfs lab /tmp/go-build5/b001; touch /mnt/apart; exec sleep 600' &
         awaits $! test -e /mnt/apart
         env TMPDIR=/tmp/go-build6 /mnt/bin/go 600 & variable=$!; became go $variable
         chown 4242 /tmp/go-build7
         mkdir -p /tmp/.X11-unix /tmp/fm-keep; aged go-build7 3; touch /tmp/go-build8/b001/exe/fresh",
        &[
            "echo $cwd $open $variable",
            "tm clean /tmp --older-than 2s --keep 'fm-*' --json",
            "tm clean /tmp --older-than 2s --keep 'fm-*' --apply --json",
            "for n in 1 2 3 4 5 6 7 8; do [ -e /tmp/go-build$n/b001/exe/a.out ] || echo lost $n; done; ls /tmp",
        ],
    );
    let pids: Vec<&str> = said[0].text.split(' ').collect();
    let plan = said[1].json();
    for (path, words) in [
        ("/tmp/go-build1", format!("pid {}", pids[0])),
        ("/tmp/go-build2", format!("pid {}", pids[1])),
        ("/tmp/go-build3", "lock".to_owned()),
        ("/tmp/go-build4", "mounted elsewhere".to_owned()),
        ("/tmp/go-build5", "mounted in it in another namespace".to_owned()),
        ("/tmp/go-build6", format!("pid {}", pids[2])),
        ("/tmp/go-build7", "4242".to_owned()),
        ("/tmp/go-build8", "at b001/exe".to_owned()),
        ("/tmp/.X11-unix", "never while the system is up".to_owned()),
        ("/tmp/fm-keep", "to be kept".to_owned()),
    ] {
        let why = reason(&plan, path);
        assert!(why.contains(&words), "{path}: {why}");
    }
    assert_eq!(verdict(&plan, "remove"), BTreeSet::from(["/tmp/go-build9".to_owned()]));
    said[2].ends(0);
    assert_eq!(paths(&said[2].json()["works"][0]["taken"]), BTreeSet::from(["/tmp/go-build9".to_owned()]));
    assert!(!said[3].text.contains("lost"), "{}", said[3].text);
}

#[test]
fn an_ordinary_user_cleans_what_is_theirs_and_nothing_else() {
    needs!("unshare", "setpriv");
    let said = scene(
        "builds go-build1 go-build2; chown -R 1000:1000 /tmp/go-build1",
        &[
            "user /mnt/bin/tmpmedic clean /tmp --older-than 0s --json 2>/dev/null",
            "user /mnt/bin/tmpmedic clean /tmp --older-than 0s --assume-unheld --apply --json",
            "stat -c '%U:%a' /tmp/.tmpmedic-1000-*; stat -c %a /mnt/home/.local/state/tmpmedic; ls /var/lib /run",
            "user /mnt/bin/tmpmedic undo",
            "ls /tmp",
            "user /mnt/bin/tmpmedic undo 99",
        ],
    );
    let plan = said[0].json();
    assert!(reason(&plan, "/tmp/go-build2").contains("belongs to uid 0") || plan["totals"]["remove"] == 0);
    let done = said[1].json();
    said[1].ends(0);
    assert_eq!(paths(&done["works"][0]["taken"]), BTreeSet::from(["/tmp/go-build1".to_owned()]));
    assert!(said[2].text.ends_with("700") || said[2].text.contains("700\n700"), "{}", said[2].text);
    said[3].ends(0);
    assert!(said[4].text.contains("go-build1") && said[4].text.contains("go-build2"), "{}", said[4].text);
    said[5].ends(64);
}

#[test]
fn the_founding_incident_is_cleaned_without_breaking_the_runners() {
    needs!("unshare", "mkfs.ext4", "debugfs", "setpriv");
    let said = scene(
        r#"disk 64M -N 8192 -I 256
         cd "$disk"; boot=$(tr -d - < /proc/sys/kernel/random/boot_id)
         for n in 1 2; do mkdir -p systemd-private-$boot-forgejo-runner@$n.service-k2Xq9$n/tmp; chmod 1777 systemd-private-*@$n.*/tmp; done
         for n in $(seq 556); do mkdir go-build$((1000000 + n)); done; for n in $(seq 133); do : > go-link-$((2000000 + n)); done
         echo secret > .testnet_password
         find . -mindepth 1 -maxdepth 1 ! -name lost+found ! -name 'systemd-*' -printf '%f\n' > /mnt/old
         cd /; umount "$disk"
         while read -r name; do for stamp in atime ctime mtime crtime; do echo "sif /$name $stamp 20200101000000"; done; done < /mnt/old > /mnt/age
         debugfs -w -f /mnt/age /mnt/image >/dev/null 2>&1
         mount -o loop,noatime /mnt/image /tmp; chmod 1777 /tmp; rmdir /tmp/lost+found
         for n in $(seq 799); do mkdir /tmp/go-build$((3000000 + n)); done
         for n in 1 2; do apart "mount --bind /tmp/systemd-private-$boot-forgejo-runner@$n.service-k2Xq9$n/tmp /tmp"; eval runner$n=$pid; done"#,
        &[
            "count",
            "tm clean /tmp --json",
            "tm clean /tmp",
            "tm clean /tmp --apply --format markdown",
            "count; cat /tmp/.testnet_password",
            "for pid in $runner1 $runner2; do nsenter -t $pid -m mkdir /tmp/rustcVAIpSt || echo broken; done",
            "tm undo; count",
        ],
    );
    assert_eq!(said[0].text, "1491");
    let plan = said[1].json();
    let going = verdict(&plan, "remove");
    let dirs = going.iter().filter(|path| path.starts_with("/tmp/go-build1")).count();
    let kept = plan["totals"]["keep"].as_u64().unwrap();
    assert_eq!((dirs, going.len() as u64 + kept), (556, 1491), "{}", said[2].text);
    assert_eq!(going.len(), 689, "{}", said[2].text);
    assert!(!going.contains("/tmp/.testnet_password"));
    for path in verdict(&plan, "keep").iter().filter(|path| path.contains("systemd-private")) {
        let why = reason(&plan, path);
        let known = ["never while the system is up", "tmpfiles.d keeps it", "mounted elsewhere"];
        assert!(known.iter().any(|words| why.contains(words)), "{why}");
    }
    said[3].ends(0);
    said[3].says("| old directories | 556 | 0 | -556 |");
    said[3].says("| temp dir can be made | yes | yes |");
    assert_eq!(said[4].text, "802\nsecret");
    assert_eq!(said[5].text, "", "the runners still create temp dirs");
    assert!(said[6].text.ends_with("1491"), "{}", said[6].text);
}

#[test]
fn whoever_may_not_look_without_a_trace_does_not_look() {
    needs!("unshare", "setpriv");
    let said = scene(
        "builds go-build1 go-build2 go-build3; chmod 755 /tmp/go-build*
         chown -R 1000:1000 /tmp/go-build2 /tmp/go-build3; chown 0:0 /tmp/go-build3/b001/exe
         dirs=; for n in 1 2 3; do dirs=\"$dirs /tmp/go-build$n /tmp/go-build$n/b001 /tmp/go-build$n/b001/exe\"; done
         touch -a -d '30 days ago' $dirs
         stamps() { stat -c '%n %x' $dirs; }
         stamps > /mnt/before",
        &[
            "user /mnt/bin/tmpmedic clean /tmp --older-than 0s --assume-unheld --json",
            "stamps | diff /mnt/before - && echo untouched",
        ],
    );
    said[1].says("untouched");
    let entries = said[0].json()["entries"].clone();
    let told: Vec<(&str, &str)> = entries
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| (entry["verdict"].as_str().unwrap(), entry["reason"].as_str().unwrap()))
        .collect();
    assert_eq!(told[0], ("keep", "it belongs to uid 0"), "{told:?}");
    assert_eq!(told[1].0, "remove", "{told:?}");
    assert!(told[2].1.contains("b001/exe: it is of another user, and to list it"), "{told:?}");
}
