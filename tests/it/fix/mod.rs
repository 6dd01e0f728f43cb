//! The guided actions through the binary, each on a machine that is broken for real, and against those who race it.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use serde_json::Value;
use tmpmedic::exec::journal::{Journal, JournalError, Opened};
use tmpmedic::exec::treat::{self, Came, back};
use tmpmedic::exec::undo::Undone;
use tmpmedic::model::finding::Risk;
use tmpmedic::model::journal::{Begin, Record, WorkId};
use tmpmedic::model::mount::Device;
use tmpmedic::model::treatment::{Deed, Inode, Rights, SCHEMA, Step, Treatment, Way, Whom};
use tmpmedic::model::units::{BootNanos, WallNanos};

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

/// Starts a compiler-cache server: a program of that name without arguments, as the real one shows itself.
const SERVER: &str = r"
    cp /bin/cat /mnt/bin/sccache; mkfifo /mnt/never
    server() {
      setpriv --reuid 1000 --regid 1000 --clear-groups env -i PATH=/mnt/bin $* /mnt/bin/sccache <>/mnt/never >/dev/null 2>&1 &
      pid=$!; became sccache $pid; server=$pid
    }";

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

/// A plan with one deed.
pub fn plan(action: &str, deed: Deed) -> Treatment {
    treat::seal(Treatment {
        schema: SCHEMA.to_owned(),
        digest: String::new(),
        boot_id: String::new(),
        made: WallNanos(0),
        expires: WallNanos(i64::MAX),
        action: action.to_owned(),
        finding: String::new(),
        subject: String::new(),
        title: String::new(),
        risk: Risk::None,
        reversible: true,
        lasts: None,
        ends: Vec::new(),
        notes: Vec::new(),
        steps: vec![Step { does: String::new(), by_hand: "true".to_owned(), deed }],
        proofs: Vec::new(),
    })
}

/// A piece of work begins.
pub fn begin(journal: &mut Journal, work: WorkId, action: &str) {
    let begin = Begin {
        work,
        time: WallNanos(0),
        action: action.to_owned(),
        title: String::new(),
        finding: None,
        digest: String::new(),
        boot_id: String::new(),
        uid: 0,
        login_uid: None,
        undoes: None,
        place: None,
        quarantine: None,
    };
    journal.add(&Record::Begin(begin)).unwrap();
}

fn state(dir: &Path) -> std::fs::File {
    let state = dir.join("state");
    if !state.exists() {
        std::fs::create_dir(&state).unwrap();
        std::fs::set_permissions(&state, PermissionsExt::from_mode(0o700)).unwrap();
    }
    std::fs::File::open(state).unwrap()
}

/// Its journal. A child that another test is about to start holds the lock of one that was closed, until it is executed.
fn journal(dir: &Path) -> Opened {
    use std::os::fd::AsFd;
    loop {
        match Journal::open(state(dir).as_fd(), 0) {
            Err(JournalError::Busy) => std::thread::yield_now(),
            other => return other.unwrap(),
        }
    }
}

fn carry_out(dir: &Path, action: &str, deed: Deed) -> Came {
    let mut opened = journal(dir);
    let work = WorkId(opened.records.iter().filter(|r| matches!(r, Record::Begin(_))).count() as u64 + 1);
    begin(&mut opened.journal, work, action);
    treat::treat(&plan(action, deed), (&mut opened.journal, work), 0, &mut |_, _| {}).unwrap().remove(0)
}

fn gift(tree: &Path) -> Deed {
    let found = std::fs::symlink_metadata(tree).unwrap();
    let device = Device { major: rustix::fs::major(found.dev()), minor: rustix::fs::minor(found.dev()) };
    let inode = Inode { device, inode: found.ino() };
    Deed::GiveTree {
        at: Way { by: None, path: tree.as_os_str().into() },
        inode,
        old_uid: 0,
        uid: 4242,
        gid: 4242,
    }
}

fn uid(path: &Path) -> u32 {
    std::fs::symlink_metadata(path).unwrap().uid()
}

