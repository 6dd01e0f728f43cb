//! What can be wrong with a site's configuration, said so that its author can mend it.

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
    #[error(
        "line {line}: variable `{name}` is refused: {why}, and a snapshot must never hold a secret; remove this entry"
    )]
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
