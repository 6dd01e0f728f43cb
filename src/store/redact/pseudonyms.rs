//! Which word stands for which.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher, RandomState};
use std::ops::Bound;

use super::words;

/// Short beginnings would keep parts of names that merely begin alike.
const MIN_BEGINNING: usize = 3;
/// So often another word of the same length is tried; then it becomes longer.
const TRIES: u32 = 200;

/// Words and what stands for them.
#[derive(Debug)]
pub struct Pseudonyms {
    key: RandomState,
    /// Public words, lower case.
    public: BTreeSet<Vec<u8>>,
    /// Public beginnings of file names.
    beginnings: BTreeSet<Vec<u8>>,
    table: BTreeMap<Vec<u8>, Vec<u8>>,
    used: BTreeSet<Vec<u8>>,
}

impl Pseudonyms {
    /// None yet.
    pub fn new(public: impl IntoIterator<Item = String>) -> Self {
        let beginnings: BTreeSet<Vec<u8>> = public.into_iter().map(String::into_bytes).collect();
        let words = beginnings.iter().flat_map(|name| words::pieces(name)).filter_map(words::Piece::word);
        let mut public: BTreeSet<Vec<u8>> = words.map(<[u8]>::to_ascii_lowercase).collect();
        public.extend(words::public().map(<[u8]>::to_vec));
        let (table, used) = (BTreeMap::new(), BTreeSet::new());
        Self { key: RandomState::new(), public, beginnings, table, used }
    }

    /// What stands for a word; itself, where it is public.
    pub fn of(&mut self, word: &[u8]) -> Vec<u8> {
        if let Some(known) = self.table.get(word) {
            return known.clone();
        }
        if self.is_public(word) {
            return word.to_vec();
        }
        let mut attempt = 0;
        let other = loop {
            let other = self.candidate(word, attempt);
            if other != word && !self.is_public(&other) && self.used.insert(other.clone()) {
                break other;
            }
            attempt += 1;
        };
        self.table.insert(word.to_vec(), other.clone());
        other
    }

    /// What stands for a word that was replaced before.
    pub fn known(&self, word: &[u8]) -> Option<&[u8]> {
        self.table.get(word).map(Vec::as_slice)
    }

    /// How many bytes at the start of a file name are public.
    pub fn public_beginning(&self, name: &[u8]) -> usize {
        // Of all that sort before a name, those that it begins with sort last, the longest of them at the very end.
        let before = self.beginnings.range::<[u8], _>((Bound::Unbounded, Bound::Included(name))).rev();
        let same = before.take_while(|known| known.first() == name.first());
        same.filter(|known| known.len() >= MIN_BEGINNING)
            .find(|known| name.starts_with(known))
            .map_or(0, Vec::len)
    }

    fn is_public(&self, word: &[u8]) -> bool {
        word.len() == 1 || words::is_device(word) || self.public.contains(&word.to_ascii_lowercase())
    }

    /// A word of the same length, each letter in the place of one of its kind.
    fn candidate(&self, word: &[u8], attempt: u32) -> Vec<u8> {
        let is_hex = word.len() >= 8 && word.iter().all(u8::is_ascii_hexdigit);
        let longer = usize::try_from(attempt / TRIES).unwrap_or(0);
        let places = word.iter().copied().chain(std::iter::repeat_n(b'a', longer));
        let letter = |(place, byte): (usize, u8)| {
            let chance = self.key.hash_one((word, attempt, place));
            let alphabet: &[u8] = match byte {
                b'0'..=b'9' => b"0123456789",
                b'A'..=b'F' if is_hex => b"ABCDEF",
                b'A'..=b'Z' => b"ABCDEFGHIJKLMNOPQRSTUVWXYZ",
                _ if is_hex => b"abcdef",
                _ => b"abcdefghijklmnopqrstuvwxyz",
            };
            let length = u64::try_from(alphabet.len()).unwrap_or(1);
            let choice = usize::try_from(chance % length).unwrap_or(0);
            alphabet.get(choice).copied().unwrap_or(b'x')
        };
        places.enumerate().map(letter).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_words_never_become_one() {
        let mut all = Pseudonyms::new([]);
        let words: Vec<Vec<u8>> =
            (b'a'..=b'z').flat_map(|a| (b'a'..=b'z').map(move |b| vec![a, b, b'q'])).collect();
        let others: BTreeSet<Vec<u8>> = words.iter().map(|word| all.of(word)).collect();
        assert_eq!(others.len(), words.len());
        assert!(others.iter().all(|other| other.len() >= 3));
    }

    #[test]
    fn each_letter_is_replaced_by_one_of_its_kind() {
        let other = Pseudonyms::new([]).of(b"k2Xq91");
        let kinds = |word: &[u8]| {
            word.iter().map(|b| (b.is_ascii_digit(), b.is_ascii_uppercase())).collect::<Vec<_>>()
        };
        assert_eq!(kinds(&other), kinds(b"k2Xq91"));
        assert!(Pseudonyms::new([]).of(b"3f2a91c04b7d").iter().all(u8::is_ascii_hexdigit));
    }
}
