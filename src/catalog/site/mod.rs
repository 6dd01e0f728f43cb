//! A site's own configuration: more families, roles and variables, other thresholds, what must never go.
//!
//! ```toml
//! read_only = true
//! preserve = [".testnet_password", "fm-*"]
//!
//! [clean]
//! min_age_s = 3600
//! purge_after_s = 259200
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

mod check;
mod error;
mod form;

use toml::Spanned;

use super::families::Families;
use super::pattern::Pattern;
use super::roles::{RoleEntry, Roles};
use super::variables::{KnownVariable, Variables, secret};
use super::{Catalog, FAMILIES, ROLES, VARIABLES};
use crate::model::family::Family;
use crate::model::thresholds::Thresholds;
pub(super) use check::check_family;
use check::check_role;
pub use error::CatalogError;
use form::{Site, SiteFamily, SiteRole};

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

    let families = families(site.family, &own_families, lines)?;
    let roles = roles(site.role, &own_roles.role, lines)?;
    let variables = variables(site.variable, own_variables, lines)?;
    Ok(Catalog {
        families: Families::new(families, own_families).map_err(embedded("families"))?,
        roles: Roles::new(roles, own_roles).map_err(embedded("roles"))?,
        variables: Variables::new(variables),
        thresholds: thresholds(site.thresholds, lines)?,
        clean: site.clean,
        read_only: site.read_only,
        distrust: None,
        preserve: preserve(&site.preserve, lines)?,
    })
}

fn embedded(table: &'static str) -> impl Fn(String) -> CatalogError {
    move |message| CatalogError::Embedded { table, message }
}

fn families(
    site: Vec<Spanned<SiteFamily>>,
    own: &[Family],
    lines: Lines<'_>,
) -> Result<Vec<Family>, CatalogError> {
    let mut all: Vec<Family> = Vec::new();
    for spanned in site {
        let line = lines.at(spanned.span().start);
        let family = Family::from(spanned.into_inner());
        if own.iter().chain(&all).any(|known| known.id == family.id) {
            return Err(CatalogError::Duplicate { line, what: "family", id: family.id });
        }
        check_family(&family).map_err(|message| CatalogError::Invalid { line, message })?;
        all.push(family);
    }
    Ok(all)
}

fn roles(
    site: Vec<Spanned<SiteRole>>,
    own: &[RoleEntry],
    lines: Lines<'_>,
) -> Result<Vec<RoleEntry>, CatalogError> {
    let mut all: Vec<RoleEntry> = Vec::new();
    for spanned in site {
        let line = lines.at(spanned.span().start);
        let entry = RoleEntry::from(spanned.into_inner());
        if own.iter().chain(&all).any(|known| known.id == entry.id) {
            return Err(CatalogError::Duplicate { line, what: "role", id: entry.id });
        }
        check_role(&entry).map_err(|message| CatalogError::Invalid { line, message })?;
        all.push(entry);
    }
    Ok(all)
}

