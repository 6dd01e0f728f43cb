//! Why a capture could not be written, or not be read: one line each, and the place.

use std::io;

use crate::model::raw_path::shown_bytes;

/// Why a snapshot was not written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The stream did not take it; what was written before is whole.
    #[error("cannot write the capture")]
    Write(#[source] io::Error),
    /// A defect: our own data has no form.
    #[error("a snapshot cannot be put into a form")]
    Form(#[source] serde_json::Error),
    /// No reader would take any more.
    #[error("a capture holds at most {limit} {what}")]
    Full {
        /// What there would be too much of.
        what: &'static str,
        /// How much there may be.
        limit: u64,
    },
}

/// Why a capture was not read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The stream gave an error.
    #[error("it cannot be read")]
    Read(#[source] io::Error),
    /// More bytes than a capture has.
    #[error("byte {limit}: it goes on; a capture is not that long")]
    TooLong {
        /// How many there may be.
        limit: u64,
    },
    /// The first line is not ours.
    #[error("line 1: it does not begin with `{}`, so it is no capture of tmpmedic", super::MAGIC)]
    NotACapture,
    /// A form that this version does not know.
    #[error("line 1: the form `{form}` is not known here; a newer tmpmedic may read it")]
    Unknown {
        /// Its name, escaped.
        form: String,
    },
    /// The first line is ours and broken.
    #[error("line 1: {why}")]
    Header {
        /// What is wrong, escaped.
        why: String,
    },
    /// A frame is broken.
    #[error("snapshot {snapshot}, at byte {byte}: {why}")]
    Frame {
        /// Which, from 1.
        snapshot: usize,
        /// Where it begins.
        byte: u64,
        /// What is wrong, escaped.
        why: String,
    },
    /// A frame is whole and what it says makes no sense.
    #[error("snapshot {snapshot}, `{path}`: {why}")]
    Value {
        /// Which, from 1.
        snapshot: usize,
        /// Where in the JSON, escaped.
        path: String,
        /// What is wrong, escaped.
        why: String,
    },
    /// There is no such snapshot.
    #[error("there is no snapshot {snapshot}; it has {len}")]
    NoSuch {
        /// Which, from 1.
        snapshot: usize,
        /// How many there are.
        len: usize,
    },
    /// The first snapshot is not whole.
    #[error("byte {byte}: it ends before its first snapshot is whole")]
    Empty {
        /// Where it ends.
        byte: u64,
    },
}

/// What is wrong inside a frame, before anybody says in which.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Flaw {
    /// Where in the JSON, escaped; empty where the frame itself is meant.
    pub path: String,
    /// What is wrong, escaped.
    pub why: String,
}

impl Flaw {
    /// Of the frame itself.
    pub fn new(why: impl Into<String>) -> Self {
        Self { path: String::new(), why: why.into() }
    }

    /// Of something inside of what it was found for.
    pub fn below(self, name: &str) -> Self {
        let name = shown_bytes(name.as_bytes());
        let path = if self.path == "." { name } else { format!("{name}.{}", self.path) };
        Self { path, ..self }
    }

    /// With the place in the file.
    pub fn of(self, snapshot: usize, byte: u64) -> ReadError {
        let Self { path, why } = self;
        if path.is_empty() {
            ReadError::Frame { snapshot, byte, why }
        } else {
            ReadError::Value { snapshot, path, why }
        }
    }
}
