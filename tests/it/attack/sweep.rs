//! Each gap between two calls of each flow, attacked in each way.

use std::ffi::OsString;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::ground::{ATTACKS, Attack, Ground};
use super::stepper::{self, Ended, Follow, Go};

/// What is attacked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// `clean --apply`.
    Clean,
    /// `clean --apply --delete`.
    Delete,
    /// `purge` of what was put aside before.
    Purge,
    /// `undo` of a clean-up.
    Undo,
    /// The hands of `give-to-runner`.
    Give,
    /// `undo` of that.
    UndoGive,
    /// A first draft that removes by path.
    NaiveRemove,
    /// A first draft that gives by path.
    NaiveGive,
}

/// Those that must hold.
pub const FLOWS: [Flow; 6] = [Flow::Clean, Flow::Delete, Flow::Purge, Flow::Undo, Flow::Give, Flow::UndoGive];

/// The options with which all of the temp dir is cleaned.
pub const CLEAN: [&str; 6] = ["clean", "PLACE", "--older-than", "0s", "--apply", "--json"];
/// The same for good.
pub const DELETE: [&str; 8] =
    ["clean", "PLACE", "--older-than", "0s", "--apply", "--json", "--delete", "--yes"];
/// All that was put aside.
pub const PURGE: [&str; 5] = ["purge", "--older-than", "0s", "--yes", "--json"];
/// The last work.
pub const UNDO: [&str; 2] = ["undo", "--json"];

/// This test binary, asked for one ignored test.
pub fn actor(name: &str) -> Vec<OsString> {
    ["/mnt/bin/actor", name, "--exact", "--ignored", "--nocapture"].map(OsString::from).to_vec()
}

impl Flow {
    /// The command that is attacked.
    pub fn command(self, ground: &Ground) -> Vec<OsString> {
        match self {
            Self::Clean => ground.command(&CLEAN),
            Self::Delete => ground.command(&DELETE),
            Self::Purge => ground.command(&PURGE),
            Self::Undo | Self::UndoGive => ground.command(&UNDO),
            Self::Give => actor("attack::actors::gives_a_tree_away"),
            Self::NaiveRemove => actor("attack::actors::removes_by_path"),
            Self::NaiveGive => actor("attack::actors::gives_by_path"),
        }
    }

    /// What comes before it.
    pub fn prepare(self, ground: &Ground) {
        match self {
            Self::Purge | Self::Undo => run(&Self::Clean.command(ground), ground, 0),
            Self::UndoGive => {
                // What was written in the moment in which it was given away is not taken back.
                let tree = ground.place().join(super::ground::ENTRY).into_os_string();
                let words = ["find", "TREE", "-exec", "touch", "-h", "-d", "1 hour ago", "{}", "+"];
                let words = words.map(|word| if word == "TREE" { tree.clone() } else { word.into() });
                run(&words, ground, 0);
                run(&Self::Give.command(ground), ground, 0);
            }
            _ => {}
        }
    }

    /// Whether everything must still be somewhere afterwards.
    pub fn keeps_all(self) -> bool {
        !matches!(self, Self::Delete | Self::Purge | Self::NaiveRemove)
    }
}

