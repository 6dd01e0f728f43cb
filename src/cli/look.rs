//! What the commands take that only look: `check`, `capture`, `replay`, `diff`, `probe`, `explain`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::values::duration;
use super::{DiffFormat, Whom};

/// Arguments of `check`.
#[derive(Clone, Debug, Args)]
pub struct CheckArgs {
    /// Whom to look at.
    #[command(flatten)]
    pub whom: Whom,
    /// Judge the last snapshot of a capture instead of this machine; `-` reads standard input.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["pid", "unit", "user", "dir", "log", "no_probe"])]
    pub from: Option<PathBuf>,
    /// A build log to judge with; `-` reads standard input.
    #[arg(long, value_name = "FILE")]
    pub log: Option<PathBuf>,
    /// Only predict; make no temp dir.
    #[arg(long)]
    pub no_probe: bool,
    /// How long the whole look may take: 10s, 500ms, 2m.
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration, allow_hyphen_values = true)]
    pub deadline: Duration,
    /// The form of the report; text where nothing is named.
    #[arg(long, value_enum)]
    pub format: Option<Format>,
}

impl Default for CheckArgs {
    /// What `tmpmedic check` alone means.
    fn default() -> Self {
        let deadline = Duration::from_secs(10);
        Self { whom: Whom::default(), from: None, log: None, no_probe: false, deadline, format: None }
    }
}

/// Forms of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// 80 columns for people.
    Text,
    /// For scripts.
    Json,
    /// For tickets.
    Markdown,
    /// Workflow annotations of GitHub, Forgejo and Gitea.
    Github,
    /// For node_exporter's textfile collector.
    Openmetrics,
}

/// Arguments of `capture`.
#[derive(Clone, Debug, Args)]
pub struct CaptureArgs {
    /// Whom to look at.
    #[command(flatten)]
    pub whom: Whom,
    /// The file to write, which must not exist yet; `-` is standard output. Without it the name of the machine and the
    /// time make one in the working directory.
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Record for so long: 10m, 90s, 2h.
    #[arg(long = "for", value_name = "TIME", value_parser = duration, allow_hyphen_values = true)]
    pub length: Option<Duration>,
    /// The time between two snapshots of a recording.
    #[arg(long, value_name = "TIME", requires = "length", default_value = "2s", value_parser = duration, allow_hyphen_values = true)]
    pub every: Duration,
    /// Put pseudonyms in the place of user and host names, parts of paths and command lines.
    #[arg(long)]
    pub redact: bool,
    /// Only predict; make no temp dir.
    #[arg(long)]
    pub no_probe: bool,
    /// How long a look may take.
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration, allow_hyphen_values = true)]
    pub deadline: Duration,
}

/// Arguments of `replay`.
#[derive(Clone, Debug, Args)]
pub struct ReplayArgs {
    /// The capture; `-` reads standard input.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
}

/// Arguments of `diff`.
#[derive(Clone, Debug, Args)]
pub struct DiffArgs {
    /// The earlier capture; `FILE@12` or `FILE@20:41` picks a look of a recording, which is the last one otherwise.
    #[arg(value_name = "BEFORE")]
    pub before: PathBuf,
    /// The later one. Without it the first look of the recording is compared with its last.
    #[arg(value_name = "AFTER")]
    pub after: Option<PathBuf>,
    /// The form of the table; text where nothing is named.
    #[arg(long, value_enum)]
    pub format: Option<DiffFormat>,
}

/// Arguments of `probe`.
#[derive(Clone, Debug, Args)]
pub struct ProbeArgs {
    /// As this process would.
    #[arg(long, value_name = "PID", value_parser = clap::value_parser!(u32).range(1..), conflicts_with_all = ["unit", "user"])]
    pub pid: Option<u32>,
    /// As the main process of this systemd unit would.
    #[arg(long, value_name = "UNIT", conflicts_with = "user")]
    pub unit: Option<String>,
    /// As this user (name or uid) would, from this mount namespace.
    #[arg(long, value_name = "NAME")]
    pub user: Option<String>,
    /// In this directory instead of the one that the environment names.
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// How long it may take.
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration, allow_hyphen_values = true)]
    pub deadline: Duration,
    /// Then run this command in that view; a single word with blanks is given to `/bin/sh -c`.
    #[arg(long, value_name = "CMD", num_args = 1.., allow_hyphen_values = true)]
    pub exec: Vec<OsString>,
}

/// Arguments of `explain`.
#[derive(Clone, Debug, Args)]
pub struct ExplainArgs {
    /// The id of a cause: `private-tmp-deleted`.
    pub cause: Option<String>,
}
