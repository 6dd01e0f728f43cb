//! The console's worker, spoken to as the console does: it stops between two steps, whoever dies, and waits for nobody.

use std::io::Write;

use serde_json::{Value, json};

use crate::{needs, sandbox};

/// A machine with a state of its own, and a worker on two pipes: 8 speaks to it, 9 hears it.
const PROLOGUE: &str = r#"
mount -t tmpfs -o mode=755 lab /run
mount -t tmpfs -o mode=755 lab /var/lib
tm() { /mnt/bin/tmpmedic "$@"; }
AS=
user() { setpriv --reuid 1000 --regid 1000 --clear-groups env -i HOME=/mnt/home LC_ALL=C.UTF-8 PATH="$PATH" "$@"; }
mkdir /mnt/home; chown 1000:1000 /mnt/home
# builds N: so many leftovers of go, with numbers that no process has, older than two seconds.
builds() { seq -f '/tmp/go-build9%07.0f' 1 "$1" | xargs mkdir; until [ $(($(date +%s) - $(stat -c %Z /tmp/go-build90000001))) -ge 4 ]; do sleep 0.05; done; }
count() { find /tmp -mindepth 1 -maxdepth 1 -name 'go-build*' | wc -l; }
worker() {
  mkfifo /mnt/in /mnt/out
  $AS /mnt/bin/tmpmedic __helper worker < /mnt/in > /mnt/out 2>/dev/null 9>&- &
  pid=$!
  exec 8> /mnt/in 9< /mnt/out
  cat /mnt/request >&8
}
# hear WORD: the next line that holds it.
hear() { while IFS= read -r line <&9; do case $line in *"$1"*) printf '%s\n' "$line"; return;; esac; done; return 1; }
ended() { tm journal --json | grep -q '"ended":"'; }
"#;

/// Runs a script after the prologue, with a request at hand; gives the lines that it printed.
fn scene(request: &Value, script: &str) -> Vec<String> {
    let whole = format!("{PROLOGUE}\ncat > /mnt/request <<'END'\n{request}\nEND\nset +e\n{script}\n");
    // Through standard input: a script on a command line would name every entry there, and so keep it.
    let mut child = sandbox::start("cat > /mnt/scene; . /mnt/scene");
    child.stdin.take().expect("piped").write_all(whole.as_bytes()).expect("the sandbox reads");
    let output = child.wait_with_output().expect("it was started");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
}

fn clean() -> Value {
    let wishes = json!({
        "older_than": 2, "families": [], "keep": [], "owner": null, "names": [], "delete": false, "assume_unheld": false
    });
    let clean = json!({ "root": "/tmp", "wishes": wishes });
    json!({ "wish": { "Clean": clean.clone() }, "job": { "Clean": clean }, "config": "/etc/tmpmedic/config.toml", "read_only": false })
}

fn parsed(line: &str) -> Value {
    serde_json::from_str(line).unwrap_or_else(|why| panic!("no document ({why}): {line}"))
}

#[test]
fn a_console_that_dies_in_the_middle_loses_nothing_and_the_journal_has_its_end() {
    needs!("unshare", "xargs", "seq");
    let lines = scene(
        &clean(),
        "builds 3000; worker; hear Planned; cut -d' ' -f6 /proc/$pid/stat; echo $pid; echo apply >&8
         awaits $pid begun; exec 8>&- 9<&-; wait $pid; echo $?
         echo $(($(count) + $(aside))); tm journal --json; tm undo > /dev/null; echo $? $(count)",
    );
    let [planned, session, pid, code, all, journal, undone] = &lines[..] else { panic!("{lines:#?}") };
    let prospect = &parsed(planned)["Planned"]["Ok"];
    assert_eq!((&prospect["word"], &prospect["going"][0]["entries"]), (&Value::Null, &3000.into()));
    assert_eq!(session, pid, "it leads a session of its own");
    assert_eq!((code.as_str(), all.as_str()), ("0", "3000"));
    let work = &parsed(journal)["entries"][0];
    assert!(work["ended"].is_string(), "{work:#}");
    let unknown = work["steps"].as_array().unwrap().iter().filter(|step| step["outcome"] == "unknown");
    assert_eq!(unknown.count(), 0, "each step that was begun has its outcome");
    assert_eq!(undone, "0 3000", "what it had put aside comes back");
}

