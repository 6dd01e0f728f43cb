//! Changing something from the console in a real terminal, with a real worker: from the finding to the proof and back, and
//! what must not happen by a paste, a terminal's answer, a hang-up, a slow line, or a key too many.

use std::time::Instant;

use rustix::process::{Pid, Signal, kill_process};

use crate::needs;
use crate::pty::Pty;

/// A machine with a state of its own.
const PROLOGUE: &str = r#"
mount -t tmpfs -o mode=755 lab /run
mount -t tmpfs -o mode=755 lab /var/lib
# builds N: so many leftovers of go, with numbers that no process has.
builds() { seq -f '/tmp/go-build9%07.0f' 1 "$1" | xargs mkdir; }
count() { find /tmp -mindepth 1 -maxdepth 1 -name 'go-build*' | wc -l; }
ended() { until /mnt/bin/tmpmedic journal --json | grep -q '"ended":"'; do sleep 0.05; done; }
"#;

/// The console on such a machine after `setup`; `after` runs in its shell then.
fn console(setup: &str, after: &str) -> Pty {
    let script = format!("{PROLOGUE}\n{setup}\nset +e\n/mnt/bin/tmpmedic\n{after}\necho over; read -r line");
    let mut pty = Pty::in_sandbox(100, 40, &script);
    pty.wait_for_text("ruled out: ");
    pty
}

/// The processes below the terminal whose command line ends like that.
fn processes(pty: &Pty, line: &str) -> Vec<Pid> {
    let stat = |pid: i32| std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let parent = |pid: i32| -> Option<i32> { stat(pid).rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok() };
    let is_below = |pid: i32| {
        std::iter::successors(Some(pid), |pid| parent(*pid)).take(20).any(|pid| pid == pty.pid().as_raw_pid())
    };
    let says = |pid: i32| {
        let text = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&text).replace('\0', " ").trim_end().ends_with(line)
    };
    let all = std::fs::read_dir("/proc").unwrap().flatten();
    let pids = all.filter_map(|entry| entry.file_name().to_string_lossy().parse::<i32>().ok());
    pids.filter(|pid| is_below(*pid) && says(*pid)).filter_map(Pid::from_raw).collect()
}

fn the_console(pty: &Pty) -> Pid {
    // Its guard, which has the same command line, is its child.
    processes(pty, "/mnt/bin/tmpmedic").into_iter().min_by_key(|pid| pid.as_raw_pid()).expect("it runs")
}

fn workers(pty: &Pty) -> usize {
    processes(pty, "worker").len()
}

/// Leftovers of go in the console's /tmp.
fn leftovers(console: Pid) -> usize {
    let dir = format!("/proc/{}/root/tmp", console.as_raw_pid());
    let all = std::fs::read_dir(dir).map(|all| all.flatten().collect::<Vec<_>>()).unwrap_or_default();
    all.iter().filter(|entry| entry.file_name().to_string_lossy().starts_with("go-build")).count()
}

/// The plan of a clean-up of everything in /tmp, whatever its age, that Enter carries out.
fn plan_all(pty: &mut Pty) {
    pty.type_keys("3");
    pty.wait("a temp dir", |pty| pty.screen().contains("older than 1 d"));
    for _ in 0..8 {
        if pty.screen().lines().nth(2).is_some_and(|line| line.starts_with(" /tmp ")) {
            break;
        }
        let before = pty.screen();
        pty.type_keys("]");
        pty.wait("the next temp dir", |pty| pty.screen().lines().nth(2) != before.lines().nth(2));
    }
    pty.type_keys("f");
    for age in ["untouched for 1 d", "untouched for 6 h", "untouched for 1 h"] {
        pty.wait_for_text(age);
        pty.type_keys("-");
    }
    pty.wait_for_text("of any age");
    pty.wait_for_text("Enter do it");
}

/// Says yes to the plan on screen, once its footer tells that a key may.
fn enter(pty: &mut Pty) {
    let is_asked = |pty: &mut Pty| pty.screen().contains("Enter do it    ");
    pty.wait("a question that may be answered", |pty| is_asked(pty) && is_live(pty));
    pty.type_keys("\r");
    pty.wait("an answer to Enter", |pty| !is_asked(pty));
}

/// Whether the dead time is over: the footer names Enter then.
fn is_live(pty: &Pty) -> bool {
    pty.screen().contains("Enter do it  Esc")
}

#[test]
fn from_the_finding_to_the_proof_and_back_and_no_worker_is_left() {
    needs!("unshare", "setsid");
    let mut pty = console("chmod 0755 /tmp; runner", "echo mode $(stat -c %a /tmp)");
    pty.wait_for_text("f fix");
    pty.type_keys("f");
    enter(&mut pty);
    pty.wait_for_text("z take it back");
    let screen = pty.screen();
    assert!(screen.contains('✓') && screen.contains("can create temp dirs again"), "{screen}");
    pty.wait("the finding to vanish", |pty| pty.screen().contains("no longer found"));
    pty.type_keys("z");
    pty.wait_for_text("0755 again");
    enter(&mut pty);
    pty.wait_for_text("Esc close");
    pty.type_keys("\x1b");
    pty.wait("no worker", |pty| workers(pty) == 0);
    // The look after it finds it again.
    pty.wait_for_text("f fix");
    pty.type_keys("f");
    pty.wait_for_text("Enter do it");
    assert_eq!(workers(&pty), 1, "it keeps the plan");
    pty.type_keys("\x1b");
    pty.wait("its end with the sheet", |pty| workers(pty) == 0);
    pty.type_keys("q");
    pty.wait_for_text("mode 755");
}

