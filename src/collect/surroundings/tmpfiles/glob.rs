//! The globs of one component, as fnmatch(3) has them: `*`, `?`, `[…]`, `\`. Unlike there, a leading dot is matched too, and
//! a set that is not closed matches any byte: both protect more.

/// A text of which no byte means anything else.
pub(super) fn literal(text: &[u8]) -> Vec<u8> {
    text.iter().flat_map(|b| if b"*?[\\".contains(b) { vec![b'\\', *b] } else { vec![*b] }).collect()
}

/// Whether the whole name matches; in time proportional to the product of both lengths at worst.
pub(super) fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let (mut at, mut from) = (0, 0);
    // Where to go on when the last star takes one byte more.
    let mut star: Option<(usize, usize)> = None;
    loop {
        match one(pattern, at, name.get(from).copied()) {
            One::Star => {
                star = Some((at + 1, from));
                at += 1;
                continue;
            }
            One::Takes(next) => {
                at = next;
                from += 1;
                continue;
            }
            One::End if from == name.len() => return true,
            One::End | One::Fails => {}
        }
        match star {
            Some((after, taken)) if taken < name.len() => {
                star = Some((after, taken + 1));
                at = after;
                from = taken + 1;
            }
            _ => return false,
        }
    }
}

enum One {
    Star,
    /// One byte fits; the pattern goes on there.
    Takes(usize),
    Fails,
    End,
}

fn one(pattern: &[u8], at: usize, byte: Option<u8>) -> One {
    let takes = |fits: bool, next: usize| if fits { One::Takes(next) } else { One::Fails };
    match (pattern.get(at), byte) {
        (None, _) => One::End,
        (Some(b'*'), _) => One::Star,
        (Some(_), None) => One::Fails,
        (Some(b'?'), Some(_)) => One::Takes(at + 1),
        (Some(b'\\'), Some(byte)) => match pattern.get(at + 1) {
            Some(next) => takes(*next == byte, at + 2),
            None => takes(byte == b'\\', at + 1),
        },
        (Some(b'['), Some(byte)) => set(pattern, at + 1, byte),
        (Some(other), Some(byte)) => takes(*other == byte, at + 1),
    }
}

fn set(pattern: &[u8], start: usize, byte: u8) -> One {
    let negated = matches!(pattern.get(start), Some(b'!' | b'^'));
    let mut at = start + usize::from(negated);
    let first = at;
    let mut found = false;
    loop {
        let low = match pattern.get(at) {
            None => return One::Takes(pattern.len()),
            Some(b']') if at > first => break,
            // A class such as [:digit:] is taken for any byte.
            Some(b'[') if matches!(pattern.get(at + 1), Some(b':' | b'.' | b'=')) => {
                return skip(pattern, at);
            }
            Some(b'\\') if pattern.get(at + 1).is_some() => {
                at += 1;
                pattern.get(at).copied().unwrap_or_default()
            }
            Some(low) => *low,
        };
        let high = match (pattern.get(at + 1), pattern.get(at + 2)) {
            (Some(b'-'), Some(high)) if *high != b']' => {
                at += 2;
                *high
            }
            _ => low,
        };
        found |= (low..=high).contains(&byte);
        at += 1;
    }
    if found == negated { One::Fails } else { One::Takes(at + 1) }
}

/// Any byte for a set with a class in it: the set ends at the first `]` that does not end a class.
fn skip(pattern: &[u8], from: usize) -> One {
    let mut at = from;
    while let Some(byte) = pattern.get(at) {
        match (byte, pattern.get(at + 1)) {
            (b':' | b'.' | b'=', Some(b']')) => at += 2,
            (b']', _) => return One::Takes(at + 1),
            _ => at += 1,
        }
    }
    One::Takes(pattern.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn matches_as_shells_do() {
        for (pattern, name) in [
            ("a*c", "abbc"),
            ("*", ""),
            ("*.sock", ".sock"),
            ("?x", "ax"),
            ("[a-c]1", "b1"),
            ("[!a-c]1", "d1"),
            ("[]]", "]"),
            (r"\*", "*"),
            ("*-*-x", "a-b-c-x"),
            ("[[:digit:]]x", "7x"),
            ("a[", "ab"),
            ("[a-]", "-"),
        ] {
            assert!(matches(pattern.as_bytes(), name.as_bytes()), "{pattern} takes {name}");
        }
        for (pattern, name) in [
            ("a*c", "abbd"),
            ("?", ""),
            ("?", "ab"),
            ("[a-c]1", "d1"),
            ("[!a-c]", "b"),
            (r"\*", "x"),
            ("a", "ab"),
            ("", "a"),
        ] {
            assert!(!matches(pattern.as_bytes(), name.as_bytes()), "{pattern} does not take {name}");
        }
    }

    proptest! {
        #[test]
        fn ends_whatever_it_is_given(pattern: Vec<u8>, name: Vec<u8>) {
            matches(&pattern, &name);
        }

        #[test]
        fn a_literal_matches_itself_alone(text: Vec<u8>, other: Vec<u8>) {
            prop_assert!(matches(&literal(&text), &text));
            prop_assert_eq!(matches(&literal(&text), &other), text == other);
        }
    }
}
