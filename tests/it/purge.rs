//! What lies aside: told before it is freed, proposed when it is old, and safe from the machine's own cleaner.

use crate::clean::scene;
use crate::needs;

#[test]
fn what_would_be_freed_is_told_first_and_what_is_due_is_proposed() {
    needs!("unshare");
    let said = scene(
        r"builds go-build1 go-build2 go-build3; printf '[clean]\npurge_after_s = 0\n' > /mnt/site
           tm clean /tmp --older-than 0s --apply > /mnt/log",
        &[
            "tm journal; tm clean /tmp",
            "tm journal --config /mnt/site; tm clean /tmp --config /mnt/site",
            "tm purge --config /mnt/site; aside",
            "tm purge 1 --json; aside",
            "tm purge 1 --yes; aside",
            "tm journal --config /mnt/site",
        ],
    );
    assert!(!said[0].text.contains("ago: tmpmedic purge"), "it is not due: {}", said[0].text);
    assert_eq!(
        said[1].text.matches("put aside more than 0 s ago: tmpmedic purge").count(),
        2,
        "{}",
        said[1].text
    );
    said[2].says("3 entries lie aside for more than 0 s");
    said[2].says("tmpmedic purge --yes");
    assert!(said[2].text.ends_with("\n3"), "nothing is freed unasked: {}", said[2].text);
    let told = said[3].text.lines().next().unwrap();
    let told: serde_json::Value = serde_json::from_str(told).unwrap();
    assert_eq!((&told["applied"], &told["works"][0]["entries"]), (&false.into(), &3.into()));
    assert!(said[3].text.ends_with("\n3"));
    said[4].says("3 of 3 entries of work 1 are gone for good");
    said[4].says("inodes taken");
    assert!(said[4].text.ends_with("\n0"), "{}", said[4].text);
    assert!(!said[5].text.contains("ago: tmpmedic purge"), "{}", said[5].text);
}

#[test]
fn a_quarantine_that_somebody_else_has_now_is_not_touched() {
    needs!("unshare");
    let said = scene(
        "builds go-build1; tm clean /tmp --older-than 0s --apply > /mnt/log; q=$(ls -d /tmp/.tmpmedic-*)",
        &["chown 4242 $q; tm purge 1 --yes; aside", "chown 0 $q; chmod 755 $q; tm purge 1 --yes; aside"],
    );
    for said in &said {
        said.says("the quarantine there is not ours alone");
        assert!(said.text.ends_with("\n1"), "{}", said.text);
    }
}

#[test]
fn the_machines_own_cleaner_leaves_it_alone_and_the_line_goes_with_it() {
    needs!("unshare", "systemd-tmpfiles");
    let said = scene(
        "builds go-build1; tm clean /tmp --older-than 0s --apply > /mnt/log
         q=$(ls -d /tmp/.tmpmedic-*); mkdir /mnt/q; echo 'd /tmp 1777 root root 0' > /run/tmpfiles.d/0-lab.conf
         sweeps() { mkdir -p /tmp/victim; systemd-tmpfiles --clean --prefix=/tmp 2>/dev/null; ls /tmp; aside; }",
        &[
            "sweeps",
            "tm undo >/dev/null; tm clean /tmp --older-than 0s --apply >/dev/null; rmdir $q/* $q 2>/dev/null; aside",
            "mv $q /mnt/q 2>/dev/null; rm -rf $q; tm purge --yes >/dev/null; ls /run/tmpfiles.d",
            "builds go-build2; tm clean /tmp --older-than 0s --apply >/dev/null; rm /run/tmpfiles.d/tmpmedic.conf
             tm undo 999 >/dev/null 2>&1; mkdir -m 700 /tmp/.tmpmedic-mine; chown 4242 /tmp/.tmpmedic-mine
             sweeps; ls -d /tmp/.tmpmedic-mine 2>&1 | grep -c 'No such'",
            "rm /run/tmpfiles.d/tmpmedic.conf; sweeps",
        ],
    );
    assert_eq!(said[0].text, "1", "the victim is gone, what lies aside is not");
    assert_eq!(said[1].text, "1");
    assert_eq!(said[2].text, "0-lab.conf", "with the quarantine goes its line");
    assert_eq!(
        said[3].text, "1\n1",
        "after a boot each command that acts writes the line again, and for no other name"
    );
    assert_eq!(said[4].text, "0", "without the line the cleaner takes it");
}

#[test]
fn what_is_left_of_an_interrupted_removal_is_not_called_gone_and_purge_frees_it() {
    needs!("unshare", "strace");
    let said = scene(
        "for n in $(seq 50); do mkdir -p /tmp/go-build1/$n/1 /tmp/go-build1/$n/2; done
         strace -f -qq -o /dev/null -e trace=unlinkat -e inject=unlinkat:signal=SIGKILL:when=60 \
         /mnt/bin/tmpmedic clean /tmp --older-than 0s --apply --delete --yes > /mnt/log 2>&1 || true",
        &[
            "aside",
            "tm journal",
            "tm undo",
            "tm journal",
            "tm purge --older-than 0s",
            "tm purge --older-than 1h",
            "tm purge 1 --yes; rc=$?; aside; (exit $rc)",
            "tm purge 1 --yes",
        ],
    );
    assert_ne!(said[0].text, "0", "it was not interrupted in the middle");
    assert!(
        said[1].text.contains("interrupted") && !said[1].text.contains("1 entry removed"),
        "{}",
        said[1].text
    );
    said[2].says("nothing that was done can be taken back");
    said[3].says("what is left of it lies in the quarantine");
    said[4].says("no entry lies aside;");
    said[4].says("left of a removal for good that was interrupted");
    said[5].says("nothing was put aside more than 1 h ago");
    for said in [&said[4], &said[5]] {
        assert!(said.text.contains(" of interrupted removals wait"), "{}", said.text);
        assert!(!said.text.contains("0 entries"), "nobody waits for nothing: {}", said.text);
    }
    said[6].ends(0);
    said[6].says("what was left of the interrupted removal of work 1 is gone for good");
    assert!(said[6].text.ends_with("\n0"), "{}", said[6].text);
    said[7].says("nothing of work 1 lies in a quarantine");
}
