//! What a clean-up sees around a directory, on private machines where each claim is made for real.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::clean::{reason, scene};
use crate::{needs, sandbox};

/// `by_thread HOW`: a process of which one thread alone holds `/tmp/go-build-HOW`; its pid is in $pid.
pub const BY_THREAD: &str = r#"
by_thread() {
  mkdir -p /tmp/go-build-$1 /mnt/inner; touch /tmp/go-build-$1/f
  HOW=$1 READY=/mnt/ready-thread-$1 /mnt/bin/actor --exact actors::whose_thread_holds --ignored </dev/null >/dev/null 2>&1 & pid=$!
  until [ -e /mnt/ready-thread-$1 ]; do [ -d "/proc/$pid" ] || exit 96; done
}"#;

/// The tools of these scripts. `see DIR` prints one look; `listen SOCKET COMMAND…` starts a listener through a command and
/// waits for it.
const TOOLS: &str = r#"
mount -t tmpfs -o mode=755 run /run
see() { printf '%s\n' "$1" | /mnt/bin/tmpmedic __helper surroundings; }
listen() {
  SOCKET=$1; export SOCKET; READY=/mnt/ready-$(ls /mnt | wc -l); export READY; shift
  "$@" /mnt/bin/actor --exact actors::listener --ignored >/dev/null 2>&1 & pid=$!
  until [ -e "$READY" ]; do [ -d "/proc/$pid" ] || exit 98; done
}
# hold COMMAND…: runs it in the background as soon as it has become sleep.
hold() { "$@" </dev/null >/dev/null 2>&1 & pid=$!; became sleep "$pid"; }
say() { echo "$1=$pid" >>/mnt/pids; }
"#;

/// One look, and the pids that the script wrote down.
struct Seen {
    json: Value,
    pids: String,
}

impl Seen {
    fn at(script: &str) -> Self {
        let output =
            sandbox::run(&format!("{TOOLS}\n{BY_THREAD}\n: >/mnt/pids\n{script}\nsee /tmp\ncat /mnt/pids"));
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let talk = String::from_utf8_lossy(&output.stderr);
        let (first, pids) = text.split_once('\n').unwrap_or_else(|| panic!("no look: {text}{talk}"));
        let json = serde_json::from_str(first).unwrap_or_else(|why| panic!("{why}: {text}{talk}"));
        Self { json, pids: pids.to_owned() }
    }

    fn pid(&self, name: &str) -> u64 {
        let line = self.pids.lines().find_map(|line| line.strip_prefix(&format!("{name}=")));
        line.unwrap_or_else(|| panic!("no pid of {name}: {}", self.pids)).parse().unwrap()
    }

    /// Kinds and pids of the claims on an entry.
    fn of(&self, entry: &str) -> BTreeSet<(String, Option<u64>)> {
        let claims = self.json["claims"][entry].as_array().cloned().unwrap_or_default();
        let kind = |claim: &Value| claim["kind"].as_str().unwrap().to_owned();
        claims.iter().map(|claim| (kind(claim), claim["pid"].as_u64())).collect()
    }

    #[track_caller]
    fn claims(&self, entry: &str, kind: &str, by: Option<&str>) {
        let pid = by.map(|name| self.pid(name));
        let found = self.of(entry);
        assert!(
            found.contains(&(kind.to_owned(), pid)),
            "{kind} by {by:?} {pid:?} on {entry}: {found:?}\n{}",
            self.json
        );
    }

    #[track_caller]
    fn leaves(&self, entry: &str) {
        assert_eq!(self.of(entry), BTreeSet::new(), "{entry}: {}", self.json);
    }

