//! Why a journal cannot be opened, read or written.

use std::io;

use super::codec::EncodeError;

/// Why it cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// Another instance has it.
    #[error("another tmpmedic is at work")]
    Busy,
    /// The directory, or what lies in it, could be changed by others.
    #[error("its directory or its file is not ours alone (uid {uid}, mode {mode:04o})")]
    NotOurs {
        /// Owner.
        uid: u32,
        /// Permission bits.
        mode: u32,
    },
    /// It holds what we do not understand, and cutting that off would lose it.
    #[error("a newer tmpmedic wrote in it: use that one")]
    Newer,
    /// It has grown beyond what is read.
    #[error(
        "it would have {0} bytes, more than are read again, and all of it can still be taken back: `tmpmedic purge` ends that"
    )]
    TooLarge(u64),
    /// An earlier write failed, and what it left could not be cut off.
    #[error("an earlier record could not be written, nor what it left be cut off")]
    Broken,
    /// A step that the kernel refused.
    #[error("{what}")]
    Os {
        /// Which.
        what: &'static str,
        /// What it answered.
        #[source]
        source: io::Error,
    },
    /// A record that cannot be written.
    #[error(transparent)]
    Encode(#[from] EncodeError),
}

/// A step that the kernel refused.
pub(super) fn os(what: &'static str) -> impl Fn(io::Error) -> JournalError {
    move |source| JournalError::Os { what, source }
}
