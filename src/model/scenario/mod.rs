//! A scenario: an incident as a lesson, as a test and as a demonstration.
//!
//! [`step`] says how it is built, [`amount`] how sizes and ages are written. Plain data: `catalog` reads it, `lab` builds
//! it, the screen teaches with it.

pub mod amount;
pub mod cast;
pub mod step;

use serde::{Deserialize, Serialize};

use super::finding::Severity;
use step::Step;

/// One incident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Stable id; that of its cause where it shows one: `private-tmp-deleted`, `private-tmp-deleted-near-miss`.
    pub id: String,
    /// What it shows.
    pub kind: ScenarioKind,
    /// The cause that a learner has to name; of a near miss, the cause that it looks like.
    pub cause: String,
    /// One line that does not give the cause away.
    pub title: String,
    /// How hard it is, 1 to 5; a course goes from easy to hard.
    pub level: u8,
    /// Its place in the short course, from 1.
    #[serde(default)]
    pub course: Option<u8>,
    /// What the engineer is told, and what the machine is for.
    pub story: String,
    /// The lines of the build log, verbatim.
    pub symptom: String,
    /// What the shell shows, and what was tried already.
    #[serde(default)]
    pub tried: Vec<String>,
    /// Hints, each dearer than the one before.
    pub hints: Vec<Hint>,
    /// What cures it.
    pub cure: String,
    /// What a naive repair would have done.
    pub naive: String,
    /// What to remember.
    pub lesson: String,
    /// Names of the cast that `check` is asked about, where it would not ask by itself.
    #[serde(default)]
    pub asked: Vec<String>,
    /// What it needs beyond what its steps tell.
    #[serde(default)]
    pub needs: Vec<Need>,
    /// Why it cannot be judged yet: no rule knows its cause.
    #[serde(default)]
    pub later: Option<String>,
    /// What happens, in order; a story has several.
    #[serde(rename = "chapter")]
    pub chapters: Vec<Chapter>,
}

/// What a scenario shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ScenarioKind {
    /// A cause.
    Cause,
    /// Something that looks like a cause and is none.
    NearMiss,
    /// An incident of several steps.
    Story,
}

/// A hint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hint {
    /// What it says.
    pub text: String,
    /// How many points it costs.
    pub cost: u8,
}

/// One act of an incident.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chapter {
    /// Its name, in a story.
    #[serde(default)]
    pub title: String,
    /// What happens in it.
    #[serde(default)]
    pub tells: String,
    /// How it is built, after the chapters before it.
    #[serde(default, rename = "step")]
    pub steps: Vec<Step>,
    /// What must be found when it is built.
    #[serde(default)]
    pub expect: Expect,
}

/// What must be found, and what must not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// What must be found; the first leads. Nothing here: nothing above info may be found.
    #[serde(default)]
    pub found: Vec<Expected>,
    /// What may be found as well, because the incident brings it along.
    #[serde(default)]
    pub also: Vec<String>,
    /// What must not be found, at no severity.
    #[serde(default)]
    pub never: Vec<String>,
}

/// A finding that must be there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    /// Id of the cause.
    pub id: String,
    /// How bad.
    pub severity: Severity,
    /// How many findings of that id, where it matters.
    #[serde(default)]
    pub count: Option<u32>,
}

/// What a machine must offer before a scenario can be built on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Need {
    /// More than one user id: root, or a range in `/etc/subuid` with newuidmap(1).
    Users,
    /// Loop devices, which only root of the host may set up, and mkfs.ext4(8).
    Image,
    /// Stamps of the past, which debugfs(8) writes into an image.
    Ages,
    /// Privileges over the host that no user namespace gives: attributes, freezing, trusted xattrs.
    Root,
    /// systemd, started for the lab.
    Systemd,
}
