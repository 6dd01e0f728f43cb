//! Clean-ups through the binary, in private machines: what goes, what stays, and that nothing is ever lost.

use std::collections::BTreeSet;
use std::io::Write;

use serde_json::Value;

use crate::{needs, sandbox};

/// A machine with a state of its own, and the words that the scenes are written in.
const PROLOGUE: &str = r#"
mount -t tmpfs -o mode=755 lab /run
mount -t tmpfs -o mode=755 lab /var/lib
tm() { /mnt/bin/tmpmedic "$@"; }
user() { setpriv --reuid 1000 --regid 1000 --clear-groups env -i HOME=/mnt/home LC_ALL=C.UTF-8 PATH="$PATH" "$@"; }
mkdir /mnt/home; chown 1000:1000 /mnt/home
# builds NAME…: a leftover of go each, with something in it.
builds() { for name; do mkdir -p "/tmp/$name/b001/exe"; echo "$name" > "/tmp/$name/b001/exe/a.out"; done; }
# aged NAME SECONDS: waits until the entry is that old.
aged() { until [ $(($(date +%s) - $(stat -c %Z "/tmp/$1"))) -ge "$2" ]; do sleep 0.05; done; }
tree() { (cd /tmp && find . -mindepth 1 -path './.tmpmedic-*' -prune -o -mindepth 1 -printf '%p %y %i %U:%G %m %s %n %T@ %l\n' | sort); }
count() { find /tmp -mindepth 1 -maxdepth 1 ! -name '.tmpmedic-*' | wc -l; }
aside() { find /tmp/.tmpmedic-* -mindepth 1 -maxdepth 1 2>/dev/null | wc -l; }
in_place() { "$@" >/dev/null 2>&1; }
"#;

/// What one command printed, and how it ended.
#[derive(Debug)]
pub struct Said {
    pub text: String,
    pub code: i32,
}

impl Said {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|why| panic!("no document ({why}): {}", self.text))
    }

    #[track_caller]
    pub fn says(&self, words: &str) {
        let one_line = self.text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(one_line.contains(words), "`{words}` is not said in:\n{}", self.text);
    }

    #[track_caller]
    pub fn ends(&self, code: i32) {
        assert_eq!(self.code, code, "{}", self.text);
    }
}

/// Builds a scene, then runs commands in it, each a line of shell; what they say on both streams is kept.
pub fn scene(setup: &str, commands: &[&str]) -> Vec<Said> {
    const MARK: &str = "==ended==";
    let mut script = format!("{PROLOGUE}\n{setup}\nset +e\n");
    for command in commands {
        script.push_str(&format!("{{ {command}\n}} 2>&1; echo; echo \"{MARK} $?\"\n"));
    }
    // `$?` after the group would be that of echo.
    let script =
        script.replace(&format!("echo; echo \"{MARK} $?\""), &format!("rc=$?; echo; echo \"{MARK} $rc\""));
    // Through standard input: a script on a command line would name every entry there, and so keep it.
    let mut child = sandbox::start("cat > /mnt/scene; . /mnt/scene");
    child.stdin.take().expect("piped").write_all(script.as_bytes()).expect("the sandbox reads");
    let output = child.wait_with_output().expect("it was started");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut said = Vec::new();
    let mut lines = String::new();
    for line in text.lines() {
        if let Some(code) = line.strip_prefix(MARK) {
            said.push(Said { text: lines.trim_end().to_owned(), code: code.trim().parse().unwrap() });
            lines.clear();
        } else {
            lines.push_str(line);
            lines.push('\n');
        }
    }
    let talk = String::from_utf8_lossy(&output.stderr);
    assert_eq!(said.len(), commands.len(), "the sandbox died: {text}{lines}{talk}");
    said
}

pub fn paths(all: &Value) -> BTreeSet<String> {
    let path = |v: &Value| v["path"].as_str().or_else(|| v.as_str()).unwrap().to_owned();
    all.as_array().unwrap().iter().map(path).collect()
}

