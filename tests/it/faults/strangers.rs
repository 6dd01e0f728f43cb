//! Processes that cannot be read: whoever has no right to look keeps what they may hold, is told for whom, and how to go on.

use std::collections::BTreeSet;

use crate::clean::{paths, reason, scene};
use crate::needs;

/// Stale entries of an ordinary user, private and open ones, one in which a process of theirs stands, one that is locked; and
/// processes of root and of somebody else.
const MACHINE: &str = r"
builds go-build1 go-build2 go-build3 go-build4 go-build5 go-build6
chown -R 1000:1000 /tmp/go-build1 /tmp/go-build2 /tmp/go-build3 /tmp/go-build4; chown -R 1001:1001 /tmp/go-build5
chmod 700 /tmp/go-build1 /tmp/go-build5
cd /tmp/go-build3; setpriv --reuid 1000 --regid 1000 --clear-groups sleep 600 </dev/null >/dev/null 2>&1 & became sleep $!; cd /
setpriv --reuid 1000 --regid 1000 --clear-groups sleep 600 7</tmp/go-build4 </dev/null >/dev/null 2>&1 & became sleep $!
setpriv --reuid 1001 --regid 1001 --clear-groups sleep 600 </dev/null >/dev/null 2>&1 & became sleep $!
setpriv --reuid 1001 --regid 1001 --clear-groups sleep 600 </dev/null >/dev/null 2>&1 & became sleep $!";

#[test]
fn an_ordinary_user_is_told_for_whom_their_entries_stay_and_root_does_exactly_that() {
    needs!("unshare", "setpriv");
    let said = scene(
        MACHINE,
        &[
            "user /mnt/bin/tmpmedic clean /tmp --older-than 0s",
            "user /mnt/bin/tmpmedic clean /tmp --older-than 0s --json 2>/dev/null",
            "user /mnt/bin/tmpmedic clean /tmp --older-than 0s --apply; count",
            "line=$(user /mnt/bin/tmpmedic clean /tmp --older-than 0s | grep -A2 sudo | sed '/^$/,$d' | tr -d '\\\\\\n')
             echo $line; tm ${line#*sudo tmpmedic} --json",
        ],
    );
    said[0].says("2 entries, ");
    said[0].says("are old enough and stay only because");
    said[0].says("2 of other users");
    said[0].says("--assume-unheld takes it upon you");
    said[0].says("sudo tmpmedic clean /tmp --older-than 0s --family go-build --owner 1000");
    let plan = said[1].json();
    for path in ["/tmp/go-build1", "/tmp/go-build2"] {
        let why = reason(&plan, path);
        assert!(why.contains("processes cannot be read (") && why.contains("2 of other users"), "{why}");
    }
    assert!(reason(&plan, "/tmp/go-build3").contains("working directory"), "{}", said[1].text);
    assert!(said[2].text.ends_with("nothing to do\n6") || said[2].text.ends_with('6'), "{}", said[2].text);
    assert!(said[3].text.contains("--digest"), "{}", said[3].text);
    let done: serde_json::Value = serde_json::from_str(said[3].text.lines().last().unwrap()).unwrap();
    let both = BTreeSet::from(["/tmp/go-build1".to_owned(), "/tmp/go-build2".to_owned()]);
    assert_eq!(paths(&done["works"][0]["taken"]), both);
}

#[test]
fn whoever_takes_strangers_upon_himself_takes_nothing_else_and_undoes_it() {
    needs!("unshare", "setpriv");
    let said = scene(
        MACHINE,
        &[
            "user /mnt/bin/tmpmedic clean /tmp --older-than 0s --assume-unheld --apply --json",
            "user /mnt/bin/tmpmedic undo; count",
        ],
    );
    said[0].ends(0);
    let both = BTreeSet::from(["/tmp/go-build1".to_owned(), "/tmp/go-build2".to_owned()]);
    assert_eq!(paths(&said[0].json()["works"][0]["taken"]), both, "{}", said[0].text);
    said[1].ends(0);
    assert!(said[1].text.ends_with('6'), "{}", said[1].text);
}

#[test]
fn a_mount_table_that_cannot_be_read_is_no_process() {
    needs!("unshare", "setpriv");
    let said = scene(
        "builds go-build1; chown -R 1000:1000 /tmp/go-build1; mount --make-private /run; kept true",
        &["user /mnt/bin/tmpmedic clean /tmp --older-than 0s --assume-unheld --json"],
    );
    let plan = said[0].json();
    let why = reason(&plan, "/tmp/go-build1");
    assert!(why.contains("mount table of /run/kept: permission denied"), "{why}");
}

#[test]
fn what_only_a_later_thread_holds_stays_and_is_put_down_to_its_process() {
    needs!("unshare", "python3");
    let said = scene(
        r"builds go-build1
        cat > /mnt/headless.py <<'END'
import ctypes, os, threading, time
kept = open(os.path.join(os.sep + 'tmp', 'go-' + 'build1', 'b001', 'exe', 'a.out'))
threading.Thread(target=time.sleep, args=(600,)).start()
ctypes.CDLL(None).pthread_exit(None)
END
        python3 /mnt/headless.py </dev/null >/dev/null 2>&1 & headless=$!
        awaits $headless grep -q '^State:.Z' /proc/$headless/status",
        &[
            "tm clean /tmp --older-than 0s --json 2>/dev/null",
            "echo $headless",
            "kill -9 $headless; wait $headless 2>/dev/null; tm clean /tmp --older-than 0s --json 2>/dev/null",
        ],
    );
    let plan = said[0].json();
    let why = reason(&plan, "/tmp/go-build1");
    let who = format!("pid {} (python3, thread ", said[1].text);
    assert!(why.contains("open") && why.contains(&who), "{why}");
    assert_eq!(said[2].json()["totals"]["remove"], 1, "{}", said[2].text);
}
