//! Who holds what, in each way in which an entry can be held, and what only looks so.

use super::Seen;
use crate::needs;

#[test]
fn each_way_of_holding_is_found_with_its_pid() {
    needs!("unshare", "setpriv", "flock");
    let seen = Seen::at(
        r#"
        for name in cwd fd exe lock root variable command free go-build1 go-build12; do mkdir /tmp/$name; done
        touch /tmp/fd/x /tmp/lock/l
        cp /bin/sleep /tmp/exe/sleep
        cd /tmp/cwd; hold sleep 600; cd /; say cwd
        sleep 600 3</tmp/fd/x </dev/null >/dev/null 2>&1 & pid=$!; became sleep $pid; say fd
        hold /tmp/exe/sleep 600; say exe
        sh -c 'exec 4>/tmp/lock/l; flock 4; exec sleep 600' </dev/null >/dev/null 2>&1 & pid=$!; became sleep $pid; say lock
        ROOT=/tmp/root /mnt/bin/actor --exact actors::in_a_root_of_its_own --ignored >/dev/null 2>&1 & pid=$!
        awaits $pid test -s /mnt/almost-in-its-root
        say root
        runner TMPDIR=/tmp/variable/inner; say variable
        mkdir /tmp/npm-$pid-1f3c /tmp/npm-999999-1f3c; chown 1000 /tmp/npm-$pid-1f3c
        sh -c 'echo > /mnt/here; while :; do sleep 600; done' sh --user-data-dir=/tmp/command/profile </dev/null >/dev/null 2>&1 & pid=$!
        awaits $pid test -e /mnt/here
        say command
        hold env X=1 sh -c 'exec sleep 600 6<"$0"' /tmp/go-build12; say build
        "#,
    );
    seen.claims("cwd", "cwd", Some("cwd"));
    seen.claims("fd", "fd", Some("fd"));
    seen.claims("exe", "exe", Some("exe"));
    seen.claims("exe", "map", Some("exe"));
    seen.claims("lock", "lock", Some("lock"));
    seen.claims("root", "root", Some("root"));
    seen.claims("variable", "variable", Some("variable"));
    seen.claims("command", "command-line", Some("command"));
    seen.claims("go-build12", "fd", Some("build"));
    let npm = format!("npm-{}-1f3c", seen.pid("variable"));
    seen.claims(&npm, "named-pid", Some("variable"));
    for free in ["free", "go-build1", "npm-999999-1f3c"] {
        seen.leaves(free);
    }
    seen.has_no_gap();
}

#[test]
fn what_lost_its_name_claims_no_entry_that_took_the_name() {
    needs!("unshare", "setpriv");
    let seen = Seen::at(
        r"
        mkdir /tmp/job; touch /tmp/file
        cd /tmp/job; hold sleep 600; cd /
        sleep 600 3</tmp/file </dev/null >/dev/null 2>&1 & pid=$!; became sleep $pid
        rmdir /tmp/job; rm /tmp/file; mkdir /tmp/job; touch /tmp/file
        ",
    );
    seen.leaves("job");
    seen.leaves("file");
    seen.has_no_gap();
}

#[test]
fn the_same_inode_of_another_file_system_claims_nothing() {
    needs!("unshare", "setpriv", "flock");
    let seen = Seen::at(
        r"
        mkdir /mnt/twin; mount -t tmpfs x /mnt/twin
        mkdir /tmp/a /mnt/twin/a; touch /tmp/a/s /tmp/a/l
        listen /mnt/twin/a/s
        sh -c 'exec 4>/mnt/twin/a/l; flock 4; exec sleep 600' </dev/null >/dev/null 2>&1 & pid=$!; became sleep $pid
        [ $(stat -c %i /tmp/a/l) = $(stat -c %i /mnt/twin/a/l) ]
        [ $(stat -c %i /tmp/a/s) = $(stat -c %i /mnt/twin/a/s) ]
        ",
    );
    seen.leaves("a");
    seen.has_no_gap();
}

