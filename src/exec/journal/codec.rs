//! The bytes of a journal: records that vouch for themselves and for the one before.
//!
//! `length | crc | sequence | hash of the record before | JSON`, little-endian. A record counts only where all of it holds;
//! the first that does not ends the journal, and what follows is a torn tail, whatever it looks like.

use std::io::{self, Read};

use sha2::{Digest, Sha256};

use crate::model::journal::{Record, WorkId};

/// What stands before the text of each record.
const HEAD: usize = BEFORE + 8 + HASH;
/// Of that, what vouches for the rest: its length and its sum.
const BEFORE: usize = 4 + 4;
const HASH: usize = 32;
/// The largest record; whoever has more to say says it in several.
const LARGEST: usize = 4 << 20;
/// So much is read at once.
const PIECE: u64 = 1 << 20;

/// The end of a journal: what the next record continues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tip {
    /// Number of the next record.
    pub sequence: u64,
    /// Hash of the last one; of nothing: zeros.
    pub hash: [u8; HASH],
}

impl Tip {
    /// The end of an empty journal.
    pub const START: Self = Self { sequence: 0, hash: [0; HASH] };
}

/// Why a record cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    /// It has no text.
    #[error("cannot write the record as text")]
    Text(#[from] serde_json::Error),
    /// It is too large.
    #[error("the record has {0} bytes, more than a journal takes")]
    TooLarge(usize),
}

/// How far a journal reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// Where the next one goes, in bytes.
    pub end: usize,
    /// What the next one continues.
    pub tip: Tip,
    /// Number of the first record: a journal that began anew continues an archived one.
    pub first: u64,
    /// How many bytes lie behind the last good record.
    pub torn: usize,
    /// Whether what follows is a whole record that we do not understand: a newer tmpmedic wrote it.
    pub is_newer: bool,
}

/// A record as it will stand in a journal, but for its place there: whoever has time makes that before.
#[derive(Debug)]
pub struct Written {
    record: Record,
    text: Vec<u8>,
}

impl Written {
    /// Writes it down.
    ///
    /// # Errors
    /// [`EncodeError::Text`].
    pub fn new(record: Record) -> Result<Self, EncodeError> {
        let text = serde_json::to_vec(&record)?;
        Ok(Self { record, text })
    }

    /// The record itself.
    pub fn record(&self) -> &Record {
        &self.record
    }

    /// Its bytes behind that end of a journal, and the end behind it.
    ///
    /// # Errors
    /// [`EncodeError::TooLarge`].
    pub fn behind(&self, tip: Tip) -> Result<(Vec<u8>, Tip), EncodeError> {
        framed(&self.text, tip)
    }
}

/// The bytes of a record, and the end of the journal behind it.
///
/// # Errors
/// See [`EncodeError`].
pub fn encode(record: &Record, tip: Tip) -> Result<(Vec<u8>, Tip), EncodeError> {
    framed(&serde_json::to_vec(record)?, tip)
}

fn framed(text: &[u8], tip: Tip) -> Result<(Vec<u8>, Tip), EncodeError> {
    let length = u32::try_from(text.len()).ok().filter(|_| text.len() <= LARGEST);
    let length = length.ok_or(EncodeError::TooLarge(text.len()))?;
    let mut body = Vec::with_capacity(HEAD - BEFORE + text.len());
    body.extend_from_slice(&tip.sequence.to_le_bytes());
    body.extend_from_slice(&tip.hash);
    body.extend_from_slice(text);
    let (sum, hash) = (crc32fast::hash(&body), Sha256::digest(&body).into());
    let mut bytes = Vec::with_capacity(BEFORE + body.len());
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(&sum.to_le_bytes());
    bytes.append(&mut body);
    Ok((bytes, Tip { sequence: tip.sequence + 1, hash }))
}

/// Where the text of a record lies in its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spot {
    /// From there.
    pub at: u64,
    /// So many bytes.
    pub length: usize,
}