    #[track_caller]
    fn has_no_gap(&self) {
        for list in ["gaps", "unread", "sockets"] {
            assert_eq!(self.json[list].as_array().unwrap().len(), 0, "{}", self.json[list]);
        }
    }
}

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
        until [ -s /mnt/almost-in-its-root ]; do [ -d /proc/$pid ] || exit 97; done
        say root
        runner TMPDIR=/tmp/variable/inner; say variable
        mkdir /tmp/npm-$pid-1f3c /tmp/npm-999999-1f3c; chown 1000 /tmp/npm-$pid-1f3c
        sh -c 'echo > /mnt/here; while :; do sleep 600; done' sh --user-data-dir=/tmp/command/profile </dev/null >/dev/null 2>&1 & pid=$!
        until [ -e /mnt/here ]; do :; done
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
fn holds_and_mounts_of_other_mount_namespaces_are_found() {
    needs!("unshare", "setpriv");
    let seen = Seen::at(
        r"
        mkdir -p /tmp/bound/tmp /tmp/point/deep /tmp/inside /tmp/own /tmp/named /mnt/inner /mnt/host-tmp
        apart 'mount --bind /tmp/bound/tmp /mnt/inner'; say bound
        apart 'mount -t tmpfs x /tmp/point/deep'; say point
        apart 'mount --bind /tmp /mnt/host-tmp; mount -t tmpfs -o mode=1777 x /tmp; cd /mnt/host-tmp/inside'; say inside
        apart 'mount --bind /tmp /mnt/host-tmp; mount -t tmpfs -o mode=1777 x /tmp' TMPDIR=/mnt/host-tmp/named; say named
        apart 'mount -t tmpfs -o mode=1777 x /tmp; mkdir /tmp/own; cd /tmp/own' TMPDIR=/tmp/own; say own
        ",
    );
    seen.claims("bound", "bind-source", Some("bound"));
    seen.claims("point", "mount-point", Some("point"));
    seen.claims("inside", "cwd", Some("inside"));
    seen.claims("named", "variable", Some("named"));
    seen.leaves("own");
    seen.has_no_gap();
}

#[test]
fn a_mount_namespace_without_processes_still_speaks() {
    needs!("unshare", "setpriv");
    let seen = Seen::at(
        r"
        mkdir -p /tmp/bound /mnt/inner; touch /run/kept
        apart 'mount --bind /tmp/bound /mnt/inner'
        mount --bind /proc/$pid/ns/mnt /run/kept
        kill $pid; wait $pid || true
        ",
    );
    seen.claims("bound", "bind-source", None);
    seen.has_no_gap();
}

#[test]
fn sockets_are_found_in_every_network_namespace_and_by_their_file() {
    needs!("unshare", "setpriv");
    let seen = Seen::at(
        r"
        mkdir /tmp/here /tmp/there /tmp/moved /tmp/closed /mnt/other; mount -t tmpfs x /mnt/other
        listen /tmp/here/s; say here
        listen /tmp/there/s unshare --net; say there
        listen /tmp/moved/s unshare --net; say moved
        mkdir /tmp/moved/deeper; mv /tmp/moved/s /tmp/moved/deeper/t
        listen /tmp/closed/s; kill $pid; wait $pid || true
        ",
    );
    seen.claims("here", "socket", Some("here"));
    seen.claims("there", "socket", Some("there"));
    seen.claims("moved", "socket", Some("moved"));
    seen.leaves("closed");
    seen.has_no_gap();
}

