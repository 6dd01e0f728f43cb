//! The bytes of a journal: records that vouch for themselves and for the one before.
//!
//! `length | crc | sequence | hash of the record before | JSON`, little-endian. A record counts only where all of it holds;
//! the first that does not ends the journal, and what follows is a torn tail, whatever it looks like.

use std::io::{self, Read};

use sha2::{Digest, Sha256};

use crate::model::journal::Record;

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

/// The bytes of a record, and the end of the journal behind it.
///
/// # Errors
/// See [`EncodeError`].
pub fn encode(record: &Record, tip: Tip) -> Result<(Vec<u8>, Tip), EncodeError> {
    // The length and the sum are known at the end.
    let mut bytes = vec![0; BEFORE];
    bytes.extend_from_slice(&tip.sequence.to_le_bytes());
    bytes.extend_from_slice(&tip.hash);
    serde_json::to_writer(&mut bytes, record)?;
    let text = bytes.len().saturating_sub(HEAD);
    let length = u32::try_from(text).ok().filter(|_| text <= LARGEST).ok_or(EncodeError::TooLarge(text))?;
    let body = bytes.get(BEFORE..).unwrap_or_default();
    let (sum, hash) = (crc32fast::hash(body), Sha256::digest(body).into());
    bytes.splice(..BEFORE, length.to_le_bytes().into_iter().chain(sum.to_le_bytes()));
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
/// memory as a whole. `each` hears every record, in order.
///
/// # Errors
/// Those of the reader.
pub fn decode(mut reader: impl Read, each: &mut dyn FnMut(Record, Spot)) -> io::Result<Extent> {
    let mut extent = Extent { end: 0, tip: Tip::START, first: 0, torn: 0, is_newer: false };
    let (mut bytes, mut at) = (Vec::new(), 0);
    loop {
        while let Some((text, tip)) = bytes.get(at..).and_then(|rest| {
            let is_first = extent.end == 0;
            next(rest, (!is_first).then_some(extent.tip))
        }) {
            let Ok(record) = serde_json::from_slice(text) else {
                extent.is_newer = true;
                break;
            };
            if extent.end == 0 {
                extent.first = tip.sequence - 1;
            }
            let begin = u64::try_from(extent.end.saturating_add(HEAD)).unwrap_or(u64::MAX);
            each(record, Spot { at: begin, length: text.len() });
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
mod tests {
    use super::*;
    use crate::model::errno::Errno;
    use crate::model::journal::{Act, Came, Change, Done, Figures, WorkId};
    use crate::model::units::WallNanos;

    fn record(n: u64) -> Record {
        let line = format!("systemctl restart runner@{n}.service");
        Record::Intent { work: WorkId(n), steps: vec![Act { step: 0, change: Change::Call { line } }] }
    }

    fn journal(count: u64) -> (Vec<u8>, Vec<usize>) {
        let (mut bytes, mut ends, mut tip) = (Vec::new(), vec![0], Tip::START);
        for n in 0..count {
            let (more, after) = encode(&record(n), tip).unwrap();
            bytes.extend(more);
            ends.push(bytes.len());
            tip = after;
        }
        (bytes, ends)
    }

    #[derive(Debug)]
    struct Content {
        records: Vec<Record>,
        end: usize,
        torn: usize,
        tip: Tip,
        is_newer: bool,
    }

    fn read(bytes: &[u8]) -> Content {
        let mut records = Vec::new();
        let extent = decode(bytes, &mut |read, spot| {
            let from = usize::try_from(spot.at).unwrap();
            assert_eq!(super::record(&bytes[from..from + spot.length]).unwrap(), read, "it lies there");
            records.push(read);
        });
        let Extent { end, tip, torn, is_newer, .. } = extent.unwrap();
        Content { records, end, torn, tip, is_newer }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let (bytes, _) = journal(5);
        let content = read(&bytes);
        assert_eq!(content.records, (0..5).map(record).collect::<Vec<_>>());
        assert_eq!((content.end, content.torn, content.tip.sequence), (bytes.len(), 0, 5));
    }

    #[test]
    fn a_journal_cut_at_any_byte_holds_exactly_its_whole_records() {
        let (bytes, ends) = journal(6);
        for length in 0..=bytes.len() {
            let content = read(&bytes[..length]);
            let whole = ends.iter().rposition(|end| *end <= length).unwrap();
            assert_eq!(content.records.len(), whole, "cut at {length}");
            assert_eq!(content.end + content.torn, length);
        }
    }

    #[test]
    fn no_flipped_bit_gives_another_record() {
        let (bytes, ends) = journal(4);
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut bad = bytes.clone();
                bad[at] ^= 1 << bit;
                let content = read(&bad);
                let before = ends.iter().rposition(|end| *end <= at).unwrap();
                assert_eq!(
                    content.records,
                    (0..before as u64).map(record).collect::<Vec<_>>(),
                    "bit {bit} of {at}"
                );
            }
        }
    }

    #[test]
    fn only_behind_damage_lies_a_whole_record() {
        let (bytes, ends) = journal(4);
        for length in 0..=bytes.len() {
            let end = read(&bytes[..length]).end;
            assert!(!has_whole_record(&bytes[end..length]), "cut at {length}");
        }
        for at in 0..ends[3] {
            let mut bad = bytes.clone();
            bad[at] ^= 4;
            assert!(has_whole_record(&bad[read(&bad).end..]), "flipped at {at}");
        }
    }

    #[test]
    fn every_kind_of_record_is_read_back() {
        let done = [
            Done::Done { changed: Some(WallNanos(7)) },
            Done::Kept { why: "held".into() },
            Done::Failed { errno: Some(Errno(5)), why: "EIO".into() },
        ];
        let steps = done.into_iter().zip(0..).map(|(done, step)| Came { step, done }).collect();
        let figures = vec![Figures { path: "/tmp".into(), probe: Some("yes".into()), ..Figures::default() }];
        let records = [
            record(1),
            Record::Outcome { work: WorkId(1), steps },
            Record::End { work: WorkId(1), time: WallNanos(9), before: figures.clone(), after: figures },
        ];
        let (mut bytes, mut tip) = (Vec::new(), Tip::START);
        for record in &records {
            let (more, after) = encode(record, tip).unwrap();
            bytes.extend(more);
            tip = after;
        }
        assert_eq!(read(&bytes).records, records);
    }

    #[test]
    fn a_whole_record_that_is_not_understood_is_no_torn_tail() {
        let (mut bytes, _) = journal(1);
        let tip = read(&bytes).tip;
        let text = br#"{"record":"of-tomorrow"}"#;
        let body = [&tip.sequence.to_le_bytes()[..], &tip.hash, text].concat();
        bytes.extend(u32::try_from(text.len()).unwrap().to_le_bytes());
        bytes.extend(crc32fast::hash(&body).to_le_bytes());
        bytes.extend(body);
        let content = read(&bytes);
        assert!(content.is_newer);
        assert_eq!(content.records.len(), 1);
    }

    #[test]
    fn records_of_another_journal_do_not_continue_this_one() {
        let (bytes, ends) = journal(3);
        let (other, _) = encode(&record(9), Tip { sequence: 2, hash: [7; 32] }).unwrap();
        let spliced = [&bytes[..ends[2]], &other].concat();
        assert_eq!(read(&spliced).records.len(), 2);
    }

    #[test]
    fn a_journal_longer_than_what_is_read_at_once_is_read_whole() {
        let line = "x".repeat(300 << 10);
        let long = |n| Record::Intent {
            work: WorkId(n),
            steps: vec![Act { step: 0, change: Change::Call { line: line.clone() } }],
        };
        let (mut bytes, mut tip) = (Vec::new(), Tip::START);
        for n in 0..20 {
            let (more, after) = encode(&long(n), tip).unwrap();
            bytes.extend(more);
            tip = after;
        }
        let whole = bytes.len();
        bytes.extend(vec![7; LARGEST + 9]);
        let content = read(&bytes);
        assert_eq!((content.records.len(), content.end, content.torn), (20, whole, LARGEST + 9));
    }
}
