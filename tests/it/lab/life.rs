//! How a lab begins, goes on and ends.

use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use super::{Who, data, text};
use crate::pty::Pty;
use crate::sandbox::{Checked, TMPMEDIC, has};
use crate::{needs_lab, skip};

const PATIENCE: Duration = Duration::from_secs(20);

/// Waits until something is so.
pub(super) fn wait(what: &str, is_so: impl Fn() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < PATIENCE, "waited in vain until {what}");
        std::thread::yield_now();
    }
}

fn finds_the_cause(who: Who) {
    let output = who.lab(&["private-tmp-deleted", "--", "tmpmedic", "check", "--json"]);
    let checked = Checked::from(&output);
    let found: Vec<String> = checked.above_info().into_iter().map(|(id, _)| id).collect();
    assert_eq!(found, ["private-tmp-deleted"], "{:#}", checked.json["findings"]);
    assert_eq!(checked.code, 2);
}

#[test]
fn root_finds_in_a_lab_what_was_built() {
    needs_lab!(Who::Root);
    finds_the_cause(Who::Root);
}

#[test]
fn an_ordinary_user_finds_in_a_lab_what_was_built() {
    needs_lab!(Who::User);
    finds_the_cause(Who::User);
}

#[test]
fn a_user_with_a_range_of_ids_has_a_cast_of_several_users() {
    needs_lab!(Who::Root);
    if !has("newuidmap") || !has("newgidmap") {
        skip!("needs the programs newuidmap and newgidmap");
    }
    needs_lab!(Who::User);
    let ranges = Path::new(env!("CARGO_TARGET_TMPDIR")).join("ranges");
    std::fs::write(&ranges, "1000:100000:65536\n").unwrap();
    let file = data("everything.toml");
    let script = format!(
        "mount --bind {0} /etc/subuid; mount --bind {0} /etc/subgid
         exec setpriv --reuid 1000 --regid 1000 --clear-groups {TMPMEDIC} lab --scenario {1} everything -- \\
         sh -c 'stat -c %u:%g /mnt/a/b; grep -h ^Uid /proc/$(grep -lx rustc /proc/[0-9]*/comm | cut -d/ -f3)/status'",
        ranges.display(),
        file.display()
    );
    let output = std::process::Command::new("unshare").args(["-m", "sh", "-euc", &script]).output().unwrap();
    assert_eq!(text(&output.stdout), "1000:1001\nUid:\t1000\t1000\t1000\t1000\n", "{}", text(&output.stderr));
}

#[test]
fn a_lab_ends_as_what_ran_in_it() {
    needs_lab!(Who::User);
    let code = |command: &[&str]| {
        let arguments: Vec<&str> =
            ["private-tmp-deleted", "--"].into_iter().chain(command.iter().copied()).collect();
        Who::User.lab(&arguments).status.code()
    };
    assert_eq!(code(&["sh", "-c", "exit 7"]), Some(7));
    assert_eq!(code(&["sh", "-c", "kill -TERM $$"]), Some(128 + 15));
    assert_eq!(code(&["no-such-command"]), Some(127));
    assert_eq!(code(&["/etc/passwd"]), Some(126));
}

#[test]
fn what_runs_in_a_lab_sees_only_the_lab() {
    needs_lab!(Who::User);
    let output = Who::User.lab(&["private-tmp-deleted", "--", "sh", "-c", "hostname; ls /proc | grep -c '^[0-9]'; env | cut -d= -f1 | sort | tr '\\n' ' '; echo; ls /tmp /home | wc -l; cat /proc/net/unix | wc -l"]);
    let seen = text(&output.stdout);
    let lines: Vec<&str> = seen.lines().collect();
    assert_eq!(lines[0], "lab", "{seen}");
    assert!(lines[1].parse::<u32>().unwrap() <= 6, "processes of the host: {seen}");
    assert_eq!(lines[2], "HOME LC_ALL PATH PWD ", "nothing of our own environment: {seen}");
}

/// A lab with a command that says what it sees, and then sleeps.
pub(super) fn sleeping(who: Who, arguments: &[&str], script: &str) -> (Child, Vec<String>) {
    use std::io::{BufRead, BufReader};
    let script = format!("{script}; echo ready; exec sleep 1000");
    let mut command = who.command(TMPMEDIC);
    command.arg("lab").args(arguments).args(["--", "sh", "-c", &script]).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let lines = lines.take_while(|line| line != "ready").collect();
    (child, lines)
}

