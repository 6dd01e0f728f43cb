//! A real systemd in private namespaces, with services whose private /tmp is dead or alive.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::needs;
use crate::sandbox::{Checked, TMPMEDIC};

/// Runs as PID 1 of the new namespaces: empty /tmp, /var/tmp and /run, the unit files of `$UNITS`, then systemd itself.
const BOOT: &str = r#"
    set -eu
    mount -t tmpfs -o mode=1777 lab /tmp
    mount -t tmpfs -o mode=1777 lab /var/tmp
    mount -t tmpfs -o mode=755 lab /run
    mount -t proc proc /proc
    eval "$BEFORE"
    mkdir -p /run/systemd/system
    cp -a $UNITS/. /run/systemd/system/
    for systemd in /lib/systemd/systemd /usr/lib/systemd/systemd; do
        [ ! -x $systemd ] || exec env -i container=lab PATH=/usr/sbin:/usr/bin:/sbin:/bin $systemd --system --unit=lab.target --log-target=null
    done
    exit 98
"#;

/// A booted systemd; ends with all its services when dropped.
pub struct Lab {
    outer: Child,
    init: u32,
    units: PathBuf,
}

impl Lab {
    pub fn boot(units: &[(&str, &str)], start: &[&str]) -> Self {
        Self::boot_after("", units, start)
    }

    /// The same after a script has run there as the first process.
    pub fn boot_after(before: &str, units: &[(&str, &str)], start: &[&str]) -> Self {
        // Each thread of the test has a lab of its own.
        static LABS: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let number = LABS.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let name = format!("units-{}-{number}", std::process::id());
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::create_dir_all(&dir).unwrap();
        for (name, text) in units {
            std::fs::write(dir.join(name), text).unwrap();
        }
        let target = format!("[Unit]\nDefaultDependencies=no\nAllowIsolate=yes\nWants={}\n", start.join(" "));
        std::fs::write(dir.join("lab.target"), target).unwrap();
        let outer = Command::new("unshare")
            .args([
                "--pid",
                "--fork",
                "--kill-child",
                "--mount",
                "--propagation",
                "private",
                "--uts",
                "--ipc",
                "--cgroup",
            ])
            .args(["sh", "-c", BOOT])
            .env_clear()
            .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
            .env("UNITS", &dir)
            .env("BEFORE", before)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lab = Self { outer, init: 0, units: dir };
        lab.wait_until_up();
        lab
    }

    fn wait_until_up(&mut self) {
        let deadline = Instant::now() + Duration::from_secs(30);
        let children = format!("/proc/{0}/task/{0}/children", self.outer.id());
        loop {
            if let Some(init) = std::fs::read_to_string(&children).ok().and_then(|t| t.trim().parse().ok()) {
                self.init = init;
                let state = self.inside(&["systemctl", "is-system-running", "--wait"]);
                if ["running\n", "degraded\n"].contains(&&*String::from_utf8_lossy(&state.stdout)) {
                    return;
                }
            }
            if Instant::now() > deadline || self.outer.try_wait().unwrap().is_some() {
                let mut talk = String::new();
                self.outer.kill().ok();
                self.outer.stderr.take().unwrap().read_to_string(&mut talk).unwrap();
                panic!("systemd did not come up: {talk}");
            }
            std::thread::yield_now();
        }
    }

