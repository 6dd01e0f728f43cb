//! What `lab` takes.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;

/// Arguments of `lab`.
#[derive(Clone, Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "independent switches of a command line")]
pub struct LabArgs {
    /// The scenario: its id, or its number in the list. With `--learn` it may be left out: then the course begins.
    pub id: Option<String>,
    /// Hide the verdict until the cause is named.
    #[arg(long)]
    pub learn: bool,
    /// Leave the lab up when the console or the command has ended.
    #[arg(long)]
    pub keep: bool,
    /// Open a shell instead of the console.
    #[arg(long, conflicts_with = "command")]
    pub shell: bool,
    /// Have the services of the scenario started by a real systemd; needs root.
    #[arg(long)]
    pub systemd: bool,
    /// Build only the chapters up to this one.
    #[arg(long, value_name = "N")]
    pub chapter: Option<usize>,
    /// A scenario of your own; may be repeated.
    #[arg(long, value_name = "FILE")]
    pub scenario: Vec<PathBuf>,
    /// Join a lab that is open; with several, the one of this process.
    #[arg(long, value_name = "PID", num_args = 0..=1, conflicts_with_all = ["id", "keep", "systemd", "chapter", "scenario"])]
    pub join: Option<Option<u32>>,
    /// List the short course in its order: number, title, level.
    #[arg(long, conflicts_with_all = ["id", "learn", "keep", "shell", "systemd", "chapter", "scenario", "join", "command"])]
    pub course: bool,
    /// The console inside a lab.
    #[arg(long, hide = true)]
    pub inside: bool,
    /// Run this instead of the console.
    #[arg(last = true, value_name = "CMD")]
    pub command: Vec<OsString>,
}
