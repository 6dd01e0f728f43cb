//! Floor 2: snapshots in a file: a capture of one, or a recording of many.
//!
//! A capture is one line of text (the [`Header`]) and frames: length, checksum, kind, deflated JSON. The first holds a
//! whole [`Snapshot`](crate::model::snapshot::Snapshot), each that follows the changes against the one before. A frame is
//! written with one call, so that a recorder that is killed loses at most the last one.
//!
//! What is read is the work of a stranger: [`Limits`] are kept before memory is taken, text that could drive a terminal
//! goes only where it is escaped, and whatever the bytes are, the answer is a capture or one line that names the place.
//! Knows streams, no paths; who opens files, and with which rights, is `cmd`.

mod bounds;
mod capture;
mod change;
mod error;
mod frame;
mod header;
mod limits;
mod migrate;
pub mod redact;
mod rewind;
mod sequence;
mod writer;

pub use capture::{Capture, Torn};
pub use error::{ReadError, StoreError};
pub use header::{Header, MAGIC};
pub use limits::Limits;
pub use migrate::SCHEMAS;
pub use writer::{Writer, Written};
