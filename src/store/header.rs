//! The first line of a capture: readable with head(1), whatever comes after it.

use serde::{Deserialize, Serialize};

use crate::model::raw_path::shown_bytes;
use crate::model::units::{Millis, WallNanos};

use super::error::{ReadError, StoreError};

/// What the first line begins with: the name and version of the form.
pub const MAGIC: &str = "tmpmedic.capture/1";
/// What stands before the version in every form that there will be.
const NAME: &str = "tmpmedic.capture/";
/// More than any first line needs.
const MAX_LINE: usize = 16 << 10;

/// What the first line says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The version of the tmpmedic that wrote it.
    pub tool: String,
    /// The name of the machine, or what stands for it.
    pub host: String,
    /// Whether names were replaced by pseudonyms.
    pub redacted: bool,
    /// The time between two snapshots of a recording; `None` in a capture of one.
    pub every: Option<Millis>,
    /// When it was begun.
    pub begun: WallNanos,
}

impl Header {
    /// The line, with its end.
    pub(super) fn line(&self) -> Result<Vec<u8>, StoreError> {
        let text = serde_json::to_string(self).map_err(StoreError::Form)?;
        Ok(format!("{MAGIC} {text}\n").into_bytes())
    }

    /// Reads the line; also gives how many bytes it takes.
    pub(super) fn parse(bytes: &[u8]) -> Result<(Self, usize), ReadError> {
        let beginning = bytes.get(..bytes.len().min(MAX_LINE)).unwrap_or_default();
        if !beginning.starts_with(NAME.as_bytes()) {
            return Err(ReadError::NotACapture);
        }
        let Some(end) = beginning.iter().position(|b| *b == b'\n') else {
            return Err(ReadError::Header { why: "it does not end".to_owned() });
        };
        let line = beginning.get(..end).unwrap_or_default();
        let Some(json) = line.strip_prefix(MAGIC.as_bytes()).and_then(|rest| rest.strip_prefix(b" ")) else {
            let form = line.split(|b| *b == b' ').next().unwrap_or_default();
            return Err(ReadError::Unknown { form: shown_bytes(form.get(..40).unwrap_or(form)) });
        };
        let header = serde_json::from_slice::<Self>(json);
        let header =
            header.map_err(|why| ReadError::Header { why: shown_bytes(why.to_string().as_bytes()) })?;
        let shown = |text: String| shown_bytes(text.as_bytes());
        Ok((Self { tool: shown(header.tool), host: shown(header.host), ..header }, end + 1))
    }
}