/// A tree of root with a hard link to a secret, a set-user-id file and a link out of it.
fn trap(dir: &Path) -> (std::path::PathBuf, std::path::PathBuf) {
    let (tree, secret) = (dir.join("tree"), dir.join("secret"));
    std::fs::create_dir_all(tree.join("deep/er")).unwrap();
    std::fs::write(&secret, "of root").unwrap();
    std::fs::hard_link(&secret, tree.join("innocent")).unwrap();
    std::fs::write(tree.join("suid"), "#!").unwrap();
    std::fs::set_permissions(tree.join("suid"), PermissionsExt::from_mode(0o4755)).unwrap();
    std::fs::write(tree.join("deep/er/plain"), "x").unwrap();
    std::os::unix::fs::symlink(dir.join("outside"), tree.join("link")).unwrap();
    std::fs::create_dir(dir.join("outside")).unwrap();
    (tree, secret)
}

#[test]
fn chown_gives_a_secret_away_and_give_to_runner_does_not() {
    needs!("chown");
    let control = sandbox::scratch();
    let (tree, secret) = trap(control.path());
    assert!(
        std::process::Command::new("chown").args(["-R", "4242:4242"]).arg(&tree).status().unwrap().success()
    );
    assert_eq!((uid(&secret), uid(&tree.join("suid"))), (4242, 4242), "the attack works against chown -R");

    let dir = sandbox::scratch();
    let (tree, secret) = trap(dir.path());
    let came = carry_out(dir.path(), "give-to-runner", gift(&tree));
    assert!(came.is_done(), "{came:?}");
    assert_eq!((uid(&secret), uid(&tree.join("suid")), uid(&dir.path().join("outside"))), (0, 0, 0));
    for given in ["", "deep", "deep/er", "deep/er/plain"] {
        assert_eq!(uid(&tree.join(given)), 4242, "{given}");
    }
    let told = came.told.join("\n");
    assert!(told.contains("innocent: has 2 names") && told.contains("suid: has a set-id bit"), "{told}");
    assert!(told.contains("link: a link is left alone"), "{told}");
}

#[test]
fn what_is_moved_into_a_tree_while_it_is_given_stays_with_its_owner() {
    needs!();
    let dir = sandbox::scratch();
    let (tree, his) = (dir.path().join("tree"), dir.path().join("his"));
    for made in ["tree/sub", "tree/own", "his"] {
        std::fs::create_dir_all(dir.path().join(made)).unwrap();
    }
    for made in ["tree/plain", "secret", "his/other", "more"] {
        std::fs::write(dir.path().join(made), "of root").unwrap();
    }
    for own in [&his, &tree.join("own")] {
        std::os::unix::fs::chown(own, Some(4242), Some(4242)).unwrap();
    }
    // He may rename what lies in his own directories, whosever it is.
    let moves = [("secret", "sub/secret"), ("his", "sub/his"), ("more", "own/more")];
    // It is asked before the deed once, and in its walk from then on.
    let asked = AtomicU64::new(0);
    let goes_on = || {
        if asked.fetch_add(1, Ordering::Relaxed) == 1 {
            for (from, to) in moves {
                std::fs::rename(dir.path().join(from), tree.join(to)).unwrap();
            }
        }
        true
    };
    let mut journal = Journal::open(std::os::fd::AsFd::as_fd(&state(dir.path())), 0).unwrap().journal;
    begin(&mut journal, WorkId(1), "give-to-runner");
    let plan = plan("give-to-runner", gift(&tree));
    let came = treat::treat_while(&plan, (&mut journal, WorkId(1)), 0, &goes_on, &mut |_, _| {}).unwrap();
    assert!(asked.load(Ordering::Relaxed) > 2, "they came while it walked");
    for secret in ["sub/secret", "sub/his/other", "own/more"] {
        assert_eq!(uid(&tree.join(secret)), 0, "{secret}: {came:?}");
    }
    assert_eq!((uid(&tree), uid(&tree.join("plain"))), (4242, 4242), "{came:?}");
    assert!(came[0].told.iter().any(|told| told.contains("while the tree was being given")), "{came:?}");
}

