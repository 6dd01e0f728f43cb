//! An error with the exit code that goes with it.

use crate::exit::Exit;

/// What a stop leaves before anything was done.
const STOPPED: &str = "stopped; nothing was changed";

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

    /// Somebody asked for an end before anything was changed.
    pub fn stopped() -> anyhow::Error {
        Self { exit: Exit::Failed, message: STOPPED.to_owned() }.into()
    }

    /// Whether an error is [`Refusal::stopped`].
    pub fn is_stop(why: &anyhow::Error) -> bool {
        why.downcast_ref::<Self>().is_some_and(|refusal| refusal.message == STOPPED)
    }

    /// A defect of tmpmedic itself.
    pub fn internal(message: impl Into<String>) -> anyhow::Error {
        Self { exit: Exit::Internal, message: message.into() }.into()
    }
}