/// The entries of a plan with that verdict.
pub fn verdict(plan: &Value, word: &str) -> BTreeSet<String> {
    let all = plan["entries"].as_array().unwrap().iter();
    all.filter(|e| e["verdict"] == word).map(|e| e["path"].as_str().unwrap().to_owned()).collect()
}

pub fn reason<'v>(plan: &'v Value, path: &str) -> &'v str {
    let all = plan["entries"].as_array().unwrap();
    let entry = all.iter().find(|e| e["path"] == path).unwrap_or_else(|| panic!("{path} is not in the plan"));
    assert_eq!(entry["verdict"], "keep", "{path}");
    entry["reason"].as_str().unwrap()
}

#[test]
fn what_was_planned_is_exactly_what_goes_and_undo_gives_the_same_tree_back() {
    needs!("unshare", "setpriv");
    let said = scene(
        "builds go-build1 go-build2 go-build3; echo kept > /tmp/.testnet_password; mkdir /tmp/own
         ln -s /etc/passwd /tmp/go-build3/link; mkfifo /tmp/go-build3/pipe; chmod 555 /tmp/go-build2/b001
         touch -d 2001-02-03 /tmp/go-build2/b001/exe/a.out; chown 1000:1000 /tmp/go-build1/b001",
        &[
            "tree",
            "tm clean --older-than 0s --json > /mnt/plan; rc=$?; cat /mnt/plan; (exit $rc)",
            "tm clean --apply --plan /mnt/plan --json",
            "tree",
            "tm journal --json",
            "tm undo",
            "tree",
            "tm undo",
        ],
    );
    let plan = said[1].json();
    said[1].ends(0);
    assert_eq!(plan["schema"], "tmpmedic.plan/1");
    assert_eq!(plan["totals"]["remove"], 3);
    let done = said[2].json();
    said[2].ends(0);
    assert_eq!(done["digest"], plan["digest"]);
    assert_eq!(paths(&done["works"][0]["taken"]), verdict(&plan, "remove"));
    assert!(
        said[3].text.contains(".testnet_password") && !said[3].text.contains("go-build"),
        "{}",
        said[3].text
    );
    let journal = said[4].json();
    assert_eq!(journal["entries"][0]["digest"], plan["roots"][0]["digest"]);
    assert_eq!(journal["entries"][0]["steps"].as_array().unwrap().len(), 3);
    assert_eq!(journal["entries"][0]["after"][0]["probe"], "yes");
    said[5].ends(0);
    assert_eq!(said[6].text, said[0].text, "inode, owner, mode, size, links, times and targets are the same");
    said[7].ends(2);
    said[7].says("nothing that was done can be taken back");
}

#[test]
fn whoever_has_to_do_with_an_entry_keeps_it_and_is_named() {
    needs!("unshare", "setpriv", "flock");
    let said = scene(
        "builds go-build1 go-build2 go-build3 go-build4 go-build5 go-build6 go-build7 go-build8 go-build9
         (cd /tmp/go-build1; exec /mnt/bin/go 600) & cwd=$!; became go $cwd
         /mnt/bin/go 600 < /tmp/go-build2/b001/exe/a.out & open=$!; became go $open
         flock /tmp/go-build3 sh -c 'touch /mnt/locked; exec sleep 600' & until [ -e /mnt/locked ]; do sleep 0.05; done
         mkdir /mnt/elsewhere; mount --bind /tmp/go-build4/b001 /mnt/elsewhere
         unshare --mount --propagation private sh -c 'mount -t tmpfs lab /tmp/go-build5/b001; touch /mnt/apart; exec sleep 600' &
         until [ -e /mnt/apart ]; do sleep 0.05; done
         env TMPDIR=/tmp/go-build6 /mnt/bin/go 600 & variable=$!; became go $variable
         chown 4242 /tmp/go-build7
         mkdir -p /tmp/.X11-unix /tmp/fm-keep; aged go-build7 3; touch /tmp/go-build8/b001/exe/fresh",
        &[
            "echo $cwd $open $variable",
            "tm clean /tmp --older-than 2s --keep 'fm-*' --json",
            "tm clean /tmp --older-than 2s --keep 'fm-*' --apply --json",
            "for n in 1 2 3 4 5 6 7 8; do [ -e /tmp/go-build$n/b001/exe/a.out ] || echo lost $n; done; ls /tmp",
        ],
    );
    let pids: Vec<&str> = said[0].text.split(' ').collect();
    let plan = said[1].json();
    for (path, words) in [
        ("/tmp/go-build1", format!("pid {}", pids[0])),
        ("/tmp/go-build2", format!("pid {}", pids[1])),
        ("/tmp/go-build3", "lock".to_owned()),
        ("/tmp/go-build4", "mounted elsewhere".to_owned()),
        ("/tmp/go-build5", "mounted in it in another namespace".to_owned()),
        ("/tmp/go-build6", format!("pid {}", pids[2])),
        ("/tmp/go-build7", "4242".to_owned()),
        ("/tmp/go-build8", "at b001/exe".to_owned()),
        ("/tmp/.X11-unix", "never while the system is up".to_owned()),
        ("/tmp/fm-keep", "to be kept".to_owned()),
    ] {
        let why = reason(&plan, path);
        assert!(why.contains(&words), "{path}: {why}");
    }
    assert_eq!(verdict(&plan, "remove"), BTreeSet::from(["/tmp/go-build9".to_owned()]));
    said[2].ends(0);
    assert_eq!(paths(&said[2].json()["works"][0]["taken"]), BTreeSet::from(["/tmp/go-build9".to_owned()]));
    assert!(!said[3].text.contains("lost"), "{}", said[3].text);
}

