//! The allowlist of environment variables that a snapshot may hold.
//!
//! An environment block on a CI machine is full of secrets, so a name that is not here is never copied out of it. The
//! table is `assets/variables.toml`; a site adds names, except such as look like secrets.

use serde::Deserialize;

/// One variable of the allowlist.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KnownVariable {
    /// Its name.
    pub name: String,
    /// Whether its value names a directory for temp files, so that it gets vantages and a row in the Env tab.
    #[serde(default)]
    pub temp: bool,
    /// Which program reads it.
    #[serde(default = "site")]
    pub owner: String,
    /// What it says to that program.
    pub meaning: String,
    /// Where that is written.
    #[serde(default = "site")]
    pub source: String,
}

fn site() -> String {
    "site configuration".to_owned()
}

/// The allowlist.
#[derive(Clone, Debug)]
pub struct Variables {
    /// In the order of the table: the generic temp variables first.
    all: Vec<KnownVariable>,
    /// Names, ascending.
    names: Vec<String>,
    /// By first byte the lengths of the names that begin so, a bit each; longer ones share the last.
    lengths: [u64; 256],
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    variable: Vec<KnownVariable>,
}

impl Variables {
    /// The variables of a table, in its order.
    pub(super) fn parse(table: &str) -> Result<Vec<KnownVariable>, String> {
        toml::from_str::<File>(table).map(|file| file.variable).map_err(|error| error.to_string())
    }

    pub(super) fn new(all: Vec<KnownVariable>) -> Self {
        let mut names: Vec<String> = all.iter().map(|v| v.name.clone()).collect();
        names.sort();
        let mut lengths = [0; 256];
        for name in &names {
            if let Some(slot) = name.bytes().next().and_then(|first| lengths.get_mut(usize::from(first))) {
                *slot |= length_bit(name.len());
            }
        }
        Self { all, names, lengths }
    }

    /// Whether a snapshot may hold the variable of that name.
    ///
    /// Asked for every variable of every process, of which few are: so the first byte and the length are looked up first,
    /// and only what has both in common with some name is searched for.
    pub fn keeps(&self, name: &[u8]) -> bool {
        let lengths = name.first().and_then(|first| self.lengths.get(usize::from(*first)));
        lengths.is_some_and(|lengths| lengths & length_bit(name.len()) != 0) && self.is_listed(name)
    }

    fn is_listed(&self, name: &[u8]) -> bool {
        self.names.binary_search_by(|known| known.as_bytes().cmp(name)).is_ok()
    }

    /// Whether its value names a directory for temp files.
    pub fn is_temp(&self, name: &[u8]) -> bool {
        self.all.iter().any(|known| known.temp && known.name.as_bytes() == name)
    }

    /// The names of all variables whose values name a directory for temp files, the generic ones first.
    pub fn temp_names(&self) -> impl Iterator<Item = &str> {
        self.all.iter().filter(|known| known.temp).map(|known| known.name.as_str())
    }

    /// What is known of the variable of that name.
    pub fn get(&self, name: &str) -> Option<&KnownVariable> {
        self.all.iter().find(|known| known.name == name)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &KnownVariable> {
        self.all.iter()
    }
}

fn length_bit(length: usize) -> u64 {
    1 << length.min(63)
}

/// Why the value of a variable of that name may hold a secret, if it may.
pub fn secret(name: &str) -> Option<&'static str> {
    let name = name.to_ascii_uppercase();
    let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
    let ends = |words: &[&str]| words.iter().any(|word| name.ends_with(word));
    if has(&["TOKEN", "SECRET", "PASSW", "PASSPHRASE", "KEY", "CREDENTIAL", "COOKIE"])
        || ends(&["AUTH", "_PASS"])
    {
        Some("its name says that it holds a secret")
    } else if has(&["OPTIONS"]) || ends(&["OPTS", "_ARGS"]) {
        Some("whole command lines stand in such variables, passwords included")
    } else if ends(&["URL", "URI", "DSN", "PROXY"]) {
        Some("addresses may hold a user and a password")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Catalog;

    #[test]
    fn only_listed_names_are_kept() {
        let variables = Catalog::builtin().variables;
        assert!(variables.keeps(b"TMPDIR"));
        assert!(variables.is_temp(b"TMPDIR"));
        assert!(variables.keeps(b"RUSTC_WRAPPER"));
        assert!(!variables.is_temp(b"RUSTC_WRAPPER"));
        for other in ["TMPDIR2", "tmpdir", "", "GITHUB_TOKEN", "JAVA_TOOL_OPTIONS", "NODE_OPTIONS"] {
            assert!(!variables.keeps(other.as_bytes()), "{other}");
        }
        assert_eq!(variables.temp_names().next(), Some("TMPDIR"));
    }

    #[test]
    fn names_that_look_like_secrets_are_told_from_others() {
        for name in
            ["CARGO_REGISTRY_TOKEN", "my_password", "AWS_ACCESS_KEY_ID", "MAVEN_OPTS", "SCCACHE_REDIS_URL"]
        {
            assert!(secret(name).is_some(), "{name}");
        }
        for name in ["TMPDIR", "SSH_AUTH_SOCK", "RUNNER_TRACKING_ID", "INVOCATION_ID", "CARGO_HOME"] {
            assert_eq!(secret(name), None, "{name}");
        }
    }
}
