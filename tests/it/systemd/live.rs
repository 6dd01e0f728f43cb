//! A service gets a live /tmp while it runs.

use super::{Lab, RUNNER, clean_the_old_way, fix, said, with_a_room};
use crate::needs;
use crate::sandbox::{Checked, TMPMEDIC};

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