    pub fn inside(&self, command: &[&str]) -> Output {
        let init = self.init.to_string();
        Command::new("nsenter")
            .args(["-t", &init, "-m", "-u", "-i", "-p", "-C"])
            .args(command)
            .env_clear()
            .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    pub fn check(&self, options: &[&str]) -> Checked {
        let command: Vec<&str> =
            [TMPMEDIC, "check", "--json"].into_iter().chain(options.iter().copied()).collect();
        Checked::from(&self.inside(&command))
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        self.outer.kill().ok();
        self.outer.wait().ok();
        std::fs::remove_dir_all(&self.units).ok();
    }
}

pub const RUNNER: &str =
    "[Unit]\nDefaultDependencies=no\n[Service]\nExecStart=/bin/sleep 1000\nPrivateTmp=yes\nUser=nobody\n";

/// The clean-up of the incident, for the private dirs of some instances.
pub fn clean_the_old_way(lab: &Lab, instances: &[&str]) {
    for instance in instances {
        let script = format!(
            "find /tmp -maxdepth 1 -type d -name '*forgejo-runner@{instance}.service*' -exec rm -rf {{}} +"
        );
        assert!(lab.inside(&["sh", "-c", &script]).status.success());
    }
}

#[test]
fn of_six_runners_exactly_the_two_dead_ones_are_critical_and_proven() {
    needs!("unshare", "nsenter", "systemctl");
    let names: Vec<String> = (1..=6).map(|n| format!("forgejo-runner@{n}.service")).collect();
    let start: Vec<&str> = names.iter().map(String::as_str).collect();
    let lab = Lab::boot(&[("forgejo-runner@.service", RUNNER)], &start);
    let healthy = lab.check(&[]);
    assert_eq!(healthy.above_info(), [], "{:#}", healthy.json);
    assert_eq!(healthy.code, 0);

    clean_the_old_way(&lab, &["2", "5"]);
    let broken = lab.check(&[]);
    let critical: Vec<(&str, &str, &str)> = broken
        .findings()
        .iter()
        .filter(|f| f["severity"] == "critical")
        .map(|f| {
            let text =
                |v: &'_ serde_json::Value| -> &'static str { String::leak(v.as_str().unwrap().to_owned()) };
            (text(&f["id"]), text(&f["subject"]["name"]), text(&f["confidence"]))
        })
        .collect();
    assert_eq!(
        critical,
        [
            ("private-tmp-deleted", "forgejo-runner@2.service", "proven"),
            ("private-tmp-deleted", "forgejo-runner@5.service", "proven"),
        ],
        "{:#}",
        broken.json
    );
    assert_eq!(broken.above_info().len(), 2, "{:#}", broken.json["findings"]);
    assert_eq!(broken.code, 2);
    let text = String::from_utf8(lab.inside(&[TMPMEDIC, "check"]).stdout).unwrap();
    assert!(
        text.lines().next().unwrap().contains("forgejo-runner@2.service"),
        "the verdict names the unit: {text}"
    );
    assert!(text.lines().all(|l| l.chars().count() <= 80), "fits 80 columns:\n{text}");
}

#[test]
fn a_unit_can_be_asked_about_alone() {
    needs!("unshare", "nsenter", "systemctl");
    let lab = Lab::boot(
        &[("forgejo-runner@.service", RUNNER)],
        &["forgejo-runner@1.service", "forgejo-runner@2.service"],
    );
    clean_the_old_way(&lab, &["1"]);
    assert_eq!(lab.check(&["--unit", "forgejo-runner@1"]).code, 2);
    assert_eq!(lab.check(&["--unit", "forgejo-runner@2.service"]).code, 0);
    let unknown = lab.inside(&[TMPMEDIC, "check", "--unit", "no-such.service"]);
    assert_eq!(unknown.status.code(), Some(64));
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("no-such.service"));
    let probed = lab.inside(&[TMPMEDIC, "probe", "--unit", "forgejo-runner@1.service", "--json"]);
    assert_eq!(probed.status.code(), Some(2), "{}", String::from_utf8_lossy(&probed.stdout));
    let report: serde_json::Value = serde_json::from_slice(&probed.stdout).unwrap();
    let failed = report["steps"].as_array().unwrap().iter().find(|s| s["ok"] == false).unwrap();
    assert_eq!((failed["step"].as_str(), failed["errno"].as_str()), (Some("mkdir"), Some("ENOENT")));
}

/// What `fix --json` says inside, and its exit code.
fn fix(lab: &Lab, options: &[&str]) -> Checked {
    let command: Vec<&str> = [TMPMEDIC, "fix", "--json"].into_iter().chain(options.iter().copied()).collect();
    Checked::from(&lab.inside(&command))
}

