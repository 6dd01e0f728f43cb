//! Each step, seen from inside.

use std::process::{Command, Stdio};

use super::{Who, data, script, text};
use crate::needs_lab;
use crate::sandbox::{TMPMEDIC, has};
use crate::skip;

#[test]
fn files_are_as_the_steps_say() {
    needs_lab!(Who::Root);
    let seen = script(
        Who::Root,
        "everything.toml",
        "cd /mnt; stat -c '%n %a %u %g %F %s %h' a/b a/file many/left a/fifo; readlink a/link; ls many
         expr $(date +%s) - $(stat -c %Y a/b) / 1000 > /dev/null; echo $(( ($(date +%s) - $(stat -c %Y a/b)) / 3600 )) hours
         stat -f -c %f small; stat -f -c %d few; stat -c %s,%b a/file
         grep -c ' /mnt/gone ' /proc/self/mountinfo || true; touch bound/x 2>/dev/null || echo bound is read-only
         cat layers/file | head -c 5; echo; grep -o ' /mnt/small [a-z,]*' /proc/self/mountinfo",
    );
    let lines: Vec<&str> = seen.lines().collect();
    assert_eq!(lines[0], "a/b 2770 1000 1001 directory 40 2", "{seen}");
    assert!(lines[1].starts_with("a/file 644 1000 0 regular file 1048576"), "{seen}");
    assert!(lines[2].starts_with("many/left 711 7 8 directory"), "{seen}");
    assert!(lines[3].starts_with("a/fifo 666 0 0 fifo"), "{seen}");
    assert_eq!(lines[4..6], ["nowhere", "left"], "{seen}");
    assert_eq!(lines[6], "48 hours", "{seen}");
    assert_eq!(lines[7..9], ["0", "0"], "no block and no inode is left: {seen}");
    assert_eq!(lines[9], "1048576,8", "sparse behind the text: {seen}");
    assert_eq!(lines[10..13], ["0", "bound is read-only", "hello"], "{seen}");
    assert!(lines[13].contains("noexec"), "{seen}");
}

#[test]
fn an_acl_is_that_of_setfacl() {
    needs_lab!(Who::Root);
    if !has("getfacl") {
        skip!("needs the program getfacl");
    }
    let seen = script(Who::Root, "everything.toml", "getfacl -cp /mnt/a");
    assert_eq!(
        seen.trim(),
        "user::rwx\nuser:cloudsdk:r-x\ngroup::r-x\nmask::r-x\nother::r-x".replace("cloudsdk", &name_of(1000))
    );
}

fn name_of(uid: u32) -> String {
    let passwd = std::fs::read_to_string("/etc/passwd").unwrap();
    let line = passwd.lines().find(|line| line.split(':').nth(2) == Some(&uid.to_string()));
    line.map_or_else(|| uid.to_string(), |line| line.split(':').next().unwrap().to_owned())
}

