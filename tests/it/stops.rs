//! Somebody asks for an end while it looks: it ends there, waits for nobody, and nothing is changed.

use crate::clean::scene;
use crate::needs;

/// `held_by PID`: holds the helper that the main thread of that process waits for, which is one of a look around a
/// directory; no where the process ended without one, or has made its quarantine by then. `since NANOS`: milliseconds.
const TOOLS: &str = r#"
builds_anew() { seq -f '/tmp/go-build9%07.0f' 1 200 | xargs mkdir -p; }
held_by() {
  helper=
  until [ "$helper" ] || [ ! -d "/proc/$1" ]; do read -r helper rest < "/proc/$1/task/$1/children"; done 2>/dev/null
  kill -STOP "$helper" 2>/dev/null || return 1
  case $(tr '\0' ' ' < "/proc/$helper/cmdline" 2>/dev/null) in
    *elsewhere*) ls -d /tmp/.tmpmedic-* >/dev/null 2>&1 || return 0;;
  esac
  kill -CONT "$helper" 2>/dev/null; return 1
}
since() { echo $((($(date +%s%N) - $1) / 1000000)); }
works() { tm journal --json | grep -o '"action"' | wc -l; }
"#;

/// Less than a look waits for a helper that does not answer.
const AT_ONCE: u64 = 1_000;

#[test]
fn a_signal_in_the_middle_of_a_look_ends_it_and_nothing_is_changed() {
    needs!("unshare", "xargs", "seq");
    let all = "/tmp --older-than 0s";
    for what in [all.to_owned(), format!("{all} --delete --yes"), "--plan /mnt/plan".to_owned()] {
        let said = scene(
            TOOLS,
            &[&format!(
                "while :; do
                   builds_anew; tm clean {all} --json > /mnt/plan; chmod 600 /mnt/plan; tree > /mnt/before; before=$(works)
                   /mnt/bin/tmpmedic clean {what} --apply > /mnt/log 2>&1 & job=$!
                   if held_by $job; then break; fi
                   wait $job; tm undo; rm -rf /tmp/.tmpmedic-*
                 done >/dev/null 2>&1
                 kill -TERM $job; start=$(date +%s%N); wait $job; echo code $? $(since $start)
                 cat /mnt/log; tree | cmp - /mnt/before && [ $before = $(works) ] && [ $(aside) = 0 ]"
            )],
        );
        said[0].ends(0);
        let (code, took) = said[0].text.lines().next().unwrap().rsplit_once(' ').unwrap();
        assert_eq!(code, "code 2", "{what}: {}", said[0].text);
        assert!(took.parse::<u64>().unwrap() < AT_ONCE, "{what}: {}", said[0].text);
        said[0].says("stopped; nothing was changed");
        assert!(!said[0].text.contains("can go"), "no plan is made of half a look: {}", said[0].text);
    }
}

#[test]
fn a_stop_of_the_console_in_the_middle_of_a_look_ends_it_and_nothing_is_planned() {
    needs!("unshare", "xargs", "seq");
    let request =
        r#"{"wish":{"Clean":W},"job":{"Clean":W},"config":"/etc/tmpmedic/config.toml","read_only":false}"#;
    let wish = r#"{"root":"/tmp","wishes":{"older_than":2,"families":[],"keep":[],"owner":null,"names":[],"delete":false,"assume_unheld":false}}"#;
    let said = scene(
        &format!("{TOOLS}\ncat > /mnt/request <<'END'\n{}\nEND", request.replace('W', wish)),
        &["builds_anew
           while :; do
             rm -f /mnt/in /mnt/out; mkfifo /mnt/in; /mnt/bin/tmpmedic __helper worker < /mnt/in > /mnt/out 2>/dev/null & job=$!
             exec 8> /mnt/in; cat /mnt/request >&8
             { until grep -q Planned /mnt/out || [ ! -d /proc/$job ]; do sleep 0.05; done; kill -KILL $job; } & dog=$!
             if held_by $job; then kill $dog; break; fi
             exec 8>&-; wait
           done 2>/dev/null
           echo stop >&8; start=$(date +%s%N); wait $job; echo code $? $(since $start); grep Planned /mnt/out; works; count"],
    );
    let lines: Vec<&str> = said[0].text.lines().collect();
    let [first, planned, works, left] = &lines[..] else { panic!("{lines:#?}") };
    let (code, took) = first.rsplit_once(' ').unwrap();
    assert_eq!(code, "code 0");
    assert!(took.parse::<u64>().unwrap() < AT_ONCE, "{took} ms");
    assert_eq!(*planned, r#"{"Planned":{"Err":"stopped; nothing was changed"}}"#);
    assert_eq!((*works, *left), ("0", "200"));
}
