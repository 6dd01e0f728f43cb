//! Writes captures.

use std::io::Write;

use serde_json::Value;

use crate::model::snapshot::Snapshot;

use super::bounds;
use super::change;
use super::error::StoreError;
use super::frame::{self, Kind};
use super::header::Header;
use super::limits::Limits;

/// A capture that is being written.
#[derive(Debug)]
pub struct Writer<W> {
    to: W,
    header: Header,
    limits: Limits,
    last: Option<Value>,
    written: Written,
    inflated: u64,
}

/// How much is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Snapshots so far.
    pub snapshots: usize,
    /// Bytes so far; up to here the capture is whole.
    pub bytes: u64,
    /// Bytes of the last snapshot.
    pub last: u64,
}

impl<W: Write> Writer<W> {
    /// Writes the first line.
    ///
    /// # Errors
    /// [`StoreError::Write`].
    pub fn begin(mut to: W, header: Header) -> Result<Self, StoreError> {
        let line = header.line()?;
        to.write_all(&line).map_err(StoreError::Write)?;
        let written = Written { bytes: length_of(&line), ..Written::default() };
        Ok(Self { to, header, limits: Limits::default(), last: None, written, inflated: 0 })
    }

    /// Writes one snapshot more: the first whole, the others as changes. A snapshot goes to the stream with one write.
    ///
    /// # Errors
    /// [`StoreError`]; a part of the snapshot may have been written, so nothing may be added after it.
    pub fn add(&mut self, snapshot: &Snapshot) -> Result<Written, StoreError> {
        let now = serde_json::to_value(snapshot).map_err(StoreError::Form)?;
        let (kind, json) = match &self.last {
            None => (Kind::Whole, serde_json::to_vec(&now)),
            Some(last) => (Kind::Change, serde_json::to_vec(&change_or_none(last, &now))),
        };
        let json = json.map_err(StoreError::Form)?;
        let frame = frame::seal(kind, &json).map_err(StoreError::Write)?;
        self.check(&now, length_of(&json), length_of(&frame))?;
        self.to.write_all(&frame).map_err(StoreError::Write)?;
        self.inflated += length_of(&json);
        self.written.snapshots += 1;
        self.written.last = length_of(&frame);
        self.written.bytes += length_of(&frame);
        self.last = Some(now);
        Ok(self.written)
    }

    /// The first line.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// How much is written.
    pub fn written(&self) -> Written {
        self.written
    }

    /// Ends the capture, and gives the stream back.
    ///
    /// # Errors
    /// [`StoreError::Write`].
    pub fn finish(mut self) -> Result<W, StoreError> {
        self.to.flush().map_err(StoreError::Write)?;
        Ok(self.to)
    }

    /// Refuses what no reader would take.
    fn check(&self, now: &Value, json: u64, frame: u64) -> Result<(), StoreError> {
        let limits = &self.limits;
        let size = bounds::measure(now);
        let snapshots = u64::try_from(self.written.snapshots).unwrap_or(u64::MAX);
        let most = u64::try_from(limits.snapshots).unwrap_or(u64::MAX);
        let bounds = [
            (self.written.bytes + frame, limits.file, "bytes"),
            (self.inflated + json, limits.inflated, "bytes before they are deflated"),
            (json, limits.frame, "bytes a snapshot before they are deflated"),
            (snapshots + 1, most, "snapshots"),
            (size.elements, limits.elements, "values a snapshot"),
            (size.memory, limits.memory, "bytes of memory a snapshot"),
        ];
        match bounds.into_iter().find(|(is, most, _)| is > most) {
            Some((_, limit, what)) => Err(StoreError::Full { what, limit }),
            None => Ok(()),
        }
    }
}

/// Two looks that are equal differ by a change that does nothing.
fn change_or_none(last: &Value, now: &Value) -> Value {
    change::between(last, now).unwrap_or_else(|| serde_json::json!(["o", {}, {}, []]))
}

fn length_of(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}
