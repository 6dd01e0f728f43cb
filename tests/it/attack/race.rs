//! Random races on top: somebody who exchanges names as fast as he can while tmpmedic works.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::ground::{Attack, Ground};
use super::sweep::Flow;

/// What came of the rounds of one race.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Raced {
    /// What was raced.
    pub flow: String,
    /// How.
    pub how: String,
    /// How often it ran.
    pub rounds: usize,
    /// Rounds in which the racer came in between after the program had begun to change something.
    pub won: usize,
    /// Exchanges in all of them.
    pub exchanges: u64,
    /// Rounds in which something happened that must not.
    pub escapes: usize,
    /// What, of the first ones.
    pub harm: Vec<String>,
}

/// Exchanges and exchanges back until told to stop; `begun` counts what happens after the work has begun.
fn race(ground: &Ground, how: Attack, stop: &AtomicBool, (all, late): (&AtomicU64, &AtomicU64)) {
    let quarantine = |ground: &Ground| {
        let names = std::fs::read_dir(ground.place()).into_iter().flatten().flatten();
        names.filter(|entry| entry.file_name().to_string_lossy().starts_with(".tmpmedic-")).count() > 0
    };
    let mut has_begun = quarantine(ground);
    while !stop.load(Ordering::Relaxed) {
        if ground.flicker(how) {
            all.fetch_add(1, Ordering::Relaxed);
            has_begun = has_begun || quarantine(ground);
            late.fetch_add(u64::from(has_begun), Ordering::Relaxed);
        }
    }
}

fn round(root: &Path, flow: Flow, how: Attack, raced: &mut Raced) {
    let ground = Ground::build_large(root);
    flow.prepare(&ground);
    let (stop, all, late) = (AtomicBool::new(false), AtomicU64::new(0), AtomicU64::new(0));
    let command = flow.command(&ground);
    std::thread::scope(|scope| {
        scope.spawn(|| race(&ground, how, &stop, (&all, &late)));
        let output = std::process::Command::new(&command[0])
            .args(&command[1..])
            .env("TREE", ground.place().join(super::ground::ENTRY))
            .current_dir("/")
            .output();
        stop.store(true, Ordering::Relaxed);
        assert!(output.is_ok_and(|output| output.status.code().is_some_and(|code| code != 101)), "{flow:?}");
    });
    raced.rounds += 1;
    raced.exchanges += all.load(Ordering::Relaxed);
    // Where nothing is put aside there is no sign of the beginning but the exchange itself.
    let won = if matches!(flow, Flow::Clean | Flow::Delete) { &late } else { &all };
    raced.won += usize::from(won.load(Ordering::Relaxed) > 0);
    let harm = ground.harm(how, flow);
    if !harm.is_empty() {
        raced.escapes += 1;
        raced.harm.extend(harm);
        raced.harm.truncate(12);
    }
}

/// Races until it was won often enough, or the time is over.
pub fn all(root: &Path, enough: usize, patience: Duration) -> Vec<Raced> {
    let pairs = [
        (Flow::NaiveRemove, Attack::Link),
        (Flow::NaiveGive, Attack::Link),
        (Flow::Clean, Attack::Link),
        (Flow::Clean, Attack::Razor),
        (Flow::Delete, Attack::Link),
        (Flow::Delete, Attack::Razor),
        (Flow::Purge, Attack::Link),
        (Flow::Undo, Attack::Link),
        (Flow::Give, Attack::Link),
        (Flow::UndoGive, Attack::Link),
    ];
    let mut done = Vec::new();
    for (flow, how) in pairs {
        let mut raced = Raced { flow: format!("{flow:?}"), how: format!("{how:?}"), ..Raced::default() };
        let watch = Instant::now();
        // A control that wins once has shown what the race can do; it may take its time for that.
        let is_control = raced.flow.starts_with("Naive");
        let (patience, enough) = if is_control { (patience * 4, 1) } else { (patience, enough) };
        while watch.elapsed() < patience && if is_control { raced.escapes } else { raced.won } < enough {
            round(root, flow, how, &mut raced);
        }
        done.push(raced);
    }
    done
}
