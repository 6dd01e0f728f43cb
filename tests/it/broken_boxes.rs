//! Machines on which little works any more: the diagnosis must still be whole, bounded and honest.

use std::process::Output;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::needs;
use crate::sandbox::{self, Checked};

/// Runs `check --json` as the script's last act and demands one document, no panic and a report's exit code.
fn report(setup: &str, last: &str) -> Checked {
    let output = sandbox::run(&format!("{setup}\n{last}"));
    demand_calm(&output, last);
    let checked = Checked::from(&output);
    assert!((0..=3).contains(&checked.code), "{last}: exit code {}", checked.code);
    checked
}

fn demand_calm(output: &Output, what: &str) {
    let talk = String::from_utf8_lossy(&output.stderr);
    assert!(!talk.contains("panicked"), "{what}: {talk}");
}

const CHECK: &str = "/mnt/bin/tmpmedic check --json";

fn leads(checked: &Checked, id: &str) {
    assert_eq!(checked.findings().first().map(|f| &f["id"]), Some(&Value::from(id)), "{:#}", checked.json);
}

#[test]
fn it_diagnoses_a_tmp_that_is_full_missing_a_file_or_dangling() {
    needs!("unshare", "setpriv");
    leads(&report("mount -t tmpfs -o mode=1777,size=64k t /tmp; fill /tmp; runner", CHECK), "tmpfs-size");
    let other_root = r"
        mkdir /mnt/u /mnt/w /mnt/root; mount -t overlay -o lowerdir=/,upperdir=/mnt/u,workdir=/mnt/w root /mnt/root
        rmdir /mnt/root/tmp 2>/dev/null || { mv /mnt/root/tmp /mnt/root/was-tmp; }
        mount -t proc proc /mnt/root/proc; mkdir -p /mnt/root/lab; mount --rbind /mnt/bin /mnt/root/lab";
    let inside = "chroot /mnt/root /lab/tmpmedic check --json";
    let start = "chroot --userspec=1000:1000 /mnt/root env -i /lab/forgejo-runner 600 & pid=$!; became forgejo-runner $pid";
    leads(&report(&format!("{other_root}\n{start}"), inside), "no-tmp-in-image");
    let file = report(&format!("{other_root}\ntouch /mnt/root/tmp\n{start}"), inside);
    leads(&file, "tmpdir-not-a-directory");
    let dangling = report(&format!("{other_root}\nln -s /nowhere /mnt/root/tmp\n{start}"), inside);
    leads(&dangling, "tmpdir-dangling-symlink");
}

#[test]
fn it_needs_no_environment_no_locale_and_no_home() {
    needs!("unshare", "setpriv");
    let broken = "chmod 755 /tmp; runner";
    leads(&report(broken, &format!("env -i {CHECK}")), "tmp-wrong-mode-or-owner");
    leads(&report(broken, &format!("env -u HOME LC_ALL=C TMPDIR=/nope {CHECK}")), "tmp-wrong-mode-or-owner");
}

#[test]
fn it_diagnoses_with_twelve_descriptors() {
    needs!("unshare", "setpriv");
    leads(&report("chmod 755 /tmp; runner; ulimit -n 12", CHECK), "tmp-wrong-mode-or-owner");
}

#[test]
fn it_diagnoses_when_no_thread_and_no_process_can_be_made() {
    needs!("unshare", "setpriv", "strace");
    let checked = report(
        "chmod 755 /tmp; runner",
        &format!(
            "strace -f -qq -o /mnt/trace -e trace=clone,clone3,fork,vfork -e inject=clone,clone3,fork,vfork:error=EAGAIN {CHECK}"
        ),
    );
    leads(&checked, "tmp-wrong-mode-or-owner");
    assert!(
        !checked.json["incomplete"].as_array().unwrap().is_empty(),
        "the strain is said: {:#}",
        checked.json
    );
}