#[test]
fn a_console_that_does_not_read_holds_nothing_up_and_gets_the_whole_result_at_last() {
    needs!("unshare", "xargs", "seq");
    let lines = scene(
        &clean(),
        "builds 4000; worker; hear Planned > /dev/null; seq -f '/tmp/go-build9%07.0f' 2 4000 | xargs touch; echo apply >&8
         awaits $pid ended; kill -0 $pid; echo $?; tm undo > /dev/null; echo $?; hear Worked; wait $pid; echo $?",
    );
    let [alive, undone, worked, code] = &lines[..] else { panic!("{lines:#?}") };
    assert_eq!(alive, "0", "the result does not fit into the pipe, so it waits for its reader");
    assert_eq!(undone, "0", "it holds no lock meanwhile");
    let outcome = &parsed(worked)["Worked"];
    assert_eq!((&outcome["ending"], outcome["refusals"].as_array().unwrap().len()), (&"Part".into(), 3999));
    assert_eq!(code, "0");
}

#[test]
fn nothing_is_done_without_the_word_and_a_stop_while_planning_plans_nothing() {
    needs!("unshare", "xargs", "seq");
    let lines = scene(
        &clean(),
        "builds 10; worker; hear Planned > /dev/null; echo stop >&8; wait $pid; echo $? $(count) $(aside)
         rm /mnt/in /mnt/out; worker; echo stop >&8; hear Planned",
    );
    let [stopped, planned] = &lines[..] else { panic!("{lines:#?}") };
    assert_eq!(stopped, "0 10 0");
    assert!(parsed(planned)["Planned"]["Err"].as_str().unwrap().contains("stopped"), "{planned}");
}

#[test]
fn a_directory_without_a_sticky_bit_is_mended_first_and_what_is_final_takes_a_word() {
    needs!("unshare", "xargs", "seq");
    let lines = scene(
        &clean(),
        "builds 3; chmod 777 /tmp; worker; hear Planned; echo apply >&8; hear Worked; wait $pid; count
         chmod 1777 /tmp; sed -i 's/\"delete\":false/\"delete\":true/g' /mnt/request; rm /mnt/in /mnt/out
         worker; hear Planned; echo apply >&8; hear Worked; wait $pid; echo $(count) $(aside)",
    );
    let [barred, refused, left, planned, worked, gone] = &lines[..] else { panic!("{lines:#?}") };
    let why = parsed(barred)["Planned"]["Ok"]["barred"]["why"].as_str().unwrap().to_owned();
    assert!(why.starts_with("repair-mode first"), "{why}");
    assert_eq!((&parsed(refused)["Worked"]["ending"], left.as_str()), (&"Refused".into(), "3"));
    assert_eq!(parsed(planned)["Planned"]["Ok"]["word"], "delete");
    assert_eq!(parsed(worked)["Worked"]["ending"], "Whole", "{worked}");
    assert_eq!(gone, "0 0");
}

#[test]
fn root_meets_the_digest_that_somebody_else_was_shown_and_no_other() {
    needs!("unshare", "setpriv");
    let lines = scene(
        &Value::Null,
        "chmod 777 /tmp; user /mnt/bin/tmpmedic fix tmp-wrong-mode-or-owner --json; tm fix tmp-wrong-mode-or-owner --json
         tm fix tmp-wrong-mode-or-owner --digest 000000000000 --apply 2>/mnt/why; echo $? $(stat -c %a /tmp); cat /mnt/why | head -n 1
         digest=$(user /mnt/bin/tmpmedic fix tmp-wrong-mode-or-owner --json | sed 's/.*\"digest\":\"\\([0-9a-f]*\\)\".*/\\1/')
         tm fix tmp-wrong-mode-or-owner --digest $digest --apply > /dev/null; echo $? $(stat -c %a /tmp)",
    );
    let [theirs, ours, refused, why, done] = &lines[..] else { panic!("{lines:#?}") };
    let digest = |line: &str| parsed(line)["fixes"][0]["plan"]["digest"].clone();
    assert!(digest(theirs).is_string());
    assert_eq!(digest(theirs), digest(ours));
    assert_eq!(refused, "75 777");
    assert!(why.contains("nothing was changed"), "{why}");
    assert_eq!(done, "0 1777");
}

#[test]
fn only_what_stays_for_its_owner_alone_is_said_to_take_root() {
    needs!("unshare", "setpriv");
    let lines = scene(
        &clean(),
        "mkdir /tmp/go-build1 /tmp/go-build2 /tmp/go-build3; mount -t tmpfs lab /tmp/go-build3
         AS=user; worker; hear Planned; echo stop >&8; wait $pid; echo $?",
    );
    let [planned, code] = &lines[..] else { panic!("{lines:#?}") };
    let notes = parsed(planned)["Planned"]["Ok"].to_string();
    assert!(notes.contains("2 entries of other users take root"), "{notes}");
    assert_eq!(code, "0");
}
