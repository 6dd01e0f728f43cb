//! The command line: clap types only, no behaviour. The man page and completions are made from here.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::{OsStringValueParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};

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
    pub deadline: std::time::Duration,
    /// The form of the report; text where nothing is named.
    #[arg(long, value_enum)]
    pub format: Option<Format>,
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
    pub length: Option<std::time::Duration>,
    /// The time between two snapshots of a recording.
    #[arg(long, value_name = "TIME", requires = "length", default_value = "2s", value_parser = duration, allow_hyphen_values = true)]
    pub every: std::time::Duration,
    /// Put pseudonyms in the place of user and host names, parts of paths and command lines.
    #[arg(long)]
    pub redact: bool,
    /// Only predict; make no temp dir.
    #[arg(long)]
    pub no_probe: bool,
    /// How long a look may take.
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration, allow_hyphen_values = true)]
    pub deadline: std::time::Duration,
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
    pub deadline: std::time::Duration,
    /// Then run this command in that view; a single word with blanks is given to `/bin/sh -c`.
    #[arg(long, value_name = "CMD", num_args = 1.., allow_hyphen_values = true)]
    pub exec: Vec<OsString>,
}

impl Default for CheckArgs {
    /// What `tmpmedic check` alone means.
    fn default() -> Self {
        let deadline = std::time::Duration::from_secs(10);
        Self { whom: Whom::default(), from: None, log: None, no_probe: false, deadline, format: None }
    }
}

/// Arguments of `clean`.
#[derive(Clone, Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "independent switches of a command line")]
pub struct CleanArgs {
    /// The temp dirs; /tmp and /var/tmp where none is named.
    #[arg(value_name = "DIR", conflicts_with = "plan")]
    pub dir: Vec<PathBuf>,
    /// Only entries in whose whole tree nothing was touched for so long: 1d, 12h, 0s; else 1d, or what their family needs.
    #[arg(long, value_name = "TIME", value_parser = age, conflicts_with = "plan")]
    pub older_than: Option<std::time::Duration>,
    /// Only this family; may be repeated, and `other` is what is in none.
    #[arg(long, value_name = "NAME", conflicts_with = "plan")]
    pub family: Vec<String>,
    /// Only the entry of this name, chosen like that; may be repeated.
    #[arg(long, value_name = "NAME", value_parser = entry_name(), conflicts_with = "plan")]
    pub name: Vec<OsString>,
    /// Never names like this: `fm-*`; may be repeated.
    #[arg(long, value_name = "GLOB", conflicts_with = "plan")]
    pub keep: Vec<String>,
    /// Only what belongs to this user (name or uid), even where nothing of theirs builds here.
    #[arg(long, value_name = "NAME", conflicts_with = "plan")]
    pub owner: Option<String>,
    /// Do it; without this nothing is changed.
    #[arg(long)]
    pub apply: bool,
    /// Carry out exactly this plan, as `clean --json` printed it.
    #[arg(long, value_name = "FILE", requires = "apply")]
    pub plan: Option<PathBuf>,
    /// Remove for good instead of putting aside: frees the room at once and cannot be undone; asks for --yes.
    #[arg(long, conflicts_with = "plan")]
    pub delete: bool,
    /// Only the plan with this digest, as it was shown; where other entries would go by now, nothing is done.
    #[arg(long, value_name = "DIGEST", value_parser = digest, conflicts_with = "plan")]
    pub digest: Option<String>,
    /// What could not be looked at counts as held by nobody.
    #[arg(long, conflicts_with = "plan")]
    pub assume_unheld: bool,
    /// Also where no journal can be written, so that nothing can be taken back by `undo`.
    #[arg(long)]
    pub no_undo: bool,
    /// Yes, what cannot be undone as well.
    #[arg(long)]
    pub yes: bool,
    /// The form of the report; text where nothing is named.
    #[arg(long, value_enum)]
    pub format: Option<DiffFormat>,
}

/// Arguments of `undo`.
#[derive(Clone, Debug, Args)]
pub struct UndoArgs {
    /// Its number in the journal; the last one that can be taken back where none is named.
    pub id: Option<u64>,
}

