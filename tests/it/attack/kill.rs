//! SIGKILL at every call that changes something, and at moments that nobody chose; and what is left then.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Output;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::facts::{Facts, entries, facts};
use super::ground::Ground;
use super::stepper::{self, Follow, Go};
use super::sweep::{CLEAN, Flow, UNDO};

/// What came of killing one flow.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Killed {
    /// Which flow.
    pub flow: String,
    /// Calls that change something, at each of which it was killed.
    pub calls: usize,
    /// Kills at moments that nobody chose, which found it alive.
    pub moments: usize,
    /// What was wrong afterwards, of the first ones.
    pub harm: Vec<String>,
}

fn tmpmedic(ground: &Ground, words: &[&str]) -> Output {
    let command = ground.command(words);
    std::process::Command::new(&command[0]).args(&command[1..]).current_dir("/").output().expect("it starts")
}

fn is_ours(path: &Path) -> bool {
    path.starts_with("/var/lib/tmpmedic") || path.starts_with("/run/tmpmedic")
}

/// Kills at the n-th call that changes something on the ground or in the journal; whether there was one.
fn kill_at(ground: &Ground, command: &[OsString], n: usize) -> Option<String> {
    let (mut number, mut at) = (0, None);
    stepper::step(command, &[], Follow::Itself, &mut |call| {
        if !call.changes || !call.path.starts_with(&ground.root) && !is_ours(&call.path) {
            return Go::On;
        }
        number += 1;
        if number <= n {
            return Go::On;
        }
        at.get_or_insert_with(|| format!("{} {}", call.name, call.path.display()));
        Go::Kill
    });
    at
}

/// Kills after so long; whether it still lived.
fn kill_after(command: &[OsString], patience: Duration) -> bool {
    let mut child = std::process::Command::new(&command[0])
        .args(&command[1..])
        .current_dir("/")
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("it starts");
    let until = Instant::now() + patience;
    while Instant::now() < until {
        std::hint::spin_loop();
    }
    child.kill().ok();
    child.wait().unwrap().signal().is_some()
}

/// What a machine looks like after a kill, judged by the same sentences wherever it fell.
fn judge(flow: Flow, ground: &Ground, before: &Facts) -> Vec<String> {
    let mut harm = Vec::new();
    let mut must = |holds: bool, what: &str| {
        if !holds {
            harm.push(what.to_owned());
        }
    };
    let journal = tmpmedic(ground, &["journal", "--json"]);
    must(journal.status.success(), "the journal cannot be shown");
    must(serde_json::from_slice::<Value>(&journal.stdout).is_ok(), "the journal is no document");
    if matches!(flow, Flow::Clean | Flow::Undo) {
        let there: BTreeSet<u64> = facts(&ground.root).into_values().map(|fact| fact.inode).collect();
        must(ground.planned.is_subset(&there), "objects were lost");
    }
    // Any command that acts settles what was interrupted; twice is once.
    tmpmedic(ground, &["purge", "999999"]);
    let once = (std::fs::read("/var/lib/tmpmedic/journal").ok(), entries(&ground.place()));
    tmpmedic(ground, &["purge", "999999"]);
    let twice = (std::fs::read("/var/lib/tmpmedic/journal").ok(), entries(&ground.place()));
    must(once == twice, "recovering twice is not recovering once");
    match flow {
        Flow::Clean | Flow::Undo => {
            let undone = tmpmedic(ground, &UNDO);
            let said = String::from_utf8_lossy(&undone.stdout).into_owned();
            let nothing = said.contains("nothing that was done can be taken back");
            must(undone.status.success() || nothing, &format!("undo fails: {said}"));
            must(entries(&ground.place()) == *before, "undo does not give the same tree back");
        }
        Flow::Delete => {
            for (entry, was) in whole(before) {
                let now = whole(&entries(&ground.place())).remove(&entry);
                must(now.is_none_or(|now| now == was), "an entry in its place was changed");
            }
            let again = tmpmedic(ground, &super::sweep::DELETE);
            must(again.status.success(), "it cannot be done again");
            tmpmedic(ground, &super::sweep::PURGE);
            must(left_over(ground).is_empty(), "what was begun cannot be ended");
        }
        _ => {
            let again = tmpmedic(ground, &super::sweep::PURGE);
            must(again.status.success(), &format!("purge fails: {}", String::from_utf8_lossy(&again.stdout)));
            must(left_over(ground).is_empty(), "what was begun cannot be ended");
            must(entries(&ground.place()) == *before, "what nobody purged was changed");
        }
    }
    harm.extend(ground.harm(super::ground::Attack::Parent, Flow::Delete));
    harm
}