/// A journal and drop-ins of its own: nothing of the machine's.
fn with_a_room(units: &[(&str, &str)], start: &[&str]) -> Lab {
    let lab = Lab::boot(units, start);
    let script = "mount -t tmpfs lab /var/lib && mount -t tmpfs lab /etc/systemd/system";
    assert!(lab.inside(&["sh", "-c", script]).status.success());
    lab
}

pub fn said(lab: &Lab, script: &str) -> String {
    String::from_utf8_lossy(&lab.inside(&["sh", "-c", script]).stdout).trim().to_owned()
}

#[test]
#[expect(clippy::cognitive_complexity, reason = "a story, told in its order")]
fn a_running_service_gets_a_live_tmp_and_systemd_still_cleans_up_behind_it() {
    needs!("unshare", "nsenter", "systemctl");
    let unit = "forgejo-runner@1.service";
    let lab = with_a_room(&[("forgejo-runner@.service", RUNNER)], &[unit]);
    let main = said(&lab, "systemctl show -p MainPID --value forgejo-runner@1.service");
    clean_the_old_way(&lab, &["1"]);
    assert_eq!(lab.check(&["--unit", unit]).code, 2);
    let planned = fix(&lab, &["private-tmp-deleted"]);
    assert_eq!(planned.json["fixes"][0]["plan"]["ends"], serde_json::json!([]), "nobody ends");

    let fixed = fix(&lab, &["private-tmp-deleted", "--apply", "--yes"]);
    let outcome = &fixed.json["fixes"][0]["outcome"];
    assert_eq!(fixed.code, 0, "{outcome:#}");
    assert_eq!(outcome["before"][0]["errno"], "ENOENT");
    assert_eq!(outcome["after"][0]["can_create"], true);
    assert_eq!(
        said(&lab, "systemctl show -p MainPID --value forgejo-runner@1.service"),
        main,
        "the same main process"
    );
    assert_eq!(lab.check(&["--unit", unit]).code, 0, "nothing is wrong with it any more");
    let reached =
        said(&lab, &format!("touch /proc/{main}/root/tmp/job; ls /tmp/systemd-private-*{unit}*/tmp"));
    assert_eq!(reached, "job", "the directory on the host is the one that the service sees");

    assert!(lab.inside(&["systemctl", "stop", unit]).status.success());
    assert_eq!(
        said(&lab, "ls -d /tmp/systemd-private-*forgejo-runner*"),
        "",
        "systemd has removed it at stop"
    );
    assert!(lab.inside(&["systemctl", "start", unit]).status.success());
    assert_eq!(lab.check(&["--unit", unit]).code, 0);
}

#[test]
fn a_restart_says_who_ends_and_proves_the_new_process() {
    needs!("unshare", "nsenter", "systemctl");
    let unit = "forgejo-runner@1.service";
    let lab = with_a_room(&[("forgejo-runner@.service", RUNNER)], &[unit]);
    let main = said(&lab, "systemctl show -p MainPID --value forgejo-runner@1.service");
    clean_the_old_way(&lab, &["1"]);
    said(&lab, "find /var/tmp -maxdepth 1 -name 'systemd-private-*' -exec rm -rf {} +");
    // A program of that name on the path of the caller is not what runs.
    let evil = "mkdir /run/evil; printf '#!/bin/sh\ntouch /run/hijacked\n' > /run/evil/systemctl; chmod 755 /run/evil/systemctl";
    said(&lab, evil);
    let line = format!(
        "export PATH=/run/evil:$PATH; systemctl && rm /run/hijacked || echo no control >&2
         {TMPMEDIC} fix private-tmp-deleted --action restart-unit --apply --yes --json
         [ ! -e /run/hijacked ] || echo hijacked >&2"
    );
    let output = lab.inside(&["sh", "-c", &line]);
    assert_eq!(String::from_utf8_lossy(&output.stderr), "", "the control is hijacked, tmpmedic is not");
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let fixed = &json["fixes"][0];
    assert_eq!(json["fixes"].as_array().unwrap().len(), 1, "its /tmp and /var/tmp take one restart");
    assert_eq!(fixed["plan"]["ends"][0]["pid"].to_string(), main, "{fixed:#}");
    assert_eq!(fixed["outcome"]["exit"], 0, "{fixed:#}");
    let proved = fixed["outcome"]["after"].as_array().unwrap();
    let old: u64 = main.parse().unwrap();
    assert_eq!(proved.len(), 2, "{fixed:#}");
    assert!(proved.iter().all(|proof| proof["pid"] != old), "proved as the new process: {fixed:#}");
}