/// Processes of a PID namespace that are more than a corpse nobody has buried.
pub(super) fn living(pid_ns: &str) -> Vec<u32> {
    let pids = std::fs::read_dir("/proc").unwrap().filter_map(|e| e.ok()?.file_name().to_str()?.parse().ok());
    pids.filter(|pid: &u32| {
        let link = std::fs::read_link(format!("/proc/{pid}/ns/pid"));
        link.is_ok_and(|link| link == Path::new(pid_ns)) && !is_dead(*pid)
    })
    .collect()
}

pub(super) fn is_dead(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(')').next().is_none_or(|rest| rest.is_empty() || rest.trim_start().starts_with(['Z', 'X']))
}

pub(super) fn children(pid: u32) -> Vec<u32> {
    let list = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap();
    list.split_whitespace().map(|n| n.parse().unwrap()).collect()
}

#[test]
fn sigkill_leaves_no_process_no_mount_and_no_loop_device() {
    needs_lab!(Who::Root);
    for program in ["mkfs.ext4", "debugfs"] {
        if !has(program) {
            skip!("needs the program {program}");
        }
    }
    let file = data("image.toml");
    let (mut child, seen) = sleeping(
        Who::Root,
        &["--scenario", file.to_str().unwrap(), "image"],
        "readlink /proc/self/ns/pid; for d in /sys/block/loop*; do
             grep -qs '^/run/tmpmedic-lab' $d/loop/backing_file && grep -q \" /dev/$(basename $d) \" /proc/self/mountinfo &&
             echo $(basename $d) $(cat $d/diskseq); done; touch /mnt/cold/x & true",
    );
    let (pid_ns, disks) = seen.split_first().unwrap();
    assert_eq!(disks.len(), 3, "{seen:?}");
    let outside = children(child.id());
    assert_eq!(outside.len(), 2, "the first process and the freezer");
    assert!(living(pid_ns).len() >= 3, "the first process, the sleeper, the one that hangs");
    child.kill().unwrap();
    child.wait().unwrap();
    wait("no process is left in the lab", || living(pid_ns).is_empty());
    wait("the freezer has ended", || outside.iter().all(|pid| is_dead(*pid)));
    for disk in disks {
        let (name, sequence) = disk.split_once(' ').unwrap();
        let is_used = || {
            let dir = Path::new("/sys/block").join(name);
            let now = std::fs::read_to_string(dir.join("diskseq")).unwrap_or_default();
            dir.join("loop/backing_file").exists() && now.trim() == sequence
        };
        wait("the loop device is free", || !is_used());
    }
}

fn can_be_joined(who: Who) {
    let (mut child, seen) =
        sleeping(who, &["private-tmp-deleted", "--keep"], "readlink /proc/self/ns/pid; touch /tmp/mark");
    let pid = child.id().to_string();
    let joined =
        who.lab(&["--join", &pid, "--", "sh", "-c", "readlink /proc/self/ns/pid; ls /tmp; hostname; exit 5"]);
    assert_eq!(joined.status.code(), Some(5), "{}", text(&joined.stderr));
    let lines: Vec<String> = text(&joined.stdout).lines().map(str::to_owned).collect();
    assert_eq!(lines[0], seen[0], "the same PID namespace");
    assert!(lines.contains(&"mark".to_owned()) && lines.contains(&"lab".to_owned()), "{lines:?}");
    let checked = Checked::from(&who.lab(&["--join", &pid, "--", "tmpmedic", "check", "--json"]));
    assert!(checked.of("private-tmp-deleted").next().is_some(), "{:#}", checked.json);
    rustix::process::kill_process(rustix::process::Pid::from_child(&child), rustix::process::Signal::TERM)
        .unwrap();
    wait("the command has ended", || living(&seen[0]).len() <= 2);
    // It stays, and is ended by a second signal.
    assert!(child.try_wait().unwrap().is_none(), "--keep keeps it");
    wait("the lab has ended", || {
        rustix::process::kill_process(
            rustix::process::Pid::from_child(&child),
            rustix::process::Signal::TERM,
        )
        .ok();
        is_dead(child.id())
    });
    assert_eq!(child.wait().unwrap().code(), Some(128 + 15));
    assert!(living(&seen[0]).is_empty());
}

#[test]
fn root_joins_a_lab_from_a_second_terminal() {
    needs_lab!(Who::Root);
    can_be_joined(Who::Root);
}

#[test]
fn an_ordinary_user_joins_a_lab_from_a_second_terminal() {
    needs_lab!(Who::User);
    can_be_joined(Who::User);
}

#[test]
fn there_is_nothing_to_join_where_no_lab_is() {
    let output = Who::Root.lab(&["--join", "4194305"]);
    assert_eq!(output.status.code(), Some(64), "{}", text(&output.stderr));
}