#[test]
fn neither_a_paste_nor_what_a_terminal_answers_confirms_a_plan() {
    needs!("unshare", "setsid");
    let mut pty = console("chmod 0755 /tmp; runner", "echo mode $(stat -c %a /tmp)");
    pty.wait_for_text("f fix");
    // All at once: what was typed before the question was drawn is no answer to it.
    pty.type_keys("f\r\r\r");
    pty.wait_for_text("Enter do it    ");
    for bytes in ["\x1b[200~\r\x1b[201~", "\x1b[24;80R", "\x1b[?62;c", "\x1b[200~yes\r\n\x1b[201~"] {
        pty.type_keys(bytes);
    }
    pty.wait("the end of the dead time", |pty| is_live(pty));
    for bytes in ["\x1b[200~\r\x1b[201~", "\x1b[24;80R", "\x1b[?62;c"] {
        pty.type_keys(bytes);
    }
    // The same by a terminal that does not mark pastes; a carriage return with a line feed is one Enter, two are none.
    for bytes in ["y\r", "\r\n\r\n", "yy\r"] {
        pty.type_keys(bytes);
        pty.wait_for_text("like a paste");
        pty.type_keys("k");
        pty.wait("the next key", |pty| !pty.screen().contains("like a paste"));
    }
    pty.type_keys("\ry");
    pty.wait_for_text("copied");
    assert!(pty.screen().contains("Enter do it    "), "{}", pty.screen());
    // A key that is answered comes after all of them.
    pty.type_keys("x");
    pty.wait_for_text("By hand:");
    pty.type_keys("\x1b");
    pty.wait_for_text("Enter do it    ");
    pty.type_keys("\x1b");
    pty.wait("the sheet to close", |pty| !pty.screen().contains("Enter do it    "));
    pty.type_keys("q");
    pty.wait_for_text("mode 755");
}

#[test]
fn whatever_ends_the_console_ends_the_work_between_two_steps() {
    needs!("unshare", "setsid", "seq", "xargs");
    for signal in [Signal::HUP, Signal::KILL] {
        // Where the console could not be read any more as it ended, what was just taken has its place back already.
        let after = "ended; echo all $(($(count) + $(aside))); /mnt/bin/tmpmedic undo > /dev/null 2>&1; echo back $(count)";
        let mut pty = console("builds 4000", after);
        plan_all(&mut pty);
        enter(&mut pty);
        let console = the_console(&pty);
        pty.wait("the first to go", |_| leftovers(console) < 4000);
        kill_process(console, signal).unwrap();
        pty.wait_for_text("back 4000");
        assert!(pty.screen().contains("all 4000"), "{signal:?}:\n{}", pty.screen());
    }
}

#[test]
fn a_terminal_that_does_not_read_holds_no_clean_up_up() {
    needs!("unshare", "setsid", "seq", "xargs");
    let mut pty = console("builds 2000", "echo left $(count)");
    plan_all(&mut pty);
    pty.wait("the end of the dead time", |pty| is_live(pty));
    let console = the_console(&pty);
    pty.type_keys("\r");
    // Nothing is read from here on.
    let started = Instant::now();
    while leftovers(console) > 0 {
        assert!(started.elapsed().as_secs() < 60, "{} are left:\n{}", leftovers(console), pty.screen());
        std::thread::yield_now();
    }
    pty.wait_for_text("Esc close");
    assert!(pty.screen().contains("✓ /tmp: 2,000 of 2,000 entries put aside"), "{}", pty.screen());
    pty.type_keys("q");
    pty.wait_for_text("left 0");
}

#[test]
fn a_stop_and_a_q_are_heard_in_the_middle_of_a_clean_up() {
    needs!("unshare", "setsid", "seq", "xargs");
    let mut pty = console("builds 30000", "ended; echo all $(($(count) + $(aside)))");
    plan_all(&mut pty);
    enter(&mut pty);
    let console = the_console(&pty);
    pty.wait("the first to go", |_| leftovers(console) < 30_000);
    pty.type_keys("s");
    pty.wait_for_text("Stopped between two steps");
    assert!(leftovers(console) > 0, "it was heard only at the end");
    pty.type_keys("r");
    pty.wait_for_text("of any age");
    enter(&mut pty);
    let left = leftovers(console);
    pty.wait("more to go", |_| leftovers(console) < left);
    pty.type_keys("q");
    pty.wait_for_text("q again leaves");
    pty.type_keys("q");
    pty.wait_for_text("all 30000");
}