/// Runs a command to its end, and demands that exit code.
pub fn run(command: &[OsString], ground: &Ground, code: i32) {
    let output = std::process::Command::new(&command[0])
        .args(&command[1..])
        .env("TREE", ground.place().join(super::ground::ENTRY))
        .current_dir("/")
        .output()
        .expect("it starts");
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(
        output.status.code(),
        Some(code),
        "{command:?}: {text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Runs a flow on a fresh ground; at each call below the ground `ask` hears its number.
pub fn stepped(flow: Flow, ground: &Ground, ask: &mut dyn FnMut(usize, &stepper::Call) -> Go) -> Ended {
    let mut number = 0;
    let tree = ground.place().join(super::ground::ENTRY);
    let variables = [("TREE", tree.to_str().unwrap())];
    stepper::step(&flow.command(ground), &variables, Follow::Itself, &mut |call| {
        if !call.path.starts_with(&ground.root) {
            return Go::On;
        }
        number += 1;
        ask(number - 1, call)
    })
}

/// What came of the gaps of one flow.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Figures {
    /// Which flow.
    pub flow: String,
    /// Calls that name something on the ground.
    pub calls: usize,
    /// Gaps in which there was something to attack, and it was.
    pub windows: usize,
    /// Of those, gaps in which something happened that must not.
    pub escapes: usize,
    /// What, of the first ones.
    pub harm: Vec<String>,
}

/// Attacks the gaps of a flow in these ways: all of them, or about `sample` in all, spread over gaps and ways.
pub fn sweep(root: &Path, flow: Flow, ways: &[Attack], sample: Option<usize>) -> Figures {
    let mut figures = Figures { flow: format!("{flow:?}"), ..Figures::default() };
    let ground = Ground::build(root);
    flow.prepare(&ground);
    let ended = stepped(flow, &ground, &mut |_, _| {
        figures.calls += 1;
        Go::On
    });
    assert!(ended.code.is_some_and(|code| code <= 1), "{flow:?} works when nobody attacks: {ended:?}");
    let pairs = figures.calls * ways.len();
    let every = sample.map_or(1, |sample| (pairs / sample).max(1));
    // Coprime to the number of ways, so that all of them have their turn.
    let every = if every > 1 && every.is_multiple_of(ways.len()) { every + 1 } else { every };
    for pair in (0..pairs).step_by(every) {
        one(root, flow, (pair / ways.len(), ways[pair % ways.len()]), &mut figures);
    }
    figures
}

fn one(root: &Path, flow: Flow, (gap, how): (usize, Attack), figures: &mut Figures) {
    let ground = Ground::build(root);
    flow.prepare(&ground);
    let mut at = None;
    let ended = stepped(flow, &ground, &mut |number, call| {
        if number == gap && ground.attack(how) {
            at = Some(format!("{} {}", call.name, call.path.display()));
        }
        Go::On
    });
    let Some(at) = at else { return };
    figures.windows += 1;
    let mut harm = ground.harm(how, flow);
    if ended.code.is_none_or(|code| code == 101) && flow.keeps_to_its_word() {
        harm.push(format!("it ended with {:?}: {}", ended.code, ended.talk));
    }
    if !harm.is_empty() {
        figures.escapes += 1;
        if figures.harm.len() < 12 {
            figures.harm.push(format!("gap {gap} ({at}): {}", harm.join("; ")));
        }
    }
}

impl Flow {
    fn keeps_to_its_word(self) -> bool {
        !matches!(self, Self::NaiveRemove | Self::NaiveGive)
    }
}

/// Somebody makes us take a victim's tree, and takes the name again before it can go back; what is harmed by that, where
/// the name was taken again by the owner of the planned entry or by somebody else.
pub fn squat(root: &Path, owner: u32) -> Vec<String> {
    let ground = Ground::build(root);
    let (name, mut renames) = (ground.place().join(super::ground::ENTRY), 0);
    stepped(Flow::Clean, &ground, &mut |_, call| {
        if call.name == "renameat2" && (call.path == name || renames == 1) {
            renames += 1;
            match renames {
                1 => assert!(ground.attack(Attack::Razor)),
                2 => {
                    std::fs::create_dir(&name).unwrap();
                    std::os::unix::fs::chown(&name, Some(owner), None).unwrap();
                }
                _ => {}
            }
        }
        Go::On
    });
    assert!(renames >= 2, "it took the victim's tree and tried to give it back");
    ground.harm(Attack::Razor, Flow::Clean)
}

/// The controls, and then every flow that must hold; as lines of JSON.
pub fn all(root: &Path, [few, some]: [Option<usize>; 2]) -> Vec<Figures> {
    let controls = [Flow::NaiveRemove, Flow::NaiveGive];
    let controls = controls.map(|flow| sweep(root, flow, &[Attack::Link], few));
    controls.into_iter().chain(FLOWS.map(|flow| sweep(root, flow, &ATTACKS, some))).collect()
}
