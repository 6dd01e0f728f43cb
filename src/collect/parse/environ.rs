//! Environment blocks. Source: proc_pid_environ(5), environ(7).
//!
//! Bytes, in order, duplicates kept: libc's `getenv` takes the first entry of a name, bash, dash and perl the last.

use crate::collect::parse::{pieces, split_once};
use crate::model::process::Variable;
use crate::model::raw_path::RawText;

/// The variables of a block whose name `keeps` allows; the rest is forgotten here, because it may hold secrets.
///
/// An entry without `=` or without a name is no variable to anybody and is left out.
pub fn parse(block: &[u8], keeps: impl Fn(&[u8]) -> bool) -> Vec<Variable> {
    let entries = pieces(block, 0).filter_map(|entry| split_once(entry, b'='));
    let kept = entries.filter(|(name, _)| !name.is_empty() && keeps(name));
    let mut variables: Vec<Variable> = kept
        .filter_map(|(name, value)| {
            let name = std::str::from_utf8(name).ok()?.to_owned();
            Some(Variable { name, value: RawText::from(value) })
        })
        .collect();
    variables.shrink_to_fit();
    variables
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn temp(block: &[u8]) -> Vec<(String, Vec<u8>)> {
        let all = parse(block, |name| name.starts_with(b"T"));
        all.into_iter().map(|v| (v.name, v.value.as_bytes().to_vec())).collect()
    }

    #[test]
    fn keeps_order_duplicates_and_bytes() {
        let block = b"TMPDIR=/first\0SECRET=x\0TMPDIR=/second\0TMP=\xff\0";
        let expected: [(String, Vec<u8>); 3] = [
            ("TMPDIR".into(), b"/first".to_vec()),
            ("TMPDIR".into(), b"/second".to_vec()),
            ("TMP".into(), b"\xff".to_vec()),
        ];
        assert_eq!(temp(block), expected);
    }

    #[test]
    fn bears_hostile_blocks() {
        assert_eq!(temp(b"TMPDIR"), [], "without = it is no variable");
        assert_eq!(temp(b"TMPDIR=/x"), [("TMPDIR".into(), b"/x".to_vec())], "the last NUL may be missing");
        assert_eq!(temp(b"TMPDIR=a=b\0"), [("TMPDIR".into(), b"a=b".to_vec())]);
        assert_eq!(temp(b"TMPDIR=\0"), [("TMPDIR".into(), vec![])], "empty is not unset");
        assert_eq!(temp(b"=T\0\0\0T\xff=1\0"), []);
        assert_eq!(temp(b"TMP=a\nTMPDIR=/forged\0"), [("TMP".into(), b"a\nTMPDIR=/forged".to_vec())]);
    }

    proptest! {
        #[test]
        fn never_panics_and_keeps_only_what_is_allowed(block: Vec<u8>) {
            for variable in parse(&block, |name| name.len() % 2 == 0) {
                prop_assert_eq!(variable.name.len() % 2, 0);
            }
        }

        #[test]
        fn reads_back_what_was_set(values in proptest::collection::vec("[^\0]{0,12}", 0..9)) {
            let block: Vec<u8> = values.iter().flat_map(|v| format!("TMPDIR={v}\0").into_bytes()).collect();
            let found: Vec<_> = temp(&block).into_iter().map(|v| String::from_utf8(v.1).unwrap()).collect();
            prop_assert_eq!(found, values);
        }
    }
}