#[test]
fn a_drop_in_takes_a_variable_away_at_the_next_restart() {
    needs!("unshare", "nsenter", "systemctl");
    let unit = "forgejo-runner@1.service";
    let text = RUNNER.replace("[Service]", "[Service]\nEnvironment=TMPDIR=relative/tmp");
    let lab = with_a_room(&[("forgejo-runner@.service", &text)], &[unit]);
    let broken = lab.check(&["--unit", unit]);
    assert!(broken.of("tmpdir-relative").next().is_some(), "{:#}", broken.json["findings"]);
    let fixed = fix(&lab, &["tmpdir-relative", "--action", "set-override", "--apply"]);
    assert_eq!(fixed.code, 0, "{:#}", fixed.json);
    let file = "/etc/systemd/system/forgejo-runner@1.service.d/zz-temp-dir.conf";
    assert_eq!(
        said(&lab, &format!("cat {file}; stat -c %a:%u {file}")),
        "[Service]\nUnsetEnvironment=TMPDIR\n644:0"
    );
    assert!(lab.inside(&["systemctl", "restart", unit]).status.success());
    assert!(lab.check(&["--unit", unit]).of("tmpdir-relative").next().is_none());
}

/// A runner whose first job starts a compiler-cache server, as the real one shows itself: no arguments. It outlives restarts.
const WITH_A_SERVER: &str = "[Unit]
DefaultDependencies=no
[Service]
ExecStartPre=/bin/sh -c '[ -d /run/bin ] || { mkdir /run/bin; cp /bin/cat /run/bin/sccache; mkfifo /run/bin/never; }'
ExecStart=/bin/sh -c 'mkdir /run/bin/started 2>/dev/null && /run/bin/sccache <>/run/bin/never & exec /bin/sleep 1000'
PrivateTmp=yes
KillMode=process
";

