//! The founding incident under a real systemd: 1,491 entries in /tmp, two runners with a private one, a holder, a locked
//! directory. Cleaned up, and taken back; then broken the way it was in the story, and healed.

use std::collections::BTreeSet;
use std::process::Output;

use serde_json::Value;

use crate::needs;
use crate::sandbox::TMPMEDIC;
use crate::systemd::{Lab, RUNNER, clean_the_old_way, said};

/// A /tmp in which 556 directories and 133 files are years old, by every stamp: another clock cannot be given to a part of
/// the machine, so the stamps are written into the image. 799 fresh ones follow, two more are made by systemd.
const AGED: &str = r#"
    mkdir /run/aged; truncate -s 64M /run/image
    mkfs.ext4 -q -F -N 8192 -I 256 /run/image; mount -o loop /run/image /run/aged; cd /run/aged
    for n in $(seq 1001 1300); do mkdir "go-build$n"; done
    for n in $(seq 2001 2256); do mkdir "rustcAb$n"; done
    for n in $(seq 3001 3133); do : > "go-link-$n"; done
    for n in 1001 1002 1003; do mkdir -p "go-build$n/b001/exe"; echo "$n" > "go-build$n/b001/exe/a.out"; done
    chmod 555 go-build1002/b001; ln -s /etc/passwd go-build1002/link; mkfifo go-build1002/pipe; chown -R 65534:65534 go-build1003
    setfattr -n user.note -v kept go-build1003/b001/exe/a.out; echo secret > .testnet_password
    find . -mindepth 1 -not -path './lost+found*' -printf '/%P\n' > /run/old
    cd /; umount /run/aged
    while read -r path; do for stamp in atime ctime mtime crtime; do echo "sif $path $stamp 20200101000000"; done; done \
        < /run/old > /run/age
    debugfs -w -f /run/age /run/image >/dev/null 2>&1
    umount /tmp; mount -o loop,noatime /run/image /tmp; chmod 1777 /tmp; rmdir /tmp/lost+found
    for n in $(seq 5001 5799); do mkdir "/tmp/go-build$n"; done
    mkdir -p /run/aged; mount -t tmpfs lab /var/lib; echo 'keep = [".testnet_password"]' > /run/site
"#;

/// Everything that undo gives back, in one line for each object: whatever systemd made and will make is not ours.
const TREE: &str = r"
    cd /tmp; find . -mindepth 1 \( -path './.tmpmedic-*' -o -path './systemd-private-*' \) -prune -o -mindepth 1 \
        -printf '%p %y %i %U:%G %m %s %n %T@ %B@ %l\n' | sort
    getfattr -R -h -d -m user. . 2>/dev/null
";

fn scene() -> Lab {
    let holder = "[Unit]\nDefaultDependencies=no\n[Service]\n\
                  ExecStart=/bin/sh -c 'exec 9</tmp/go-build1001/b001/exe/a.out; exec sleep 1000'\n";
    let locker = "[Unit]\nDefaultDependencies=no\n[Service]\nType=notify\nNotifyAccess=all\n\
                  ExecStart=/bin/sh -c 'exec 9</tmp/rustcAb2001; flock 9; systemd-notify --ready; exec sleep 1000'\n";
    let units = [("forgejo-runner@.service", RUNNER), ("holder.service", holder), ("locker.service", locker)];
    let start = ["forgejo-runner@1.service", "forgejo-runner@2.service", "holder.service", "locker.service"];
    Lab::boot_after(AGED, &units, &start)
}

fn tm(lab: &Lab, options: &str) -> Output {
    lab.inside(&["sh", "-c", &format!("exec {TMPMEDIC} {options}")])
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[track_caller]
fn json(output: &Output) -> Value {
    let text = text(output);
    serde_json::from_str(&text)
        .unwrap_or_else(|why| panic!("{why}: {text}{}", String::from_utf8_lossy(&output.stderr)))
}

fn keys(value: &Value) -> BTreeSet<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

fn entry<'v>(plan: &'v Value, path: &str) -> &'v Value {
    let all = plan["entries"].as_array().unwrap();
    all.iter().find(|e| e["path"] == path).unwrap_or_else(|| panic!("{path} is not in the plan"))
}

/// Whether a job of that runner can make a temp dir, tried for real.
fn works(lab: &Lab, runner: u32) -> bool {
    tm(lab, &format!("probe --unit forgejo-runner@{runner}.service --json")).status.code() == Some(0)
}

fn main_pid(lab: &Lab, runner: u32) -> String {
    said(lab, &format!("systemctl show -p MainPID --value forgejo-runner@{runner}.service"))
}

#[track_caller]
fn fits(text: &str) {
    assert!(text.lines().all(|line| line.chars().count() <= 80), "fits 80 columns:\n{text}");
}