#[test]
fn a_name_with_a_newline_neither_forges_nor_hides_a_socket() {
    needs!("unshare", "setpriv");
    let seen = Seen::at(
        r#"
        mkdir /tmp/victim /tmp/real; touch /tmp/victim/s
        forged='0000000000000000: 00000002 00000000 00010000 0001 01 1 /tmp/victim'
        mkdir -p "/mnt/x
$forged"
        cd /mnt; listen 'x\n0000000000000000: 00000002 00000000 00010000 0001 01 1 /tmp/victim/s'; cd /
        listen '/tmp/real/a\nb'; say real
        grep -q '01 1 /tmp/victim/s' /proc/net/unix
        "#,
    );
    seen.leaves("victim");
    seen.claims("real", "socket", Some("real"));
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
        until pid=$(grep -l '^sleep$' /proc/[0-9]*/comm 2>/dev/null) && [ -n "$pid" ]; do :; done
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
fn files_behind_loop_devices_layers_and_exclusions_are_found() {
    needs!("unshare", "setpriv", "mkfs.ext4");
    let seen = Seen::at(
        r"
        mkdir /tmp/image /tmp/low /tmp/up /tmp/work /mnt/merged /tmp/excluded-1 /tmp/plain
        truncate -s 8M /tmp/image/x; mkfs.ext4 -q -F /tmp/image/x; mkdir /mnt/disk; mount -o loop /tmp/image/x /mnt/disk
        mount -t overlay x -o lowerdir=/tmp/low,upperdir=/tmp/up,workdir=/tmp/work /mnt/merged
        mkdir /run/tmpfiles.d; echo 'x /tmp/excluded*' >/run/tmpfiles.d/test.conf
        ",
    );
    seen.claims("image", "loop-file", None);
    for layer in ["low", "up", "work"] {
        seen.claims(layer, "overlay-layer", None);
    }
    seen.claims("excluded-1", "tmpfiles", None);
    seen.leaves("plain");
    seen.has_no_gap();
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

#[test]
fn a_namespace_that_only_descriptors_keep_still_speaks() {
    needs!("unshare", "setpriv");
    let seen = Seen::at(
        r"
        mkdir /tmp/bound /tmp/free /mnt/inner
        apart 'mount --bind /tmp/bound /mnt/inner'; sleep 600 7</proc/$pid/ns/mnt </dev/null >/dev/null 2>&1 & keeper=$!
        became sleep $keeper; kill $pid; wait $pid || true
        ",
    );
    seen.claims("bound", "bind-source", None);
    seen.leaves("free");
    seen.has_no_gap();
}

#[test]
fn a_namespace_in_which_everybody_has_another_root_is_seen_in_full() {
    needs!("unshare", "setpriv", "chroot");
    let seen = Seen::at(
        r"
        mkdir -p /tmp/bound /tmp/free /mnt/inner /mnt/below/bin /mnt/below/mnt
        cp /mnt/bin/busybox /mnt/below/bin/sleep 2>/dev/null || mount --rbind / /mnt/below
        unshare --mount --propagation private sh -euc 'mount --bind /tmp/bound /mnt/inner; exec chroot /mnt/below sleep 600' </dev/null >/dev/null 2>&1 &
        pid=$!; became sleep $pid; say below
        umount -l /mnt/below
        ",
    );
    seen.claims("bound", "bind-source", Some("below"));
    seen.leaves("free");
}

#[test]
fn what_only_one_thread_has_is_put_down_to_its_process_and_what_all_share_is_claimed_once() {
    needs!("unshare", "setpriv");
    let seen = Seen::at(
        r"
        mkdir /tmp/go-build-free
        for how in files place mounts network all; do by_thread $how; echo $how=$pid >>/mnt/pids; done
        ",
    );
    seen.claims("go-build-files", "fd", Some("files"));
    seen.claims("go-build-place", "cwd", Some("place"));
    seen.claims("go-build-mounts", "bind-source", Some("mounts"));
    seen.claims("go-build-network", "socket", Some("network"));
    let of_all = seen.json["claims"]["go-build-all"].as_array().unwrap();
    let kinds: Vec<&str> = of_all.iter().map(|claim| claim["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["cwd", "fd"], "{of_all:?}");
    assert!(of_all.iter().all(|claim| claim["pid"] == seen.pid("all") && claim["program"] == "actor"));
    let program = seen.json["claims"]["go-build-files"][0]["program"].as_str().unwrap();
    assert!(program.starts_with("actor, thread "), "{program}");
    seen.leaves("go-build-free");
    seen.has_no_gap();
}

#[test]
fn without_the_call_that_compares_threads_each_is_read_by_itself() {
    needs!("unshare", "setpriv");
    for errno in ["ENOSYS", "EPERM"] {
        let seen = Seen::at(&format!(
            r#"
            mkdir /tmp/go-build-free
            for how in files place mounts network all; do by_thread $how; echo $how=$pid >>/mnt/pids; done
            see() {{ printf '%s\n' "$1" | without kcmp={errno} /mnt/bin/tmpmedic __helper surroundings; }}
            "#
        ));
        seen.claims("go-build-files", "fd", Some("files"));
        seen.claims("go-build-place", "cwd", Some("place"));
        seen.claims("go-build-mounts", "bind-source", Some("mounts"));
        seen.claims("go-build-network", "socket", Some("network"));
        assert_eq!(seen.json["claims"]["go-build-all"].as_array().unwrap().len(), 2);
        seen.leaves("go-build-free");
        seen.has_no_gap();
    }
}

#[test]
fn a_clean_up_leaves_what_only_one_thread_holds_and_takes_it_once_that_has_ended() {
    needs!("unshare", "setpriv");
    for (how, word) in [("files", "open"), ("place", "working directory")] {
        let said = scene(
            &format!("{BY_THREAD}\nby_thread {how}; holder=$pid"),
            &[
                "tm clean /tmp --older-than 0s --owner 0 --json 2>/dev/null",
                "echo $holder",
                "kill $holder; wait $holder 2>/dev/null; tm clean /tmp --older-than 0s --owner 0 --json 2>/dev/null",
            ],
        );
        let plan = said[0].json();
        let why = reason(&plan, &format!("/tmp/go-build-{how}"));
        let who = format!("pid {} (actor, thread ", said[1].text);
        assert!(why.contains(word) && why.contains(&who), "{how}: {why}");
        assert_eq!(said[2].json()["totals"]["remove"], 1, "{}", said[2].text);
    }
}