#[test]
fn the_cast_is_what_the_scenario_says() {
    needs_lab!(Who::Root);
    let seen = script(
        Who::Root,
        "everything.toml",
        r#"pid() { grep -lx "$1" /proc/[0-9]*/comm | head -1 | cut -d/ -f3; }
        r=$(pid forgejo-runner); c=$(pid rustc); g=$(pid go)
        tr '\0' ' ' </proc/$r/cmdline; echo; tr '\0' ' ' </proc/$r/environ; echo; readlink /proc/$r/cwd
        grep -E '^(Uid|Gid|Groups|CapEff|CapBnd|Umask)' /proc/$r/status | tr '\t\n' ' ;'; echo
        grep 'Max file size' /proc/$r/limits; readlink /proc/$r/fd/* | sort | tr '\n' ' '; echo
        grep -c FLOCK /proc/locks; grep -c /tmp/socket /proc/net/unix
        grep -h PPid /proc/$c/status; p=$(sed -n 's/PPid:.//p' /proc/$c/status); cat /proc/$p/comm; ls /proc/$p/fd | wc -l
        sed -n 's/PPid:.//p' /proc/$p/status; echo $r; readlink /proc/$c/root; stat -f -c %c /proc/$g/root/tmp
        grep -lx sccache /proc/[0-9]*/comm || echo nobody"#,
    );
    let lines: Vec<&str> = seen.lines().collect();
    assert_eq!(lines[0], "forgejo-runner daemon --config /etc/x.yml ", "{seen}");
    assert_eq!(lines[1], "TMPDIR=/tmp TMPDIR=/nope HOME=/ ", "a name may come twice: {seen}");
    assert_eq!(lines[2], "/mnt", "{seen}");
    assert_eq!(
        lines[3],
        "Umask: 0077;Uid: 1000 1000 1000 1000;Gid: 1000 1000 1000 1000;Groups:  ;CapEff: 0000000000000000;CapBnd: 0000000000000000;",
        "{seen}"
    );
    assert!(lines[4].contains(" 4096 "), "{seen}");
    assert!(lines[5].contains("/tmp/deleted (deleted)") && lines[5].contains("/tmp/locked"), "{seen}");
    assert_eq!(lines[6..8], ["1", "1"], "a lock and a socket: {seen}");
    assert_eq!(lines[9..11], ["cargo", "16"], "its parent has no descriptor left: {seen}");
    assert_eq!(lines[11], lines[12], "whose parent is the runner: {seen}");
    assert_eq!(lines[13..16], ["/mnt/a", "5", "nobody"], "{seen}");
}

#[test]
fn images_are_filled_aged_fixed_broken_and_frozen() {
    needs_lab!(Who::Root);
    for program in ["mkfs.ext4", "debugfs", "lsattr"] {
        if !has(program) {
            skip!("needs the program {program}");
        }
    }
    let seen = script(
        Who::Root,
        "image.toml",
        "cd /mnt/disk; for d in go-build1 go-build2/file; do
             for s in X Y Z W; do echo $(( ($(date +%s) - $(stat -c %$s $d)) / 86400 )); done; done | sort -u
         stat -f -c '%f %a' . | awk '{ print ($1 > 0), $2 }'; lsattr -d fixed | cut -c 5
         grep -o ' /mnt/broken .*' /proc/self/mountinfo; touch /mnt/cold/x & p=$!; until grep -q ^State:.D /proc/$p/status; do [ -d /proc/$p ] || exit 99; done; echo frozen",
    );
    let lines: Vec<&str> = seen.lines().collect();
    assert_eq!(lines[0], "300", "all four stamps of everything: {seen}");
    assert_eq!(lines[1..3], ["1 0", "i"], "the reserve is left, users have nothing: {seen}");
    assert!(lines[3].contains("emergency_ro") || lines[3].contains(" ro,"), "{seen}");
    assert_eq!(lines[4], "frozen", "{seen}");
}

#[test]
fn a_step_that_fails_is_named_with_the_answer_of_the_kernel() {
    needs_lab!(Who::Root);
    let broken = std::fs::read_to_string(data("everything.toml")).unwrap();
    let broken = broken
        .replace("path = \"/mnt/many/d[12]\"", "path = \"/mnt/none\"")
        .replace("\"everything\"", "\"broken\"");
    let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("broken.toml");
    std::fs::write(&file, broken).unwrap();
    let arguments = ["--scenario", file.to_str().unwrap(), "broken", "--", "true"];
    // In a container the first process of our process group is often outside our PID namespace.
    let apart = ["--mount", "--pid", "--fork", "--mount-proc", TMPMEDIC, "lab"];
    let apart = Command::new("unshare").args(apart).args(arguments).stdin(Stdio::null()).output().unwrap();
    for output in [Who::Root.lab(&arguments), apart] {
        let why = text(&output.stderr);
        assert_eq!(output.status.code(), Some(70), "{why}");
        assert!(why.contains("chapter 1, step 6 (remove /mnt/none): No such file"), "{why}");
    }
}
