//! Frames: length and checksum (four bytes each, little end first), kind, deflated JSON.
//!
//! The length counts kind and JSON, and the checksum (CRC-32 as gzip has it) covers them.

use std::io::{Read, Write};

use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};

use super::error::Flaw;

/// Bytes before what the length counts.
const HEAD: usize = 8;
/// What a recorder can afford every second; a higher level makes captures a tenth smaller and takes three times as long.
const LEVEL: u32 = 4;

/// What a frame holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A snapshot.
    Whole,
    /// What changed since the one before.
    Change,
}

impl Kind {
    fn byte(self) -> u8 {
        match self {
            Self::Whole => b'W',
            Self::Change => b'C',
        }
    }

    fn of(byte: u8) -> Option<Self> {
        [Self::Whole, Self::Change].into_iter().find(|kind| kind.byte() == byte)
    }
}

/// A frame in a buffer.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// What it holds.
    pub kind: Kind,
    /// The deflated JSON.
    pub packed: &'a [u8],
    /// How many bytes it takes, head included.
    pub length: usize,
}

/// What stands at the beginning of some bytes.
#[derive(Debug)]
pub enum Next<'a> {
    /// A frame.
    Frame(Frame<'a>),
    /// The beginning of one that was never finished.
    Torn,
    /// Nothing: the end.
    End,
}

/// Deflates.
pub fn pack(json: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut packer = DeflateEncoder::new(Vec::with_capacity(json.len() / 8), Compression::new(LEVEL));
    packer.write_all(json)?;
    packer.finish()
}

/// A frame as it is written.
pub fn seal(kind: Kind, json: &[u8]) -> std::io::Result<Vec<u8>> {
    let packed = pack(json)?;
    let mut crc = Crc::new();
    crc.update(&[kind.byte()]);
    crc.update(&packed);
    let length = u32::try_from(packed.len() + 1).map_err(std::io::Error::other)?;
    let mut frame = Vec::with_capacity(HEAD + 1 + packed.len());
    frame.extend_from_slice(&length.to_le_bytes());
    frame.extend_from_slice(&crc.sum().to_le_bytes());
    frame.push(kind.byte());
    frame.extend_from_slice(&packed);
    Ok(frame)
}

/// Looks at the next frame. One that the bytes do not suffice for is torn, and so are zeros up to the end, which a file
/// system leaves where the machine went down before the data came.
pub fn next(bytes: &[u8]) -> Result<Next<'_>, Flaw> {
    if bytes.is_empty() {
        return Ok(Next::End);
    }
    if bytes.iter().all(|b| *b == 0) {
        return Ok(Next::Torn);
    }
    let Some((head, rest)) = bytes.split_first_chunk::<HEAD>() else { return Ok(Next::Torn) };
    let [a, b, c, d, checksum @ ..] = *head;
    let length = usize::try_from(u32::from_le_bytes([a, b, c, d])).unwrap_or(usize::MAX);
    let Some(body) = rest.get(..length) else { return Ok(Next::Torn) };
    let mut crc = Crc::new();
    crc.update(body);
    if crc.sum() != u32::from_le_bytes(checksum) {
        return Err(Flaw::new("its checksum is wrong: it was changed or damaged"));
    }
    let Some((kind, packed)) = body.split_first() else { return Err(Flaw::new("it is empty")) };
    let Some(kind) = Kind::of(*kind) else { return Err(Flaw::new(format!("its kind {kind} is not known"))) };
    Ok(Next::Frame(Frame { kind, packed, length: HEAD + length }))
}

/// Inflates, but never more than `most` bytes.
pub fn unpack(packed: &[u8], most: u64) -> Result<Vec<u8>, Flaw> {
    let mut json = Vec::new();
    let mut unpacker = DeflateDecoder::new(packed).take(most.saturating_add(1));
    unpacker.read_to_end(&mut json).map_err(|why| Flaw::new(format!("it cannot be inflated: {why}")))?;
    if u64::try_from(json.len()).unwrap_or(u64::MAX) > most {
        return Err(Flaw::new(format!("it inflates to more than the {most} bytes that are left for it")));
    }
    Ok(json)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed(json: &[u8]) -> Vec<u8> {
        seal(Kind::Whole, json).unwrap()
    }

    #[test]
    fn what_is_sealed_is_found_again() {
        let bytes = [sealed(b"{}"), seal(Kind::Change, b"[1]").unwrap()].concat();
        let Ok(Next::Frame(first)) = next(&bytes) else { panic!("no frame") };
        assert_eq!((first.kind, unpack(first.packed, 10).unwrap()), (Kind::Whole, b"{}".to_vec()));
        let Ok(Next::Frame(second)) = next(&bytes[first.length..]) else { panic!("no frame") };
        assert_eq!((second.kind, unpack(second.packed, 10).unwrap()), (Kind::Change, b"[1]".to_vec()));
        assert!(matches!(next(&bytes[first.length + second.length..]), Ok(Next::End)));
    }

    #[test]
    fn a_frame_cut_anywhere_is_torn_and_never_wrong() {
        let bytes = sealed(b"{\"a\":1}");
        for length in 1..bytes.len() {
            assert!(matches!(next(&bytes[..length]), Ok(Next::Torn)), "{length}");
        }
        assert!(matches!(next(&[0; 100]), Ok(Next::Torn)));
    }

    #[test]
    fn every_flipped_bit_after_the_length_is_noticed() {
        let bytes = sealed(b"{\"a\":1}");
        for bit in 32..bytes.len() * 8 {
            let mut bad = bytes.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(next(&bad).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn a_bomb_ends_at_the_limit() {
        let packed = pack(&vec![b' '; 50 << 20]).unwrap();
        assert!(packed.len() < 300_000);
        assert!(unpack(&packed, 1000).unwrap_err().why.contains("1000 bytes"));
    }
}