#[test]
fn processes_of_another_pid_namespace_hold_and_count_in_their_own_way() {
    needs!("unshare", "setpriv");
    let seen = Seen::at(
        r#"
        mkdir /tmp/held
        unshare --pid --fork --mount-proc sh -c 'cd /tmp/held; sleep 600' </dev/null >/dev/null 2>&1 &
        sleeps() { pid=$(grep -l '^sleep$' /proc/[0-9]*/comm 2>/dev/null) && [ -n "$pid" ]; }; awaits $! sleeps
        pid=${pid#/proc/}; pid=${pid%/comm}; say inner
        inner=$(sed -n 's/^NSpid:.*\t//p' /proc/$pid/status)
        [ "$inner" != "$pid" ]
        mkdir /tmp/job-$inner-x; echo "name=$inner" >>/mnt/pids
        "#,
    );
    seen.claims("held", "cwd", Some("inner"));
    seen.claims(&format!("job-{}-x", seen.pid("name")), "named-pid", Some("inner"));
}

#[test]
fn without_the_right_to_look_there_are_gaps_and_a_quarantine_of_our_own_works_too() {
    needs!("unshare", "setpriv");
    let seen = Seen::at(
        r"
        mkdir -m 700 /tmp/.q; mkdir /tmp/.q/1; cd /tmp/.q/1; hold sleep 600; cd /; say inner
        see /tmp/.q >/mnt/quarantine
        see() { cat /mnt/quarantine; }
        ",
    );
    seen.claims("1", "cwd", Some("inner"));
    seen.has_no_gap();
    let seen = Seen::at(
        r"
        unshare --net sleep 600 </dev/null >/dev/null 2>&1 & pid=$!; became sleep $pid
        see() { printf '/tmp' | setpriv --reuid 1000 --regid 1000 --clear-groups /mnt/bin/tmpmedic __helper surroundings; }
        ",
    );
    assert_eq!(seen.json["gaps"].as_array().unwrap().len(), 0, "{}", seen.json["gaps"]);
    for (list, what) in [("unread", "open files of"), ("sockets", "network namespace of")] {
        let gaps = seen.json[list].as_array().unwrap();
        let gap = gaps.iter().find(|gap| gap["what"].as_str().unwrap().starts_with(what));
        assert_eq!(gap.unwrap_or_else(|| panic!("{what}: {gaps:?}"))["why"], "denied");
    }
}

#[test]
fn what_is_held_through_a_mount_in_no_table_is_found() {
    needs!("unshare", "setpriv");
    let seen = Seen::at(
        r"
        mkdir /tmp/open /tmp/stands /tmp/free /tmp/deep /mnt/x /mnt/y; touch /tmp/open/f /tmp/deep/f; cp /bin/sleep /tmp/open/sleep
        mount --bind /tmp /mnt/x; mount --bind /tmp/deep /mnt/y
        sleep 600 3</mnt/x/open/f </dev/null >/dev/null 2>&1 & pid=$!; became sleep $pid; say open
        cd /mnt/x/stands; hold sleep 600; cd /; say stands
        hold /mnt/x/open/sleep 600; say runs
        sleep 600 3</mnt/y/f </dev/null >/dev/null 2>&1 & pid=$!; became sleep $pid; say deep
        umount -l /mnt/x; umount -l /mnt/y
        ",
    );
    seen.claims("open", "fd", Some("open"));
    seen.claims("stands", "cwd", Some("stands"));
    seen.claims("open", "exe", Some("runs"));
    seen.claims("deep", "fd", Some("deep"));
    seen.leaves("free");
    seen.has_no_gap();
}

#[test]
fn a_path_that_is_longer_than_the_kernel_shows_speaks_for_its_own_entry_alone() {
    needs!("unshare", "setpriv");
    let seen = Seen::at(
        r#"
        half() { i=0; while [ $i -lt 15 ]; do printf "/%0200d" $i; i=$((i+1)); done; }
        mkdir -p "/tmp/long$(half)" "/tmp/rest$(half)" /tmp/free
        (cd "/tmp/rest$(half)"; exec sleep 600 3>x) </dev/null >/dev/null 2>&1 &
        pid=$!; became sleep $pid; say long
        mv /tmp/rest "/tmp/long$(half)/rest"
        "#,
    );
    seen.claims("long", "cwd", Some("long"));
    seen.claims("long", "fd", Some("long"));
    seen.leaves("free");
    seen.has_no_gap();
}
