//! Labs whose services a real systemd has started.

use std::process::{Command, Stdio};

use super::isolation::leaves_the_host_alone;
use super::life::{children, is_dead, living, sleeping, wait};
use super::{Who, data, script_with, text};
use crate::sandbox::{Checked, TMPMEDIC};
use crate::{needs_lab, skip};

/// Why no lab can have a systemd here, in the words of the binary.
fn objection() -> Option<String> {
    let output = Who::Root.lab(&["private-tmp-deleted", "--systemd", "--", "true"]);
    (output.status.code() == Some(77)).then(|| text(&output.stderr))
}

macro_rules! needs_systemd {
    () => {
        needs_lab!(Who::Root);
        if let Some(why) = objection() {
            skip!("{why}")
        }
    };
}

/// The directory of the host's tree that a process is in, up to that of the lab.
fn cgroup_of(pid: u32) -> String {
    let table = std::fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap();
    let path = table.lines().find_map(|line| line.strip_prefix("0::")).unwrap();
    let start =
        path.find("tmpmedic-lab-").unwrap_or_else(|| panic!("{pid} is in no cgroup of a lab: {table}"));
    let end = path[start..].find('/').map_or(path.len(), |length| start + length);
    path[..end].to_owned()
}

/// Whether there is a cgroup of version 2, as a tree that only the question has mounted tells.
fn has_cgroup(path: &str) -> bool {
    let script =
        "mount --make-rprivate / && mount -t cgroup2 c /sys/fs/cgroup && test -d \"/sys/fs/cgroup$0\"";
    Command::new("unshare").args(["-m", "sh", "-c", script, path]).status().unwrap().success()
}

#[test]
fn a_finding_names_the_unit_and_its_restart_heals_it() {
    needs_systemd!();
    let output = Who::Root.lab(&["private-tmp-deleted", "--systemd", "--", "tmpmedic", "check", "--json"]);
    let checked = Checked::from(&output);
    let found = checked.of("private-tmp-deleted").next().unwrap();
    assert_eq!(found["subject"]["kind"], "unit", "{found:#}");
    assert_eq!(found["subject"]["name"], "forgejo-runner@1.service", "{found:#}");
    let offered = found["actions"].as_array().unwrap().iter().map(|action| action["id"].as_str().unwrap());
    assert_eq!(offered.collect::<Vec<_>>(), ["rebind-private-tmp", "restart-unit"], "{found:#}");
    assert_eq!(checked.above_info().len(), 1, "{:#}", checked.json["findings"]);
    assert_eq!(checked.code, 2);

    let seen = "systemctl status --no-pager forgejo-runner@1.service | sed -n 's/ *Active: //p'
        systemctl restart forgejo-runner@1.service && tmpmedic check --quiet >/dev/null; echo $?
        ls -d /tmp/systemd-private-*-forgejo-runner@1.service-* | wc -l";
    let output = Who::Root.lab(&["private-tmp-deleted", "--systemd", "--", "sh", "-c", seen]);
    let lines: Vec<String> = text(&output.stdout).lines().map(str::to_owned).collect();
    assert!(lines[0].starts_with("active (running)"), "{lines:?}{}", text(&output.stderr));
    assert_eq!(lines[1..], ["0", "1"], "{}", text(&output.stderr));
}