/// Arguments of `purge`.
#[derive(Clone, Debug, Args)]
pub struct PurgeArgs {
    /// Its number in the journal, however old it is; all that are old enough where none is named.
    pub id: Option<u64>,
    /// Only what was put aside so long ago; else 7d, or what the site says.
    #[arg(long, value_name = "TIME", value_parser = age)]
    pub older_than: Option<std::time::Duration>,
    /// Do it; without this it is only told what would be freed. It cannot be undone.
    #[arg(long)]
    pub yes: bool,
}

/// Arguments of `fix`.
#[derive(Clone, Debug, Args)]
pub struct FixArgs {
    /// The id of a cause: `private-tmp-deleted`; all that is found where none is named.
    pub cause: Option<String>,
    /// Whom to look at.
    #[command(flatten)]
    pub whom: Whom,
    /// This action instead of the first one that a finding offers.
    #[arg(long, value_name = "ID")]
    pub action: Option<String>,
    /// Do it, and prove by a probe that it helped.
    #[arg(long)]
    pub apply: bool,
    /// Also what cannot be taken back; `--yes=ID` only that action.
    #[arg(long, value_name = "ID", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    pub yes: Option<String>,
    /// Only the plan with this digest, as it was shown; where another one would be carried out by now, nothing is done.
    #[arg(long, value_name = "DIGEST", value_parser = digest)]
    pub digest: Option<String>,
    /// Also where no journal can be written, so that nothing can be taken back by `undo`.
    #[arg(long)]
    pub no_undo: bool,
    /// How long the look may take.
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration, allow_hyphen_values = true)]
    pub deadline: std::time::Duration,
}

/// Arguments of `explain`.
#[derive(Clone, Debug, Args)]
pub struct ExplainArgs {
    /// The id of a cause: `private-tmp-deleted`.
    pub cause: Option<String>,
}

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

/// As many digits of a digest as are shown, or all of them.
fn digest(text: &str) -> Result<String, String> {
    let is_digest = (12..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_digest { Ok(text.to_ascii_lowercase()) } else { Err("12 to 64 hexadecimal digits".to_owned()) }
}

/// The name of what lies directly in a temp dir, which need not be text.
fn entry_name() -> impl TypedValueParser<Value = OsString> {
    OsStringValueParser::new().try_map(|name| match name.as_encoded_bytes() {
        b"" | b"." | b".." => Err("no name of an entry"),
        bytes if bytes.contains(&b'/') => Err("one name, without its directory and without `/`"),
        _ => Ok(name),
    })
}

/// `500ms`, `10s`, `2m`, `1h`, or bare seconds.
fn duration(text: &str) -> Result<std::time::Duration, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = text.strip_prefix(digits).unwrap_or_default();
    let number: u64 =
        digits.parse().map_err(|why| format!("`{text}` is not a time ({why}); write 500ms, 10s or 2m"))?;
    let millis = match unit {
        "ms" => Some(number),
        "" | "s" => number.checked_mul(1000),
        "m" | "min" => number.checked_mul(60_000),
        "h" => number.checked_mul(3_600_000),
        _ => return Err(format!("`{unit}` is not a unit of time; write ms, s, m or h")),
    };
    match millis {
        Some(0) => Err("it must be longer than nothing".to_owned()),
        Some(millis) => Ok(std::time::Duration::from_millis(millis)),
        None => Err(format!("`{text}` is too long")),
    }
}

/// `0s`, `90m`, `12h`, `1d`, `2w`, or bare seconds.
fn age(text: &str) -> Result<std::time::Duration, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let number: u64 =
        digits.parse().map_err(|why| format!("`{text}` is no age ({why}); write 0s, 12h or 1d"))?;
    let each = match text.strip_prefix(digits).unwrap_or_default() {
        "" | "s" => 1,
        "m" | "min" => 60,
        "h" => 3_600,
        "d" => 86_400,
        "w" => 7 * 86_400,
        unit => return Err(format!("`{unit}` is not a unit of age; write s, m, h, d or w")),
    };
    let seconds = number.checked_mul(each).ok_or_else(|| format!("`{text}` is too long"))?;
    Ok(std::time::Duration::from_secs(seconds))
}
