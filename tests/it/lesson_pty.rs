//! A lesson in a real terminal on a machine that is really broken, from the first frame to the document.

use serde_json::Value;
use tmpmedic::catalog::scenarios;
use tmpmedic::tui::lesson::answer::WRONG;

use crate::needs;
use crate::pty::Pty;

/// What is taught.
const SCENARIO: &str = "private-tmp-deleted";

/// The private /tmp of a service whose directory somebody removed.
const DEAD_RUNNER: &str = "
    dir=/tmp/systemd-private-0123456789abcdef0123456789abcdef-forgejo-runner@1.service-AbCdEf/tmp
    mkdir -p $dir; chmod 1777 $dir
    apart 'mount --bind '$dir' /tmp'
    rm -r /tmp/systemd-private-*";

/// That lesson on such a machine, in a terminal; then `after` runs in its shell.
fn broken(options: &str, after: &str) -> Pty {
    // By its number: the command line of tmpmedic may stand on the screen too.
    let number = scenarios::find(SCENARIO).unwrap().course.unwrap();
    let script = format!("{DEAD_RUNNER}\nset +e\n/mnt/bin/tmpmedic __lesson {number} {options}\n{after}");
    let mut pty = Pty::in_sandbox(100, 40, &script);
    pty.wait_for_text("The verdict is hidden");
    pty
}

fn press(pty: &mut Pty, keys: &str, until: &str) {
    pty.type_keys(keys);
    pty.wait_for_text(until);
}

#[test]
fn a_lesson_is_learned_with_a_hint_a_wrong_guess_and_the_right_one() {
    needs!("unshare", "setpriv", "setsid");
    let mut pty = broken("--json > /mnt/outcome", "echo code $?; echo begin; cat /mnt/outcome; echo end");
    for (tab, shows) in
        [("2", "CREATE"), ("3", "older than"), ("4", "Process to paths"), ("5", "DELETED"), ("6", "TMPDIR")]
    {
        press(&mut pty, tab, shows);
        // The footer is drawn last.
        pty.wait_for_text("q quit");
        let shown = pty.screen();
        let tells = shown.contains(SCENARIO) || shown.contains("CRITICAL");
        assert!(!tells, "tab {tab} gives it away:\n{shown}");
    }
    let hint = scenarios::find(SCENARIO).unwrap().hints.remove(0);
    press(&mut pty, "1h", &format!("The next hint costs {} points of your 100.", hint.cost));
    press(&mut pty, "\r", "Tab 1 keeps it.");
    press(&mut pty, "\rn", "The cause 1 of ");
    press(&mut pty, "disk-full", "1 of ");
    press(&mut pty, "\r", "This look rules it out, with these figures:");
    press(&mut pty, "\rn", "The cause 1 of ");
    press(&mut pty, "private tmp removed\r", "Solved");
    let score = 100 - u32::from(hint.cost) - WRONG;
    for words in [&*format!("{score} of 100 points"), "tab 5 Mounts", "//deleted", "awk '$1 == "] {
        pty.wait_for_text(words);
    }
    press(&mut pty, "\r", "CRITICAL");
    pty.type_keys("q");
    pty.wait_for_text("end");
    let shown = pty.screen();
    assert_eq!(pty.end(), 0, "{shown}");
    pty.demand_given_back("a lesson");
    assert!(shown.contains("code 0"), "{shown}");
    // The emulator wraps the one line of the document.
    let document: String =
        shown.lines().skip_while(|l| *l != "begin").skip(1).take_while(|l| *l != "end").collect();
    let outcome: Value = serde_json::from_str(&document).unwrap_or_else(|why| panic!("{why}: {shown}"));
    assert_eq!(outcome["schema"], "tmpmedic.lesson/1");
    assert_eq!(outcome["scenario"], SCENARIO);
    assert_eq!((&outcome["outcome"], &outcome["score"]), (&"solved".into(), &score.into()), "{outcome:#}");
    assert_eq!(outcome["hints_taken"], 1);
    let guesses = outcome["guesses"].as_array().unwrap();
    let right: Vec<bool> = guesses.iter().filter_map(|guess| guess["right"].as_bool()).collect();
    assert_eq!(right, [false, true], "{outcome:#}");
    assert!(outcome["elapsed_s"].as_u64() >= guesses[1]["at_s"].as_u64(), "{outcome:#}");
}

#[test]
fn a_lesson_that_is_left_says_so_in_one_line_and_names_no_cause() {
    needs!("unshare", "setpriv", "setsid");
    let mut pty = broken("", "echo code $?");
    pty.type_keys("q");
    pty.wait_for_text("code 0");
    let shown = pty.screen();
    assert!(shown.contains("lesson left after 0:") && shown.contains("0 of 100 points, 0 hints"), "{shown}");
    assert!(!shown.contains(SCENARIO), "{shown}");
    pty.end();
    pty.demand_given_back("a lesson that was left");
}
