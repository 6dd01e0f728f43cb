//! What the commands take that change the machine when told to: `clean`, `undo`, `purge`, `fix`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::values::{age, digest, duration, entry_name};
use super::{DiffFormat, Whom};

/// Arguments of `clean`.
#[derive(Clone, Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "independent switches of a command line")]
pub struct CleanArgs {
    /// The temp dirs; /tmp and /var/tmp where none is named.
    #[arg(value_name = "DIR", conflicts_with = "plan")]
    pub dir: Vec<PathBuf>,
    /// Only entries in whose whole tree nothing was touched for so long: 1d, 12h, 0s; else 1d, or what their family needs.
    #[arg(long, value_name = "TIME", value_parser = age, conflicts_with = "plan")]
    pub older_than: Option<Duration>,
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
    /// What processes that cannot be read may hold counts as held by nobody; every other condition still keeps an entry.
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
    pub older_than: Option<Duration>,
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
    pub deadline: Duration,
}
