//! Why there is no lab.

use std::io;

/// What could not be done.
#[derive(Debug, thiserror::Error)]
pub enum LabError {
    /// Before the incident was begun.
    #[error("the lab cannot be opened: {doing}")]
    Open {
        /// "mounting /proc".
        doing: String,
        /// What the kernel answered.
        #[source]
        source: io::Error,
    },
    /// A step of the incident.
    #[error("chapter {chapter}, step {step} ({what})")]
    Step {
        /// Which chapter, from 1.
        chapter: usize,
        /// Which of its steps, from 1.
        step: usize,
        /// `start runner`.
        what: String,
        /// What the kernel answered.
        #[source]
        source: io::Error,
    },
    /// What runs in it.
    #[error("cannot start `{program}` in the lab")]
    Start {
        /// Its name.
        program: String,
        /// What the kernel answered.
        #[source]
        source: io::Error,
    },
    /// There is no lab to join.
    #[error("no lab of yours is open")]
    NoLab,
    /// There are several.
    #[error("several labs are open; name one: tmpmedic lab --join PID, where PID is one of {0}")]
    Which(String),
}

/// For `map_err`.
pub fn during(doing: impl Into<String>) -> impl FnOnce(io::Error) -> LabError {
    let doing = doing.into();
    move |source| LabError::Open { doing, source }
}
