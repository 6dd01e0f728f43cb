//! Floor 1: what is known before looking, from tables in `assets/` and the site's own configuration.
//!
//! [`Families`] tells which tool makes an entry of that name, [`Roles`] what part a process plays, [`Variables`] which
//! variables a snapshot may hold, [`runbook`] what to read about a cause, [`scenarios`] which incidents can be built. The tables are embedded; no file is opened
//! here. Each is compiled once, in [`Catalog::load`], and asked often.

mod class;
mod command;
pub mod families;
#[cfg(test)]
mod laws;
pub mod pattern;
mod policy;
pub mod roles;
pub mod runbook;
pub mod scenarios;
mod site;
pub mod variables;

use crate::model::thresholds::Thresholds;
use families::Families;
use pattern::Pattern;
pub use policy::CleanPolicy;
use roles::Roles;
pub use site::CatalogError;
use variables::Variables;

const FAMILIES: &str = include_str!("../../assets/families.toml");
const ROLES: &str = include_str!("../../assets/roles.toml");
const VARIABLES: &str = include_str!("../../assets/variables.toml");

/// Everything that is known before looking.
#[derive(Clone, Debug)]
pub struct Catalog {
    /// Families of temp entries.
    pub families: Families,
    /// Parts that processes play.
    pub roles: Roles,
    /// The allowlist of variables.
    pub variables: Variables,
    /// The numbers by which rules judge.
    pub thresholds: Thresholds,
    /// What the site asks of every clean-up.
    pub clean: CleanPolicy,
    /// Whether the site forbids every action.
    pub read_only: bool,
    /// Why root must not act by the site's configuration.
    pub distrust: Option<String>,
    /// Patterns of names that the site never wants removed.
    preserve: Vec<Pattern>,
}

impl Catalog {
    /// What is known without any configuration.
    ///
    /// # Panics
    /// Where an embedded table is broken, which a test rules out.
    #[expect(clippy::expect_used, reason = "the tables are part of the binary, and a test loads them")]
    pub fn builtin() -> Self {
        Self::load("").expect("the embedded tables are sound")
    }

    /// The same with what a site's configuration adds to it, given its text.
    ///
    /// # Errors
    /// [`CatalogError`] names the line of the text and what to do about it.
    pub fn load(extra_toml: &str) -> Result<Self, CatalogError> {
        site::load(extra_toml)
    }

    /// Tells temp dirs of this boot from leftovers: see [`Families::with_boot_id`].
    pub fn with_boot_id(mut self, id: &str) -> Self {
        self.families = self.families.with_boot_id(id);
        self
    }

    /// Says why root must not act by the configuration that it was made of.
    pub fn distrusted(self, distrust: Option<String>) -> Self {
        Self { distrust, ..self }
    }

    /// Whether the site never wants an entry of that name removed.
    pub fn preserves(&self, name: &[u8]) -> bool {
        self.preserve.iter().any(|pattern| pattern.matches(name))
    }
}
