//! The hands under attack: another user in every gap between two calls, and SIGKILL at every call.
//!
//! Each ground lies on a real file system in a private mount namespace. Before anything is said of tmpmedic, a first draft
//! that works by path must lose its canary under the same attacks: a harness that nobody can fail proves nothing.

mod actors;
mod facts;
mod ground;
mod kill;
mod race;
mod rebind;
pub mod stepper;
mod sweep;

use kill::Killed;
use race::Raced;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sweep::Figures;

use crate::{needs, sandbox};

/// A journal of its own, and the ground on a tmpfs.
const TMPFS: &str = "mount -t tmpfs -o mode=755 lab /var/lib; mount -t tmpfs -o mode=755 lab /run
    mkdir /mnt/ground; mount -t tmpfs -o mode=755 lab /mnt/ground; ground=/mnt/ground";
/// The same on an ext4.
const EXT4: &str = "mount -t tmpfs -o mode=755 lab /var/lib; mount -t tmpfs -o mode=755 lab /run
    disk 16M; chmod 755 $disk; ground=$disk";
/// What an actor prints before its figures.
const MARK: &str = "--figures--";

fn print(figures: &impl Serialize) {
    use std::io::Write;
    let text = serde_json::to_string(figures).unwrap();
    std::io::stdout().write_all(format!("\n{MARK}{text}\n").as_bytes()).unwrap();
}

/// Runs an actor on a ground, and gives what it found out.
fn act<T: DeserializeOwned>(ground: &str, actor: &str) -> T {
    let how = std::env::var("TMPMEDIC_ATTACK").unwrap_or_default();
    let output = sandbox::run(&format!(
        "{ground}\nexport GROUND=$ground TMPMEDIC_ATTACK='{how}'
         /mnt/bin/actor attack::actors::{actor} --exact --ignored --nocapture"
    ));
    let text = String::from_utf8_lossy(&output.stdout);
    let figures = text.lines().find_map(|line| line.strip_prefix(MARK));
    let figures =
        figures.unwrap_or_else(|| panic!("no figures: {text}{}", String::from_utf8_lossy(&output.stderr)));
    serde_json::from_str(figures).unwrap()
}

/// No escape of ours, and as many of a naive walker as make that worth saying.
fn holds(all: &[Figures]) -> String {
    let (controls, ours): (Vec<&Figures>, Vec<&Figures>) =
        all.iter().partition(|figures| figures.flow.starts_with("Naive"));
    for control in controls {
        assert!(control.windows > 0 && control.escapes * 10 >= control.windows * 3, "void: {control:#?}");
    }
    for ours in ours {
        assert!(ours.windows > 0, "nothing was attacked: {ours:#?}");
        assert_eq!(ours.escapes, 0, "{ours:#?}");
    }
    let line = |f: &Figures| format!("{}: {} escapes in {} windows", f.flow, f.escapes, f.windows);
    all.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn nobody_gains_anything_in_a_gap_between_two_calls_on_tmpfs() {
    needs!("unshare");
    eprintln!("{}", holds(&act::<Vec<Figures>>(TMPFS, "attacks_every_gap")));
}

#[test]
fn nobody_gains_anything_in_a_gap_between_two_calls_on_ext4() {
    needs!("unshare", "mkfs.ext4");
    eprintln!("{}", holds(&act::<Vec<Figures>>(EXT4, "attacks_every_gap")));
}

fn nothing_is_lost(all: &[Killed]) -> String {
    for killed in all {
        assert!(killed.calls > 0, "{killed:#?}");
        assert!(killed.harm.is_empty(), "{killed:#?}");
    }
    let line = |k: &Killed| format!("{}: killed at {} calls and {} moments", k.flow, k.calls, k.moments);
    all.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn at_whatever_call_it_is_killed_nothing_is_lost_and_undo_gives_the_same_tree() {
    needs!("unshare");
    eprintln!(
        "{}",
        nothing_is_lost(&act::<Vec<Killed>>(
            &format!("{TMPFS}\nexport WHEN=at-calls"),
            "kills_it_everywhere"
        ))
    );
}

#[test]
fn whenever_it_is_killed_nothing_is_lost_and_undo_gives_the_same_tree() {
    needs!("unshare", "mkfs.ext4");
    eprintln!("{}", nothing_is_lost(&act::<Vec<Killed>>(EXT4, "kills_it_everywhere")));
}

#[test]
fn while_one_works_no_other_does() {
    needs!("unshare");
    let all = act::<Vec<Vec<(String, Option<i32>)>>>(TMPFS, "starts_a_second_one");
    for codes in all {
        assert_eq!(codes.len(), 3, "it stood in the middle of its work");
        assert!(codes.iter().all(|(_, code)| *code == Some(75)), "{codes:?}");
    }
}

#[test]
fn whoever_exchanges_names_all_the_time_gains_nothing() {
    needs!("unshare", "mkfs.ext4");
    for ground in [TMPFS, EXT4] {
        let all = act::<Vec<Raced>>(ground, "races");
        for raced in &all {
            eprintln!(
                "{} by {}: {} escapes in {} rounds, {} of them won, {} exchanges",
                raced.flow, raced.how, raced.escapes, raced.rounds, raced.won, raced.exchanges
            );
        }
        let (controls, ours): (Vec<&Raced>, Vec<&Raced>) =
            all.iter().partition(|raced| raced.flow.starts_with("Naive"));
        assert!(controls.iter().all(|control| control.escapes > 0), "void: {controls:#?}");
        for ours in ours {
            assert!(ours.won >= 8, "the racer never came in between: {ours:#?}");
            assert_eq!(ours.escapes, 0, "{ours:#?}");
        }
    }
}

#[test]
fn what_was_taken_by_mistake_goes_back_even_where_the_owner_of_the_planned_one_took_its_name_again() {
    needs!("unshare");
    let [his, other] = act::<[Vec<String>; 2]>(TMPFS, "takes_a_name_again");
    assert!(his.is_empty(), "{his:?}");
    // Of two who want the name neither is robbed: the one lies in the quarantine, whole, and that is told.
    assert_eq!(other, ["Razor: the victim's tree is not where it was put"]);
}

#[test]
fn nobody_gains_anything_in_a_gap_of_a_rebind() {
    needs!("unshare", "setpriv", "nsenter");
    eprintln!("{}", holds(&act::<Vec<Figures>>(&format!("{TMPFS}\n"), "attacks_a_rebind")));
}
