//! Families of temp entries: which one a name belongs to.
//!
//! The table is `assets/families.toml`; a site adds its own. Specific beats generic: the longest literal prefix wins,
//! then the order of the file, and a site's family stands before all of ours. Whether an entry may go is decided by
//! others, by its family's [`Safety`] and much else. Called by `collect` for every entry of every temp dir.

use serde::Deserialize;

use super::pattern::Pattern;
use crate::model::family::{Family, Safety};

/// The family of private temp dirs of the running boot.
const PRIVATE: &str = "systemd-private";
/// The same of earlier boots.
const PRIVATE_OLD: &str = "systemd-private-old";

/// All families.
#[derive(Clone, Debug)]
pub struct Families {
    /// The site's first, then ours.
    all: Vec<Family>,
    site: Index,
    ours: Index,
    /// The boot id as systemd writes it: 32 hex digits.
    boot_id: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    family: Vec<Family>,
}

impl Families {
    /// The families of a table, in its order.
    pub(super) fn parse(table: &str) -> Result<Vec<Family>, String> {
        toml::from_str::<File>(table).map(|file| file.family).map_err(|error| error.to_string())
    }

    /// Our families, with those of the site before them. The error names a pattern and what is wrong with it.
    pub(super) fn new(site: Vec<Family>, ours: Vec<Family>) -> Result<Self, String> {
        let site_count = site.len();
        let mut all = site;
        all.extend(ours);
        let (site, ours) = all.split_at(site_count);
        let (site, ours) = (Index::of(site, 0)?, Index::of(ours, site_count)?);
        Ok(Self { all, site, ours, boot_id: None })
    }

    /// Tells the private temp dirs of this boot from leftovers of earlier ones: `id` is the content of
    /// `/proc/sys/kernel/random/boot_id`, with or without its dashes. Without it, all of them count as of this boot.
    pub fn with_boot_id(mut self, id: &str) -> Self {
        let id: String = id.trim().chars().filter(|c| *c != '-').collect();
        self.boot_id = (id.len() == 32).then_some(id);
        self
    }

    /// The family to which an entry of that name belongs.
    ///
    /// A family of the site that allows removal gives way to one of ours that forbids it: a broad pattern in a
    /// configuration must not unprotect the sockets and bind sources that a running system needs.
    pub fn classify(&self, name: &[u8]) -> Option<&Family> {
        let ours = self.ours.find(name).and_then(|at| self.all.get(at)).map(|f| self.by_boot(f, name));
        let site = self.site.find(name).and_then(|at| self.all.get(at));
        match (site, ours) {
            (Some(site), Some(ours)) if ours.safety == Safety::Never && site.safety != Safety::Never => {
                Some(ours)
            }
            (Some(site), _) => Some(site),
            (None, ours) => ours,
        }
    }

    /// The family of that id.
    pub fn get(&self, id: &str) -> Option<&Family> {
        self.all.iter().find(|family| family.id == id)
    }

    /// All of them, the site's first.
    pub fn iter(&self) -> impl Iterator<Item = &Family> {
        self.all.iter()
    }

    fn by_boot<'a>(&'a self, family: &'a Family, name: &[u8]) -> &'a Family {
        let Some(boot_id) = &self.boot_id else { return family };
        if family.id != PRIVATE {
            return family;
        }
        let own = name.strip_prefix(b"systemd-private-".as_slice());
        let current = own.is_some_and(|rest| rest.starts_with(boot_id.as_bytes()));
        if current { family } else { self.get(PRIVATE_OLD).unwrap_or(family) }
    }
}

/// Patterns by the first byte of what they match, so that a name is compared with a handful of them.
#[derive(Clone, Debug)]
struct Index {
    by_first: Vec<Vec<Row>>,
    /// Patterns that start with a wildcard.
    generic: Vec<Row>,
}

#[derive(Clone, Debug)]
struct Row {
    pattern: Pattern,
    family: usize,
}

impl Index {
    /// `offset` is the place of the first family in the list that the answers point into.
    fn of(families: &[Family], offset: usize) -> Result<Self, String> {
        let mut index = Self { by_first: vec![Vec::new(); 256], generic: Vec::new() };
        for (at, family) in families.iter().enumerate() {
            for text in &family.patterns {
                let pattern = Pattern::parse(text).map_err(|why| format!("pattern `{text}` {why}"))?;
                let first = pattern.literal_prefix().first().copied();
                let row = Row { pattern, family: offset + at };
                match first.and_then(|byte| index.by_first.get_mut(usize::from(byte))) {
                    Some(bucket) => bucket.push(row),
                    None => index.generic.push(row),
                }
            }
        }
        // Stable, so that rows with equally long prefixes keep the order of the file.
        for bucket in &mut index.by_first {
            bucket.sort_by_key(|row| std::cmp::Reverse(row.pattern.literal_prefix().len()));
        }
        Ok(index)
    }

    fn find(&self, name: &[u8]) -> Option<usize> {
        let bucket = name.first().and_then(|byte| self.by_first.get(usize::from(*byte)));
        let rows = bucket.into_iter().flatten().chain(&self.generic);
        rows.into_iter().find(|row| row.pattern.matches(name)).map(|row| row.family)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Catalog;

    const BOOT: &str = "0123456789abcdef0123456789abcdef";

    fn id_of<'a>(families: &'a Families, name: &str) -> Option<&'a str> {
        families.classify(name.as_bytes()).map(|family| family.id.as_str())
    }

    #[test]
    fn private_temp_dirs_of_this_boot_are_told_from_those_of_earlier_ones() {
        let families = Catalog::builtin().families.with_boot_id("01234567-89ab-cdef-0123-456789abcdef\n");
        let now = format!("systemd-private-{BOOT}-forgejo-runner@1.service-a1B2c3");
        let old = "systemd-private-ffffffffffffffffffffffffffffffff-forgejo-runner@1.service-a1B2c3";
        assert_eq!(id_of(&families, &now), Some(PRIVATE));
        assert_eq!(id_of(&families, old), Some(PRIVATE_OLD));
        assert_eq!(families.classify(old.as_bytes()).map(|f| f.safety), Some(Safety::Idle));
    }

    #[test]
    fn without_a_boot_id_every_private_temp_dir_is_protected() {
        let families = Catalog::builtin().families.with_boot_id("");
        let old = "systemd-private-ffffffffffffffffffffffffffffffff-x.service-a1B2c3";
        assert_eq!(id_of(&families, old), Some(PRIVATE));
    }

    #[test]
    fn the_longer_literal_prefix_wins() {
        let families = Catalog::builtin().families;
        assert_eq!(id_of(&families, "rustcVAIpSt"), Some("rustc"));
        assert_eq!(id_of(&families, "rustdoctestVAIpSt"), Some("rustdoctest"));
        assert_eq!(id_of(&families, "tmp.VAIpSt1234"), Some("mktemp"));
    }

    #[test]
    fn names_that_are_no_text_have_no_family() {
        let families = Catalog::builtin().families;
        assert_eq!(families.classify(b""), None);
        assert_eq!(families.classify(&[0xff, 0xfe]), None);
    }
}