#[test]
fn taking_a_gift_back_leaves_what_the_runner_wrote_since() {
    needs!();
    let dir = sandbox::scratch();
    let tree = dir.path().join("tree");
    std::fs::create_dir(&tree).unwrap();
    for name in ["kept", "written"] {
        std::fs::write(tree.join(name), "of root").unwrap();
    }
    for name in ["", "kept", "written"] {
        let long_ago = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
        std::fs::File::open(tree.join(name)).unwrap().set_modified(long_ago).unwrap();
    }
    assert!(carry_out(dir.path(), "give-to-runner", gift(&tree)).is_done());
    std::fs::write(tree.join("written"), "of an attacker").unwrap();
    let undone = take_back(dir.path());
    assert_eq!(undone.left.len(), 1, "{undone:?}");
    assert_eq!((uid(&tree.join("kept")), uid(&tree.join("written"))), (0, 4242));
}

/// A tree of root's that was given away long after it was made, and the work that did it.
fn given(dir: &Path) -> std::path::PathBuf {
    let tree = dir.join("tree");
    std::fs::create_dir_all(tree.join("deep")).unwrap();
    std::fs::write(tree.join("deep/plain"), "of root").unwrap();
    std::fs::write(tree.join("twin"), "of root").unwrap();
    std::fs::hard_link(tree.join("twin"), dir.join("other name")).unwrap();
    std::fs::write(dir.join("elsewhere"), "of root").unwrap();
    // Stamps are those of the last tick.
    let made = std::fs::symlink_metadata(dir.join("elsewhere")).unwrap();
    let probe = dir.join("probe");
    loop {
        std::fs::write(&probe, "x").unwrap();
        let now = std::fs::symlink_metadata(&probe).unwrap();
        if (now.ctime() - made.ctime()) * 1_000_000_000 + now.ctime_nsec() - made.ctime_nsec() > 50_000_000 {
            break;
        }
    }
    assert!(carry_out(dir, "give-to-runner", gift(&tree)).is_done());
    tree
}

fn take_back(dir: &Path) -> Undone {
    let mut opened = journal(dir);
    begin(&mut opened.journal, WorkId(2), "undo");
    back::take_back(&mut opened.journal, &opened.records, WorkId(1), WorkId(2)).unwrap()
}

#[test]
fn a_gift_comes_back_whole_though_its_proof_made_and_removed_a_temp_dir_there() {
    needs!();
    let dir = sandbox::scratch();
    let tree = given(dir.path());
    for place in ["", "deep"] {
        std::fs::create_dir(tree.join(place).join("proof")).unwrap();
        std::fs::remove_dir(tree.join(place).join("proof")).unwrap();
    }
    let undone = take_back(dir.path());
    assert_eq!(undone.left, [], "{undone:?}");
    for path in ["", "deep", "deep/plain", "twin"] {
        assert_eq!(uid(&tree.join(path)), 0, "{path}");
    }
}

#[test]
fn a_directory_into_which_something_came_or_may_come_stays_with_the_runner() {
    needs!();
    let change = |how: &dyn Fn(&Path, &Path)| {
        let dir = sandbox::scratch();
        let tree = given(dir.path());
        how(dir.path(), &tree);
        let undone = take_back(dir.path());
        let plain = std::fs::symlink_metadata(tree.join("deep/plain")).map(|found| found.uid()).ok();
        (uid(&tree), plain, undone)
    };
    let made = change(&|_, tree| std::fs::write(tree.join("build"), "of the runner").unwrap());
    assert_eq!((made.0, made.1), (4242, Some(0)), "{made:?}");
    assert!(made.2.left[0].1.contains("build came into it since"), "{made:?}");
    let moved = change(&|dir, tree| std::fs::rename(dir.join("elsewhere"), tree.join("config")).unwrap());
    assert_eq!(moved.0, 4242, "somebody else's file under a name that the runner chose: {moved:?}");
    let renamed = change(&|_, tree| std::fs::rename(tree.join("deep"), tree.join("bin")).unwrap());
    assert_eq!(renamed.0, 4242, "{renamed:?}");
    let opened = change(&|_, tree| std::fs::set_permissions(tree, PermissionsExt::from_mode(0o777)).unwrap());
    assert_eq!(opened.0, 4242, "{opened:?}");
    // One entry: version 2; the owner rwx, user 4243 rwx, the group r-x, mask rwx, others r-x.
    let entries: [(u16, u16, u32); 5] =
        [(1, 7, u32::MAX), (2, 7, 4243), (4, 5, u32::MAX), (0x10, 7, u32::MAX), (0x20, 5, u32::MAX)];
    let mut acl = 2_u32.to_le_bytes().to_vec();
    for (tag, permission, id) in entries {
        acl.extend([tag.to_le_bytes(), permission.to_le_bytes()].concat());
        acl.extend(id.to_le_bytes());
    }
    let with_acl = change(&|_, tree| {
        let flags = rustix::fs::XattrFlags::empty();
        rustix::fs::setxattr(tree, "system.posix_acl_default", &acl, flags).unwrap();
    });
    assert_eq!(with_acl.0, 4242, "new files would be another's: {with_acl:?}");
}