#[test]
#[expect(clippy::cognitive_complexity, reason = "a story, told in its order")]
fn a_server_that_outlived_the_restart_of_its_runner_ends_and_the_runner_does_not() {
    needs!("unshare", "nsenter", "systemctl");
    let unit = "forgejo-runner@1.service";
    let lab = with_a_room(&[("forgejo-runner@.service", WITH_A_SERVER)], &[unit]);
    let started = Instant::now();
    let server = loop {
        let found = said(&lab, "grep -lx sccache /proc/[0-9]*/comm | cut -d/ -f3");
        if !found.is_empty() {
            break found;
        }
        assert!(started.elapsed().as_secs() < 30, "the server never starts");
    };
    clean_the_old_way(&lab, &["1"]);
    // While the runner is as broken as its server, it is the service that is mended.
    let first = fix(&lab, &["private-tmp-deleted"]);
    assert_eq!(first.json["fixes"][0]["action"], "rebind-private-tmp", "{:#}", first.json);

    assert!(lab.inside(&["systemctl", "restart", unit]).status.success());
    let main = said(&lab, "systemctl show -p MainPID --value forgejo-runner@1.service");
    let found = lab.check(&[]);
    let dead: Vec<_> = found.of("private-tmp-deleted").filter(|f| f["subject"]["path"] == "/tmp").collect();
    assert_eq!(dead.len(), 1, "{:#}", found.json["findings"]);
    assert_eq!(dead[0]["subject"]["name"], format!("sccache (pid {server}) of {unit}"));
    let actions: Vec<_> =
        dead[0]["actions"].as_array().unwrap().iter().map(|a| a["id"].as_str().unwrap()).collect();
    assert_eq!(
        actions,
        ["restart-daemon"],
        "neither a restart of the runner nor a mount helps: {:#}",
        dead[0]
    );

    // Both of its temp dirs are dead, and one end is enough for both.
    let planned = fix(&lab, &["private-tmp-deleted", "--pid", &server]);
    assert_eq!(planned.json["fixes"].as_array().unwrap().len(), 1, "{:#}", planned.json);
    assert!(
        planned.json["fixes"][0]["also"][0].as_str().unwrap().starts_with("/var/tmp of"),
        "{:#}",
        planned.json
    );
    let plan = &planned.json["fixes"][0]["plan"];
    assert_eq!(
        plan["ends"],
        serde_json::json!([{ "pid": server.parse::<u32>().unwrap(), "program": "sccache" }])
    );
    let word = ["private-tmp-deleted", "--pid", &server, "--apply"];
    assert_eq!(fix(&lab, &word).code, 2, "it cannot be taken back");
    let fixed = fix(&lab, &[&word[..], &["--yes"]].concat());
    assert_eq!(fixed.code, 0, "{:#}", fixed.json);
    assert_eq!(said(&lab, &format!("[ -d /proc/{server} ] || echo ended")), "ended");
    assert_eq!(said(&lab, "systemctl show -p MainPID --value forgejo-runner@1.service"), main);
    let left = lab.check(&[]);
    assert!(left.of("private-tmp-deleted").next().is_none(), "{:#}", left.json["findings"]);
    // One that ended meanwhile: what was planned is not done to whoever has its place.
    let digest = plan["digest"].as_str().unwrap();
    let late = lab.inside(&[TMPMEDIC, "fix", "private-tmp-deleted", "--digest", digest, "--apply", "--yes"]);
    assert_eq!(late.status.code(), Some(75), "{}", String::from_utf8_lossy(&late.stderr));
}

/// The lines of the mounts on a place, as the main process of the unit has them.
fn mounts_on(lab: &Lab, unit: &str, place: &str) -> Vec<String> {
    let script = format!("grep ' {place} ' /proc/$(systemctl show -p MainPID --value {unit})/mountinfo");
    said(lab, &script).lines().map(str::to_owned).collect()
}

#[test]
#[expect(clippy::cognitive_complexity, reason = "a story, told in its order")]
fn whoever_is_killed_while_it_mounts_leaves_no_service_with_the_tmp_of_the_machine() {
    needs!("unshare", "nsenter", "systemctl", "strace");
    let unit = "forgejo-runner@1.service";
    let lab = with_a_room(&[("forgejo-runner@.service", RUNNER)], &[unit]);
    said(&lab, "touch /tmp/of-the-machine");
    clean_the_old_way(&lab, &["1"]);
    let main = said(&lab, "systemctl show -p MainPID --value forgejo-runner@1.service");
    let traced = |inject: &str| {
        let line = format!(
            "strace -f -o /dev/null -e trace=open_tree,move_mount,umount2 -e inject={inject} \
             {TMPMEDIC} fix private-tmp-deleted --apply --yes --json"
        );
        Checked::from(&lab.inside(&["sh", "-c", &line]))
    };
    for call in ["open_tree", "move_mount", "umount2"] {
        let killed = traced(&format!("{call}:signal=KILL:when=1"));
        assert_eq!(killed.code, 1, "{call}: {:#}", killed.json["fixes"][0]["outcome"]);
        assert_eq!(
            said(&lab, &format!("ls -A /proc/{main}/root/tmp")),
            "",
            "{call}: it sees nothing of the machine"
        );
        assert_eq!(lab.check(&["--unit", unit]).code, 2, "{call}: the next look finds it again");
    }
    // The last one was killed with the fresh mount beneath the dead one: it is found, not stacked once more.
    let fixed = fix(&lab, &["private-tmp-deleted", "--apply", "--yes"]);
    assert_eq!(fixed.code, 0, "{:#}", fixed.json);
    assert_eq!(
        mounts_on(&lab, unit, "/tmp").len(),
        2,
        "the machine's and the fresh one: {:?}",
        mounts_on(&lab, unit, "/tmp")
    );
    assert_eq!(
        said(&lab, "ls -d /tmp/systemd-private-*forgejo-runner* | wc -l"),
        "1",
        "one directory was made"
    );
    assert_eq!(said(&lab, "systemctl show -p MainPID --value forgejo-runner@1.service"), main);

    // An older kernel cannot mount beneath.
    clean_the_old_way(&lab, &["1"]);
    let fixed = traced("move_mount:error=EINVAL:when=1");
    assert_eq!(fixed.code, 0, "{:#}", fixed.json);
    assert_eq!(mounts_on(&lab, unit, "/tmp").len(), 2);
    assert!(lab.inside(&["systemctl", "stop", unit]).status.success());
    assert_eq!(
        said(&lab, "ls -d /tmp/systemd-private-*forgejo-runner*"),
        "",
        "systemd has removed it at stop"
    );
}

