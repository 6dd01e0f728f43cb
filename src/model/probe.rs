//! Probes: a temp dir made and removed for real, as a given process would.

use serde::{Deserialize, Serialize};

use super::errno::Errno;
use super::process::{Credentials, MountNs, Pid};
use super::raw_path::RawPath;
use super::units::{Micros, WallNanos};
use super::vantage::Vantage;

/// The calls of a probe, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// Join the namespaces, the root and the credentials.
    Enter,
    /// Make the temp dir.
    Mkdir,
    /// Create a file in it.
    Create,
    /// Write 4 KiB.
    Write,
    /// Sync them.
    Fsync,
    /// Rename the file.
    Rename,
    /// Run a program from there.
    Execute,
    /// Remove file and dir.
    Remove,
}

impl Step {
    /// All steps in order.
    pub const ALL: [Self; 8] = [
        Self::Enter,
        Self::Mkdir,
        Self::Create,
        Self::Write,
        Self::Fsync,
        Self::Rename,
        Self::Execute,
        Self::Remove,
    ];

    /// Lower-case word, as in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Enter => "enter",
            Self::Mkdir => "mkdir",
            Self::Create => "create",
            Self::Write => "write",
            Self::Fsync => "fsync",
            Self::Rename => "rename",
            Self::Execute => "execute",
            Self::Remove => "remove",
        }
    }
}

/// How one step went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepResult {
    /// Which.
    pub step: Step,
    /// `None` where it worked.
    pub errno: Option<Errno>,
    /// How long it took.
    pub took: Micros,
}

/// One probe of one vantage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbeResult {
    /// The directory probed, as the process names it.
    pub path: RawPath,
    /// For a relative path: the cwd that it is relative to.
    pub based_on: Option<RawPath>,
    /// The process imitated.
    pub pid: Option<Pid>,
    /// Its mount namespace.
    pub mount_ns: MountNs,
    /// Its root.
    pub root: RawPath,
    /// Its credentials.
    pub credentials: Credentials,
    /// When.
    pub at: WallNanos,
    /// The steps taken, in order; a failure ends them (but for the clean-up).
    pub steps: Vec<StepResult>,
    /// What could not be imitated: an LSM label, a seccomp filter.
    pub not_imitated: Vec<String>,
    /// Whether it gave no answer within its deadline; then `steps` holds what was reported before.
    pub hung: bool,
    /// Names that could not be removed again.
    pub left_behind: Vec<RawPath>,
}

impl ProbeResult {
    /// Whether it was made at that vantage.
    pub fn is_of(&self, vantage: &Vantage) -> bool {
        (&self.path, &self.based_on, self.mount_ns, &self.root, &self.credentials)
            == (&vantage.path, &vantage.based_on, vantage.mount_ns, &vantage.root, &vantage.credentials)
    }

    /// Whether it was made at the same vantage as another one.
    pub fn repeats(&self, other: &Self) -> bool {
        (&self.path, &self.based_on, self.mount_ns, &self.root, &self.credentials)
            == (&other.path, &other.based_on, other.mount_ns, &other.root, &other.credentials)
    }

    /// The first step that failed.
    pub fn failure(&self) -> Option<&StepResult> {
        self.steps.iter().find(|s| s.errno.is_some())
    }

    /// Whether every step was taken and worked.
    pub fn passed(&self) -> bool {
        !self.hung && self.failure().is_none() && self.steps.iter().any(|s| s.step == Step::Remove)
    }

    /// Time of all steps together.
    pub fn took(&self) -> Micros {
        Micros(self.steps.iter().map(|s| s.took.0).sum())
    }
}