/// The entries, each with all that lies below it.
fn whole(all: &Facts) -> std::collections::BTreeMap<OsString, Facts> {
    let mut entries = std::collections::BTreeMap::<OsString, Facts>::new();
    for (path, fact) in all {
        let Some(first) = path.iter().next() else { continue };
        entries.entry(first.to_owned()).or_default().insert(path.clone(), fact.clone());
    }
    entries
}

/// What lies in the quarantines.
fn left_over(ground: &Ground) -> Vec<String> {
    let inner = facts(&ground.place()).into_keys().filter(|path| path.iter().count() > 1);
    let inner = inner.map(|path| path.to_string_lossy().into_owned());
    inner.filter(|path| path.starts_with(".tmpmedic-")).collect()
}

fn ready(root: &Path, flow: Flow) -> (Ground, Facts) {
    let ground = Ground::build(root);
    let before = entries(&ground.place());
    flow.prepare(&ground);
    // What a purge must not touch is what lies in its place when it begins.
    let before = if flow == Flow::Purge { entries(&ground.place()) } else { before };
    (ground, before)
}

/// Kills a flow at each call, or at about `calls` of them, and `moments` times whenever.
pub fn kill(root: &Path, flow: Flow, calls: Option<usize>, moments: usize) -> Killed {
    let mut killed = Killed { flow: format!("{flow:?}"), ..Killed::default() };
    let mut wrong = Vec::new();
    let mut note = |at: &str, harm: Vec<String>| {
        if !harm.is_empty() && wrong.len() < 12 {
            wrong.push(format!("killed at {at}: {}", harm.join("; ")));
        }
    };
    let (ground, _) = ready(root, flow);
    let mut all = 0;
    stepper::step(&flow.command(&ground), &[], Follow::Itself, &mut |call| {
        all += usize::from(call.changes && (call.path.starts_with(&ground.root) || is_ours(&call.path)));
        Go::On
    });
    let every = calls.map_or(1, |calls| all.div_ceil(calls).max(1));
    for n in (0..all).step_by(every) {
        let (ground, before) = ready(root, flow);
        if let Some(at) = kill_at(&ground, &flow.command(&ground), n) {
            killed.calls += 1;
            note(&format!("call {n}, {at}"), judge(flow, &ground, &before));
        }
    }
    let (ground, _) = ready(root, flow);
    let watch = Instant::now();
    super::sweep::run(&flow.command(&ground), &ground, 0);
    let longest = watch.elapsed();
    // Some moments come when it has ended already; others are chosen for them, but not for ever.
    for n in 0..moments * 4 {
        if killed.moments == moments {
            break;
        }
        let (ground, before) = ready(root, flow);
        let moment = longest.mul_f64(fraction(n));
        if kill_after(&flow.command(&ground), moment) {
            killed.moments += 1;
            note(&format!("{moment:?}"), judge(flow, &ground, &before));
        }
    }
    Killed { harm: wrong, ..killed }
}

/// Spread over the whole, differently each time the number of rounds is raised: the golden ratio.
fn fraction(n: usize) -> f64 {
    let n = f64::from(u32::try_from(n).unwrap_or(u32::MAX));
    (n * 0.618_033_988_749).fract()
}

/// While one instance stands still in the middle, another one says so and does nothing.
pub fn excludes(root: &Path, flow: Flow) -> Vec<(String, Option<i32>)> {
    let (ground, _) = ready(root, flow);
    let mut codes = Vec::new();
    stepper::step(&flow.command(&ground), &[], Follow::Itself, &mut |call| {
        if call.changes && call.path.starts_with(ground.place()) && codes.is_empty() && call.name != "mkdirat"
        {
            // So that the second one has something to do.
            std::fs::create_dir(ground.place().join("go-build3")).unwrap();
            for words in [&CLEAN[..], &super::sweep::PURGE, &UNDO] {
                codes.push((words[0].to_owned(), tmpmedic(&ground, words).status.code()));
            }
        }
        Go::On
    });
    codes
}