/// Reads as far as everything holds, a piece at a time: neither the text of a long journal nor what it says ever stands in
/// memory as a whole. `each` hears every record, in order; but of the steps of a work only where `wants` says so of it, for
/// to read them takes longer than to see that they hold.
///
/// # Errors
/// Those of the reader.
pub fn decode(
    mut reader: impl Read,
    wants: &dyn Fn(WorkId) -> bool,
    each: &mut dyn FnMut(Record, Spot),
) -> io::Result<Extent> {
    let mut extent = Extent { end: 0, tip: Tip::START, first: 0, torn: 0, is_newer: false };
    let (mut bytes, mut at) = (Vec::new(), 0);
    loop {
        while let Some((text, tip)) = bytes.get(at..).and_then(|rest| {
            let is_first = extent.end == 0;
            next(rest, (!is_first).then_some(extent.tip))
        }) {
            if work_of_steps(text).is_none_or(wants) {
                let Ok(record) = serde_json::from_slice(text) else {
                    extent.is_newer = true;
                    break;
                };
                let begin = u64::try_from(extent.end.saturating_add(HEAD)).unwrap_or(u64::MAX);
                each(record, Spot { at: begin, length: text.len() });
            }
            if extent.end == 0 {
                extent.first = tip.sequence - 1;
            }
            at += HEAD + text.len();
            extent.end += HEAD + text.len();
            extent.tip = tip;
        }
        bytes.drain(..at);
        at = 0;
        // What does not hold with the largest record's bytes behind it does not hold with more.
        let is_over = extent.is_newer || bytes.len() >= HEAD + LARGEST;
        let more = if is_over { 0 } else { (&mut reader).take(PIECE).read_to_end(&mut bytes)? };
        if more == 0 {
            break;
        }
    }
    let rest = io::copy(&mut reader, &mut io::sink())?;
    extent.torn = bytes.len().saturating_add(usize::try_from(rest).unwrap_or(usize::MAX));
    Ok(extent)
}

/// The work of a record about steps, where its text begins as we write it.
fn work_of_steps(text: &[u8]) -> Option<WorkId> {
    let rest = text.strip_prefix(br#"{"record":"intent","work":"#);
    let rest = rest.or_else(|| text.strip_prefix(br#"{"record":"outcome","work":"#))?;
    let digits = rest.split(|byte| *byte == b',').next()?;
    std::str::from_utf8(digits).ok()?.parse().ok().map(WorkId)
}

/// The record whose text this is, which was heard of before.
///
/// # Errors
/// Where it is another text by now.
pub fn record(text: &[u8]) -> io::Result<Record> {
    serde_json::from_slice(text).map_err(io::Error::from)
}

/// Whether a whole record lies anywhere in what does not continue a journal. Behind what a kill tore there is nothing: a
/// record is begun only when the one before is on the disk. So something else did that, and those records are worth keeping.
pub fn has_whole_record(bytes: &[u8]) -> bool {
    (1..bytes.len()).any(|at| bytes.get(at..).and_then(whole).is_some_and(|body| body.ends_with(b"}")))
}

/// The sequence, the hash and the text of a record that vouches for itself.
fn whole(bytes: &[u8]) -> Option<&[u8]> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let (crc, rest) = rest.split_first_chunk::<4>()?;
    let text = usize::try_from(u32::from_le_bytes(*length)).ok().filter(|length| *length <= LARGEST)?;
    let body = rest.get(..8 + HASH + text)?;
    (crc32fast::hash(body) == u32::from_le_bytes(*crc)).then_some(body)
}

/// The text of the next record that is whole and continues what came before; the first one says what it continues.
fn next(bytes: &[u8], tip: Option<Tip>) -> Option<(&[u8], Tip)> {
    let body = whole(bytes)?;
    let (sequence, rest) = body.split_first_chunk::<8>()?;
    let (hash, text) = rest.split_first_chunk::<HASH>()?;
    let sequence = u64::from_le_bytes(*sequence);
    if tip.is_some_and(|tip| sequence != tip.sequence || *hash != tip.hash) {
        return None;
    }
    Some((text, Tip { sequence: sequence.checked_add(1)?, hash: Sha256::digest(body).into() }))
}

#[cfg(test)]
#[path = "codec_tests.rs"]
mod tests;
