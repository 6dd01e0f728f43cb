//! Glob patterns over the bytes of one name.
//!
//! An own matcher, because globset answers for whole paths in UTF-8, has no way to say "six alphanumerics", and costs a
//! regex engine per name; a directory of a million entries asks a million times. `families`, `roles` and the site's
//! configuration use it.
//!
//! | text | takes |
//! |---|---|
//! | `?` | one byte |
//! | `*` | any bytes, none included |
//! | `[a-z_]`, `[!0-9]` | one byte of the set, or not of it |
//! | `\x` | the byte `x` itself |
//! | `{X6}` | six of `A-Za-z0-9` (mkstemp, the Rust tempfile crate, mktemp) |
//! | `{Y6}` | the same, but not six lower-case letters nor six digits, where a word or a date could stand |
//! | `{P8}` | eight of `a-z0-9_` (Python's tempfile), at least one of them no letter, so that words do not match |
//! | `{W10}` | ten of `A-Za-z0-9_` (Perl's File::Temp), among them both cases and a digit |
//! | `{H32}` | 32 of `0-9a-f` |
//! | `{D5}` | five digits |
//!
//! Without a number a class takes one or more, as many as there are, and gives none back: `{D}-x` is digits, then `-x`.

use super::class::Class;

/// A compiled pattern.
#[derive(Clone, Debug)]
pub struct Pattern {
    text: String,
    /// The parts between the stars.
    segments: Vec<Vec<Piece>>,
    /// The bytes with which every match ends: looked at first, because most names fail here.
    tail: Vec<u8>,
    /// How many bytes the last part takes, where that is fixed.
    last_width: Option<usize>,
}

#[derive(Clone, Debug)]
enum Piece {
    Literal(Vec<u8>),
    Class { class: Class, count: Option<usize> },
}

impl Pattern {
    /// Compiles a pattern; the error says in words what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut segments = vec![Vec::new()];
        let mut rest = text.as_bytes();
        while let Some((&byte, after)) = rest.split_first() {
            if byte == b'*' {
                segments.push(Vec::new());
                rest = after;
                continue;
            }
            let (piece, left) = piece(byte, after)?;
            rest = left;
            if let Some(last) = segments.last_mut() {
                push(last, piece);
            }
        }
        if segments.len() > 6 {
            return Err("has more than five `*`".to_owned());
        }
        let last: &[Piece] = segments.last().map_or(&[], Vec::as_slice);
        let tail = match last.last() {
            Some(Piece::Literal(bytes)) => bytes.clone(),
            _ => Vec::new(),
        };
        let last_width = last.iter().map(Piece::width).sum();
        Ok(Self { text: text.to_owned(), segments, tail, last_width })
    }

    /// The pattern as it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The bytes with which every match starts.
    pub fn literal_prefix(&self) -> &[u8] {
        match self.segments.first().and_then(|first| first.first()) {
            Some(Piece::Literal(bytes)) => bytes,
            _ => &[],
        }
    }

    /// Whether the whole name matches.
    pub fn matches(&self, name: &[u8]) -> bool {
        let fits = |width| if self.segments.len() == 1 { name.len() == width } else { name.len() >= width };
        let hopeful = starts(name, self.literal_prefix()) && ends(name, &self.tail);
        if !hopeful || !self.last_width.is_none_or(fits) {
            return false;
        }
        let Some((first, rest)) = self.segments.split_first() else { return false };
        let Some(mut at) = step(first, name, 0) else { return false };
        let Some((last, middle)) = rest.split_last() else { return at == name.len() };
        for segment in middle {
            match (at..=name.len()).find_map(|from| step(segment, name, from)) {
                Some(end) => at = end,
                None => return false,
            }
        }
        let fills = |from| step(last, name, from) == Some(name.len());
        match self.last_width {
            Some(width) => name.len().checked_sub(width).is_some_and(|from| from >= at && fills(from)),
            None => (at..=name.len()).any(fills),
        }
    }
}

impl Piece {
    /// How many bytes it takes, where that is fixed.
    fn width(&self) -> Option<usize> {
        match self {
            Self::Literal(bytes) => Some(bytes.len()),
            Self::Class { count, .. } => *count,
        }
    }
}

/// `starts_with` byte by byte: these are a few bytes that mostly differ in the first, where a call of memcmp costs more.
fn starts(name: &[u8], prefix: &[u8]) -> bool {
    name.len() >= prefix.len() && name.iter().zip(prefix).all(|(a, b)| a == b)
}

/// `ends_with`, likewise.
fn ends(name: &[u8], tail: &[u8]) -> bool {
    name.len() >= tail.len() && name.iter().rev().zip(tail.iter().rev()).all(|(a, b)| a == b)
}

/// Joins neighbouring literals, so that a prefix is one comparison.
fn push(segment: &mut Vec<Piece>, piece: Piece) {
    if let (Some(Piece::Literal(bytes)), Piece::Literal(more)) = (segment.last_mut(), &piece) {
        bytes.extend_from_slice(more);
        return;
    }
    segment.push(piece);
}

fn piece(byte: u8, after: &[u8]) -> Result<(Piece, &[u8]), String> {
    match byte {
        b'?' => Ok((Piece::Class { class: Class::Any, count: Some(1) }, after)),
        b'[' => set(after),
        b'{' => shorthand(after),
        b'\\' => match after.split_first() {
            Some((&escaped, left)) => Ok((Piece::Literal(vec![escaped]), left)),
            None => Err("ends in a lone `\\`".to_owned()),
        },
        b'/' => Err("holds a `/`, but is compared with one name, not with a path".to_owned()),
        other => Ok((Piece::Literal(vec![other]), after)),
    }
}