/// Exchanges a directory of the tree and a link out of it until told to stop.
fn race(tree: &Path, stop: &AtomicBool, rounds: &AtomicU64) {
    let exchange = |one: &Path, other: &Path| {
        let flags = rustix::fs::RenameFlags::EXCHANGE;
        rustix::fs::renameat_with(rustix::fs::CWD, one, rustix::fs::CWD, other, flags)
    };
    while !stop.load(Ordering::Relaxed) {
        if exchange(&tree.join("a/dir"), &tree.join("a/link")).is_ok() {
            rounds.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Lists, then changes what it listed by path, as a first draft would.
fn naive(dir: &Path) {
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        let is_dir = entry.file_type().is_ok_and(|kind| kind.is_dir());
        rustix::fs::chownat(
            rustix::fs::CWD,
            &path,
            Some(rustix::fs::Uid::from_raw(4242)),
            None,
            rustix::fs::AtFlags::SYMLINK_NOFOLLOW,
        )
        .ok();
        if is_dir {
            naive(&path);
        }
    }
}

/// How often the canary outside was given away, in so many attempts against that racer.
fn escapes(attempts: usize, give: impl Fn(&Path, &Path)) -> usize {
    let mut escaped = 0;
    for _ in 0..attempts {
        let dir = sandbox::scratch();
        let tree = dir.path().join("tree");
        std::fs::create_dir_all(tree.join("a/dir")).unwrap();
        std::fs::create_dir(dir.path().join("outside")).unwrap();
        for n in 0..40 {
            std::fs::write(tree.join(format!("a/dir/{n}")), "x").unwrap();
            std::fs::write(dir.path().join(format!("outside/{n}")), "canary").unwrap();
        }
        std::os::unix::fs::symlink(dir.path().join("outside"), tree.join("a/link")).unwrap();
        let (stop, rounds) = (AtomicBool::new(false), AtomicU64::new(0));
        std::thread::scope(|scope| {
            scope.spawn(|| race(&tree, &stop, &rounds));
            while rounds.load(Ordering::Relaxed) < 10 {
                std::hint::spin_loop();
            }
            give(dir.path(), &tree);
            stop.store(true, Ordering::Relaxed);
        });
        let canaries = (0..40).map(|n| dir.path().join(format!("outside/{n}")));
        escaped += usize::from(canaries.into_iter().any(|canary| uid(&canary) != 0));
    }
    escaped
}

#[test]
fn whoever_exchanges_a_directory_and_a_link_gains_nothing() {
    needs!();
    let (attempts, runs) = (60, 8);
    // On a busy machine the racer gets too little time; such a run says nothing, and the next one may.
    for _ in 0..runs {
        let control = escapes(attempts, |_, tree| naive(tree));
        let ours = escapes(attempts, |dir, tree| {
            carry_out(dir, "give-to-runner", gift(tree));
        });
        assert_eq!(ours, 0, "of {attempts}; a naive walker lost {control}");
        if control * 10 >= attempts * 3 {
            return;
        }
    }
    eprintln!(
        "skipped: in {runs} runs the racer never beat a naive walker in 30 % of {attempts} attempts: void"
    );
}

#[test]
fn a_process_that_got_the_number_of_another_is_not_ended() {
    needs!("unshare");
    let output = sandbox::run(
        "/mnt/bin/actor fix::ends_a_process_whose_number_was_given_away --exact --ignored --nocapture 2>&1",
    );
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

fn whom(pid: u32) -> Whom {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let ticks: u64 = stat.rsplit(')').next().unwrap().split_whitespace().nth(19).unwrap().parse().unwrap();
    Whom { pid, started: BootNanos(ticks * 10_000_000) }
}

/// In a PID namespace of its own, where the next number can be chosen.
#[test]
#[ignore = "an actor: chooses process numbers"]
fn ends_a_process_whose_number_was_given_away() {
    let dir = Path::new("/mnt/actor-journal");
    std::fs::create_dir(dir).unwrap();
    let sleep = || std::process::Command::new("sleep").arg("600").spawn().unwrap();
    let mut first = sleep();
    let (pid, planned) = (first.id(), whom(first.id()));
    first.kill().unwrap();
    first.wait().unwrap();
    // Start times are counted in ticks: the next process must not start in the same one.
    let mut second = loop {
        std::fs::write("/proc/sys/kernel/ns_last_pid", (pid - 1).to_string()).unwrap();
        let mut next = sleep();
        if next.id() == pid && whom(pid).started.0.abs_diff(planned.started.0) > 20_000_000 {
            break next;
        }
        next.kill().unwrap();
        next.wait().unwrap();
    };
    let stop = |whom| Deed::Stop { whom, uid: 0, exe: None, patience_ms: 5000, kill: true };
    let came = carry_out(dir, "stop-process", stop(planned));
    assert!(!came.is_done(), "{came:?}");
    assert!(second.try_wait().unwrap().is_none(), "the innocent lives");
    let came = carry_out(dir, "stop-process", stop(whom(pid)));
    assert!(came.is_done(), "the one that is meant ends: {came:?}");
    second.wait().unwrap();
}

#[test]
fn whoever_serves_a_file_system_in_user_space_keeps_nobody_waiting() {
    needs!("unshare", "setpriv");
    if !Path::new("/dev/fuse").exists() {
        crate::skip!("needs /dev/fuse");
    }
    let dir = sandbox::scratch();
    let inner = dir.path().join("hung/x");
    std::fs::create_dir(dir.path().join("hung")).unwrap();
    let actor = "actors::a_deed_below_a_file_system_that_never_answers";
    let output = sandbox::run(&format!(
        "HUNG={} /mnt/bin/actor --exact actors::file_system_that_never_answers --ignored >/dev/null 2>&1 & fuse=$!
         until [ -e /mnt/hung-is-mounted ]; do :; done
         set +e; INNER={} timeout -s KILL 20 /mnt/bin/actor --exact {actor} --ignored --nocapture; code=$?
         kill -KILL $fuse; exit $code",
        dir.path().join("hung").display(),
        inner.display()
    ));
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(text.matches("hung is a file system in user space (fuse.hung)").count(), 4, "{text}");
}

/// What an actor does.
#[expect(clippy::print_stdout, reason = "what an actor prints is read by its test")]
pub fn try_every_deed_below(inner: &Path) {
    let at = || Way { by: None, path: inner.as_os_str().into() };
    let (device, rights) = (Device { major: 0, minor: 1 }, Rights::SHARED);
    let inode = Inode { device, inode: 1 };
    let deeds = [
        Deed::MakeDir { at: at(), rights },
        Deed::SetRights { at: at(), inode, from: rights, to: rights },
        Deed::GiveTree { at: at(), inode, old_uid: 0, uid: 4242, gid: 4242 },
        Deed::RemoveRecord { at: Way { path: at().path.join(b".rustc_info.json"), ..at() } },
    ];
    let state = sandbox::scratch();
    for deed in deeds {
        println!("{:?}", carry_out(state.path(), "x", deed).done);
    }
}
