//! The form of a site's configuration file: what must be said, what may be left out.

use serde::Deserialize;
use toml::Spanned;

use crate::catalog::CleanPolicy;
use crate::catalog::roles::RoleEntry;
use crate::catalog::variables::KnownVariable;
use crate::model::family::{Family, Safety};
use crate::model::process::RoleKind;
use crate::model::thresholds::Thresholds;
use crate::model::units::Seconds;

/// The form of the file.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Site {
    pub read_only: bool,
    /// `keep` as the option of the command line is called.
    #[serde(alias = "keep")]
    pub preserve: Vec<Spanned<String>>,
    pub clean: CleanPolicy,
    pub thresholds: Option<Spanned<Thresholds>>,
    pub family: Vec<Spanned<SiteFamily>>,
    pub role: Vec<Spanned<SiteRole>>,
    pub variable: Vec<Spanned<KnownVariable>>,
}

/// A family as a site writes it: what it must say is less than what our own table must.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SiteFamily {
    id: String,
    patterns: Vec<String>,
    safety: Safety,
    idle_s: Option<Seconds>,
    why: String,
    #[serde(default = "ours")]
    maker: String,
    #[serde(default)]
    what: String,
    #[serde(default)]
    removed_by: String,
    #[serde(default)]
    check: String,
    #[serde(default = "ours")]
    source: String,
    #[serde(default)]
    examples: Vec<String>,
    #[serde(default)]
    near_misses: Vec<String>,
}

/// A role as a site writes it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SiteRole {
    id: String,
    kind: RoleKind,
    title: String,
    #[serde(default)]
    programs: Vec<String>,
    #[serde(default)]
    first: Vec<String>,
    #[serde(default)]
    unless_first: Vec<String>,
    #[serde(default)]
    units: Vec<String>,
    #[serde(default = "ours")]
    why: String,
    #[serde(default = "ours")]
    source: String,
    #[serde(default)]
    examples: Vec<String>,
    #[serde(default)]
    near_misses: Vec<String>,
}

fn ours() -> String {
    "site configuration".to_owned()
}

impl From<SiteFamily> for Family {
    fn from(site: SiteFamily) -> Self {
        Self {
            id: site.id,
            patterns: site.patterns,
            maker: site.maker,
            what: site.what,
            removed_by: site.removed_by,
            safety: site.safety,
            idle_s: site.idle_s,
            check: site.check,
            why: site.why,
            source: site.source,
            examples: site.examples,
            near_misses: site.near_misses,
        }
    }
}

impl From<SiteRole> for RoleEntry {
    fn from(site: SiteRole) -> Self {
        Self {
            id: site.id,
            kind: site.kind,
            title: site.title,
            programs: site.programs,
            first: site.first,
            unless_first: site.unless_first,
            units: site.units,
            why: site.why,
            source: site.source,
            examples: site.examples,
            near_misses: site.near_misses,
        }
    }
}