#[test]
fn both_temp_dirs_of_a_service_are_mended_and_what_stands_in_a_dead_one_is_named() {
    needs!("unshare", "nsenter", "systemctl");
    let unit = "forgejo-runner@1.service";
    let text = RUNNER.replace("ExecStart=/bin/sleep 1000", "ExecStart=/bin/sh -c 'cd /tmp; sleep 1000; :'");
    let lab = with_a_room(&[("forgejo-runner@.service", &text)], &[unit]);
    clean_the_old_way(&lab, &["1"]);
    said(&lab, "find /var/tmp -maxdepth 1 -name 'systemd-private-*' -exec rm -rf {} +");
    let main = said(&lab, "systemctl show -p MainPID --value forgejo-runner@1.service");
    let fixed = fix(&lab, &["private-tmp-deleted", "--apply", "--yes"]);
    let plans = fixed.json["fixes"].as_array().unwrap();
    assert_eq!((fixed.code, plans.len()), (0, 2), "{:#}", fixed.json);
    let notes = plans[0]["plan"]["notes"].to_string();
    assert!(notes.contains(&format!("({main})")) && notes.contains("stays dead"), "{notes}");
    for place in ["/tmp", "/var/tmp"] {
        let made =
            lab.inside(&["nsenter", "-t", &main, "-m", "-S", "65534", "mkdir", &format!("{place}/made")]);
        assert!(made.status.success(), "{place}");
    }
    let left = lab.check(&["--unit", unit]);
    assert!(left.of("private-tmp-deleted").next().is_none(), "{:#}", left.json["findings"]);
    let cwd = left.of("cwd-deleted").next().expect("the shell stands in the dead one");
    assert!(cwd["title"].as_str().unwrap().contains("with the mount it lay on"), "{cwd:#}");
}

#[test]
fn the_commands_of_the_sheet_do_the_same_when_they_are_pasted() {
    needs!("unshare", "nsenter", "systemctl");
    let unit = "forgejo-runner@1.service";
    let lab = with_a_room(&[("forgejo-runner@.service", RUNNER)], &[unit]);
    clean_the_old_way(&lab, &["1"]);
    let planned = fix(&lab, &["private-tmp-deleted"]);
    for line in planned.json["fixes"][0]["by_hand"].as_array().unwrap() {
        let pasted = lab.inside(&["sh", "-c", line.as_str().unwrap()]);
        assert!(pasted.status.success(), "{line}: {}", String::from_utf8_lossy(&pasted.stderr));
    }
    assert_eq!(lab.check(&["--unit", unit]).code, 0);
    assert!(lab.inside(&["systemctl", "stop", unit]).status.success());
    assert_eq!(said(&lab, "ls -d /tmp/systemd-private-*forgejo-runner*"), "");
}

