//! A process of an incident: tmpmedic itself under another name, with exactly this environment.

use serde::{Deserialize, Serialize};

use super::step::Step;

/// One process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cast {
    /// What the scenario calls it; no two are called the same.
    pub name: String,
    /// Its program name, as ps shows it: `forgejo-runner`, `cargo`.
    pub program: String,
    /// Its arguments.
    #[serde(default)]
    pub arguments: Vec<String>,
    /// So many of them, named `NAME-1`, `NAME-2` …
    #[serde(default)]
    pub count: Option<u32>,
    /// Its user; 1000 where nothing is said.
    #[serde(default = "runner")]
    pub uid: u32,
    /// Its group.
    #[serde(default = "runner")]
    pub gid: u32,
    /// Its environment, `NAME=VALUE` each, in that order; a name may come twice.
    #[serde(default)]
    pub environment: Vec<String>,
    /// Its working directory; `/` where nothing is said.
    #[serde(default)]
    pub cwd: Option<String>,
    /// Its root directory.
    #[serde(default)]
    pub root: Option<String>,
    /// The process of the cast that is its parent.
    #[serde(default)]
    pub parent: Option<String>,
    /// The systemd unit that it belongs to; with `count` a template, `forgejo-runner@.service`. Without systemd only
    /// `private_tmp` makes use of the name.
    #[serde(default)]
    pub unit: Option<String>,
    /// Its `/tmp` is a directory of its own, as with `PrivateTmp=yes`: `/tmp/systemd-private-…-UNIT-…/tmp`.
    #[serde(default)]
    pub private_tmp: bool,
    /// Steps in a mount namespace of its own, before it begins; it has one where there are any.
    #[serde(default)]
    pub inside: Vec<Step>,
    /// Its umask, `0o077`; 022 where nothing is said.
    #[serde(default)]
    pub umask: Option<u32>,
    /// RLIMIT_FSIZE in bytes.
    #[serde(default)]
    pub file_size_limit: Option<u64>,
    /// RLIMIT_NOFILE.
    #[serde(default)]
    pub open_files_limit: Option<u64>,
    /// It opens descriptors until its limit is reached.
    #[serde(default)]
    pub exhausts_descriptors: bool,
    /// What it holds open.
    #[serde(default)]
    pub holds: Vec<Hold>,
}

/// What a process holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hold {
    /// Which path; a file is made where there is none.
    pub path: String,
    /// How.
    pub how: How,
}

/// Ways to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// Open for reading; a directory too.
    Read,
    /// Open for writing.
    Write,
    /// Open, with a BSD lock (flock).
    Lock,
    /// A listening unix socket.
    Socket,
    /// Written so that it takes room, then removed while it is open.
    Deleted,
}

fn runner() -> u32 {
    1000
}