#[test]
fn a_service_is_what_its_scenario_says() {
    needs_systemd!();
    let seen = script_with(
        Who::Root,
        "services.toml",
        &["--systemd"],
        r#"pid() { grep -lx "$1" /proc/[0-9]*/comm | cut -d/ -f3; }
        r=$(pid forgejo-runner); c=$(pid cargo); k=$(pid rustc); u='odd\x2dname@1.service'
        test "$r" = "$(systemctl show -P MainPID "$u")"
        tr '\0' '|' </proc/$r/cmdline | tr '\t\n' '.;'; echo
        tr '\0' '\n' </proc/$r/environ | grep -E '^(TMPDIR|EMPTY)'; readlink /proc/$r/cwd
        grep -E '^(Uid|Gid|CapEff|Umask)' /proc/$r/status | tr '\t\n' ' ;'; echo
        grep -E 'Max (file size|open files)' /proc/$r/limits | tr -s ' ' | cut -d' ' -f 4
        ls /proc/$r/root/tmp /proc/$r/root/run/seen | tr '\n' ' '; echo; readlink /proc/$r/fd/0
        grep -E ' /run/(seen|own) ' /proc/$r/mountinfo | cut -d' ' -f 6 | cut -d, -f1 | sort -u | tr '\n' ' '; echo
        sed -n 's/PPid:.//p' /proc/$c/status /proc/$k/status | tr '\n' ' '; echo $r $c
        tr '\0' ' ' </proc/$c/environ; echo; grep -cF "$u" /proc/$c/cgroup /proc/$k/cgroup | cut -d: -f 2 | tr '\n' ' '; echo
        systemctl is-active act@1.service act@2.service killed.service || true"#,
    );
    let lines: Vec<&str> = seen.lines().collect();
    assert_eq!(lines[0], r#"forgejo-runner|daemon|--label|a "b" \ $HOME ${X} %n|tab.line;end|"#, "{seen}");
    assert_eq!(lines[1..3], [r#"TMPDIR=$HOME/100% "x" \y"#, "EMPTY="], "{seen}");
    assert_eq!(lines[3], "/mnt/a b", "{seen}");
    assert_eq!(
        lines[4],
        "Umask: 0077;Uid: 1234 1234 1234 1234;Gid: 2345 2345 2345 2345;CapEff: 0000000000000000;"
    );
    assert_eq!(lines[5..7], ["4096", "64"], "{seen}");
    let held = lines[7..].iter().position(|line| *line == "/dev/null").unwrap() + 7;
    let listing = lines[7..held].join(" ");
    assert!(listing.contains("held") && listing.contains("mark"), "{seen}");
    let rest = &lines[held + 1..];
    assert_eq!(rest[0].trim(), "ro rw", "one is read-only: {seen}");
    let parents: Vec<&str> = rest[1].split_whitespace().collect();
    assert_eq!(parents[..2], parents[2..], "each is the child of its parent: {seen}");
    assert_eq!(rest[2].trim(), "TMPDIR=/a TMPDIR=/b", "{seen}");
    assert_eq!(rest[3].trim(), "1 1", "its children belong to the unit: {seen}");
    assert_eq!(rest[4..7], ["active", "inactive", "failed"], "{seen}");
}

#[test]
fn root_in_a_lab_with_systemd_cannot_change_the_host() {
    needs_systemd!();
    // Both are its own there.
    let own = ["write into the cgroup tree", "connect to a service in /run"];
    leaves_the_host_alone(Who::Root, "systemd", &["--systemd"], &own);
}

#[test]
fn nothing_of_a_lab_with_systemd_is_left_when_it_ends_or_is_killed() {
    needs_systemd!();
    for is_killed in [false, true] {
        let (mut child, seen) = sleeping(
            Who::Root,
            &["private-tmp-deleted", "--systemd"],
            "readlink /proc/self/ns/pid; mkdir -p /sys/fs/cgroup/deep/deeper; systemd-run -q sleep 1000 2>/dev/null",
        );
        let pid_ns = &seen[0];
        let outside = children(child.id());
        let inside = living(pid_ns);
        assert!(inside.len() >= 4, "systemd, the first process, the runner, the sleeper: {inside:?}");
        let cgroup = cgroup_of(inside[0]);
        assert!(has_cgroup(&format!("{cgroup}/deep/deeper")), "{cgroup}");
        if is_killed {
            child.kill().unwrap();
        } else {
            let pid = rustix::process::Pid::from_child(&child);
            rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        }
        child.wait().unwrap();
        if !is_killed {
            // Who waits for the command may rely on it.
            assert!(living(pid_ns).is_empty() && !has_cgroup(&cgroup), "{cgroup}");
        }
        wait("no process is left in the lab", || living(pid_ns).is_empty());
        wait("the helpers have ended", || outside.iter().all(|pid| is_dead(*pid)));
        wait("the cgroup is gone", || !has_cgroup(&cgroup));
    }
}

#[test]
fn a_lab_with_systemd_is_joined_from_a_second_terminal() {
    needs_systemd!();
    let (mut child, seen) =
        sleeping(Who::Root, &["private-tmp-deleted", "--systemd"], "readlink /proc/self/ns/pid");
    let pid = child.id().to_string();
    let inside = "readlink /proc/self/ns/pid; systemctl is-active forgejo-runner@1.service; exit 5";
    let joined = Who::Root.lab(&["--join", &pid, "--", "sh", "-c", inside]);
    assert_eq!(joined.status.code(), Some(5), "{}", text(&joined.stderr));
    assert_eq!(text(&joined.stdout), format!("{}\nactive\n", seen[0]));
    let checked = Checked::from(&Who::Root.lab(&["--join", &pid, "--", "tmpmedic", "check", "--json"]));
    let found = checked.of("private-tmp-deleted").next().unwrap();
    assert_eq!(found["subject"]["name"], "forgejo-runner@1.service", "{found:#}");
    child.kill().unwrap();
    child.wait().unwrap();
    wait("the lab has ended", || living(&seen[0]).is_empty());
}

#[test]
fn a_service_that_cannot_begin_is_named_with_the_reason() {
    needs_systemd!();
    let broken = std::fs::read_to_string(data("services.toml")).unwrap();
    let broken = broken.replace("/tmp/held", "/tmp/none/held").replace("\"services\"", "\"broken-service\"");
    let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("broken-service.toml");
    std::fs::write(&file, broken).unwrap();
    let arguments = ["--scenario", file.to_str().unwrap(), "broken-service", "--systemd", "--", "true"];
    let output = Who::Root.lab(&arguments);
    assert_eq!(output.status.code(), Some(70));
    let why = text(&output.stderr);
    assert!(why.contains("chapter 1, step 4 (start runner): No such file"), "{why}");
}

#[test]
fn what_systemd_cannot_do_for_a_scenario_is_refused_before_anything_is_built() {
    needs_lab!(Who::Root);
    let refused = |who: Who, arguments: &[&str], code: i32, word: &str| {
        let output = who.lab(arguments);
        assert_eq!(output.status.code(), Some(code), "{}", text(&output.stderr));
        assert!(text(&output.stderr).contains(word), "{}", text(&output.stderr));
    };
    refused(Who::Root, &["emlink", "--systemd", "--", "true"], 64, "no service");
    let twice = std::fs::read_to_string(data("services.toml")).unwrap();
    let twice = twice.replace("\"EMPTY=\"", "\"TMPDIR=/x\"").replace("\"services\"", "\"twice\"");
    let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("twice.toml");
    std::fs::write(&file, twice).unwrap();
    let arguments = ["--scenario", file.to_str().unwrap(), "twice", "--systemd", "--", "true"];
    refused(Who::Root, &arguments, 64, "the variable TMPDIR twice");
    needs_lab!(Who::User);
    refused(Who::User, &["private-tmp-deleted", "--systemd", "--", "true"], 77, "needs root");
}

#[test]
fn the_list_says_that_a_scenario_with_systemd_can_be_built_and_it_is() {
    needs_systemd!();
    let text_of = std::fs::read_to_string(data("services.toml")).unwrap();
    let needy = text_of
        .replace("\"services\"", "\"needy\"")
        .replace("hints = []", "hints = []\nneeds = [\"systemd\"]");
    let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("needy.toml");
    std::fs::write(&file, needy).unwrap();
    let file = file.to_str().unwrap();
    let output = Who::Root.lab(&["--scenario", file, "--json"]);
    let list: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let row = list.as_array().unwrap().iter().find(|row| row["id"] == "needy").unwrap();
    assert_eq!(row["buildable"], true, "{row:#}");
    let lab = Command::new(TMPMEDIC)
        .args(["lab", "--scenario", file, "needy", "--", "systemctl", "is-active", "act@1.service"])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(text(&lab.stdout), "active\n", "without --systemd as well: {}", text(&lab.stderr));
}