#[test]
fn without_apply_no_call_that_changes_anything_is_made() {
    needs!("unshare", "strace");
    let calls = "mkdir,mkdirat,rmdir,unlink,unlinkat,rename,renameat,renameat2,link,linkat,symlink,symlinkat,mknod,mknodat,\
                 creat,truncate,ftruncate,chmod,fchmod,fchmodat,chown,fchown,lchown,fchownat,utimensat,setxattr,lsetxattr,\
                 fsetxattr,removexattr,mount,umount2,fallocate,pwrite64,pwritev,sendfile,copy_file_range,kill,tgkill";
    let said = scene(
        "builds go-build1 go-build2; tree > /mnt/before",
        &[
            &format!(
                "strace -f -qq -o /mnt/trace -e signal=none -e trace={calls},open,openat,openat2 /mnt/bin/tmpmedic clean --older-than 0s"
            ),
            "grep -vE 'ENOSYS|O_RDONLY|O_PATH' /mnt/trace; grep -E 'O_(WRONLY|RDWR|CREAT|TRUNC)' /mnt/trace; true",
            "tree | cmp - /mnt/before; ls /run /var/lib",
        ],
    );
    said[0].says("2 of 2 entries can go");
    assert_eq!(said[1].text, "", "calls that change something");
    said[2].ends(0);
    assert!(!said[2].text.contains("tmpmedic"), "no state is made: {}", said[2].text);
}

#[test]
fn a_plan_runs_exactly_as_it_is_or_not_at_all() {
    needs!("unshare");
    let said = scene(
        "builds go-build1 go-build2; tm clean --older-than 0s --json > /mnt/plan
         sed 's/\"boot_id\":\"[^\"]*\"/\"boot_id\":\"another\"/' /mnt/plan > /mnt/boot
         sed 's/\"digest\":\"...../\"digest\":\"00000/g' /mnt/plan > /mnt/digest
         sed 's/go-build1/go-build9/g' /mnt/plan > /mnt/name; mkfifo /mnt/pipe; cp /mnt/plan /mnt/shared; chmod 666 /mnt/shared
         cp /mnt/plan /mnt/theirs; chown 4242 /mnt/theirs; echo '[]' > /mnt/other; tree > /mnt/before",
        &[
            "tm clean --apply --plan /mnt/boot",
            "tm clean --apply --plan /mnt/digest",
            "tm clean --apply --plan /mnt/name",
            "tm clean --apply --plan /mnt/pipe",
            "tm clean --apply --plan /mnt/shared",
            "tm clean --apply --plan /mnt/theirs",
            "tm clean --apply --plan /mnt/other",
            "tree | cmp - /mnt/before",
            "mv /tmp/go-build1 /tmp/moved; builds go-build1; tm clean --apply --plan /mnt/plan",
            "count; aside",
            "rm -r /tmp/go-build1; mv /tmp/moved /tmp/go-build1; tm clean --apply --plan /mnt/plan",
            "count; aside",
        ],
    );
    for (said, words) in said.iter().zip([
        "changed since it was made",
        "changed since it was made",
        "another object|gone|changed",
    ]) {
        said.ends(75);
        assert!(words.split('|').any(|words| said.text.contains(words)), "{}", said.text);
    }
    for said in &said[3..7] {
        said.ends(64);
    }
    said[7].ends(0);
    said[8].ends(75);
    said[8].says("go-build1: another object has its name");
    assert_eq!(said[9].text, "3\n0", "nothing was touched");
    said[10].ends(0);
    assert_eq!(said[11].text, "0\n2");
}

