//! Each action through the binary, on a machine that is broken for real.

use serde_json::Value;

use crate::needs;
use crate::sandbox::{self, Checked};

/// A journal of its own, and nothing of the machine's service files.
const ROOM: &str = "mount -t tmpfs lab /var/lib; mount -t tmpfs lab /run";

/// A runner whose private /tmp is dead.
const DEAD: &str = r"
    dir=/tmp/systemd-private-0123456789abcdef0123456789abcdef-forgejo-runner@1.service-AbCdEf/tmp
    mkdir -p $dir; chmod 700 ${dir%/tmp}; chmod 1777 $dir";

/// Runs `fix --json` after a setup, and then what looks at the world; gives the document and what that look printed.
fn fix(setup: &str, options: &str, look: &str) -> (Checked, String) {
    const MARK: &str = "--and then--";
    let output = sandbox::run(&format!(
        "{ROOM}\n{setup}\nset +e\n/mnt/bin/tmpmedic fix --json {options}\ncode=$?\necho; echo '{MARK}'\n{look}\nexit $code"
    ));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let talk = String::from_utf8_lossy(&output.stderr);
    let (json, seen) = text.split_once(MARK).unwrap_or_else(|| panic!("the sandbox died: {text}{talk}"));
    let json: Value =
        serde_json::from_str(json).unwrap_or_else(|why| panic!("no document ({why}): {json}{talk}"));
    (Checked { code: output.status.code().unwrap_or(-1), json }, seen.trim().to_owned())
}

fn outcome(checked: &Checked) -> &Value {
    &checked.json["fixes"][0]["outcome"]
}

/// Starts a compiler-cache server: a program of that name without arguments, as the real one shows itself.
const SERVER: &str = r"
    cp /bin/cat /mnt/bin/sccache; mkfifo /mnt/never
    server() {
      setpriv --reuid 1000 --regid 1000 --clear-groups env -i PATH=/mnt/bin $* /mnt/bin/sccache <>/mnt/never >/dev/null 2>&1 &
      pid=$!; became sccache $pid; server=$pid
    }";

#[test]
fn a_dead_private_tmp_works_again_under_the_same_process() {
    needs!("unshare", "setpriv", "nsenter");
    let setup = format!(
        "{DEAD}\napart 'mount --bind '$dir' /tmp; mount -o remount,bind,nosuid,nodev,noatime /tmp; cd /tmp'\nrm -r /tmp/systemd-private-*"
    );
    let (fixed, seen) = fix(
        &setup,
        "private-tmp-deleted --apply --yes",
        r#"kill -0 $pid && echo lives; nsenter -t $pid -m -S 1000 mkdir /tmp/made && ls "$dir"
           grep -c ' /tmp ' /proc/$pid/mountinfo; grep ' /tmp ' /proc/$pid/mountinfo | tail -n 1 | cut -d' ' -f6
           readlink /proc/$pid/cwd; /mnt/bin/tmpmedic check --pid $pid --json | grep -c 'private-tmp-deleted","severity'"#,
    );
    assert_eq!(fixed.code, 0, "{:#}\n{seen}", fixed.json);
    let outcome = outcome(&fixed);
    assert_eq!(
        (&outcome["before"][0]["errno"], &outcome["after"][0]["can_create"]),
        (&"ENOENT".into(), &true.into())
    );
    let lines: Vec<&str> = seen.lines().collect();
    let [alive, made, mounts, options, cwd, found] = lines[..] else { panic!("{seen}") };
    assert_eq!((alive, made, mounts, found), ("lives", "made", "2", "0"), "{seen}");
    assert!(
        ["nosuid", "nodev", "noatime"].iter().all(|option| options.contains(option)),
        "it forbids what the dead one forbade: {options}"
    );
    assert!(cwd.ends_with("(deleted)"), "a working directory in the dead one stays: {cwd}");
}

#[test]
fn of_stacked_mounts_exactly_the_dead_one_goes_and_everybody_in_the_namespace_gets_the_live_one() {
    needs!("unshare", "setpriv", "nsenter");
    let setup = format!(
        "{DEAD}\napart 'mount -t tmpfs below /tmp; touch /tmp/below; mount -t tmpfs outer /mnt/x 2>/dev/null || true; \
         mount --bind /mnt/keep /tmp; nothing=1'"
    );
    // The dead directory must be reachable where the tmpfs hides it: through a second place.
    let setup = setup.replace("apart", "mkdir /mnt/keep; mount --bind $dir /mnt/keep\napart");
    let (fixed, seen) = fix(
        &format!(
            "{setup}\numount /mnt/keep; rm -r /tmp/systemd-private-*; nsenter -t $pid -m sleep 600 & other=$!; became sleep $other"
        ),
        "private-tmp-deleted --apply --yes",
        r"nsenter -t $other -m sh -c 'mkdir /tmp/made && umount /tmp && ls /tmp'; ls $dir",
    );
    assert_eq!(fixed.code, 0, "{:#}\n{seen}", fixed.json);
    assert_eq!(seen, "below\nmade");
}

