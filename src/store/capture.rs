//! A capture that was read.

use std::io::Read;
use std::sync::{Arc, Mutex, PoisonError};

use crate::model::snapshot::Snapshot;
use crate::model::units::WallNanos;

use super::error::ReadError;
use super::header::Header;
use super::limits::Limits;
use super::rewind::Reel;

/// Snapshots, one after another.
#[derive(Debug)]
pub struct Capture {
    header: Header,
    taken: Vec<WallNanos>,
    torn: Option<Torn>,
    reel: Mutex<Reel>,
}

/// The last snapshot of a recording was cut: whoever wrote it was killed, or the disk was full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Torn {
    /// After which snapshot, from 1.
    pub after: usize,
    /// Where what is whole ends.
    pub byte: u64,
    /// How many bytes of the cut one there are.
    pub lost: u64,
}

impl Capture {
    /// Reads all of it, and checks everything but the form of each snapshot but the last.
    ///
    /// # Errors
    /// [`ReadError`], one line that names the place.
    pub fn read(from: impl Read, limits: &Limits) -> Result<Self, ReadError> {
        let mut bytes = Vec::new();
        from.take(limits.file.saturating_add(1)).read_to_end(&mut bytes).map_err(ReadError::Read)?;
        let (header, at) = Header::parse(&bytes)?;
        if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > limits.file {
            return Err(ReadError::TooLong { limit: limits.file });
        }
        let (reel, taken, torn) = Reel::wind(bytes, at, limits)?;
        let capture = Self { header, taken, torn, reel: Mutex::new(reel) };
        capture.snapshot(capture.len().saturating_sub(1))?;
        Ok(capture)
    }

    /// The first line.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// How many snapshots there are: at least one.
    #[expect(clippy::len_without_is_empty, reason = "a capture without a snapshot is refused")]
    pub fn len(&self) -> usize {
        self.taken.len()
    }

    /// When a snapshot was taken, by the clock of its machine; 0 where there is none of that number.
    pub fn taken(&self, index: usize) -> WallNanos {
        self.taken.get(index).copied().unwrap_or_default()
    }

    /// A snapshot, counted from 0. Steps and jumps are cheap in both directions.
    ///
    /// # Errors
    /// [`ReadError`], where it has not the form of a snapshot.
    pub fn snapshot(&self, index: usize) -> Result<Arc<Snapshot>, ReadError> {
        if index >= self.len() {
            return Err(ReadError::NoSuch { snapshot: index + 1, len: self.len() });
        }
        // The reel says itself whether it stands somewhere, so a panic in the middle of a move leaves nothing wrong.
        self.reel.lock().unwrap_or_else(PoisonError::into_inner).show(index)
    }

    /// Where the end was cut off, if it was.
    pub fn torn(&self) -> Option<Torn> {
        self.torn
    }
}
