//! The same clean-ups where the kernel is old or a sandbox forbids its newer calls: the way round is as safe, or nothing is
//! done.

use crate::clean::scene;
use crate::needs;

/// Runs tests of this program again with the calls refused, and gives how many passed.
#[track_caller]
fn again(refused: &str, tests: &[&str]) {
    let program = std::env::current_exe().expect("the test binary has a path");
    let output = std::process::Command::new(program)
        .args(["--exact", "--test-threads", "2"])
        .args(tests)
        .env("TMPMEDIC_REFUSED", refused)
        .output()
        .expect("it was started");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "with {refused}:\n{text}");
    let passed = text.lines().filter(|line| line.ends_with("... ok")).count();
    assert_eq!(passed, tests.len(), "with {refused}:\n{text}");
}

/// What shows most with least time.
const SOME: &[&str] = &[
    "clean::plan::what_was_planned_is_exactly_what_goes_and_undo_gives_the_same_tree_back",
    "clean::spared::whoever_has_to_do_with_an_entry_keeps_it_and_is_named",
    "clean::back::purge_frees_what_is_old_enough_or_named_and_only_what_is_ours",
    "clean::spared::an_ordinary_user_cleans_what_is_theirs_and_nothing_else",
];

#[test]
fn a_refused_call_is_refused_and_nothing_else_is() {
    needs!("unshare", "setpriv");
    let said = scene(
        "",
        &[
            "without mkdir=EIO,mkdirat=EIO /bin/mkdir /tmp/one",
            "without openat/writing=EROFS /bin/sh -c 'cat /etc/passwd >/dev/null && : > /tmp/two'; ls /tmp",
            "without changing=EPERM /bin/sh -c 'cat /etc/passwd && rm -rf /tmp/none'; mkdir /tmp/three; without changing=EPERM /bin/rm -r /tmp/three; ls /tmp",
        ],
    );
    said[0].says("Input/output error");
    said[1].says("Read-only file system");
    assert!(!said[1].text.contains("two\n"), "{}", said[1].text);
    said[2].says("Operation not permitted");
    assert!(said[2].text.contains("root:") && said[2].text.ends_with("three"), "{}", said[2].text);
}

#[test]
fn without_openat2_the_same_goes_and_the_same_stays() {
    needs!("unshare", "setpriv", "flock");
    again("openat2=ENOSYS", SOME);
}

#[test]
fn where_a_sandbox_forbids_openat2_the_same_goes_and_the_same_stays() {
    needs!("unshare", "setpriv", "flock");
    again("openat2=EPERM", SOME);
}

#[test]
fn where_no_rename_can_be_kept_from_replacing_the_same_goes_and_comes_back() {
    needs!("unshare", "setpriv", "flock");
    again("renameat2/flags=EINVAL", SOME);
}

#[test]
fn without_pidfds_the_same_goes_and_the_same_stays() {
    needs!("unshare", "setpriv", "flock");
    again("pidfd_open=ENOSYS", SOME);
}

#[test]
fn where_no_lock_can_be_tried_everything_counts_as_locked() {
    needs!("unshare");
    let said = scene(
        "builds go-build1; echo x > /tmp/go-link-90001",
        &[
            "without flock=ENOSYS /mnt/bin/tmpmedic clean /tmp --older-than 0s --assume-unheld --json",
            "without flock=ENOSYS /mnt/bin/tmpmedic clean /tmp --older-than 0s --assume-unheld --apply --no-undo",
            "count; aside; ls /var/lib /run",
        ],
    );
    for path in ["/tmp/go-build1", "/tmp/go-link-90001"] {
        let plan = said[0].json();
        let why = crate::clean::reason(&plan, path);
        assert!(why.contains("not known whether it is locked"), "{why}");
    }
    assert!(said[2].text.starts_with("2\n0\n"), "{}{}", said[1].text, said[2].text);
}

#[test]
fn where_mounts_cannot_be_told_apart_nothing_is_touched() {
    needs!("unshare", "setpriv");
    let said = scene(
        "builds go-build1 go-build2; tm clean /tmp --older-than 0s --json > /mnt/plan
         tm clean /tmp --older-than 0s --apply >/dev/null; builds go-build3; tree > /mnt/before
         cat /var/lib/tmpmedic/journal > /mnt/journal",
        &[
            "without statx=ENOSYS /mnt/bin/tmpmedic clean /tmp --older-than 0s",
            "without statx=ENOSYS /mnt/bin/tmpmedic clean /tmp --older-than 0s --apply --assume-unheld",
            "without statx=ENOSYS /mnt/bin/tmpmedic clean /tmp --older-than 0s --apply --delete --yes",
            "without statx=ENOSYS /mnt/bin/tmpmedic clean --apply --plan /mnt/plan",
            "without statx=ENOSYS /mnt/bin/tmpmedic undo",
            "without statx=ENOSYS /mnt/bin/tmpmedic purge 1 --yes",
            "without statx=EPERM /mnt/bin/tmpmedic clean /tmp --older-than 0s --apply",
            "without statx=EPERM,openat2=EPERM /mnt/bin/tmpmedic undo",
            "tree | cmp - /mnt/before; aside",
            "tm undo; count",
        ],
    );
    for said in &said[..8] {
        assert!([1, 2, 77].contains(&said.code), "{}: {}", said.code, said.text);
    }
    for said in &said[..4] {
        said.says("this kernel does not tell mounts apart (Linux < 5.8), so nothing can be removed safely");
    }
    assert_eq!(said[8].text, "2", "nothing has changed");
    said[9].ends(0);
    assert_eq!(said[9].text.lines().last(), Some("3"));
}