#[test]
fn nothing_of_the_machine_is_mounted_into_a_namespace_that_somebody_else_rules() {
    needs!("unshare", "setpriv", "nsenter");
    let setup = format!(
        "{DEAD}
         unshare --user --map-root-user --mount sh -c 'mount --bind '$dir' /tmp; exec env -i /mnt/bin/forgejo-runner 600' & pid=$!
         became forgejo-runner $pid
         rm -r /tmp/systemd-private-*"
    );
    let (kept, seen) = fix(
        &setup,
        "private-tmp-deleted --apply --yes=rebind-private-tmp --action rebind-private-tmp",
        "grep -c ' /tmp ' /proc/$pid/mountinfo; find /tmp -mindepth 1",
    );
    let text = outcome(&kept).to_string();
    assert!(kept.code != 0 && text.contains("another user namespace"), "{text}");
    assert_eq!(seen, "2", "the dead mount is still the only one there, and nothing was made for it");
}

#[test]
fn without_a_word_nothing_is_changed() {
    needs!("unshare", "setpriv");
    let setup = format!("{DEAD}\napart 'mount --bind '$dir' /tmp'\nrm -r /tmp/systemd-private-*");
    let (planned, seen) = fix(&setup, "private-tmp-deleted", "find /tmp /var/lib -mindepth 1");
    assert_eq!((planned.code, &*seen), (0, ""), "a plan leaves nothing behind");
    let fixes = &planned.json["fixes"][0];
    assert_eq!(fixes["action"], "rebind-private-tmp", "what interrupts nothing comes first");
    assert!(fixes["plan"]["notes"][0].as_str().unwrap().contains("will not help"), "{fixes:#}");
    for step in fixes["plan"]["steps"].as_array().unwrap() {
        assert!(!step["by_hand"].as_str().unwrap().is_empty());
    }
    let (refused, seen) = fix(&setup, "private-tmp-deleted --apply", "find /tmp /var/lib -mindepth 1");
    assert_eq!((refused.code, &*seen), (2, ""), "what cannot be taken back takes a word");
    assert!(outcome(&refused)["refused"].as_str().unwrap().contains("--yes"), "it says how");
    let (other, _) = fix(&setup, "private-tmp-deleted --apply --yes=restart-unit", "true");
    assert_eq!(other.code, 2, "the word is for another action");
    let (off, _) = fix(&setup, "private-tmp-deleted --apply --yes --read-only", "true");
    assert_eq!(off.code, 77);
}

#[test]
fn bad_arguments_are_named() {
    needs!("unshare");
    let run = |options: &str| sandbox::run(&format!("{ROOM}\n/mnt/bin/tmpmedic fix {options}"));
    for (options, word) in [
        ("no-such-cause", "no-such-cause"),
        ("tmp-wrong-mode", "did you mean `tmp-wrong-mode-or-owner`?"),
        ("--action restart-deamon", "did you mean `restart-daemon`?"),
        ("--action nonsense", "nonsense"),
        ("--unit no.service", "no.service"),
    ] {
        let output = run(options);
        assert_eq!(output.status.code(), Some(64), "{options}");
        assert!(String::from_utf8_lossy(&output.stderr).contains(word), "{options}");
    }
    assert_eq!(run("disk-full").status.code(), Some(0), "nothing to fix is no failure");
}

#[test]
fn the_command_that_a_user_is_told_is_good_for_root() {
    needs!("unshare", "setpriv");
    let output = sandbox::run(&format!(
        r#"{ROOM}; chmod 755 /tmp; runner; set +e
        why=$(setpriv --reuid 1000 --regid 1000 --clear-groups /mnt/bin/tmpmedic fix tmp-wrong-mode-or-owner --apply --json)
        echo $?; line=$(echo "$why" | grep -o 'sudo tmpmedic [^"]*'); echo "$line" | sed 's/ --digest.*//'
        sh -c "/mnt/bin/${{line#sudo }}" >/dev/null; echo $?; stat -c %a /tmp"#
    ));
    let text = String::from_utf8_lossy(&output.stdout);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines, ["77", "sudo tmpmedic fix tmp-wrong-mode-or-owner --action repair-mode", "0", "1777"]);
}

#[test]
fn another_instance_at_work_is_waited_for_by_the_caller() {
    needs!("unshare", "setpriv", "flock");
    let (busy, seen) = fix(
        "chmod 755 /tmp; runner; mkdir -m 700 /var/lib/tmpmedic; touch /var/lib/tmpmedic/lock; chmod 600 /var/lib/tmpmedic/lock
         exec 8</var/lib/tmpmedic/lock; flock 8",
        "tmp-wrong-mode-or-owner --apply",
        "stat -c %a /tmp",
    );
    assert_eq!((busy.code, &*seen), (75, "755"), "{:#}", busy.json);
}