#[test]
#[expect(clippy::cognitive_complexity, reason = "a story, told in its order")]
fn the_founding_incident_is_cleaned_proved_broken_healed_and_taken_back() {
    needs!("unshare", "nsenter", "systemctl", "mkfs.ext4", "debugfs", "flock", "setfattr");
    let lab = scene();
    let (before, pids) = (said(&lab, TREE), [main_pid(&lab, 1), main_pid(&lab, 2)]);
    assert_eq!(said(&lab, "ls -A /tmp | wc -l"), "1491");

    the_plan_says_what_goes_and_who_keeps_what(&lab);
    exactly_the_plan_runs(&lab);
    assert!(works(&lab, 1) && works(&lab, 2), "the runners still create temp dirs");
    assert_eq!([main_pid(&lab, 1), main_pid(&lab, 2)], pids);
    assert_eq!(said(&lab, "cat /tmp/.testnet_password"), "secret");

    clean_the_old_way(&lab, &["2"]);
    assert!(works(&lab, 1) && !works(&lab, 2), "that clean-up breaks it");
    let vain = text(&tm(&lab, "clean /tmp"));
    let first = vain.split_whitespace().collect::<Vec<_>>().join(" ");
    let aloud = "cleaning /tmp will not help here: the directory behind this service's /tmp is gone";
    assert!(first.starts_with(aloud), "{vain}");
    assert!(first.contains("forgejo-runner@2.service"), "{vain}");
    fits(&vain);
    let fixed = json(&tm(&lab, "fix private-tmp-deleted --apply --yes --json"));
    assert_eq!(fixed["fixes"][0]["outcome"]["after"][0]["can_create"], true, "{fixed:#}");
    assert!(works(&lab, 1) && works(&lab, 2), "it works again");
    assert_eq!([main_pid(&lab, 1), main_pid(&lab, 2)], pids, "and nobody was restarted");

    let back = json(&tm(&lab, "undo 1 --json"));
    assert_eq!(back["back"].as_array().unwrap().len(), 687, "{back:#}");
    assert_eq!(said(&lab, TREE), before, "inode, owner, mode, size, links, times, targets and attributes");
}

#[expect(clippy::cognitive_complexity, reason = "a story, told in its order")]
fn the_plan_says_what_goes_and_who_keeps_what(lab: &Lab) {
    let plan = json(&tm(lab, "clean /tmp --config /run/site --json | tee /run/plan"));
    for key in ["schema", "digest", "boot_id", "root", "entries", "totals"] {
        assert!(keys(&plan).contains(key), "{key}");
    }
    assert_eq!((&plan["schema"], &plan["root"]), (&"tmpmedic.plan/1".into(), &"/tmp".into()));
    assert_eq!(plan["boot_id"], said(lab, "cat /proc/sys/kernel/random/boot_id").as_str());
    assert_eq!(plan["digest"].as_str().unwrap().len(), 64);
    let entries = plan["entries"].as_array().unwrap();
    assert_eq!(keys(&plan["totals"]), BTreeSet::from(["remove", "keep", "bytes"]));
    assert_eq!((&plan["totals"]["remove"], &plan["totals"]["keep"]), (&687.into(), &804.into()));
    for entry in entries {
        for key in ["path", "kind", "family", "owner", "age_s", "bytes", "verdict", "reason"] {
            assert!(keys(entry).contains(key), "{key}: {entry}");
        }
    }
    let going = |kind: &str| entries.iter().filter(|e| e["verdict"] == "remove" && e["kind"] == kind).count();
    assert_eq!((going("directory"), going("file")), (554, 133), "but for the held one and the locked one");
    let private = entries.iter().filter(|e| e["path"].as_str().unwrap().contains("systemd-private-"));
    let private: Vec<&str> = private.map(|e| e["path"].as_str().unwrap()).collect();
    assert_eq!(private.len(), 2, "{private:?}");
    let holder = said(lab, "systemctl show -p MainPID --value holder.service");
    let locker = said(lab, "systemctl show -p MainPID --value locker.service");
    for (path, words) in [
        ("/tmp/go-build1001", format!("it is open in pid {holder} (sleep, holder.service): ")),
        ("/tmp/rustcAb2001", format!("it is open in pid {locker} (sleep, locker.service), and locked: ")),
        ("/tmp/.testnet_password", "its name is to be kept".to_owned()),
        ("/tmp/go-build5001", "touched".to_owned()),
        (private[0], "it is mounted elsewhere by pid ".to_owned()),
        (private[1], "forgejo-runner@2.service".to_owned()),
    ] {
        let entry = entry(&plan, path);
        assert_eq!(entry["verdict"], "keep", "{path}");
        let reason = entry["reason"].as_str().unwrap();
        assert!(reason.contains(&words), "{path}: {reason}");
    }
    // The name alone keeps it: without that word it would be as good as any other.
    let other = json(&tm(lab, "clean /tmp --family other --json"));
    assert_eq!(entry(&other, "/tmp/.testnet_password")["verdict"], "remove");
    let other = json(&tm(lab, "clean /tmp --family other --keep '.testnet*' --json"));
    assert_eq!(entry(&other, "/tmp/.testnet_password")["verdict"], "keep");

    let page = text(&tm(lab, "clean /tmp --config /run/site"));
    fits(&page);
    assert!(page.starts_with("/tmp: 687 of 1,491 entries can go, "), "{page}");
    for words in
        ["holder.service", "locker.service", "forgejo-runner@1.service", "tmpmedic clean /tmp --apply"]
    {
        assert!(page.contains(words), "{words}: {page}");
    }
}

fn exactly_the_plan_runs(lab: &Lab) {
    let done = json(&tm(lab, "clean --config /run/site --apply --plan /run/plan --json"));
    assert_eq!(done["exit"], 0, "{done:#}");
    let plan = json(&lab.inside(&["cat", "/run/plan"]));
    assert_eq!(done["digest"], plan["digest"]);
    let work = &done["works"][0];
    let taken: BTreeSet<&str> =
        work["taken"].as_array().unwrap().iter().map(|p| p.as_str().unwrap()).collect();
    let planned = plan["entries"].as_array().unwrap().iter().filter(|e| e["verdict"] == "remove");
    assert_eq!(taken, planned.map(|e| e["path"].as_str().unwrap()).collect());
    let figures = |when: &str| {
        let of = |key: &str| work[when][key].as_u64().unwrap();
        (of("entries"), of("old_directories"), of("old_files"), work[when]["probe"].as_str().unwrap())
    };
    assert_eq!(figures("before"), (1491, 556, 134, "yes"), "{work:#}");
    assert_eq!(figures("after"), (804, 2, 1, "yes"), "{work:#}");
}
