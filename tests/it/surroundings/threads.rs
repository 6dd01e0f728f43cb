//! What one thread alone holds.

use super::{BY_THREAD, Seen};
use crate::clean::{reason, scene};
use crate::needs;

#[test]
fn what_only_one_thread_has_is_put_down_to_its_process_and_what_all_share_is_claimed_once() {
    needs!("unshare", "setpriv");
    let seen = Seen::at(
        r"
        mkdir /tmp/go-build-free
        for how in files place mounts network all; do by_thread $how; echo $how=$pid >>/mnt/pids; done
        ",
    );
    seen.claims("go-build-files", "fd", Some("files"));
    seen.claims("go-build-place", "cwd", Some("place"));
    seen.claims("go-build-mounts", "bind-source", Some("mounts"));
    seen.claims("go-build-network", "socket", Some("network"));
    let of_all = seen.json["claims"]["go-build-all"].as_array().unwrap();
    let kinds: Vec<&str> = of_all.iter().map(|claim| claim["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["cwd", "fd"], "{of_all:?}");
    assert!(of_all.iter().all(|claim| claim["pid"] == seen.pid("all") && claim["program"] == "actor"));
    let program = seen.json["claims"]["go-build-files"][0]["program"].as_str().unwrap();
    assert!(program.starts_with("actor, thread "), "{program}");
    seen.leaves("go-build-free");
    seen.has_no_gap();
}

#[test]
fn without_the_call_that_compares_threads_each_is_read_by_itself() {
    needs!("unshare", "setpriv");
    for errno in ["ENOSYS", "EPERM"] {
        let seen = Seen::at(&format!(
            r#"
            mkdir /tmp/go-build-free
            for how in files place mounts network all; do by_thread $how; echo $how=$pid >>/mnt/pids; done
            see() {{ printf '%s\n' "$1" | without kcmp={errno} /mnt/bin/tmpmedic __helper surroundings; }}
            "#
        ));
        seen.claims("go-build-files", "fd", Some("files"));
        seen.claims("go-build-place", "cwd", Some("place"));
        seen.claims("go-build-mounts", "bind-source", Some("mounts"));
        seen.claims("go-build-network", "socket", Some("network"));
        assert_eq!(seen.json["claims"]["go-build-all"].as_array().unwrap().len(), 2);
        seen.leaves("go-build-free");
        seen.has_no_gap();
    }
}

#[test]
fn a_clean_up_leaves_what_only_one_thread_holds_and_takes_it_once_that_has_ended() {
    needs!("unshare", "setpriv");
    for (how, word) in [("files", "open"), ("place", "working directory")] {
        let said = scene(
            &format!("{BY_THREAD}\nby_thread {how}; holder=$pid"),
            &[
                "tm clean /tmp --older-than 0s --owner 0 --json 2>/dev/null",
                "echo $holder",
                "kill $holder; wait $holder 2>/dev/null; tm clean /tmp --older-than 0s --owner 0 --json 2>/dev/null",
            ],
        );
        let plan = said[0].json();
        let why = reason(&plan, &format!("/tmp/go-build-{how}"));
        let who = format!("pid {} (actor, thread ", said[1].text);
        assert!(why.contains(word) && why.contains(&who), "{how}: {why}");
        assert_eq!(said[2].json()["totals"]["remove"], 1, "{}", said[2].text);
    }
}