fn set(after: &[u8]) -> Result<(Piece, &[u8]), String> {
    let (negated, mut rest) = match after.split_first() {
        Some((b'!' | b'^', left)) => (true, left),
        _ => (false, after),
    };
    let mut members = Vec::new();
    loop {
        rest = match rest {
            [b']', left @ ..] if !members.is_empty() => {
                return Ok((Piece::Class { class: Class::Set { members, negated }, count: Some(1) }, left));
            }
            [low, b'-', high, left @ ..] if *high != b']' => {
                members.push((*low, *high));
                left
            }
            [one, left @ ..] => {
                members.push((*one, *one));
                left
            }
            [] => return Err("has a `[` without its `]`".to_owned()),
        };
    }
}

fn shorthand(after: &[u8]) -> Result<(Piece, &[u8]), String> {
    let unknown = || {
        "has a `{` that starts none of {X6} {Y6} {P8} {W10} {H32} {D5}; write `\\{` for a brace".to_owned()
    };
    let end = after.iter().position(|b| *b == b'}').ok_or_else(unknown)?;
    let (inside, left) = after.split_at(end);
    let (letter, digits) = inside.split_first().ok_or_else(unknown)?;
    let class = match letter {
        b'X' => Class::Alphanumeric,
        b'Y' => Class::MixedAlphanumeric,
        b'P' => Class::Python,
        b'W' => Class::Perl,
        b'H' => Class::Hex,
        b'D' => Class::Digit,
        _ => return Err(unknown()),
    };
    let digits = str::from_utf8(digits).unwrap_or_default();
    let count = match digits {
        "" => None,
        number => Some(number.parse().ok().filter(|n| (1..=255).contains(n)).ok_or_else(unknown)?),
    };
    Ok((Piece::Class { class, count }, left.get(1..).unwrap_or_default()))
}

/// Where the segment ends if it matches from `at` on.
fn step(segment: &[Piece], name: &[u8], mut at: usize) -> Option<usize> {
    for piece in segment {
        let rest = name.get(at..)?;
        at += match piece {
            Piece::Literal(bytes) => rest.starts_with(bytes).then_some(bytes.len())?,
            Piece::Class { class, count } => class.take(rest, *count)?,
        };
    }
    Some(at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn matches(pattern: &str, name: &str) -> bool {
        Pattern::parse(pattern).expect("parses").matches(name.as_bytes())
    }

    #[test]
    fn six_alphanumerics_are_six_and_alphanumeric() {
        assert!(matches("rustc{X6}", "rustcVAIpSt"));
        for other in ["rustc", "rustcfg", "rustc-analyzer", "rustcVAIpS", "rustcVAIpStt", "rustcVAIp_t"] {
            assert!(!matches("rustc{X6}", other), "{other}");
        }
    }

    #[test]
    fn words_and_dates_are_no_random_suffix_where_the_class_says_so() {
        assert!(matches("sort{Y6}", "sortaB3xYz"));
        assert!(!matches("sort{Y6}", "sortedlist"));
        assert!(!matches("sort{Y6}", "sort202601"));
        assert!(matches("tmp{P8}", "tmpab_3k9xq"));
        assert!(!matches("tmp{P8}", "tmpdownload"));
        assert!(matches("{W10}", "aB3dEf_hiJ"));
        assert!(!matches("{W10}", "cargo_home"));
    }

    #[test]
    fn stars_take_anything_and_give_back() {
        assert!(matches("*-runner*.service", "my-runner-runner@1.service"));
        assert!(matches("a*b*c", "abcbc"));
        assert!(!matches("a*b*c", "acb"));
        assert!(matches("*", ""));
        assert!(matches("cc*.ltrans*.o", "ccAbCdEf.ltrans0.ltrans.o"));
    }

    #[test]
    fn sets_and_escapes_mean_what_a_shell_means() {
        assert!(matches(".X[0-9]*-lock", ".X0-lock"));
        assert!(!matches(".X[!0-9]*-lock", ".X0-lock"));
        assert!(matches("[]a]x", "]x"));
        assert!(matches(r"a\*b", "a*b"));
        assert!(!matches(r"a\*b", "axb"));
    }

    #[test]
    fn a_class_without_a_number_takes_one_or_more() {
        assert!(matches("go-build{D}", "go-build123456"));
        assert!(!matches("go-build{D}", "go-build"));
        assert!(matches("npm-{D}-{H}", "npm-81-0af3"));
    }

    #[test]
    fn a_broken_pattern_says_what_is_wrong() {
        for broken in ["a[b", "x{Q6}", "x{X0}", "x{X", "a\\", "a/b", "*a*b*c*d*e*f*"] {
            assert!(Pattern::parse(broken).is_err(), "{broken}");
        }
    }

    proptest! {
        #[test]
        fn no_text_and_no_name_makes_it_panic(text in "[a-c*?{}XYPWHD0-9\\[\\]!\\\\-]{0,12}", name: Vec<u8>) {
            if let Ok(pattern) = Pattern::parse(&text) {
                pattern.matches(&name);
            }
        }

        #[test]
        fn a_literal_matches_itself_alone(name in "[a-zA-Z0-9._-]{1,20}", other in "[a-zA-Z0-9._-]{1,20}") {
            let pattern = Pattern::parse(&name).expect("parses");
            prop_assert!(pattern.matches(name.as_bytes()));
            prop_assert_eq!(pattern.matches(other.as_bytes()), name == other);
        }
    }
}