#[test]
fn places_from_which_others_could_take_it_away_and_read_only_ones_are_refused() {
    needs!("unshare");
    let said = scene(
        "builds go-build1; echo 'read_only = true' > /mnt/site",
        &[
            "tm clean /tmp --older-than 0s --apply --read-only",
            "tm clean /tmp --older-than 0s --apply --config /mnt/site",
            "tm undo --config /mnt/site",
            "tm purge --read-only",
            "chmod 777 /tmp; tm clean /tmp --older-than 0s --apply",
            "chmod 1777 /tmp; mount -o remount,ro /tmp; tm clean /tmp --older-than 0s --apply",
            "mount -o remount,rw /tmp; tm clean /etc --older-than 0s --apply",
            "ln -s /tmp /mnt/link; tm clean /mnt/link --older-than 0s --apply",
            "tm clean /tmp --older-than 0s --apply --delete",
            "flock /var/lib/tmpmedic/lock tmpmedic --version >/dev/null 2>&1; exec 8>/var/lib/tmpmedic/lock; flock 8; \
             /mnt/bin/tmpmedic clean /tmp --older-than 0s --apply 8>&-",
            "exec 8>&-; ls /tmp",
        ],
    );
    for said in &said[..4] {
        said.ends(77);
    }
    said[1].says("read_only = true");
    said[4].ends(2);
    said[4].says("no sticky bit");
    said[4].says("chmod 1777 /tmp");
    said[5].ends(2);
    said[5].says("Read-only file system");
    said[6].ends(64);
    said[7].ends(64);
    said[7].says("symbolic link");
    said[8].ends(64);
    said[8].says("--yes");
    said[9].ends(75);
    said[9].says("another tmpmedic is at work");
    assert!(said[10].text.contains("go-build1"), "{}", said[10].text);
}

#[test]
fn without_a_place_for_the_journal_nothing_is_done_unless_undo_is_given_up() {
    needs!("unshare", "setpriv");
    let said = scene(
        "builds go-build1 go-build2; mount -o remount,ro /var/lib; mount -o remount,ro /run; chown -R 1000:1000 /tmp/go-build2",
        &[
            "tm clean /tmp --older-than 0s --apply",
            "count",
            "user HOME=/nonexistent /mnt/bin/tmpmedic clean /tmp --older-than 0s --assume-unheld --apply",
            "tm clean /tmp --older-than 0s --owner root --apply --no-undo",
            "count; aside",
        ],
    );
    said[0].ends(2);
    said[0].says("--no-undo");
    said[0].says("/var/lib/tmpmedic");
    assert_eq!(said[1].text, "2");
    said[2].ends(77);
    said[3].ends(0);
    said[3].says("No journal was written");
    assert_eq!(said[4].text, "1\n1");
}

