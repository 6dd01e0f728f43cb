//! What README shows of the program is what the program has: each part between two marks is made from it.
//!
//! `UPDATE=1 cargo test --test it readme` writes them anew.

use std::fmt::Write as _;
use std::sync::Mutex;

use clap::{Arg, Command, CommandFactory};
use tmpmedic::cli::Cli;
use tmpmedic::exit;
use tmpmedic::model::finding::Status;
use tmpmedic::tui::keys::{KEYS, Key, KeyId, Place};
use tmpmedic::tui::tabs::{TABS, tab};

use crate::frames::{seen, text};
use crate::golden;
use crate::scenes;

/// Compares what stands between `<!-- name -->` and `<!-- /name -->` with `made`, or writes it there.
fn check(name: &str, made: &str) {
    /// The parts are tests of their own, and one file.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let guard = ONE_AT_A_TIME.lock();
    let readme = golden::path("../../README.md");
    let whole = std::fs::read_to_string(&readme).unwrap();
    let (open, close) = (format!("<!-- {name} -->\n"), format!("<!-- /{name} -->\n"));
    let (before, rest) = whole.split_once(&open).unwrap_or_else(|| panic!("README has no mark {open}"));
    let (known, after) = rest.split_once(&close).unwrap_or_else(|| panic!("README has no mark {close}"));
    if known == made {
        return;
    }
    assert!(
        std::env::var_os("UPDATE").is_some(),
        "README says of {name}:\n{known}\nbut it is:\n{made}\n(UPDATE=1 takes what is)"
    );
    std::fs::write(readme, format!("{before}{open}{made}{close}{after}")).unwrap();
    drop(guard);
}

fn escaped(text: &str) -> String {
    text.replace('|', "\\|")
}

fn chords(key: &Key) -> String {
    let all: Vec<String> = key.chords.iter().map(|chord| format!("`{}`", chord.shown())).collect();
    all.join(" ")
}

/// `Holders: ` before what works on one tab only, `Replay: ` before what works only there.
fn where_it_works(key: &Key) -> String {
    let on = key.places.iter().filter_map(|place| match place {
        Place::Tab(id) => Some(tab(*id).card().title),
        Place::Replay => Some("Replay"),
        Place::Plan if key.places == [Place::Plan] => Some("Plan"),
        Place::Lesson => Some("Lesson"),
        Place::Solved => Some("Lesson, when it is over"),
        _ => None,
    });
    let on: Vec<&str> = on.collect();
    if on.is_empty() { String::new() } else { format!("{}: ", on.join(", ")) }
}

fn keys() -> String {
    let mut table = "| key | what it does |\n|---|---|\n".to_owned();
    let numbers: Vec<String> =
        KEYS.iter().filter(|key| matches!(key.id, KeyId::Tab(_))).map(chords).collect();
    let titles: Vec<&str> = TABS.iter().map(|tab| tab.card().title).collect();
    writeln!(table, "| {} | {} |", numbers.join(" "), titles.join(", ")).unwrap();
    for key in KEYS.iter().filter(|key| !matches!(key.id, KeyId::Tab(_))) {
        writeln!(table, "| {} | {}{} |", escaped(&chords(key)), where_it_works(key), escaped(key.help))
            .unwrap();
    }
    table
}

fn usage(arg: &Arg) -> String {
    let values = arg.get_value_names().unwrap_or_default().iter().map(clap::builder::Str::as_str);
    let takes = arg.get_action().takes_values();
    let values = if takes { values.collect::<Vec<_>>().join(" ") } else { String::new() };
    match arg.get_long() {
        Some(long) => format!("--{long} {values}").trim_end().to_owned(),
        None => format!("[{values}]"),
    }
}

fn described(arg: &Arg) -> String {
    let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
    let choices: Vec<String> = arg
        .get_possible_values()
        .iter()
        .filter(|_| arg.get_action().takes_values())
        .map(|value| format!("`{}`", value.get_name()))
        .collect();
    if choices.is_empty() { help } else { format!("{help}: {}", choices.join(", ")) }
}

fn commands() -> String {
    let program = Cli::command();
    let mut table = "| command | what it does |\n|---|---|\n".to_owned();
    let mut row = |left: &str, right: &str| {
        writeln!(table, "| `{}` | {} |", escaped(left), escaped(right)).unwrap();
    };
    row("tmpmedic", "The console; without a terminal (or with `TERM=dumb`) the same as `check`");
    let shown = |command: &&Command| !command.is_hide_set();
    for command in program.get_subcommands().filter(shown) {
        let name = format!("tmpmedic {}", command.get_name());
        row(&name, &command.get_about().map(ToString::to_string).unwrap_or_default());
        for arg in command.get_arguments().filter(|arg| !arg.is_hide_set() && arg.get_id() != "help") {
            row(&format!("{} {}", command.get_name(), usage(arg)), &described(arg));
        }
    }
    for arg in program.get_arguments().filter(|arg| arg.is_global_set() && !arg.is_hide_set()) {
        row(&usage(arg), &described(arg));
    }
    table
}

#[test]
fn readme_shows_every_key_and_no_other() {
    check("keys", &keys());
}

#[test]
fn readme_shows_every_command_and_option() {
    check("commands", &commands());
}

#[test]
fn readme_shows_every_exit_code() {
    let rows = exit::CODES.iter().map(|(code, means)| format!("| {code} | {means} |\n"));
    check("exit codes", &format!("| code | of `check`, `probe` |\n|---|---|\n{}", rows.collect::<String>()));
    let rows = exit::ACTION_CODES.iter().map(|(code, means)| format!("| {code} | {means} |\n"));
    let rows = rows.collect::<String>();
    check("action exit codes", &format!("| code | of `clean`, `undo`, `purge` |\n|---|---|\n{rows}"));
    let all = [Status::Ok, Status::Warning, Status::Critical, Status::Unknown];
    for (status, (code, means)) in all.into_iter().zip(exit::CODES) {
        assert_eq!(status.exit_code(), *code);
        assert!(means.starts_with(status.word()), "{means}");
    }
}

#[test]
fn the_screen_in_readme_is_one_that_the_program_draws() {
    let app = seen(&scenes::two_dead_runners(), (120, 32));
    check("screen", &format!("```text\n{}```\n", text(&app)));
}
