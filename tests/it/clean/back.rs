//! What was put aside comes back whole, however a clean-up ended, until it is purged.

use super::scene;
use crate::needs;

#[test]
fn purge_frees_what_is_old_enough_or_named_and_only_what_is_ours() {
    needs!("unshare");
    let said = scene(
        "builds go-build1 go-build2; tm clean /tmp --older-than 0s --family go-build --apply > /mnt/log",
        &[
            "tm purge --yes",
            "aside; tm purge --older-than 0s; aside",
            "q=$(ls -d /tmp/.tmpmedic-*); mkdir $q/precious; mv $q/1-0 $q/x; mkdir $q/1-0; touch $q/1-0/theirs; mkdir -p $q/1-d4/rest",
            "tm purge 1 --yes",
            "ls -R $q",
            "tm undo 1",
            "tm journal",
        ],
    );
    said[0].ends(0);
    said[0].says("younger than 7 d");
    said[1].says("2 entries lie aside for more than 0 s");
    said[1].says("tmpmedic purge --older-than 0s --yes");
    assert!(said[1].text.starts_with("2\n") && said[1].text.ends_with("\n2"), "nothing is freed unasked");
    said[3].ends(1);
    said[3].says("another object lies in its place");
    said[3].says("precious: lies in the quarantine, but not because of any work");
    for kept in ["precious", "theirs", "x"] {
        assert!(said[4].text.contains(kept), "{kept}: {}", said[4].text);
    }
    assert!(!said[4].text.contains("1-1") && !said[4].text.contains("rest"), "{}", said[4].text);
    said[5].ends(2);
    said[6].says("purge");
}

#[test]
fn a_signal_stops_between_two_entries_and_all_of_it_can_be_taken_back() {
    needs!("unshare", "xargs", "seq");
    let said = scene(
        "seq -f '/tmp/go-build%g' 4000 | xargs mkdir; tree > /mnt/before",
        &[
            // Where all of it went before the signal came, it comes back, and another one is stopped.
            "while :; do
               /mnt/bin/tmpmedic clean /tmp --older-than 0s --apply > /mnt/log & job=$!; awaits $job begun 50
               /bin/kill -TERM $job; wait $job; code=$?; [ $(count) = 0 ] || break; tm undo >/dev/null
             done 2>/dev/null; (exit $code)",
            "cat /mnt/log; [ $(($(count) + $(aside))) = 4000 ] && [ $(count) -gt 0 ]",
            "tm journal --json",
            "tm undo >/dev/null; tree | cmp - /mnt/before",
        ],
    );
    assert_eq!(said[0].code, 1, "{}{}", said[0].text, said[1].text);
    said[1].ends(0);
    said[1].says("stopped between two entries");
    let journal = said[2].json();
    let works = journal["entries"].as_array().unwrap();
    assert!(works.iter().all(|work| work["ended"].is_string()), "the journal is closed: {journal:#}");
    said[3].ends(0);
}

#[test]
fn after_a_kill_at_any_moment_the_journal_reads_and_undo_gives_everything_back() {
    needs!("unshare", "xargs");
    let said = scene(
        "seq -f '/tmp/go-build%g' 300 | xargs mkdir; tree > /mnt/before",
        &["for moment in $(seq 30); do
             /mnt/bin/tmpmedic clean /tmp --older-than 0s --apply >/dev/null 2>&1 & job=$!
             until [ \"$(aside)\" -ge $((moment * 9)) ] || [ ! -d /proc/$job ]; do :; done
             kill -KILL $job 2>/dev/null; wait $job 2>/dev/null
             tm journal >/dev/null || echo \"moment $moment: the journal does not read\"
             tm undo >/mnt/log 2>&1; tree | cmp -s - /mnt/before || { echo \"moment $moment: not the same\"; cat /mnt/log; }
           done; tm journal --json > /mnt/j; grep -o interrupted /mnt/j | wc -l; aside"],
    );
    let lines: Vec<&str> = said[0].text.lines().collect();
    assert!(!said[0].text.contains("moment"), "{}", said[0].text);
    assert_eq!(*lines.last().unwrap(), "0", "nothing is left aside");
}

#[test]
fn what_was_written_down_elsewhere_while_the_disk_was_full_is_taken_back_when_it_has_room_again() {
    needs!("unshare");
    let said = scene(
        "builds go-build1 go-build2; mount -o remount,size=16k /var/lib; head -c 16384 /dev/zero > /var/lib/full",
        &[
            "tm clean /tmp --older-than 0s --apply",
            "rm /var/lib/full; mount -o remount,size=10m /var/lib; builds go-build3; tm clean /tmp --older-than 0s --apply",
            "tm journal",
            "tm undo 1; count",
            "tm undo; count",
            "tm journal",
        ],
    );
    said[0].says("the journal is in /run/tmpmedic (/var/lib/tmpmedic: ");
    said[0].says("undo before the next boot");
    assert!(!said[1].text.contains("before the next boot"), "{}", said[1].text);
    said[1].says("work 2");
    said[2].says("2 of them still lie aside");
    said[2].says("1 of them still lies aside");
    assert!(said[3].text.ends_with("\n2"), "{}", said[3].text);
    assert!(said[4].text.ends_with("\n3"), "{}", said[4].text);
    assert!(!said[5].text.contains("still lie"), "counted over all homes: {}", said[5].text);
}

#[test]
fn a_journal_titles_what_was_done() {
    needs!("unshare", "strace");
    let said = scene(
        "builds go-build1 go-build2; mkdir /mnt/st; (cd /tmp/go-build2; exec sleep 600) &",
        &["strace -f -qq -o /dev/null -e trace=renameat2 -e inject=renameat2:error=EBUSY:when=1 \
             /mnt/bin/tmpmedic clean /tmp --older-than 0s --apply > /mnt/log 2>&1; tm journal"],
    );
    said[0].says("0 of 1 entry in /tmp put aside");
}

#[test]
fn what_was_purged_is_told_with_its_work() {
    needs!("unshare");
    let said = scene(
        "builds go-build1 go-build2",
        &[
            "tm clean /tmp --older-than 0s --apply --yes",
            "tm purge 1 --older-than 0s --yes; tm purge 1 --yes",
            "tm journal",
            "tm journal --json",
        ],
    );
    said[2].says("2 of them were removed for good on ");
    said[2].says(" by work 2 (purge)");
    let purged = said[3].json()["entries"][0]["purged"].clone();
    assert_eq!((purged["by"].as_u64(), purged["entries"].as_u64()), (Some(2), Some(2)), "{purged}");
}