#[test]
fn a_full_disk_and_the_last_inode_are_no_trouble_where_a_quarantine_is() {
    needs!("unshare");
    let said = scene(
        "mount -t tmpfs -o mode=1777,size=1m,nr_inodes=30 lab /tmp",
        &[
            "builds go-build1; while mkdir /tmp/go-build2$((n=n+1)) 2>/dev/null; do :; done; tm clean /tmp --older-than 0s --apply",
            "df --output=iavail /tmp | tail -1; count",
            "rmdir /tmp/go-build21; tm clean /tmp --older-than 0s --apply; tm undo",
            "mkdir /tmp/go-build3$((m=m+1)) 2>/dev/null; df --output=iavail /tmp | tail -1; tm clean /tmp --older-than 0s --apply",
            "tm purge --older-than 0s --yes; df --output=iavail /tmp | tail -1",
            "fill /tmp; builds go-build9; ls -ld /tmp/go-build9; df --output=avail /tmp | tail -1",
            "tm clean /tmp --older-than 0s --family other --apply --delete --yes; df --output=avail /tmp | tail -1",
        ],
    );
    said[0].ends(2);
    said[0].says("not even a directory can be made");
    assert!(said[1].text.trim().starts_with('0'), "{}", said[1].text);
    said[2].ends(0);
    assert!(said[3].text.trim().starts_with('0'), "no inode is left: {}", said[3].text);
    said[3].ends(0);
    said[3].says("put aside");
    let free: u64 = said[4].text.lines().last().unwrap().trim().parse().unwrap();
    assert!(free > 20, "{}", said[4].text);
    assert!(said[5].text.lines().last().unwrap().trim() == "0", "the disk is full: {}", said[5].text);
    let free: u64 = said[6].text.lines().last().unwrap().trim().parse().unwrap();
    assert!(free > 900, "{}", said[6].text);
}

#[test]
fn an_ordinary_user_cleans_what_is_theirs_and_nothing_else() {
    needs!("unshare", "setpriv");
    let said = scene(
        "builds go-build1 go-build2; chown -R 1000:1000 /tmp/go-build1",
        &[
            "user /mnt/bin/tmpmedic clean /tmp --older-than 0s --json 2>/dev/null",
            "user /mnt/bin/tmpmedic clean /tmp --older-than 0s --assume-unheld --apply --json",
            "stat -c '%U:%a' /tmp/.tmpmedic-1000-*; stat -c %a /mnt/home/.local/state/tmpmedic; ls /var/lib /run",
            "user /mnt/bin/tmpmedic undo",
            "ls /tmp",
            "user /mnt/bin/tmpmedic undo 99",
        ],
    );
    let plan = said[0].json();
    assert!(reason(&plan, "/tmp/go-build2").contains("belongs to uid 0") || plan["totals"]["remove"] == 0);
    let done = said[1].json();
    said[1].ends(0);
    assert_eq!(paths(&done["works"][0]["taken"]), BTreeSet::from(["/tmp/go-build1".to_owned()]));
    assert!(said[2].text.ends_with("700") || said[2].text.contains("700\n700"), "{}", said[2].text);
    said[3].ends(0);
    assert!(said[4].text.contains("go-build1") && said[4].text.contains("go-build2"), "{}", said[4].text);
    said[5].ends(64);
}

#[test]
fn purge_frees_what_is_old_enough_or_named_and_only_what_is_ours() {
    needs!("unshare");
    let said = scene(
        "builds go-build1 go-build2; tm clean /tmp --older-than 0s --family go-build --apply > /mnt/log",
        &[
            "tm purge --yes",
            "aside; tm purge --older-than 0s; aside",
            "q=$(ls -d /tmp/.tmpmedic-*); mkdir $q/precious; mv $q/1-0 $q/x; mkdir $q/1-0; touch $q/1-0/theirs; mkdir -p $q/1-d4/rest",
            "tm purge 1 --yes",
            "ls -R $q",
            "tm undo 1",
            "tm journal",
        ],
    );
    said[0].ends(0);
    said[0].says("younger than 7 d");
    said[1].says("2 entries lie aside for more than 0 s");
    said[1].says("tmpmedic purge --older-than 0s --yes");
    assert!(said[1].text.starts_with("2\n") && said[1].text.ends_with("\n2"), "nothing is freed unasked");
    said[3].ends(1);
    said[3].says("another object lies in its place");
    said[3].says("precious: lies in the quarantine, but not because of any work");
    for kept in ["precious", "theirs", "x"] {
        assert!(said[4].text.contains(kept), "{kept}: {}", said[4].text);
    }
    assert!(!said[4].text.contains("1-1") && !said[4].text.contains("rest"), "{}", said[4].text);
    said[5].ends(2);
    said[6].says("purge");
}