#[test]
fn the_console_opens_in_a_lab_stops_goes_on_and_quits() {
    needs_lab!(Who::Root);
    if !has("setsid") {
        skip!("needs the program setsid");
    }
    let script = format!(
        "{TMPMEDIC} lab private-tmp-deleted; echo stopped $?; read -r line; fg >/dev/null; echo ended $?"
    );
    let mut pty = Pty::start(100, 30, &["bash", "-mc", &script], &[]);
    pty.wait_for_console();
    pty.wait_for_text("is a deleted directory");
    pty.type_keys("\x1a");
    pty.wait_for_text("stopped 147");
    pty.demand_given_back("Ctrl-Z");
    pty.type_keys("\n");
    pty.wait_for_console();
    pty.wait_for_text("is a deleted directory");
    pty.type_keys("q");
    pty.wait_for_text("ended 0");
    pty.demand_given_back("the lab");
    pty.end();
}

#[test]
fn sigkill_of_a_lab_gives_the_terminal_back() {
    for who in [Who::Root, Who::User] {
        needs_lab!(who);
        if !has("setsid") {
            skip!("needs the program setsid");
        }
        let command = who.command(TMPMEDIC);
        let words = command.get_args().map(|word| word.to_str().unwrap());
        let mut words: Vec<&str> =
            std::iter::once(command.get_program().to_str().unwrap()).chain(words).collect();
        words.extend(["lab", "private-tmp-deleted"]);
        let script = format!("{}; read -r line", words.join(" "));
        let mut pty = Pty::start(100, 30, &["bash", "-mc", &script], &[]);
        pty.wait_for_console();
        pty.wait_for_text("is a deleted directory");
        let shell = pty.pid().as_raw_nonzero().get();
        let outer = children(u32::try_from(shell).unwrap());
        assert_eq!(outer.len(), 1, "{outer:?}");
        let outer = rustix::process::Pid::from_raw(i32::try_from(outer[0]).unwrap()).unwrap();
        rustix::process::kill_process(outer, rustix::process::Signal::KILL).unwrap();
        // What the shell says meanwhile may be on the screen that is left.
        pty.demand_given_back("SIGKILL");
        // Not by a key: whoever gives a terminal back throws away what was typed meanwhile.
        let shell = rustix::process::Pid::from_raw(shell).unwrap();
        rustix::process::kill_process(shell, rustix::process::Signal::KILL).unwrap();
        pty.end();
    }
}

#[test]
fn a_shell_in_a_lab_has_the_terminal() {
    needs_lab!(Who::Root);
    if !has("setsid") {
        skip!("needs the program setsid");
    }
    let mut pty = Pty::start(100, 30, &[TMPMEDIC, "lab", "private-tmp-deleted", "--shell"], &[]);
    pty.type_keys("echo in the $(hostname)\n");
    pty.wait_for_text("in the lab");
    pty.type_keys("(echo be''gun; exec sleep 1000)\n");
    pty.wait_for_text("\nbegun");
    // The terminal drops what was typed before an interrupt.
    pty.type_keys("\x03");
    pty.wait_for_text("^C");
    pty.type_keys("echo still $((40 + 2)) here\n");
    pty.wait_for_text("still 42 here");
    pty.type_keys("exit 3\n");
    assert_eq!(pty.end(), 3);
}

#[test]
fn where_no_lab_can_be_built_its_recorded_capture_is_shown() {
    needs_lab!(Who::User);
    let forbid = "echo 0 > /proc/sys/user/max_user_namespaces";
    let lab = |rest: &str| format!("{forbid}; exec {TMPMEDIC} lab private-tmp-deleted {rest}");
    let inside = ["unshare", "--user", "--map-root-user", "sh", "-euc"];
    let refused =
        std::process::Command::new(inside[0]).args(&inside[1..]).arg(lab("-- true")).output().unwrap();
    assert_eq!(refused.status.code(), Some(77), "nothing runs in a capture");
    assert!(text(&refused.stderr).contains("max_user_namespaces"), "{}", text(&refused.stderr));
    let script = lab("");
    let arguments: Vec<&str> = inside.iter().copied().chain([script.as_str()]).collect();
    let mut pty = Pty::start(120, 40, &arguments, &[]);
    pty.wait_for_text("REPLAY");
    pty.wait_for_text("is a deleted directory");
    pty.type_keys("q");
    assert_eq!(pty.end(), 0);
    let script = lab("--learn");
    let arguments: Vec<&str> = inside.iter().copied().chain([script.as_str()]).collect();
    let mut pty = Pty::start(120, 40, &arguments, &[]);
    pty.wait_for_text("LEARNING");
    pty.type_keys("q");
    assert_eq!(pty.end(), 0);
}
