//! A site's own configuration: more families, roles and variables, other thresholds, what must never go.
//!
//! ```toml
//! read_only = true
//! preserve = [".testnet_password", "fm-*"]
//!
//! [thresholds]
//! nearly_full_percent = 90
//!
//! [[family]]
//! id = "site-fm"
//! patterns = ["fm-{X6}"]
//! safety = "idle"
//! idle_s = 86400
//! why = "a task's temp root, removed by its teardown"
//!
//! [[role]]
//! id = "site-builder"
//! kind = "runner"
//! title = "our builder"
//! units = ["builder@*.service"]
//!
//! [[variable]]
//! name = "FM_TMP"
//! temp = true
//! meaning = "temp root of a task"
//! ```
//!
//! Everything is checked here, with the line in the error; after this a catalog is sound. Called by `Catalog::load`.

use serde::Deserialize;
use toml::Spanned;

use super::families::Families;
use super::pattern::Pattern;
use super::roles::{RoleEntry, Roles, Sample};
use super::variables::{KnownVariable, Variables, secret};
use super::{Catalog, FAMILIES, ROLES, VARIABLES};
use crate::model::family::{Family, Safety};
use crate::model::process::RoleKind;
use crate::model::thresholds::Thresholds;
use crate::model::units::Seconds;

/// What is wrong with a configuration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CatalogError {
    /// It is not TOML, or has a key that means nothing here, or a value of the wrong kind.
    #[error("line {line}: {message}")]
    Syntax {
        /// Line, from 1.
        line: usize,
        /// What the parser says.
        message: String,
    },
    /// An id or a name stands there twice, or is one of ours.
    #[error("line {line}: {what} `{id}` is there already; choose another, for instance `site-{id}`")]
    Duplicate {
        /// Line, from 1.
        line: usize,
        /// `family`, `role` or `variable`.
        what: &'static str,
        /// The id.
        id: String,
    },
    /// A variable whose value may be a secret.
    #[error("line {line}: variable `{name}` is refused: {why}, and a snapshot must never hold a secret; remove this entry")]
    Secret {
        /// Line, from 1.
        line: usize,
        /// Its name.
        name: String,
        /// By what it is suspected.
        why: &'static str,
    },
    /// A value that cannot be.
    #[error("line {line}: {message}")]
    Invalid {
        /// Line, from 1.
        line: usize,
        /// What is wrong, and what would be right.
        message: String,
    },
    /// A table inside the binary is broken: a defect of tmpmedic.
    #[error("the embedded table of {table} is broken: {message}")]
    Embedded {
        /// Which.
        table: &'static str,
        /// How.
        message: String,
    },
}

/// The form of the file.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Site {
    read_only: bool,
    preserve: Vec<Spanned<String>>,
    thresholds: Option<Spanned<Thresholds>>,
    family: Vec<Spanned<SiteFamily>>,
    role: Vec<Spanned<SiteRole>>,
    variable: Vec<Spanned<KnownVariable>>,
}