#[test]
fn a_unit_that_does_not_come_up_is_told_in_the_words_of_systemd() {
    needs!("unshare", "nsenter", "systemctl");
    let text =
        RUNNER.replace("[Service]", "[Service]\nExecStartPre=/bin/sh -c '[ ! -e /run/broken ] || exit 7'");
    let unit = "forgejo-runner@1.service";
    let lab = with_a_room(&[("forgejo-runner@.service", &text)], &[unit]);
    clean_the_old_way(&lab, &["1"]);
    said(&lab, "touch /run/broken");
    let fixed = fix(&lab, &["private-tmp-deleted", "--action", "restart-unit", "--apply", "--yes"]);
    let outcome = &fixed.json["fixes"][0]["outcome"];
    assert_eq!(fixed.code, 2, "{outcome:#}");
    let why = outcome["steps"][0]["why"].as_str().unwrap();
    assert!(
        why.contains("Job for forgejo-runner@1.service failed")
            && why.contains("failed (failed; Result=exit-code"),
        "{why}"
    );
    assert_eq!(outcome["after"][0]["can_create"], false);
}

#[test]
#[expect(clippy::cognitive_complexity, reason = "a story, told in its order")]
fn an_undo_gives_the_old_drop_in_back_and_systemd_reads_it() {
    needs!("unshare", "nsenter", "systemctl");
    let unit = "forgejo-runner@1.service";
    let text = RUNNER.replace("[Service]", "[Service]\nEnvironment=TMPDIR=relative/tmp");
    let lab = with_a_room(&[("forgejo-runner@.service", &text)], &[unit]);
    let dir = "/etc/systemd/system/forgejo-runner@1.service.d";
    let unset = format!("systemctl show -p UnsetEnvironment --value {unit}");
    let apply = ["tmpdir-relative", "--action", "set-override", "--apply"];

    // The unit is up before its program has taken the place of the one that systemd forked.
    let started = Instant::now();
    while fix(&lab, &["tmpdir-relative"]).json["fixes"] == serde_json::json!([]) {
        assert!(started.elapsed().as_secs() < 30, "the runner is never seen");
    }
    let fixed = fix(&lab, &apply);
    assert_eq!(fixed.code, 0, "{:#}", fixed.json);
    assert!(fixed.json["fixes"][0]["others"].to_string().contains("restart-unit"), "{:#}", fixed.json);
    assert_eq!(said(&lab, &unset), "TMPDIR");
    assert!(lab.inside(&[TMPMEDIC, "undo"]).status.success());
    assert_eq!(
        said(&lab, &format!("ls -d {dir}; {unset}")),
        "",
        "file and directory are gone, and systemd knows"
    );

    let old = "[Service]\nNice=3";
    said(&lab, &format!("mkdir {dir}; printf '{old}\\n' > {dir}/zz-temp-dir.conf; systemctl daemon-reload"));
    let planned = fix(&lab, &["tmpdir-relative", "--action", "set-override"]);
    let before = &planned.json["fixes"][0]["plan"]["steps"][0]["deed"]["before"];
    assert_eq!(before.as_str().unwrap().trim(), old, "{:#}", planned.json);
    assert_eq!(fix(&lab, &apply).code, 0);
    assert!(lab.inside(&[TMPMEDIC, "undo"]).status.success());
    assert_eq!(
        said(&lab, &format!("cat {dir}/zz-temp-dir.conf; ls -A {dir}; {unset}")),
        format!("{old}\nzz-temp-dir.conf")
    );

    assert_eq!(fix(&lab, &apply).code, 0);
    said(&lab, &format!("echo '# of an admin' >> {dir}/zz-temp-dir.conf"));
    assert_eq!(lab.inside(&[TMPMEDIC, "undo"]).status.code(), Some(2), "what an admin wrote since stays");
    assert!(said(&lab, &format!("cat {dir}/zz-temp-dir.conf")).ends_with("# of an admin"));
}