#[test]
fn tmp_gets_its_mode_back_and_the_journal_tells_how_it_was() {
    needs!("unshare", "setpriv");
    let (fixed, seen) = fix(
        "chmod 755 /tmp; runner",
        "tmp-wrong-mode-or-owner --apply",
        r#"stat -c '%a %u' /tmp; grep -ao '"change":"mode".*"to":[0-9]*' /var/lib/tmpmedic/journal | grep -o '"from":[0-9]*'"#,
    );
    assert_eq!((fixed.code, &*seen), (0, "1777 0\n\"from\":493"), "{:#}", fixed.json);
}

#[test]
fn what_was_done_is_told_though_it_could_not_be_written_down_and_the_next_run_finds_out() {
    needs!("unshare", "setpriv", "strace");
    let said = crate::clean::scene(
        "chmod 755 /tmp; runner",
        &[
            "strace -qq -o /dev/null -e trace=fdatasync -e inject=fdatasync:error=ENOSPC:when=3 \
             /mnt/bin/tmpmedic fix tmp-wrong-mode-or-owner --apply",
            "stat -c %a /tmp",
            "tm undo; stat -c %a /tmp",
        ],
    );
    said[0].ends(1);
    said[0].says("done, but not written down");
    assert_eq!(said[1].text, "1777");
    assert!(said[2].text.ends_with("\n755"), "{}", said[2].text);
}

#[test]
fn a_missing_temp_dir_is_made_for_its_user_and_through_no_link() {
    needs!("unshare", "setpriv");
    let (fixed, seen) =
        fix("runner TMPDIR=/mnt/ci/tmp", "tmpdir-missing --apply", "stat -c '%a %u' /mnt/ci /mnt/ci/tmp");
    assert_eq!((fixed.code, &*seen), (0, "755 0\n700 1000"), "{:#}", fixed.json);
}

#[test]
fn a_replayed_failure_goes() {
    needs!("unshare", "setpriv");
    let (fixed, seen) = fix(
        r#"mkdir -p /mnt/job/target; cat > /mnt/job/target/.rustc_info.json <<'J'
{"rustc_fingerprint":1,"outputs":{"2":{"success":false,"status":"exit status: 2","code":2,"stdout":"","stderr":"sccache: error: No such file or directory (os error 2) at path \"/nope/sccachePgVrVp\"\n"}},"successes":{}}
J
        cd /mnt/job; start cargo; cd /"#,
        "cargo-cached-failure --apply",
        "ls -A /mnt/job/target",
    );
    assert_eq!((fixed.code, &*seen), (0, ""), "{:#}", fixed.json);
}

#[test]
fn a_cache_server_with_the_environment_of_an_old_job_ends_and_no_other() {
    needs!("unshare", "setpriv", "mkfifo");
    let setup = format!("{SERVER}\nserver TMPDIR=/mnt/job-7/_temp; runner TMPDIR=/tmp");
    let (planned, seen) =
        fix(&setup, "tmpdir-missing --action restart-daemon", "kill -0 $server && echo lives");
    let plan = &planned.json["fixes"][0]["plan"];
    assert_eq!((planned.code, &*seen), (0, "lives"), "{:#}", planned.json);
    assert_eq!((&plan["risk"], &plan["reversible"]), (&"interrupts".into(), &false.into()), "{plan:#}");
    assert_eq!(plan["ends"][0]["program"], "sccache", "{plan:#}");
    assert_eq!(plan["proofs"], serde_json::json!([]), "nobody is left there to prove it as: {plan:#}");
    let (refused, seen) =
        fix(&setup, "tmpdir-missing --action restart-daemon --apply", "kill -0 $server && echo lives");
    assert_eq!((refused.code, &*seen), (2, "lives"), "it cannot be taken back");
    let (fixed, seen) = fix(
        &setup,
        "tmpdir-missing --action restart-daemon --apply --yes",
        "set +e; wait $server; echo $?; kill -0 $pid && echo the runner lives
         /mnt/bin/tmpmedic check --json | grep -c tmpdir-missing\\\",\\\"severity
         /mnt/bin/tmpmedic undo 2>&1; echo undo $?",
    );
    assert_eq!(fixed.code, 0, "{:#}", fixed.json);
    let lines: Vec<&str> = seen.lines().collect();
    assert_eq!(lines[..3], ["143", "the runner lives", "0"], "by SIGTERM: {seen}");
    assert!(seen.ends_with("undo 2"), "{seen}");
}

#[test]
fn a_process_in_a_directory_that_is_gone_ends() {
    needs!("unshare", "setpriv");
    let (fixed, seen) = fix(
        "mkdir -m 777 /mnt/w; cd /mnt/w; start sccache; cd /; rmdir /mnt/w",
        "cwd-deleted --pid $pid --apply --yes",
        "wait $pid; echo $?",
    );
    assert_eq!((fixed.code, &*seen), (0, "143"), "by SIGTERM: {:#}", fixed.json);
}
