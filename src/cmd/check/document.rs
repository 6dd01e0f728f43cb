//! The JSON document of a `check` that failed before it had a report.

use std::ffi::OsString;

use clap::CommandFactory;

use crate::cli::Cli;
use crate::cmd::out::{self, Lost};
use crate::model::asked::Asked;
use crate::model::finding::{Diagnosis, Status};
use crate::model::reading::{Gap, GapWhy};
use crate::report::json;
use crate::source::nothing::nothing;

/// The command whose document it is.
const CHECK: &str = "check";
/// What is answered before any command is looked for.
const ANSWERED_FIRST: [&str; 5] = ["help", "--help", "-h", "--version", "-V"];

/// Whether these arguments ask for a report of `check` as JSON, judged word by word: parsing them may be what
/// failed.
pub fn wants_document(arguments: &[OsString]) -> bool {
    let words: Vec<&str> = arguments.iter().skip(1).filter_map(|word| word.to_str()).collect();
    let json = words.contains(&"--json")
        || words.contains(&"--format=json")
        || words.windows(2).any(|pair| pair == ["--format", "json"]);
    json && !words.iter().any(|word| ANSWERED_FIRST.contains(word) || is_another_command(word))
}

fn is_another_command(word: &str) -> bool {
    Cli::command().get_subcommands().any(|command| command.get_name() == word && word != CHECK)
}

/// Prints the document: the verdict is unknown, and `incomplete` says why.
pub fn print_failure(message: &str) -> Result<(), Lost> {
    let headline = message.lines().next().unwrap_or_default();
    let gap = Gap::new("this machine", GapWhy::NotAsked);
    let now = nothing(Asked::default(), &gap);
    let diagnosis =
        Diagnosis { status: Status::Unknown, headline: headline.to_owned(), ..Diagnosis::default() };
    out::write(&json::render_failure(&now, &diagnosis, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wants(line: &str) -> bool {
        wants_document(&line.split(' ').map(OsString::from).collect::<Vec<_>>())
    }

    #[test]
    fn knows_who_waits_for_a_document() {
        for line in [
            "t check --json",
            "t --json check --pid x",
            "t check --format json",
            "t check --format=json",
            "t --json",
        ] {
            assert!(wants(line), "{line}");
        }
        for line in [
            "t check",
            "t explain --json",
            "t check --json --help",
            "t probe --json",
            "t lab --course --json",
            "t fix --json",
            "t replay --json",
            "t __lesson --json",
            "t help --json",
            "t check --format text",
        ] {
            assert!(!wants(line), "{line}");
        }
    }
}
