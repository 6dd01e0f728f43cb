//! Machines that have run out: of descriptors, of threads, of memory.

use crate::clean::scene;
use crate::needs;

const ENTRIES: &str = "for n in $(seq 200); do mkdir -p /tmp/go-build9$n/b001; echo x > /tmp/go-build9$n/b001/x; done; tree > /mnt/before";

#[test]
fn sixteen_descriptors_are_enough_for_all_of_it_and_with_fewer_nothing_is_lost() {
    needs!("unshare", "prlimit");
    let said = scene(
        &format!("{ENTRIES}\nfew() {{ n=$1; shift; prlimit --nofile=$n /mnt/bin/tmpmedic \"$@\"; }}"),
        &[
            "few 16 clean /tmp --older-than 0s --apply",
            "count; aside",
            "few 16 undo; rc=$?; tree | cmp - /mnt/before; (exit $rc)",
            "for n in 14 13 12 11 10 9 8 7 6 5 4; do
               few $n clean /tmp --older-than 0s --apply >/mnt/log 2>&1; echo \"$n: ended $? $(aside)\"; grep -i panic /mnt/log
               tm undo >/dev/null 2>&1; tree | cmp - /mnt/before; done",
            "few 16 clean /tmp --older-than 0s --apply >/dev/null; few 16 purge --older-than 0s --yes",
            "count; aside; few 16 journal",
        ],
    );
    for n in [0, 2, 4, 5] {
        said[n].ends(0);
    }
    assert_eq!(said[1].text, "0\n200");
    assert!(!said[3].text.contains("panic") && !said[3].text.contains("differ"), "{}", said[3].text);
    assert!(said[5].text.starts_with("0\n0\n"), "{}", said[5].text);
}

#[test]
fn where_no_thread_can_be_made_it_goes_without() {
    needs!("unshare");
    let said = scene(
        &format!(
            "{ENTRIES}\nalone() {{ without clone3=ENOSYS,clone/thread=EAGAIN /mnt/bin/tmpmedic \"$@\"; }}"
        ),
        &[
            "alone clean /tmp --older-than 0s --apply",
            "count; aside",
            "alone undo; rc=$?; tree | cmp - /mnt/before; (exit $rc)",
            "alone clean /tmp --older-than 0s --apply --delete --yes",
            "count; aside; alone check --no-probe >/dev/null; [ $? -le 2 ]",
        ],
    );
    for n in [0, 2, 3, 4] {
        said[n].ends(0);
    }
    assert_eq!(said[1].text, "0\n200");
    assert_eq!(said[4].text, "0\n0");
}

#[test]
fn where_no_process_can_be_made_what_needs_one_is_said_to_be_unknown() {
    needs!("unshare");
    let said = scene(
        &format!("{ENTRIES}\nalone() {{ without clone3=EAGAIN,clone=EAGAIN /mnt/bin/tmpmedic \"$@\"; }}"),
        &[
            "alone clean /tmp --older-than 0s --apply",
            "tree | cmp - /mnt/before; tm undo; tree | cmp - /mnt/before",
        ],
    );
    assert!(said[0].code <= 2, "{}: {}", said[0].code, said[0].text);
    said[1].ends(0);
}

#[test]
fn twenty_thousand_entries_fit_into_sixty_four_mebibytes() {
    needs!("unshare", "prlimit");
    let said = scene(
        // A program with debugging symbols is larger than the one that is given away, which needs some twelve.
        "mib=8; until prlimit --as=$((mib << 20)) /mnt/bin/tmpmedic --version >/dev/null 2>&1; do mib=$((mib + 1)); done; mib=$((mib + 52))
         WIDE=/tmp COUNT=20000 /mnt/bin/actor --exact actors::builder --ignored >/dev/null
         most=''; for n in 0 1 2 3 4 5 6 7 8; do most=\"$most --keep f$n*\"; done; set -f
         small() { prlimit --as=$((mib << 20)) /mnt/bin/tmpmedic \"$@\"; }",
        &[
            "small clean /tmp --older-than 0s --family other | head -3",
            "small clean /tmp --older-than 0s --family other --json | wc -c",
            "small clean /tmp --older-than 0s --family other $most --apply -q",
            "count; small undo; count",
        ],
    );
    said[0].says("20,000 of 20,000 entries can go");
    assert!(said[1].text.trim().parse::<u64>().unwrap() > 1_000_000, "{}", said[1].text);
    said[2].ends(0);
    assert!(said[3].text.starts_with("18889\n") && said[3].text.ends_with("20000"), "{}", said[3].text);
}
