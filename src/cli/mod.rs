//! The command line: clap types only, no behaviour. The man page and completions are made from here.
//!
//! [`Command`] lists the subcommands. What each of them takes is in `look` where it only looks, in `act` where it may
//! change the machine, and in `lab`; how a time, an age or a digest is read is in `values`.

mod act;
mod lab;
mod look;
mod values;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub use act::{CleanArgs, FixArgs, PurgeArgs, UndoArgs};
pub use lab::LabArgs;
pub use look::{CaptureArgs, CheckArgs, DiffArgs, ExplainArgs, Format, ProbeArgs, ReplayArgs};

/// Names, proves and cures why a process cannot create a temp dir.
///
/// Without a command it opens the console on this machine; without a terminal it prints what `check` prints.
#[derive(Debug, Parser)]
#[command(name = "tmpmedic", version, max_term_width = 100, args_conflicts_with_subcommands = false)]
#[command(after_long_help = crate::exit::codes_help())]
pub struct Cli {
    /// What to do; the console where nothing is named.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Options that mean the same everywhere.
    #[command(flatten)]
    pub global: Global,
}

/// Options that mean the same everywhere.
#[derive(Clone, Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "independent switches of a command line")]
pub struct Global {
    /// Print exactly one JSON document to standard output.
    #[arg(long, global = true)]
    pub json: bool,
    /// When to colour.
    #[arg(long, global = true, value_enum, default_value_t = ColorChoice::Auto, value_name = "WHEN")]
    pub color: ColorChoice,
    /// Draw with ASCII only.
    #[arg(long, global = true)]
    pub ascii: bool,
    /// Site configuration: more families, roles and variables, other thresholds.
    #[arg(long, global = true, value_name = "FILE", default_value = "/etc/tmpmedic/config.toml")]
    pub config: PathBuf,
    /// Make every action unreachable.
    #[arg(long, global = true)]
    pub read_only: bool,
    /// Say more on standard error.
    #[arg(short, long, global = true, conflicts_with = "quiet")]
    pub verbose: bool,
    /// Say nothing on standard error but errors.
    #[arg(short, long, global = true)]
    pub quiet: bool,
}

/// When to colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ColorChoice {
    /// Where standard output is a terminal, NO_COLOR is not set and TERM is not dumb.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// One diagnosis without a terminal: for CI steps, scripts, monitoring, tickets.
    Check(CheckArgs),
    /// Take what `check` sees home in a file: one snapshot, or a recording.
    Capture(CaptureArgs),
    /// The console on a capture: the same tabs and verdict, and time to step through.
    Replay(ReplayArgs),
    /// What changed between two looks: of two captures, or of one recording.
    Diff(DiffArgs),
    /// Make and remove a temp dir for real, exactly as a given process would, and say which step fails.
    Probe(ProbeArgs),
    /// Plan which old entries of a temp dir may go, and with --apply put them aside so that `undo` gives them back.
    Clean(CleanArgs),
    /// Take back what the last action (or the named one) did.
    Undo(UndoArgs),
    /// What was done to this machine: when, by whom, each step with its outcome, before and after.
    Journal,
    /// Free for good what earlier clean-ups put aside.
    Purge(PurgeArgs),
    /// The guided actions without a terminal: what would be done about each finding; `--apply` does it.
    Fix(FixArgs),
    /// The runbook page of a cause; without one, the list of causes.
    Explain(ExplainArgs),
    /// Build an incident for real, in private namespaces, and open the console in it; without one, list them.
    Lab(LabArgs),
    /// Print a completion script for a shell.
    #[command(hide = true)]
    Completions {
        /// For which shell.
        shell: clap_complete::Shell,
    },
    /// Print the man page.
    #[command(hide = true)]
    Man,
    /// A lesson about the machine as it is, with no lab around it.
    #[command(name = "__lesson", hide = true)]
    Lesson {
        /// The id of a scenario, or its number in the list.
        scenario: String,
    },
    /// Re-executed by tmpmedic itself for calls that may never return.
    #[command(name = "__helper", hide = true)]
    Helper {
        /// Which of its jobs.
        kind: String,
    },
}

/// Whom to look at.
#[derive(Clone, Debug, Default, Args)]
pub struct Whom {
    /// Only this process; may be repeated.
    #[arg(long, value_name = "PID", value_parser = clap::value_parser!(u32).range(1..))]
    pub pid: Vec<u32>,
    /// Only the processes of this systemd unit; may be repeated.
    #[arg(long, value_name = "UNIT")]
    pub unit: Vec<String>,
    /// Only the processes of this user (name or uid); may be repeated.
    #[arg(long, value_name = "NAME")]
    pub user: Vec<String>,
    /// Also this directory; may be repeated.
    #[arg(long, value_name = "DIR")]
    pub dir: Vec<PathBuf>,
}

/// Forms of a table of changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DiffFormat {
    /// 80 columns for people.
    Text,
    /// For scripts.
    Json,
    /// For tickets.
    Markdown,
}