fn variables(
    site: Vec<Spanned<KnownVariable>>,
    own: Vec<KnownVariable>,
    lines: Lines<'_>,
) -> Result<Vec<KnownVariable>, CatalogError> {
    let mut all = own;
    for spanned in site {
        let (line, known) = (lines.at(spanned.span().start), spanned.into_inner());
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
    for (key, percent) in
        [("nearly_full_percent", thresholds.nearly_full_percent), ("limit_percent", thresholds.limit_percent)]
    {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::CleanPolicy;
    use crate::model::units::Seconds;

    fn error(text: &str) -> String {
        Catalog::load(text).expect_err("must be refused").to_string()
    }

    #[test]
    fn a_site_adds_to_what_is_built_in() {
        let catalog = Catalog::load(
            r#"
            read_only = true
            preserve = [".testnet_password", "keep-*"]
            [thresholds]
            nearly_full_percent = 80
            [[family]]
            id = "site-fm"
            patterns = ["fm-{X6}"]
            safety = "idle"
            idle_s = 3600
            why = "a task's temp root"
            examples = ["fm-A1b2C3"]
            [[role]]
            id = "site-builder"
            kind = "runner"
            title = "our builder"
            units = ["builder@*.service"]
            [[variable]]
            name = "FM_TMP"
            temp = true
            meaning = "temp root of a task"
            "#,
        )
        .expect("sound");
        assert!(catalog.read_only);
        assert!(catalog.preserves(b"keep-me") && !catalog.preserves(b"go-build1"));
        assert_eq!(catalog.thresholds.nearly_full_percent, 80);
        assert_eq!(catalog.families.classify(b"fm-A1b2C3").map(|f| f.id.as_str()), Some("site-fm"));
        assert!(catalog.families.get("rustc").is_some());
        assert!(catalog.variables.is_temp(b"FM_TMP"));
        assert!(catalog.roles.get("site-builder").is_some());
    }

    #[test]
    fn nothing_is_a_configuration_too() {
        assert!(Catalog::load("").is_ok());
        assert!(Catalog::load("# nothing yet\n").is_ok());
    }

    #[test]
    fn an_unknown_key_is_an_error_that_names_its_line() {
        assert!(
            error("read_only = true\nread_onyl = true\n").starts_with("line 2: unknown field `read_onyl`")
        );
        assert!(error("\n[thresholds]\nfull = 1\n").starts_with("line 3: unknown field `full`"));
        assert!(error("read_only =").starts_with("line 1: "));
    }

    #[test]
    fn what_a_site_asks_of_a_clean_up_is_read_and_names_to_keep_have_two_names() {
        let text = "keep = ['.testnet_password']\n[clean]\nmin_age_s = 7200\n";
        let catalog = Catalog::load(text).expect("sound");
        assert!(catalog.preserves(b".testnet_password"));
        let week = Seconds(7 * 86_400);
        assert_eq!(catalog.clean, CleanPolicy { min_age_s: Seconds(7_200), purge_after_s: week });
        assert_eq!(Catalog::builtin().clean.min_age_s, Seconds(0));
        assert!(error("\n[clean]\nmin_age = 1\n").starts_with("line 3: unknown field `min_age`"));
        assert!(error("[clean]\nmin_age_s = '1d'\n").starts_with("line 2: invalid type"));
        assert!(error("keep = ['x[']\n").starts_with("line 1: pattern `x[`"));
        assert!(error("keep = []\npreserve = []\n").contains("duplicate field"));
    }

    #[test]
    fn an_id_of_ours_is_not_taken_silently() {
        let text = "\n[[family]]\nid = 'rustc'\npatterns = ['x-{X6}']\nsafety = 'ask'\nwhy = 'y'\n";
        assert_eq!(
            error(text),
            "line 2: family `rustc` is there already; choose another, for instance `site-rustc`"
        );
    }

    #[test]
    fn a_variable_that_looks_like_a_secret_is_refused() {
        for name in ["DEPLOY_TOKEN", "db_password", "SIGNING_KEY", "JAVA_TOOL_OPTIONS"] {
            let text = format!("[[variable]]\nname = '{name}'\nmeaning = 'x'\n");
            assert!(error(&text).contains("is refused"), "{name}");
        }
        assert!(error("[[variable]]\nname = 'FM_*'\nmeaning = 'x'\n").contains("patterns are not allowed"));
    }

    #[test]
    fn a_family_that_contradicts_itself_is_refused() {
        let family = |rest: &str| error(&format!("[[family]]\nid = 'site-x'\nwhy = 'y'\n{rest}"));
        assert!(family("patterns = ['x-*']\nsafety = 'idle'").contains("no `idle_s`"));
        assert!(family("patterns = ['*']\nsafety = 'ask'").contains("make it narrower"));
        assert!(family("patterns = ['x[']\nsafety = 'ask'").contains("without its `]`"));
        assert!(family("patterns = []\nsafety = 'ask'").contains("at least one"));
        let wrong = "patterns = ['x-?']\nsafety = 'ask'\nexamples = ['y']";
        assert!(family(wrong).contains("example `y` does not match"));
    }

    #[test]
    fn a_broad_pattern_of_a_site_does_not_unprotect_what_a_running_system_needs() {
        let text = "[[family]]\nid = 'site-all'\npatterns = ['s*']\nsafety = 'idle'\nidle_s = 1\nwhy = 'y'\n";
        let families = Catalog::load(text).expect("sound").families;
        let name = b"systemd-private-0123456789abcdef0123456789abcdef-x.service-a1B2c3";
        assert_eq!(families.classify(name).map(|f| f.id.as_str()), Some("systemd-private"));
        assert_eq!(families.classify(b"something").map(|f| f.id.as_str()), Some("site-all"));
    }

    #[test]
    fn a_percentage_beyond_a_hundred_is_refused() {
        assert!(error("[thresholds]\nlimit_percent = 101").contains("between 1 and 100"));
    }
}