/// A family as a site writes it: what it must say is less than what our own table must.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SiteFamily {
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
struct SiteRole {
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

/// Reads a configuration and merges it with the embedded tables.
pub(super) fn load(text: &str) -> Result<Catalog, CatalogError> {
    let lines = Lines(text);
    let site: Site = toml::from_str(text).map_err(|error| CatalogError::Syntax {
        line: error.span().map_or(1, |span| lines.at(span.start)),
        message: error.message().to_owned(),
    })?;
    let own_families = Families::parse(FAMILIES).map_err(embedded("families"))?;
    let own_roles = Roles::parse(ROLES).map_err(embedded("roles"))?;
    let own_variables = Variables::parse(VARIABLES).map_err(embedded("variables"))?;

    let families = families(&site.family, &own_families, lines)?;
    let roles = roles(&site.role, &own_roles.role, lines)?;
    let variables = variables(&site.variable, own_variables, lines)?;
    Ok(Catalog {
        families: Families::new(families, own_families).map_err(embedded("families"))?,
        roles: Roles::new(roles, own_roles).map_err(embedded("roles"))?,
        variables: Variables::new(variables),
        thresholds: thresholds(site.thresholds, lines)?,
        read_only: site.read_only,
        preserve: preserve(&site.preserve, lines)?,
    })
}

fn embedded(table: &'static str) -> impl Fn(String) -> CatalogError {
    move |message| CatalogError::Embedded { table, message }
}

fn families(
    site: &[Spanned<SiteFamily>],
    own: &[Family],
    lines: Lines<'_>,
) -> Result<Vec<Family>, CatalogError> {
    let mut all: Vec<Family> = Vec::new();
    for spanned in site {
        let (line, family) = (lines.at(spanned.span().start), family(spanned.get_ref()));
        if own.iter().chain(&all).any(|known| known.id == family.id) {
            return Err(CatalogError::Duplicate { line, what: "family", id: family.id });
        }
        check_family(&family).map_err(|message| CatalogError::Invalid { line, message })?;
        all.push(family);
    }
    Ok(all)
}

fn family(site: &SiteFamily) -> Family {
    let site = site.clone();
    Family {
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

/// What must hold of every family, ours too.
pub(super) fn check_family(family: &Family) -> Result<(), String> {
    let id = &family.id;
    check_id(id)?;
    if family.patterns.is_empty() {
        return Err(format!("family `{id}` has no `patterns`; give at least one"));
    }
    if family.why.trim().is_empty() {
        return Err(format!("family `{id}` does not say `why`"));
    }
    match (family.safety, family.idle_s) {
        (Safety::Idle, None) => Err(format!("family `{id}` is removable when idle but has no `idle_s`")),
        (Safety::Never, Some(_)) => Err(format!("family `{id}` is never removed but has an `idle_s`; drop it")),
        _ => check_patterns(family),
    }
}

fn check_patterns(family: &Family) -> Result<(), String> {
    let id = &family.id;
    let mut patterns = Vec::new();
    for text in &family.patterns {
        let pattern = Pattern::parse(text).map_err(|why| format!("pattern `{text}` of family `{id}` {why}"))?;
        if family.safety != Safety::Never && (pattern.matches(b"a-file") || pattern.matches(b"x")) {
            return Err(format!("pattern `{text}` of family `{id}` matches any name; make it narrower"));
        }
        patterns.push(pattern);
    }
    let fits = |name: &String| patterns.iter().any(|pattern| pattern.matches(name.as_bytes()));
    if let Some(name) = family.examples.iter().find(|name| !fits(name)) {
        return Err(format!("example `{name}` does not match any pattern of its family `{id}`"));
    }
    if let Some(name) = family.near_misses.iter().find(|name| fits(name)) {
        return Err(format!("near miss `{name}` matches a pattern of its family `{id}`"));
    }
    Ok(())
}

/// Ids are words that can be cited: `go-build`.
fn check_id(id: &str) -> Result<(), String> {
    let plain = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-';
    if id.is_empty() || !id.as_bytes().iter().all(plain) {
        return Err(format!("id `{id}` must be made of a-z, 0-9 and `-`"));
    }
    Ok(())
}

fn roles(
    site: &[Spanned<SiteRole>],
    own: &[RoleEntry],
    lines: Lines<'_>,
) -> Result<Vec<RoleEntry>, CatalogError> {
    let mut all: Vec<RoleEntry> = Vec::new();
    for spanned in site {
        let (line, entry) = (lines.at(spanned.span().start), role(spanned.get_ref()));
        if own.iter().chain(&all).any(|known| known.id == entry.id) {
            return Err(CatalogError::Duplicate { line, what: "role", id: entry.id });
        }
        check_role(&entry).map_err(|message| CatalogError::Invalid { line, message })?;
        all.push(entry);
    }
    Ok(all)
}

fn role(site: &SiteRole) -> RoleEntry {
    let site = site.clone();
    RoleEntry {
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

fn check_role(entry: &RoleEntry) -> Result<(), String> {
    let id = &entry.id;
    check_id(id)?;
    if entry.programs.is_empty() && entry.units.is_empty() {
        return Err(format!("role `{id}` has neither `programs` nor `units`; give at least one pattern"));
    }
    let file = super::roles::File { companions: Vec::new(), role: vec![entry.clone()] };
    let alone = Roles::new(Vec::new(), file).map_err(|why| format!("role `{id}`: {why}"))?;
    let fits = |sample: &String| alone.role_of(&Sample::parse(sample).clues()).is_some();
    if let Some(sample) = entry.examples.iter().find(|sample| !fits(sample)) {
        return Err(format!("example `{sample}` does not have its role `{id}`"));
    }
    if let Some(sample) = entry.near_misses.iter().find(|sample| fits(sample)) {
        return Err(format!("near miss `{sample}` has the role `{id}`"));
    }
    Ok(())
}

fn variables(
    site: &[Spanned<KnownVariable>],
    own: Vec<KnownVariable>,
    lines: Lines<'_>,
) -> Result<Vec<KnownVariable>, CatalogError> {
    let mut all = own;
    for spanned in site {
        let (line, known) = (lines.at(spanned.span().start), spanned.get_ref().clone());
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if known.name.is_empty() || !known.name.chars().all(plain) {
            let message = format!("`{}` is no name of a variable; patterns are not allowed here", known.name);
            return Err(CatalogError::Invalid { line, message });
        }
        if let Some(why) = secret(&known.name) {
            return Err(CatalogError::Secret { line, name: known.name, why });
        }
        if all.iter().any(|other| other.name == known.name) {
            return Err(CatalogError::Duplicate { line, what: "variable", id: known.name });
        }
        all.push(known);
    }
    Ok(all)
}

fn thresholds(given: Option<Spanned<Thresholds>>, lines: Lines<'_>) -> Result<Thresholds, CatalogError> {
    let Some(spanned) = given else { return Ok(Thresholds::default()) };
    let line = lines.at(spanned.span().start);
    let thresholds = spanned.into_inner();
    for (key, percent) in [
        ("nearly_full_percent", thresholds.nearly_full_percent),
        ("limit_percent", thresholds.limit_percent),
    ] {
        if !(1..=100).contains(&percent) {
            let message = format!("`{key}` is {percent}; it must lie between 1 and 100");
            return Err(CatalogError::Invalid { line, message });
        }
    }
    Ok(thresholds)
}

fn preserve(site: &[Spanned<String>], lines: Lines<'_>) -> Result<Vec<Pattern>, CatalogError> {
    let parse = |spanned: &Spanned<String>| {
        let text = spanned.get_ref();
        Pattern::parse(text).map_err(|why| CatalogError::Invalid {
            line: lines.at(spanned.span().start),
            message: format!("pattern `{text}` {why}"),
        })
    };
    site.iter().map(parse).collect()
}

/// The text, to tell on which line a byte stands.
#[derive(Clone, Copy)]
struct Lines<'a>(&'a str);

impl Lines<'_> {
    fn at(self, byte: usize) -> usize {
        1 + self.0.bytes().take(byte).filter(|b| *b == b'\n').count()
    }
}
