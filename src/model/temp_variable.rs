//! Which directory each kind of program takes for its temp files, given its environment.
//!
//! Sources: the programs' own documentation and sources, as the runbook pages cite them.

use super::process::Variable;
use super::raw_path::RawPath;

/// Kinds of programs that resolve their temp dir alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Resolver {
    /// Rust's `std::env::temp_dir`: TMPDIR even when empty, else /tmp.
    RustStd,
    /// Go's `os.TempDir`, mktemp(1), most shells: TMPDIR unless empty, else /tmp.
    Go,
    /// mktemp(1): as Go.
    Mktemp,
    /// Python's `tempfile`: TMPDIR, TEMP, TMP, then /tmp, /var/tmp, /usr/tmp, cwd: the first that works.
    Python,
    /// Node's `os.tmpdir`: TMPDIR, TMP, TEMP, else /tmp.
    Node,
    /// libiberty (gcc): TMPDIR, TMP, TEMP, /tmp, /var/tmp, /usr/tmp, cwd: the first that access(2) allows.
    Gcc,
    /// The JVM: /tmp whatever the variables say.
    Java,
}

impl Resolver {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::RustStd, Self::Go, Self::Mktemp, Self::Python, Self::Node, Self::Gcc, Self::Java];

    /// The name on screen.
    pub fn name(self) -> &'static str {
        match self {
            Self::RustStd => "rust std",
            Self::Go => "go",
            Self::Mktemp => "mktemp",
            Self::Python => "python",
            Self::Node => "node",
            Self::Gcc => "gcc",
            Self::Java => "java",
        }
    }

    /// The directories that it tries, in order. An empty path is the working directory. Programs that test their
    /// candidates take the first that works; the others take the first and live with the error.
    pub fn candidates(self, variables: &[Variable]) -> Vec<RawPath> {
        let first = |name: &str| variables.iter().find(|v| v.name == name).map(|v| v.value.clone());
        let set = |name: &str| first(name).filter(|value| !value.is_empty());
        let named = |names: &[&str]| names.iter().filter_map(|name| set(name)).collect::<Vec<_>>();
        let fixed = |paths: &[&str]| paths.iter().map(|p| RawPath::from(*p)).collect::<Vec<_>>();
        match self {
            Self::RustStd => vec![first("TMPDIR").unwrap_or_else(|| "/tmp".into())],
            Self::Go | Self::Mktemp => vec![set("TMPDIR").unwrap_or_else(|| "/tmp".into())],
            Self::Node => {
                let mut all = named(&["TMPDIR", "TMP", "TEMP"]);
                all.truncate(1);
                if all.is_empty() { fixed(&["/tmp"]) } else { all }
            }
            Self::Python => {
                let mut all = named(&["TMPDIR", "TEMP", "TMP"]);
                all.extend(fixed(&["/tmp", "/var/tmp", "/usr/tmp", ""]));
                all
            }
            Self::Gcc => {
                let mut all = named(&["TMPDIR", "TMP", "TEMP"]);
                all.extend(fixed(&["/tmp", "/var/tmp", "/usr/tmp", ""]));
                all
            }
            Self::Java => fixed(&["/tmp"]),
        }
    }

    /// Whether it tries the next candidate where one does not work.
    pub fn falls_back(self) -> bool {
        matches!(self, Self::Python | Self::Gcc)
    }
}
