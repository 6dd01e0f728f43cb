//! Families of temp entries: who makes them, when they may go.

use serde::{Deserialize, Serialize};

use super::units::Seconds;

/// One family of `assets/families.toml`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Family {
    /// Stable id: `go-build`.
    pub id: String,
    /// Glob patterns of names, any of which makes an entry a member.
    pub patterns: Vec<String>,
    /// Which tool makes them.
    pub maker: String,
    /// What they are.
    pub what: String,
    /// What normally removes them.
    pub removed_by: String,
    /// Whether removing them breaks something that runs.
    pub safety: Safety,
    /// How long one must have been idle before it may be removed; absent where never.
    #[serde(default)]
    pub idle_s: Option<Seconds>,
    /// What to check first, in words.
    pub check: String,
    /// Why that idle time or that protection.
    pub why: String,
    /// Where the facts come from.
    pub source: String,
    /// Names that must match.
    pub examples: Vec<String>,
    /// Names that look alike and must not.
    pub near_misses: Vec<String>,
}

/// Whether the members of a family may be removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Safety {
    /// Never while the system is up.
    Never,
    /// Only after a person has looked.
    Ask,
    /// When idle long enough and held by nobody.
    Idle,
}
