//! An error with the exit code that goes with it.

use crate::exit::Exit;

/// Why a command was not carried out, in one line for the user.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// The exit code.
    pub exit: Exit,
    /// What is wrong and what to do.
    pub message: String,
}

impl Refusal {
    /// Usage or bad input.
    pub fn usage(message: impl Into<String>) -> anyhow::Error {
        Self { exit: Exit::Usage, message: message.into() }.into()
    }

    /// What the user may not do.
    pub fn permission(message: impl Into<String>) -> anyhow::Error {
        Self { exit: Exit::Permission, message: message.into() }.into()
    }

    /// A defect of tmpmedic itself.
    pub fn internal(message: impl Into<String>) -> anyhow::Error {
        Self { exit: Exit::Internal, message: message.into() }.into()
    }
}
