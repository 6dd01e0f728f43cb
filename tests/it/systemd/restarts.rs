//! What a restart mends: the /tmp of a new process, its variables, the servers that outlived the one before.

use std::time::Instant;

use super::{Lab, RUNNER, clean_the_old_way, fix, said, with_a_room};
use crate::needs;
use crate::sandbox::TMPMEDIC;

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

#[test]
fn a_unit_that_does_not_come_up_is_told_in_the_words_of_systemd() {
    needs!("unshare", "nsenter", "systemctl");
    let text =
        RUNNER.replace("[Service]", "[Service]\nExecStartPre=/bin/sh -c '[ ! -e /run/broken ] || exit 7'");
    let unit = "forgejo-runner@1.service";
    let lab = with_a_room(&[("forgejo-runner@.service", &text)], &[unit]);
    clean_the_old_way(&lab, &["1"]);
    until_seen(&lab, "private-tmp-deleted");
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

    until_seen(&lab, "tmpdir-relative");
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

/// The unit is up before its program has taken the place of the one that systemd forked.
fn until_seen(lab: &Lab, cause: &str) {
    let started = Instant::now();
    while fix(lab, &[cause]).json["fixes"] == serde_json::json!([]) {
        assert!(started.elapsed().as_secs() < 30, "the runner is never seen");
    }
}