#[test]
fn without_root_it_says_what_it_cannot_see_and_still_proves_a_dead_mount() {
    needs!("unshare", "setpriv");
    let setup = r"
        dir=/tmp/systemd-private-0123456789abcdef0123456789abcdef-x.service-AbCdEf/tmp; mkdir -p $dir
        mkdir -m 1777 /mnt/room
        unshare --mount --propagation private sh -euc 'mount --bind '$dir' /tmp; exec /mnt/bin/forgejo-runner 600' >/dev/null 2>&1 &
        pid=$!; became forgejo-runner $pid
        rm -r /tmp/systemd-private-*";
    let checked = report(setup, &format!("setpriv --reuid 1000 --regid 1000 --clear-groups {CHECK}"));
    leads(&checked, "private-tmp-deleted");
    let remedies: Vec<&str> =
        checked.json["incomplete"].as_array().unwrap().iter().filter_map(|i| i["remedy"].as_str()).collect();
    assert!(remedies.contains(&"run as root"), "{:#}", checked.json["incomplete"]);
}

#[test]
fn hidden_processes_are_a_gap_and_not_an_absence() {
    needs!("unshare", "setpriv");
    let checked = report(
        "runner; mount -o remount,hidepid=2 /proc",
        &format!("setpriv --reuid 4242 --regid 4242 --clear-groups {CHECK}"),
    );
    let text = checked.json["incomplete"].to_string();
    assert!(text.contains("hidepid"), "{text}");
}

#[test]
fn a_mount_that_never_answers_is_marked_and_holds_nobody_up() {
    needs!("unshare", "setpriv");
    if !std::path::Path::new("/dev/fuse").exists() {
        crate::skip!("needs /dev/fuse");
    }
    let setup = r"
        mkdir -m 1777 /tmp/hung
        HUNG=/tmp/hung /mnt/bin/actor --exact actors::file_system_that_never_answers --ignored >/dev/null 2>&1 &
        awaits $! test -e /mnt/hung-is-mounted
        runner TMPDIR=/tmp/hung; runner TMPDIR=/tmp/hung/below; start cargo";
    let started = Instant::now();
    let checked = report(setup, &format!("{CHECK} --deadline 5s"));
    assert!(started.elapsed() < Duration::from_secs(20), "it was held up for {:?}", started.elapsed());
    leads(&checked, "fs-frozen-or-hung");
    let host = checked.json["vantages"].as_array().unwrap().iter().find(|v| v["path"] == "/tmp").unwrap();
    assert_eq!(host["can_create"], "yes", "the rest is still seen: {host:#}");
}

#[test]
fn lost_output_is_an_error_and_a_closed_pipe_is_not() {
    needs!("unshare", "setpriv");
    let code = |last: &str| {
        let output = sandbox::run(&format!("set +e\n{last}\necho $? >&2"));
        demand_calm(&output, last);
        String::from_utf8_lossy(&output.stderr).lines().last().unwrap_or_default().to_owned()
    };
    assert_eq!(code("/mnt/bin/tmpmedic check >/dev/full"), "74");
    assert_eq!(code("/mnt/bin/tmpmedic check >&-"), "74");
    let piped = sandbox::run("/mnt/bin/tmpmedic check --json | :");
    demand_calm(&piped, "closed pipe");
    assert!(String::from_utf8_lossy(&piped.stderr).is_empty(), "{}", String::from_utf8_lossy(&piped.stderr));
}

#[test]
fn nothing_but_the_probes_changes_the_machine() {
    needs!("unshare", "setpriv", "strace");
    let traced = "strace -f -qq -o /mnt/trace -e trace=%file,ftruncate,fchmod,fchown /mnt/bin/tmpmedic check --json --no-probe";
    let output = sandbox::run(&format!("runner\n{traced} >/dev/null || true\ncat /mnt/trace"));
    let trace = String::from_utf8_lossy(&output.stdout);
    let calls = [
        "mkdir",
        "mkdirat",
        "mknod",
        "mknodat",
        "unlink",
        "unlinkat",
        "rmdir",
        "rename",
        "renameat",
        "renameat2",
        "chmod",
        "fchmod",
        "fchmodat",
        "chown",
        "fchown",
        "fchownat",
        "lchown",
        "link",
        "linkat",
        "symlink",
        "symlinkat",
        "truncate",
        "ftruncate",
        "mount",
        "umount2",
        "utimensat",
    ];
    let changes = |line: &&str| {
        let call =
            line.split_once('(').map_or("", |(before, _)| before.rsplit(' ').next().unwrap_or_default());
        calls.contains(&call) || line.contains("O_CREAT") || line.contains("O_TRUNC")
    };
    let bad: Vec<&str> = trace.lines().filter(changes).collect();
    assert!(trace.lines().count() > 10, "strace saw the process");
    assert_eq!(bad, Vec::<&str>::new());
}