#[test]
fn a_signal_stops_between_two_entries_and_all_of_it_can_be_taken_back() {
    needs!("unshare");
    let said = scene(
        "for n in $(seq 4000); do mkdir /tmp/go-build$n; done; tree > /mnt/before",
        &[
            "/mnt/bin/tmpmedic clean /tmp --older-than 0s --apply > /mnt/log & job=$!; until [ \"$(aside)\" -gt 50 ]; do :; done
             /bin/kill -TERM $job; wait $job",
            "cat /mnt/log; [ $(($(count) + $(aside))) = 4000 ] && [ $(count) -gt 0 ]",
            "tm journal --json",
            "tm undo >/dev/null; tree | cmp - /mnt/before",
        ],
    );
    assert_eq!(said[0].code, 1, "{}{}", said[0].text, said[1].text);
    said[1].ends(0);
    said[1].says("stopped between two entries");
    assert!(said[2].json()["entries"][0]["ended"].is_string(), "the journal is closed");
    said[3].ends(0);
}

#[test]
fn after_a_kill_at_any_moment_the_journal_reads_and_undo_gives_everything_back() {
    needs!("unshare");
    let said = scene(
        "for n in $(seq 300); do mkdir /tmp/go-build$n; done; tree > /mnt/before",
        &["for moment in $(seq 30); do
             /mnt/bin/tmpmedic clean /tmp --older-than 0s --apply >/dev/null 2>&1 & job=$!
             until [ \"$(aside)\" -ge $((moment * 9)) ] || [ ! -d /proc/$job ]; do :; done
             kill -KILL $job 2>/dev/null; wait $job 2>/dev/null
             tm journal >/dev/null || echo \"moment $moment: the journal does not read\"
             tm undo >/mnt/log 2>&1; tree | cmp -s - /mnt/before || { echo \"moment $moment: not the same\"; cat /mnt/log; }
           done; tm journal --json > /mnt/j; grep -o interrupted /mnt/j | wc -l; aside"],
    );
    let lines: Vec<&str> = said[0].text.lines().collect();
    assert!(!said[0].text.contains("moment"), "{}", said[0].text);
    assert_eq!(*lines.last().unwrap(), "0", "nothing is left aside");
}

#[test]
fn what_a_clean_up_does_not_cure_is_said_aloud() {
    needs!("unshare", "setpriv");
    let said = scene(
        "mkdir -p /mnt/private/tmp; chmod 1777 /mnt/private/tmp
         apart 'mount --bind /mnt/private/tmp /tmp'; rmdir /mnt/private/tmp; builds go-build1",
        &["tm clean /tmp --older-than 0s"],
    );
    said[0].ends(0);
    said[0].says("cleaning /tmp will not help here:");
}

#[test]
fn what_fails_elsewhere_is_told_as_what_this_clean_up_does_not_cure() {
    needs!("unshare", "setpriv");
    let said = scene(
        "mkdir -p /dev/shm; mount -t tmpfs -o mode=1777 lab /dev/shm; runner TMPDIR=/mnt/nope; builds go-build1",
        &["tm clean /dev/shm --older-than 0s", "tm clean /tmp /dev/shm --older-than 0s"],
    );
    said[0].says("cleaning /dev/shm does nothing against this:");
    said[1].says("cleaning /tmp and /dev/shm does nothing against this:");
    for said in &said {
        said.says("/mnt/nope");
        assert!(!said.text.contains("will not help here"), "{}", said.text);
    }
}

#[test]
fn whoever_may_not_look_without_a_trace_does_not_look() {
    needs!("unshare", "setpriv");
    let said = scene(
        "builds go-build1 go-build2 go-build3; chmod 755 /tmp/go-build*
         chown -R 1000:1000 /tmp/go-build2 /tmp/go-build3; chown 0:0 /tmp/go-build3/b001/exe
         dirs=; for n in 1 2 3; do dirs=\"$dirs /tmp/go-build$n /tmp/go-build$n/b001 /tmp/go-build$n/b001/exe\"; done
         touch -a -d '30 days ago' $dirs
         stamps() { stat -c '%n %x' $dirs; }
         stamps > /mnt/before",
        &[
            "user /mnt/bin/tmpmedic clean /tmp --older-than 0s --assume-unheld --json",
            "stamps | diff /mnt/before - && echo untouched",
        ],
    );
    said[1].says("untouched");
    let entries = said[0].json()["entries"].clone();
    let told: Vec<(&str, &str)> = entries
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| (entry["verdict"].as_str().unwrap(), entry["reason"].as_str().unwrap()))
        .collect();
    assert_eq!(told[0], ("keep", "it belongs to uid 0"), "{told:?}");
    assert_eq!(told[1].0, "remove", "{told:?}");
    assert!(told[2].1.contains("b001/exe: it is of another user, and to list it"), "{told:?}");
}

#[test]
fn what_was_purged_is_told_with_its_work() {
    needs!("unshare");
    let said = scene(
        "builds go-build1 go-build2",
        &[
            "tm clean /tmp --older-than 0s --apply --yes",
            "tm purge 1 --older-than 0s --yes; tm purge 1 --yes",
            "tm journal",
            "tm journal --json",
        ],
    );
    said[2].says("2 of them were removed for good on ");
    said[2].says(" by work 2 (purge)");
    let purged = said[3].json()["entries"][0]["purged"].clone();
    assert_eq!((purged["by"].as_u64(), purged["entries"].as_u64()), (Some(2), Some(2)), "{purged}");
}

#[test]
fn the_founding_incident_is_cleaned_without_breaking_the_runners() {
    needs!("unshare", "mkfs.ext4", "debugfs", "setpriv");
    let said = scene(
        r#"disk 64M -N 8192 -I 256
         cd "$disk"; boot=$(tr -d - < /proc/sys/kernel/random/boot_id)
         for n in 1 2; do mkdir -p systemd-private-$boot-forgejo-runner@$n.service-k2Xq9$n/tmp; chmod 1777 systemd-private-*@$n.*/tmp; done
         for n in $(seq 556); do mkdir go-build$((1000000 + n)); done; for n in $(seq 133); do : > go-link-$((2000000 + n)); done
         echo secret > .testnet_password
         find . -mindepth 1 -maxdepth 1 ! -name lost+found ! -name 'systemd-*' -printf '%f\n' > /mnt/old
         cd /; umount "$disk"
         while read -r name; do for stamp in atime ctime mtime crtime; do echo "sif /$name $stamp 20200101000000"; done; done < /mnt/old > /mnt/age
         debugfs -w -f /mnt/age /mnt/image >/dev/null 2>&1
         mount -o loop,noatime /mnt/image /tmp; chmod 1777 /tmp; rmdir /tmp/lost+found
         for n in $(seq 799); do mkdir /tmp/go-build$((3000000 + n)); done
         for n in 1 2; do apart "mount --bind /tmp/systemd-private-$boot-forgejo-runner@$n.service-k2Xq9$n/tmp /tmp"; eval runner$n=$pid; done"#,
        &[
            "count",
            "tm clean /tmp --json",
            "tm clean /tmp",
            "tm clean /tmp --apply --format markdown",
            "count; cat /tmp/.testnet_password",
            "for pid in $runner1 $runner2; do nsenter -t $pid -m mkdir /tmp/rustcVAIpSt || echo broken; done",
            "tm undo; count",
        ],
    );
    assert_eq!(said[0].text, "1491");
    let plan = said[1].json();
    let going = verdict(&plan, "remove");
    let dirs = going.iter().filter(|path| path.starts_with("/tmp/go-build1")).count();
    let kept = plan["totals"]["keep"].as_u64().unwrap();
    assert_eq!((dirs, going.len() as u64 + kept), (556, 1491), "{}", said[2].text);
    assert_eq!(going.len(), 689, "{}", said[2].text);
    assert!(!going.contains("/tmp/.testnet_password"));
    for path in verdict(&plan, "keep").iter().filter(|path| path.contains("systemd-private")) {
        let why = reason(&plan, path);
        let known = ["never while the system is up", "tmpfiles.d keeps it", "mounted elsewhere"];
        assert!(known.iter().any(|words| why.contains(words)), "{why}");
    }
    said[3].ends(0);
    said[3].says("| old directories | 556 | 0 | -556 |");
    said[3].says("| temp dir can be made | yes | yes |");
    assert_eq!(said[4].text, "802\nsecret");
    assert_eq!(said[5].text, "", "the runners still create temp dirs");
    assert!(said[6].text.ends_with("1491"), "{}", said[6].text);
}

#[test]
fn names_that_were_chosen_one_by_one_go_alone_and_their_command_has_the_same_digest() {
    needs!("unshare");
    let said = scene(
        "builds go-build1 go-build2; mkdir /tmp/-rf; aged go-build2 1",
        &[
            "tm clean /tmp --older-than 0s --name go-build1 --name=-rf --json > /mnt/plan; grep -o '\"verdict\":\"remove\"' /mnt/plan | wc -l",
            "tm clean /tmp --older-than 0s --name go-build1 --name=-rf | grep -- --apply | sed 's/^ *tmpmedic/tm/' > /mnt/line; cat /mnt/line",
            ". /mnt/line; ls -A /tmp | grep -v tmpmedic",
            "tm clean /tmp --name go-build9",
            "tm clean /tmp --name /tmp/go-build2",
        ],
    );
    said[0].says("2");
    said[1].says("--name=go-build1 --name=-rf");
    said[2].says("2 of 2 entries put aside");
    assert!(said[2].text.ends_with("go-build2"), "{}", said[2].text);
    said[3].ends(64);
    said[3].says("--name go-build9: nothing of that name lies in /tmp");
    said[4].ends(64);
}

#[test]
fn what_was_written_down_elsewhere_while_the_disk_was_full_is_taken_back_when_it_has_room_again() {
    needs!("unshare");
    let said = scene(
        "builds go-build1 go-build2; mount -o remount,size=16k /var/lib; head -c 16384 /dev/zero > /var/lib/full",
        &[
            "tm clean /tmp --older-than 0s --apply",
            "rm /var/lib/full; mount -o remount,size=10m /var/lib; builds go-build3; tm clean /tmp --older-than 0s --apply",
            "tm journal",
            "tm undo 1; count",
            "tm undo; count",
            "tm journal",
        ],
    );
    said[0].says("the journal is in /run/tmpmedic (/var/lib/tmpmedic: ");
    said[0].says("undo before the next boot");
    assert!(!said[1].text.contains("before the next boot"), "{}", said[1].text);
    said[1].says("work 2");
    said[2].says("2 of them still lie aside");
    said[2].says("1 of them still lies aside");
    assert!(said[3].text.ends_with("\n2"), "{}", said[3].text);
    assert!(said[4].text.ends_with("\n3"), "{}", said[4].text);
    assert!(!said[5].text.contains("of them still"), "counted over all homes: {}", said[5].text);
}

#[test]
fn a_known_quarantine_is_refused_as_well_where_everybody_may_rename() {
    needs!("unshare");
    let said = scene(
        "builds go-build1; tm clean /tmp --older-than 0s --apply > /mnt/log; chmod 0777 /tmp; builds go-build2",
        &["tm clean /tmp --older-than 0s --apply", "count", "tm undo"],
    );
    said[0].ends(2);
    said[0].says("no sticky bit");
    assert_eq!(said[1].text, "1");
    said[2].ends(0);
}

#[test]
fn a_journal_titles_what_was_done() {
    needs!("unshare", "strace");
    let said = scene(
        "builds go-build1 go-build2; mkdir /mnt/st; (cd /tmp/go-build2; exec sleep 600) &",
        &["strace -f -qq -o /dev/null -e trace=renameat2 -e inject=renameat2:error=EBUSY:when=1 \
             /mnt/bin/tmpmedic clean /tmp --older-than 0s --apply > /mnt/log 2>&1; tm journal"],
    );
    said[0].says("0 of 1 entry in /tmp put aside");
}
